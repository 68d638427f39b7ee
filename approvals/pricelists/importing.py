"""From an uploaded workbook to the lines of a draft: upload, read, look, write.

Reading and writing are jobs. Nothing of the draft changes before ``write_import``, and that changes all or nothing.
"""

import logging
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals import drafts, permissions
from approvals.flow.record import write_event
from approvals.kinds import kind_of
from approvals.models import (
    Attachment,
    AttachmentKind,
    Document,
    ImportFault,
    ImportMode,
    ImportRow,
    ImportState,
    LineImport,
)
from approvals.pricelists.columns import stored_columns
from approvals.pricelists.judging import vanishing_lines
from opsadmin.core import clock, databaseroles, jobs
from opsadmin.core.files import store_file
from opsadmin.core.models import User
from opsadmin.core.refusals import Refusal
from opsadmin.core.spreadsheets import Limits

logger = logging.getLogger(__name__)

KEPT_DAYS = 14
MANY_ROWS = 1000
OPEN_STATES = (ImportState.READING, ImportState.READY, ImportState.UNREADABLE)


def check_may_import(document, by):
    """Raise unless the account may change this draft now."""
    if not permissions.may_draft(by, document.kind):
        raise PermissionDenied
    if not document.editable:
        raise Refusal(_("This document has been submitted; it cannot be changed now."), code="state")


@transaction.atomic
def start_import(document_pk, *, by, uploaded, encoding=None):
    """Keep an uploaded workbook byte for byte and have it read; returns the LineImport.

    ``uploaded`` is an open binary file with a name and a size. An earlier upload that was not written is set aside.
    Raises PermissionDenied, or Refusal ``state``, ``empty`` or ``size``.
    """
    document = Document.objects.select_for_update().get(pk=document_pk)
    check_may_import(document, by)
    if not uploaded.size:
        raise Refusal(_("The file is empty."), code="empty")
    if uploaded.size > Limits().file_bytes:
        raise Refusal(
            _("The file has %(size)s MB; at most %(most)s MB are read. Split it, or take out pictures.")
            % {"size": uploaded.size >> 20, "most": Limits().file_bytes >> 20},
            code="size",
        )
    document.imports.filter(state__in=OPEN_STATES).update(state=ImportState.DISCARDED)
    imported = LineImport.objects.create(
        document=document,
        file=store_file(uploaded, name=uploaded.name, by=by),
        encoding=encoding or "",
        uploaded_by=by,
    )
    return enqueue_reading(imported, by)


def enqueue_reading(imported, by, because=""):
    imported.state, imported.error, imported.counts = ImportState.READING, "", {}
    imported.details = {"because": because} if because else {}
    imported.job = jobs.enqueue("read_lines", {"import": imported.pk}, by=by)
    imported.save()
    return imported


def locked_import(pk, *, by):
    """Return an import whose document the account may change, both locked."""
    document_pk = LineImport.objects.values_list("document_id", flat=True).get(pk=pk)
    document = Document.objects.select_for_update().get(pk=document_pk)
    check_may_import(document, by)
    imported = LineImport.objects.select_for_update(of=["self"]).select_related("file", "job").get(pk=pk)
    imported.document = document
    return imported


@transaction.atomic
def read_again(pk, *, by, encoding=None, delimiter=None, sheet=None, because=""):
    """Read the same file once more, in another encoding, by another delimiter, or another sheet of it.

    What is None stays as it was found out; ``because`` is kept for the preview (``stale``: the draft has changed).
    Raises Refusal ``state`` once it has been written or set aside.
    """
    imported = locked_import(pk, by=by)
    if imported.state not in OPEN_STATES:
        raise Refusal(_("This upload has been written or set aside."), code="state")
    if encoding is not None:
        imported.encoding, imported.delimiter = encoding, delimiter or ""
    if sheet is not None:
        imported.sheet = sheet
    return enqueue_reading(imported, by, because)


