"""Judging a request and its answer, and writing the entry; two for an answer whose end comes later."""

import hashlib
import json
import logging
import unicodedata
from copy import copy

from django.contrib import messages
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from opsadmin.audit.objects import about
from opsadmin.core.addresses import client_address
from opsadmin.core.models import AuditEntry, AuditResult, User

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# What the reading of these shows is secret, although nothing is downloaded.
SECRET_PAGES = {"recovery_codes"}
# A page tells that it is open: that decides nothing and would fill the log.
SILENT = {"review_seen"}
# Their page is the answer to what was done, not the form again.
ANSWERED_BY_A_PAGE = {"logout"}
HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
PIECE = 1 << 16
REFUSED = {401, 403, 404, 405, 409, 413, 429}
log = logging.getLogger("opsadmin.audit")


def clean(text, limit):
    """Return text on one line: control and invisible characters are written out (``\\x0a``, ``\\u202e``)."""
    seen = "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in HIDDEN_CATEGORIES else char
        for char in str(text)[: limit * 2]
    )
    return seen[:limit]


def session_digest(request):
    """Return what tells sessions apart, and of which no session can be made."""
    key = getattr(getattr(request, "session", None), "session_key", None)
    return digest_of_session(key) if key else ""


def digest_of_session(key):
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def action_of(request):
    match = request.resolver_match
    return (match.view_name or "").removeprefix("admin:") if match else ""


def is_worth_an_entry(request, response, signed_in):
    """Say whether a request changed something, took data out of the system, or was refused."""
    action = action_of(request)
    if request.method not in SAFE_METHODS:
        return action not in SILENT or response.status_code >= 400
    if "attachment" in response.get("Content-Disposition", "") or action in SECRET_PAGES:
        return True
    if response.status_code in (403, 405, 429) or response.status_code >= 500:
        return True
    if not signed_in or not action:
        return False
    return response.status_code == 404 or bool(warnings(request, messages.WARNING))


def warnings(request, level):
    """Return the sentences of at least this level that were left for the next page."""
    queued = getattr(getattr(request, "_messages", None), "_queued_messages", ())
    return [str(message) for message in queued if message.level >= level]


def result_of(request, response):
    """Return (result, sentence): what became of the request, as far as its answer tells."""
    status, reason = response.status_code, getattr(request, "refused", "")
    if status >= 500:
        return AuditResult.FAILED, reason
    if status >= 400:
        return AuditResult.REFUSED if status in REFUSED else AuditResult.NOT_TAKEN, reason or told(response)
    if request.method in SAFE_METHODS:
        said = warnings(request, messages.WARNING) if status == 302 else []
        return (AuditResult.REFUSED if said else AuditResult.DONE), " ".join(said)
    said = warnings(request, messages.ERROR)
    if reason or said:
        return AuditResult.REFUSED, reason or " ".join(said)
    if status == 302 and "/login/" in response.headers["Location"]:
        return AuditResult.REFUSED, ""
    shown_again = status == 200 and getattr(response, "context_data", None) is not None
    shown_again = shown_again and action_of(request) not in ANSWERED_BY_A_PAGE
    return (AuditResult.NOT_TAKEN, told(response)) if shown_again else (AuditResult.DONE, "")


def told(response):
    """Return the sentence of a refusal as the page or the JSON carries it."""
    if response.get("Content-Type", "").startswith("application/json") and not response.streaming:
        try:
            found = json.loads(response.content)
        except ValueError:
            return ""
        return found.get("refused", "") if isinstance(found, dict) else ""
    return (getattr(response, "context_data", None) or {}).get("refused", "")


def who_was_it(request, before):
    """Return (account, sign-in name): of the session before or after the request, else the one that was tried."""
    user = getattr(request, "user", None)
    after = user if user is not None and user.is_authenticated else None
    found = before or after or getattr(request, "tried", None)
    if found is None and action_of(request) == "login" and request.method == "POST":
        name = request.POST.get("username", "")[:150]
        found = User.objects.filter(username=name).first() if "\x00" not in name else None
    return found, found.username if found else ""


def write(request, response, before):
    """Write what became of a request; of a file that is still to be sent, that it began, and later how it ended."""
    entry = entry_of(request, response, before)
    if response.streaming and entry.result == AuditResult.DONE:
        entry.result = AuditResult.BEGUN
        # Of a kept file; watched, its pieces pass through Python, and Django's are small.
        response.block_size = PIECE
        response.streaming_content = Watched(response.streaming_content, entry)
    keep(entry, request.resolver_match)


def entry_of(request, response, before):
    result, detail = result_of(request, response)
    user, who = who_was_it(request, before)
    return AuditEntry(
        at=timezone.now(),
        user=user,
        who=clean(who, 150),
        address=client_address(request),
        session=request.audit_session,
        action=clean(action_of(request), 100),
        method=clean(request.method, 10),
        about="",
        path=clean(request.path, 300),
        status=response.status_code,
        result=result,
        detail=clean(detail, 300),
    )


def keep(entry, match=None):
    """Insert an entry; when that fails, the line in the program's log stays, and so does the answer."""
    try:
        if match is not None:
            entry.about = clean(about(match), 120)
        entry.save(force_insert=True)
    except DatabaseError:
        log.exception("not in the database: %s", as_line(entry))
    else:
        log.info("%s", as_line(entry))


class Watched:
    """The pieces of a file on their way; at their end an entry says whether all of them were taken.

    Entries take INSERT only, so that this one is a second one. A process that is killed leaves the first alone: it
    says that the file began to be sent.
    """

    def __init__(self, pieces, begun):
        self.pieces, self.begun, self.language = iter(pieces), begun, get_language()
        self.sent, self.ended = 0, False

    def __iter__(self):
        return self

    def __next__(self):
        try:
            piece = next(self.pieces)
        except StopIteration:
            self.end(whole=True)
            raise
        except BaseException:
            self.end(whole=False)
            raise
        self.sent += len(piece)
        return piece

    def close(self):
        self.end(whole=False)

    def end(self, *, whole):
        """Write once how it ended: the pieces were all taken, or it broke off, by whichever side."""
        if self.ended:
            return
        self.ended = True
        entry = copy(self.begun)
        entry.pk, entry.at = None, timezone.now()
        entry.result = AuditResult.DONE if whole else AuditResult.FAILED
        if not whole:
            with override(self.language):
                size = filesizeformat(self.sent)
                entry.detail = clean(_("Broke off after %(size)s.") % {"size": size}, 300)
        keep(entry)


def as_line(entry):
    """Return the entry as one line of JSON, for collectors of logs."""
    names = ("who", "address", "session", "action", "method", "about", "path", "status", "result", "detail")
    return json.dumps(
        {"at": entry.at.isoformat(), **{name: getattr(entry, name) for name in names}}, ensure_ascii=True
    )


class AuditMiddleware:
    """Write an entry for every request that is worth one; the one place through which all of them go."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        changing = request.method not in SAFE_METHODS
        user = request.user if changing else None
        before = user if user is not None and user.is_authenticated else None
        request.audit_session = session_digest(request)
        response = self.get_response(request)
        # After a GET the user is known if any view asked; after a logout only the one before is.
        signed_in = before is not None or (not changing and request.user.is_authenticated)
        request.audit_session = request.audit_session or session_digest(request)
        if is_worth_an_entry(request, response, signed_in):
            write(request, response, before)
        return response
