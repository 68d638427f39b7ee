"""Assignments as a kind of row in the log of the organisation."""

from django.db.models import Q

from orgchart.entities import Column, Entity, day, plain, register, share
from staffing.models import Assignment


def judged_with(touched):
    """Return which assignments a change is judged with: those of the positions and of the people it touches."""
    people = Assignment.objects.filter(uid__in=touched["assignment"]).values("employee")
    return (
        Q(position__code__in=touched["position"])
        | Q(employee__in=people)
        | Q(employee__number__in=touched["employee"])
    )


ASSIGNMENT = Entity(
    "assignment",
    Assignment,
    (
        Column("uid", out=str),
        Column("employee", "employee__number", "employee"),
        Column("position", "position__code", "position"),
        Column("kind"),
        day("start"),
        day("end"),
        Column("from_department", "from_department__code", "department"),
        share("fte"),
        *plain("handover", "beyond_plan", "note"),
    ),
    key=lambda row: row["uid"],
    find=lambda keys: Q(uid__in=keys),
    fixed=("uid", "employee"),
    around=judged_with,
)


def join_the_log():
    """Called once when the app is ready."""
    register(ASSIGNMENT)
