"""Spreadsheets out: what is text stays text, in whatever program opens the file."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import chain
from urllib.parse import quote

import rustpy_xlsxwriter

from opsadmin.core.spreadsheets.moments import SHANGHAI
from opsadmin.core.spreadsheets.values import FORMULA_STARTS, NUMBER

PLAIN_CELLS = frozenset({str, int, float, Decimal, bool, type(None)})
MOMENT = "yyyy-mm-dd hh:mm"


@dataclass(frozen=True)
class SheetOut:
    """One sheet to write.

    ``rows`` may be a generator; its rows are as long as ``header``, whose texts differ from each other. Cells are
    text, int, Decimal, float, bool, None, dates or datetimes (written in Asia/Shanghai). ``widths`` are in
    characters, in the order of the columns. ``text_columns`` are headers of columns that Excel shall treat as text
    (codes), ``number_columns`` those of money; a mapping gives each its own number format.
    """

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence]
    widths: Sequence[float] = ()
    text_columns: Iterable[str] = ()
    number_columns: Iterable[str] | Mapping[str, str] = field(default_factory=tuple)


def write_xlsx(target, sheets: Sequence[SheetOut]):
    """Write a workbook in constant memory to a path or an open binary file.

    No text becomes a formula, a link or a number. Raises ValueError for a sheet whose headers repeat, and whatever
    the rows raise; the file is then incomplete.
    """
    for sheet in sheets:
        if len(set(sheet.header)) != len(sheet.header):
            raise ValueError(f"The headers of the sheet {sheet.name!r} repeat.")
    rustpy_xlsxwriter.write_worksheets(
        [(sheet.name, _records(sheet)) for sheet in sheets],
        target if hasattr(target, "write") else str(target),
        freeze_panes={"general": {"row": 1, "col": 0}},
        datetime_format=MOMENT,
        column_widths={sheet.name: list(sheet.widths) for sheet in sheets if sheet.widths},
        column_formats={sheet.name: _formats(sheet) for sheet in sheets},
        header_format={sheet.name: _header_format() for sheet in sheets},
    )


def _records(sheet):
    header = list(sheet.header)
    rows = iter(sheet.rows)
    # The writer takes the header from the first record; a record of blanks leaves no cell behind.
    first = next(rows, [None] * len(header))
    for row in chain([first], rows):
        yield dict(zip(header, map(_cell, row), strict=True))


def _cell(value):
    if type(value) in PLAIN_CELLS:
        return value
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).replace(tzinfo=None) if value.tzinfo else value
    return value if hasattr(value, "isoformat") else str(value)


def _formats(sheet):
    numbers = sheet.number_columns
    numbers = numbers if isinstance(numbers, Mapping) else dict.fromkeys(numbers, "0.00")
    formats = dict.fromkeys(sheet.text_columns, "@") | numbers
    return {name: rustpy_xlsxwriter.Format().set_num_format(code) for name, code in formats.items()}


def _header_format():
    return rustpy_xlsxwriter.Format().set_bold().set_background_color("#EDF2F2")


def write_csv(target, header, rows, *, encoding="utf-8-sig", delimiter=","):
    """Write a CSV with CRLF ends to a path or an open binary file, which stays open; returns the number of rows.

    A cell that a program would take for a formula gets an apostrophe before it; negative numbers stay as they are.
    Raises UnicodeEncodeError for a character that the encoding does not have.
    """
    with _text_file(target, encoding) as text:
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
        writer.writerow([neutral(cell) for cell in header])
        written = 0
        for row in rows:
            writer.writerow([neutral(cell) for cell in row])
            written += 1
    return written


@contextmanager
def _text_file(target, encoding):
    if not hasattr(target, "write"):
        with open(target, "w", encoding=encoding, newline="") as text:
            yield text
        return
    text = io.TextIOWrapper(target, encoding=encoding, newline="", write_through=True)
    try:
        yield text
    finally:
        text.detach()


def neutral(cell):
    """Return a cell as text that no spreadsheet program runs."""
    if cell is None:
        return ""
    text = str(cell)
    if text.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def content_disposition(filename):
    """Return the header value for a download under any name (RFC 6266), with an ASCII name for old clients."""
    name = "".join(char for char in str(filename) if char.isprintable()).replace("\\", "/").rsplit("/", 1)[-1]
    name = name.strip() or "file"
    plain = "".join(char if char.isascii() and char not in '"%' else "_" for char in name)
    header = f'attachment; filename="{plain}"'
    if plain != name:
        header += f"; filename*=UTF-8''{quote(name, safe='')}"
    return header
