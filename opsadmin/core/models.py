"""What every app stands on: users, stored files, jobs, notices, numbers and heartbeats."""

import uuid

from django.contrib.auth.models import AbstractUser, Group
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

CONTROL = "[[:cntrl:]]"


class User(AbstractUser):
    """An account. Accounts are deactivated, never deleted: decisions hang on them.

    ``initial_until`` is set while the password is one that somebody else chose: until then it opens the account.
    """

    name = models.CharField(_("name"), max_length=60, blank=True)
    keys_off = models.BooleanField(_("keyboard shortcuts off"), default=False)
    session_stamp = models.PositiveIntegerField(default=0, editable=False)
    initial_until = models.DateTimeField(_("initial password until"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")

    def __str__(self):
        return self.name or self.username

    def save(self, *args, update_fields=None, **kwargs):
        """Switching an account off ends its sessions for good: none of them comes back when it is switched on."""
        if not self.is_active and self.pk and User.objects.filter(pk=self.pk, is_active=True).exists():
            self.session_stamp += 1
            update_fields = update_fields and {*update_fields, "session_stamp"}
        super().save(*args, update_fields=update_fields, **kwargs)

    def end_sessions(self):
        """End every session of the account, on all devices, with their next request."""
        User.objects.filter(pk=self.pk).update(session_stamp=models.F("session_stamp") + 1)
        self.refresh_from_db(fields=["session_stamp"])

    def _get_session_auth_hash(self, secret=None):
        """A session holds as long as password and stamp are those with which it began."""
        value = f"{self.password}:{self.session_stamp}"
        return salted_hmac("opsadmin.session", value, secret=secret, algorithm="sha256").hexdigest()

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
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
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
        return f"{self._meta.verbose_name} {self.pk}"

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
    """When a periodic job last ran, so that a silent scheduler is seen; and the last due time that was taken."""

    name = models.CharField(_("name"), max_length=60, primary_key=True)
    at = models.DateTimeField(_("at"))
    due_at = models.DateTimeField(_("last due time"), null=True, blank=True)

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self):
        return self.name


class SentForm(models.Model):
    """A form that was sent and done. Sent once more, it leads to the same place and does nothing again."""

    key = models.CharField(_("key"), max_length=64, primary_key=True)
    location = models.TextField(_("address"))
    at = models.DateTimeField(_("at"), db_default=Now(), editable=False, db_index=True)

    class Meta:
        verbose_name = _("sent form")
        verbose_name_plural = _("sent forms")

    def __str__(self):
        return self.location


class SecondFactorRule(models.Model):
    """A role whose accounts must have a second factor: without one they reach only the page that sets it up."""

    group = models.OneToOneField(Group, models.PROTECT, related_name="second_factor", verbose_name=_("role"))
    required_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("required by"))
    required_at = models.DateTimeField(_("required since"), auto_now_add=True)

    class Meta:
        verbose_name = _("required second factor")
        verbose_name_plural = _("required second factors")

    def __str__(self):
        return self.group.name


class AuditResult(models.TextChoices):
    BEGUN = "begun", pgettext_lazy("audit", "begun")
    DONE = "done", pgettext_lazy("audit", "done")
    NOT_TAKEN = "not_taken", pgettext_lazy("audit", "not taken")
    REFUSED = "refused", pgettext_lazy("audit", "refused")
    FAILED = "failed", pgettext_lazy("audit", "failed")


class AuditEntry(models.Model):
    """One request that changed something, took data out, or was refused. Rows take INSERT only.

    A file that is sent piece by piece has two: that it began, and how it ended.
    ``who`` is the sign-in name of that moment; it is blank for a visitor, and for a name that no account has: what
    people type there may be a password. ``session`` is a digest, of no use to sign in with. No text holds a
    control character, so that an entry is one line wherever it is printed.
    """

    at = models.DateTimeField(_("at"), default=timezone.now)
    user = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("account")
    )
    who = models.CharField(_("sign-in name"), max_length=150, blank=True)
    address = models.GenericIPAddressField(_("IP address"), null=True, blank=True)
    session = models.CharField(_("session"), max_length=16, blank=True)
    action = models.CharField(_("action"), max_length=100, blank=True)
    method = models.CharField(_("method"), max_length=10)
    about = models.CharField(_("object"), max_length=120, blank=True)
    path = models.CharField(_("address"), max_length=300)
    status = models.PositiveSmallIntegerField(_("status"))
    result = models.CharField(_("result"), max_length=10, choices=AuditResult)
    detail = models.CharField(_("detail"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["user", "-id"], name="audit_by_user"),
            models.Index(fields=["-id"], name="audit_refused", condition=~Q(result="done")),
            GinIndex(fields=["about"], name="audit_by_object", opclasses=["gin_trgm_ops"]),
        ]
        constraints = [
            models.CheckConstraint(name="audit_result_known", condition=Q(result__in=AuditResult.values)),
            models.CheckConstraint(
                name="audit_on_one_line",
                condition=~(
                    Q(who__regex=CONTROL)
                    | Q(action__regex=CONTROL)
                    | Q(about__regex=CONTROL)
                    | Q(path__regex=CONTROL)
                    | Q(detail__regex=CONTROL)
                ),
            ),
        ]

    def __str__(self):
        return f"{self.at.isoformat()} {self.who} {self.action}"


__all__ = [
    "AuditEntry",
    "AuditResult",
    "CalendarDay",
    "Heartbeat",
    "Job",
    "JobState",
    "Notice",
    "NumberSeries",
    "SecondFactorRule",
    "SentForm",
    "StoredFile",
    "User",
]
