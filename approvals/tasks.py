"""What runs by the clock."""

from celery import shared_task
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.archive import checking, packaging
from approvals.flow import transitions
from approvals.models import Step, StepState, Task, TaskState
from approvals.organisation import reorganising
from approvals.pricelists import importing
from opsadmin.core.notices import tell
from opsadmin.core.tasks import heartbeat


@shared_task
def check_deadlines():
    """Tell people about tasks past their latest safe moment, and find new people where posts have changed hands."""
    now = timezone.now()
    overdue = Task.objects.filter(state=TaskState.OPEN, due_at__lt=now).select_related("assignee", "document")
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
    heartbeat("check_deadlines")


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


@shared_task
def verify_archive_daily():
    """Have the whole archive verified, and clear away packages that were made to order and fetched long ago."""
    checking.order_check()
    packaging.clear_bundles()
    heartbeat("verify_archive_daily")


@shared_task
def clean_imports():
    """Delete the rows of uploads that have ended; what was imported into which draft stays known."""
    importing.clean_old_imports()
    heartbeat("clean_imports")
