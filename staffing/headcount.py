"""Plan, filled and short: computed from assignments on a day, never stored.

Somebody who holds a position as primary, seconded or acting fills a seat. A concurrent holder covers the work, but
the seat stays vacant.
"""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce, Greatest

from orgchart.models import Department, OrgStatus, Position
from staffing.models import AssignmentKind

SEATED = (AssignmentKind.PRIMARY, AssignmentKind.SECONDED, AssignmentKind.ACTING)


@dataclass
class Headcount:
    plan: int = 0
    filled: int = 0
    short: int = 0
    concurrent: int = 0

    def add(self, other):
        self.plan += other.plan
        self.filled += other.filled
        self.short += other.short
        self.concurrent += other.concurrent


def with_headcount(positions, day):
    """Annotate positions with ``filled``, ``concurrent`` and ``short`` (seats below the smallest headcount)."""
    today = Q(assignments__start__lte=day) & (Q(assignments__end__isnull=True) | Q(assignments__end__gt=day))
    seated = today & Q(assignments__kind__in=SEATED)
    covering = today & Q(assignments__kind=AssignmentKind.CONCURRENT)
    return positions.annotate(
        filled=Count("assignments__employee", filter=seated, distinct=True),
        concurrent=Count("assignments__employee", filter=covering, distinct=True),
    ).annotate(short=Greatest(Coalesce(F("plan_min"), 0) - F("filled"), 0))


def by_department(day):
    """Return {department's key: Headcount} with everything below it counted in; two statements."""
    parents = dict(Department.objects.without_tree_fields().values_list("pk", "parent"))
    totals = defaultdict(Headcount)
    for position in with_headcount(Position.objects.exclude(status=OrgStatus.CLOSED), day):
        own = Headcount(position.plan_min or 0, position.filled, position.short, position.concurrent)
        department = position.department_id
        while department is not None:
            totals[department].add(own)
            department = parents[department]
    return totals
