"""Files for the tests of opsadmin.core.spreadsheets, made by hand where a writer would be too well-behaved."""

import csv
import io
import zipfile

import openpyxl
import xlsxwriter

from opsadmin.core.spreadsheets import Column, read

SKU = Column("sku", ("商品编码", "SKU", "sku code"), required=True, kind="code", max_length=40)
NAME = Column("name", ("商品名称", "name"), max_length=20)
POOL = Column(
    "pool",
    ("商品池", "pool"),
    kind="choice",
    choices={"通用": "common", "活动": "campaign", "common": "common"},
)
PRICE = Column("price", ("执行价", "final price"), required=True, kind="money")
COST = Column("cost", ("成本价", "cost"), kind="money")
COUNT = Column("count", ("限量", "quantity"), kind="int")
DAY = Column("day", ("日期", "day"), kind="date")
START = Column("start", ("生效时间", "start"), kind="datetime")
COLUMNS = (SKU, NAME, POOL, PRICE, COST, COUNT, DAY, START)

CONTENT_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'spreadsheetml.sheet.main+xml"/></Types>'
)
WORKBOOK = (
    '<?xml version="1.0" encoding="UTF-8"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="价格清单" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
ROOT_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    'relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    'officeDocument" Target="xl/workbook.xml"/></Relationships>'
)
RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
    'relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    'worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
)
SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'


def text(reference, value):
    """Return the XML of a text cell."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{value}</t></is></c>'


HEADER = f'<row r="1">{text("A1", "商品编码")}{text("B1", "执行价")}</row>'


def parts(sheet, **others):
    """Return the parts of the smallest workbook around the XML of one sheet's rows."""
    return {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": ROOT_RELATIONS,
        "xl/workbook.xml": WORKBOOK,
        "xl/_rels/workbook.xml.rels": RELATIONS,
        "xl/worksheets/sheet1.xml": SHEET.format(sheet),
    } | others


def zipped(path, members, compression=zipfile.ZIP_DEFLATED):
    """Write a ZIP file of texts or bytes by name."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def by_hand(path, rows, header=HEADER):
    """Write a workbook whose sheet has this XML."""
    return zipped(path, parts(header + rows))


def by_openpyxl(path, rows, *, prepare=None):
    """Write rows with openpyxl; ``prepare(workbook, sheet)`` may do more to it."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = "价格清单"
    for row in rows:
        sheet.append(row)
    if prepare:
        prepare(workbook, sheet)
    workbook.save(path)
    return path


def by_xlsxwriter(path, rows, **options):
    """Write rows with XlsxWriter: text stays text."""
    options = {"strings_to_formulas": False, "strings_to_urls": False} | options
    with xlsxwriter.Workbook(str(path), options) as workbook:
        sheet = workbook.add_worksheet("价格清单")
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return path


def by_csv(path, rows, encoding="utf-8", delimiter=","):
    """Write rows as a text file."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


def table(path, columns=COLUMNS, **options):
    """Open a file under its own name."""
    return read(path, path.name, columns=columns, **options)


def read_all(path, columns=COLUMNS, **options):
    """Return the table and its rows."""
    opened = table(path, columns, **options)
    return opened, list(opened)


def codes(faults):
    """Return (row, column letter, code) of each fault."""
    return [(fault.row, fault.column_letter, fault.code) for fault in faults]
