"""Who joins, moves and leaves, who is away; and letting somebody leave."""

from datetime import date, timedelta

from django.contrib import messages
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from staffing import leaving, permissions
from staffing.boards.movements import ENDS, JOINS, LEAVES, STARTS, movements
from staffing.boards.paging import paged
from staffing.boards.screens.choosing import employee_in
from staffing.models import Delegation

BEFORE, AFTER, LONGEST = 30, 60, 400
MOST = 200
WORDS = {
    JOINS: pgettext_lazy("movement", "Joins"),
    STARTS: pgettext_lazy("movement", "Takes a post"),
    ENDS: pgettext_lazy("movement", "Gives up a post"),
    LEAVES: pgettext_lazy("movement", "Leaves"),
}


@screen("org/people/", "movements", may=permissions.may_see_people)
def people_movements(request):
    """The movements of a window of days, what ends with those who leave, and who is away."""
    today = timezone.localdate()
    start, end = window(request, today)
    rows = movements(start, end)
    kind = request.GET.get("show", "")
    fitting = [row for row in rows if kind not in WORDS or row.kind == kind]
    shown, pager = paged(request, fitting, MOST)
    leavers = [row.assignment.employee for row in shown if row.kind == LEAVES]
    left = leaving.what_ends(leavers, today)
    tasks = leaving.open_tasks(leavers)
    may_edit = permissions.may_move_people(request.user)
    return page(
        request,
        "staffing/movements.html",
        title=_("Joiners and leavers"),
        crumbs=[(_("Organisation"), reverse("admin:org_chart"))],
        rows=[laid(row, today, left, tasks) for row in shown],
        tabs=[
            ("", pgettext("filter", "All"), len(rows)),
            *[(code, word, sum(row.kind == code for row in rows)) for code, word in WORDS.items()],
        ],
        kind=kind if kind in WORDS else "",
        pager=pager,
        start=start,
        end=end,
        today=today,
        away=Delegation.objects.filter(end__gt=today)
        .select_related("principal", "delegate")
        .order_by("start", "pk")[:MOST],
        may_edit=may_edit,
    )


def laid(row, today, left, tasks):
    """Return a movement with its words; a leaver with what still hangs on him or her."""
    employee = row.assignment.employee
    tone = {JOINS: "ok", STARTS: "accent", ENDS: "info", LEAVES: "sign"}[row.kind]
    held = {}
    if row.kind == LEAVES:
        held = dict(left.get(employee.pk, {}))
        if tasks.get(employee.pk):
            held["tasks"] = tasks[employee.pk]
    return {"row": row, "tone": tone, "word": WORDS[row.kind], "past": row.day < today, "held": held}


def window(request, today):
    """Return the first and the last day asked for; wrong or far ones become the usual window."""
    try:
        start = date.fromisoformat(request.GET.get("from", ""))
    except ValueError:
        start = today - timedelta(days=BEFORE)
    try:
        end = date.fromisoformat(request.GET.get("to", ""))
    except ValueError:
        end = today + timedelta(days=AFTER)
    try:
        latest = start + timedelta(days=LONGEST)
    except OverflowError:
        start, latest = today - timedelta(days=BEFORE), today + timedelta(days=AFTER)
    return start, min(max(end, start), latest)


@screen("org/people/leave/", "people_leave", methods=("POST",), may=permissions.may_move_people)
def people_leave(request):
    """Let somebody leave after a last day."""
    try:
        employee = employee_in(request.POST.get("employee", ""))
        if employee is None:
            raise Refusal(_("Say who leaves: type a name or a staff number."))
        last_day = date.fromisoformat(request.POST.get("last_day", ""))
        leaving.leave(employee.pk, last_day=last_day, by=request.user)
        messages.success(
            request, _("%(name)s: the last day is %(day)s.") % {"name": employee, "day": last_day.isoformat()}
        )
    except ValueError:
        messages.error(request, _("Say which day is the last one."))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("admin:movements")
