"""What the system does by itself, to look at: jobs, heartbeats, the schedule, failed sign-ins."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from opsadmin.core import jobs
from opsadmin.core.models import Heartbeat, Job
from opsadmin.core.records import ReadOnlyAdmin

UNUSED = (
    *(ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule, AccessLog, AccessFailureLog),
    *(Authenticator, EmailAddress),
)
REPLACED = (PeriodicTask, AccessAttempt)

for model in (*UNUSED, *REPLACED):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "work",
        "state",
        "at_step",
        "progress",
        "attempt",
        "created_by",
        "created_at",
        "finished_at",
    )
    list_filter = ("state",)
    list_select_related = ("created_by",)
    ordering = ("-id",)
    fields = (
        ("work", "state", "attempt"),
        ("at_step", "progress"),
        "error",
        ("created_by", "created_at"),
        ("heartbeat_at", "lease_until", "finished_at"),
        "kind",
    )

    @admin.display(description=_("kind of work"), ordering="kind")
    def work(self, job):
        return jobs.name_of(job)

    @admin.display(description=pgettext_lazy("job", "step"))
    def at_step(self, job):
        return jobs.step_of(job)

    @admin.display(description=_("progress"))
    def progress(self, job):
        return f"{job.done:,} / {job.total:,}" if job.total else "—"


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "at")
    ordering = ("name",)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin):
    list_display = ("name", "task", "schedule", "enabled", "last_run_at")
    list_select_related = ("interval", "crontab", "solar", "clocked")
    ordering = ("name",)
    fields = ("name", "task", ("interval", "crontab"), "enabled", "last_run_at", "total_run_count")


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyAdmin):
    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    fields = ("attempt_time", "username", "ip_address", "user_agent", "failures_since_start")
