"""An uploaded workbook on its way into a draft: read, judged and shown first, written in one transaction."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from approvals.models.document import Document
from opsadmin.core.models import Job, StoredFile


class ImportState(models.TextChoices):
    READING = "reading", pgettext_lazy("import", "being read")
    READY = "ready", pgettext_lazy("import", "ready to be written")
    UNREADABLE = "unreadable", pgettext_lazy("import", "unreadable")
    WRITTEN = "written", pgettext_lazy("import", "written")
    DISCARDED = "discarded", pgettext_lazy("import", "discarded")


class ImportMode(models.TextChoices):
    MERGE = "merge", _("merge")
    REPLACE = "replace", _("replace everything")


class LineImport(models.Model):
    """``counts`` holds read, new, changed, same, faulty, vanishing, fixed; ``base_hash`` the draft it was judged by."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="imports", verbose_name=_("document"))
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name=_("file"))
    job = models.ForeignKey(Job, models.PROTECT, null=True, related_name="+", verbose_name=_("job"))
    state = models.CharField(
        _("state"), max_length=10, choices=ImportState.choices, default=ImportState.READING
    )
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    delimiter = models.CharField(_("delimiter"), max_length=3, blank=True)
    sheet = models.CharField(_("sheet"), max_length=60, blank=True)
    header_row = models.PositiveIntegerField(_("header row"), default=1)
    details = models.JSONField(_("details"), default=dict, blank=True)
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    error = models.TextField(_("error"), blank=True)
    base_hash = models.CharField(_("digest of the draft"), max_length=64, blank=True)
    mode = models.CharField(_("mode"), max_length=8, choices=ImportMode.choices, default=ImportMode.MERGE)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("uploaded by")
    )
    uploaded_at = models.DateTimeField(_("uploaded at"), auto_now_add=True)
    written_at = models.DateTimeField(_("written at"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="import_state_known", condition=Q(state__in=ImportState.values))
        ]

    def __str__(self):
        return f"{self.document_id} {self.file_id}"


class RowVerdict(models.TextChoices):
    NEW = "new", pgettext_lazy("row", "new")
    CHANGED = "changed", pgettext_lazy("row", "changed")
    SAME = "same", pgettext_lazy("row", "same")
    FAULTY = "faulty", pgettext_lazy("row", "faulty")


class ImportRow(models.Model):
    """One row as read. ``values`` of faulty rows may be incomplete; they are never written to a draft."""

    # These rows live for a day; that their upload is there is not worth a look-up for each of them.
    imported = models.ForeignKey(
        LineImport, models.CASCADE, related_name="rows", db_index=False, db_constraint=False
    )
    row_no = models.PositiveIntegerField(_("row"))
    sku_code = models.CharField("SKU", max_length=60, blank=True)
    sku_id = models.BigIntegerField(null=True)
    line_id = models.BigIntegerField(null=True)
    scope_key = models.CharField(_("scope"), max_length=300, default="all")
    exception_reason = models.CharField(max_length=200, blank=True)
    reference_price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    final_price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    cost = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    floor_price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    ceiling_price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    compare_at_price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    discount = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    quantity_limit = models.PositiveIntegerField(null=True)
    reason_code = models.CharField(max_length=12, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    base_price = models.DecimalField(_("price in force"), max_digits=12, decimal_places=2, null=True)
    base_version = models.BigIntegerField(null=True)
    verdict = models.CharField(_("verdict"), max_length=8, choices=RowVerdict.choices, blank=True)

    class Meta:
        verbose_name = _("row of an import")
        verbose_name_plural = _("rows of imports")
        indexes = [models.Index(fields=["imported", "verdict", "row_no"], name="import_row_by_verdict")]

    def __str__(self):
        return f"{self.row_no} {self.sku_code}"


class ImportFault(models.Model):
    """A fault, or a note on something put right, with sheet, row, column, the value read and what to do."""

    imported = models.ForeignKey(LineImport, models.CASCADE, related_name="faults")
    sheet = models.CharField(_("sheet"), max_length=60, blank=True)
    row_no = models.PositiveIntegerField(_("row"))
    column = models.CharField(_("column"), max_length=4, blank=True)
    header = models.CharField(_("header"), max_length=60, blank=True)
    value = models.CharField(_("value read"), max_length=80, blank=True)
    code = models.CharField(_("code"), max_length=30)
    params = models.JSONField(default=dict)
    note = models.BooleanField(_("only a note"), default=False)

    class Meta:
        verbose_name = _("fault")
        verbose_name_plural = _("faults")
        indexes = [models.Index(fields=["imported", "note", "row_no"], name="import_fault_by_row")]

    def __str__(self):
        return f"{self.row_no}{self.column} {self.code}"