@transaction.atomic
def discard_import(pk, *, by):
    """Set an upload aside; the draft stays as it is."""
    imported = locked_import(pk, by=by)
    if imported.state not in OPEN_STATES:
        raise Refusal(_("This upload has been written or set aside."), code="state")
    imported.state = ImportState.DISCARDED
    imported.save(update_fields=["state"])
    if imported.job is not None and imported.job.open and imported.job.created_by_id == by.pk:
        jobs.cancel(imported.job_id, by=by)


# ── Writing ───────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def start_writing(pk, *, by, mode, confirm_number=""):
    """Have the rows written by a job, after the same questions that ``write_import`` asks; returns the LineImport."""
    imported = locked_import(pk, by=by)
    check_writable(imported, mode=mode, confirm_number=confirm_number)
    if imported.job is not None and imported.job.open:
        raise Refusal(_("These rows are being written already."), code="state")
    imported.job = jobs.enqueue(
        "write_lines",
        {"import": pk, "by": by.pk, "mode": mode, "confirm_number": confirm_number},
        by=by,
        total=writable_rows(imported),
    )
    imported.mode = mode
    imported.save(update_fields=["job", "mode"])
    return imported


@jobs.handler("write_lines", name=gettext_lazy("Writing the lines of a workbook"))
def write_lines(claim):
    """Write the rows of an import for the account that asked for it; a job that runs twice writes once."""
    payload = claim.payload
    if LineImport.objects.filter(pk=payload["import"], state=ImportState.WRITTEN).exists():
        with claim.finishing():
            return
    claim.progress(0, step="write")
    by = User.objects.get(pk=payload["by"])
    try:
        with claim.finishing() as result:
            imported = write_import(
                payload["import"], by=by, mode=payload["mode"], confirm_number=payload["confirm_number"]
            )
            result.update(imported.counts)
    except Refusal as refusal:
        if refusal.code == "stale":
            read_again(payload["import"], by=by, because="stale")
        raise


def writable_rows(imported):
    """Return how many rows are added or changed by writing."""
    return imported.counts.get("new", 0) + imported.counts.get("changed", 0)


def check_writable(imported, *, mode, confirm_number):
    """Refuse what cannot be written as it was shown."""
    document = imported.document
    if imported.state != ImportState.READY:
        raise Refusal(_("There is nothing to write: read the file first."), code="state")
    if mode not in ImportMode.values:
        raise Refusal(_("Choose to merge or to replace everything."), code="mode")
    if mode == ImportMode.REPLACE and confirm_number.strip().upper() != document.number:
        raise Refusal(
            _("To replace everything, enter the document's number %(number)s.") % {"number": document.number},
            code="confirm",
        )
    if imported.base_hash != document.content_hash:
        raise Refusal(
            _("The draft has been changed since this preview. Nothing was written; it is compared again."),
            code="stale",
        )
    nothing = not writable_rows(imported)
    if nothing and (mode == ImportMode.MERGE or not imported.counts.get("vanishing")):
        raise Refusal(_("Nothing in this file would change the draft."), code="nothing")


@transaction.atomic
def write_import(pk, *, by, mode, confirm_number=""):
    """Write the rows of an import that are not faulty into its draft, all of them or none; returns the LineImport.

    Merging adds and changes lines. Replacing also removes the lines that the file does not have, and numbers the
    lines in the file's order; it asks for the document's number.
    Raises PermissionDenied, or Refusal: ``state``, ``mode``, ``confirm``, ``nothing``, ``stale`` (the draft is no
    longer the one that was shown; read the file again).
    """
    imported = locked_import(pk, by=by)
    check_writable(imported, mode=mode, confirm_number=confirm_number)
    document = drafts.locked_for_editing(imported.document_id, by=by)
    merge_rows(document, imported, mode)
    Attachment.objects.create(document=document, file=imported.file, kind=AttachmentKind.SOURCE, added_by=by)
    drafts.recheck(document)
    imported.state, imported.mode, imported.written_at = ImportState.WRITTEN, mode, clock.now()
    imported.save(update_fields=["state", "mode", "written_at"])
    write_event(
        document,
        "imported",
        by=by,
        file=imported.file.name,
        sha256=imported.file.sha256,
        mode=mode,
        counts=imported.counts,
    )
    logger.info("import written", extra={"import_id": pk, "document_id": document.pk, "actor_id": by.pk})
    return imported


