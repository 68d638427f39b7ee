"""What every document has, whatever its kind, and the shape of a line that carries a price."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from approvals.querysets import DocumentQuerySet
from stores.models import Sku, Store


class DocumentKind(models.TextChoices):
    PRICE_LIST = "price_list", _("price list")
    PROMOTION = "promotion", _("promotion")
    REORGANISATION = "reorganisation", _("reorganisation")
    HIRING_REQUEST = "hiring_request", _("hiring request")


class DocumentState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("document", "draft")
    IN_APPROVAL = "in_approval", pgettext_lazy("document", "in approval")
    SENT_BACK = "sent_back", pgettext_lazy("document", "sent back")
    FILED = "filed", pgettext_lazy("document", "filed")
    DONE = "done", pgettext_lazy("document", "done")
    CANCELLED = "cancelled", pgettext_lazy("document", "cancelled")


EDITABLE_STATES = (DocumentState.DRAFT, DocumentState.SENT_BACK)


class Document(models.Model):
    """A numbered document on its way from draft to archive.

    ``content_hash`` is the SHA-256 of header and lines as they stand; decisions name the hash that was shown.
    The figures of the last guard run are kept here, so that lists and inboxes never count lines.
    """

    number = models.CharField(_("number"), max_length=20, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=DocumentKind.choices)
    title = models.CharField(_("title"), max_length=100)
    state = models.CharField(
        _("state"), max_length=12, choices=DocumentState.choices, default=DocumentState.DRAFT
    )
    round = models.PositiveSmallIntegerField(_("round"), default=1)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    effective_from = models.DateTimeField(_("effective from"))
    effective_to = models.DateTimeField(_("effective until"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("drafted by")
    )
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("submitted by"),
    )
    submitted_at = models.DateTimeField(_("submitted at"), null=True, blank=True)
    content_hash = models.CharField(_("content digest"), max_length=64, blank=True)
    follows = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="followed_by",
        verbose_name=_("follow-up of"),
    )
    archive_number = models.CharField(_("archive number"), max_length=20, blank=True)
    line_count = models.PositiveIntegerField(_("lines"), default=0)
    store_count = models.PositiveIntegerField(_("stores"), default=0)
    store_label = models.CharField(_("stores in words"), max_length=120, blank=True)
    block_count = models.PositiveIntegerField(_("block"), default=0)
    sign_count = models.PositiveIntegerField(_("sign"), default=0)
    warn_count = models.PositiveIntegerField(_("warn"), default=0)
    info_count = models.PositiveIntegerField(_("info"), default=0)
    money_at_risk = models.DecimalField(_("money at risk"), max_digits=14, decimal_places=2, default=0)
    summary = models.JSONField(_("figures of the last check"), default=dict, blank=True)
    guarded_hash = models.CharField(_("digest of the last check"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["-pk"]
        permissions = [
            ("draft_price_list", _("Can draft price lists")),
            ("draft_promotion", _("Can draft promotions")),
            ("draft_reorganisation", _("Can draft reorganisations")),
            ("draft_hiring_request", _("Can draft hiring requests")),
            ("read_documents", _("Can read all documents")),
            ("take_part", _("Can be given tasks")),
            ("file_documents", _("Can file documents")),
            ("search_archive", _("Can search and download the archive")),
            ("verify_archive", _("Can verify the archive")),
            ("trace_prices", _("Can ask where a price comes from")),
        ]
        indexes = [
            models.Index(fields=["kind", "state", "-id"], name="document_by_kind_and_state"),
            models.Index(fields=["drafted_by", "-id"], name="document_by_drafter"),
            models.Index(fields=["submitted_by", "-id"], name="document_by_submitter"),
        ]
        constraints = [
            models.CheckConstraint(name="document_state_known", condition=Q(state__in=DocumentState.values)),
            models.CheckConstraint(
                name="document_window_in_order",
                condition=Q(effective_to__isnull=True) | Q(effective_to__gt=F("effective_from")),
                violation_error_message=_("The end of the window is not after its start."),
            ),
            models.CheckConstraint(
                name="document_in_approval_is_submitted",
                condition=~Q(state="in_approval")
                | (Q(submitted_by__isnull=False, submitted_at__isnull=False) & ~Q(content_hash="")),
            ),
            models.CheckConstraint(
                name="document_filed_has_archive_number",
                condition=~Q(state__in=["filed", "done"]) | ~Q(archive_number=""),
            ),
        ]

    def __str__(self):
        return f"{self.number} {self.title}"

    @property
    def editable(self):
        return self.state in EDITABLE_STATES

    @property
    def specific(self):
        """The row of the document's own kind (PriceList, Promotion)."""
        from approvals.kinds import kind_of

        return kind_of(self).model.objects.get(pk=self.pk)


