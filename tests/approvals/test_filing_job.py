"""A large document is filed by a worker: the same transition, asked for on a page and done behind it."""

import pytest
from django.urls import reverse

from approvals.flow import filing, transitions
from approvals.models import ArchiveRecord, Decision, Document, DocumentState, Verdict
from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState, Notice
from tests.approvals.world import make_world, open_task, sign, submitted


@pytest.fixture
def waiting(db, monkeypatch):
    """A signed document that waits for finance, large by the standard of this test."""
    monkeypatch.setattr(filing, "LARGE_PRICES", 0)
    world = make_world()
    document = submitted(world)
    sign(world, document)
    return world, Document.objects.get(pk=document.pk)


def press(client, world, document):
    task = open_task(document)
    return client.post(
        reverse("admin:review_decide", args=[task.pk]),
        {"verdict": "file", "content_hash": document.content_hash},
    )


def test_pressing_twice_starts_one_job_and_the_job_files(waiting, signed_in):
    world, document = waiting
    client = signed_in(open_task(document).assignee)
    first, second = press(client, world, document), press(client, world, document)
    job = Job.objects.get(kind=filing.JOB)
    assert first.url == second.url == reverse("admin:job", args=[job.pk])
    assert not ArchiveRecord.objects.exists()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.result["number"]) == (JobState.DONE, document.number)
    assert ArchiveRecord.objects.filter(document=document).count() == 1
    assert Notice.objects.filter(user=job.created_by, key__startswith="filed:").count() == 1
    body = client.get(first.url).content.decode()
    assert document.number in body and reverse("admin:document", args=[document.pk]) in body


def test_a_job_that_runs_twice_files_once(waiting):
    world, document = waiting
    task = open_task(document)
    job = filing.order_filing(
        task, by=task.assignee, content_hash=document.content_hash, comment="", address=None
    )
    jobs.run(job.pk)
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED)
    jobs.run(job.pk)
    assert Decision.objects.filter(document=document, verdict=Verdict.FILE).count() == 1
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_a_stale_page_or_a_closed_task_starts_nothing(waiting, signed_in):
    world, document = waiting
    task = open_task(document)
    client = signed_in(task.assignee)
    document.content_hash = "0" * 64
    press(client, world, document)
    document.refresh_from_db()
    transitions.decide(task.pk, by=task.assignee, verdict=Verdict.FILE, content_hash=document.content_hash)
    client.post(
        reverse("admin:review_decide", args=[task.pk]),
        {"verdict": "file", "content_hash": document.content_hash},
    )
    assert not Job.objects.filter(kind=filing.JOB).exists()


def test_a_right_lost_before_the_worker_comes_refuses_and_says_so(waiting):
    world, document = waiting
    task = open_task(document)
    job = filing.order_filing(
        task, by=task.assignee, content_hash=document.content_hash, comment="", address=None
    )
    task.assignee.groups.clear()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED and job.error
    document.refresh_from_db()
    assert document.state == DocumentState.IN_APPROVAL
