"""The archive: sealed records in one chain. INSERT only, by trigger, for everybody."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from approvals.models.document import Document
from opsadmin.core.models import StoredFile
from stores.models import Store


class ArchiveKind(models.TextChoices):
    FILING = "filing", _("filing")
    CAMPAIGN = "campaign", _("campaign details")
    RECEIPT = "receipt", _("receipt")
    CLOSING = "closing", _("closing")


class ArchiveRecord(models.Model):
    """One link of the chain. A filing carries the document's canonical form; later facts are further records.

    ``hash`` is opsadmin.core.sealing.record_hash over sequence, number, kind, document, time, digest and the hash
    before. The columns after it only serve the search; the payload says the same.
    """

    sequence = models.BigIntegerField(_("place in the chain"), primary_key=True)
    number = models.CharField(_("archive number"), max_length=30, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=ArchiveKind.choices)
    document = models.ForeignKey(
        Document, models.PROTECT, related_name="archive_records", verbose_name=_("document")
    )
    document_number = models.CharField(_("document number"), max_length=20, db_index=True)
    document_kind = models.CharField(_("kind of document"), max_length=20)
    title = models.CharField(_("title"), max_length=100)
    line_count = models.PositiveIntegerField(_("lines"), default=0)
    effective_from = models.DateTimeField(_("effective from"))
    effective_to = models.DateTimeField(_("effective until"), null=True)
    retained_until = models.DateField(_("kept until"), null=True, help_text=_("Empty: for ever."))
    filed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("filed by")
    )
    filed_by_name = models.CharField(_("name of the day"), max_length=60)
    at = models.DateTimeField(_("filed at"), db_index=True)
    payload = models.BinaryField(_("sealed content, compressed"))
    payload_size = models.BigIntegerField(_("size of the sealed content"))
    payload_sha256 = models.CharField(_("digest of the sealed content"), max_length=64)
    previous = models.CharField(_("digest before"), max_length=64)
    hash = models.CharField(_("digest"), max_length=64, unique=True)

    class Meta:
        verbose_name = _("archive record")
        verbose_name_plural = _("archive records")
        ordering = ["sequence"]

    def __str__(self):
        return self.number


class ArchiveStore(models.Model):
    """Which stores a filing touched: for the search, and for who may find it."""

    record = models.ForeignKey(ArchiveRecord, models.PROTECT, related_name="stores")
    store = models.ForeignKey(Store, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("store of a record")
        verbose_name_plural = _("stores of records")
        constraints = [models.UniqueConstraint(fields=["record", "store"], name="archive_store_once")]

    def __str__(self):
        return f"{self.record_id} {self.store_id}"


class ArchiveFile(models.Model):
    """A file sealed with a record: its digest stands in the record's payload too."""

    record = models.ForeignKey(ArchiveRecord, models.PROTECT, related_name="files", verbose_name=_("record"))
    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", verbose_name=_("file"))
    name = models.CharField(_("file name"), max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    size = models.BigIntegerField(_("size in bytes"))

    class Meta:
        verbose_name = _("sealed file")
        verbose_name_plural = _("sealed files")
        ordering = ["record", "pk"]

    def __str__(self):
        return self.name


class RowSeal(models.Model):
    """The text of rows of a protected table when they became final (approvals.archive.rowseals). INSERT only.

    ``part`` names the table, and the state of its rows where they are sealed more than once; ``subject`` the row that
    they belong to, 0 for none. ``kept`` holds them as PostgreSQL writes rows, in the order of their keys. ``hash``
    chains the seals; the newest one stands in each checkpoint.
    """

    number = models.BigIntegerField(_("place in the chain"), primary_key=True)
    part = models.CharField(_("table"), max_length=60)
    subject = models.BigIntegerField(_("belongs to"), default=0)
    columns = models.TextField(_("columns"))
    first_id = models.BigIntegerField(_("first key"))
    last_id = models.BigIntegerField(_("last key"))
    rows = models.PositiveIntegerField(_("rows"))
    kept = models.TextField(_("kept text"))
    at = models.DateTimeField(_("at"))
    previous = models.CharField(_("digest before"), max_length=64)
    hash = models.CharField(_("digest"), max_length=64)

    class Meta:
        verbose_name = _("seal of rows")
        verbose_name_plural = _("seals of rows")
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["part", "subject", "first_id"], name="row_seal_once"),
        ]
        indexes = [models.Index(fields=["part", "-last_id"], name="row_seal_by_part")]

    def __str__(self):
        return f"{self.part} {self.first_id}-{self.last_id}"


class CheckpointTarget(models.Model):
    """A place elsewhere that the archive's checkpoints go to: what it had last, and why it lacks the newest ones."""

    key = models.CharField(_("place"), max_length=60, primary_key=True)
    reached_at = models.DateTimeField(_("last sent"), null=True)
    sequence = models.BigIntegerField(_("up to record"), default=0)
    tried_at = models.DateTimeField(_("last tried"), null=True)
    error = models.TextField(_("why not"), blank=True)

    class Meta:
        verbose_name = _("place for checkpoints")
        verbose_name_plural = _("places for checkpoints")
        ordering = ["key"]
        default_permissions = ("view",)

    def __str__(self):
        return self.key
