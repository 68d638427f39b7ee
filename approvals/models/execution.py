"""What customer service took and gave back: files for a store, receipts. INSERT only, by trigger."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from approvals.models.document import Document
from approvals.models.flow import Task
from opsadmin.core.models import StoredFile
from stores.models import Store


class StoreFile(models.Model):
    """That a file for a store was made and taken: who, when, which bytes."""

    document = models.ForeignKey(
        Document, models.PROTECT, related_name="store_files", verbose_name=_("document")
    )
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", verbose_name=_("store"))
    name = models.CharField(_("file name"), max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    rows = models.PositiveIntegerField(_("rows"))
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("taken by")
    )
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("file for a store")
        verbose_name_plural = _("files for stores")
        ordering = ["document", "pk"]

    def __str__(self):
        return self.name


class Receipt(models.Model):
    """The proof that a store carried out a document: a file or a picture, and what the mall answered."""

    task = models.OneToOneField(Task, models.PROTECT, related_name="receipt", verbose_name=_("task"))
    document = models.ForeignKey(
        Document, models.PROTECT, related_name="receipts", verbose_name=_("document")
    )
    store = models.ForeignKey(Store, models.PROTECT, related_name="+", verbose_name=_("store"))
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name=_("receipt"))
    applied = models.PositiveIntegerField(_("applied"))
    failed = models.PositiveIntegerField(_("failed"), default=0)
    not_found = models.PositiveIntegerField(_("not found"), default=0)
    note = models.CharField(_("note"), max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("by"))
    by_name = models.CharField(_("name of the day"), max_length=60)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        ordering = ["document", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["document", "store"], name="receipt_one_per_store"),
            models.CheckConstraint(
                name="receipt_says_why_not_all",
                condition=Q(failed=0, not_found=0) | ~Q(note=""),
                violation_error_message=_("Say what happened to the rows that were not applied."),
            ),
        ]

    def __str__(self):
        return f"{self.document_id} {self.store}"
