"""The site's addresses, and two to compare with: a logged-in "ok", and the admin's own list over the lines."""

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import path

from approvals.models import PriceLine
from opsadmin.urls import urlpatterns as own


class LineAdmin(ModelAdmin):
    list_display = ("row_no", "sku_code", "sku_name", "reference_price", "final_price", "struck")
    list_filter = ("struck", "scope_key")
    search_fields = ("sku_code", "sku_name")

    def has_view_permission(self, request, obj=None):
        return True

    has_module_permission = has_view_permission


stock = AdminSite(name="stock")
stock.register(PriceLine, LineAdmin)


@login_required
def ok(request):
    return HttpResponse("ok")


urlpatterns = [path("bench/ok/", ok), path("bench/stock/", stock.urls), *own]
