"""The archive: is its chain complete, what was filed, what is coming."""

from datetime import date, timedelta

from django.db.models import Avg, Count, F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from approvals.admin.archive import properties
from approvals.archive import anchors, checking
from approvals.models import ArchiveKind, ArchiveRecord, Decision, Verdict
from approvals.permissions import may_search_archive
from opsadmin.charts import bars
from opsadmin.core.moments import when
from opsadmin.dashboard.work import by_week, hours, in_hours

LAST = 4
VERIFIED_WITHIN = timedelta(hours=36)


def filings():
    return ArchiveRecord.objects.filter(kind=ArchiveKind.FILING)


def last_report(user):
    """Return the report of the last check of the whole archive, or None; read once per page."""
    if not hasattr(user, "_report"):
        user._report = checking.last_report()
    return user._report


def chain_banner(user, now):
    """Say whether the chain is complete, when that was found, or that nobody has looked for too long."""
    report = last_report(user)
    banner = {"url": reverse("admin:archive_check"), "action": _("See the report"), "icon": "shield"}
    if report is None:
        text = _("The archive has never been verified.")
        return {**banner, "tone": "warn", "strong": text, "text": "", "action": _("Verify now")}
    known = {"time": when(report.began), "records": report.records, "files": report.files}
    if not report.whole:
        first = report.first.text if report.first else ""
        text = _("Mismatch: stop filing and call the administrator.")
        return {**banner, "tone": "block", "icon": "block", "strong": text, "text": first}
    verified = _("Verified %(time)s: %(records)d records and %(files)d files, all equal.") % known
    if now - report.began > VERIFIED_WITHIN:
        return {**banner, "tone": "warn", "strong": _("Not verified today."), "text": verified}
    return {**banner, "tone": "ok", "strong": _("The archive chain is complete."), "text": verified}


def checkpoints_banner(user, now):
    """Say that the checkpoints have not left this machine for a day; nothing while they do."""
    state = anchors.state_of(anchors.places())
    if state.tone not in ("warn", "block") or not filings().exists():
        return None
    return {
        "url": reverse("admin:checkpoints"),
        "action": _("Checkpoints elsewhere"),
        "icon": "block" if state.tone == "block" else "warn",
        "tone": state.tone,
        "strong": state.strong,
        "text": state.text,
    }


def year_start(now):
    return timezone.localtime(now).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)


def filed_figure(user, now):
    found = (
        filings()
        .filter(at__gte=year_start(now))
        .aggregate(all=Count("pk"), lists=Count("pk", filter=Q(document_kind="price_list")))
    )
    known = {"lists": found["lists"], "promotions": found["all"] - found["lists"]}
    return {
        "label": _("Filed this year"),
        "value": f"{found['all']:,}",
        "unit": pgettext("unit", "filings"),
        "note": _("price lists %(lists)d · promotions %(promotions)d") % known,
    }


def duration_figure(user, now):
    """Mean time from a document's arrival at finance to its filing, this month and the month before."""
    this = timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = (this - timedelta(days=1)).replace(day=1)
    took = F("at") - F("task__opened_at")
    found = Decision.objects.filter(verdict=Verdict.FILE, at__gte=last).aggregate(
        this=Avg(took, filter=Q(at__gte=this)), last=Avg(took, filter=Q(at__lt=this))
    )
    note = _("last month %(n)s h") % {"n": hours(found["last"])} if found["last"] else _("nothing last month")
    return {"label": _("Mean time to file"), **in_hours(found["this"]), "note": note}


def expiring_figure(user, now):
    """Filings whose retention ends next year and that somebody has to judge."""
    year = timezone.localtime(now).year + 1
    ending = filings().filter(retained_until__gte=date(year, 1, 1), retained_until__lt=date(year + 1, 1, 1))
    return {
        "label": _("Ending in %(year)d") % {"year": year},
        "value": ending.count(),
        "unit": pgettext("unit", "filings"),
        "note": _("retention to be judged"),
    }


def last_card(user, now):
    records = filings().order_by("-sequence")[:LAST]
    may_open = may_search_archive(user)
    rows = [
        {
            "title": record.title,
            "number": record.number,
            "lines": record.line_count,
            "at": record.at,
            "url": reverse("admin:archive_record", args=[record.number]) if may_open else "",
        }
        for record in records
    ]
    return {
        "template": "op/dashboard/filings.html",
        "title": _("Last filings"),
        "rows": rows,
        "nothing": _("Nothing has been filed yet."),
    }


def weeks_card(user, now):
    counts = by_week(filings(), "at", now)
    return {
        "template": "op/dashboard/weeks.html",
        "title": _("Filings per week"),
        "note": _("last 8 weeks"),
        "bars": bars(counts) if any(count for _label, count in counts) else None,
        "nothing": _("Nothing was filed in these weeks."),
    }


def four_card(user, now):
    """The four properties of electronic archives, as far as the last check says something of them."""
    report = last_report(user)
    return {
        "template": "op/dashboard/four.html",
        "title": _("Four properties"),
        "note": when(report.began) if report else "",
        "rows": properties(report),
        "nothing": _("Nothing can be said of them before the first check."),
    }
