from celery import shared_task
from django.utils import timezone

from opsadmin.core.tasks import heartbeat
from staffing import daily


@shared_task
def sync_store_access():
    """Follow what begins or ends today: roles, charges, scheduled changes; often, so that a missed midnight is caught up."""
    daily.settle(timezone.localdate())
    heartbeat("sync_store_access")
