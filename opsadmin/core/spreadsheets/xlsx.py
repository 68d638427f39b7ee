"""A workbook as a stream: its first bytes are ready before the first row is read, and no row is kept.

Text stands in its cell as text, so that nothing of it becomes a formula, a link or a number, and no table of shared
texts has to be whole before a cell can be written.
"""

import math
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice, repeat
from xml.sax.saxutils import quoteattr

from opsadmin.core.spreadsheets.moments import SHANGHAI
from opsadmin.core.spreadsheets.sheetxml import column_letters
from opsadmin.core.spreadsheets.values import CELL_CHARS

ROWS_AT_A_TIME = 200
PIECE_BYTES = 1 << 16
SHEET_NAME_CHARS = 31
LAST_ROW = 1_048_576
# Places in the table of styles; those of the columns follow.
PLAIN, HEADER, DAY, MOMENT = range(4)
DAY_CODE, MOMENT_CODE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
CODES = ("General", "General", DAY_CODE, MOMENT_CODE)
FIRST_FORMAT = 164
DAY_ZERO = date(1899, 12, 30)
MOMENT_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
DAY_SECONDS = 86_400
TEXTS = {str, type(None)}
NUMERALS = re.compile(r"[0-9.-]*")
NUMBERS = {int, Decimal, type(None)}
# What XML cannot hold, and what a program would take for such a sign written out.
ESCAPED = re.compile("[&<>\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
# At least these, and the blanks that count only at an end of a text; NUL stands between texts.
ODD = re.compile(
    "[&<>\x01-\x1f\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff\ufffe\uffff]"
)
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
FROZEN = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
FONTS = """<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>\
<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>\
<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>\
<fill><patternFill patternType="solid"><fgColor rgb="FFEDF2F2"/></patternFill></fill></fills>\
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>"""
NORMAL = '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'


@dataclass(frozen=True)
class SheetOut:
    """One sheet to write.

    ``rows`` may be a generator; its rows are as long as ``header``, whose texts differ from each other. Cells are
    text, int, Decimal, float, bool, None, dates or datetimes (written in Asia/Shanghai). ``widths`` are in
    characters, in the order of the columns. ``text_columns`` are headers of columns that Excel shall treat as text
    (codes), ``number_columns`` those of money; a mapping gives each its own number format. ``numerals`` are headers
    of columns whose cells are numbers as the database writes them, which saves making Decimals of them.
    """

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence]
    widths: Sequence[float] = ()
    text_columns: Iterable[str] = ()
    number_columns: Iterable[str] | Mapping[str, str] = field(default_factory=tuple)
    numerals: Iterable[str] = ()

    def formats(self):
        """Return {header: number format} of the columns that have one."""
        numbers = self.number_columns
        numbers = numbers if isinstance(numbers, Mapping) else dict.fromkeys(numbers, "0.00")
        return dict.fromkeys(self.text_columns, "@") | dict(numbers)


def workbook(sheets: Sequence[SheetOut]) -> Iterator[bytes]:
    """Yield the bytes of a workbook, piece by piece; the same sheets give the same bytes.

    Raises ValueError for a sheet whose headers repeat, before the first piece, and later for a row that does not fit
    or is one too many, and whatever the rows raise: what was yielded until then is no whole file.
    """
    for sheet in sheets:
        if len(set(sheet.header)) != len(sheet.header):
            raise ValueError(f"The headers of the sheet {sheet.name!r} repeat.")
    out, places = _Pieces(), _places(sheets)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in _parts(sheets, places).items():
            with archive.open(name, "w") as part:
                part.write((XML + text).encode())
        yield out.taken()
        for number, sheet in enumerate(sheets, 1):
            with archive.open(_sheet_part(number), "w") as part:
                for text in _sheet(sheet, places, first=number == 1):
                    part.write(text.encode())
                    if out.size >= PIECE_BYTES:
                        yield out.taken()
    yield out.taken()


class _Pieces:
    """Where zipfile writes; as there is no way back, it tells sizes behind each part."""

    def __init__(self):
        self.held, self.size = [], 0

    def write(self, data):
        self.held.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self):
        """Nothing waits here."""

    def taken(self):
        piece = b"".join(self.held)
        self.held, self.size = [], 0
        return piece


