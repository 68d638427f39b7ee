"""The checkpoints leave this machine: daily to files elsewhere, to web addresses and by mail, as configured.

Whoever can write the database and the checkpoint file here can forge both. What has left cannot be called back.
"""

import hashlib
import logging
import smtplib
from datetime import timedelta
from http.client import HTTPException
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.archive.filing import anchor
from opsadmin.core import clock
from opsadmin.core.models import Heartbeat
from opsadmin.core.notices import tell
from opsadmin.core.sealing import ChainBroken
from opsadmin.core.tasks import heartbeat
from staffing.people import people_of_role

logger = logging.getLogger(__name__)

SENT_EVERY = timedelta(hours=23)
SECONDS = 20
FILE_NAME = "checkpoints.jsonl"


class NotSent(Exception):
    """A target did not take the checkpoints; the text says why."""


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


def targets():
    """Return [(name for people, key, function)] of what is configured; the name tells nothing secret."""
    found = [(f"{path}", path, to_file) for path in settings.ANCHOR_COPIES]
    found += [(urlsplit(url).hostname or url, url, to_address) for url in settings.ANCHOR_URLS]
    found += [(address, address, to_mail) for address in settings.ANCHOR_MAIL]
    return [
        (name, key_of(name, where), lambda send=send, where=where: send(where)) for name, where, send in found
    ]


def key_of(name, where):
    """Return under which name it is noted when a target had the checkpoints last."""
    return f"anchor {name[:40]} {hashlib.sha256(where.encode()).hexdigest()[:6]}"


def send_checkpoints():
    """Send the checkpoints to every target that has not had them today; returns the names of those that failed.

    Called each hour, so that a target that was away is tried again. The administrators read once a day of one that
    still fails.
    """
    failed = []
    for name, key, send in targets():
        if not anchor().path.exists() or had_them(key):
            continue
        try:
            send()
        except (
            NotSent,
            ChainBroken,
            OSError,
            URLError,
            HTTPException,
            smtplib.SMTPException,
            ValueError,
        ) as error:
            logger.warning("checkpoints not sent", extra={"target": name, "why": str(error)})
            failed.append(name)
            tell_of_failure(name, key, error)
        else:
            heartbeat(key)
    return failed


def had_them(key):
    return Heartbeat.objects.filter(name=key, at__gt=clock.now() - SENT_EVERY).exists()


def tell_of_failure(name, key, error):
    text = _("The checkpoints of the archive did not reach %(target)s: %(why)s")
    tell(
        people_of_role("administrator"),
        text % {"target": name, "why": error},
        url=reverse("admin:archive_check"),
        key=f"{key}:{clock.today()}",
    )
