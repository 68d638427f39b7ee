from celery import shared_task
from django.utils import timezone

from opsadmin.core.tasks import heartbeat
from staffing import access


@shared_task
def sync_store_access():
    """Follow charges that begin or end today; runs often, so that a missed midnight is caught up."""
    access.sync_store_access(timezone.localdate())
    heartbeat("sync_store_access")
