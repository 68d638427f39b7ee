"""Promotions (促销活动): a document that lowers prices for a window, within limits."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.document import Document, DocumentLine


class PromotionKind(models.TextChoices):
    MARKDOWN = "markdown", _("markdown")
    DISCOUNT = "discount", _("percentage off")
    FLASH_SALE = "flash_sale", _("flash sale")
    PRESALE = "presale", _("presale")
    COUPON = "coupon", _("coupon")


class Promotion(Document):
    promotion_kind = models.CharField(_("kind of promotion"), max_length=12, choices=PromotionKind.choices)
    theme = models.CharField(_("theme"), max_length=100, blank=True)
    per_user_cap = models.PositiveIntegerField(_("per buyer at most"), null=True, blank=True)
    total_quantity = models.PositiveIntegerField(_("total quantity"), null=True, blank=True)
    budget = models.DecimalField(_("budget"), max_digits=12, decimal_places=2, null=True, blank=True)

    layer = "campaign"

    class Meta:
        verbose_name = _("promotion")
        verbose_name_plural = _("promotions")
        constraints = [
            models.CheckConstraint(
                name="promotion_budget_above_zero", condition=Q(budget__isnull=True) | Q(budget__gt=0)
            )
        ]


class PromotionLine(DocumentLine):
    """``final_price`` is the promotion price; ``discount`` is what the page promises, in percent off."""

    document = models.ForeignKey(Promotion, models.CASCADE, related_name="lines", verbose_name=_("promotion"))
    discount = models.DecimalField(
        _("discount in percent"), max_digits=5, decimal_places=2, null=True, blank=True
    )
    quantity_limit = models.PositiveIntegerField(_("quantity limit"), null=True, blank=True)

    class Meta:
        verbose_name = _("promotion line")
        verbose_name_plural = _("promotion lines")
        indexes = [
            models.Index(fields=["document", "band", "-risk", "id"], name="promotion_line_by_risk"),
            models.Index(fields=["document", "row_no", "id"], name="promotion_line_by_row"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "sku_code", "scope_key"],
                name="promotion_line_one_per_sku_and_scope",
                violation_error_message=_("This SKU is already in the promotion for these stores."),
            ),
            models.CheckConstraint(
                name="promotion_line_price_above_zero",
                condition=Q(final_price__gt=0),
                violation_error_message=_("The promotion price must be above 0."),
            ),
            models.CheckConstraint(
                name="promotion_line_struck_says_why",
                condition=Q(struck=False) | ~Q(strike_reason=""),
                violation_error_message=_("Say why the line is struck."),
            ),
            models.CheckConstraint(
                name="promotion_line_exception_says_why",
                condition=~Q(scope_key__startswith="stores:") | ~Q(exception_reason=""),
                violation_error_message=_("A price for named stores needs a written exception."),
            ),
        ]
