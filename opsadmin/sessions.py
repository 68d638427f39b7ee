"""Where an account is signed in: its open sessions with device, address and last use. Each can be ended alone.

Read from the sessions themselves, so that nothing is kept twice and no request pays for a page that few open.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsadmin.audit.recording import digest_of_session, session_digest
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.signin import ADDRESS, AGENT, BEGAN_AT, SEEN_AT

# What stands in the line with which a browser introduces itself → what people call it; the first that fits.
BROWSERS = (
    ("MicroMessenger/", gettext_lazy("WeChat")),
    ("DingTalk/", gettext_lazy("DingTalk")),
    ("QQBrowser/", gettext_lazy("QQ Browser")),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class OpenSession:
    """One session of an account; ``digest`` is the name that the audit log gives it, and tells nothing of its key."""

    key: str
    digest: str
    device: str
    address: str
    began_at: datetime | None
    seen_at: datetime | None
    here: bool


def device_of(agent):
    """Return browser and system in words: ``Chrome · Windows``."""
    known = [next((str(word) for mark, word in table if mark in agent), "") for table in (BROWSERS, SYSTEMS)]
    return " · ".join(filter(None, known)) or _("unknown device")


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def is_open(data, user):
    """Say whether a session's next request would still be the account's."""
    if data.get(SESSION_KEY) != str(user.pk) or BACKEND_SESSION_KEY not in data:
        return False
    idle = time.time() - data.get(SEEN_AT, 0)
    same = constant_time_compare(data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
    return same and idle <= settings.SESSION_IDLE_MINUTES * 60


def open_sessions(user, here):
    """Return the open sessions of an account, this one first, then the last used first. One statement.

    All sessions are read, since only inside they say whose they are: some 30 microseconds each.
    """
    store, found = SessionStore(), []
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        data = store.decode(row.session_data)
        if is_open(data, user):
            found.append(
                OpenSession(
                    key=row.session_key,
                    digest=digest_of_session(row.session_key),
                    device=device_of(data.get(AGENT, "")),
                    address=data.get(ADDRESS) or "—",
                    began_at=moment(data.get(BEGAN_AT)),
                    seen_at=moment(data.get(SEEN_AT)),
                    here=row.session_key == here,
                )
            )
    return sorted(found, key=lambda one: (not one.here, -(one.seen_at.timestamp() if one.seen_at else 0)))


@screen("profile/sessions/", "own_sessions")
def sessions(request):
    """Where one's own account is signed in now."""
    return page(
        request,
        "op/signin/sessions.html",
        title=_("Signed-in devices"),
        crumbs=[(_("Profile"), reverse("admin:profile"))],
        found=open_sessions(request.user, request.session.session_key),
        idle_minutes=settings.SESSION_IDLE_MINUTES,
        hours=settings.SESSION_HOURS,
    )


@screen("profile/sessions/<slug:digest>/end/", "own_session_end", methods=("POST",))
def end_session(request, digest):
    """End one other session of one's own: its next request is a stranger's."""
    if digest == session_digest(request):
        raise Refusal(_("This is the session you are using: log out instead."))
    found = open_sessions(request.user, request.session.session_key)
    keys = [one.key for one in found if one.digest == digest]
    if not keys:
        raise Http404
    Session.objects.filter(session_key__in=keys).delete()
    messages.success(request, _("Signed out there."))
    return redirect("admin:own_sessions")
