"""The headcount board and its file."""

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsadmin.core import spreadsheets
from opsadmin.core.downloads import as_table
from opsadmin.core.screens import page, screen
from orgchart.changes import version_number
from orgchart.findings.limits import limits
from orgchart.permissions import may_edit_structure
from staffing.boards.headcount import FILTERS, board, narrowed, totals
from staffing.hiring import hiring_for
from staffing.models import AssignmentKind

MOST_ROWS = 600
MOST_SEATS = 60


def asked_for(request):
    kind = request.GET.get("show", "")
    words = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:60]
    return (kind if kind in FILTERS else ""), words


@screen("org/headcount/", "headcount")
def headcount(request):
    """Plan, filled, short and open by department, with the age of vacancies and who stands in."""
    day, most = timezone.localdate(), limits().cover_days
    hiring = hiring_for(request.user)
    rows = board(day, hiring.wanted, cover_days=most)
    kind, words = asked_for(request)
    shown = narrowed(rows, kind, words)
    root = root_asked_for(request, rows)
    if root is not None:
        shown = [row for row in shown if row.key == root.key or root.key in row.above]
    shown, cut = cut_short(shown, root)
    opened = bool(kind or words or root)
    laid_out = [laid(row, opened, root.level if root else 0, hiring) for row in shown]
    return page(
        request,
        "staffing/headcount.html",
        title=_("Headcount plan"),
        crumbs=[(_("Organisation"), reverse("admin:org_chart"))],
        day=day,
        version=version_number(),
        figures=figures(rows, most),
        tabs=tabs(rows, most),
        kind=kind,
        q=words,
        root=root,
        rows=hide_closed(laid_out, opened),
        cut=cut,
        anything=bool(rows),
        long=most,
        may_edit=may_edit_structure(request.user),
        query=request.GET.urlencode(),
    )


def root_asked_for(request, rows):
    asked = request.GET.get("root", "")
    return next((row for row in rows if row.key == asked and not row.is_post), None)


def cut_short(rows, root):
    """Return what fits on a page: of a very large company two levels, each department a link to its own board."""
    if len(rows) <= MOST_ROWS:
        return rows, False
    base = root.level if root else 0
    near = [row for row in rows if row.level <= base + 1 and not (row.is_post and row.level > base + 1)]
    return near[:MOST_ROWS], True


def laid(row, opened, base, hiring):
    """Return a row with what its drawing needs."""
    return {
        "row": row,
        "level": min(row.level - base, 4),
        "parent": row.above[-1] if row.above else "",
        "open": opened or row.seats.short > 0 or (row.level == base and base > 0),
        "strip": strip(row.seats),
        "seconded": seconded(row),
        "ask": hiring.ask_for(row.position) if row.is_post and wants(row) else "",
        "hidden": False,
    }


def wants(row):
    """Whether people could be asked for: places are free, and not asked for yet."""
    free = row.seats.short + row.seats.open
    return free > sum(request.left for request in row.hiring)


def hide_closed(rows, opened):
    """Hide what stands under a closed department; the script opens it."""
    closed = {entry["row"].key for entry in rows if not entry["open"] and not entry["row"].is_post}
    parents = {entry["parent"] for entry in rows}
    for entry in rows:
        entry["hidden"] = not opened and bool(closed & set(entry["row"].above))
        entry["has_children"] = entry["row"].key in parents
    return rows


def strip(seats):
    """Return the seats as squares: (x, class), one for each person or place; None for more than a strip can show."""
    kinds = [("f", seats.filled), ("v", seats.short), ("o", seats.open)]
    if sum(count for _kind, count in kinds) + seats.extra > MOST_SEATS:
        return None
    squares, x = [], 1
    for kind, count in kinds:
        for _n in range(count):
            squares.append((x, kind, x + 7))
            x += 9
    x += 4 if squares and seats.extra else 0
    for _n in range(seats.extra):
        squares.append((x, "x", x + 7))
        x += 9
    return {"squares": squares, "width": x + 1}


