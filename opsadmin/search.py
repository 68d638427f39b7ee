"""Search over everything: documents, archive records and goods, each only as far as the account may see."""

from django.db.models import Q
from django.urls import reverse

from approvals.models import ArchiveKind, ArchiveRecord, Document
from approvals.permissions import may_search_archive, may_trace_prices
from approvals.waiting import kind_words, with_own_rows
from opsadmin.permissions import may_view
from stores.models import Sku

SHOWN = 10
LONGEST = 80


def find_documents(user, text):
    """Return documents whose number begins with the text, or whose title holds it; newest first."""
    fits = Q(number__istartswith=text) | Q(archive_number__istartswith=text) | Q(title__icontains=text)
    found = with_own_rows(Document.objects.visible_to(user).filter(fits)).order_by("-pk")
    rows = []
    for document in found[: SHOWN + 1]:
        document.words = kind_words(document)
        rows.append(document)
    return rows


def find_records(user, text):
    """Return archive records by number or title, for those who may search the archive."""
    if not may_search_archive(user):
        return []
    filings = ArchiveRecord.objects.filter(kind=ArchiveKind.FILING).defer("payload")
    fits = Q(number__istartswith=text) | Q(document_number__istartswith=text) | Q(title__icontains=text)
    return list(filings.filter(fits).order_by("-sequence")[: SHOWN + 1])


def find_goods(user, text):
    """Return goods by the beginning of their code, or by name, with the address that says most about them."""
    if not may_view(user, "stores.sku"):
        return []
    rows = list(Sku.objects.search(text).select_related("brand").order_by("code")[: SHOWN + 1])
    tracing = may_trace_prices(user)
    for sku in rows:
        sku.url = (
            f"{reverse('admin:price_trace')}?sku={sku.code}"
            if tracing
            else reverse("admin:stores_sku_change", args=[sku.pk])
        )
    return rows


def only_answer(text, documents, records):
    """Return the address of the one document or record that bears exactly this number, or None."""
    wanted = text.upper()
    for document in documents:
        if document.number == wanted:
            return reverse("admin:document", args=[document.pk])
    for record in records:
        if record.number == wanted:
            return reverse("admin:archive_record", args=[record.number])
    return None


def groups(user, text):
    """Return what was found, as {documents, records, goods}: lists of up to ten, and whether there are more."""
    found = {
        "documents": find_documents(user, text),
        "records": find_records(user, text),
        "goods": find_goods(user, text),
    }
    return {name: {"rows": rows[:SHOWN], "more": len(rows) > SHOWN} for name, rows in found.items()}
