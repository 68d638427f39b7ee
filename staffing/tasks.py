from celery import shared_task
from django.utils import timezone

from opsadmin.core.tasks import heartbeat
from staffing import daily
from staffing.plans import notices


@shared_task
def sync_store_access():
    """Follow what begins or ends today: roles, charges, changes; runs often, to catch up a missed midnight."""
    daily.settle(timezone.localdate())
    heartbeat("sync_store_access")


@shared_task
def tell_of_milestones():
    """Tell owners of milestones that are due; each once."""
    notices.tell_of_milestones(timezone.localdate())
    heartbeat("tell_of_milestones")
