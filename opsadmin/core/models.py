"""What every app stands on: users, stored files, jobs, notices, numbers and heartbeats."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class User(AbstractUser):
    """An account. Accounts are deactivated, never deleted: decisions hang on them."""

    name = models.CharField(_("name"), max_length=60, blank=True)
    keys_off = models.BooleanField(_("keyboard shortcuts off"), default=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self):
        return self.name or self.username

    def get_full_name(self):
        return self.name or self.username

    def get_short_name(self):
        return self.name or self.username


def stored_file_path(instance, filename):
    """Return a path that tells nothing of the name a user gave: date, then a random name."""
    return f"files/{uuid.uuid4().hex[:2]}/{uuid.uuid4().hex}"


class StoredFile(models.Model):
    """A file as it came, byte for byte, with its SHA-256; never changed after it is stored."""

    file = models.FileField(_("file"), upload_to=stored_file_path, max_length=200)
    name = models.CharField(_("file name"), max_length=200)
    size = models.BigIntegerField(_("size in bytes"))
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    content_type = models.CharField(_("content type"), max_length=100, default="application/octet-stream")
    stored_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("stored by")
    )
    stored_at = models.DateTimeField(_("stored at"), auto_now_add=True)

    class Meta:
        verbose_name = _("stored file")
        verbose_name_plural = _("stored files")
        constraints = [
            models.CheckConstraint(name="stored_file_size_not_negative", condition=Q(size__gte=0)),
        ]

    def __str__(self):
        return self.name


class JobState(models.TextChoices):
    QUEUED = "queued", pgettext_lazy("job", "waiting")
    RUNNING = "running", pgettext_lazy("job", "running")
    DONE = "done", pgettext_lazy("job", "done")
    FAILED = "failed", pgettext_lazy("job", "failed")
    CANCELLED = "cancelled", pgettext_lazy("job", "cancelled")


class Job(models.Model):
    """Work that a worker does. This row, not the broker, says what state the work is in.

    A worker holds a job by a lease that its heartbeat renews; ``attempt`` is the fencing token: whoever
    holds an older attempt can neither report progress nor finish.
    """

    kind = models.CharField(_("kind"), max_length=60)
    payload = models.JSONField(_("payload"), default=dict)
    state = models.CharField(_("state"), max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    step = models.CharField(_("step"), max_length=120, blank=True)
    done = models.BigIntegerField(_("done"), default=0)
    total = models.BigIntegerField(_("total"), default=0)
    result = models.JSONField(_("result"), default=dict)
    error = models.TextField(_("error"), blank=True)
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    attempts_allowed = models.PositiveIntegerField(_("attempts allowed"), default=3)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(_("last heartbeat"), null=True, blank=True)
    created_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [
            models.Index(
                fields=["state", "lease_until"],
                name="job_open_by_lease",
                condition=Q(state__in=["queued", "running"]),
            )
        ]
        constraints = [
            models.CheckConstraint(name="job_state_known", condition=Q(state__in=JobState.values)),
            models.CheckConstraint(
                name="job_running_has_lease", condition=~Q(state="running") | Q(lease_until__isnull=False)
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.pk}"

    @property
    def open(self):
        return self.state in {JobState.QUEUED, JobState.RUNNING}

    @property
    def percent(self):
        return min(100, self.done * 100 // self.total) if self.total else 0


class Notice(models.Model):
    """A sentence for one account; once per key, however often its cause is looked at."""

    user = models.ForeignKey(User, models.CASCADE, related_name="notices", verbose_name=_("account"))
    text = models.CharField(_("text"), max_length=300)
    url = models.CharField(_("address"), max_length=300, blank=True)
    key = models.CharField(_("key"), max_length=120)
    at = models.DateTimeField(_("at"), auto_now_add=True)
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="notice_once_per_key")]
        indexes = [models.Index(fields=["user", "-at"], name="notice_by_user")]

    def __str__(self):
        return self.text


class NumberSeries(models.Model):
    """The last number given per kind and year; the row's lock keeps the series without gaps."""

    prefix = models.CharField(_("prefix"), max_length=8)
    year = models.PositiveIntegerField(_("year"))
    last = models.PositiveIntegerField(_("last number"), default=0)

    class Meta:
        verbose_name = _("number series")
        verbose_name_plural = _("number series")
        constraints = [models.UniqueConstraint(fields=["prefix", "year"], name="number_series_one_per_year")]

    def __str__(self):
        return f"{self.prefix}-{self.year}-{self.last:04d}"


class CalendarDay(models.Model):
    """A day on which people work, or do not, whatever the built-in calendar and the weekday say."""

    date = models.DateField(_("date"), unique=True)
    working = models.BooleanField(_("working day"), default=False)
    name = models.CharField(_("occasion"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("calendar day")
        verbose_name_plural = _("working calendar")
        ordering = ["-date"]
        permissions = [
            ("import_calendarday", _("Can import calendar days")),
            ("export_calendarday", _("Can export calendar days")),
        ]

    def __str__(self):
        return self.date.isoformat()


class Heartbeat(models.Model):
    """When a periodic job last ran, so that a silent scheduler is seen."""

    name = models.CharField(_("name"), max_length=60, primary_key=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self):
        return self.name


__all__ = [
    "CalendarDay",
    "Heartbeat",
    "Job",
    "JobState",
    "Notice",
    "NumberSeries",
    "StoredFile",
    "User",
]
