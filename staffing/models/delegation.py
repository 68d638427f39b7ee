"""Delegation: while somebody is away, another may act in his or her place."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from staffing.models.staff import DateRange, Employee
from staffing.querysets import DatedQuerySet


class Delegation(models.Model):
    """``delegate`` acts for ``principal`` on the days ``[start, end)``. It never changes what is past."""

    principal = models.ForeignKey(
        Employee, models.PROTECT, related_name="delegations", verbose_name=_("principal")
    )
    delegate = models.ForeignKey(
        Employee, models.PROTECT, related_name="delegated", verbose_name=_("delegate")
    )
    start = models.DateField(pgettext_lazy("day", "from"))
    end = models.DateField(pgettext_lazy("day", "until"), help_text=_("First day no longer included."))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    history = HistoricalRecords()

    objects = DatedQuerySet.as_manager()

    class Meta:
        verbose_name = _("delegation")
        verbose_name_plural = _("delegations")
        ordering = ["-start"]
        constraints = [
            models.CheckConstraint(
                name="delegation_ends_after_start",
                condition=Q(end__gt=F("start")),
                violation_error_message=_("It ends before it begins."),
            ),
            models.CheckConstraint(
                name="delegation_not_to_oneself",
                condition=~Q(principal=F("delegate")),
                violation_error_message=_("Nobody can be his or her own delegate."),
            ),
            ExclusionConstraint(
                name="delegation_one_per_day",
                expressions=[
                    ("principal", RangeOperators.EQUAL),
                    (DateRange(F("start"), F("end")), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("There is already a delegate in that time."),
            ),
        ]

    def __str__(self):
        return f"{self.principal} → {self.delegate}"
