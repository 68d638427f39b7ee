"""Hostile files, made by code: each kind of file that breaks, floods or deceives a program that reads spreadsheets.

A file is made around a shape, the header and a good row of the form that it is sent to, so that the same corpus is fed
to every form. Nothing binary is kept in the repository.
"""

import codecs
import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
MB = 1 << 20
# One a file; found out by reading what the reader answers, then written down.
REFUSED, FAULTY, TAKEN = "refused", "faulty", "taken"


@dataclass(frozen=True)
class Shape:
    """What a form reads: the names of its columns, a good row, and which columns take a code, an amount and text."""

    header: tuple
    row: tuple
    code: int = 0
    money: int | None = None
    text: int | None = None

    def with_value(self, column, value):
        row = list(self.row)
        row[column] = value
        return row


@dataclass(frozen=True)
class Hostile:
    """``verdict``: the file is refused as a whole, its row is faulty, or it is taken as the good row is.

    ``make(shape)`` returns its bytes; ``value`` is what stands in ``column``, where that is what is hostile about it.
    """

    name: str
    filename: str
    make: Callable
    verdict: str
    kind: str
    heavy: bool = False


# ── A workbook by hand ────────────────────────────────────────────────────────────────────────────────────────────


def letters(number):
    """Return the letters of a column, counted from 1."""
    found = ""
    while number:
        number, rest = divmod(number - 1, 26)
        found = chr(65 + rest) + found
    return found


class Raw(str):
    """The XML of a whole cell; ``{at}`` is its reference."""


def cell(place, value):
    if isinstance(value, Raw):
        return value.replace("{at}", place)
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def row_xml(number, values):
    cells = "".join(cell(f"{letters(place)}{number}", value) for place, value in enumerate(values, 1))
    return f'<row r="{number}">{cells}</row>'


def sheet(*rows, before="", after=""):
    data = "".join(row_xml(number, values) for number, values in enumerate(rows, 1))
    return f'{HEAD}<worksheet xmlns="{SPREADSHEET}">{before}<sheetData>{data}</sheetData>{after}</worksheet>'


def members(sheet_xml, **others):
    """Return the parts of the smallest workbook; ``others`` replace or add parts, None takes one away."""
    parts = {
        "[Content_Types].xml": f'{HEAD}<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": workbook(),
        "xl/_rels/workbook.xml.rels": f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet_xml,
    }
    return {name: part for name, part in (parts | others).items() if part is not None}


def workbook(name="Sheet1", state="", before=""):
    hidden = f' state="{state}"' if state else ""
    return (
        f'{HEAD}<workbook xmlns="{SPREADSHEET}" xmlns:r="{RELATIONS}">{before}<sheets>'
        f'<sheet name="{name}" sheetId="1"{hidden} r:id="rId1"/></sheets></workbook>'
    )