class DocumentAuthor(models.Model):
    """Everybody who drafted or changed a document before its submission: none of them may decide on it."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="authors")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("author")
        verbose_name_plural = _("authors")
        constraints = [models.UniqueConstraint(fields=["document", "user"], name="document_author_once")]

    def __str__(self):
        return f"{self.document_id} {self.user}"


class ScopeStore(models.Model):
    """The stores that a line scope of a document means: ``all``, ``brand:cslr`` or ``stores:a;b``.

    Expanded when lines are written and again at submission, so that overlaps are tested on real rows.
    """

    document = models.ForeignKey(Document, models.CASCADE, related_name="scope_stores")
    scope_key = models.CharField(_("scope"), max_length=300)
    store = models.ForeignKey(Store, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("store of a scope")
        verbose_name_plural = _("stores of scopes")
        constraints = [
            models.UniqueConstraint(fields=["document", "scope_key", "store"], name="scope_store_once")
        ]

    def __str__(self):
        return f"{self.scope_key} {self.store}"


class LineBand(models.IntegerChoices):
    """The three groups of the review page, in their order."""

    MUST_LOOK = 1, _("must look")
    CHANGED = 2, _("changed")
    UNCHANGED = 3, _("unchanged")


class DocumentLine(models.Model):
    """A line with a price for one SKU in one scope.

    ``cost``, ``floor_price`` and ``base_price`` are copies from the time of the last check; ``base_version`` is
    the newest price in force behind ``base_price``. ``digest_text`` of approvals.content says what is sealed.
    """

    row_no = models.PositiveIntegerField(_("line"))
    sku = models.ForeignKey(Sku, models.PROTECT, related_name="+", verbose_name="SKU")
    sku_code = models.CharField("SKU", max_length=40)
    sku_name = models.CharField(_("name"), max_length=160)
    scope_key = models.CharField(_("scope"), max_length=300, default="all")
    exception_reason = models.CharField(_("written exception"), max_length=200, blank=True)
    cost = models.DecimalField(_("cost"), max_digits=12, decimal_places=2, null=True, blank=True)
    floor_price = models.DecimalField(
        _("floor price"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    base_price = models.DecimalField(
        _("price in force"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    base_version = models.BigIntegerField(_("version of the price in force"), null=True, blank=True)
    final_price = models.DecimalField(_("final price"), max_digits=12, decimal_places=2)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    struck = models.BooleanField(_("struck"), default=False)
    strike_reason = models.CharField(_("reason for striking"), max_length=200, blank=True)
    band = models.PositiveSmallIntegerField(_("group"), choices=LineBand.choices, default=LineBand.CHANGED)
    risk = models.IntegerField(_("risk"), default=0)
    version = models.PositiveIntegerField(_("version"), default=1)
    decided_digest = models.CharField(_("digest when last decided"), max_length=64, blank=True)

    class Meta:
        abstract = True

    def __str__(self):
        return f"{self.sku_code} {self.final_price}"


class CampaignDetails(models.Model):
    """What promotion adds to a filed price list: theme, window and copy (活动信息)."""

    document = models.OneToOneField(
        Document, models.CASCADE, related_name="campaign", primary_key=True, verbose_name=_("document")
    )
    theme = models.CharField(_("theme"), max_length=100)
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    copy = models.TextField(_("copy"), max_length=2000)
    completed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("completed by")
    )
    completed_at = models.DateTimeField(_("completed at"), auto_now_add=True)

    class Meta:
        verbose_name = _("campaign details")
        verbose_name_plural = _("campaign details")
        constraints = [
            models.CheckConstraint(
                name="campaign_details_window_in_order",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message=_("The end of the window is not after its start."),
            )
        ]

    def __str__(self):
        return self.theme
