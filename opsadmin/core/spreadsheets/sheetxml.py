"""What the reader of workbooks does not tell: error cells, formulas without a result, how far a sheet reaches.

A quick search of the bytes says whether there is anything to look for; only then the XML is parsed.
"""

import posixpath
import re
import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from xml.etree import ElementTree
from xml.parsers import expat
from xml.sax.saxutils import unescape

from django.utils.translation import gettext_lazy as _

from opsadmin.core.spreadsheets import members
from opsadmin.core.spreadsheets.headers import HEADER_ROWS
from opsadmin.core.spreadsheets.limits import MB, SpreadsheetRefused, broken

RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
WORKBOOK = "xl/workbook.xml"
WORKBOOK_PARTS = ("_rels/.rels", WORKBOOK, "xl/_rels/workbook.xml.rels")
DOCUMENT = "/officeDocument"
REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
HELD_BYTES = 8 * MB
# With one of these in it, only a true parser knows where the cells are. A false alarm only costs time.
ODD_SIGNS = (b":c ", b":c>", b":row", b"<!", b"'e'")
TROUBLE_SIGNS = (b'"e"', b"<f>", b"<f ", b"<f/")
# Up to column Z the rectangle of a sheet cannot be too large, however many rows are read.
WIDE = re.compile(rb'<c r="[A-Z]{2}')
# The place of a cell, unless it plainly ends at once and is empty.
PLACE = re.compile(rb"""<c r="([A-Z]{1,3})([0-9]{1,7})"(?![^<>"']*(?:"[^<>"']*"[^<>"']*)*/>)""")
CELL_HEAD = re.compile(rb'r="([A-Z]{1,3})([0-9]{1,7})"([^<>]*)(?<!/)>')
KIND = re.compile(rb'\st\s*=\s*"(\w+)"')
VALUE = re.compile(rb"<v(?:\s[^>]*)?(?:/>|>([^<]*)</v>)")
FORMULA = re.compile(rb"<f(?:\s[^>]*)?>([^<]*)</f>")


@dataclass
class SheetFacts:
    """``troubles`` maps row and column index (both from 1) to (code, text) of the fault in that cell.

    ``wide`` says that there are cells behind column Z, and that it is not known yet how far they reach.
    """

    troubles: dict = field(default_factory=dict)
    wide: bool = False
    last_row: int = 0
    last_column: int = 0

    def add(self, row, column, kind, formula, value):
        """Take a cell: its kind ``t``, its formula and its value, None where it has none."""
        self.last_row = max(self.last_row, row)
        self.last_column = max(self.last_column, column)
        if kind == "e":
            self.troubles.setdefault(row, {})[column] = ("error_cell", value or "")
        elif formula is not None and not value and (value is None or kind != "str"):
            self.troubles.setdefault(row, {})[column] = ("formula_without_value", f"={formula}")


def sheet_parts(path):
    """Return the parts of a workbook's sheets by name, in order. Raises SpreadsheetRefused."""
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        try:
            root, workbook, relations = (_small_xml(file, archive.getinfo(name)) for name in WORKBOOK_PARTS)
        except (KeyError, ElementTree.ParseError) as error:
            raise broken() from error
        names = set(archive.namelist())
    # The reader of workbooks follows this relation: both must look at the same workbook.
    found = [item.get("Target", "").lstrip("/") for item in root if item.get("Type", "").endswith(DOCUMENT)]
    if found != [WORKBOOK]:
        raise broken()
    targets = {item.get("Id"): item.get("Target", "") for item in relations}
    parts, read = {}, set()
    for sheet in workbook.iter():
        if sheet.tag.rpartition("}")[2] != "sheet":
            continue
        relation = sheet.get(RELATION) or sheet.get(STRICT_RELATION)
        part = posixpath.normpath(posixpath.join("/xl", targets.get(relation, ""))).lstrip("/")
        # One part as many sheets would be read as often.
        if part not in names or sheet.get("name") in parts or part in read:
            raise broken()
        read.add(part)
        parts[sheet.get("name")] = part
    if len(targets) != len(relations):
        raise broken()
    return parts


def _small_xml(file, info):
    if info.file_size > MB:
        raise broken()
    return ElementTree.fromstring(b"".join(members.chunks(file, info)))


def inspect_sheet(path, part, limits):
    """Return the SheetFacts of one part. Raises SpreadsheetRefused where it reaches too far or is damaged."""
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        info = archive.getinfo(part)
        try:
            facts = _searched(members.chunks(file, info), limits) or _parsed(file, info)
            row, column = facts.last_row, facts.last_column
            if facts.wide:
                row, column = _reach(members.chunks(file, info))
        except (expat.ExpatError, ValueError) as error:
            raise broken() from error
    if facts.last_row > limits.rows + HEADER_ROWS:
        raise too_many_rows(limits)
    if facts.last_column > limits.columns:
        raise too_many_columns(limits)
    if row * column > limits.cells:
        raise SpreadsheetRefused(
            "too_many_cells",
            _(
                "The sheet reaches as far as %(place)s. Delete the rows and columns behind the table, and save it."
            ),
            place=f"{column_letters(column)}{row}",
        )
    return facts


