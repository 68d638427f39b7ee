"""The audit log on a screen: newest first, narrowed by person, object, action, day and result; and out as a file."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Q
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsadmin.audit.words import actions_named, words
from opsadmin.core import spreadsheets
from opsadmin.core.downloads import as_table
from opsadmin.core.models import AuditEntry, AuditResult
from opsadmin.core.screens import page, screen
from opsadmin.permissions import may_read_audit

PAGE_SIZE = 50
LARGEST_EXPORT = 100_000
TONES = {"begun": "info", "done": "ok", "not_taken": "info", "refused": "warn", "failed": "block"}


@dataclass(frozen=True)
class Wanted:
    """What the log is narrowed to; blank fields narrow nothing. Days are those of Asia/Shanghai, both included."""

    person: str = ""
    about: str = ""
    action: str = ""
    result: str = ""
    first: date | None = None
    last: date | None = None


def wanted_of(query):
    """Return what is looked for, and a sentence for each field that cannot be read."""
    faults, days = [], {}
    for name in ("first", "last"):
        text = query.get(name, "").strip()
        try:
            days[name] = date.fromisoformat(text.replace("/", "-")) if text else None
        except ValueError:
            days[name] = None
            faults.append(_("“%(text)s” is no date; write it as 2026-11-24.") % {"text": text[:20]})
    result = query.get("result", "")
    texts = {
        name: " ".join(query.get(name, "").replace("\x00", "").split())[:60]
        for name in ("person", "about", "action")
    }
    return Wanted(**texts, **days, result=result if result in AuditResult.values else ""), faults


def entries(wanted):
    """Return the entries that fit, newest first."""
    found = AuditEntry.objects.select_related("user").order_by("-pk")
    if wanted.person:
        found = found.filter(
            Q(who=wanted.person) | Q(user__username=wanted.person) | Q(user__name__icontains=wanted.person)
        )
    if wanted.about:
        found = found.filter(about__icontains=wanted.about)
    if wanted.action:
        found = found.filter(action__in=actions_named(wanted.action))
    if wanted.result:
        found = found.filter(result=wanted.result)
    if wanted.first:
        found = found.filter(at__gte=start_of(wanted.first))
    if wanted.last:
        found = found.filter(at__lt=start_of(wanted.last + timedelta(days=1)))
    return found


def start_of(day):
    return datetime.combine(day, time(), tzinfo=timezone.get_default_timezone())


@screen("audit/", "audit", may=may_read_audit)
def audit(request):
    wanted, faults = wanted_of(request.GET)
    found = entries(wanted)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    rows = list(found[: PAGE_SIZE + 1])
    following = rows[PAGE_SIZE - 1].pk if len(rows) > PAGE_SIZE else None
    for row in rows:
        row.words, row.tone = words(row.action), TONES[row.result]
    return page(
        request,
        "op/audit.html",
        title=_("Audit log"),
        rows=rows[:PAGE_SIZE],
        wanted=request.GET,
        narrowed=wanted != Wanted(),
        faults=faults,
        results=AuditResult.choices,
        files=[(name, address(request, format=name)) for name in ("xlsx", "csv")],
        pager={
            "first": address(request) if before else None,
            "next": address(request, before=following) if following else None,
        },
    )


def address(request, **changes):
    """Return the query of the same filters."""
    known = {name: value for name, value in request.GET.items() if value and name not in ("before", "format")}
    return "?" + urlencode(known | changes)


@screen("audit/export/", "audit_export", may=may_read_audit)
def export(request):
    """Give the entries out as a workbook or CSV; what looks like a formula stays text."""
    wanted, _faults = wanted_of(request.GET)
    rows = entries(wanted)[: LARGEST_EXPORT + 1]
    if rows.count() > LARGEST_EXPORT:
        messages.error(
            request,
            _("More than %(n)s entries: narrow the days first.") % {"n": f"{LARGEST_EXPORT:,}"},
        )
        return redirect("admin:audit")
    kind = "csv" if request.GET.get("format") == "csv" else "xlsx"
    header = list(columns())
    body = (list(columns(row).values()) for row in rows.iterator(chunk_size=2000))
    sheet = spreadsheets.SheetOut(_("Audit log"), header, body, text_columns=header)
    return as_table(f"{_('Audit log')}-{timezone.localdate():%Y%m%d}.{kind}", sheet)


def columns(row=None):
    """Return {header: value} of an entry; moments in UTC with their offset."""
    given = row or AuditEntry(result="done")
    return {
        _("number"): str(given.pk),
        _("time (UTC)"): given.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        _("sign-in name"): given.who,
        _("name"): str(given.user or ""),
        _("IP address"): given.address or "",
        _("session"): given.session,
        _("action"): words(given.action) if given.action else "",
        _("object"): given.about,
        _("method"): given.method,
        pgettext("web", "address"): given.path,
        _("status"): str(given.status),
        _("result"): given.get_result_display(),
        _("detail"): given.detail,
    }
