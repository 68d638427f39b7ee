from celery import shared_task
from django.utils import timezone

from opsadmin.core.tasks import heartbeat
from staffing import daily


@shared_task
def sync_store_access():
    """Follow what begins or ends today: roles, charges, changes; runs often, to catch up a missed midnight."""
    daily.settle(timezone.localdate())
    heartbeat("sync_store_access")
