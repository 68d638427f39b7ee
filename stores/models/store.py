"""Platforms, brands and the company's stores on them. A platform is data, never code."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase
from simple_history.models import HistoricalRecords

from stores.querysets import StoreQuerySet


class MoneyUnit(models.TextChoices):
    YUAN = "yuan", _("yuan")
    FEN = "fen", _("fen")


class FileEncoding(models.TextChoices):
    UTF8 = "utf-8-sig", "UTF-8"
    UTF16 = "utf-16-le", "UTF-16"
    GB18030 = "gb18030", "GB18030"


class Delimiter(models.TextChoices):
    COMMA = ",", _("comma")
    TAB = "tab", _("tab")
    SEMICOLON = ";", _("semicolon")


class Platform(models.Model):
    """A mall that hosts stores, and the shape of the price files it takes."""

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=40)
    money_unit = models.CharField(_("money unit"), max_length=4, choices=MoneyUnit.choices, default="yuan")
    fee_rate = models.DecimalField(
        _("fee rate"),
        max_digits=5,
        decimal_places=4,
        default=Decimal("0.05"),
        help_text=_("Part of the price that the platform keeps, e.g. 0.05."),
    )
    batch_limit = models.PositiveIntegerField(_("rows per file"), default=5000)
    encoding = models.CharField(
        _("file encoding"), max_length=20, choices=FileEncoding.choices, default=FileEncoding.GB18030
    )
    delimiter = models.CharField(
        _("delimiter"), max_length=3, choices=Delimiter.choices, default=Delimiter.COMMA
    )
    needs_dedicated_person = models.BooleanField(
        _("one person must answer alone"),
        default=False,
        help_text=_("In its stores one person answers for each duty, nobody beside."),
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    active = models.BooleanField(_("active"), default=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("platform")
        verbose_name_plural = _("platforms")
        ordering = ["order", "code"]
        permissions = [
            ("import_platform", _("Can import platforms")),
            ("export_platform", _("Can export platforms")),
        ]
        constraints = [
            models.CheckConstraint(
                name="platform_fee_rate_is_a_part",
                condition=Q(fee_rate__gte=0, fee_rate__lt=1),
                violation_error_message=_("The fee rate is a part of the price: from 0 to below 1."),
            ),
            models.CheckConstraint(
                name="platform_encoding_known", condition=Q(encoding__in=FileEncoding.values)
            ),
            models.CheckConstraint(
                name="platform_delimiter_known", condition=Q(delimiter__in=Delimiter.values)
            ),
        ]

    def __str__(self):
        return self.name


class Brand(models.Model):
    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=40)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("brand")
        verbose_name_plural = _("brands")
        ordering = ["code"]
        permissions = [
            ("import_brand", _("Can import brands")),
            ("export_brand", _("Can export brands")),
        ]

    def __str__(self):
        return self.name


class StoreMode(models.TextChoices):
    SELF_OPERATED = "self_operated", _("self-operated")
    CONSIGNMENT = "consignment", _("consignment")


class StoreStatus(models.TextChoices):
    PLANNED = "planned", _("planned")
    TRADING = "trading", _("trading")
    CLOSED = "closed", _("closed")


class Store(models.Model):
    """A brand's store on a platform. Only trading, self-operated stores take prices."""

    code = models.SlugField(_("code"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=60)
    platform = models.ForeignKey(Platform, models.PROTECT, related_name="stores", verbose_name=_("platform"))
    brand = models.ForeignKey(Brand, models.PROTECT, related_name="stores", verbose_name=_("brand"))
    mode = models.CharField(_("mode"), max_length=20, choices=StoreMode.choices)
    planned_mode = models.CharField(
        _("planned mode"),
        max_length=20,
        choices=StoreMode.choices,
        blank=True,
        help_text=_("What the store is to become, if it is to change."),
    )
    status = models.CharField(_("status"), max_length=12, choices=StoreStatus.choices)
    unified_price = models.BooleanField(
        _("unified price"), default=True, help_text=_("Same goods, same price as every other unified store.")
    )
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    lead_hours = models.PositiveSmallIntegerField(
        _("lead time in hours"), default=24, help_text=_("How long customer service needs to change prices.")
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    note = models.CharField(_("note"), max_length=200, blank=True)
    history = HistoricalRecords()

    objects = StoreQuerySet.as_manager()

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")
        ordering = ["order", "code"]
        permissions = [
            ("serve_store", _("Can serve the store")),
            ("span_stores", _("Can see all stores")),
            ("import_store", _("Can import stores")),
            ("export_store", _("Can export stores")),
        ]
        constraints = [
            models.CheckConstraint(name="store_mode_known", condition=Q(mode__in=StoreMode.values)),
            models.CheckConstraint(name="store_status_known", condition=Q(status__in=StoreStatus.values)),
        ]

    def __str__(self):
        return self.name


class StoreUserObjectPermission(UserObjectPermissionBase):
    """Kept for django-guardian; grants go to groups."""

    content_object = models.ForeignKey(Store, on_delete=models.CASCADE)


class StoreGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Store, on_delete=models.CASCADE)
