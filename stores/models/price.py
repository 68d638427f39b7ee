"""Prices in force: the timeline that filed documents made. Stores know a document's number, not the document."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from stores.models.goods import Sku
from stores.models.store import Store
from stores.querysets import PriceInForceQuerySet


class PriceLayer(models.TextChoices):
    BASE = "base", _("base price")
    CAMPAIGN = "campaign", _("campaign price")


# SKU, store and layer as one number: an index over two columns takes far less than over four, for every price that
# is written. Two places never share a number as long as there are fewer than 2^21 stores.
PLACE = (
    F("sku_id") * Value(2**22, models.BigIntegerField())
    + F("store_id") * Value(2, models.BigIntegerField())
    + Case(When(layer="campaign", then=Value(1)), default=Value(0), output_field=models.BigIntegerField())
)


class PriceInForce(models.Model):
    """What a filed document made valid for a SKU, a store, a layer and a window ``[start, end)``.

    An open window lasts until a later document begins: then, and only then, its end is written (a trigger
    refuses every other change). A campaign price stands over the base price while its window lasts.
    """

    sku = models.ForeignKey(Sku, models.PROTECT, related_name="prices", verbose_name="SKU", db_index=False)
    store = models.ForeignKey(Store, models.PROTECT, related_name="prices", verbose_name=_("store"))
    layer = models.CharField(_("layer"), max_length=10, choices=PriceLayer.choices)
    amount = models.DecimalField(_("price"), max_digits=12, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    during = DateTimeRangeField(_("window"), help_text=_("Start included, end excluded."))
    document_number = models.CharField(_("document"), max_length=20)
    line_no = models.PositiveIntegerField(_("line"))

    objects = PriceInForceQuerySet.as_manager()

    class Meta:
        verbose_name = _("price in force")
        verbose_name_plural = _("prices in force")
        indexes = [
            models.Index(fields=["document_number", "line_no"], name="price_by_document"),
            # The exclusion constraint's own index cannot find the prices of one SKU.
            models.Index(fields=["sku", "store", "layer"], name="price_by_sku_and_store"),
        ]
        constraints = [
            ExclusionConstraint(
                name="price_in_force_one_per_instant",
                expressions=[
                    (PLACE, RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("This SKU already has a price in this store at that time."),
            ),
            models.CheckConstraint(name="price_in_force_above_zero", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="price_in_force_layer_known", condition=Q(layer__in=PriceLayer.values)
            ),
            models.CheckConstraint(
                name="price_in_force_has_start",
                condition=Q(during__isempty=False, during__startswith__isnull=False),
            ),
        ]

    def __str__(self):
        return f"{self.sku} {self.store} {self.amount}"