# ── What stands around the sheets ─────────────────────────────────────────────────────────────────────────────────


def _sheet_part(number):
    return f"xl/worksheets/sheet{number}.xml"


def _places(sheets):
    """Return {number format: place in the table of styles}."""
    codes = dict.fromkeys(code for sheet in sheets for code in sheet.formats().values())
    return {code: place for place, code in enumerate(codes, len(CODES))}


def _parts(sheets, places):
    numbers = range(1, len(sheets) + 1)
    return {
        "[Content_Types].xml": _content_types(numbers),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/_rels/workbook.xml.rels": _relations(
            [
                *(("worksheet", _sheet_part(number).removeprefix("xl/")) for number in numbers),
                ("styles", "styles.xml"),
            ]
        ),
        "xl/workbook.xml": _book(sheets),
        "xl/styles.xml": _styles(places),
    }


def _content_types(numbers):
    known = {
        "xl/workbook.xml": "sheet.main",
        "xl/styles.xml": "styles",
        **{_sheet_part(number): "worksheet" for number in numbers},
    }
    return (
        f'<Types xmlns="{PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        + "".join(
            f'<Override PartName="/{part}" ContentType="{SHEET_TYPE}.{kind}+xml"/>'
            for part, kind in known.items()
        )
        + "</Types>"
    )


def _relations(targets):
    listed = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'


def _book(sheets):
    listed = "".join(
        f'<sheet name={quoteattr(_name(sheet))} sheetId="{number}" r:id="rId{number}"/>'
        for number, sheet in enumerate(sheets, 1)
    )
    views = "<bookViews><workbookView/></bookViews>"
    return f'<workbook {MAIN} xmlns:r="{OFFICE}">{views}<sheets>{listed}</sheets></workbook>'


def _name(sheet):
    """Return the name of a sheet without the signs that Excel refuses in one."""
    return re.sub(r"[\x00-\x1f\[\]:*?/\\]", "_", str(sheet.name))[:SHEET_NAME_CHARS]


def _styles(places):
    codes = [*CODES, *places]
    formats = "".join(
        f'<numFmt numFmtId="{FIRST_FORMAT + place}" formatCode={quoteattr(code)}/>'
        for place, code in enumerate(codes)
        if code != "General"
    )
    styles = "".join(
        f'<xf numFmtId="{0 if code == "General" else FIRST_FORMAT + place}" fontId="{int(place == HEADER)}" '
        f'fillId="{2 if place == HEADER else 0}" borderId="0" xfId="0" applyNumberFormat="1"/>'
        for place, code in enumerate(codes)
    )
    return (
        f'<styleSheet {MAIN}><numFmts count="{len(codes) - 2}">{formats}</numFmts>{FONTS}'
        f'<cellXfs count="{len(codes)}">{styles}</cellXfs>{NORMAL}</styleSheet>'
    )


# ── A sheet ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _sheet(sheet, places, *, first):
    """Yield the XML of a sheet, some hundred rows at a time."""
    formats = sheet.formats()
    styles = [places[formats[title]] if title in formats else PLAIN for title in sheet.header]
    selected = ' tabSelected="1"' if first else ""
    yield (
        f'{XML}<worksheet {MAIN}><sheetViews><sheetView{selected} workbookViewId="0">{FROZEN}</sheetView>'
        f"</sheetViews>{_columns(sheet, styles)}<sheetData>"
    )
    yield _rows([sheet.header], 1, [(HEADER, False)] * len(styles))
    styles = [(style, title in sheet.numerals) for style, title in zip(styles, sheet.header, strict=True)]
    rows, number = iter(sheet.rows), 2
    while some := list(islice(rows, ROWS_AT_A_TIME)):
        if number + len(some) > LAST_ROW + 1:
            raise ValueError(f"The sheet {sheet.name!r} has more rows than Excel takes.")
        yield _rows(some, number, styles)
        number += len(some)
    yield "</sheetData></worksheet>"


