"""Filing a large document in a worker: putting a million prices in force takes longer than a page may."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.flow import transitions
from approvals.models import Task, Verdict
from opsadmin.core.jobs import enqueue, handler
from opsadmin.core.models import Job, JobState
from opsadmin.core.notices import tell
from opsadmin.core.refusals import Refusal

JOB = "file_document"
LARGE_PRICES = 50_000


def needs_job(document):
    """Say whether so many prices (lines × stores) take effect that nobody should wait for the page."""
    return document.line_count * document.store_count > LARGE_PRICES


@transaction.atomic
def order_filing(task, *, by, content_hash, comment, address):
    """Start the job that files the task's document as ``transitions.decide`` would; a second call returns the first's.

    What makes no sense to start is refused at once: a task that is closed, a content that has changed.
    """
    document = transitions.locked(task.document_id)
    task = Task.objects.select_related("step").get(pk=task.pk)
    transitions.check_open(task, by)
    transitions.check_no_author(task, document, by=by)
    transitions.check_fresh(document, content_hash)
    payload = {"task": task.pk, "content_hash": content_hash, "comment": comment, "address": address}
    return being_filed(task) or enqueue(JOB, payload, by=by)


def being_filed(task):
    """Return the open job that files the task's document, or None."""
    return Job.objects.filter(
        kind=JOB, payload__task=task.pk, state__in=[JobState.QUEUED, JobState.RUNNING]
    ).first()


@handler(JOB, name=gettext_lazy("Filing a document"))
def run_filing(claim):
    """File, and end the job, in one transaction; the one who asked is told."""
    user, task = claim.job.created_by, Task.objects.select_related("document").get(pk=claim.payload["task"])
    number, url = task.document.number, reverse("admin:document", args=[task.document_id])
    try:
        with claim.finishing() as result:
            transitions.decide(
                task.pk,
                by=user,
                verdict=Verdict.FILE,
                content_hash=claim.payload["content_hash"],
                comment=claim.payload["comment"],
                address=claim.payload["address"],
            )
            result |= {"number": number, "url": url}
            tell([user], _("%(number)s is filed.") % {"number": number}, url=url, key=f"filed:{task.pk}")
    except PermissionDenied as denied:
        raise Refusal(_("You may not decide on this any more: your post or right has changed.")) from denied
