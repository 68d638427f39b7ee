"""Work plans (工作规划): what a department, or a store launch, wants to reach in some weeks, and what came of it."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from orgchart.models import Department
from staffing.models.staff import Employee
from stores.models import Store


class PlanState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("plan", "draft")
    RUNNING = "running", pgettext_lazy("plan", "running")
    CLOSED = "closed", pgettext_lazy("plan", "closed")


class WorkPlan(models.Model):
    """``start`` is the first day of week 1. A closed plan has its review, and never changes again."""

    title = models.CharField(pgettext_lazy("plan", "title"), max_length=80)
    department = models.ForeignKey(
        Department, models.PROTECT, related_name="work_plans", verbose_name=_("department")
    )
    store = models.ForeignKey(
        Store,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="work_plans",
        verbose_name=_("store that is launched"),
    )
    owner = models.ForeignKey(Employee, models.PROTECT, related_name="+", verbose_name=_("owner"))
    start = models.DateField(_("first day"))
    weeks = models.PositiveSmallIntegerField(_("weeks"), default=12)
    state = models.CharField(_("state"), max_length=8, choices=PlanState.choices, default=PlanState.DRAFT)
    copied_from = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="copies", verbose_name=_("copied from")
    )
    achieved = models.TextField(pgettext_lazy("plan", "done"), blank=True)
    missed = models.TextField(_("not done, and why"), blank=True)
    changes = models.TextField(_("what changes"), blank=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("work plan")
        verbose_name_plural = _("work plans")
        ordering = ["-start", "department", "pk"]
        constraints = [
            models.CheckConstraint(
                name="work_plan_has_weeks",
                condition=Q(weeks__gte=1, weeks__lte=53),
                violation_error_message=_("A plan lasts from 1 to 53 weeks."),
            ),
            models.CheckConstraint(name="work_plan_state_known", condition=Q(state__in=PlanState.values)),
            models.CheckConstraint(
                name="work_plan_closed_with_a_review",
                condition=~Q(state="closed") | ~Q(achieved="", missed=""),
                violation_error_message=_("A plan is closed with its review."),
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def end(self):
        """The first day after the plan."""
        return self.start + timedelta(weeks=self.weeks)

    def week_of(self, day):
        """Return the week of a day, from 1; 0 before the plan, one more than its weeks after it."""
        return min(max((day - self.start).days // 7 + 1, 0), self.weeks + 1)


class Objective(models.Model):
    """A number that shall move from ``start`` to ``target``; ``cause`` says in a line why it is behind."""

    plan = models.ForeignKey(WorkPlan, models.CASCADE, related_name="objectives")
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    title = models.CharField(pgettext_lazy("plan", "title"), max_length=80)
    note = models.CharField(_("note"), max_length=120, blank=True)
    unit = models.CharField(_("unit"), max_length=12, blank=True)
    start = models.DecimalField(pgettext_lazy("objective", "start"), max_digits=12, decimal_places=2)
    target = models.DecimalField(pgettext_lazy("objective", "target"), max_digits=12, decimal_places=2)
    actual = models.DecimalField(
        pgettext_lazy("objective", "actual"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    cause = models.CharField(_("cause"), max_length=120, blank=True)
    owner = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("objective")
        verbose_name_plural = _("objectives")
        ordering = ["order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "title"], name="objective_once_per_plan"),
            models.CheckConstraint(
                name="objective_moves",
                condition=~Q(start=F("target")),
                violation_error_message=_("Start and target are the same: nothing would have to happen."),
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def falling(self):
        """Whether less is better: the target lies below the start."""
        return self.target < self.start


class Measure(models.Model):
    """What is done for an objective."""

    objective = models.ForeignKey(Objective, models.CASCADE, related_name="measures")
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    text = models.CharField(_("measure"), max_length=120)

    class Meta:
        verbose_name = _("measure")
        verbose_name_plural = _("measures")
        ordering = ["order", "pk"]

    def __str__(self):
        return self.text


class Milestone(models.Model):
    """Something that is done by a day, worked on from the beginning of a week; ``reason`` says why it is late."""

    plan = models.ForeignKey(WorkPlan, models.CASCADE, related_name="milestones")
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    title = models.CharField(pgettext_lazy("plan", "title"), max_length=80)
    first_week = models.PositiveSmallIntegerField(_("from week"), default=1)
    due = models.DateField(_("due"))
    owner = models.ForeignKey(
        Employee, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    done_on = models.DateField(_("done on"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=120, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("milestone")
        verbose_name_plural = _("milestones")
        ordering = ["due", "order", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "title"], name="milestone_once_per_plan"),
            models.CheckConstraint(name="milestone_has_a_week", condition=Q(first_week__gte=1)),
        ]

    def __str__(self):
        return self.title
