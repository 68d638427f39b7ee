from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    name = "opsadmin.core"
    label = "core"
    verbose_name = _("System")

    def ready(self):
        from opsadmin.core.databaseroles import check_owner

        checks.register(check_owner, checks.Tags.database, deploy=True)
