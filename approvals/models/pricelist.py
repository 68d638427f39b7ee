"""Price lists (价格表): a document that proposes prices, and its lines."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.document import Document, DocumentLine


class PriceListKind(models.TextChoices):
    REGULAR = "regular", _("regular price list")
    CAMPAIGN = "campaign", _("campaign price list")
    EMERGENCY = "emergency", _("emergency price list")


class PriceReason(models.TextChoices):
    """Why a price is what it is; only these excuse a price below cost (互联网平台价格行为规则)."""

    NONE = "", _("none")
    CLEARANCE = "clearance", _("clearance")
    SEASONAL = "seasonal", _("end of season")
    NEAR_EXPIRY = "near_expiry", _("near expiry")
    OVERSTOCK = "overstock", _("overstock")
    RENEWAL = "renewal", _("model renewal")
    OTHER = "other", _("other")


BELOW_COST_REASONS = ("clearance", "seasonal", "near_expiry", "overstock", "renewal")


class PriceList(Document):
    """A regular or emergency list writes the base layer; a campaign list writes the campaign layer."""

    list_kind = models.CharField(
        _("kind of price list"), max_length=10, choices=PriceListKind.choices, default=PriceListKind.REGULAR
    )

    class Meta:
        verbose_name = _("price list")
        verbose_name_plural = _("price lists")

    @property
    def layer(self):
        return "campaign" if self.list_kind == PriceListKind.CAMPAIGN else "base"


class PriceLine(DocumentLine):
    document = models.ForeignKey(
        PriceList, models.CASCADE, related_name="lines", verbose_name=_("price list")
    )
    reference_price = models.DecimalField(_("reference price"), max_digits=12, decimal_places=2)
    ceiling_price = models.DecimalField(
        _("ceiling price"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    compare_at_price = models.DecimalField(
        _("struck-through price"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("The price shown crossed out beside the final price."),
    )
    reason_code = models.CharField(
        _("kind of reason"), max_length=12, choices=PriceReason.choices, default=PriceReason.NONE, blank=True
    )

    class Meta:
        verbose_name = _("price line")
        verbose_name_plural = _("price lines")
        indexes = [
            models.Index(fields=["document", "band", "-risk", "id"], name="price_line_by_risk"),
            models.Index(fields=["document", "row_no", "id"], name="price_line_by_row"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "sku_code", "scope_key"],
                name="price_line_one_per_sku_and_scope",
                violation_error_message=_("This SKU is already in the list for these stores."),
            ),
            models.CheckConstraint(
                name="price_line_final_price_above_zero",
                condition=Q(final_price__gt=0),
                violation_error_message=_("The final price must be above 0."),
            ),
            models.CheckConstraint(
                name="price_line_reference_price_above_zero",
                condition=Q(reference_price__gt=0),
                violation_error_message=_("The reference price must be above 0."),
            ),
            models.CheckConstraint(
                name="price_line_struck_says_why",
                condition=Q(struck=False) | ~Q(strike_reason=""),
                violation_error_message=_("Say why the line is struck."),
            ),
            models.CheckConstraint(
                name="price_line_exception_says_why",
                condition=~Q(scope_key__startswith="stores:") | ~Q(exception_reason=""),
                violation_error_message=_("A price for named stores needs a written exception."),
            ),
        ]
