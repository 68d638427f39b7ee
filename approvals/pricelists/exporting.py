"""Workbooks out: the template of a kind, a draft that can be imported again, an upload with its faults named."""

import shutil
import tempfile
from decimal import Decimal
from io import BytesIO
from operator import itemgetter
from pathlib import Path

from django.db.models import F, TextField, Value
from django.db.models.functions import Cast, Concat
from django.http import FileResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from approvals import scopes
from approvals.kinds import kind_of, specific
from approvals.models import PriceReason
from approvals.pricelists.columns import COLUMNS, LINE_VERSION, ROW, SHEETS
from approvals.pricelists.words import fault_words
from opsadmin.core.downloads import as_workbook
from opsadmin.core.spreadsheets import (
    Mark,
    SheetOut,
    TableInfo,
    content_disposition,
    faulty_copy,
    write_template,
)
from stores.models import Pool

DOWNLOAD = "application/octet-stream"
COSTS = {"cost", "floor_price"}
AT_A_TIME = 2000
HEADING = "错误"


def as_download(file, name):
    """Return a file in memory as a download."""
    file.seek(0)
    response = FileResponse(file, content_type=DOWNLOAD)
    response.headers["Content-Disposition"] = content_disposition(name)
    return response


def shown_columns(kind, *, costs):
    """Return the columns of a kind's own workbooks; cost and floor only for those who may see them."""
    return [
        column for column in COLUMNS[kind.code] if column is not ROW and (costs or column.key not in COSTS)
    ]


def column_words(document, *, costs):
    """Return (header, required, what it means) of the columns, for the upload page."""
    return [
        (column.header, column.required)
        for column in shown_columns(kind_of(document), costs=costs)
        if column is not LINE_VERSION
    ]


def template(kind, *, costs):
    """Return the empty workbook of a kind as a download, with an example and a sheet of rules."""
    columns = [column for column in shown_columns(kind, costs=costs) if column is not LINE_VERSION]
    file = BytesIO()
    with translation.override("zh-hans"):
        write_template(
            file,
            SHEETS[kind.code],
            [column.for_reading() for column in columns],
            [{column.key: typed(column) for column in columns}],
            rules(kind),
        )
    return as_download(file, f"{SHEETS[kind.code]}模板.xlsx")


def typed(column):
    """Return the example of a column as its cells hold it."""
    return Decimal(column.example) if column.kind == "money" and column.example else column.example


def rules(kind):
    """Return what somebody who fills in a workbook of this kind has to know, one sentence a line."""
    keys = {column.key for column in COLUMNS[kind.code]}
    own = {
        "reference_price": _("An empty final price means the reference price."),
        "cost": _(
            "An empty cost or floor price is taken from the masters; if it is empty there too, the row is faulty."
        ),
        "discount": _("The cut is what the store's page promises, in percent: 20 means 20 % off."),
    }
    return [
        str(rule)
        for rule in (
            _("Columns marked * are needed; the others may be left out, and may stand in any order."),
            _(
                "One row is one SKU for one set of stores. The same SKU may not appear twice for the same stores."
            ),
            _(
                "Amounts are yuan with a decimal point and at most two decimals, without commas or currency signs."
            ),
            *(rule for key, rule in own.items() if key in keys),
            _(
                "Stores: empty or 全部自营 means all self-operated stores; or a brand; or store codes separated by ;"
            ),
            _("A price for named stores needs a written exception."),
            _("SKU, barcodes and item numbers are text: set the cells to text before you paste."),
            _("A column that the workbook does not have changes nothing in the draft."),
            _("Times are Beijing time and must be those of the document."),
        )
    ]


def draft(document, *, costs):
    """Return the lines of a document as a workbook that imports again without a change."""
    kind = kind_of(document)
    own = specific(document)
    columns = shown_columns(kind, costs=costs)
    sheet = SheetOut(
        SHEETS[kind.code],
        [column.header for column in columns],
        exported_rows(own, kind, columns),
        widths=[column.width for column in columns],
        text_columns=[column.header for column in columns if column.kind in {"code", "text", "choice"}],
        number_columns=(money := [column.header for column in columns if column.kind == "money"]),
        numerals=money,
    )
    stamp = timezone.localtime().strftime("%m%d-%H%M")
    return as_workbook(f"{document.number} {document.title} {stamp}.xlsx", [sheet])


def faulty_workbook(imported):
    """Return the person's own file as a download, with a column that names the faults of each row."""
    name = Path(imported.file.name)
    info = TableInfo(
        "" if imported.details.get("text") else imported.sheet,
        imported.header_row,
        imported.encoding,
        imported.delimiter,
        imported.details.get("bom", False),
    )
    with tempfile.TemporaryDirectory() as folder:
        # A stored file has no name of its own; the copy's maker goes by it.
        source, target = Path(folder, f"source{name.suffix}"), Path(folder, f"copy{name.suffix}")
        shutil.copyfile(imported.file.file.path, source)
        faulty_copy(str(source), info, marks(imported), str(target), HEADING)
        file = BytesIO(target.read_bytes())
    return as_download(file, f"{name.stem} {HEADING}{name.suffix}")


def marks(imported):
    """Yield each fault as one sentence at its cell."""
    for fault in imported.faults.filter(note=False).order_by("row_no", "pk").iterator(chunk_size=AT_A_TIME):
        message, remedy = fault_words(fault)
        yield Mark(fault.row_no, fault.column, f"{fault.header} {message}：{remedy}")


# Where a column of an exported line comes from, if not from the line's own column of that name.
SOURCES = {
    "brand": F("sku__brand__name"),
    "pool": F("sku__pool"),
    "scope": F("scope_key"),
    "price_in_force": Cast("base_price", TextField()),
}


def exported_rows(document, kind, columns):
    """Yield the cells of each line, a few thousand lines at a time; amounts as the database writes them."""
    known = {
        "currency": document.currency,
        "effective_from": document.effective_from,
        "effective_to": document.effective_to,
    }
    read = [column for column in columns if column.key not in known]
    keys = [column.key for column in (*read, *(one for one in columns if one.key in known))]
    in_order = itemgetter(*(keys.index(column.key) for column in columns))
    written = [(place, words) for place, key in enumerate(keys) if (words := words_of(key))]
    lines = kind.line_model.objects.filter(document=document.pk).order_by("row_no", "pk")
    rest = [known[key] for key in keys[len(read) :]]
    for values in lines.values_list(*(source(column, document) for column in read)).iterator(AT_A_TIME):
        cells = [*values, *rest]
        for place, words in written:
            cells[place] = words(cells[place])
        yield in_order(cells)


def source(column, document):
    """Return the SQL expression of a column."""
    if column is LINE_VERSION:
        return Concat(Value(f"{document.number}/", TextField()), Cast("version", TextField()))
    known = SOURCES.get(column.key) or F(column.key)
    return Cast(known, TextField()) if column.kind == "money" else known


def words_of(key):
    """Return how the values of a column are said in words, None where they are written as they are."""
    with translation.override("zh-hans"):
        pools = {code: str(label) for code, label in Pool.choices}
        reasons = {code: str(label) if code else "" for code, label in PriceReason.choices}
    return {"pool": pools.get, "reason_code": reasons.get, "scope": scope_text}.get(key)


def scope_text(scope_key):
    """Return a scope as a workbook says it: every word of it can be read back."""
    return "全部自营" if scope_key == scopes.ALL else scope_key.partition(":")[2]
