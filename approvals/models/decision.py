"""What was said and done: decisions, events, line changes, comments, attachments. INSERT only, by trigger."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from approvals.models.document import Document
from approvals.models.flow import Task
from opsadmin.core.models import StoredFile


class Verdict(models.TextChoices):
    APPROVE = "approve", pgettext_lazy("verdict", "approved")
    SIGN = "sign", pgettext_lazy("verdict", "approved and signed")
    SEND_BACK = "send_back", pgettext_lazy("verdict", "sent back")
    FILE = "file", pgettext_lazy("verdict", "filed")
    COMPLETE = "complete", pgettext_lazy("verdict", "completed")
    EXECUTE = "execute", pgettext_lazy("verdict", "carried out")
    NOTED = "noted", pgettext_lazy("verdict", "noted")


class Decision(models.Model):
    """One decision on one task, with its signer's name, position and department of that day.

    ``content_hash`` is the digest of what was shown; ``hash`` chains the decisions of a document.
    """

    task = models.OneToOneField(Task, models.PROTECT, related_name="decision", verbose_name=_("task"))
    document = models.ForeignKey(
        Document, models.PROTECT, related_name="decisions", verbose_name=_("document")
    )
    round = models.PositiveSmallIntegerField(_("round"))
    step_name = models.CharField(_("step"), max_length=60)
    verdict = models.CharField(_("verdict"), max_length=12, choices=Verdict.choices)
    comment = models.TextField(_("comment"), blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions", verbose_name=_("decided by")
    )
    actor_name = models.CharField(_("name of the day"), max_length=60)
    actor_position = models.CharField(_("position of the day"), max_length=120, blank=True)
    actor_department = models.CharField(_("department of the day"), max_length=120, blank=True)
    acting_for = models.CharField(_("acting for"), max_length=60, blank=True)
    content_hash = models.CharField(_("content digest shown"), max_length=64)
    at = models.DateTimeField(_("at"))
    channel = models.CharField(_("channel"), max_length=12, default="web")
    address = models.GenericIPAddressField(_("network address"), null=True, blank=True)
    previous = models.CharField(_("digest before"), max_length=64)
    hash = models.CharField(_("digest"), max_length=64)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["document", "pk"]
        constraints = [
            models.CheckConstraint(name="decision_verdict_known", condition=Q(verdict__in=Verdict.values)),
            models.CheckConstraint(
                name="decision_send_back_says_why",
                condition=~Q(verdict="send_back") | ~Q(comment=""),
                violation_error_message=_("Say why you send it back."),
            ),
        ]

    def __str__(self):
        return f"{self.step_name} {self.verdict}"


class Event(models.Model):
    """Everything else that happened to a document: submitted, withdrawn, skipped, seen, filed, done …"""

    document = models.ForeignKey(Document, models.PROTECT, related_name="events", verbose_name=_("document"))
    kind = models.CharField(_("kind"), max_length=30)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    actor_name = models.CharField(_("name of the day"), max_length=60, blank=True)
    data = models.JSONField(_("details"), default=dict)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["document", "pk"]

    def __str__(self):
        return self.kind


class LineChange(models.Model):
    """A final price changed, or a line struck or kept again, inside a decider's own step."""

    document = models.ForeignKey(
        Document, models.PROTECT, related_name="line_changes", verbose_name=_("document")
    )
    task = models.ForeignKey(
        Task, models.PROTECT, null=True, related_name="line_changes", verbose_name=_("task")
    )
    round = models.PositiveSmallIntegerField(_("round"))
    line_id = models.BigIntegerField(_("line key"))
    sku_code = models.CharField("SKU", max_length=40)
    scope_key = models.CharField(_("scope"), max_length=300)
    field = models.CharField(_("field"), max_length=30)
    old = models.CharField(_("before"), max_length=200, blank=True)
    new = models.CharField(_("after"), max_length=200, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by")
    )
    actor_name = models.CharField(_("name of the day"), max_length=60)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("line change")
        verbose_name_plural = _("line changes")
        ordering = ["document", "pk"]

    def __str__(self):
        return f"{self.sku_code} {self.field}"


class Comment(models.Model):
    document = models.ForeignKey(
        Document, models.PROTECT, related_name="comments", verbose_name=_("document")
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("author")
    )
    author_name = models.CharField(_("name of the day"), max_length=60)
    text = models.TextField(_("text"), max_length=2000)
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ["document", "pk"]

    def __str__(self):
        return self.text[:40]


class AttachmentKind(models.TextChoices):
    COMMENT = "comment", _("comment")
    EVIDENCE = "evidence", _("evidence of a base price")
    SOURCE = "source", _("imported workbook")


class Attachment(models.Model):
    """A file of a document. Evidence for a struck-through price is an attachment of its own kind (G22)."""

    document = models.ForeignKey(
        Document, models.PROTECT, related_name="attachments", verbose_name=_("document")
    )
    comment = models.ForeignKey(
        Comment, models.PROTECT, null=True, blank=True, related_name="attachments", verbose_name=_("comment")
    )
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name=_("file"))
    kind = models.CharField(
        _("kind"), max_length=10, choices=AttachmentKind.choices, default=AttachmentKind.COMMENT
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("added by")
    )
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["document", "pk"]

    def __str__(self):
        return self.file.name
