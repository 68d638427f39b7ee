"""The person's own file again, with one more column that says what is wrong in each row.

The libraries that write workbooks with looks take 30 MB: they are loaded where one is written.
"""

import csv
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, time, timedelta

from opsadmin.core.spreadsheets.limits import LIMITS, MB, check_container
from opsadmin.core.spreadsheets.sheetxml import column_number
from opsadmin.core.spreadsheets.sniff import TextShape
from opsadmin.core.spreadsheets.sources import open_sheet
from opsadmin.core.spreadsheets.values import as_text
from opsadmin.core.spreadsheets.writing import neutral
from opsadmin.core.spreadsheets.xlsx import MOMENT_CODE

# Above this, keeping the looks of the workbook would cost gigabytes: its values are written anew.
ROWS_WITH_LOOKS = 20_000
BYTES_WITH_LOOKS = 40 * MB
MARKED = "FFF4CCCC"
TEXT_WIDTH = 60


@dataclass(frozen=True)
class Mark:
    """A fault that was not found by reading: the row from 1, the column's letters or "", and the whole sentence."""

    row: int
    column_letter: str
    sentence: str


def faulty_copy(path, info, faults, out_path, heading, *, limits=LIMITS):
    """Write a copy of a file that was read, with a last column ``heading`` naming the faults of each row.

    ``info`` is the TableInfo of the reading; ``faults`` are Faults or Marks, those of the sheet as a whole are left
    out. Faulty cells of a workbook are marked. A workbook keeps its looks up to 20,000 rows, above that only the
    values of the sheet; a text file keeps its encoding and delimiter. A column of that heading from a former
    copy is replaced. Raises SpreadsheetRefused as reading does, and UnicodeEncodeError where the encoding of a
    text file cannot hold the sentences.
    """
    by_row = defaultdict(list)
    for fault in faults:
        if fault.row > info.header_row:
            by_row[fault.row].append(fault)
    if not info.sheet:
        _copy_text(path, info, by_row, out_path, heading)
        return
    check_container(path, limits)
    source = open_sheet(path, (), limits, info.sheet)
    column = _heading_column(source, info, heading)
    workbook = _with_looks(path, source)
    if workbook:
        _annotate(workbook, source, info, by_row, column, heading)
        workbook.save(out_path)
    else:
        _copy_values(source, info, by_row, out_path, column, heading)


def _sentences(faults):
    """Return what is wrong in one row, each fault once."""
    text = "; ".join(dict.fromkeys(str(fault.sentence) for fault in faults))
    return "".join(char if char.isprintable() else " " for char in text)


def _with_looks(path, source):
    """Return the workbook with everything in it, or None where that would cost too much or cannot be."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    if source.last_row > ROWS_WITH_LOOKS or unpacked > BYTES_WITH_LOOKS:
        return None
    import openpyxl

    try:
        return openpyxl.load_workbook(path)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        # It is stricter about looks than Excel; the values have been read already.
        return None


def _copy_text(path, info, by_row, out_path, heading):
    shape = TextShape(info.encoding, info.delimiter, info.bom)
    with shape.opened(path) as text, open(out_path, "wb") as raw:
        if info.bom:
            raw.write("\ufeff".encode(info.encoding))
        place = width = 0
        for number, cells in enumerate(csv.reader(text, delimiter=info.delimiter), start=1):
            if number == info.header_row:
                width = len(cells)
                place = cells.index(heading) if heading in cells else width
            if number >= info.header_row:
                said = heading if number == info.header_row else neutral(_sentences(by_row.get(number, ())))
                cells = _with_cell(cells, place, width, said)
            raw.write(_line(cells, info.delimiter).encode(info.encoding))


def _with_cell(cells, place, width, text):
    """Return a row with the text behind its cells, or in the column of a former copy; no other cell is lost."""
    if not any(cells):
        return cells
    if place < len(cells) <= width:
        return [*cells[:place], text, *cells[place + 1 :]]
    return [*cells, *[""] * (place - len(cells)), text]


class _Line:
    """Takes what the csv module writes."""

    def write(self, text):
        self.text = text


def _line(cells, delimiter):
    line = _Line()
    csv.writer(line, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return line.text


def _heading_column(source, info, heading):
    """Return the column (from 1) of a former copy's heading, or the first one behind the table."""
    for number, cells in source.rows():
        if number == info.header_row:
            texts = [as_text(cell) for cell in cells]
            return texts.index(heading) + 1 if heading in texts else source.width + 1
    return source.width + 1


def _annotate(workbook, source, info, by_row, column, heading):
    from openpyxl.styles import Alignment, PatternFill

    sheet = workbook[info.sheet]
    fill = PatternFill("solid", start_color=MARKED, end_color=MARKED)
    for number in range(info.header_row + 1, source.last_row + 1):
        _write_text(sheet.cell(number, column), _sentences(by_row.get(number, ())))
    _write_text(sheet.cell(info.header_row, column), heading)
    sheet.column_dimensions[sheet.cell(1, column).column_letter].width = TEXT_WIDTH
    for number, faults in by_row.items():
        for fault in faults:
            if fault.column_letter:
                sheet[f"{fault.column_letter}{number}"].fill = fill
        sheet.cell(number, column).alignment = Alignment(wrap_text=True, vertical="top")
    workbook.active = workbook.index(sheet)


def _write_text(cell, text):
    cell.value = text or None
    if text:
        # A column name of the file stands in front, and it may begin with an equals sign.
        cell.data_type = "s"


def _copy_values(source, info, by_row, out_path, column, heading):
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(str(out_path), options) as workbook:
        sheet = workbook.add_worksheet(info.sheet)
        sheet.set_column(column - 1, column - 1, TEXT_WIDTH)
        write = _ValueWriter(workbook, sheet)
        for number, cells in source.rows():
            faults = by_row.get(number, ())
            marked = {column_number(fault.column_letter) for fault in faults}
            lost = source.troubles.get(number, {})
            for place, cell in enumerate(cells, start=1):
                if place == column:
                    continue
                if cell == "" and place in lost:
                    cell = lost[place][1]
                write(number - 1, place - 1, cell, place in marked)
            said = heading if number == info.header_row else _sentences(faults)
            write(number - 1, column - 1, said, False)


class _ValueWriter:
    """Writes cells as what they are, red where they are marked."""

    def __init__(self, workbook, sheet):
        self.sheet = sheet
        red = {"bg_color": "#F4CCCC"}
        self.plain = (None, workbook.add_format(red))
        self.text = (workbook.add_format({"num_format": "@"}), workbook.add_format(red | {"num_format": "@"}))
        self.moment = (
            workbook.add_format({"num_format": MOMENT_CODE}),
            workbook.add_format(red | {"num_format": MOMENT_CODE}),
        )

    def __call__(self, row, column, cell, marked):
        if cell == "":
            if marked:
                self.sheet.write_blank(row, column, None, self.plain[1])
        elif isinstance(cell, str):
            self.sheet.write_string(row, column, cell, self.text[marked])
        elif isinstance(cell, bool):
            self.sheet.write_boolean(row, column, cell, self.plain[marked])
        elif isinstance(cell, date | time | timedelta):
            self.sheet.write_datetime(row, column, cell, self.moment[marked])
        else:
            self.sheet.write_number(row, column, cell, self.plain[marked])
