"""How platforms, brands, stores and goods come in and out of files."""

from import_export.fields import Field

from opsadmin.core.transfer import CodeWidget, MasterResource
from stores import permissions
from stores.models import Brand, Listing, Platform, Product, Sku, Store


class PlatformResource(MasterResource):
    class Meta:
        model = Platform
        import_id_fields = ["code"]
        fields = [
            "code",
            "name",
            "money_unit",
            "fee_rate",
            "batch_limit",
            "encoding",
            "delimiter",
            "needs_dedicated_person",
            "order",
            "active",
        ]


class BrandResource(MasterResource):
    class Meta:
        model = Brand
        import_id_fields = ["code"]
        fields = ["code", "name"]


class StoreResource(MasterResource):
    platform = Field("platform", "platform", CodeWidget(Platform))
    brand = Field("brand", "brand", CodeWidget(Brand))

    class Meta:
        model = Store
        import_id_fields = ["code"]
        fields = [
            *("code", "name", "platform", "brand", "mode", "planned_mode", "status", "unified_price"),
            *("currency", "lead_hours", "order", "note"),
        ]

    def get_queryset(self):
        return Store.objects.visible_to(self.user).select_related("platform", "brand")


class ProductResource(MasterResource):
    class Meta:
        model = Product
        import_id_fields = ["code"]
        fields = ["code", "name", "category"]


class SkuResource(MasterResource):
    sheet_kinds = {"code": "code"}
    product = Field("product", "product", CodeWidget(Product))
    brand = Field("brand", "brand", CodeWidget(Brand))

    class Meta:
        model = Sku
        import_id_fields = ["code"]
        fields = [
            *("code", "product", "brand", "name", "barcode", "pool", "active"),
            *("cost", "cost_as_of", "floor_price", "ceiling_price", "stock"),
        ]

    def hidden_fields(self):
        return () if permissions.may_see_costs(self.user) else ("cost", "cost_as_of", "floor_price")


class ListingResource(MasterResource):
    sheet_kinds = {"sku": "code"}
    sku = Field("sku", "sku", CodeWidget(Sku))
    store = Field("store", "store", CodeWidget(Store))

    class Meta:
        model = Listing
        import_id_fields = ["sku", "store"]
        fields = ["sku", "store", "platform_item_id", "platform_sku_id", "state", "listed_at"]

    def __init__(self, *, user, **kwargs):
        super().__init__(user=user, **kwargs)
        self.fields["store"].widget = CodeWidget(Store, rows=Store.objects.visible_to(user))

    def get_queryset(self):
        return Listing.objects.filter(store__in=Store.objects.visible_to(self.user)).select_related(
            "sku", "store"
        )
