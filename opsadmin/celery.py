"""The Celery application; its tasks only carry job numbers, the job row in the database decides."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsadmin.settings")

app = Celery("opsadmin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
