"""All addresses: the admin site is the product, so it stands at the root."""

from django.contrib import admin
from django.urls import path
from django.views.i18n import set_language

handler403 = "opsadmin.errors.forbidden"
handler404 = "opsadmin.errors.not_found"
handler500 = "opsadmin.trouble.broken"

urlpatterns = [
    path("i18n/setlang/", set_language, name="set_language"),
    path("", admin.site.urls),
]
