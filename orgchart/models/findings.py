"""Findings as a queue, the limits that they are measured by, and what is logged against a hand-off."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from orgchart.models.organisation import Department
from orgchart.models.work import HandoffStep, OrgModel

LEAST_REASON = 10
models.CharField.register_lookup(Length)


class FindingSeverity(models.TextChoices):
    BLOCK = "block", pgettext_lazy("severity", "block")
    SIGN = "sign", pgettext_lazy("severity", "higher sign-off")
    WARN = "warn", pgettext_lazy("severity", "warning")
    INFO = "info", pgettext_lazy("severity", "hint")


class FindingState(models.TextChoices):
    OPEN = "open", pgettext_lazy("finding", "open")
    ASKED = "asked", pgettext_lazy("finding", "waits for the general manager")
    ACCEPTED = "accepted", pgettext_lazy("finding", "accepted")
    FIXED = "fixed", pgettext_lazy("finding", "fixed")


class Finding(models.Model):
    """One sign of a bad structure (组织体检), of the live organisation or of a model.

    ``identity`` says what it is about; the same one found later is the same row. It is ``fixed`` once a check no longer
    finds it, and ``accepted`` with a reason until a day; a block only with the general manager's yes as well.
    """

    rule = models.CharField(_("rule"), max_length=40)
    identity = models.CharField(max_length=32, editable=False)
    org_model = models.ForeignKey(
        OrgModel,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="findings",
        verbose_name=_("organisation model"),
    )
    severity = models.CharField(_("severity"), max_length=5, choices=FindingSeverity.choices)
    rank = models.PositiveSmallIntegerField(editable=False, default=0)
    evidence = models.JSONField(_("evidence"))
    measured = models.FloatField(_("measured"), null=True)
    limit = models.FloatField(_("limit"), null=True)
    state = models.CharField(
        _("state"), max_length=8, choices=FindingState.choices, default=FindingState.OPEN
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    accepted_until = models.DateField(_("accepted until"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("accepted by")
    )
    accepted_measured = models.FloatField(null=True, editable=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("confirmed by")
    )
    first_seen = models.DateTimeField(_("first seen"))
    last_seen = models.DateTimeField(_("last seen"))
    fixed_at = models.DateTimeField(_("fixed"), null=True, blank=True)

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        ordering = ["rank", "rule", "pk"]
        permissions = [
            ("confirm_finding", _("Can agree that a blocking finding is accepted")),
        ]
        indexes = [models.Index(fields=["org_model", "state", "rank", "rule", "id"], name="finding_queue")]
        constraints = [
            models.UniqueConstraint(
                fields=["org_model", "rule", "identity"], nulls_distinct=False, name="finding_once"
            ),
            models.CheckConstraint(
                name="finding_known_severity", condition=Q(severity__in=FindingSeverity.values)
            ),
            models.CheckConstraint(name="finding_known_state", condition=Q(state__in=FindingState.values)),
            models.CheckConstraint(
                name="finding_accepted_says_why_and_until",
                condition=~Q(state__in=["asked", "accepted"])
                | Q(
                    reason__length__gte=LEAST_REASON,
                    accepted_until__isnull=False,
                    accepted_by__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="finding_block_confirmed_by_another",
                condition=~Q(state="accepted", severity="block")
                | Q(confirmed_by__isnull=False) & ~Q(confirmed_by=F("accepted_by")),
            ),
            models.CheckConstraint(
                name="finding_fixed_says_when", condition=Q(state="fixed") ^ Q(fixed_at__isnull=True)
            ),
        ]

    def __str__(self):
        return f"{self.rule} {self.pk}"


class FindingCheck(models.Model):
    """The last check: when, of which version, and whether one is asked for. One row."""

    at = models.DateTimeField(_("checked at"), null=True)
    version = models.PositiveIntegerField(_("version"), default=0)

    class Meta:
        verbose_name = _("check of the organisation")
        verbose_name_plural = _("checks of the organisation")
        constraints = [models.CheckConstraint(name="finding_check_one_row", condition=Q(pk=1))]

    def __str__(self):
        return str(self.version)


class FindingLimits(models.Model):
    """From where on a figure is a finding. One row; its history says who changed it and when."""

    span_max = models.PositiveSmallIntegerField(
        _("direct reports at most"), default=8, validators=[MinValueValidator(1)]
    )
    span_min = models.PositiveSmallIntegerField(_("direct reports at least"), default=1)
    layers_max = models.PositiveSmallIntegerField(
        _("layers at most"), default=6, validators=[MinValueValidator(1)]
    )
    areas_max = models.PositiveSmallIntegerField(
        _("areas of one position at most"), default=6, validators=[MinValueValidator(1)]
    )
    similarity = models.DecimalField(
        _("likeness of two duties from"),
        max_digits=3,
        decimal_places=2,
        default="0.40",
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("1 means the same words, 0 nothing in common."),
    )
    cover_days = models.PositiveSmallIntegerField(
        _("days of cover at most"),
        default=90,
        help_text=_("How long a vacancy may be covered beside another post."),
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("limits of findings")
        verbose_name_plural = _("limits of findings")
        constraints = [
            models.CheckConstraint(name="finding_limits_one_row", condition=Q(pk=1)),
            models.CheckConstraint(
                name="finding_limits_span_in_order",
                condition=Q(span_max__gte=F("span_min")),
                violation_error_message=_("The most is below the least."),
            ),
        ]

    def __str__(self):
        return str(_("limits of findings"))


class FrictionKind(models.TextChoices):
    DISPUTE = "dispute", _("dispute")
    MEETING = "meeting", _("meeting")


class Friction(models.Model):
    """A dispute or a meeting that two departments needed over a step of a hand-off; many are a sign of the structure.

    The pair is kept in the order of its numbers, so that a pair is one pair.
    """

    step = models.ForeignKey(
        HandoffStep, models.PROTECT, related_name="frictions", verbose_name=_("step of a hand-off")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=FrictionKind.choices)
    day = models.DateField(_("day"))
    one = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    other = models.ForeignKey(
        Department, models.PROTECT, related_name="+", verbose_name=_("other department")
    )
    note = models.CharField(_("what about"), max_length=300)
    logged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("logged by")
    )
    logged_at = models.DateTimeField(_("logged at"), auto_now_add=True)

    class Meta:
        verbose_name = _("dispute or meeting")
        verbose_name_plural = _("disputes and meetings")
        ordering = ["-day", "-pk"]
        indexes = [models.Index(fields=["day", "one", "other"], name="friction_by_pair")]
        constraints = [
            models.CheckConstraint(name="friction_known_kind", condition=Q(kind__in=FrictionKind.values)),
            models.CheckConstraint(
                name="friction_between_two",
                condition=Q(one__lt=F("other")),
                violation_error_message=_("Choose two departments."),
            ),
        ]

    def __str__(self):
        return f"{self.day} {self.one} · {self.other}"
