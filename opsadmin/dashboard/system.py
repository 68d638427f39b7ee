"""The system: does the clock tick, do jobs end, who is locked out."""

from datetime import timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from opsadmin.calendar import sentence, uncovered_years
from opsadmin.core import jobs
from opsadmin.core.counting import count_up_to
from opsadmin.core.models import Heartbeat, Job, JobState, User

WEEK = timedelta(days=7)
SHOWN = 6
LATE = {"check_deadlines": timedelta(minutes=10), "sweep_jobs": timedelta(minutes=5)}
DAILY = timedelta(hours=36)


def accounts_figure(user, now):
    found = count_up_to(User.objects.filter(is_active=True))
    return {"label": _("Accounts"), "value": found, "note": _("switched on")}


def roleless_figure(user, now):
    found = count_up_to(User.objects.filter(is_active=True, groups__isnull=True, is_superuser=False))
    return {
        "label": _("Accounts without a role"),
        "value": found,
        "tone": "warn" if found else "",
        "note": _("can open nothing"),
        "url": reverse("admin:core_user_changelist"),
    }


def failed_jobs(now):
    return Job.objects.filter(state=JobState.FAILED, created_at__gte=now - WEEK)


def failed_jobs_figure(user, now):
    found = count_up_to(failed_jobs(now))
    return {
        "label": _("Failed jobs"),
        "value": found,
        "tone": "block" if found else "",
        "note": _("last 7 days"),
        "url": reverse("admin:core_job_changelist"),
    }


def locked_figure(user, now):
    since = now - timedelta(hours=settings.AXES_COOLOFF_TIME)
    attempts = AccessAttempt.objects.filter(
        failures_since_start__gte=settings.AXES_FAILURE_LIMIT, attempt_time__gte=since
    )
    return {"label": _("Locked out"), "value": count_up_to(attempts), "note": _("wrong passwords")}


def calendar_banner(user, now):
    """What is missing in the working calendar, while deadlines fall where it is."""
    years = uncovered_years()
    if not years:
        return None
    return {
        "url": reverse("admin:core_calendarday_changelist"),
        "action": _("Working calendar"),
        "icon": "clock",
        "tone": "warn",
        "strong": sentence(years),
        "text": "",
    }


def heartbeat_names():
    return {
        "check_deadlines": _("Deadlines"),
        "sweep_jobs": _("Jobs"),
        "apply_due_changes": _("Reorganisations that take effect"),
        "sync_store_access": _("Access to stores"),
        "check_findings": _("Findings"),
        "tell_of_milestones": _("Reminders of milestones"),
        "forget_old_forms": _("Clearing of sent forms"),
        "clean_imports": _("Clearing of uploads"),
        "seal_rows": _("Seals of protected rows"),
        "send_checkpoints": _("Checkpoints elsewhere"),
        "verify_archive_daily": _("Archive check"),
    }


def heartbeats_card(user, now):
    """When each periodic job last ran, and whether that is too long ago."""
    names = heartbeat_names()
    rows = [
        {
            "name": names.get(beat.name, beat.name),
            "at": beat.at,
            "late": now - beat.at > LATE.get(beat.name, DAILY),
        }
        for beat in Heartbeat.objects.order_by("name")
    ]
    return {
        "template": "op/dashboard/heartbeats.html",
        "title": _("Scheduler"),
        "note": "",
        "rows": rows,
        "nothing": _("The scheduler has never run. Start it, or no deadline is watched."),
    }


def jobs_card(user, now):
    rows = list(Job.objects.select_related("created_by").order_by("-pk")[:SHOWN])
    for job in rows:
        job.name = jobs.name_of(job)
    return {
        "template": "op/dashboard/jobs.html",
        "title": _("Last jobs"),
        "note": "",
        "rows": rows,
        "nothing": _("No job has run yet."),
    }
