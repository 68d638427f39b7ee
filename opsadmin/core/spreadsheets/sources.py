"""Where rows come from: one sheet of a workbook, or a text file, both as (row number, cells).

Cells are text, float, bool, date, datetime, time or timedelta; a blank cell is "". Row numbers are those that
Excel shows.
"""

import csv
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from django.utils.translation import gettext_lazy as _
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from opsadmin.core.spreadsheets import sheetxml
from opsadmin.core.spreadsheets.headers import HEADER_ROWS, find_header
from opsadmin.core.spreadsheets.limits import SpreadsheetRefused, broken
from opsadmin.core.spreadsheets.sniff import TextShape
from opsadmin.core.spreadsheets.values import as_text


@dataclass
class TextSource:
    """A text file of a known shape."""

    path: str
    shape: TextShape
    limits: object
    sheet = ""
    width = None
    merged = ()
    troubles = {}
    other_sheets = hidden_sheets = ()

    @property
    def last_row(self):
        """The number of the last row, too high where cells contain line ends."""
        return self.shape.lines + 1

    def rows(self):
        """Yield (row number, cells). Raises SpreadsheetRefused for quotation marks that do not pair."""
        with self.shape.opened(self.path) as text:
            reader = csv.reader(text, delimiter=self.shape.delimiter, strict=True)
            try:
                for number, cells in enumerate(reader, start=1):
                    if len(cells) > self.limits.columns:
                        raise sheetxml.too_many_columns(self.limits)
                    yield number, cells
            except csv.Error as error:
                if "field limit" in str(error):
                    raise too_long(reader.line_num) from error
                raise SpreadsheetRefused(
                    "quotation_marks",
                    _(
                        "The quotation marks in line %(line)d, or before it, do not pair. Save the file as XLSX."
                    ),
                    line=reader.line_num,
                ) from error


def too_long(line):
    """Return the refusal of a text file with a cell that is longer than any sheet's."""
    return SpreadsheetRefused(
        "too_long",
        _(
            "Line %(line)d has a cell of more than %(most)d characters. Look whether its quotation marks pair, "
            "or shorten it."
        ),
        line=line,
        most=csv.field_size_limit(),
    )


@dataclass
class SheetSource:
    """One sheet of a workbook, loaded."""

    sheet: str
    loaded: object
    facts: sheetxml.SheetFacts
    other_sheets: list = field(default_factory=list)
    hidden_sheets: list = field(default_factory=list)
    shape = None

    def __post_init__(self):
        start, end = self.loaded.start, self.loaded.end
        # The reader leaves out blank columns on the left, but not blank rows above.
        self.before = [""] * start[1] if start else []
        self.width = max(end[1] + 1 if end else 0, self.facts.last_column)
        self.last_row = max(end[0] + 1 if end else 0, self.facts.last_row)
        self.troubles = self.facts.troubles

    @property
    def merged(self):
        """The merged ranges as (first row, first column, last row, last column), counted from 1."""
        ranges = self.loaded.merged_cell_ranges or ()
        return [(top + 1, left + 1, bottom + 1, right + 1) for (top, left), (bottom, right) in ranges]

    def rows(self):
        """Yield (row number, cells), all rows of the same length."""
        number, before = 0, self.before
        after = [""] * (self.width - len(before) - self.loaded.width)
        for number, cells in enumerate(self.loaded.iter_rows(), start=1):
            yield number, before + cells + after if before or after else cells
        # To the reader, rows at the end are none where they hold nothing but formulas without a result.
        for trailing in range(number + 1, self.last_row + 1):
            yield trailing, [""] * self.width


def first_rows(source):
    """Return the first rows as lists of texts."""
    rows = []
    for _number, cells in islice(source.rows(), HEADER_ROWS):
        rows.append([as_text(cell) for cell in cells])
    return rows


@contextmanager
def reading_workbook():
    """Turn whatever goes wrong inside the reader of workbooks into one refusal."""
    try:
        yield
    except (CalamineError, OSError, ValueError, IndexError, OverflowError) as error:
        raise broken() from error
    except BaseException as error:
        # A panic of the reader is no Exception, but must not end the worker.
        if type(error).__name__ == "PanicException":
            raise broken() from error
        raise


def open_sheet(path, columns, limits, sheet=None):
    """Return the source of the named sheet, or of the first visible one that has all required columns.

    Where none has them, the one that has most columns. Raises SpreadsheetRefused.
    """
    parts = sheetxml.sheet_parts(path)
    with reading_workbook():
        workbook = CalamineWorkbook.from_path(str(path))
    sheets = [meta for meta in workbook.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    visible = [meta.name for meta in sheets if meta.visible == SheetVisibleEnum.Visible]
    wanted = [name for name in visible if sheet is None or name == sheet]
    if not visible:
        raise SpreadsheetRefused(
            "no_such_sheet",
            _("All sheets of the workbook are hidden. Show the one with the table, and save it."),
        )
    if not wanted or not set(wanted) <= set(parts):
        raise SpreadsheetRefused("no_such_sheet", _("The workbook has no such sheet that can be seen."))
    source = _best_sheet(path, workbook, {name: parts[name] for name in wanted}, columns, limits)
    source.other_sheets = [name for name in visible if name != source.sheet]
    source.hidden_sheets = [meta.name for meta in sheets if meta.name not in visible]
    return source


def _best_sheet(path, workbook, parts, columns, limits):
    best, most = None, -1
    for name, part in parts.items():
        source = _load(path, workbook, name, part, limits)
        header = find_header(first_rows(source), columns)
        if header and not header.missing(columns):
            return source
        found = len(header.places) if header else 0
        if found > most:
            best, most = source, found
    return best


def _load(path, workbook, name, part, limits):
    facts = sheetxml.inspect_sheet(path, part, limits)
    with reading_workbook():
        source = SheetSource(name, workbook.get_sheet_by_name(name), facts)
    if source.width > limits.columns:
        raise sheetxml.too_many_columns(limits)
    return source
