"""Jobs: work outside the web process, whose state lives in the database.

The broker only carries the number of a job. If the message is lost, or its worker killed, the lease runs out
and the sweeper sends the number again; ``attempt`` tells an old worker that the job is no longer its own.
"""

import logging
import threading
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

from django.db import connection, connections, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from opsadmin.core.models import Job, JobState
from opsadmin.core.refusals import Refusal

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
BEAT_SECONDS = 5
HANDLERS = {}


class LostJob(Exception):
    """Another attempt holds the job now, or it was cancelled: stop, and write nothing."""


def handler(kind):
    """Register a function ``run(claim)`` for jobs of this kind; a job may run more than once."""

    def register(function):
        HANDLERS[kind] = function
        return function

    return register


def enqueue(kind, payload, *, by=None, total=0):
    """Store a job; it is sent to the broker after commit, and by the sweeper if that fails."""
    job = Job.objects.create(kind=kind, payload=payload, created_by=by, total=total)
    transaction.on_commit(partial(send, job.pk))
    return job


def send(pk):
    """Tell the broker; a broker that is away is no error, the sweeper tries again."""
    from opsadmin.core.tasks import run_job

    try:
        run_job.apply_async([pk], retry=False)
    except Exception:
        logger.warning("broker away, job left to the sweeper", extra={"job_id": pk})


class Claim:
    """One attempt at one job, seen from the worker that makes it."""

    def __init__(self, job):
        self.job = job
        self.pk = job.pk
        self.attempt = job.attempt
        self.payload = job.payload

    def mine(self):
        return Job.objects.filter(pk=self.pk, attempt=self.attempt, state=JobState.RUNNING)

    def beat(self):
        """Renew the lease; raise LostJob if another attempt has taken over."""
        now = timezone.now()
        if not self.mine().update(heartbeat_at=now, lease_until=now + LEASE):
            raise LostJob

    def progress(self, done, total=None, step=None):
        """Show how far the work is; also renews the lease."""
        now = timezone.now()
        values = {"done": done, "heartbeat_at": now, "lease_until": now + LEASE}
        if total is not None:
            values["total"] = total
        if step is not None:
            values["step"] = str(step)[:120]
        if not self.mine().update(**values):
            raise LostJob

    @contextmanager
    def finishing(self):
        """A transaction in which the effects and the end of the job are written together, or not at all.

        Yields a dict that becomes the job's result. Raises LostJob when the job is no longer this attempt's.
        """
        with transaction.atomic():
            if not self.mine().select_for_update().exists():
                raise LostJob
            result = {}
            yield result
            self.mine().update(
                state=JobState.DONE,
                result=result,
                finished_at=timezone.now(),
                lease_until=None,
                done=F("total"),
            )

    def fail(self, sentence):
        """End the job with a sentence for the user."""
        self.mine().update(
            state=JobState.FAILED, error=str(sentence), finished_at=timezone.now(), lease_until=None
        )


def claim(pk):
    """Take a waiting job, or a running one whose lease has run out; None if there is nothing to take."""
    now = timezone.now()
    with transaction.atomic():
        takeable = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until__lt=now)
        job = Job.objects.select_for_update(skip_locked=True).filter(takeable, pk=pk).first()
        if job is None:
            return None
        if job.attempt >= job.attempts_allowed:
            job.state, job.finished_at, job.lease_until = JobState.FAILED, now, None
            job.error = _("The work was interrupted %(n)d times. Please start it again.") % {"n": job.attempt}
            job.save(update_fields=["state", "finished_at", "lease_until", "error"])
            return None
        job.state, job.attempt = JobState.RUNNING, job.attempt + 1
        job.heartbeat_at, job.lease_until = now, now + LEASE
        job.save(update_fields=["state", "attempt", "heartbeat_at", "lease_until"])
        return Claim(job)


@contextmanager
def beating(held):
    """Renew the lease from a thread of its own while a long statement runs."""
    stop = threading.Event()

    def keep_beating():
        try:
            while not stop.wait(BEAT_SECONDS):
                held.beat()
        except LostJob:
            logger.warning("job lost", extra={"job_id": held.pk})
        except Exception:
            logger.exception("heartbeat failed", extra={"job_id": held.pk})
        finally:
            connections.close_all()

    thread = threading.Thread(target=keep_beating, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def run(pk):
    """Do a job in this process: claim it, run its handler, and record how it ended."""
    held = claim(pk)
    if held is None:
        return
    try:
        with beating(held):
            HANDLERS[held.job.kind](held)
    except LostJob:
        logger.warning("job taken over by another attempt", extra={"job_id": pk})
    except Refusal as refusal:
        held.fail(refusal)
    except Exception:
        logger.exception("job failed", extra={"job_id": pk})
        if connection.connection is not None and not connection.is_usable():
            connection.close()
        held.fail(_("Something went wrong in the system. Nothing was written. Please try again."))


def sweep():
    """Send every open job again whose lease has run out, or that has waited for 15 seconds."""
    now = timezone.now()
    stale = Q(state=JobState.RUNNING, lease_until__lt=now) | Q(
        state=JobState.QUEUED, created_at__lt=now - timedelta(seconds=15)
    )
    for pk in Job.objects.filter(stale).order_by("pk").values_list("pk", flat=True)[:200]:
        send(pk)


def retry(pk, *, by):
    """Start a failed job again, with fresh attempts; raise Refusal unless it failed or was cancelled."""
    with transaction.atomic():
        job = Job.objects.select_for_update().get(pk=pk, created_by=by)
        if job.state not in {JobState.FAILED, JobState.CANCELLED}:
            raise Refusal(_("This work has not failed."))
        job.state, job.error, job.finished_at = JobState.QUEUED, "", None
        # The fencing token only ever grows; more attempts are allowed instead.
        job.attempts_allowed = job.attempt + 3
        job.save(update_fields=["state", "error", "finished_at", "attempts_allowed"])
        transaction.on_commit(partial(send, job.pk))
    return job


def cancel(pk, *, by):
    """Stop a job that is still open; its worker notices at its next heartbeat."""
    changed = Job.objects.filter(pk=pk, created_by=by, state__in=[JobState.QUEUED, JobState.RUNNING]).update(
        state=JobState.CANCELLED, finished_at=timezone.now(), lease_until=None
    )
    if not changed:
        raise Refusal(_("This work has already ended."))
