from django.utils.translation import gettext as _

from opsadmin.core import clock
from opsadmin.core.notices import tell
from opsadmin.core.tasks import periodic
from orgchart.changes import apply_due
from orgchart.changes.log import keep_snapshot_if_long, scheduled_until
from orgchart.findings.queue import checked, refresh_findings


@periodic(every=60)
def apply_due_changes():
    """Apply what is scheduled for today or was missed; tell the author of a set that no longer fits."""
    today = clock.today()
    apply_due(today)
    for change_set in scheduled_until(today).exclude(problem="").exclude(author=None):
        text = _("“%(title)s” could not take effect: %(why)s") % {
            "title": change_set,
            "why": change_set.problem,
        }
        tell([change_set.author], text, url="/", key=f"orgdue:{change_set.pk}")
    keep_snapshot_if_long(today)


@periodic(every=86400)
def check_findings(version=None):
    """Look for signs of a bad structure: after a version of the organisation, and once a day for what time brings."""
    if version is None or not checked(version):
        refresh_findings()
