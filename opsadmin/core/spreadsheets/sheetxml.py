"""What the reader of workbooks does not tell: error cells, formulas without a result, how far a sheet reaches.

A quick search of the bytes says whether there is anything to look for; only then the XML is parsed.
"""

import posixpath
import re
import zipfile
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.parsers import expat

from django.utils.translation import gettext_lazy as _

from opsadmin.core.spreadsheets import members
from opsadmin.core.spreadsheets.headers import HEADER_ROWS
from opsadmin.core.spreadsheets.limits import MB, SpreadsheetRefused, broken

RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
CELL = re.compile(rb'<c(?: r="([A-Z]{1,3})[0-9]{1,6}"|[\s/>])')
HIGH_ROW = re.compile(rb'<c r="[A-Z]{1,3}([0-9]{6})"')
REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
# Error cells, formulas, and names with a prefix. A false alarm only costs time.
SIGNS = (b'"e"', b"'e'", b"<f>", b"<f ", b"<f/", b":c ", b":c>", b":row")


@dataclass
class SheetFacts:
    """``troubles`` maps row and column index (both from 1) to (code, text) of the fault in that cell."""

    troubles: dict = field(default_factory=dict)
    last_row: int = 0
    last_column: int = 0


def sheet_parts(path):
    """Return the parts of a workbook's sheets by name, in order. Raises SpreadsheetRefused."""
    with zipfile.ZipFile(path) as archive:
        try:
            workbook = _small_xml(archive, "xl/workbook.xml")
            relations = _small_xml(archive, "xl/_rels/workbook.xml.rels")
        except (KeyError, ElementTree.ParseError) as error:
            raise broken() from error
        names = set(archive.namelist())
    targets = {item.get("Id"): item.get("Target", "") for item in relations}
    parts = {}
    for sheet in workbook.iter():
        if sheet.tag.rpartition("}")[2] != "sheet":
            continue
        relation = sheet.get(RELATION) or sheet.get(STRICT_RELATION)
        part = posixpath.normpath(posixpath.join("/xl", targets.get(relation, ""))).lstrip("/")
        if part not in names or sheet.get("name") in parts:
            raise broken()
        parts[sheet.get("name")] = part
    if len(targets) != len(relations):
        raise broken()
    return parts


def _small_xml(archive, name):
    if archive.getinfo(name).file_size > MB:
        raise broken()
    return ElementTree.fromstring(archive.read(name))


def inspect_sheet(path, part, limits):
    """Return the SheetFacts of one part. Raises SpreadsheetRefused where it reaches too far or is damaged."""
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        info = archive.getinfo(part)
        facts = None if _looks_plain(members.chunks(file, info), limits) else _parsed(file, info)
    if facts is None:
        return SheetFacts()
    if facts.last_row > limits.rows + HEADER_ROWS:
        raise too_many_rows(limits)
    if facts.last_column > limits.columns:
        raise too_many_columns(limits)
    return facts


def too_many_rows(limits):
    """Return the refusal of a table with more rows than are read."""
    return SpreadsheetRefused(
        "too_many_rows",
        _("The table has more than %(most)d rows. Split it into several files."),
        most=limits.rows,
    )


def too_many_columns(limits):
    """Return the refusal of a table with more columns than are read."""
    return SpreadsheetRefused(
        "too_many_columns",
        _("The table has more than %(most)d columns. Delete those behind the table."),
        most=limits.columns,
    )


def _looks_plain(chunks, limits):
    """Tell whether a sheet has no error, no formula, and every cell within the limits."""
    letters = set()
    for piece in _whole_tags(chunks):
        if any(sign in piece for sign in SIGNS):
            return False
        letters.update(CELL.findall(piece))
        if any(int(row) > limits.rows for row in HIGH_ROW.findall(piece)):
            return False
    return b"" not in letters and all(column_number(name.decode()) <= limits.columns for name in letters)


def _whole_tags(chunks):
    """Yield the bytes so that no tag is cut in two."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        cut = rest.rfind(b"<")
        if cut > 0:
            yield rest[:cut]
            rest = rest[cut:]
    yield rest


def _parsed(file, info):
    scan = _Scan()
    try:
        for chunk in members.chunks(file, info):
            scan.parser.Parse(chunk, False)
        scan.parser.Parse(b"", True)
    except (expat.ExpatError, ValueError) as error:
        raise broken() from error
    return scan.facts


class _Scan:
    """Walks through the XML of a sheet, one cell at a time."""

    def __init__(self):
        self.facts = SheetFacts()
        self.row = self.column = 0
        self.kind, self.formula, self.value = "", None, None
        self.collecting = None
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
            self.end_cell()

    def end_cell(self):
        facts = self.facts
        facts.last_row = max(facts.last_row, self.row)
        facts.last_column = max(facts.last_column, self.column)
        value = "".join(self.value or ())
        if self.kind == "e":
            trouble = ("error_cell", value)
        elif self.formula is not None and not value and (self.value is None or self.kind != "str"):
            trouble = ("formula_without_value", "=" + "".join(self.formula))
        else:
            return
        facts.troubles.setdefault(self.row, {})[self.column] = trouble


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
