"""Changing work plans. Each change locks the plan, asks whether its asker may, and refuses a closed one."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from staffing import permissions
from staffing.models import Measure, Milestone, Objective, PlanState, WorkPlan


def locked(pk, by):
    """Return a plan for changing. Raises PermissionDenied, or Refusal for a closed one."""
    plan = WorkPlan.objects.select_for_update(of=["self"]).select_related("department", "store").get(pk=pk)
    if not permissions.may_edit_plan(by, plan):
        raise PermissionDenied
    if plan.state == PlanState.CLOSED:
        raise Refusal(
            _("“%(plan)s” is closed with its review: it does not change any more.") % {"plan": plan}
        )
    return plan


@transaction.atomic
def create_plan(*, title, department, owner, start, weeks=12, store=None, by):
    """Make a plan as a draft; takes rows, not keys. Raises PermissionDenied or ValidationError."""
    plan = WorkPlan(title=title, department=department, owner=owner, start=start, weeks=weeks, store=store)
    if not permissions.may_edit_plan(by, plan):
        raise PermissionDenied
    plan.full_clean()
    plan.save()
    return plan


@transaction.atomic
def change_plan(pk, *, by, **values):
    """Change title, owner, first day, weeks or state of a plan.

    Its state only goes forward; closing is the review's.
    """
    plan = locked(pk, by)
    order = list(PlanState)
    if values.get("state", plan.state) == PlanState.CLOSED or order.index(
        PlanState(values.get("state", plan.state))
    ) < order.index(PlanState(plan.state)):
        raise Refusal(_("A running plan is not a draft again; it is closed with its review."))
    for name, value in values.items():
        setattr(plan, name, value)
    plan.full_clean()
    plan.save()
    return plan


@transaction.atomic
def save_objective(plan_pk, *, by, pk=None, measures=None, **values):
    """Make or change an objective; ``measures`` are lines of text that replace the ones it has.

    Raises PermissionDenied, Refusal or ValidationError.
    """
    plan = locked(plan_pk, by)
    objective = plan.objectives.get(pk=pk) if pk else Objective(plan=plan, order=plan.objectives.count())
    for name, value in values.items():
        setattr(objective, name, value)
    objective.full_clean()
    objective.save()
    if measures is not None and measures != [measure.text for measure in objective.measures.all()]:
        objective.measures.all().delete()
        Measure.objects.bulk_create(
            [Measure(objective=objective, order=order, text=text) for order, text in enumerate(measures)]
        )
    return objective


@transaction.atomic
def save_milestone(plan_pk, *, by, pk=None, **values):
    """Make or change a milestone. One whose day has passed cannot be moved, only finished or given a reason."""
    plan = locked(plan_pk, by)
    today = clock.today()
    milestone = plan.milestones.get(pk=pk) if pk else Milestone(plan=plan, order=plan.milestones.count())
    moved = any(name in values and values[name] != getattr(milestone, name) for name in ("due", "first_week"))
    if pk and moved and milestone.due < today:
        raise Refusal(
            _("“%(title)s” was due on %(day)s: it cannot be moved, only finished or given a reason.")
            % {"title": milestone, "day": milestone.due.isoformat()}
        )
    for name, value in values.items():
        setattr(milestone, name, value)
    refuse_outside(plan, milestone, today)
    milestone.full_clean()
    milestone.save()
    return milestone


def refuse_outside(plan, milestone, today):
    """Raise Refusal for a milestone outside the plan's days, or finished in the future."""
    if not plan.start <= milestone.due < plan.end:
        raise Refusal(
            _("“%(title)s” is due outside the plan, which lasts from %(start)s until %(end)s.")
            % {
                "title": milestone,
                "start": plan.start.isoformat(),
                "end": (plan.end - timedelta(days=1)).isoformat(),
            }
        )
    if not 1 <= milestone.first_week <= plan.week_of(milestone.due):
        raise Refusal(_("“%(title)s” begins after it is due.") % {"title": milestone})
    if milestone.done_on and milestone.done_on > today:
        raise Refusal(_("“%(title)s” cannot be done on a day to come.") % {"title": milestone})


@transaction.atomic
def review(pk, *, achieved, missed, changes, by, close):
    """Write the review; with ``close`` the plan ends with it. Raises Refusal where nothing is said."""
    plan = locked(pk, by)
    plan.achieved, plan.missed, plan.changes = achieved, missed, changes
    if close:
        if not (achieved or missed):
            raise Refusal(_("Say what was done, or what was not: a plan is closed with its review."))
        plan.state = PlanState.CLOSED
    plan.reviewed_by, plan.reviewed_at = by, clock.now()
    plan.full_clean()
    plan.save()
    return plan


@transaction.atomic
def copy_plan(pk, *, start, title, by):
    """Make a draft with the objectives, measures and milestones of a plan, beginning on another day.

    Objectives start where the old plan ended; what was done is left behind, milestones keep their week and weekday.
    """
    old = WorkPlan.objects.select_related("department", "store", "owner").get(pk=pk)
    plan = create_plan(
        title=title,
        department=old.department,
        owner=old.owner,
        start=start,
        weeks=old.weeks,
        store=old.store,
        by=by,
    )
    plan.copied_from = old
    plan.save()
    shift = start - old.start
    for row in old.objectives.prefetch_related("measures"):
        begun = row.start if row.actual in (None, row.target) else row.actual
        made = Objective.objects.create(
            plan=plan,
            order=row.order,
            title=row.title,
            note=row.note,
            unit=row.unit,
            start=begun,
            target=row.target,
            owner=row.owner,
        )
        Measure.objects.bulk_create(
            [
                Measure(objective=made, order=measure.order, text=measure.text)
                for measure in row.measures.all()
            ]
        )
    for row in old.milestones.all():
        Milestone.objects.create(
            plan=plan,
            order=row.order,
            title=row.title,
            first_week=row.first_week,
            due=row.due + shift,
            owner=row.owner,
        )
    return plan
