"""The checkpoints leave this machine: daily to files elsewhere, to web addresses and by mail, as configured.

Whoever can write the database and the checkpoint file here can forge both. What has left cannot be called back.
"""

import hashlib
import logging
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from approvals.archive.filing import anchor
from approvals.models import ArchiveRecord, CheckpointTarget
from opsadmin.core import clock
from opsadmin.core.notices import tell
from opsadmin.core.sealing import ChainBroken
from staffing.people import people_of_role

logger = logging.getLogger(__name__)

# Tried each hour, so that less than a day lies between two arrivals while all goes well.
SENT_EVERY = timedelta(hours=22)
LATE_AFTER = timedelta(days=1)
SECONDS = 20
FILE_NAME = "checkpoints.jsonl"


class NotSent(Exception):
    """A target did not take the checkpoints; the text says why."""


FAILURES = (NotSent, ChainBroken, OSError, URLError, HTTPException, smtplib.SMTPException, ValueError)
REASONS = (
    (TimeoutError, gettext_lazy("no answer in time")),
    (ConnectionError, gettext_lazy("the connection was refused or broke off")),
    (socket.gaierror, gettext_lazy("the name of the machine is unknown")),
    (ssl.SSLError, gettext_lazy("the certificate is not valid")),
    (FileNotFoundError, gettext_lazy("the folder does not exist")),
    (PermissionError, gettext_lazy("the file may not be written")),
    (smtplib.SMTPException, gettext_lazy("the mail server refused the message")),
    (HTTPException, gettext_lazy("the answer cannot be understood")),
)


def to_file(path):
    """Bring the copy at a path up to date; what it holds already must be what is here."""
    anchor().copy_to(path)


def to_address(url):
    """POST the whole file of checkpoints to a web address. Only an answer of 2xx counts; redirections do not."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise NotSent(_("write an address that begins with https://"))
    opener = OpenerDirector()
    for handler in (HTTPHandler(), HTTPSHandler()):
        opener.add_handler(handler)
    request = Request(url, data=content(), headers={"Content-Type": "application/x-ndjson"}, method="POST")
    with opener.open(request, timeout=SECONDS) as answer:
        if not 200 <= answer.status < 300:
            raise NotSent(_("the answer was %(status)s") % {"status": answer.status})


def to_mail(address):
    """Send the whole file of checkpoints as an attachment."""
    point = anchor().latest()
    message = EmailMessage(
        _("Checkpoint of the archive: %(number)s") % {"number": point.number},
        _("The archive had %(count)s records and ended with %(number)s. Keep this message.")
        % {"count": point.count, "number": point.number},
        to=[address],
    )
    message.attach(FILE_NAME, content(), "application/octet-stream")
    message.send()


def content():
    return anchor().path.read_bytes()


@dataclass(frozen=True)
class Target:
    """One configured place; ``name`` tells nothing secret, ``key`` names it in the database."""

    way: object
    name: str
    key: str
    send: Callable[[], None]


WAYS = (
    ("ANCHOR_COPIES", pgettext_lazy("checkpoints", "file"), to_file, str),
    (
        "ANCHOR_URLS",
        pgettext_lazy("checkpoints", "web address"),
        to_address,
        lambda url: urlsplit(url).hostname or url,
    ),
    ("ANCHOR_MAIL", pgettext_lazy("checkpoints", "mail"), to_mail, str),
)


def targets():
    """Return every configured Target: files, then web addresses, then mail."""
    return [
        Target(way, name(where), key_of(name(where), where), lambda send=send, where=where: send(where))
        for setting, way, send, name in WAYS
        for where in getattr(settings, setting)
    ]


def key_of(name, where):
    """Return under which key it is noted when a target had the checkpoints last."""
    return f"{name[:40]} {hashlib.sha256(where.encode()).hexdigest()[:6]}"


def send_checkpoints():
    """Send the checkpoints to every target that has not had them today; returns the names of those that failed.

    Called each hour, so that a target that was away is tried again. The administrators read once a day of one that
    still fails.
    """
    failed = []
    for target in targets():
        if not anchor().path.exists() or had_them(target.key):
            continue
        try:
            last = anchor().latest()
            target.send()
        except FAILURES as error:
            logger.warning("checkpoints not sent", extra={"target": target.name, "why": str(error)})
            failed.append(target.name)
            note(target, error=reason(error))
            tell_of_failure(target, error)
        else:
            note(target, error="", reached_at=clock.now(), sequence=last.sequence)
    return failed


def had_them(key):
    return CheckpointTarget.objects.filter(key=key, reached_at__gt=clock.now() - SENT_EVERY).exists()


def note(target, **found):
    CheckpointTarget.objects.update_or_create(key=target.key, defaults={"tried_at": clock.now(), **found})


def reason(error):
    """Return in the reader's language why a target failed; what no sentence is known for speaks for itself."""
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    for kind, text in REASONS:
        if isinstance(cause, kind):
            return str(text)
    return getattr(cause, "strerror", None) or str(cause)


def tell_of_failure(target, error):
    text = _("The checkpoints of the archive did not reach %(target)s: %(why)s")
    tell(
        people_of_role("administrator"),
        text % {"target": target.name, "why": reason(error)},
        url=reverse("admin:checkpoints"),
        key=f"anchor {target.key}:{clock.today()}",
    )


# ── What people see of it ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Place:
    """What a target has, and whether it should have had more for over a day."""

    way: object
    name: str
    reached_at: datetime | None
    sequence: int
    error: str
    late: bool


def places():
    """Return the Place of each configured target."""
    known = {one.key: one for one in CheckpointTarget.objects.all()}
    first = ArchiveRecord.objects.order_by("sequence").values_list("at", flat=True).first()
    before = clock.now() - LATE_AFTER
    found = []
    for target in targets():
        row = known.get(target.key) or CheckpointTarget(key=target.key)
        since = row.reached_at or first
        late = bool(since and since < before)
        found.append(Place(target.way, target.name, row.reached_at, row.sequence, row.error, late))
    return found


@dataclass(frozen=True)
class State:
    """All places in one sentence; ``tone``: ok, info (new ones), warn (some late, or no place), block (all late)."""

    tone: str
    strong: str
    text: str


def state_of(found):
    """Return the State of some places."""
    late = [one for one in found if one.late]
    names = "、".join(one.name for one in late)
    if not found:
        return State(
            "warn",
            _("The checkpoints of the archive are kept on this machine only."),
            _("Name a place that its administrators cannot write: a file, a web address or a mail address."),
        )
    if len(late) == len(found):
        return State(
            "block", _("The checkpoints of the archive have not left this machine for a day."), names
        )
    if late:
        text = _("Without the checkpoints for over a day: %(places)s")
        return State("warn", _("Some places lack the newest checkpoints."), text % {"places": names})
    if waiting := "、".join(one.name for one in found if not one.reached_at):
        text = _("Not yet sent to: %(places)s") % {"places": waiting}
        return State("info", _("Some places have not had the checkpoints yet."), text)
    return State("ok", _("The checkpoints of the archive left this machine within a day."), "")
