"""Reading a workbook, as a job: its rows are copied into the database, judged there, and shown as a preview.

Nothing of the draft changes here. A second attempt at the same job begins anew and leaves nothing of the first.
"""

import json
import tempfile
import time
from collections import Counter
from contextlib import contextmanager

from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals import scopes
from approvals.kinds import specific
from approvals.models import ImportFault, ImportRow, ImportState, LineImport
from approvals.pricelists.columns import LINE_VERSION, columns_of, stored_columns
from approvals.pricelists.judging import create_read_table, judge
from opsadmin.core.jobs import handler
from opsadmin.core.notices import tell
from opsadmin.core.refusals import Refusal
from opsadmin.core.spreadsheets import Fault, Limits, SpreadsheetRefused, read
from opsadmin.core.spreadsheets.faults import clipped, legible
from opsadmin.core.spreadsheets.sheetxml import column_letters
from opsadmin.core.spreadsheets.values import as_text

IN_MEMORY = 4 * 1024 * 1024
AT_A_TIME = 2000
FIRST_ROWS = 5
LONGEST_SCOPE = 300
CURRENCY_WORDS = {"CNY": ("CNY", "RMB", "元", "人民币", "人民币元", "¥")}
FAULT_COLUMNS = 'imported_id, sheet, row_no, "column", header, value, code, params, note'


@handler("read_lines", name=gettext_lazy("Reading a workbook of lines"))
def read_lines(claim):
    """Read the workbook of a LineImport, judge its rows, and leave it ready or unreadable."""
    imported = LineImport.objects.select_related("document", "file", "uploaded_by").get(
        pk=claim.payload["import"]
    )
    try:
        with copied_rows(imported, claim) as reading:
            claim.progress(reading.rows, total=reading.rows, step="compare")
            with claim.finishing() as result:
                result.update(keep(imported, claim, reading))
    except SpreadsheetRefused as refused:
        with claim.finishing():
            give_up(imported, claim, refused)


def still_mine(imported, claim):
    """Return the import as a queryset, empty once it was set aside or is read anew by another job."""
    return LineImport.objects.filter(pk=imported.pk, job=claim.pk, state=ImportState.READING)


def keep(imported, claim, reading):
    """Copy what was read into the database and judge it; returns the counts. Needs a transaction."""
    started = time.monotonic()
    document = held_draft(imported)
    if not still_mine(imported, claim).exists():
        return {}
    ImportRow.objects.filter(imported=imported).delete()
    ImportFault.objects.filter(imported=imported).delete()
    with connection.cursor() as cursor:
        columns = create_read_table(cursor, document)
        reading.row_file.seek(0)
        cursor.copy_expert(f"COPY import_read ({', '.join(columns)}) FROM STDIN", reading.row_file)
        reading.fault_file.seek(0)
        cursor.copy_expert(f"COPY approvals_importfault ({FAULT_COLUMNS}) FROM STDIN", reading.fault_file)
    imported.counts = judge(document, imported, reading.present) | {"fixed": reading.table.fixed}
    imported.base_hash = document.content_hash
    imported.state = ImportState.UNREADABLE if reading.hopeless else ImportState.READY
    imported.details = reading.details
    imported.details["seconds"]["compare"] = round(time.monotonic() - started, 1)
    imported.save()
    tell_uploader(imported)
    return imported.counts


def give_up(imported, claim, refused):
    """Note why the file as a whole cannot be read."""
    held_draft(imported)
    if still_mine(imported, claim).update(
        state=ImportState.UNREADABLE,
        error=str(refused),
        details={"refused": refused.code, "text": not imported.file.name.lower().endswith(".xlsx")},
    ):
        imported.state, imported.counts = ImportState.UNREADABLE, {}
        tell_uploader(imported)


