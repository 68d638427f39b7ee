"""The top floor's app (commands, templates, static files) and the admin site that every screen hangs on."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class OpsAdminConfig(AppConfig):
    name = "opsadmin"
    label = "opsadmin"
    verbose_name = _("Store operations")


class SiteConfig(AdminConfig):
    default_site = "opsadmin.site.OpsAdminSite"
