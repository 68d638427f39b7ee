"""Joiners, movers and leavers of a window of days, from the dates of assignments alone."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Max, Min, Q

from staffing.models import Assignment, Employee

JOINS, STARTS, ENDS, LEAVES = "joins", "starts", "ends", "leaves"


@dataclass
class Movement:
    """``day`` is the first day of a post, or the last one of it."""

    day: date
    kind: str
    assignment: Assignment


def movements(start, end):
    """Return the movements of the days from ``start`` to ``end``, both included, in their order; two statements.

    Somebody joins with the first post ever, and leaves with the last one that ends when nothing follows.
    """
    begins = Q(start__gte=start, start__lte=end)
    # The end is the first day out: the last day in the post is the one before.
    ends = Q(end__gt=start, end__lte=next_day(end))
    rows = list(
        Assignment.objects.filter(begins | ends).select_related(
            "employee", "position__department", "from_department"
        )
    )
    spans = spans_of({row.employee_id for row in rows})
    found = []
    for row in rows:
        first, last = spans[row.employee_id]
        if start <= row.start <= end:
            found.append(Movement(row.start, JOINS if row.start == first else STARTS, row))
        if row.end and start < row.end <= next_day(end):
            kind = LEAVES if last is not None and row.end == last else ENDS
            found.append(Movement(day_before(row.end), kind, row))
    return sorted(found, key=lambda one: (one.day, one.assignment.employee.number, one.assignment.pk))


def next_day(day):
    return date.fromordinal(day.toordinal() + 1)


def day_before(day):
    return date.fromordinal(day.toordinal() - 1)


def spans_of(employees):
    """Return {employee: (first day of all posts, first day after the last one or None while one is open)}."""
    held = Employee.objects.filter(pk__in=employees).annotate(
        first=Min("assignments__start"),
        last=Max("assignments__end"),
        open=Max("assignments__start", filter=Q(assignments__end=None)),
    )
    return {
        pk: (first, None if open_since else last)
        for pk, first, last, open_since in held.values_list("pk", "first", "last", "open")
    }
