"""Jobs: work outside the web process, whose state lives in the database.

The broker only carries the number of a job. If the message is lost, or its worker killed, the lease runs out
and the sweeper sends the number again; ``attempt`` tells an old worker that the job is no longer its own.
All times are the database's: a machine whose clock is wrong neither loses its own leases nor takes others'.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from opsadmin.core.faults import database_away, no_room
from opsadmin.core.models import Job, JobState
from opsadmin.core.refusals import Refusal

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=settings.JOB_LEASE_SECONDS)
BEAT_SECONDS = settings.JOB_LEASE_SECONDS / 5
UNSENT = timedelta(seconds=settings.JOB_SWEEP_SECONDS)
HANDLERS = {}
PAGES = {}
NAMES = {}


class LostJob(Exception):
    """Another attempt holds the job now, or it was cancelled: stop, and write nothing."""


@dataclass(frozen=True)
class Page:
    """How a kind of job is shown: ``title(job)``, and its ``steps`` as (code, words).

    ``address(job)`` is where one sees what came of it, ``another(job)`` where one chooses another file.
    """

    title: Callable
    steps: tuple
    address: Callable
    another: Callable


def handler(kind, page=None, name=None):
    """Register a function ``run(claim)`` for jobs of this kind; a job may run more than once.

    ``name`` says in words what the work is; with a Page its title does.
    """

    def register(function):
        HANDLERS[kind] = function
        if page:
            PAGES[kind] = page
        if name:
            NAMES[kind] = name
        return function

    return register


def name_of(job):
    """Return in words what a job does; also for one that another version of the program has ordered."""
    if job.kind in PAGES:
        with suppress(LookupError, ValueError):
            return PAGES[job.kind].title(job)
    return str(NAMES.get(job.kind) or _("Work in the background"))


def step_of(job):
    """Return in words what a job is at; the step's code where it has none."""
    steps = dict(PAGES[job.kind].steps) if job.kind in PAGES else {}
    return str(steps.get(job.step, job.step))


def handler_of(job):
    """Return the function that does a job. Raises Refusal for a kind that this version of the program has not."""
    if job.kind not in HANDLERS:
        sentence = _("This version of the program does not know the work “%(kind)s”. Order it again.")
        raise Refusal(sentence % {"kind": job.kind})
    return HANDLERS[job.kind]


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


class Payload(dict):
    """What a job was ordered with; it may have been ordered by another version of the program."""

    def __missing__(self, name):
        sentence = _(
            "This was ordered by another version of the program, without “%(name)s”. Order it again."
        )
        raise Refusal(sentence % {"name": name})


class Claim:
    """One attempt at one job, seen from the worker that makes it."""

    def __init__(self, job):
        self.job = job
        self.pk = job.pk
        self.attempt = job.attempt
        self.payload = Payload(job.payload if isinstance(job.payload, dict) else {})

    def mine(self):
        return Job.objects.filter(pk=self.pk, attempt=self.attempt, state=JobState.RUNNING)

    def beat(self):
        """Renew the lease; raise LostJob if another attempt has taken over, or the job was cancelled.

        A row that is locked is in the hands of this attempt's own last transaction: the lock itself keeps others off.
        """
        with transaction.atomic():
            if self.mine().select_for_update(skip_locked=True).values_list("pk").first():
                self.mine().update(heartbeat_at=Now(), lease_until=Now() + LEASE)
                return
        held = Job.objects.filter(pk=self.pk, attempt=self.attempt).exclude(state=JobState.CANCELLED)
        if not held.exists():
            raise LostJob

    def progress(self, done, total=None, step=None):
        """Show how far the work is; also renews the lease."""
        values = {"done": done, "heartbeat_at": Now(), "lease_until": Now() + LEASE}
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
                finished_at=Now(),
                lease_until=None,
                done=F("total"),
            )

    def fail(self, sentence):
        """End the job with a sentence for the user."""
        self.mine().update(state=JobState.FAILED, error=str(sentence), finished_at=Now(), lease_until=None)

    def give_back(self):
        """Let the sweeper start the next attempt at once, where this one was cut off by no fault of its own."""
        self.mine().update(lease_until=Now())


def claim(pk):
    """Take a waiting job, or a running one whose lease has run out; None if there is nothing to take."""
    with transaction.atomic():
        takeable = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until__lte=Now())
        job = Job.objects.select_for_update(skip_locked=True).filter(takeable, pk=pk).first()
        if job is None:
            return None
        if job.attempt >= job.attempts_allowed:
            sentence = _("The work was interrupted %(n)d times. Please start it again.") % {"n": job.attempt}
            end(pk, JobState.FAILED, error=sentence)
            return None
        job.state, job.attempt = JobState.RUNNING, job.attempt + 1
        Job.objects.filter(pk=pk).update(
            state=job.state, attempt=job.attempt, heartbeat_at=Now(), lease_until=Now() + LEASE
        )
        return Claim(job)


def end(pk, state, **values):
    """Write that a job has ended, whoever held it."""
    Job.objects.filter(pk=pk).update(state=state, finished_at=Now(), lease_until=None, **values)


@contextmanager
def beating(held):
    """Renew the lease from a thread of its own while a long statement runs."""
    stop = threading.Event()

    def keep_beating():
        try:
            while not stop.wait(BEAT_SECONDS):
                beat_or_wait(held)
        except LostJob:
            logger.warning("job lost", extra={"job_id": held.pk})
        finally:
            connections.close_all()

    thread = threading.Thread(target=keep_beating, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def beat_or_wait(held):
    """Renew the lease; while the database is away, the next heartbeat may find it again."""
    try:
        held.beat()
    except DatabaseError:
        logger.warning("heartbeat missed", extra={"job_id": held.pk})
        connection.close()


def run(pk):
    """Do a job in this process: claim it, run its handler, and record how it ended."""
    held = claim(pk)
    if held is None:
        return
    try:
        with beating(held):
            handler_of(held.job)(held)
    except LostJob:
        logger.warning("job taken over by another attempt", extra={"job_id": pk})
    except Refusal as refusal:
        held.fail(refusal)
    except PermissionDenied:
        held.fail(_("The account that asked for this may not do it any more. Nothing was written."))
    except Exception as error:
        logger.exception("job failed", extra={"job_id": pk})
        record_fault(held, error)


def record_fault(held, error):
    """Write why a job was cut off. While the database is away nothing can be written: its lease runs out then."""
    try:
        if connection.connection is not None and not connection.is_usable():
            connection.close()
        if no_room(error):
            held.fail(
                _("There is no room left on the server. Nothing was written. Try again when there is room.")
            )
        elif database_away(error):
            held.give_back()
        else:
            held.fail(_("Something went wrong in the system. Nothing was written. Please try again."))
    except DatabaseError:
        logger.warning("job left to its lease", extra={"job_id": held.pk})
        connection.close()


def sweep():
    """Send every open job again whose lease has run out, or that has waited for some seconds.

    A row that is locked is being worked on, or ended, right now.
    """
    stale = Q(state=JobState.RUNNING, lease_until__lte=Now()) | Q(
        state=JobState.QUEUED, created_at__lte=Now() - UNSENT
    )
    with transaction.atomic():
        open_jobs = Job.objects.select_for_update(skip_locked=True).filter(stale).order_by("pk")
        found = list(open_jobs.values_list("pk", flat=True)[:200])
    for pk in found:
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
        state=JobState.CANCELLED, finished_at=Now(), lease_until=None
    )
    if not changed:
        raise Refusal(_("This work has already ended."))
