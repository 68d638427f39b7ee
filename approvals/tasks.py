"""What runs by the clock."""

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals.archive import anchors, checking, packaging, rowseals
from approvals.flow import transitions
from approvals.models import Step, StepState, Task, TaskState
from approvals.organisation import reorganising
from approvals.pricelists import importing
from opsadmin.core import clock
from opsadmin.core.notices import tell
from opsadmin.core.storage import clear_parts
from opsadmin.core.tasks import periodic
from opsadmin.core.uploads import clear_uploads


@periodic(every=60)
def check_deadlines():
    """Tell people about tasks past their latest safe moment, and find new people where posts have changed hands."""
    overdue = Task.objects.filter(state=TaskState.OPEN, due_at__lt=clock.now()).select_related(
        "assignee", "document"
    )
    for task in overdue.order_by("pk")[:500]:
        tell(
            [task.assignee],
            _("Overdue: %(number)s %(title)s")
            % {"number": task.document.number, "title": task.document.title},
            url=reverse("admin:review", args=[task.pk]),
            key=f"overdue:{task.pk}",
        )
    reroute_open_steps()
    reorganising.end_applied()


def reroute_open_steps():
    """Ask today's holders where nobody who was asked still holds the post."""
    for step_pk, document_pk in Step.objects.filter(state=StepState.ACTIVE).values_list(
        "pk", "process__document"
    ):
        with transaction.atomic():
            document = transitions.locked(document_pk)
            step = Step.objects.select_related("process", "flow_step").get(pk=step_pk)
            if step.state != StepState.ACTIVE:
                continue
            transitions.reroute_and_go_on(step, document)


@periodic(every=86400)
def verify_archive_daily():
    """Have the whole archive verified, and clear away packages that were made to order and fetched long ago."""
    checking.order_check()
    packaging.clear_bundles()


@periodic(every=600)
def seal_rows():
    """Seal the rows of protected tables that have become final."""
    rowseals.seal_rows()


@periodic(every=3600)
def send_checkpoints():
    """Send the archive's checkpoints once a day to where they are kept; what failed is tried again each hour."""
    anchors.send_checkpoints()


@periodic(every=3600)
def clean_imports():
    """Delete what ended or forgotten uploads have left, and what killed processes left of files."""
    importing.clean_old_imports()
    clear_uploads()
    clear_parts()
