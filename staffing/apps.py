from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

# Importing one of these registers what it does as a job, in whatever process the job is run.
JOB_MODULES = ("staffing.chart.reading", "staffing.plans.table")


class StaffingConfig(AppConfig):
    name = "staffing"
    verbose_name = _("Staff")

    def ready(self):
        from orgchart import permissions
        from orgchart.changes import applied
        from orgchart.findings.queue import SOURCES
        from staffing import people
        from staffing.findings import of_people
        from staffing.moves import tell_people
        from staffing.posts import refuse_own_gain
        from staffing.structure import join_the_log

        for module in JOB_MODULES:
            import_module(module)
        join_the_log()
        applied.connect(tell_people)
        applied.connect(refuse_own_gain, dispatch_uid="refuse_own_gain")
        SOURCES.append(of_people)
        permissions.ALIKE.append(people.is_same_person)