def _columns(sheet, styles):
    """Return how wide the columns are, and their styles, which count where somebody types into an empty cell."""
    widths = [*sheet.widths, *([None] * len(styles))]
    columns = "".join(
        f'<col min="{place}" max="{place}" width="{9.14 if width is None else width + 0.71:.2f}" style="{style}"'
        + (' customWidth="1"/>' if width else "/>")
        for place, (width, style) in enumerate(zip(widths, styles, strict=False), 1)
        if width or style
    )
    return f"<cols>{columns}</cols>" if columns else ""


def _rows(rows, first, styles):
    """Return the XML of rows, of which the first has this number; made column by column, which is quicker."""
    numbers = [str(number) for number in range(first, first + len(rows))]
    columns = [
        _cells(values, column_letters(place), *style, numbers)
        for place, (values, style) in enumerate(zip(zip(*rows, strict=True), styles, strict=True), 1)
    ]
    starts = [f'<row r="{number}">' for number in numbers]
    return "".join(chain.from_iterable(zip(starts, *columns, repeat("</row>"), strict=False)))


def _cells(values, letters, style, are_numerals, numbers):
    """Return the cells of one column, one for each row, "" where there is nothing."""
    cell, styled = f'<c r="{letters}', f'" s="{style}'
    as_text, as_number = f'{styled}" t="inlineStr"><is>', f'{styled}"><v>'
    kinds = set(map(type, values))
    if are_numerals and kinds <= TEXTS and NUMERALS.fullmatch("".join(filter(None, values))):
        before, after, texts = as_number, "</v></c>", values
    elif kinds <= TEXTS and _are_plain(values):
        before, after, texts = f"{as_text}<t>", "</t></is></c>", values
    elif kinds <= NUMBERS and _are_finite(texts := ["" if value is None else str(value) for value in values]):
        before, after = as_number, "</v></c>"
    else:
        before, after = "", "</c>"
        texts = [_other(value, as_text, as_number) for value in values]
    return [
        f"{cell}{number}{before}{text}{after}" if text else ""
        for number, text in zip(numbers, texts, strict=True)
    ]


def _are_finite(texts):
    """Say whether numbers are none of those that Decimal writes in words."""
    joined = "".join(texts)
    return "N" not in joined and "I" not in joined


def _are_plain(texts):
    """Say whether texts can stand in XML as they are; it may say no of some that could."""
    texts = [text for text in texts if text]
    joined = "\0".join(["", *texts, ""])
    return not (
        ODD.search(joined)
        or "_x" in joined
        or "\0 " in joined
        or " \0" in joined
        or joined.count("\0") > len(texts) + 1
        or max(map(len, texts), default=0) > CELL_CHARS
    )


def _text(text):
    """Return a text as XML; what XML cannot hold is written as Excel writes it."""
    if len(text) > CELL_CHARS:
        text = text[: CELL_CHARS - 1] + "…"
    space = ' xml:space="preserve"' if text != text.strip() else ""
    return f"<t{space}>{ESCAPED.sub(_written, text)}</t>"


def _written(match):
    sign = match[0]
    return ENTITIES.get(sign) or f"_x{ord(sign):04X}_"


@lru_cache(maxsize=1024, typed=True)
def _other(value, as_text, as_number):
    """Return the inside of a cell of any kind: a truth, a fraction, a day, a moment, else its text."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f'" t="b"><v>{value:d}</v>'
    if isinstance(value, int | float | Decimal) and math.isfinite(value):
        return f"{as_number}{value!s}</v>"
    if isinstance(value, datetime):
        return f'" s="{MOMENT}"><v>{_days(value)!r}</v>'
    if isinstance(value, date):
        return f'" s="{DAY}"><v>{(value - DAY_ZERO).days}</v>'
    return f"{as_text}{_text(str(value))}</is>"


def _days(moment):
    """Return a moment as a number of days, with the time of the clock in Shanghai as their fraction."""
    local = moment.astimezone(SHANGHAI) if moment.tzinfo else moment
    past = local.replace(tzinfo=UTC) - MOMENT_ZERO
    return past.days + (past.seconds + past.microseconds / 1_000_000) / DAY_SECONDS
