"""How often something may be done in a while: signing in, codes, exports, uploads."""

import logging
import time
from functools import cache

import redis
from django.conf import settings
from django.utils.translation import gettext as _

from opsadmin.core.addresses import client_address
from opsadmin.errors import answer
from opsadmin.proof import OURS, view_name

EXPORTS = {
    "archive_package",
    "archive_part",
    "attachment",
    "audit_export",
    "draft_export",
    "execute_file",
    "headcount_export",
    "import_faulty",
    "job_file",
    "lines_template",
    "org_chart_pdf",
    "org_chart_xlsx",
    "price_voucher",
    "receipt_file",
    "storeteam_export",
    "workplan_export",
}
log = logging.getLogger(__name__)


@cache
def server(url):
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)


def kind_of(request):
    """Return which limit a request falls under, or None."""
    name = view_name(request)
    if request.method == "POST":
        if name == "login":
            return "signin"
        if name == "second_factor_ask" or any(request.POST.get(field) for field in OURS[:2]):
            return "code"
        if request.content_type == "multipart/form-data" and request.FILES:
            return "upload"
    exporting = name in EXPORTS or name.endswith("_export")
    return "export" if exporting else None


def seconds_to_wait(kind, who):
    """Count one more of a kind for somebody; return 0, or how many seconds are left until the next is taken.

    Without the broker nothing is counted: a limit shall not stop the work.
    """
    most, window = settings.RATE_LIMITS[kind]
    now = int(time.time())
    key = f"opsadmin:limit:{kind}:{who}:{now // window}"
    try:
        with server(settings.REDIS_URL).pipeline() as pipe:
            counted, _expires = pipe.incr(key).expire(key, window).execute()
    except redis.RedisError as error:
        log.warning("limits are not counted: %s", error)
        return 0
    return window - now % window if counted > most else 0


class LimitsMiddleware:
    """Refuse what comes too often, with the time to wait."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        kind = kind_of(request) if settings.RATE_LIMITS else None
        if kind is None:
            return None
        signed_in = request.user.is_authenticated
        wait = seconds_to_wait(
            kind, request.user.pk if signed_in and kind != "signin" else client_address(request)
        )
        if not wait:
            return None
        sentence = _("Too often in a short time. Try again in %(n)s seconds; nothing was done.") % {"n": wait}
        response = answer(request, 429, _("Please wait"), sentence, "clock")
        response.headers["Retry-After"] = str(wait)
        return response
