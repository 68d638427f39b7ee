from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrgchartConfig(AppConfig):
    name = "orgchart"
    verbose_name = _("Organisation")

    def ready(self):
        from orgchart.changes import applied
        from orgchart.findings.queue import check_applied

        applied.connect(check_applied)
