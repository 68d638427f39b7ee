"""Employees, the dated facts that join them to positions, and the stores in their charge."""

import uuid
from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import Deferrable, F, Func, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from orgchart.models import Department, Position
from staffing.querysets import AssignmentQuerySet, StoreChargeQuerySet
from stores.models import Store


class DateRange(Func):
    """``[start, end)`` of two date columns; an empty end is open.

    An end before the start makes an empty range, not an error: the check constraint then says what is wrong.
    """

    arity = 2

    def as_sql(self, compiler, connection, **extra):
        start, start_params = compiler.compile(self.source_expressions[0])
        end, end_params = compiler.compile(self.source_expressions[1])
        sql = f"DATERANGE({start}, CASE WHEN {end} < {start} THEN {start} ELSE {end} END)"
        return sql, [*start_params, *end_params, *start_params, *start_params, *end_params]


def name_key(name):
    """Return what people type to find a Chinese name: its syllables and their initials (kefu kf)."""
    # Its dictionary takes 60 MB and most of a second: only a process that writes a name loads it.
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(name)
    initials = lazy_pinyin(name, style=Style.FIRST_LETTER)
    return f"{''.join(syllables)} {''.join(initials)}".lower()[:120]


class Employee(models.Model):
    number = models.CharField(_("staff number"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=60)
    name_key = models.CharField(_("search key"), max_length=120, editable=False, db_index=True)
    home_department = models.ForeignKey(
        Department, models.PROTECT, related_name="staff", verbose_name=_("home department")
    )
    active = models.BooleanField(_("active"), default=True)
    left_on = models.DateField(
        _("left on"), null=True, blank=True, help_text=_("First day no longer employed.")
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("employee")
        verbose_name_plural = _("employees")
        ordering = ["number"]
        permissions = [
            ("import_employee", _("Can import employees")),
            ("export_employee", _("Can export employees")),
        ]

    def __str__(self):
        return self.name

    def save(self, *args, **kwargs):
        self.name_key = name_key(self.name)
        super().save(*args, **kwargs)


class Account(models.Model):
    """Which employee stands behind an account; one person with two accounts stays one person."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        primary_key=True,
        related_name="account",
        verbose_name=_("account"),
    )
    employee = models.ForeignKey(
        Employee, models.PROTECT, related_name="accounts", verbose_name=_("employee")
    )

    class Meta:
        verbose_name = _("employee's account")
        verbose_name_plural = _("employees' accounts")

    def __str__(self):
        return f"{self.user} · {self.employee}"


class AssignmentKind(models.TextChoices):
    PRIMARY = "primary", _("primary")
    CONCURRENT = "concurrent", _("concurrent")
    ACTING = "acting", _("acting")
    SECONDED = "seconded", _("seconded")


class Assignment(models.Model):
    """The dated fact that an employee holds a position, ``[start, end)``; an empty end is open.

    ``handover`` marks the days on which somebody works beside the one who leaves; such an assignment, and one that
    says why it goes beyond the plan, takes no seat of the position's largest headcount.
    """

    uid = models.UUIDField(
        _("identifier"), default=uuid.uuid4, db_default=RandomUUID(), unique=True, editable=False
    )
    employee = models.ForeignKey(
        Employee, models.PROTECT, related_name="assignments", verbose_name=_("employee")
    )
    position = models.ForeignKey(
        Position, models.PROTECT, related_name="assignments", verbose_name=_("position")
    )
    kind = models.CharField(_("kind"), max_length=12, choices=AssignmentKind.choices)
    start = models.DateField(pgettext_lazy("day", "from"))
    end = models.DateField(
        pgettext_lazy("day", "until"), null=True, blank=True, help_text=_("First day no longer included.")
    )
    from_department = models.ForeignKey(
        Department,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("seconded by"),
    )
    fte = models.DecimalField(
        _("share of full time"), max_digits=3, decimal_places=2, default=Decimal("1.00")
    )
    handover = models.BooleanField(_("handover"), default=False)
    beyond_plan = models.CharField(
        _("beyond the plan because"),
        max_length=200,
        blank=True,
        help_text=_("Only where the position already has its largest headcount."),
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    history = HistoricalRecords()

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ["position", "start"]
        permissions = [
            ("import_assignment", _("Can import assignments")),
            ("export_assignment", _("Can export assignments")),
        ]
        constraints = [
            models.CheckConstraint(
                name="assignment_ends_after_start",
                condition=Q(end__isnull=True) | Q(end__gt=F("start")),
                violation_error_message=_("The assignment ends before it begins."),
            ),
            models.CheckConstraint(
                name="assignment_seconded_says_from_where",
                condition=~Q(kind="seconded") | Q(from_department__isnull=False),
                violation_error_message=_("Say which department seconds this person."),
            ),
            models.CheckConstraint(
                name="assignment_share_of_full_time",
                condition=Q(fte__gt=0, fte__lte=1),
                violation_error_message=_("The share of full time lies between 0.01 and 1."),
            ),
            # Deferrable, so that two people can change places in one set of changes.
            ExclusionConstraint(
                name="assignment_one_primary_per_day",
                expressions=[
                    ("employee", RangeOperators.EQUAL),
                    (DateRange(F("start"), F("end")), RangeOperators.OVERLAPS),
                ],
                condition=Q(kind="primary"),
                deferrable=Deferrable.IMMEDIATE,
                violation_error_message=_("This person already has a primary position in that time."),
            ),
            ExclusionConstraint(
                name="assignment_once_per_position_and_day",
                expressions=[
                    ("employee", RangeOperators.EQUAL),
                    ("position", RangeOperators.EQUAL),
                    (DateRange(F("start"), F("end")), RangeOperators.OVERLAPS),
                ],
                deferrable=Deferrable.IMMEDIATE,
                violation_error_message=_("This person already holds this position in that time."),
            ),
        ]

    def __str__(self):
        return f"{self.employee} · {self.position}"

    def validate_constraints(self, exclude=None):
        """Judge the constraints once the kind is right: Django cannot judge a condition on a faulty field."""
        if "kind" not in (exclude or ()):
            super().validate_constraints(exclude=exclude)


class StoreDuty(models.Model):
    """One thing that has to be answered for in every store: listing review, stock, campaigns …"""

    code = models.SlugField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=40)
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    active = models.BooleanField(_("active"), default=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("duty in a store")
        verbose_name_plural = _("duties in stores")
        ordering = ["order", "code"]

    def __str__(self):
        return self.name


class StoreCharge(models.Model):
    """Who answers for a store, or for one duty in it, ``[start, end)``; being in charge opens the store to an account.

    Without a duty it is the store as a whole. A reserve stands in for who is in charge: the store is open to both.
    """

    employee = models.ForeignKey(
        Employee, models.PROTECT, related_name="store_charges", verbose_name=_("employee")
    )
    store = models.ForeignKey(Store, models.PROTECT, related_name="charges", verbose_name=_("store"))
    duty = models.ForeignKey(
        StoreDuty,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="charges",
        verbose_name=_("duty in a store"),
        help_text=_("Empty means the store as a whole."),
    )
    reserve = models.BooleanField(_("reserve"), default=False)
    start = models.DateField(pgettext_lazy("day", "from"))
    end = models.DateField(
        pgettext_lazy("day", "until"), null=True, blank=True, help_text=_("First day no longer included.")
    )
    history = HistoricalRecords()

    objects = StoreChargeQuerySet.as_manager()

    class Meta:
        verbose_name = _("store charge")
        verbose_name_plural = _("store charges")
        ordering = ["store", "start"]
        constraints = [
            models.CheckConstraint(
                name="store_charge_ends_after_start",
                condition=Q(end__isnull=True) | Q(end__gt=F("start")),
                violation_error_message=_("It ends before it begins."),
            ),
            ExclusionConstraint(
                name="store_charge_once_per_day",
                expressions=[
                    ("employee", RangeOperators.EQUAL),
                    ("store", RangeOperators.EQUAL),
                    (Coalesce(F("duty"), 0), RangeOperators.EQUAL),
                    (DateRange(F("start"), F("end")), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("This person is already in charge of this store in that time."),
            ),
        ]

    def __str__(self):
        return f"{self.employee} · {self.store}"
