"""Finding archive records: by number, title, date, store, SKU, signer; each account as far as it may see."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.utils import timezone

from approvals.models import ArchiveFile, ArchiveKind, ArchiveRecord, ArchiveStore, Decision
from stores.models import PriceInForce, Store
from stores.permissions import may_see_all_stores

LISTED = (
    "sequence",
    "number",
    "document_number",
    "document_kind",
    "title",
    "line_count",
    "effective_from",
    "effective_to",
    "retained_until",
    "filed_by_name",
    "at",
    "payload_sha256",
    "payload_size",
    "hash",
    "previous",
    "document",
    "kind",
)


def visible_filings(user):
    """Return the filings that touch a store which the account may see; the sealed content is not fetched."""
    filings = ArchiveRecord.objects.filter(kind=ArchiveKind.FILING).only(*LISTED)
    if may_see_all_stores(user):
        return filings
    visible = ArchiveStore.objects.filter(record=OuterRef("pk"), store__in=Store.objects.visible_to(user))
    return filings.filter(Exists(visible))


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; empty fields do not narrow. Days are those of Asia/Shanghai, both included."""

    text: str = ""
    sku: str = ""
    store: int | None = None
    kind: str = ""
    signer: str = ""
    first: date | None = None
    last: date | None = None

    def __bool__(self):
        return self != Wanted()


def find(user, wanted):
    """Return the filings that fit, newest first."""
    found = visible_filings(user).order_by("-sequence")
    if wanted.text:
        number = wanted.text.upper()
        fits = Q(number__startswith=number) | Q(document_number__startswith=number)
        found = found.filter(fits | Q(title__icontains=wanted.text))
    if wanted.sku:
        prices = PriceInForce.objects.filter(sku__code=wanted.sku.upper())
        found = found.filter(document_number__in=prices.values("document_number"))
    if wanted.store:
        found = found.filter(Exists(ArchiveStore.objects.filter(record=OuterRef("pk"), store=wanted.store)))
    if wanted.kind:
        found = found.filter(document_kind=wanted.kind)
    if wanted.signer:
        signed = Decision.objects.filter(document=OuterRef("document"), actor_name__icontains=wanted.signer)
        found = found.filter(Exists(signed))
    if wanted.first:
        found = found.filter(at__gte=start_of(wanted.first))
    if wanted.last:
        found = found.filter(at__lt=start_of(wanted.last + timedelta(days=1)))
    return found


def start_of(day):
    """Return midnight of a day in Asia/Shanghai."""
    return timezone.make_aware(datetime.combine(day, time.min))


def filings_of_year(user, year):
    """Return the filings of a calendar year, oldest first."""
    return find(user, Wanted(first=date(year, 1, 1), last=date(year, 12, 31))).order_by("sequence")


def years(user):
    """Return the years in which something was filed, newest first."""
    filings = visible_filings(user)
    first, last = filings.order_by("sequence").first(), filings.order_by("-sequence").first()
    if first is None:
        return []
    return list(range(timezone.localtime(last.at).year, timezone.localtime(first.at).year - 1, -1))


def later_counts(records):
    """Return {document: {kind: number}} of what was recorded after these filings."""
    rows = (
        ArchiveRecord.objects.filter(document__in=[record.document_id for record in records])
        .exclude(kind=ArchiveKind.FILING)
        .values("document", "kind")
        .annotate(number=Count("sequence"))
        .order_by("document")
    )
    counts = {}
    for row in rows:
        counts.setdefault(row["document"], {})[row["kind"]] = row["number"]
    return counts


def package_sizes(records):
    """Return {record: bytes} of about what their packages hold: sealed content and files."""
    files = (
        ArchiveFile.objects.filter(record__in=[record.pk for record in records])
        .values("record")
        .annotate(size=Sum("size"))
        .order_by("record")
    )
    attached = {row["record"]: row["size"] for row in files}
    return {record.pk: record.payload_size // 5 + attached.get(record.pk, 0) for record in records}
