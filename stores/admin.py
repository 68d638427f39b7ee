"""Platforms, brands, stores and goods: what prices are given to."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportMixin

from opsadmin.core.records import HistoryAdmin, RecordAdmin, mark
from opsadmin.core.transfer import TransferMixin
from stores import permissions
from stores.models import Brand, Listing, Platform, Product, Sku, Store
from stores.resources import (
    BrandResource,
    ListingResource,
    PlatformResource,
    ProductResource,
    SkuResource,
    StoreResource,
)

UNIFIED = mark("unified_price", _("unified price"))
COST_FIELDS = ("cost", "cost_as_of", "floor_price")


@admin.register(Platform)
class PlatformAdmin(TransferMixin, ImportExportMixin, HistoryAdmin):
    resource_classes = [PlatformResource]
    fixed_fields = ("code",)
    list_display = ("name", "code", "fee_rate", "money_unit", "encoding", "batch_limit", "active")
    list_filter = ("active",)
    search_fields = ("code", "name")
    fields = (
        "code",
        "name",
        "fee_rate",
        "money_unit",
        "encoding",
        "delimiter",
        "batch_limit",
        "needs_dedicated_person",
        "order",
        "active",
    )


@admin.register(Brand)
class BrandAdmin(TransferMixin, ImportExportMixin, HistoryAdmin):
    resource_classes = [BrandResource]
    fixed_fields = ("code",)
    list_display = ("name", "code")
    search_fields = ("code", "name")
    fields = ("code", "name")


@admin.register(Store)
class StoreAdmin(TransferMixin, ImportExportMixin, HistoryAdmin):
    resource_classes = [StoreResource]
    fixed_fields = ("code",)
    list_display = ("name", "code", "platform", "brand", "mode", "planned_mode", "status", UNIFIED)
    list_filter = ("platform", "brand", "mode", "status", "unified_price")
    list_select_related = ("platform", "brand")
    search_fields = ("code", "name")
    fields = (
        ("code", "name"),
        ("platform", "brand"),
        ("mode", "planned_mode", "status"),
        ("unified_price", "currency"),
        ("lead_hours", "order"),
        "note",
    )

    def get_queryset(self, request):
        return super().get_queryset(request).visible_to(request.user)


@admin.register(Product)
class ProductAdmin(TransferMixin, ImportExportMixin, HistoryAdmin):
    resource_classes = [ProductResource]
    fixed_fields = ("code",)
    list_display = ("name", "code", "category")
    list_filter = ("category",)
    search_fields = ("code", "name")
    fields = ("code", "name", "category")


@admin.register(Sku)
class SkuAdmin(TransferMixin, ImportExportMixin, HistoryAdmin):
    """Cost and floor are shown, searched and exported only by those who may see costs."""

    resource_classes = [SkuResource]
    fixed_fields = ("code",)
    list_filter = ("brand", "pool", "active")
    list_select_related = ("product", "brand")
    search_fields = ("code", "name")
    autocomplete_fields = ("product",)

    def get_list_display(self, request):
        costs = ("cost", "cost_as_of", "floor_price") if permissions.may_see_costs(request.user) else ()
        return ("code", "name", "brand", "pool", *costs, "ceiling_price", "stock", "active")

    def get_fieldsets(self, request, obj=None):
        goods = ("code", "name", ("product", "brand"), ("pool", "active"), ("barcode", "stock"))
        prices = (("cost", "cost_as_of"), ("floor_price", "ceiling_price"))
        if not permissions.may_see_costs(request.user):
            prices = ("ceiling_price",)
        return [(None, {"fields": goods}), (_("Prices"), {"fields": prices})]

    def lookup_allowed(self, lookup, value, request):
        if lookup.split("__")[0] in COST_FIELDS and not permissions.may_see_costs(request.user):
            return False
        return super().lookup_allowed(lookup, value, request)

    def may_see_history(self, user):
        """The history of a SKU is a history of its costs too."""
        return permissions.may_see_costs(user)


@admin.register(Listing)
class ListingAdmin(TransferMixin, ImportExportMixin, RecordAdmin):
    """Only the stores that one may see, in the list as well as in the choices of the form."""

    resource_classes = [ListingResource]
    fixed_fields = ("sku", "store")
    list_display = ("sku", "sku_name", "store", "platform_item_id", "platform_sku_id", "state", "listed_at")
    list_filter = ("store", "state")
    list_select_related = ("sku", "store")
    search_fields = ("sku__code", "sku__name", "platform_item_id", "platform_sku_id")
    ordering = ("-id",)
    autocomplete_fields = ("sku",)
    fields = (("sku", "store"), ("platform_item_id", "platform_sku_id"), ("state", "listed_at"))

    @admin.display(description=_("name"))
    def sku_name(self, listing):
        return listing.sku.name

    def get_queryset(self, request):
        stores = Store.objects.visible_to(request.user)
        return super().get_queryset(request).filter(store__in=stores)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "store":
            kwargs["queryset"] = Store.objects.visible_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
