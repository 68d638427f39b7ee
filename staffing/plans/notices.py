"""Telling owners of milestones that are due, once each; told again only where the day was changed."""

from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from opsadmin.core.notices import tell
from staffing.models import Milestone, PlanState
from staffing.people import accounts_of

DAYS_BEFORE = 3


def tell_of_milestones(day):
    """Leave a notice for owners of milestones that are due within three days, and one more once they are late.

    Who owns the plan is told of late ones too, and of those without an owner.
    """
    open_ones = Milestone.objects.filter(plan__state=PlanState.RUNNING, done_on=None)
    near = open_ones.filter(due__lte=day + timedelta(days=DAYS_BEFORE))
    for milestone in near.select_related("plan__owner", "owner"):
        late = milestone.due < day
        owners = (
            {milestone.owner, milestone.plan.owner} if late else {milestone.owner or milestone.plan.owner}
        )
        words = {"plan": milestone.plan, "title": milestone, "day": milestone.due.isoformat()}
        if late:
            text = _("%(plan)s: “%(title)s” was due on %(day)s. Finish it, or say why it is late.") % words
        else:
            text = _("%(plan)s: “%(title)s” is due on %(day)s.") % words
        tell(
            accounts_of([owner for owner in owners if owner is not None]),
            text,
            url=reverse("admin:workplan", args=[milestone.plan_id]),
            key=f"milestone:{milestone.pk}:{milestone.due.isoformat()}:{'late' if late else 'due'}",
        )
