"""Reading a table: its rows as typed values, and every fault with sheet, row, column, value and remedy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from opsadmin.core.spreadsheets.faults import BadCell, Fault, Fixed, clipped
from opsadmin.core.spreadsheets.headers import HEADER_ROWS, find_header
from opsadmin.core.spreadsheets.limits import (
    LIMITS,
    Limits,
    SpreadsheetRefused,
    check_container,
    check_size,
    kind_of_file,
)
from opsadmin.core.spreadsheets.sheetxml import column_letters, too_many_rows
from opsadmin.core.spreadsheets.sniff import sniff
from opsadmin.core.spreadsheets.sources import TextSource, first_rows, open_sheet
from opsadmin.core.spreadsheets.values import Column, as_text, careful, reader_of

PROGRESS_ROWS = 2000
PREVIEW_ROWS = 5
# More notes are counted, not kept: a blank behind every name says nothing new.
KEPT_NOTES = 10_000


class TableInfo(NamedTuple):
    """How a table was read: what the faulty copy needs to know. ``sheet`` is "" for a text file."""

    sheet: str
    header_row: int
    encoding: str
    delimiter: str
    bom: bool


@dataclass(slots=True)
class Row:
    """One row: ``number`` as Excel shows it; ``values`` by key, None for a blank or faulty cell."""

    number: int
    values: dict
    faults: Sequence[Fault]
    cells: list
    places: dict

    @property
    def raw(self):
        """The texts of the cells by key, as they were read."""
        return {key: as_text(self.cells[index]) for key, index in self.places.items()}


class Table:
    """A table that has been opened; iterate over it for its rows.

    ``faults`` and ``notes`` grow while the rows are read and begin anew with each iteration; faults of the header
    are there from the beginning, and such a table yields no rows. ``notes`` keeps the first ten thousand,
    ``fixed`` counts all. ``headers`` maps keys to the names in the file. ``total`` is about the number of rows,
    ``preview`` the first five of them as texts. ``encoding``, ``delimiter`` and ``bom`` belong to text files.
    """

    def __init__(self, source, columns, limits, progress=None):
        self.source, self.columns, self.limits, self.progress = source, columns, limits, progress
        self.sheet, self.other_sheets = source.sheet, list(source.other_sheets)
        self.hidden_sheets = list(source.hidden_sheets)
        self.encoding = source.shape and source.shape.encoding
        self.delimiter = source.shape and source.shape.delimiter
        self.bom = bool(source.shape and source.shape.bom)
        self.notes, self.fixed = [], 0
        top = first_rows(source)
        self.header = find_header(top, columns)
        self.header_row = self.header.row if self.header else 0
        self.preview = top[self.header_row : self.header_row + PREVIEW_ROWS]
        self.total = max(source.last_row - self.header_row, 0)
        self.faults = self.header_faults()

    @property
    def headers(self):
        """The columns that were found: their names in the file by key."""
        return {key: self.header.names[index] for key, index in self.places.items()}

    @property
    def ignored_headers(self):
        """The names in the header row that nobody looks for."""
        return [self.header.names[index] for index in self.header.ignored] if self.header else []

    @property
    def places(self):
        """The index of each column that was found, by key."""
        return self.header.places if self.header else {}

    @property
    def info(self):
        """What the faulty copy needs to know of this table."""
        return TableInfo(self.sheet, self.header_row, self.encoding or "", self.delimiter or "", self.bom)

    def header_faults(self):
        """Return the faults because of which no row can be read."""
        if self.header is None:
            return [Fault(self.sheet, 0, "", "", "", "no_header", {"rows": HEADER_ROWS})]
        missing = [column.headers[0] for column in self.header.missing(self.columns)]
        return [
            *(self.header_fault("missing_column", name) for name in missing),
            *(self.double_fault(key, index) for key, index in self.header.doubles),
        ]

    def header_fault(self, code, name, letter="", **params):
        return Fault(self.sheet, self.header_row, letter, name, "", code, {"header": name, **params})

    def double_fault(self, key, index):
        first = column_letters(self.header.places[key] + 1)
        name = self.header.names[index]
        return self.header_fault("duplicate_column", name, column_letters(index + 1), first=first)

    def __iter__(self):
        """Yield each Row that is not blank. Raises SpreadsheetRefused where the file turns out to be unreadable."""
        self.faults, self.notes, self.fixed = self.header_faults(), [], 0
        if self.faults:
            return
        count = 0
        for count, row in enumerate(_RowReader(self).rows(), start=1):
            if count > self.limits.rows:
                raise too_many_rows(self.limits)
            if self.progress and count % PROGRESS_ROWS == 0:
                self.progress(count, max(count, self.total))
            yield row
        if not count:
            self.faults.append(Fault(self.sheet, self.header_row, "", "", "", "no_rows"))

    def add_faults(self, faults):
        """Keep the faults of a row. Raises SpreadsheetRefused where there are too many to be of use."""
        self.faults += faults
        if len(self.faults) > self.limits.faults:
            raise self.too_many_faults(self.faults[0].row, self.faults[0].column_header)

    def too_many_faults(self, row, column):
        """Return the refusal of a table that is faulty nearly everywhere, with the first place."""
        return SpreadsheetRefused(
            "too_many_faults",
            _("More than %(most)d cells are faulty, the first in row %(row)d, column %(column)s."),
            most=self.limits.faults,
            row=row,
            column=column,
        )

    def add_notes(self, notes):
        """Count what was put right, and keep the first of it."""
        self.fixed += len(notes)
        if len(self.notes) < KEPT_NOTES:
            self.notes += notes


class _RowReader:
    """Reads the cells of one table: quickly where they are clean, with care where not."""

    def __init__(self, table):
        self.table, self.source = table, table.source
        self.places = table.places
        self.width = len(table.header.names)
        columns = [column for column in table.columns if column.key in self.places]
        self.readers = {column.key: reader_of(column, table.limits.cell_chars) for column in columns}
        self.required = {column.key for column in columns if column.required}
        self.plan = [
            (column.key, self.places[column.key], self.readers[column.key].quick, column.required)
            for column in columns
        ]
        self.troubles = self.all_troubles()

    def all_troubles(self):
        """Return (code, text, params) of the cells that are faulty whatever they hold, by row and column."""
        troubles = {
            row: {column: (code, text, {}) for column, (code, text) in cells.items()}
            for row, cells in self.source.troubles.items()
        }
        covered = 0
        for top, left, bottom, right in self.source.merged:
            column = self.first_known(left, right)
            first, last = max(top, self.table.header_row + 1), min(bottom, self.source.last_row)
            if column is None or first > last:
                continue
            covered += last - first + 1
            if covered > self.table.limits.faults:
                raise self.table.too_many_faults(first, self.table.header.names[column - 1])
            name = f"{column_letters(left)}{top}:{column_letters(right)}{bottom}"
            for row in range(first, last + 1):
                troubles.setdefault(row, {})[column] = ("merged_cell", "", {"range": name})
        return troubles

    def first_known(self, left, right):
        """Return the first column, counted from 1, in a range of columns that somebody looks for, or None."""
        return min((index + 1 for index in self.places.values() if left <= index + 1 <= right), default=None)

    def rows(self):
        """Yield the Rows below the header that are not blank."""
        width, padding = self.width, [""] * self.width
        open_ended = self.source.width is None
        for number, cells in self.source.rows():
            if number <= self.table.header_row:
                continue
            if cells.count("") == len(cells) and number not in self.troubles:
                continue
            if len(cells) < width:
                cells = cells + padding[len(cells) :]
            extra = open_ended and len(cells) > width and any(cells[width:])
            if row := self.row(number, cells, extra):
                yield row

    def row(self, number, cells, extra):
        values, clean = {}, not extra and number not in self.troubles
        for key, index, quick, required in self.plan:
            cell = cells[index]
            if cell == "":
                values[key] = None
                clean = clean and not required
            else:
                value = values[key] = quick(cell)
                clean = clean and value is not None
        row = Row(number, values, (), cells, self.places)
        return row if clean else self.with_care(row, extra)

    def with_care(self, row, extra):
        """Complete a row whose quick reading left something open; returns None for one that is blank after all."""
        faults, notes = [], []
        if extra:
            text = as_text(next(cell for cell in row.cells[self.width :] if cell))
            faults.append(self.fault(row, self.width, "extra_cells", text))
        troubles = self.troubles.get(row.number, {})
        for key, value in row.values.items():
            if value is None or self.places[key] + 1 in troubles:
                self.read_cell(row, key, troubles, faults, notes)
        if all(value is None for value in row.values.values()) and all(
            fault.code == "required" for fault in faults
        ):
            return None
        row.faults = faults
        self.table.add_notes(notes)
        self.table.add_faults(faults)
        return row

    def read_cell(self, row, key, troubles, faults, notes):
        index = self.places[key]
        cell = row.cells[index]
        if index + 1 in troubles:
            row.values[key] = None
            code, text, params = troubles[index + 1]
            faults.append(self.fault(row, index, code, text or as_text(cell), params))
            return
        found = []
        try:
            row.values[key] = careful(self.readers[key], cell, found)
        except BadCell as bad:
            faults.append(self.fault(row, index, bad.code, as_text(cell), bad.params))
            return
        notes += [self.note(row, index, code, cell, params) for code, params in found]
        if row.values[key] is None and key in self.required:
            faults.append(self.fault(row, index, "required", as_text(cell)))

    def fault(self, row, index, code, text, params=None):
        return Fault(*self.place(row, index), clipped(text), code, params or {})

    def note(self, row, index, code, cell, params):
        return Fixed(*self.place(row, index), clipped(as_text(cell)), code, params)

    def place(self, row, index):
        names = self.table.header.names
        name = names[index] if index < len(names) else ""
        return self.table.sheet, row.number, column_letters(index + 1), name


def read(
    path,
    filename,
    *,
    columns: Sequence[Column],
    limits: Limits = LIMITS,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Table:
    """Open a workbook (XLSX) or a text file (CSV, tab-separated) and find its header; its rows are read later.

    ``filename`` is the name that the person gave it. ``encoding`` (see ENCODINGS), ``delimiter`` and ``sheet``
    replace what would be guessed. ``progress(rows done, about all rows)`` is called every 2,000 rows.
    Raises SpreadsheetRefused for a file that is too large, unsafe, damaged, of another kind, or whose bytes do
    not fit the encoding; nothing is replaced or left out.
    """
    check_size(path, limits)
    if kind_of_file(path, filename) == "xlsx":
        check_container(path, limits)
        source = open_sheet(path, columns, limits, sheet)
    else:
        shape = sniff(path, encoding=encoding, delimiter=delimiter)
        if not shape.quoted and shape.lines > limits.rows + HEADER_ROWS:
            raise too_many_rows(limits)
        source = TextSource(path, shape, limits)
    return Table(source, columns, limits, progress)