def held_draft(imported):
    """Return the draft of its own kind; nobody can change it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM approvals_document WHERE id = %s FOR SHARE", [imported.document_id])
    imported.document.refresh_from_db()
    return specific(imported.document)


def tell_uploader(imported):
    counts = imported.counts
    known = {"file": imported.file.name, "read": counts.get("read", 0), "faulty": counts.get("faulty", 0)}
    if imported.state == ImportState.UNREADABLE:
        text = _("%(file)s could not be read.") % known
    elif known["faulty"]:
        text = _("%(file)s has been read: %(read)d rows, %(faulty)d of them faulty.") % known
    else:
        text = _("%(file)s has been read: %(read)d rows, none faulty.") % known
    tell(
        [imported.uploaded_by],
        text,
        url=reverse("admin:import_preview", args=[imported.pk]),
        key=f"import:{imported.pk}:{imported.job_id}",
    )


@contextmanager
def copied_rows(imported, claim):
    """Read the whole file into two spool files, in the form that COPY takes; yields the Reading."""
    with (
        tempfile.SpooledTemporaryFile(IN_MEMORY, mode="w+", encoding="utf-8", newline="") as row_file,
        tempfile.SpooledTemporaryFile(IN_MEMORY, mode="w+", encoding="utf-8", newline="") as fault_file,
    ):
        reading = Reading(imported, claim, row_file, fault_file)
        reading.run()
        yield reading


class Reading:
    """One pass over the rows of a workbook, in constant memory."""

    def __init__(self, imported, claim, row_file, fault_file):
        self.imported, self.claim = imported, claim
        self.row_file, self.fault_file = row_file, fault_file
        self.document = specific(imported.document)
        self.columns = columns_of(self.document)
        self.stored = [column.key for column in stored_columns(self.document)]
        self.names = scopes.scope_words()
        self.scopes = {}
        self.table, self.present = None, {}
        self.rows = self.fault_count = 0
        self.details = {"seconds": {}} | {
            key: imported.details[key] for key in imported.details if key == "because"
        }

    def run(self):
        """Read every row. Raises SpreadsheetRefused for a file that cannot be read as a whole."""
        imported = self.imported
        self.claim.progress(0, total=0, step="file")
        started = time.monotonic()
        self.table = read(
            imported.file.file.path,
            imported.file.name,
            columns=[column.for_reading() for column in self.columns],
            limits=Limits(),
            encoding=imported.encoding or None,
            delimiter=imported.delimiter or None,
            sheet=imported.sheet or None,
        )
        self.details["seconds"]["file"] = round(time.monotonic() - started, 1)
        self.details["seconds"]["headers"] = 0.0
        self.show_headers()
        started = time.monotonic()
        self.read_rows()
        self.details["seconds"]["rows"] = round(time.monotonic() - started, 1)

    def show_headers(self):
        """Show at once what was found out about the file; the rows take longer."""
        table = self.table
        self.present = {
            key: (column_letters(index + 1), legible(table.header.names[index]))
            for key, index in table.places.items()
        }
        self.details |= {
            "text": table.encoding is not None,
            "bom": table.bom,
            "columns": len(self.present),
            "ignored": [clipped(name) for name in table.ignored_headers[:30]],
            "other_sheets": table.other_sheets[:30],
            "hidden_sheets": table.hidden_sheets[:30],
            "first_rows": self.first_rows(),
        }
        found = {
            "details": self.details,
            "encoding": table.encoding or "",
            "delimiter": table.delimiter or "",
            "sheet": table.sheet[:60],
            "header_row": table.header_row,
        }
        for name, value in found.items():
            setattr(self.imported, name, value)
        still_mine(self.imported, self.claim).update(**found)
        self.claim.progress(0, total=table.total, step="rows")

    def first_rows(self):
        """Return the beginning of the first rows: one of a workbook, five of a text whose encoding was guessed."""
        places = [self.table.places[key] for key in ("sku_code", "sku_name") if key in self.table.places]
        rows = self.table.preview[: FIRST_ROWS if self.table.encoding else 1]
        cells = [[row[place] for place in places or range(len(row)) if place < len(row)] for row in rows]
        return [clipped(" · ".join(filter(None, row))) for row in cells]

    def read_rows(self):
        for row in self.table:
            self.rows += 1
            self.read_row(row)
            if self.rows % AT_A_TIME == 0:
                self.claim.progress(
                    self.rows, total=max(self.table.total, self.rows), step=f"rows:{self.fault_count}"
                )
        for fault in self.table.faults:
            if fault.row <= self.table.header_row:
                self.write_fault(fault)
        for note in self.table.notes:
            self.write_fault(note, note=True)
        self.details["fixed"] = dict(Counter(note.code for note in self.table.notes))

    @property
    def hopeless(self):
        """Whether the sheet as a whole has a fault: its rows cannot be judged then."""
        return not self.rows

    def read_row(self, row):
        values = row.values
        for fault in row.faults:
            self.write_fault(fault)
        stored = self.stored_values(row)
        for key, code, params in self.faults_of_values(values):
            self.write_own_fault(row, key, code, params)
        line = [
            str(row.number),
            copied(values.get("sku_code") or ""),
            copied(self.text_of(row, "sku_code").strip()),
            copied(self.scope_of(row, values.get("scope") or "")),
            copied(values.get("sku_name") or ""),
            copied(values.get("brand") or ""),
            self.version_of(values.get(LINE_VERSION.key) or ""),
            *stored,
        ]
        self.row_file.write("\t".join(line) + "\n")

    @staticmethod
    def text_of(row, key):
        """Return a cell as it was read."""
        place = row.places.get(key)
        return "" if place is None else as_text(row.cells[place])

    def stored_values(self, row):
        """Return the stored columns of a row as COPY takes them; an amount that is not above 0 is a fault instead."""
        texts, values = [], row.values
        for key in self.stored:
            value = values.get(key)
            if type(value) is str:
                texts.append(copied(value))
            elif value is None:
                texts.append(NOTHING)
            elif value > 0:
                texts.append(str(value))
            else:
                self.write_own_fault(row, key, "not_above_zero", {})
                texts.append(NOTHING)
        return texts

    def faults_of_values(self, values):
        """Yield (column, code, params) of what the cells alone cannot show."""
        currency = values.get("currency")
        if currency and currency.upper() not in CURRENCY_WORDS.get(
            self.document.currency, (self.document.currency,)
        ):
            yield "currency", "other_currency", {"known": self.document.currency}
        for key in ("effective_from", "effective_to"):
            value, known = values.get(key), getattr(self.document, key)
            if value is not None and value != known:
                shown = timezone.localtime(known).strftime("%Y-%m-%d %H:%M") if known else "—"
                yield key, "other_window", {"known": shown}

    def scope_of(self, row, text):
        """Return the scope of a row, or None with a fault. Each text is looked up once."""
        if text not in self.scopes:
            self.scopes[text] = self.looked_up(text)
        scope_key, fault = self.scopes[text]
        if fault:
            self.write_own_fault(row, "scope", *fault)
        return scope_key

    def looked_up(self, text):
        """Return (scope, None), or (None, (code, params)) for a text that is none."""
        try:
            scope_key = scopes.parse_scope(text, self.names)
        except Refusal as refusal:
            return None, (refusal.code, refusal.data)
        if len(scope_key) > LONGEST_SCOPE:
            return None, ("too_long", {"length": len(scope_key), "most": LONGEST_SCOPE})
        return scope_key, None

    def version_of(self, text):
        """Return the version of the line that a row was exported from, if it came from this document."""
        number, _slash, version = text.partition("/")
        return (
            version
            if number == self.document.number and version.isdecimal() and len(version) < 9
            else NOTHING
        )

    def write_own_fault(self, row, key, code, params):
        letter, header = self.present[key]
        value = clipped(self.text_of(row, key))
        self.write_fault(Fault(self.table.sheet, row.number, letter, header, value, code, params))

    def write_fault(self, fault, note=False):
        self.fault_count += not note
        line = (
            str(self.imported.pk),
            copied(fault.sheet[:60]),
            str(fault.row),
            copied(fault.column_letter[:4]),
            copied(fault.column_header[:60]),
            copied(fault.value[:80]),
            copied(fault.code),
            copied(json.dumps(legible_params(fault.params), ensure_ascii=False, default=str)),
            "t" if note else "f",
        )
        self.fault_file.write("\t".join(line) + "\n")


def legible_params(params):
    return {name: legible(value) if type(value) is str else value for name, value in params.items()}


NOTHING = "\\N"
COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": ""})


def copied(text):
    """Return a text as COPY takes it."""
    if text is None:
        return NOTHING
    return text if text.isprintable() and "\\" not in text else text.translate(COPY_ESCAPES)
