from celery import shared_task
from django.utils import timezone
from django.utils.translation import gettext as _

from opsadmin.core.notices import tell
from opsadmin.core.tasks import heartbeat
from orgchart.changes import apply_due
from orgchart.changes.log import keep_snapshot_if_long, scheduled_until
from orgchart.findings.queue import checked, refresh_findings


@shared_task
def apply_due_changes():
    """Apply what is scheduled for today or was missed; tell the author of a set that no longer fits."""
    apply_due(timezone.localdate())
    for change_set in scheduled_until(timezone.localdate()).exclude(problem="").exclude(author=None):
        text = _("“%(title)s” could not take effect: %(why)s") % {
            "title": change_set,
            "why": change_set.problem,
        }
        tell([change_set.author], text, url="/", key=f"orgdue:{change_set.pk}")
    keep_snapshot_if_long(timezone.localdate())
    heartbeat("apply_due_changes")


@shared_task
def check_findings(version=None):
    """Look for signs of a bad structure: after a version of the organisation, and once a day for what time brings."""
    if version is None or not checked(version):
        refresh_findings()
    heartbeat("check_findings")
