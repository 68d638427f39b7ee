"""The log of the organisation: sets of changes, the versions they made, snapshots; and who edits which part."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from orgchart.models.organisation import Department


class SetKind(models.TextChoices):
    EDIT = "edit", _("direct edit")
    REORGANISATION = "reorganisation", _("reorganisation")
    CORRECTION = "correction", _("correction")
    OPENING = "opening", _("opening")


class SetState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("change set", "draft")
    REVIEW = "review", pgettext_lazy("change set", "in review")
    SCHEDULED = "scheduled", pgettext_lazy("change set", "scheduled")
    APPLIED = "applied", pgettext_lazy("change set", "applied")
    WITHDRAWN = "withdrawn", pgettext_lazy("change set", "withdrawn")


class ChangeSet(models.Model):
    """Changes that take effect together on one day (组织调整); a direct edit is a set of one.

    ``scenario`` marks a draft that is only thought through. ``problem`` says why a scheduled set could not be
    applied on its day. A set that was applied never changes: trigger.
    """

    title = models.CharField(pgettext_lazy("change set", "title"), max_length=120)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    kind = models.CharField(_("kind"), max_length=16, choices=SetKind.choices, default=SetKind.REORGANISATION)
    state = models.CharField(_("state"), max_length=10, choices=SetState.choices, default=SetState.DRAFT)
    scenario = models.BooleanField(_("scenario"), default=False)
    effective_on = models.DateField(_("takes effect on"), null=True, blank=True)
    base_version = models.PositiveIntegerField(_("drafted on version"), default=0)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("author")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True)

    class Meta:
        verbose_name = _("change set")
        verbose_name_plural = _("change sets")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["effective_on", "id"], name="change_set_due", condition=Q(state="scheduled"))
        ]
        constraints = [
            models.CheckConstraint(name="change_set_known_state", condition=Q(state__in=SetState.values)),
            models.CheckConstraint(name="change_set_known_kind", condition=Q(kind__in=SetKind.values)),
            models.CheckConstraint(
                name="change_set_scheduled_has_a_day",
                condition=~Q(state__in=["scheduled", "applied"]) | Q(effective_on__isnull=False),
            ),
        ]

    def __str__(self):
        return self.title


class ChangeOp(models.TextChoices):
    CREATE = "create", pgettext_lazy("change", "create")
    SET = "set", pgettext_lazy("change", "change")
    DELETE = "delete", pgettext_lazy("change", "remove")


class ChangeItem(models.Model):
    """One change of one row. ``before`` and ``after`` hold only the fields that change; a created row has no
    ``before``, a removed one no ``after``. ``left_out`` keeps the live row as it is: the item is not applied."""

    change_set = models.ForeignKey(
        ChangeSet, models.CASCADE, related_name="items", verbose_name=_("change set")
    )
    order = models.PositiveIntegerField(_("order"))
    entity = models.CharField(_("what"), max_length=16)
    key = models.CharField(_("key"), max_length=200)
    op = models.CharField(_("change"), max_length=8, choices=ChangeOp.choices)
    before = models.JSONField(_("before"), null=True, blank=True)
    after = models.JSONField(_("after"), null=True, blank=True)
    left_out = models.BooleanField(_("left out"), default=False)

    class Meta:
        verbose_name = pgettext_lazy("change set", "change")
        verbose_name_plural = pgettext_lazy("change set", "changes")
        ordering = ["change_set", "order"]
        indexes = [models.Index(fields=["entity", "key"], name="change_item_by_row")]
        constraints = [
            models.UniqueConstraint(fields=["change_set", "order"], name="change_item_order_once"),
            models.CheckConstraint(name="change_item_known_op", condition=Q(op__in=ChangeOp.values)),
        ]

    def __str__(self):
        return f"{self.op} {self.entity} {self.key}"


class OrgVersion(models.Model):
    """One entry of the log: a set that was applied. ``hash`` vouches for its items and for every version before.

    The state on a day follows from the versions in the order of (effective_on, number). INSERT only: trigger.
    """

    number = models.PositiveIntegerField(_("version"), unique=True)
    effective_on = models.DateField(_("took effect on"))
    change_set = models.OneToOneField(
        ChangeSet, models.PROTECT, related_name="version", verbose_name=_("change set")
    )
    corrected = models.BooleanField(_("correction"), default=False)
    recorded_at = models.DateTimeField(_("recorded at"))
    previous_hash = models.CharField(_("hash before"), max_length=64)
    hash = models.CharField(_("hash"), max_length=64)

    class Meta:
        verbose_name = _("version of the organisation")
        verbose_name_plural = _("versions of the organisation")
        ordering = ["effective_on", "number"]
        indexes = [models.Index(fields=["effective_on", "number"], name="org_version_by_day")]

    def __str__(self):
        return str(self.number)


class OrgSnapshot(models.Model):
    """The whole organisation at the end of ``day``, as the log up to ``version`` says. INSERT only: trigger."""

    version = models.ForeignKey(
        OrgVersion, models.PROTECT, related_name="snapshots", verbose_name=_("version")
    )
    day = models.DateField(_("day"))
    payload = models.BinaryField(_("content"))
    sha256 = models.CharField("SHA-256", max_length=64)

    class Meta:
        verbose_name = _("snapshot of the organisation")
        verbose_name_plural = _("snapshots of the organisation")
        ordering = ["day", "version"]
        constraints = [
            models.UniqueConstraint(fields=["version", "day"], name="org_snapshot_once"),
        ]

    def __str__(self):
        return f"{self.day} · {self.version}"


class EditorScope(models.Model):
    """Somebody, or a group, edits only below ``department``; whoever has no scope edits everything."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("account"),
    )
    group = models.ForeignKey(
        "auth.Group", models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("group")
    )
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("editor's part of the organisation")
        verbose_name_plural = _("editors' parts of the organisation")
        constraints = [
            models.CheckConstraint(
                name="editor_scope_for_somebody",
                condition=Q(user__isnull=False, group__isnull=True)
                | Q(user__isnull=True, group__isnull=False),
                violation_error_message=_("Choose an account or a group, not both."),
            ),
            models.UniqueConstraint(
                fields=["user", "group", "department"],
                nulls_distinct=False,
                name="editor_scope_once",
                violation_error_message=_("This is said already."),
            ),
        ]

    def __str__(self):
        return f"{self.user or self.group} · {self.department}"
