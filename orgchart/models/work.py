"""What departments and positions do: duties, authority, links between positions, and how work is handed over."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from orgchart.models.organisation import Department, Position


class LinkKind(models.TextChoices):
    PROMOTES_TO = "promotes_to", _("promotes to")
    ROTATES_TO = "rotates_to", _("rotates to")
    DOTTED_TO = "dotted_to", _("also reports to")
    REPORTS_NAMED = "reports_named", _("is named as superior of")


class PositionLink(models.Model):
    """A path between positions. ``to_label`` keeps a target that is no position of the organisation.

    A position that the papers link to itself is kept by its label too, so that it can be found and mended.
    """

    source = models.ForeignKey(
        Position, models.PROTECT, related_name="links", verbose_name=pgettext_lazy("link", "from")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=LinkKind.choices)
    target = models.ForeignKey(
        Position,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="linked_from",
        verbose_name=pgettext_lazy("link", "to"),
    )
    to_label = models.CharField(_("named as"), max_length=60, blank=True)
    source_ref = models.CharField(_("source"), max_length=60, blank=True)
    guessed = models.BooleanField(_("to be confirmed"), default=False)

    class Meta:
        verbose_name = _("link between positions")
        verbose_name_plural = _("links between positions")
        ordering = ["source", "kind", "pk"]
        constraints = [
            models.CheckConstraint(name="position_link_known_kind", condition=Q(kind__in=LinkKind.values)),
            models.CheckConstraint(
                name="position_link_has_one_target",
                condition=Q(target__isnull=False, to_label="") | Q(target__isnull=True) & ~Q(to_label=""),
                violation_error_message=_("A link goes to a position or names one, not both."),
            ),
            models.CheckConstraint(
                name="position_link_not_to_itself",
                condition=Q(target__isnull=True) | ~Q(target=F("source")),
                violation_error_message=_("A position cannot be linked to itself."),
            ),
            models.UniqueConstraint(
                fields=["source", "kind", "target", "to_label"],
                nulls_distinct=False,
                name="position_link_once",
                violation_error_message=_("There is already such a link."),
            ),
        ]

    def __str__(self):
        return f"{self.source} → {self.target or self.to_label}"


class Area(models.Model):
    """One field of work out of a controlled list (上架, 库存, 直通车 …)."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=40)
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("area of work")
        verbose_name_plural = _("areas of work")
        ordering = ["order", "code"]
        permissions = [
            ("import_area", _("Can import areas of work")),
            ("export_area", _("Can export areas of work")),
        ]

    def __str__(self):
        return self.name


class DutyRole(models.TextChoices):
    MAIN = "main", _("main")
    ASSIST = "assist", _("assists")
    APPROVE = "approve", _("approves")
    INFORM = "inform", _("is informed")


class OwnedByPost(models.Model):
    """Something that one department or one position has, counted from 1."""

    department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="%(class)s_set",
        verbose_name=_("department"),
    )  # fmt: skip
    position = models.ForeignKey(
        Position, models.PROTECT, null=True, blank=True, related_name="%(class)s_set",
        verbose_name=pgettext_lazy("job", "position"),
    )  # fmt: skip
    number = models.PositiveSmallIntegerField(_("number"))
    text = models.CharField(_("text"), max_length=300, blank=True)
    area = models.ForeignKey(
        Area, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("area of work")
    )
    source_ref = models.CharField(_("source"), max_length=60, blank=True)
    guessed = models.BooleanField(_("to be confirmed"), default=False)

    class Meta:
        abstract = True
        ordering = ["department", "position", "number"]
        constraints = [
            models.CheckConstraint(
                name="%(class)s_has_one_owner",
                condition=Q(department__isnull=True, position__isnull=False)
                | Q(department__isnull=False, position__isnull=True),
                violation_error_message=_("Choose a department or a position, not both."),
            ),
            models.UniqueConstraint(
                fields=["department", "position", "number"],
                nulls_distinct=False,
                name="%(class)s_numbered_once",
                violation_error_message=_("This number is already used."),
            ),
        ]

    def __str__(self):
        return f"{self.department or self.position} {self.number}"


