"""What the broker carries: numbers of jobs, and the sweeper's ticks."""

from celery import shared_task
from django.utils import timezone

from opsadmin.core import jobs
from opsadmin.core.models import Heartbeat


def heartbeat(name):
    """Note that a periodic job ran now."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": timezone.now()})


@shared_task
def run_job(pk):
    jobs.run(pk)


@shared_task
def sweep_jobs():
    jobs.sweep()
    heartbeat("sweep_jobs")
