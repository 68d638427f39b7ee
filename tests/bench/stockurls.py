"""The stock admin's list of SKUs, with the columns, filters and search of ours."""

from django.contrib.admin import AdminSite, ModelAdmin
from django.urls import path

from stores.models import Sku

COSTS = ("cost", "cost_as_of", "floor_price")
site = AdminSite()


class SkuList(ModelAdmin):
    list_display = ("code", "name", "brand", "pool", *COSTS, "ceiling_price", "stock", "active")
    list_filter = ("brand", "pool", "active")
    list_select_related = ("brand",)
    search_fields = ("code", "name")


site.register(Sku, SkuList)
urlpatterns = [path("", site.urls)]
