"""What a text file is written in: encoding and delimiter, found out strictly; nothing is ever replaced."""

import codecs
import io
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from opsadmin.core.spreadsheets.limits import SpreadsheetRefused

# Those that a screen may offer where the guess was wrong.
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
DELIMITERS = ("\t", ",", ";")
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NAMES = {"utf-8-sig": "utf-8", "gbk": "gb18030", "gb2312": "gb18030"}
SAMPLE_BYTES = 4096
SAMPLE_LINES = 10
# By chance GBK text hardly ever begins with as many characters that are good UTF-8 of three bytes.
CERTAINLY_UTF8 = 4


@dataclass(frozen=True)
class TextShape:
    """How a text file is written.

    ``encoding`` is one of ENCODINGS, ``bom`` says whether a byte order mark stands before the text, ``lines`` is
    the number of line ends, ``quoted`` whether some of them may stand inside a cell.
    """

    encoding: str
    delimiter: str
    bom: bool = False
    lines: int = 0
    quoted: bool = False

    @contextmanager
    def opened(self, path):
        """Open the file as text behind its byte order mark, line ends untouched."""
        with open(path, "rb") as raw:
            raw.seek(len(_bom_bytes(self.encoding)) if self.bom else 0)
            yield io.TextIOWrapper(raw, encoding=self.encoding, newline="")


def sniff(path, *, encoding=None, delimiter=None):
    """Return the TextShape of a file; what is given is not guessed, but the bytes must still fit it.

    Raises SpreadsheetRefused ``bad_bytes`` with the place of the first byte that does not fit, ``nul_byte``,
    ``unknown_encoding`` or ``unknown_delimiter``.
    """
    data = Path(path).read_bytes()
    if delimiter is not None and delimiter not in DELIMITERS:
        raise SpreadsheetRefused("unknown_delimiter", _("Columns may be divided by tab, comma or semicolon."))
    found = _asked_encoding(encoding) if encoding else _encoding_of(data)
    mark = _bom_bytes(found)
    bom = bool(mark) and data.startswith(mark)
    text = _decoded(data, found, len(mark) if bom else 0)
    if "\0" in text:
        raise _nul(text.count("\n", 0, text.index("\0")) + 1)
    lines = max(text.count("\n"), text.count("\r"))
    return TextShape(found, delimiter or _delimiter_of(text), bom, lines, '"' in text)


def _asked_encoding(name):
    name = str(name).lower()
    name = NAMES.get(name, name)
    if name not in ENCODINGS:
        raise SpreadsheetRefused(
            "unknown_encoding", _("The encoding %(name)s is not known here."), name=str(name)[:20]
        )
    return name


def _bom_bytes(encoding):
    return {name: mark for mark, name in BOMS}.get(encoding, b"")


def _encoding_of(data):
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise SpreadsheetRefused("utf_32", _("The file is written in UTF-32. Save it as CSV in UTF-8."))
    for mark, name in BOMS:
        if data.startswith(mark):
            return name
    if b"\0" in data:
        return _utf16_of(data)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8")
        certain = sum(char >= "\u0800" for char in good[:SAMPLE_BYTES]) >= CERTAINLY_UTF8
        return "utf-8" if certain else "gb18030"
    return "utf-8"


def _utf16_of(data):
    """Tell UTF-16 without a mark by its zeros: ASCII has them all on the same side, at line ends too."""
    sample = data[:SAMPLE_BYTES]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    for encoding, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        ends = {end.encode(encoding) for end in "\r\n"}
        if zeros and not others and len(data) % 2 == 0 and any(end in sample for end in ends):
            return encoding
    raise _nul(data.count(b"\n", 0, data.index(b"\0")) + 1)


def _decoded(data, encoding, start):
    try:
        return data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        place = start + error.start
        line = data[start:place].decode(encoding, "ignore").count("\n") + 1
        raise SpreadsheetRefused(
            "bad_bytes",
            _(
                "Byte %(position)d in line %(line)d (%(byte)s) does not fit the encoding %(encoding)s. "
                "Save the file as XLSX, or as CSV in UTF-8."
            ),
            position=place + 1,
            line=line,
            byte=data[place : place + 1].hex().upper(),
            encoding=encoding.upper(),
        ) from error


def _nul(line):
    return SpreadsheetRefused(
        "nul_byte",
        _("Line %(line)d contains a zero byte: this is no text file. Save it as XLSX, or as CSV in UTF-8."),
        line=line,
    )


def _delimiter_of(text):
    """Return the delimiter that occurs most outside quotes in the first lines; a comma where none occurs."""
    head = text[: SAMPLE_LINES * SAMPLE_BYTES]
    outside = "".join(head.split('"')[::2])
    counts = Counter("\n".join(outside.splitlines()[:SAMPLE_LINES]))
    best = max(DELIMITERS, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else ","