def seconded(row):
    """Return [(department, how many)] of those who are seconded to a post."""
    found = {}
    for cover in row.covers:
        if cover.kind == AssignmentKind.SECONDED:
            found[cover.department] = found.get(cover.department, 0) + 1
    return list(found.items())


def figures(rows, most):
    seats, covers, long = totals(rows)
    share = f"{seats.filled * 100 // seats.low}%" if seats.low else "—"
    return [
        {"label": _("Headcount plan"), "value": seats.words, "unit": _("least–most")},
        {
            "label": _("Filled"),
            "value": seats.filled,
            "unit": _("%(share)s of the least") % {"share": share},
        },
        {
            "label": pgettext("headcount", "Short"),
            "value": seats.short,
            "unit": _("below the least"),
            "tone": "sign" if seats.short else "",
        },
        {"label": pgettext("headcount", "Open"), "value": seats.open, "unit": _("up to the most")},
        {
            "label": _("Filled without plan"),
            "value": seats.extra,
            "unit": _("not counted"),
            "tone": "warn" if seats.extra else "",
        },
        {
            "label": _("Covered beside another post"),
            "value": covers,
            "unit": _("%(n)s over %(days)s days") % {"n": long, "days": most},
            "tone": "warn" if long else "",
        },
    ]


def tabs(rows, most):
    """Return (code, word, how many posts) of each filter."""
    posts = [row for row in rows if row.is_post]
    words = {
        "short": pgettext("headcount", "Short"),
        "open": pgettext("headcount", "Open"),
        "unplanned": _("Without plan"),
        "cover": _("Over %(days)s days") % {"days": most},
    }
    return [
        ("", pgettext("filter", "All"), None),
        *[(code, word, sum(map(FILTERS[code], posts))) for code, word in words.items()],
    ]


def header():
    return [
        *(_("Level"), pgettext("org", "Department"), pgettext("job", "Position"), _("Code")),
        *(_("Headcount at least"), _("Headcount at most"), _("Plan in words"), _("Filled")),
        *(pgettext("headcount", "Short"), pgettext("headcount", "Open"), _("Filled without plan")),
        *(_("Vacant since"), _("Days vacant"), _("Who covers")),
        *(pgettext("headcount", "People asked for"), _("Hiring requests"), _("Tentative")),
    ]


def cells(row, names):
    """Return a row of the file; a department's own line carries the sums over everything below it."""
    seats = row.seats
    covers = "; ".join(
        f"{cover.name} {AssignmentKind(cover.kind).label} {cover.days}" for cover in row.covers
    )
    return [
        row.level,
        names[row.above[-1]] if row.is_post else row.name,
        row.name if row.is_post else "",
        row.position.code if row.is_post else "",
        seats.low if seats.planned else None,
        seats.high if seats.planned else None,
        row.plan,
        seats.filled,
        seats.short,
        seats.open,
        seats.extra,
        row.vacant_since,
        row.vacant_days,
        covers,
        sum(request.left for request in row.hiring) or None,
        ", ".join(request.number for request in row.hiring),
        _("yes") if row.tentative else "",
    ]


@screen("org/headcount/export/", "headcount_export")
def headcount_export(request):
    """The board as it is filtered now, as a workbook or a CSV file."""
    rows = board(timezone.localdate(), hiring_for(request.user).wanted)
    names = {row.key: row.name for row in rows}
    shown = narrowed(rows, *asked_for(request))
    as_csv = request.GET.get("format") == "csv"
    filename = f"{_('Headcount plan')}-{timezone.localdate():%Y%m%d}.{'csv' if as_csv else 'xlsx'}"
    lines = (cells(row, names) for row in shown)
    sheet = spreadsheets.SheetOut(_("Headcount plan"), header(), lines, text_columns=[_("Code")])
    return as_table(filename, sheet)
