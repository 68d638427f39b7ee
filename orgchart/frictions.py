"""Disputes and meetings over hand-offs, and between which departments they heap up."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.utils.translation import gettext as _

from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from orgchart import permissions
from orgchart.models import Department, Friction, FrictionKind, HandoffStep

SHADES = 4


def log_friction(*, by, step, kind, day, departments, note):
    """Log a dispute or a meeting of two departments over a step of a hand-off; return it.

    Raises PermissionDenied, or Refusal: not two departments, no words, a day to come, an unknown kind.
    """
    if not permissions.may_edit_structure(by):
        raise PermissionDenied
    pair = sorted({department.pk for department in departments})
    if len(pair) != 2:
        raise Refusal(_("Choose two departments."), code="invalid")
    if not note.strip():
        raise Refusal(_("Say what it was about."), code="invalid")
    if day is None or day > clock.today():
        raise Refusal(_("Say on which day it was."), code="invalid")
    if kind not in FrictionKind.values:
        raise Refusal(_("Say whether it was a dispute or a meeting."), code="invalid")
    return Friction.objects.create(
        step=step,
        kind=kind,
        day=day,
        one_id=pair[0],
        other_id=pair[1],
        note=note.strip()[:300],
        logged_by=by,
    )


def heat_map(since):
    """Return (departments, rows) since a day; a row is (department, cells), a cell (count, shade 0 to 4) or None.

    None stands where a department would meet itself. Two statements.
    """
    counts = {}
    pairs = Friction.objects.filter(day__gte=since).order_by().values_list("one", "other")
    for one, other, number in pairs.annotate(n=Count("pk")):
        counts[one, other] = counts[other, one] = number
    keys = {key for pair in counts for key in pair}
    departments = list(Department.objects.without_tree_fields().filter(pk__in=keys).order_by("order", "code"))
    most = max(counts.values(), default=1)
    rows = [(row, [cell(counts, row, other, most) for other in departments]) for row in departments]
    return departments, rows


def cell(counts, row, other, most):
    if row.pk == other.pk:
        return None
    number = counts.get((row.pk, other.pk), 0)
    return number, -(-number * SHADES // most)


def by_step(since):
    """Return the steps over which something was logged since a day, with how much of each kind, the most first."""
    counted = Friction.objects.filter(day__gte=since).order_by().values_list("step", "kind")
    found = {}
    for step, kind, number in counted.annotate(n=Count("pk")):
        found.setdefault(step, dict.fromkeys(FrictionKind.values, 0))[kind] = number
    steps = HandoffStep.objects.select_related("flow", "department").filter(pk__in=found)
    rows = [{"step": step, **found[step.pk], "all": sum(found[step.pk].values())} for step in steps]
    return sorted(rows, key=lambda row: -row["all"])


def window(days, today):
    """Return the first day of the last so many days."""
    return today - timedelta(days)
