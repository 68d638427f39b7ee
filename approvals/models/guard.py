"""Guards: the policy that finance and manager change together, and what a check found."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from approvals.models.document import Document
from stores.models import Store


class Severity(models.TextChoices):
    BLOCK = "block", pgettext_lazy("severity", "block")
    SIGN = "sign", pgettext_lazy("severity", "sign")
    WARN = "warn", pgettext_lazy("severity", "warn")
    INFO = "info", pgettext_lazy("severity", "info")


class PolicyState(models.TextChoices):
    PROPOSED = "proposed", pgettext_lazy("policy", "proposed")
    IN_FORCE = "in_force", pgettext_lazy("policy", "in force")
    SUPERSEDED = "superseded", pgettext_lazy("policy", "superseded")
    DISMISSED = "dismissed", pgettext_lazy("policy", "dismissed")


class GuardPolicy(models.Model):
    """One version of all limits. Proposed by finance or the manager, confirmed by the other.

    Only the first version, which comes with the company, has no proposer. A trigger keeps what was proposed.
    """

    version = models.PositiveIntegerField(_("version"), unique=True)
    state = models.CharField(
        _("state"), max_length=12, choices=PolicyState.choices, default=PolicyState.PROPOSED
    )
    limits = models.JSONField(_("limits"))
    reason = models.CharField(_("reason"), max_length=200)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("proposed by"),
    )
    proposed_role = models.CharField(_("role of the proposer"), max_length=30, blank=True)
    proposed_at = models.DateTimeField(_("proposed at"), auto_now_add=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_role = models.CharField(_("role of the decider"), max_length=30, blank=True)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)

    class Meta:
        verbose_name = _("guard policy")
        verbose_name_plural = _("guard policies")
        ordering = ["-version"]
        permissions = [
            ("propose_guard_policy", _("Can propose and confirm limits")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="in_force"), name="guard_policy_one_in_force"
            ),
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state="proposed"),
                name="guard_policy_one_proposal",
                violation_error_message=_("Another proposal is still waiting for an answer."),
            ),
            models.CheckConstraint(
                name="guard_policy_needs_two_people",
                condition=Q(proposed_by__isnull=True)
                | Q(state__in=["proposed", "dismissed"])
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
            ),
            models.CheckConstraint(
                name="guard_policy_needs_two_roles",
                condition=Q(proposed_by__isnull=True)
                | Q(state__in=["proposed", "dismissed"])
                | (~Q(decided_role="") & ~Q(decided_role=F("proposed_role"))),
            ),
        ]

    def __str__(self):
        return f"{self._meta.verbose_name} {self.version}"


class GuardHit(models.Model):
    """What one guard found at one line, or at the whole document: measured value, limit and witness.

    Hits are written anew by every check; reasons live in GuardAck and survive it.
    """

    document = models.ForeignKey(Document, models.CASCADE, related_name="hits", verbose_name=_("document"))
    code = models.CharField(_("guard"), max_length=4)
    severity = models.CharField(_("severity"), max_length=5, choices=Severity.choices)
    line_id = models.BigIntegerField(_("line key"), null=True)
    row_no = models.PositiveIntegerField(_("line"), null=True)
    sku_code = models.CharField("SKU", max_length=40, blank=True)
    store = models.ForeignKey(Store, models.PROTECT, null=True, related_name="+", verbose_name=_("store"))
    variant = models.CharField(_("variant"), max_length=30, blank=True)
    measured = models.CharField(_("measured"), max_length=60, blank=True)
    limit = models.CharField(_("limit"), max_length=60, blank=True)
    witness = models.JSONField(_("witness"), default=dict)
    policy_version = models.PositiveIntegerField(_("policy version"))

    class Meta:
        verbose_name = _("guard hit")
        verbose_name_plural = _("guard hits")
        indexes = [
            models.Index(fields=["document", "severity", "code", "id"], name="guard_hit_by_severity"),
            models.Index(fields=["document", "line_id"], name="guard_hit_by_line"),
        ]
        constraints = [
            models.CheckConstraint(
                name="guard_hit_severity_known", condition=Q(severity__in=Severity.values)
            ),
        ]

    def __str__(self):
        return f"{self.code} {self.sku_code}"


class GuardAck(models.Model):
    """The reason that somebody gave for a hit. It holds only while the measured value stays the same."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="acks", verbose_name=_("document"))
    code = models.CharField(_("guard"), max_length=4)
    line_id = models.BigIntegerField(_("line key"), null=True)
    measured = models.CharField(_("measured"), max_length=60, blank=True)
    reason = models.CharField(_("reason"), max_length=200)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), auto_now=True)

    class Meta:
        verbose_name = _("acknowledgement")
        verbose_name_plural = _("acknowledgements")
        constraints = [
            models.UniqueConstraint(
                fields=["document", "code", "line_id"], name="guard_ack_once", nulls_distinct=False
            ),
            models.CheckConstraint(name="guard_ack_says_why", condition=~Q(reason="")),
        ]

    def __str__(self):
        return self.reason
