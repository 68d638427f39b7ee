"""What the broker carries: numbers of jobs, and the sweeper's ticks."""

import logging
import time
from functools import wraps

from celery import shared_task
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from opsadmin.core import jobs, once
from opsadmin.core.models import Heartbeat

logger = logging.getLogger(__name__)

SHANGHAI = 8 * 3600
PATIENCE_SECONDS = 60
TAKE_TURN = """
INSERT INTO core_heartbeat AS beat (name, at, due_at)
VALUES (%(name)s, now(),
        to_timestamp(floor((extract(epoch FROM now()) + %(east)s) / %(every)s) * %(every)s - %(east)s))
ON CONFLICT (name) DO UPDATE SET due_at = EXCLUDED.due_at
WHERE beat.due_at IS NULL OR beat.due_at < EXCLUDED.due_at
RETURNING due_at
"""


def heartbeat(name):
    """Note that a periodic job ran now; whose turn it is stays as it is."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, at=Now())], update_conflicts=True, unique_fields=["name"], update_fields=["at"]
    )


def take_turn(name, every):
    """Take the present due time of a periodic job and return it; None where somebody has taken it.

    Due times are the multiples of ``every`` seconds since a midnight in Shanghai by the database's clock. However many
    schedulers ring, and however many messages have piled up, one of them gets each due time.
    """
    with connection.cursor() as cursor:
        cursor.execute(TAKE_TURN, {"name": name, "every": every, "east": SHANGHAI})
        taken = cursor.fetchone()
    return taken and taken[0]


def give_back(name, turn):
    """Let the next ring have a turn that failed. If the database is away, that can only be said when it is back."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            Heartbeat.objects.filter(name=name, due_at=turn).update(due_at=None)
            return
        except DatabaseError:
            logger.warning("database away, a turn cannot be given back yet")
            connection.close()
            time.sleep(1)


def periodic(every):
    """Make a function a task for the scheduler that runs once per due time; called directly it always runs.

    A turn that fails is given back: the next ring of the same due time runs it again. Rings are more frequent than due
    times, so that a lost one is caught up with.
    """

    def register(function):
        name = function.__name__

        @shared_task(bind=True)
        @wraps(function)
        def ring(task, *args):
            turn = None
            if not task.request.called_directly and not args:
                turn = take_turn(name, every)
                if turn is None:
                    return
            try:
                function(*args)
            except Exception:
                give_back(name, turn)
                raise
            heartbeat(name)

        return ring

    return register


@shared_task
def run_job(pk):
    jobs.run(pk)


@periodic(every=settings.JOB_SWEEP_SECONDS)
def sweep_jobs():
    jobs.sweep()


@periodic(every=3600)
def forget_old_forms():
    once.forget_old_forms()
