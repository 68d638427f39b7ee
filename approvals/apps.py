from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

# Importing one of these registers what it does as a job, in whatever process the job is run.
JOB_MODULES = ("approvals.pricelists.reading", "approvals.pricelists.importing", "approvals.flow.filing")


class ApprovalsConfig(AppConfig):
    name = "approvals"
    verbose_name = _("Approvals")

    def ready(self):
        for module in JOB_MODULES:
            import_module(module)
        from approvals.organisation.board import hiring_for
        from approvals.organisation.reorganising import end_when_applied
        from orgchart.changes import applied
        from staffing import hiring

        applied.connect(end_when_applied)
        hiring.SOURCES.append(hiring_for)
