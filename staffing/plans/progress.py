"""How a plan stands on a day. Pure: no statement is made here."""

from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import pgettext_lazy

CENT = Decimal("0.01")
# Phases of a quarter: the last of its twelve weeks that belongs to each.
PHASES = (
    (2, pgettext_lazy("phase", "Set-up")),
    (6, pgettext_lazy("phase", "Run")),
    (8, pgettext_lazy("phase", "Review")),
    (10, pgettext_lazy("phase", "Adjust")),
    (12, pgettext_lazy("phase", "Close")),
)


@dataclass(frozen=True)
class Standing:
    """``share`` of the way that is done, ``due_share`` that should be; both from 0 to 1. ``behind`` is an amount."""

    share: Decimal
    due_share: Decimal
    due: Decimal
    behind: Decimal

    @property
    def late(self):
        return self.behind > 0


def due_share(plan, day):
    """Return which part of the plan's days has passed at the end of a day."""
    days = plan.weeks * 7
    return Decimal(min(max((day - plan.start).days + 1, 0), days)) / days


def standing(objective, plan, day):
    """Return where an objective stands: what is due grows evenly from start to target; no actual is the start."""
    way = objective.target - objective.start
    actual = objective.start if objective.actual is None else objective.actual
    part = due_share(plan, day)
    due = (objective.start + way * part).quantize(CENT)
    behind = actual - due if objective.falling else due - actual
    share = min(max((actual - objective.start) / way, Decimal(0)), Decimal(1))
    return Standing(share, part, due, max(behind, Decimal(0)))


def weeks_late(milestone, day):
    """Return by how many weeks a milestone is late, begun weeks counted; 0 if it is not."""
    end = milestone.done_on or day
    return -(-(end - milestone.due).days // 7) if end > milestone.due else 0


def is_late(milestone, day):
    return milestone.done_on is None and milestone.due < day


def phases(weeks):
    """Return [(word, first week, last week)] of a plan; a plan of another length has them in proportion."""
    found, first = [], 1
    for last, word in PHASES:
        end = max(round(last * weeks / 12), first - 1)
        if end >= first:
            found.append((word, first, end))
        first = end + 1
    return found
