"""Documents about the organisation: reorganisations (组织调整) and hiring requests (招聘需求)."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from approvals.models.document import Document
from orgchart.models import ChangeOp, ChangeSet, Position


class Reorganisation(Document):
    """Brings a set of changes of the organisation before those who sign; filing schedules it for its day.

    ``effective_from`` is midnight (Asia/Shanghai) of the set's day. The set's items are copied into lines, so that
    what is signed and sealed does not depend on the log.
    """

    change_set = models.OneToOneField(
        ChangeSet, models.PROTECT, related_name="reorganisation", verbose_name=_("change set")
    )
    base_version = models.PositiveIntegerField(_("drafted on version"), default=0)

    class Meta:
        verbose_name = _("reorganisation")
        verbose_name_plural = _("reorganisations")


class ReorganisationLine(models.Model):
    """One change as it is signed: ``before`` and ``after`` are canonical JSON (empty: no row), ``words`` say
    the same to people.

    ``struck``: the live row is kept, the change is not made.
    """

    document = models.ForeignKey(
        Reorganisation, models.CASCADE, related_name="lines", verbose_name=_("reorganisation")
    )
    row_no = models.PositiveIntegerField(_("line"))
    entity = models.CharField(_("what"), max_length=16)
    key = models.CharField(_("key"), max_length=200)
    op = models.CharField(_("change"), max_length=8, choices=ChangeOp.choices)
    before = models.TextField(_("before"), blank=True)
    after = models.TextField(_("after"), blank=True)
    words = models.TextField(_("in words"), blank=True)
    struck = models.BooleanField(_("left out"), default=False)
    decided_digest = models.CharField(_("digest when last decided"), max_length=64, blank=True)

    class Meta:
        verbose_name = pgettext_lazy("change set", "change")
        verbose_name_plural = pgettext_lazy("change set", "changes")
        ordering = ["document", "row_no"]
        constraints = [
            models.UniqueConstraint(fields=["document", "row_no"], name="reorganisation_line_once"),
        ]

    def __str__(self):
        return self.words


class HiringRequest(Document):
    """Asks for people on one position. Plan, filled and short are those of the last check; its lines are the duties."""

    position = models.ForeignKey(
        Position,
        models.PROTECT,
        related_name="hiring_requests",
        verbose_name=pgettext_lazy("job", "position"),
    )
    wanted = models.PositiveSmallIntegerField(_("people wanted"), default=1)
    plan_min = models.PositiveSmallIntegerField(_("headcount at least"), null=True, blank=True)
    plan_max = models.PositiveSmallIntegerField(_("headcount at most"), null=True, blank=True)
    filled = models.PositiveSmallIntegerField(pgettext_lazy("headcount", "filled"), default=0)
    short = models.PositiveSmallIntegerField(pgettext_lazy("headcount", "short"), default=0)

    class Meta:
        verbose_name = _("hiring request")
        verbose_name_plural = _("hiring requests")
        constraints = [
            models.CheckConstraint(
                name="hiring_request_wants_somebody",
                condition=Q(wanted__gt=0),
                violation_error_message=_("Ask for at least one person."),
            ),
            models.CheckConstraint(
                name="hiring_request_plan_in_order",
                condition=Q(plan_min__isnull=True)
                | Q(plan_max__isnull=True)
                | Q(plan_max__gte=F("plan_min")),
            ),
        ]


class HiringLine(models.Model):
    """One duty that the people wanted shall take over."""

    document = models.ForeignKey(
        HiringRequest, models.CASCADE, related_name="lines", verbose_name=_("hiring request")
    )
    row_no = models.PositiveIntegerField(_("line"))
    text = models.CharField(_("duty"), max_length=300)
    struck = models.BooleanField(_("left out"), default=False)
    decided_digest = models.CharField(_("digest when last decided"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("duty")
        verbose_name_plural = _("duties")
        ordering = ["document", "row_no"]
        constraints = [
            models.UniqueConstraint(fields=["document", "row_no"], name="hiring_line_once"),
            models.CheckConstraint(name="hiring_line_says_what", condition=~Q(text="")),
        ]

    def __str__(self):
        return self.text