class Duty(OwnedByPost):
    """One duty (职责). An empty text with a number is one that the papers lost."""

    action = models.CharField(_("action"), max_length=40, blank=True)
    object = models.CharField(_("object"), max_length=60, blank=True)
    role = models.CharField(
        pgettext_lazy("duty", "role"), max_length=8, choices=DutyRole.choices, default=DutyRole.MAIN
    )
    weight = models.PositiveSmallIntegerField(_("share of the work in percent"), null=True, blank=True)

    class Meta(OwnedByPost.Meta):
        verbose_name = _("duty")
        verbose_name_plural = _("duties")
        constraints = [
            *OwnedByPost.Meta.constraints,
            models.CheckConstraint(name="duty_known_role", condition=Q(role__in=DutyRole.values)),
            models.CheckConstraint(
                name="duty_weight_is_a_share",
                condition=Q(weight__isnull=True) | Q(weight__lte=100),
                violation_error_message=_("The share is at most 100 percent."),
            ),
        ]


class AuthorityKind(models.TextChoices):
    PROPOSE = "propose", _("may propose")
    VETO = "veto", _("may refuse")
    DISPATCH = "dispatch", _("may dispatch")
    ASSESS = "assess", _("may assess")
    INSPECT = "inspect", _("may inspect")
    GUIDE = "guide", _("may guide")
    DECIDE = "decide", _("may decide")


class Authority(OwnedByPost):
    """One power (权限): to propose, to refuse, to dispatch …"""

    kind = models.CharField(_("kind"), max_length=10, choices=AuthorityKind.choices)

    class Meta(OwnedByPost.Meta):
        verbose_name = _("authority")
        verbose_name_plural = _("authorities")
        constraints = [
            *OwnedByPost.Meta.constraints,
            models.CheckConstraint(name="authority_known_kind", condition=Q(kind__in=AuthorityKind.values)),
        ]


class HandoffFlow(models.Model):
    """Work that passes through several departments, such as setting a price."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    source_ref = models.CharField(_("source"), max_length=60, blank=True)
    guessed = models.BooleanField(_("to be confirmed"), default=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("hand-off")
        verbose_name_plural = _("hand-offs")
        ordering = ["code"]

    def __str__(self):
        return self.name


class HandoffStep(models.Model):
    """One step of a hand-off; who answers for it are the main duties of its area. Lost steps have no text."""

    flow = models.ForeignKey(HandoffFlow, models.PROTECT, related_name="steps", verbose_name=_("hand-off"))
    order = models.PositiveSmallIntegerField(_("order"))
    text = models.CharField(_("text"), max_length=200, blank=True)
    area = models.ForeignKey(
        Area, models.PROTECT, null=True, blank=True, related_name="steps", verbose_name=_("area of work")
    )
    department = models.ForeignKey(
        Department,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="handoff_steps",
        verbose_name=_("department"),
    )
    lost = models.BooleanField(_("lost in the papers"), default=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("step of a hand-off")
        verbose_name_plural = _("steps of hand-offs")
        ordering = ["flow", "order"]
        constraints = [
            models.UniqueConstraint(fields=["flow", "order"], name="handoff_step_order_once"),
        ]

    def __str__(self):
        return f"{self.flow} {self.order}"


class OrgModel(models.Model):
    """A way to organise that the papers describe; ``payload`` is the fixture's entry, contradictions included."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=60)
    source = models.CharField(_("source"), max_length=120, blank=True)
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    own = models.BooleanField(_("the company's own"), default=False)
    stated_total = models.PositiveSmallIntegerField(_("headcount as stated"), null=True, blank=True)
    guessed = models.BooleanField(_("to be confirmed"), default=False)
    payload = models.JSONField(_("content"))

    class Meta:
        verbose_name = _("organisation model")
        verbose_name_plural = _("organisation models")
        ordering = ["order", "code"]
        constraints = [
            models.UniqueConstraint(
                fields=["own"],
                condition=Q(own=True),
                name="org_model_one_is_our_own",
                violation_error_message=_("Another model is already the company's own."),
            ),
        ]

    def __str__(self):
        return self.name
