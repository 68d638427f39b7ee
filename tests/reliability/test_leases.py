"""Who holds a job: its lease, its heartbeat, and the lock of its last transaction."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connections

from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState
from opsadmin.core.refusals import Refusal

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = timedelta(seconds=0.3)


@pytest.fixture
def handler(monkeypatch):
    """Register a function as the handler of jobs of the kind "test"."""
    return lambda function: monkeypatch.setitem(jobs.HANDLERS, "test", function)


@pytest.fixture
def short_leases(monkeypatch):
    monkeypatch.setattr(jobs, "LEASE", SHORT)
    monkeypatch.setattr(jobs, "BEAT_SECONDS", 0.05)


def taken_by_another(pk):
    """Return what a second worker gets that asks for the job now, on a connection of its own."""
    answers = []

    def ask():
        answers.append(jobs.claim(pk))
        connections.close_all()

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(10)
    return answers[0]


def test_a_last_transaction_longer_than_the_lease_is_neither_lost_nor_taken(handler, short_leases, caplog):
    """The heartbeat meets the lock of its own job: that is no other attempt, and not a lost job."""
    taken = []

    def slow(claim):
        with claim.finishing() as result:
            time.sleep(1)
            taken.append(taken_by_another(claim.pk))
            result["wrote"] = 1

    handler(slow)
    job = Job.objects.create(kind="test")
    jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempt, job.result, taken) == (JobState.DONE, 1, {"wrote": 1}, [None])
    assert "lost" not in caplog.text


def test_while_a_job_works_longer_than_its_lease_its_heartbeat_holds_it(handler, short_leases):
    taken = []

    def slow(claim):
        time.sleep(1)
        taken.append(taken_by_another(claim.pk))
        with claim.finishing():
            pass

    handler(slow)
    job = Job.objects.create(kind="test")
    jobs.run(job.pk)
    assert taken == [None]


def test_an_attempt_that_was_overtaken_writes_nothing(handler):
    wrote = []

    def overtaken(claim):
        Job.objects.filter(pk=claim.pk).update(attempt=claim.attempt + 1)
        with claim.finishing():
            wrote.append(1)

    handler(overtaken)
    job = Job.objects.create(kind="test")
    jobs.run(job.pk)
    assert wrote == []
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING


def test_what_the_database_cut_off_is_tried_again_and_in_the_end_says_so(handler):
    """Three attempts, then a sentence and a button."""

    def cut_off(claim):
        raise OperationalError("server closed the connection unexpectedly")

    handler(cut_off)
    job = Job.objects.create(kind="test")
    for attempt in (1, 2, 3):
        jobs.run(job.pk)
        job.refresh_from_db()
        assert (job.state, job.attempt) == (JobState.RUNNING, attempt)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED and "3" in job.error
    jobs.retry(job.pk, by=None)
    assert jobs.claim(job.pk).attempt == 4


def test_a_job_that_has_not_failed_is_not_started_again():
    job = Job.objects.create(kind="test")
    with pytest.raises(Refusal):
        jobs.retry(job.pk, by=None)
