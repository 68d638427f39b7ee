"""Positions: planned, filled, vacant, and assignments that end."""

from datetime import timedelta

from django.db.models import Count, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from opsadmin.core.counting import count_up_to
from orgchart.models import OrgStatus, Position
from staffing.models import Assignment

SOON = timedelta(days=30)
SHOWN = 8


def positions(day):
    """Return positions with how many people hold them on the day, whatever the kind of assignment."""
    on = Q(assignments__start__lte=day) & (Q(assignments__end__isnull=True) | Q(assignments__end__gt=day))
    active = Position.objects.filter(status=OrgStatus.ACTIVE)
    return active.annotate(filled=Count("assignments__employee", filter=on, distinct=True))


def totals(user, now):
    """Return planned and filled seats over all positions; read once per page."""
    if not hasattr(user, "_seats"):
        rows = positions(timezone.localdate(now)).values_list("plan_min", "filled")
        planned = sum(plan or 0 for plan, _filled in rows)
        vacant = sum(max((plan or 0) - filled, 0) for plan, filled in rows)
        user._seats = {"planned": planned, "filled": sum(filled for _plan, filled in rows), "vacant": vacant}
    return user._seats


def plan_figure(user, now):
    url = reverse("admin:orgchart_position_changelist")
    found = totals(user, now)["planned"]
    return {"label": _("Planned headcount"), "value": found, "note": _("at least"), "url": url}


def filled_figure(user, now):
    return {"label": _("Filled"), "value": totals(user, now)["filled"], "note": _("today")}


def vacant_figure(user, now):
    vacant = totals(user, now)["vacant"]
    return {
        "label": _("Vacant"),
        "value": vacant,
        "tone": "warn" if vacant else "",
        "note": _("below the plan"),
    }


def ending(now):
    today = timezone.localdate(now)
    return Assignment.objects.filter(end__gt=today, end__lte=today + SOON)


def ending_figure(user, now):
    return {"label": _("Ending assignments"), "value": count_up_to(ending(now)), "note": _("within 30 days")}


def vacancies_card(user, now):
    found = (
        positions(timezone.localdate(now))
        .annotate(plan=Coalesce("plan_min", 0))
        .filter(plan__gt=0)
        .select_related("department")
        .order_by("department__order", "order", "pk")
    )
    rows = [position for position in found if position.filled < position.plan][:SHOWN]
    for position in rows:
        position.vacant = position.plan - position.filled
    return {
        "template": "op/dashboard/vacancies.html",
        "title": _("Vacancies"),
        "note": _("by department"),
        "rows": rows,
        "nothing": _("Every planned seat is filled."),
    }


def ending_card(user, now):
    rows = ending(now).select_related("employee", "position__department").order_by("end", "pk")[:SHOWN]
    return {
        "template": "op/dashboard/ending.html",
        "title": _("Ending assignments"),
        "note": _("within 30 days"),
        "rows": rows,
        "nothing": _("No assignment ends within 30 days."),
    }