def merge_rows(document, imported, mode):
    """Bring the document's lines in line with the rows of an import; what follows from them is the caller's."""
    with connection.cursor() as cursor:
        if mode == ImportMode.REPLACE:
            vanishing_lines(imported).delete()
        write_rows(cursor, document, imported)
        if mode == ImportMode.REPLACE:
            number_lines(cursor, document, imported)
        refresh_statistics(cursor, document, imported)


def write_rows(cursor, document, imported):
    """Add the new rows behind the present lines and change the others, in two statements.

    What new lines copy from the prices in force is written at once, as the preview found it; the check that follows
    writes those lines again whose stores say otherwise.
    """
    keys = [column.key for column in stored_columns(document)]
    table = kind_of(document).line_table
    cursor.execute(
        f"INSERT INTO {table} (document_id, row_no, sku_id, sku_code, sku_name, scope_key, struck, strike_reason, "
        f"band, risk, version, decided_digest, base_price, base_version, {', '.join(keys)}) "
        "SELECT %s, %s + row_number() OVER (ORDER BY r.row_no), s.id, s.code, s.name, r.scope_key, false, '', "
        "CASE WHEN r.final_price = r.base_price THEN 3 ELSE 2 END, 0, 1, '', r.base_price, r.base_version, "
        f"{', '.join(f'r.{key}' for key in keys)} "
        "FROM approvals_importrow r JOIN stores_sku s ON s.id = r.sku_id "
        "WHERE r.imported_id = %s AND r.verdict = 'new'",
        [document.pk, drafts.last_row(document), imported.pk],
    )
    cursor.execute(
        f"UPDATE {table} l SET version = l.version + 1, sku_name = s.name, "
        f"{', '.join(f'{key} = r.{key}' for key in keys)} "
        "FROM approvals_importrow r JOIN stores_sku s ON s.id = r.sku_id "
        "WHERE r.imported_id = %s AND r.verdict = 'changed' AND l.id = r.line_id AND l.document_id = %s",
        [imported.pk, document.pk],
    )


def number_lines(cursor, document, imported):
    """Number the lines in the order of the file."""
    table = kind_of(document).line_table
    cursor.execute(
        f"UPDATE {table} l SET row_no = o.place FROM (SELECT l.id, "
        f"row_number() OVER (ORDER BY min(r.row_no), l.id) AS place FROM {table} l JOIN approvals_importrow r "
        "ON r.imported_id = %s AND r.sku_code = l.sku_code "
        "AND (r.scope_key = l.scope_key OR r.verdict = 'faulty') WHERE l.document_id = %s GROUP BY l.id) o "
        "WHERE l.id = o.id AND l.row_no <> o.place",
        [imported.pk, document.pk],
    )


def refresh_statistics(cursor, document, imported):
    """Tell the planner of the new lines: it would join the guards' tables as if there were none."""
    if writable_rows(imported) >= MANY_ROWS:
        databaseroles.refresh_statistics(cursor, kind_of(document).line_table)


# ── Cleaning ──────────────────────────────────────────────────────────────────────────────────────────────────────


def clean_old_imports(now=None):
    """Delete the rows of uploads that are written or set aside for a day, or left alone for two weeks.

    The uploads themselves and their files stay: they say what was imported into which draft.
    """
    now = now or clock.now()
    LineImport.objects.filter(state__in=OPEN_STATES, uploaded_at__lt=now - timedelta(days=KEPT_DAYS)).update(
        state=ImportState.DISCARDED
    )
    ended = LineImport.objects.exclude(state__in=OPEN_STATES).filter(uploaded_at__lt=now - timedelta(days=1))
    for rows in (ImportRow, ImportFault):
        rows.objects.filter(imported__in=ended).delete()
