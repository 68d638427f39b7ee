"""Lines out of the system: a draft as a workbook, a store's file as CSV."""

import io
import tempfile
import zipfile
from datetime import datetime
from operator import attrgetter

from django.db import connection, transaction

from approvals.execution.storefiles import write_store_file
from approvals.models import Document, PriceLine
from approvals.pricelists import exporting
from stores.models import Store
from tests.bench.harness import Row

# What the workbook of a draft says of a line; all arms give out the same.
COLUMNS = (
    *("sku_code", "sku_name", "sku.brand.name", "sku.pool", "scope_key", "cost", "reference_price"),
    *("floor_price", "ceiling_price", "base_price", "final_price", "compare_at_price", "document.currency"),
    *(
        "document.effective_from",
        "document.effective_to",
        "reason_code",
        "reason",
        "exception_reason",
        "version",
    ),
)


def workbook(n):
    document = Document.objects.get()

    def work():
        for _piece in exporting.draft(document, costs=True).streaming_content:
            pass
        return n

    return work


def stock_workbook(n):
    """openpyxl, row after row, saved into memory, as its documentation shows."""
    document = Document.objects.get()

    def work():
        import openpyxl

        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(COLUMNS)
        lines = (
            PriceLine.objects.filter(document=document.pk)
            .select_related("sku__brand", "document")
            .order_by("row_no")
        )
        for line in lines:
            sheet.append([plain(attrgetter(name)(line)) for name in COLUMNS])
        book.save(io.BytesIO())
        return n

    return work


def plain(value):
    """openpyxl takes no moment with a time zone."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


TEXTS = {
    *(
        "l.sku_code",
        "l.sku_name",
        "b.name",
        "k.pool",
        "l.scope_key",
        "d.currency",
        "l.reason_code",
        "l.reason",
    ),
    "l.exception_reason",
}
CELLS = (
    *("l.sku_code", "l.sku_name", "b.name", "k.pool", "l.scope_key", "l.cost", "l.reference_price"),
    *(
        "l.floor_price",
        "l.ceiling_price",
        "l.base_price",
        "l.final_price",
        "l.compare_at_price",
        "d.currency",
    ),
    *("46357.5", "NULL", "l.reason_code", "l.reason", "l.exception_reason", "l.version"),
)
TEXT_XML = """'<c t="inlineStr"><is><t>', {0}, '</t></is></c>'"""
NUMBER_XML = "coalesce('<c><v>' || {0} || '</v></c>', '<c/>')"
ROW_XML = ", ".join((TEXT_XML if cell in TEXTS else NUMBER_XML).format(cell) for cell in CELLS)
ROWS_XML = f"""SELECT concat('<row>', {ROW_XML}, '</row>') FROM approvals_priceline l
JOIN approvals_document d ON d.id = l.document_id JOIN stores_sku k ON k.id = l.sku_id
JOIN stores_brand b ON b.id = k.brand_id WHERE d.id = """
SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="1" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": "<Relationships xmlns="
    '"http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
    'Target="worksheets/sheet1.xml"/></Relationships>',
}


def floor_workbook(n):
    """COPY of the rows as XML, made in the database, into the least archive that Excel opens, at deflate level 1."""
    document = Document.objects.get()

    def work():
        with (
            tempfile.TemporaryFile() as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        ):
            for name, text in PARTS.items():
                archive.writestr(name, text)
            with archive.open("xl/worksheets/sheet1.xml", "w") as sheet, connection.cursor() as cursor:
                sheet.write(SHEET)
                cursor.copy_expert(f"COPY ({ROWS_XML}{document.pk} ORDER BY l.row_no) TO STDOUT", sheet)
                sheet.write(b"</sheetData></worksheet>")
        return n

    return work


def csv(n):
    document, store = Document.objects.get(), Store.objects.select_related("platform").first()
    store.platform.batch_limit = None

    @transaction.atomic
    def work():
        with tempfile.TemporaryFile() as file:
            return write_store_file(file, document, store)[1]

    return work


def stock_csv(n):
    """django-import-export's ModelResource, exported as its documentation shows."""
    from import_export import resources

    resource = resources.modelresource_factory(PriceLine)()

    def work():
        return len(resource.export(PriceLine.objects.all()).csv.splitlines()) - 1

    return work


def floor_csv(n):
    """COPY of the same rows, listings joined."""
    store = Store.objects.first()

    def work():
        with tempfile.TemporaryFile() as file, connection.cursor() as cursor:
            cursor.copy_expert(
                "COPY (SELECT l.sku_code, g.platform_item_id, g.platform_sku_id, l.sku_name, l.final_price, "
                "d.effective_from FROM approvals_priceline l JOIN approvals_document d ON d.id = l.document_id "
                f"LEFT JOIN stores_listing g ON g.sku_id = l.sku_id AND g.store_id = {store.pk} "
                'ORDER BY l.sku_code COLLATE "C") TO STDOUT (FORMAT csv)',
                file,
            )
        return n

    return work


ROWS = [
    Row(
        key="xlsx",
        title="lines out as XLSX",
        aim="≤ 3 × floor, ≤ 120 MB",
        scene="drafted",
        arms={"ours": workbook, "stock": stock_workbook, "floor": floor_workbook},
        bears={"stock": 10_000},
    ),
    Row(
        key="csv",
        title="lines out as CSV",
        aim="≤ 2 × floor, ≤ 120 MB",
        scene="drafted",
        arms={"ours": csv, "stock": stock_csv, "floor": floor_csv},
        bears={"stock": 10_000},
    ),
]
