"""Departments and positions: two trees by ``parent``. Who holds a position is the staffing app's to know."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import Deferrable, F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords
from tree_queries.models import TreeNode


class DepartmentKind(models.TextChoices):
    CENTRE = "centre", _("centre")
    DEPARTMENT = "department", _("department")
    GROUP = "group", _("group")
    BRANCH = "branch", _("branch")


class OrgStatus(models.TextChoices):
    PLANNED = "planned", pgettext_lazy("organisation", "planned")
    ACTIVE = "active", pgettext_lazy("organisation", "active")
    CLOSED = "closed", pgettext_lazy("organisation", "closed")


class Department(TreeNode):
    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(_("kind"), max_length=12, choices=DepartmentKind.choices)
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    supporting = models.BooleanField(_("supporting"), default=False)
    cloneable = models.BooleanField(
        _("can be multiplied"), default=False, help_text=_("Such as Product 1, Product 2 …")
    )
    tentative = models.BooleanField(_("tentative"), default=False)
    status = models.CharField(_("status"), max_length=10, choices=OrgStatus.choices, default=OrgStatus.ACTIVE)
    source_ref = models.CharField(_("source"), max_length=60, blank=True)
    guessed = models.BooleanField(_("to be confirmed"), default=False)
    copied_from = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="copies", verbose_name=_("copied from")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("department")
        verbose_name_plural = _("departments")
        ordering = ["order", "code"]
        permissions = [
            ("import_department", _("Can import departments")),
            ("export_department", _("Can export departments")),
        ]
        constraints = [
            models.CheckConstraint(
                name="department_not_above_itself",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message=_("A department cannot be part of itself."),
            ),
        ]

    def __str__(self):
        return self.name


class Position(TreeNode):
    """A job in the chart (岗位); ``parent`` is the position it reports to.

    ``plan_min`` and ``plan_max`` bound its headcount (编制); an empty ``plan_max`` is open. Filled and vacant
    are computed from assignments, never stored.
    """

    code = models.SlugField(_("code"), max_length=60, unique=True)
    title = models.CharField(pgettext_lazy("job", "title"), max_length=60)
    grade = models.CharField(_("grade"), max_length=20, blank=True)
    department = models.ForeignKey(
        Department, models.PROTECT, related_name="positions", verbose_name=_("department")
    )
    head = models.BooleanField(_("head of the department"), default=False)
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    plan_min = models.PositiveSmallIntegerField(_("headcount at least"), null=True, blank=True)
    plan_max = models.PositiveSmallIntegerField(_("headcount at most"), null=True, blank=True)
    plan_note = models.CharField(_("headcount in words"), max_length=60, blank=True)
    tentative = models.BooleanField(_("tentative"), default=False)
    status = models.CharField(_("status"), max_length=10, choices=OrgStatus.choices, default=OrgStatus.ACTIVE)
    source_ref = models.CharField(_("source"), max_length=60, blank=True)
    guessed = models.BooleanField(_("to be confirmed"), default=False)
    copied_from = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="copies", verbose_name=_("copied from")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = pgettext_lazy("job", "position")
        verbose_name_plural = pgettext_lazy("job", "positions")
        ordering = ["department", "order", "code"]
        permissions = [
            ("import_position", _("Can import positions")),
            ("export_position", _("Can export positions")),
        ]
        constraints = [
            models.CheckConstraint(
                name="position_not_above_itself",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message=_("A position cannot report to itself."),
            ),
            models.CheckConstraint(
                name="position_plan_in_order",
                condition=Q(plan_min__isnull=True)
                | Q(plan_max__isnull=True)
                | Q(plan_max__gte=F("plan_min")),
                violation_error_message=_("The largest headcount is below the smallest."),
            ),
            # Deferrable, so that two posts can change places in one set of changes.
            ExclusionConstraint(
                name="position_one_head_per_department",
                expressions=[("department", RangeOperators.EQUAL)],
                condition=Q(head=True, status="active"),
                deferrable=Deferrable.IMMEDIATE,
                violation_error_message=_("This department already has a head position."),
            ),
        ]

    def __str__(self):
        return self.title

    def validate_constraints(self, exclude=None):
        """Judge the constraints once the state is right: Django cannot judge a condition on a faulty field."""
        if not {"head", "status"} & set(exclude or ()):
            super().validate_constraints(exclude=exclude)