def _reach(chunks):
    """Return the last row and column of a sheet's filled cells, whose references are all plain."""
    columns, rows = set(), set()
    for piece in _whole_cells(chunks):
        for letters, row in PLACE.findall(piece):
            columns.add(letters)
            rows.add(row)
    last = max((column_number(letters.decode()) for letters in columns), default=0)
    return max(map(int, rows), default=0), last


def too_many_rows(limits):
    """Return the refusal of a table with more rows than are read."""
    return SpreadsheetRefused(
        "too_many_rows",
        _(
            "The table has more than %(most)d rows. Delete those behind the table, or split it into several files."
        ),
        most=limits.rows,
    )


def too_many_columns(limits):
    """Return the refusal of a table with more columns than are read."""
    return SpreadsheetRefused(
        "too_many_columns",
        _("The table has more than %(most)d columns. Delete those behind the table."),
        most=limits.columns,
    )


def _searched(chunks, limits):
    """Return the SheetFacts by searching the bytes, or None for a sheet that must be parsed."""
    odd_cell, facts = _odd_cell(limits), SheetFacts()
    for piece in _whole_cells(chunks):
        if any(sign in piece for sign in ODD_SIGNS) or odd_cell.search(piece):
            return None
        facts.wide = facts.wide or WIDE.search(piece) is not None
        if any(sign in piece for sign in TROUBLE_SIGNS):
            for cell in piece.split(b"<c ")[1:]:
                if b"<f" in cell or b'"e"' in cell:
                    _judge(facts, cell)
    return facts


def _judge(facts, cell):
    head = CELL_HEAD.match(cell)
    if head is None:
        return
    content = cell[head.end() :].partition(b"</c>")[0]
    kind, value = KIND.search(head[3]), VALUE.search(content)
    facts.add(
        int(head[2]),
        column_number(head[1].decode()),
        kind[1].decode() if kind else "",
        _text(FORMULA.search(content)) if b"<f" in content else None,
        _text(value) if value else None,
    )


def _text(found):
    return unescape(found[1].decode()) if found and found[1] else ""


@lru_cache
def _odd_cell(limits):
    """Return what finds a cell that does not say plainly that it is near enough; may find more, never fewer."""
    digits, first = len(str(limits.rows)), int(str(limits.rows)[0])
    rows = f"[0-9]{{1,{max(digits - 1, 1)}}}"
    if first > 1 and digits > 1:
        rows += f"|[1-{first - 1}][0-9]{{{digits - 1}}}"
    last = column_letters(limits.columns)
    columns = "[A-Z]" if len(last) == 1 else f"[A-Z]|[A-{last[0]}][A-Z]"
    return re.compile(rf'<c(?! r="(?:{columns})(?:{rows})")[\s>/]'.encode())


def _whole_cells(chunks):
    """Yield the bytes so that no cell is cut in two, unless it is absurdly long."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        cut = max(rest.rfind(b"<c "), rest.rfind(b"</c>"))
        if cut < 0 or (cut == 0 and len(rest) > HELD_BYTES):
            cut = rest.rfind(b"<")
        if cut > 0:
            yield rest[:cut]
            rest = rest[cut:]
    yield rest


def _parsed(file, info):
    scan = _Scan()
    for chunk in members.chunks(file, info):
        scan.parser.Parse(chunk, False)
    scan.parser.Parse(b"", True)
    return scan.facts


class _Scan:
    """Walks through the XML of a sheet, one cell at a time."""

    def __init__(self):
        self.facts = SheetFacts()
        self.row = self.column = 0
        self.kind, self.formula, self.value = "", None, None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end

    def start(self, tag, attributes):
        tag = tag.rpartition(":")[2]
        if tag == "c":
            self.start_cell(attributes)
        elif tag == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.column = 0
        elif tag == "f":
            self.formula = self.collect()
        elif tag in {"v", "is"}:
            self.value = self.collect()

    def start_cell(self, attributes):
        self.kind, self.formula, self.value = attributes.get("t", ""), None, None
        if "r" not in attributes:
            self.column += 1
            return
        found = REFERENCE.fullmatch(attributes["r"])
        if found is None:
            raise ValueError(attributes["r"])
        self.column, self.row = column_number(found[1].upper()), int(found[2])

    def collect(self):
        texts = []
        self.parser.CharacterDataHandler = texts.append
        return texts

    def end(self, tag):
        tag = tag.rpartition(":")[2]
        if tag in {"f", "v", "is"}:
            self.parser.CharacterDataHandler = None
        elif tag == "c" and (self.value is not None or self.formula is not None):
            formula = None if self.formula is None else "".join(self.formula)
            value = None if self.value is None else "".join(self.value)
            self.facts.add(self.row, self.column, self.kind, formula, value)


def column_number(letters):
    """Return the number of a column from its letters: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def column_letters(number):
    """Return the letters of a column from its number: 1 is A, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
