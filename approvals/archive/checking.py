"""When the archive is verified: daily, and whenever somebody asks; the last report is kept with its job."""

from functools import partial

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals.archive.verify import Report, as_result, verify_archive, verify_records
from approvals.permissions import may_verify_archive
from opsadmin.core.jobs import enqueue, handler
from opsadmin.core.models import Job, JobState
from opsadmin.core.notices import tell
from opsadmin.core.refusals import Refusal
from staffing.people import people_of_role

JOB = "verify_archive"
SELECTED = "verify_records"
SELECTED_AT_MOST = 500
TOLD = ("finance", "auditor", "administrator")


def order_check(*, by=None):
    """Start verifying the whole archive, unless that is under way; returns the job."""
    running = Job.objects.filter(kind=JOB, state__in=[JobState.QUEUED, JobState.RUNNING]).first()
    return running or enqueue(JOB, {}, by=by)


def order_check_of(sequences, *, by):
    """Start verifying some records; returns the job. Refusal where none or too many are named."""
    if not sequences:
        raise Refusal(_("Select the records to be checked."), code="empty")
    if len(sequences) > SELECTED_AT_MOST:
        raise Refusal(_("At most %(n)d records at a time.") % {"n": SELECTED_AT_MOST}, code="too_many")
    return enqueue(SELECTED, {"records": sorted(sequences)}, by=by, total=len(sequences))


@handler(JOB, name=gettext_lazy("Checking the archive"))
def check_whole(claim):
    """Verify the whole archive and keep the report; finance, auditor and administrator read of a mismatch."""
    report = verify_archive(progress=partial(claim.progress, step="records"))
    with claim.finishing() as result:
        result |= as_result(report)
        if not report.whole:
            alarm(report, claim.pk)


@handler(SELECTED, name=gettext_lazy("Checking the selected records"))
def check_selected(claim):
    report = verify_records(claim.payload["records"])
    with claim.finishing() as result:
        result |= as_result(report)
        if not report.whole:
            alarm(report, claim.pk)


def alarm(report, job_pk):
    people = {user.pk: user for role in TOLD for user in people_of_role(role)}
    text = _("The archive does not agree: %(text)s") % {"text": report.first.text}
    for user in people.values():
        page = "archive_check" if may_verify_archive(user) else "checkpoints"
        tell([user], text, url=reverse(f"admin:{page}"), key=f"archive:{job_pk}")


def last_report():
    """Return the newest Report on the whole archive, None before the first."""
    job = Job.objects.filter(kind=JOB, state=JobState.DONE).order_by("-pk").first()
    return job and Report.of(job.result)


def last_job():
    """Return the newest job that verified, or is verifying, the whole archive."""
    return Job.objects.filter(kind=JOB).order_by("-pk").first()
