"""Spreadsheets out: what is text stays text, in whatever program opens the file."""

import codecs
import csv
import io
from collections.abc import Sequence
from contextlib import contextmanager
from itertools import islice
from urllib.parse import quote

from opsadmin.core.spreadsheets.values import FORMULA_STARTS, NUMBER
from opsadmin.core.spreadsheets.xlsx import ROWS_AT_A_TIME, SheetOut, workbook


def write_xlsx(target, sheets: Sequence[SheetOut]):
    """Write a workbook in constant memory to a path or an open binary file.

    No text becomes a formula, a link or a number. Raises as ``workbook`` does; the file is then incomplete.
    """
    with _binary_file(target) as file:
        file.writelines(workbook(sheets))


@contextmanager
def _binary_file(target):
    if hasattr(target, "write"):
        yield target
        return
    with open(target, "wb") as file:
        yield file


def csv_pieces(header, rows, *, encoding="utf-8-sig", delimiter=","):
    """Yield the bytes of a CSV with CRLF ends, piece by piece, the header first.

    A cell that a program would take for a formula gets an apostrophe before it; negative numbers stay as they are.
    Raises UnicodeEncodeError for a character that the encoding does not have.
    """
    encode = codecs.getincrementalencoder(encoding)().encode
    rows, some = iter(rows), [header]
    while some:
        yield encode(csv_text(some, delimiter=delimiter))
        some = list(islice(rows, ROWS_AT_A_TIME))


def csv_text(rows, *, delimiter=","):
    """Return some rows as the text of a CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return text.getvalue()


def write_csv(target, header, rows, **options):
    """Write what ``csv_pieces`` yields to a path or an open binary file, which stays open."""
    with _binary_file(target) as file:
        file.writelines(csv_pieces(header, rows, **options))


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
