"""Disputes and meetings over hand-offs: a form, the pairs of departments as a heat map, and the last ones."""

from datetime import date

from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from opsadmin.core.screens import page, screen
from orgchart.frictions import by_step, heat_map, log_friction, window
from orgchart.models import Department, Friction, FrictionKind, HandoffStep, OrgStatus
from orgchart.permissions import may_edit_structure

WINDOWS = (30, 90, 365)
MOST_ROWS = 50


@screen("org/frictions/", "frictions")
def frictions(request):
    """Where departments quarrel or meet about a step: read by everybody, logged by HR."""
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, WINDOWS) else 90
    today = timezone.localdate()
    since = window(days, today)
    departments, rows = heat_map(since)
    logged = Friction.objects.filter(day__gte=since).select_related("step__flow", "one", "other", "logged_by")
    may_log = may_edit_structure(request.user)
    return page(
        request,
        "staffing/frictions.html",
        title=_("Disputes and meetings"),
        crumbs=[
            (_("Organisation"), reverse("admin:org_chart")),
            (_("Findings"), reverse("admin:findings")),
        ],
        days=days,
        windows=WINDOWS,
        heads=departments,
        heat=rows,
        by_step=by_step(since),
        logged=logged[:MOST_ROWS],
        may_log=may_log,
        steps=HandoffStep.objects.select_related("flow").exclude(lost=True) if may_log else (),
        departments=departments_in_order() if may_log else (),
        kinds=FrictionKind.choices,
        today=today,
    )


def departments_in_order():
    return Department.objects.without_tree_fields().exclude(status=OrgStatus.CLOSED).order_by("order", "code")


@screen("org/frictions/log/", "friction_log", methods=("POST",), may=may_edit_structure)
def friction_log(request):
    """Log one dispute or meeting."""
    step = get_object_or_404(HandoffStep, pk=number_in(request, "step"))
    keys = [number_in(request, name) for name in ("one", "other")]
    log_friction(
        by=request.user,
        step=step,
        kind=request.POST.get("kind", ""),
        day=day_in(request.POST.get("day", "")),
        departments=Department.objects.without_tree_fields().filter(pk__in=keys),
        note=request.POST.get("note", ""),
    )
    return redirect("admin:frictions")


def number_in(request, name):
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def day_in(text):
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
