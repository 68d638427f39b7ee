"""Goods: products, their SKUs, and where a SKU is listed."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from stores.models.store import Brand, Store
from stores.querysets import SkuQuerySet


class Pool(models.TextChoices):
    COMMON = "common", _("common")
    CAMPAIGN = "campaign", _("campaign")
    EXCLUSIVE = "exclusive", _("exclusive")


class Product(models.Model):
    """A product; the same product under two brands is one row, so that their prices can be compared."""

    code = models.CharField(_("product code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    category = models.CharField(_("category"), max_length=40, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["code"]
        permissions = [
            ("import_product", _("Can import products")),
            ("export_product", _("Can export products")),
        ]

    def __str__(self):
        return self.name


class Sku(models.Model):
    """One sellable thing. Its code is kept in upper case, half width, without blanks."""

    code = models.CharField("SKU", max_length=40, unique=True)
    product = models.ForeignKey(Product, models.PROTECT, related_name="skus", verbose_name=_("product"))
    brand = models.ForeignKey(Brand, models.PROTECT, related_name="skus", verbose_name=_("brand"))
    name = models.CharField(_("name"), max_length=160)
    barcode = models.CharField(_("barcode"), max_length=20, blank=True)
    pool = models.CharField(_("assortment mix"), max_length=10, choices=Pool.choices, default=Pool.COMMON)
    active = models.BooleanField(_("active"), default=True)
    cost = models.DecimalField(_("cost"), max_digits=12, decimal_places=2, null=True, blank=True)
    cost_as_of = models.DateField(_("cost as of"), null=True, blank=True)
    floor_price = models.DecimalField(
        _("floor price"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    ceiling_price = models.DecimalField(
        _("ceiling price"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    stock = models.PositiveIntegerField(_("sellable stock"), default=0)
    history = HistoricalRecords()

    objects = SkuQuerySet.as_manager()

    class Meta:
        verbose_name = "SKU"
        verbose_name_plural = "SKU"
        ordering = ["code"]
        permissions = [
            ("view_costs", _("Can see cost and floor price")),
            ("import_sku", _("Can import SKUs")),
            ("export_sku", _("Can export SKUs")),
        ]
        indexes = [models.Index(fields=["brand", "code"], name="sku_by_brand")]
        constraints = [
            models.CheckConstraint(
                name="sku_code_is_normal",
                condition=Q(code__regex=r"^[^\sa-z]+$"),
                violation_error_message=_("Write the SKU in capitals and without blanks."),
            ),
            models.CheckConstraint(
                name="sku_cost_above_zero",
                condition=Q(cost__isnull=True) | Q(cost__gt=0),
                violation_error_message=_("The cost must be above 0."),
            ),
            models.CheckConstraint(
                name="sku_floor_above_zero",
                condition=Q(floor_price__isnull=True) | Q(floor_price__gt=0),
                violation_error_message=_("The floor price must be above 0."),
            ),
            models.CheckConstraint(
                name="sku_ceiling_not_below_floor",
                condition=Q(ceiling_price__isnull=True)
                | Q(floor_price__isnull=True)
                | Q(ceiling_price__gte=F("floor_price")),
                violation_error_message=_("The ceiling price is below the floor price."),
            ),
        ]

    def __str__(self):
        return self.code


class ListingState(models.TextChoices):
    LISTED = "listed", _("on shelf")
    DELISTED = "delisted", _("off shelf")


class Listing(models.Model):
    """A SKU on a store's shelf, under the mall's own item numbers."""

    sku = models.ForeignKey(Sku, models.PROTECT, related_name="listings", verbose_name="SKU")
    store = models.ForeignKey(Store, models.PROTECT, related_name="listings", verbose_name=_("store"))
    platform_item_id = models.CharField(_("mall's item id"), max_length=40, blank=True)
    platform_sku_id = models.CharField(_("mall's SKU id"), max_length=40, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=ListingState.choices, default=ListingState.LISTED
    )
    listed_at = models.DateField(_("listed on"), null=True, blank=True)

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        permissions = [
            ("import_listing", _("Can import listings")),
            ("export_listing", _("Can export listings")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["sku", "store"],
                name="listing_one_per_sku_and_store",
                violation_error_message=_("This SKU is already listed in this store."),
            ),
            models.UniqueConstraint(
                fields=["store", "platform_sku_id"],
                condition=~Q(platform_sku_id=""),
                name="listing_one_per_mall_sku",
                violation_error_message=_("This mall's SKU id is already used in this store."),
            ),
        ]

    def __str__(self):
        return f"{self.sku} · {self.store}"
