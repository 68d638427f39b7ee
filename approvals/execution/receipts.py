"""Receipts (回执): the proof that a store carried out a document."""

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Sum
from django.utils.translation import gettext as _

from approvals.models import ArchiveKind, Receipt
from approvals.scopes import line_stores_sql
from opsadmin.core.files import store_file
from opsadmin.core.refusals import Refusal

RECEIPT_BYTES = 20 * 1024 * 1024
# How the files of each kind begin; text may begin with anything.
BEGINNINGS = {
    ".png": b"\x89PNG\r\n\x1a\n",
    ".jpg": b"\xff\xd8\xff",
    ".jpeg": b"\xff\xd8\xff",
    ".pdf": b"%PDF",
    ".xlsx": b"PK\x03\x04",
    ".zip": b"PK\x03\x04",
    ".csv": b"",
    ".txt": b"",
}
COUNTS = ("applied", "failed", "not_found")


def rows_for_store(document, store):
    """Return how many kept lines of the document rule in the store."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM ({line_stores_sql(document)}) rules WHERE store_id = %s",
            [document.pk, document.pk, store.pk],
        )
        return cursor.fetchone()[0]


def totals_of(document):
    """Return how many receipts a document has, and their counts in sum."""
    totals = document.receipts.aggregate(**{name: Sum(name, default=0) for name in COUNTS})
    return {"receipts": document.receipts.count(), **totals}


def check_file(upload):
    """Refuse a receipt that is missing, empty, too large, or of a type that proves nothing."""
    if upload is None:
        raise Refusal(_("Add the mall's result file or a picture as the receipt."), code="invalid")
    if not upload.size:
        raise Refusal(_("The receipt is an empty file. Choose another one."), code="invalid")
    if upload.size > RECEIPT_BYTES:
        raise Refusal(_("The receipt is larger than 20 MB. Make it smaller and try again."), code="invalid")
    shown = {"name": upload.name[-60:]}
    kind = next((kind for kind in BEGINNINGS if upload.name.lower().endswith(kind)), None)
    if kind is None:
        raise Refusal(
            _("A receipt is a picture (PNG, JPG), PDF, XLSX, CSV, TXT or ZIP file; “%(name)s” is not.")
            % shown,
            code="invalid",
        )
    upload.seek(0)
    begins = upload.read(8).startswith(BEGINNINGS[kind])
    upload.seek(0)
    if not begins:
        raise Refusal(
            _("“%(name)s” is not what its name says, or it is damaged. Save it again and upload it.") % shown,
            code="invalid",
        )


def checked_counts(document, store, data):
    """Return how many rows were applied, failed and not found; together they are the rows of the store's file."""
    counts = {name: int(data.get(name) or 0) for name in COUNTS}
    expected = rows_for_store(document, store)
    if sum(counts.values()) != expected:
        raise Refusal(
            _("Applied, failed and not found must add up to the %(n)d rows of this store; they make %(sum)d.")
            % {"n": expected, "sum": sum(counts.values())},
            code="invalid",
        )
    return counts


def record_receipt(document, task, decision, data):
    """Store the receipt of one store and seal it as a later record of the archive.

    ``data``: ``file`` (an upload), ``applied``, ``failed``, ``not_found`` (rows; together the rows of the store's
    file) and ``note``, which is needed unless everything was applied. Refusal: ``invalid``.
    """
    from approvals.archive.filing import add_record

    check_file(data.get("file"))
    counts = checked_counts(document, task.store, data)
    receipt = Receipt(
        task=task,
        document=document,
        store=task.store,
        note=(data.get("note") or "").strip(),
        by=decision.actor,
        by_name=decision.actor_name,
        at=decision.at,
        **counts,
    )
    try:
        receipt.full_clean(exclude=["file"])
    except ValidationError as error:
        raise Refusal(" ".join(error.messages), code="invalid") from error
    receipt.file = store_file(data["file"], name=data["file"].name, by=decision.actor)
    receipt.save(force_insert=True)
    add_record(
        ArchiveKind.RECEIPT,
        document,
        {
            "store": task.store.code,
            **counts,
            "note": receipt.note,
            "file": {"name": receipt.file.name, "sha256": receipt.file.sha256, "size": receipt.file.size},
            "by": decision.actor_name,
            "at": decision.at,
            "decision": decision.hash,
        },
        by=decision.actor,
        files=[receipt.file],
        stores=[task.store],
    )
    return receipt