def zipped(parts, compression=zipfile.ZIP_DEFLATED, change=None):
    """Return a ZIP file of these parts; ``change(ZipInfo)`` may deceive about each."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, part in parts.items():
            info = zipfile.ZipInfo(name, (2026, 11, 20, 8, 0, 0))
            info.compress_type, info.external_attr = compression, 0o644 << 16
            if change:
                change(info)
            archive.writestr(info, part)
    return out.getvalue()


def good_sheet(shape, **around):
    return sheet(shape.header, shape.row, **around)


def good_workbook(shape, **others):
    return zipped(members(good_sheet(shape), **others))


def good_text(shape, encoding="utf-8", delimiter=",", end="\r\n"):
    return (end.join(delimiter.join(map(str, row)) for row in (shape.header, shape.row)) + end).encode(
        encoding
    )


# ── Containers ────────────────────────────────────────────────────────────────────────────────────────────────────


def containers():
    """Files that are no whole ZIP, or deceive about what is in it."""
    for part in range(1, 16):
        yield f"cut after {part}/16", lambda shape, part=part: cut(good_workbook(shape), part / 16), REFUSED
    for part in range(20):
        yield (
            f"a byte turned at {part}/20",
            lambda shape, part=part: turned(good_workbook(shape), part / 20),
            None,
        )
    yield "only a magic number", lambda shape: b"PK\x03\x04", REFUSED
    yield "an empty ZIP", lambda shape: b"PK\x05\x06" + bytes(18), REFUSED
    yield "nothing at all", lambda shape: b"", REFUSED
    yield "zeros", lambda shape: bytes(5000), REFUSED
    yield "noise", lambda shape: bytes(number * 97 % 251 for number in range(4000)), REFUSED
    yield "something in front", lambda shape: b"MZ" + bytes(500) + good_workbook(shape), REFUSED
    yield "something behind", lambda shape: good_workbook(shape) + b"x" * 70_000, REFUSED
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield (
            f"compressed by method {method}",
            lambda shape, method=method: zipped(members(good_sheet(shape)), method),
            REFUSED,
        )
    yield "an unknown method", lambda shape: patched(good_workbook(shape), 10, struct.pack("<H", 99)), REFUSED
    yield (
        "a part that is locked",
        lambda shape: patched(good_workbook(shape), 8, struct.pack("<H", 1)),
        REFUSED,
    )
    yield "a part larger than announced", lambda shape: announced(good_workbook(shape), 10), REFUSED
    yield (
        "a part of four gigabytes, as announced",
        lambda shape: announced(good_workbook(shape), 0xFFFFFFF0),
        REFUSED,
    )
    yield (
        "600 parts",
        lambda shape: good_workbook(shape, **{f"xl/m{n}.xml": "<a/>" for n in range(600)}),
        REFUSED,
    )
    yield "a list of forty thousand parts", lambda shape: listing(40_000), REFUSED
    yield "two parts of one name", twice, REFUSED
    for name in (
        "../../etc/passwd",
        "xl/../../x.xml",
        "/etc/passwd",
        "C:\\x.xml",
        "\\\\server\\x.xml",
        "xl\\x.xml",
        "a:b",
        "x\n.xml",
        "\u202efdp.xml",
        "x|y",
        "con<>.xml",
        "x\x07.xml",
    ):
        yield (
            f"a part named {name!r}",
            lambda shape, name=name: good_workbook(shape, **{name: "<a/>"}),
            REFUSED,
        )
    yield "a symbolic link", lambda shape: linked(shape), None
    for name, head in INSIDE.items():
        yield (
            f"{name} inside",
            lambda shape, head=head: good_workbook(shape, **{"xl/embeddings/object1.bin": head + bytes(200)}),
            REFUSED,
        )
    yield (
        "a workbook in a workbook",
        lambda shape: good_workbook(shape, **{"xl/embeddings/b.xlsx": good_workbook(shape)}),
        REFUSED,
    )
    for missing in ("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
        yield (
            f"without {missing}",
            lambda shape, missing=missing: good_workbook(shape, **{missing: None}),
            REFUSED,
        )


INSIDE = {
    "a ZIP": b"PK\x03\x04",
    "an old document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "a 7z": b"7z\xbc\xaf\x27\x1c",
    "a RAR": b"Rar!\x1a\x07",
    "a gzip": b"\x1f\x8b\x08",
}


def cut(data, part):
    return data[: int(len(data) * part)]


def turned(data, part):
    place = int(len(data) * part)
    return data[:place] + bytes([data[place] ^ 0x5A]) + data[place + 1 :]


def patched(data, local, value):
    """Change a field of the first local header and of its entry in the directory, which stands two bytes later."""
    data = bytearray(data)
    data[local - 2 : local - 2 + len(value)] = value
    central = data.index(b"PK\x01\x02")
    data[central + local : central + local + len(value)] = value
    return bytes(data)


def announced(data, size):
    """Let the last entry of the directory announce another size."""
    data = bytearray(data)
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", size)
    return bytes(data)


def listing(entries):
    """A file that is nothing but the list of its parts: to open it costs ten times its size in memory."""
    start = b"PK\x03\x04" + bytes(26)
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 1) + bytes(16) + b"a"
    size = struct.pack("<LL", len(entry) * entries, len(start))
    return (
        start
        + entry * entries
        + b"PK\x05\x06"
        + bytes(4)
        + struct.pack("<HH", entries, entries)
        + size
        + b"\0\0"
    )


def twice(shape):
    out = io.BytesIO(good_workbook(shape))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("XL/worksheets/SHEET1.xml", good_sheet(shape))
    return out.getvalue()


def linked(shape):
    def change(info):
        if info.filename.endswith("sheet1.xml"):
            info.external_attr = 0o120777 << 16

    return zipped(members("/etc/passwd"), change=change)


def bombs():
    """Files that unpack to far more than they are."""
    for size in (101, 301):
        yield (
            f"{size} MB of blanks",
            lambda shape, size=size: good_workbook(
                shape, **{"xl/worksheets/sheet1.xml": padded(shape, size * MB)}
            ),
            REFUSED,
        )
    yield (
        "a part that shrinks a thousandfold",
        lambda shape: good_workbook(shape, **{"xl/media/a.xml": "<a>" + " " * (30 * MB) + "</a>"}),
        REFUSED,
    )
    yield (
        "ten million cells",
        lambda shape: good_workbook(shape, **{"xl/worksheets/sheet1.xml": many_cells(shape)}),
        REFUSED,
    )


def padded(shape, size):
    return good_sheet(shape, after=" " * size)


def many_cells(shape):
    """A hundred thousand rows of a hundred cells."""
    one = "<row>" + "<c><v>1</v></c>" * 100 + "</row>"
    return good_sheet(shape).replace("</sheetData>", one * 100_000 + "</sheetData>")


# ── Other files under a name that lies ────────────────────────────────────────────────────────────────────────────

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(3000)
OTHERS = {
    "an XLS": OLE,
    "a password": OLE + "EncryptedPackage".encode("utf-16-le"),
    "a PDF": b"%PDF-1.7\n" + bytes(500),
    "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(500),
    "a JPEG": b"\xff\xd8\xff\xe0" + bytes(500),
    "a GIF": b"GIF89a" + bytes(500),
    "a 7z": b"7z\xbc\xaf\x27\x1c" + bytes(500),
    "a RAR": b"Rar!\x1a\x07\x00" + bytes(500),
    "a gzip": b"\x1f\x8b\x08" + bytes(500),
    "a web page": b"<!DOCTYPE html><html><script>alert(1)</script><table><tr><td>1</td></tr></table></html>",
    "a table of HTML": b"<table><tr><td>=1+1</td></tr></table>",
    "an old XML workbook": b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
    "a program": b"MZ\x90\x00\x03" + bytes(500),
    "an ELF": b"\x7fELF\x02\x01\x01" + bytes(500),
}


def disguised():
    for name, data in OTHERS.items():
        for filename in ("a.xlsx", "a.csv"):
            yield f"{name} as {filename}", filename, lambda shape, data=data: data, REFUSED
    for suffix in ("xlsm", "xltm", "xlam", "xlsb", "ods", "numbers"):
        yield f"a workbook named {suffix}", f"a.{suffix}", good_workbook, REFUSED
    ods = {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<a/>"}
    yield "an ODS as a.xlsx", "a.xlsx", lambda shape: zipped(ods, zipfile.ZIP_STORED), REFUSED
    yield (
        "a DOCX as a.xlsx",
        "a.xlsx",
        lambda shape: good_workbook(shape, **{"xl/workbook.xml": None, "word/document.xml": "<a/>"}),
        REFUSED,
    )
    yield (
        "an XLSB as a.xlsx",
        "a.xlsx",
        lambda shape: good_workbook(shape, **{"xl/workbook.bin": "x"}),
        REFUSED,
    )
    yield (
        "macros as a.xlsx",
        "a.xlsx",
        lambda shape: good_workbook(shape, **{"xl/vbaProject.bin": "x"}),
        REFUSED,
    )
    yield "the type of macros as a.xlsx", "a.xlsx", macro_type, REFUSED
    yield "a workbook as a.csv", "a.csv", good_workbook, TAKEN
    yield "text as a.xlsx", "a.xlsx", good_text, REFUSED
    yield "a workbook without a name", "", good_workbook, TAKEN
    yield "a workbook with a path for a name", "../../a.xlsx", good_workbook, TAKEN


def macro_type(shape):
    parts = members(good_sheet(shape))
    name = "[Content_Types].xml"
    parts[name] = parts[name].replace(
        f"{TYPE}.sheet.main+xml", "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    )
    return zipped(parts)


# ── XML ───────────────────────────────────────────────────────────────────────────────────────────────────────────

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = {
    "a file of ours": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    "an address": '<!DOCTYPE x [<!ENTITY e SYSTEM "http://127.0.0.1:1/x">]>',
    "a document type elsewhere": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">',
    "a billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
    "a parameter": '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
}
PARTS = (
    "[Content_Types].xml",
    "_rels/.rels",
    "xl/workbook.xml",
    "xl/_rels/workbook.xml.rels",
    "xl/worksheets/sheet1.xml",
)


def entities():
    for name, doctype in DOCTYPES.items():
        for part in PARTS:
            yield (
                f"{name} in {part}",
                lambda shape, doctype=doctype, part=part: with_doctype(shape, doctype, part),
                REFUSED,
            )
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-7", "cp037"):
        yield (
            f"a document type in {encoding}",
            lambda shape, encoding=encoding: good_workbook(
                shape,
                **{
                    "xl/worksheets/sheet1.xml": good_sheet(shape)
                    .replace(
                        HEAD, f'<?xml version="1.0" encoding="{encoding}"?>' + DOCTYPES["a file of ours"]
                    )
                    .encode(encoding, "replace")
                },
            ),
            REFUSED,
        )


def with_doctype(shape, doctype, part):
    parts = members(good_sheet(shape))
    parts[part] = parts[part].replace(HEAD, HEAD + doctype)
    return zipped(parts)


def odd_xml():
    """Sheets whose XML says what no spreadsheet program would write."""

    def with_sheet(name, change, verdict):
        return (
            name,
            lambda shape: good_workbook(shape, **{"xl/worksheets/sheet1.xml": change(shape)}),
            verdict,
        )

    far = {
        "XFD1048576": REFUSED,
        "A1048577": REFUSED,
        "ZZZZ1": REFUSED,
        "A0": None,
        "A-1": None,
        "": None,
        "1A": None,
    }
    for place, verdict in far.items():
        yield with_sheet(
            f"a cell at {place!r}",
            lambda shape, place=place: good_sheet(shape).replace(
                "</sheetData>", f'<row><c r="{place}"><v>1</v></c></row></sheetData>'
            ),
            verdict,
        )
    yield with_sheet(
        "one cell far away",
        lambda shape: good_sheet(shape).replace(
            "</sheetData>", '<row><c r="CV200000"><v>1</v></c></row></sheetData>'
        ),
        REFUSED,
    )
    yield (
        "a thousand sheets of one part",
        lambda shape: good_workbook(shape, **{"xl/workbook.xml": many_sheets(1000)}),
        REFUSED,
    )
    yield with_sheet(
        "a sheet that says it is a whole one",
        lambda shape: good_sheet(shape, before='<dimension ref="A1:XFD1048576"/>'),
        TAKEN,
    )
    yield with_sheet(
        "a merged whole sheet",
        lambda shape: good_sheet(shape, after='<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'),
        None,
    )
    yield with_sheet(
        "a hundred thousand merged ranges",
        lambda shape: good_sheet(
            shape,
            after="<mergeCells>"
            + "".join(f'<mergeCell ref="A{n}:B{n}"/>' for n in range(3, 100_003))
            + "</mergeCells>",
        ),
        None,
    )
    yield with_sheet(
        "merged cells in the table",
        lambda shape: good_sheet(shape, after='<mergeCells><mergeCell ref="A2:B3"/></mergeCells>'),
        FAULTY,
    )
    for wrong in ("99999", "-1", "x", "4294967296", ""):
        yield with_sheet(
            f"a shared text {wrong!r} that is not there",
            lambda shape, wrong=wrong: sheet(
                shape.header, shape.with_value(shape.code, Raw(f'<c r="{{at}}" t="s"><v>{wrong}</v></c>'))
            ),
            None,
        )
    for kind in ("q", "str", "n", "d", "b", "e"):
        yield with_sheet(
            f"a cell of kind {kind}",
            lambda shape, kind=kind: sheet(
                shape.header, shape.with_value(shape.code, Raw(f'<c r="{{at}}" t="{kind}"><v>CS0001</v></c>'))
            ),
            None,
        )
    yield with_sheet("no end", lambda shape: good_sheet(shape)[:-20], REFUSED)
    yield with_sheet("tags that do not pair", lambda shape: good_sheet(shape).replace("</row>", "</c>"), None)
    yield with_sheet(
        "a hundred thousand tags in each other",
        lambda shape: good_sheet(shape, before="<a>" * 100_000 + "</a>" * 100_000),
        None,
    )
    yield with_sheet(
        "an attribute of a megabyte", lambda shape: good_sheet(shape, before=f'<a b="{"x" * MB}"/>'), None
    )
    yield with_sheet(
        "two tables of data",
        lambda shape: good_sheet(shape).replace(
            "</worksheet>", '<sheetData><row r="3"/></sheetData></worksheet>'
        ),
        None,
    )
    yield with_sheet(
        "a row twice",
        lambda shape: good_sheet(shape).replace("</sheetData>", row_xml(2, shape.row) + "</sheetData>"),
        None,
    )
    yield with_sheet(
        "rows in the wrong order",
        lambda shape: good_sheet(shape).replace("<sheetData>", "<sheetData>" + row_xml(3, shape.row)),
        None,
    )
    yield with_sheet("a picture's XML", lambda shape: '<svg xmlns="http://www.w3.org/2000/svg"/>', REFUSED)
    yield with_sheet("no header", lambda shape: sheet(shape.row), REFUSED)
    yield with_sheet(
        "a header twice", lambda shape: sheet([*shape.header, shape.header[0]], [*shape.row, "x"]), REFUSED
    )
    yield with_sheet("nothing below the header", lambda shape: sheet(shape.header), REFUSED)
    for name, state in (("hidden", "hidden"), ("very hidden", "veryHidden")):
        yield (
            f"one {name} sheet",
            lambda shape, state=state: good_workbook(shape, **{"xl/workbook.xml": workbook(state=state)}),
            REFUSED,
        )
    for name in ("_x0000_", "x_x0000_y", "a_x0001_\u202eb"):
        yield with_sheet(
            f"a column named {name!r}",
            lambda shape, name=name: sheet([*shape.header, name], [*shape.row, "x"]),
            None,
        )
        yield with_sheet(
            f"a column with {name!r} behind its name",
            lambda shape, name=name: sheet([shape.header[0] + name, *shape.header[1:]], shape.row),
            None,
        )
    for name in (
        *("", "x" * 300, "&lt;script&gt;", "a&#10;b", "../x", "'; DROP TABLE x"),
        *("a&#0;b", "a_x0000_b", "a&#xD800;b"),
    ):
        yield (
            f"a sheet named {name[:20]!r}",
            lambda shape, name=name: good_workbook(shape, **{"xl/workbook.xml": workbook(name)}),
            None,
        )
    for target in ("file:///etc/passwd", "http://127.0.0.1:1/x", "../../../etc/passwd", "/etc/passwd"):
        yield (
            f"a sheet at {target}",
            lambda shape, target=target: good_workbook(
                shape, **{"xl/_rels/workbook.xml.rels": relations(target)}
            ),
            REFUSED,
        )
        yield (
            f"a link to {target}",
            lambda shape, target=target: good_workbook(
                shape,
                **{
                    "xl/externalLinks/_rels/externalLink1.xml.rels": relations(target),
                    "xl/externalLinks/externalLink1.xml": f'{HEAD}<externalLink xmlns="{SPREADSHEET}"/>',
                },
            ),
            TAKEN,
        )
    yield (
        "dates since 1904",
        lambda shape: good_workbook(
            shape, **{"xl/workbook.xml": workbook(before='<workbookPr date1904="1"/>')}
        ),
        TAKEN,
    )
    yield "a hidden sheet beside", hidden_beside, TAKEN
    for name, claim in CLAIMS.items():
        yield (
            name,
            lambda shape, claim=claim: good_workbook(
                shape,
                **{"xl/sharedStrings.xml": HEAD + claim.replace("sst", f'sst xmlns="{SPREADSHEET}"', 1)},
            ),
            REFUSED,
        )


CLAIMS = {
    "a table of four billion texts": '<sst uniqueCount="4294967295"/>',
    "a table of ten million texts": '<sst uniqueCount="10000000"/>',
    "a table of four billion texts, far apart": '<sst\n uniqueCount  =\n "4294967295"/>',
    "a table of four billion texts, said with a reference": '<sst uniqueCount="&#52;294967295"/>',
    "a table of four billion texts behind a comment": "<!--"
    + "x" * 900_000
    + '--><sst uniqueCount="4294967295"/>',
    "a table of texts that claims half a number": '<sst uniqueCount="' + " " * 5000 + '9"/>',
}


def relations(target):
    return (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{RELATIONS}/worksheet" '
        f'Target="{target}"/></Relationships>'
    )


def many_sheets(number):
    more = "".join(f'<sheet name="x{n}" sheetId="{n + 2}" r:id="rId1"/>' for n in range(number))
    return workbook().replace("</sheets>", more + "</sheets>")


def hidden_beside(shape):
    book = workbook().replace(
        "</sheets>", '<sheet name="x" sheetId="2" state="hidden" r:id="rId2"/></sheets>'
    )
    parts = members(
        good_sheet(shape), **{"xl/workbook.xml": book, "xl/worksheets/sheet2.xml": good_sheet(shape)}
    )
    name = "xl/_rels/workbook.xml.rels"
    parts[name] = parts[name].replace(
        "</Relationships>",
        f'<Relationship Id="rId2" Type="{RELATIONS}/worksheet" '
        'Target="worksheets/sheet2.xml"/></Relationships>',
    )
    return zipped(parts)


# ── Text files ────────────────────────────────────────────────────────────────────────────────────────────────────


def texts():
    yield "UTF-16 with a mark", lambda shape: codecs.BOM_UTF16_LE + good_text(shape, "utf-16-le"), TAKEN
    yield (
        "UTF-16, the other way round, with a mark",
        lambda shape: codecs.BOM_UTF16_BE + good_text(shape, "utf-16-be"),
        TAKEN,
    )
    yield "UTF-16 without a mark", lambda shape: good_text(shape, "utf-16-le"), TAKEN
    yield "UTF-16, the other way round, without a mark", lambda shape: good_text(shape, "utf-16-be"), TAKEN
    yield (
        "UTF-16 of an odd number of bytes",
        lambda shape: codecs.BOM_UTF16_LE + good_text(shape, "utf-16-le")[:-1],
        REFUSED,
    )
    yield (
        "a lone surrogate in UTF-16",
        lambda shape: codecs.BOM_UTF16_LE + good_text(shape, "utf-16-le") + b"\x00\xd8a\x00",
        REFUSED,
    )
    yield "UTF-32", lambda shape: codecs.BOM_UTF32_LE + good_text(shape, "utf-32-le"), REFUSED
    yield "UTF-8 with a mark", lambda shape: codecs.BOM_UTF8 + good_text(shape), TAKEN
    yield "GB18030", lambda shape: good_text(shape, "gb18030"), TAKEN
    yield (
        "GB18030 with characters of four bytes",
        lambda shape: "备注：𠮷野家㐀€\r\n".encode("gb18030") + good_text(shape, "gb18030"),
        TAKEN,
    )
    yield "tabs", lambda shape: good_text(shape, delimiter="\t"), TAKEN
    yield "semicolons", lambda shape: good_text(shape, delimiter=";"), TAKEN
    yield "bars", lambda shape: good_text(shape, delimiter="|"), REFUSED
    yield "line ends of an old Mac", lambda shape: good_text(shape, end="\r"), TAKEN
    yield "line ends of Unix", lambda shape: good_text(shape, end="\n"), TAKEN
    for name, junk in {
        "half a character": "价".encode()[:2],
        "an overlong slash": b"\xc0\xaf",
        "an overlong zero": b"\xc0\x80",
        "a surrogate in UTF-8": b"\xed\xa0\x80",
        "five bytes": b"\xf8\x88\x80\x80\x80",
        "a byte that nothing begins with": b"\xff\xfe\xfd",
    }.items():
        yield (
            name,
            lambda shape, junk=junk: "备注：价格价格".encode() + b"\r\n" + good_text(shape) + junk + b"\r\n",
            REFUSED,
        )
    yield "a zero byte", lambda shape: good_text(shape) + b"a\x00b\r\n", REFUSED
    yield "nothing but zeros and a header", lambda shape: good_text(shape) + bytes(1000), REFUSED
    yield (
        "a quotation mark that has no other",
        lambda shape: good_text(shape) + b'"' + b"x" * 200_000,
        REFUSED,
    )
    yield "a hundred thousand quotation marks", lambda shape: good_text(shape) + b'"' * 100_001, REFUSED
    yield "more columns than are read", lambda shape: good_text(shape) + b"," * 5000, REFUSED
    yield "a line of ten megabytes", lambda shape: good_text(shape) + b"x" * (10 * MB), None
    yield "only blanks", lambda shape: b" \t \r\n" * 1000, REFUSED
    yield "only a mark", lambda shape: codecs.BOM_UTF8, REFUSED
    yield "only line ends", lambda shape: b"\r\n" * 5000, REFUSED
    yield "text without a header", lambda shape: good_text(shape).split(b"\r\n", 1)[1], REFUSED
    yield "the header alone", lambda shape: good_text(shape).split(b"\r\n", 1)[0] + b"\r\n", REFUSED
    yield "ten rows of cells too many", lambda shape: good_text(shape).rstrip() + b",x,y,z\r\n", FAULTY
    yield "more rows than are read", lambda shape: good_text(shape) + b"x\r\n" * 210_000, REFUSED


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────────

# In the column of an amount: None is a fault, a text is what must be stored.
AMOUNTS = {
    "NaN": None,
    "nan": None,
    "inf": None,
    "-inf": None,
    "Infinity": None,
    "∞": None,
    "1e308": None,
    "1e999": None,
    "1e-320": None,
    "1E+20": None,
    "1e3": None,
    "0x10": None,
    "1_000": None,
    "½": None,
    "١٢": None,
    "१२": None,
    "１２": "12.00",
    "１２．５０": "12.50",
    "Ⅻ": None,
    "①": None,
    "一百": None,
    "12.345": None,
    "1,234.56": None,
    "1.234,56": None,
    "1'234": None,
    "12 34": None,
    "1.2.3": None,
    "--5": None,
    "12%": None,
    "12345678901234567890": None,
    "99999999999.99": None,
    "12.": None,
    ".5": None,
    "#DIV/0!": None,
    "#REF!": None,
    "=1+1": None,
    "TRUE": None,
    "2026-11-20": None,
    "<b>12</b>": None,
    "12; DROP TABLE x": None,
    "\u202e21": None,
    "12\u200b": "12.00",
}
# In the column of a code: none of them is a code of ours, and none may become one.
CODES = (
    *(
        "=1+1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
        "\t=1+1",
        "\r=1+1",
        "=+1",
        "＝cmd|x",
        "=cmd|'/C calc'!A0",
        '=HYPERLINK("x")',
    ),
    *(
        "<script>alert(1)</script>",
        "' OR 1=1 --",
        "../../etc/passwd",
        "${jndi:ldap://x}",
        "{{7*7}}",
        "%s%s%n",
        "x" * 33_000,
    ),
    *(
        "12345678901234567890",
        "1.23E+19",
        "\u202eabc",
        "a\u200bb",
        "\ufeffabc",
        "a\u0000b"[:1] + "\u0001",
        "é" + "\u0301" * 500,
    ),
    *("\U00020000\U0001f600", "𠮷野", "ﬁ", "Ａ１", "a\nb", "a\rb", "NULL", "\\N", "None", "#N/A", "TRUE"),
)
NUMBERS = (
    "NaN",
    "1e308",
    "1e400",
    "-1e308",
    "1e-400",
    "-0",
    "0",
    "-5",
    "12.345",
    "1234567890123456789",
    "0.1e-9",
    "99999999999",
    "x",
)


def values():
    """Yield (name, file name, make, verdict) for a value in the column of an amount, or of a code."""
    for amount, stored in AMOUNTS.items():
        yield f"amount {amount!r} as text", "a.xlsx", in_sheet("money", amount), TAKEN if stored else FAULTY
        yield f"amount {amount!r} in a CSV", "a.csv", in_text("money", amount), TAKEN if stored else FAULTY
    for number in NUMBERS:
        raw = Raw(f'<c r="{{at}}"><v>{number}</v></c>')
        yield f"number {number}", "a.xlsx", in_sheet("money", raw), None
    for formula in (
        "1+1",
        "cmd|' /C calc'!A0",
        "HYPERLINK(&quot;http://x&quot;)",
        "WEBSERVICE(&quot;http://127.0.0.1:1&quot;)",
    ):
        raw = Raw(f'<c r="{{at}}"><f>{formula}</f></c>')
        yield f"formula {formula[:12]} without a result", "a.xlsx", in_sheet("money", raw), FAULTY
    for error in ("#DIV/0!", "#N/A", "#REF!", "#VALUE!"):
        raw = Raw(f'<c r="{{at}}" t="e"><v>{error}</v></c>')
        yield f"error {error}", "a.xlsx", in_sheet("money", raw), FAULTY
    yield "amount TRUE", "a.xlsx", in_sheet("money", True), FAULTY
    for code in CODES:
        yield f"code {code[:20]!r}", "a.xlsx", in_sheet("code", code), None
        yield f"code {code[:20]!r} in a CSV", "a.csv", in_text("code", code), None
    for raw in ("&#xD800;", "&#0;", "&#1;", "&#xFFFE;", "&e;", "_x0000_", "_xD800_"):
        xml = Raw(f'<c r="{{at}}" t="inlineStr"><is><t>{raw}</t></is></c>')
        yield f"reference {raw}", "a.xlsx", in_sheet("code", xml), None


def in_sheet(column, value):
    def make(shape):
        place = getattr(shape, column)
        clean = (
            value
            if isinstance(value, Raw | bool)
            else "".join(one for one in value if one >= " " or one in "\t\n\r")
        )
        return zipped(
            members(sheet(shape.header, shape.with_value(shape.code if place is None else place, clean)))
        )

    return make


def in_text(column, value):
    def make(shape):
        place = getattr(shape, column)
        row = shape.with_value(shape.code if place is None else place, '"' + value.replace('"', '""') + '"')
        return ("\r\n".join(",".join(map(str, one)) for one in (shape.header, row)) + "\r\n").encode(
            "utf-8", "surrogatepass"
        )

    return make


def corpus():
    """Return every hostile file, each with a name of its own."""
    found = []
    for kind, files, filename in (
        ("container", containers(), "a.xlsx"),
        ("bomb", bombs(), "a.xlsx"),
        ("entity", entities(), "a.xlsx"),
        ("xml", odd_xml(), "a.xlsx"),
        ("text", texts(), "a.csv"),
    ):
        found += [
            Hostile(name, filename, make, verdict, kind, kind == "bomb") for name, make, verdict in files
        ]
    for kind, files in (("disguise", disguised()), ("value", values())):
        found += [Hostile(name, filename, make, verdict, kind) for name, filename, make, verdict in files]
    return found
