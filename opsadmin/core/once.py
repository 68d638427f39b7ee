"""A form takes effect once, however often it is sent: double click, burst, back button, refresh.

Each page that is shown carries a CSRF token of its own. The same token, address and content from the same session is
therefore the same form sent again. Scripts are left alone: they send versions of what they change.
"""

import hashlib
import json
import time
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.contrib import messages
from django.db import DatabaseError, connection
from django.db.models.functions import Now
from django.http import HttpResponseRedirect
from django.utils.translation import gettext as _

from opsadmin.core.models import SentForm

TOKEN = "csrfmiddlewaretoken"
WAIT_SECONDS = 30
KEPT = timedelta(days=1)


class OnceMiddleware:
    """Answer a form that was done already with the place to which it led, and do nothing again."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        key = form_key(request)
        if key is None:
            return self.get_response(request)
        with alone(key) as first:
            if not first:
                messages.warning(
                    request, _("Your first click is still being worked on. Look before you send again.")
                )
                return HttpResponseRedirect("/")
            location = SentForm.objects.filter(pk=key).values_list("location", flat=True).first()
            if location is not None:
                messages.info(request, _("This form was sent more than once. It was done once."))
                return HttpResponseRedirect(location)
            response = self.get_response(request)
            if response.status_code in (302, 303) and not was_refused(request):
                SentForm.objects.get_or_create(key=key, defaults={"location": response.headers["Location"]})
            return response


def form_key(request):
    """Return what tells one sent form from all others; None for what is no form of a signed-in account."""
    if request.method != "POST" or request.headers.get("Accept", "").startswith("application/json"):
        return None
    if not request.user.is_authenticated or TOKEN not in request.POST:
        return None
    files = [[name, [(one.name, one.size) for one in found]] for name, found in request.FILES.lists()]
    told = [request.session.session_key, request.get_full_path(), sorted(request.POST.lists()), sorted(files)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def was_refused(request):
    """Say whether the answer tells of a refusal: then nothing was done, and the same form may be sent again."""
    told = messages.get_messages(request)
    return any(message.level >= messages.ERROR for message in told._queued_messages)


@contextmanager
def alone(key):
    """Let one process at a time work on a form; yields whether this one may, which it cannot for half a minute.

    The lock goes with the connection, so that a killed process leaves none.
    """
    number = int(key[:15], 16)
    may = wait_for_lock(number)
    try:
        yield may
    finally:
        if may:
            with suppress(DatabaseError):
                ask("pg_advisory_unlock", number)


def wait_for_lock(number):
    deadline = time.monotonic() + WAIT_SECONDS
    while not (may := ask("pg_try_advisory_lock", number)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return may


def ask(function, number):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [number])
        return cursor.fetchone()[0]


def forget_old_forms():
    """Forget forms sent more than a day ago: no page is open for so long with a valid session."""
    SentForm.objects.filter(at__lt=Now() - KEPT).delete()
