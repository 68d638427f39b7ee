"""The canonical form of a filed document: the bytes that are sealed.

Lines of UTF-8, each ended by a line feed. First the prelude, one canonical JSON object a line, told apart by
its key ``t``: ``archive`` first, then document, stores, scopes, steps, decisions, changes, hits, files and
``content`` (what the content hash covers besides the lines), and ``lines`` last, which names the columns and
counts what follows. Then the price lines as text: fields separated by tabs, ``\\N`` for nothing, backslash
escapes for backslash, tab, line feed and carriage return.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from opsadmin.core.sealing import NotCanonical, canonical_json, digest

FORMAT = "opsadmin-archive/1"
NOTHING = "\\N"

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_MEANING = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}


def raw_line(values: Iterable[str | None]) -> str:
    """One price line as it is sealed, without its line feed. Every value is text already, or None."""
    return "\t".join(NOTHING if value is None else value.translate(_ESCAPES) for value in values)


def fields_of(line: str) -> list[str | None]:
    """The values of a sealed price line; undoes raw_line. Raises NotCanonical for an unknown escape."""
    return [_field(text) for text in line.split("\t")]


def _field(text):
    if "\\" not in text:
        return text
    return None if text == NOTHING else _ESCAPED.sub(_unescaped, text)


def _unescaped(match):
    try:
        return _MEANING[match[1]]
    except KeyError:
        raise NotCanonical("a price line has an unknown escape") from None


def build(
    prelude: Sequence[Mapping], columns: Sequence[str], lines: Iterable[str], *, count: int | None = None
) -> Iterator[bytes]:
    """The canonical form, piece by piece: first the prelude, then each line.

    ``prelude``: rows with ``t``, the archive row first, without the ``lines`` row, which is made here.
    ``lines``: as raw_line writes them, in the order in which they are sealed. ``count`` may be left out where
    ``lines`` has a length. Raises NotCanonical where the rows or lines do not fit, ``count`` included.
    """
    count = len(lines) if count is None else count
    if prelude[0].get("t") != "archive" or any("t" not in row or row["t"] == "lines" for row in prelude):
        raise NotCanonical("the prelude starts with the archive row, and every row says what it is")
    rows = [
        {**prelude[0], "format": FORMAT},
        *prelude[1:],
        {"t": "lines", "columns": columns, "count": count},
    ]
    yield b"".join(canonical_json(row) + b"\n" for row in rows)
    tabs = len(columns) - 1
    written = 0
    for line in lines:
        if "\n" in line or line.count("\t") != tabs:
            raise NotCanonical(f"price line {written + 1} does not have {len(columns)} columns")
        yield line.encode() + b"\n"
        written += 1
    if written != count:
        raise NotCanonical(f"{count} price lines were announced, {written} came")


@dataclass(frozen=True)
class Filed:
    """A filed document as it was sealed: ``data`` are the canonical bytes, the rest reads them."""

    data: bytes
    prelude: Mapping[str, list[dict]]
    columns: Sequence[str]
    count: int
    lines_start: int

    def row(self, kind: str) -> dict:
        """The one prelude row of this kind. Raises NotCanonical if there is none or more than one."""
        rows = self.rows(kind)
        if len(rows) != 1:
            raise NotCanonical(f"{len(rows)} rows of kind {kind} where one is needed")
        return rows[0]

    def rows(self, kind: str) -> list[dict]:
        """The prelude rows of this kind, in their order."""
        return self.prelude.get(kind, [])

    @cached_property
    def sha256(self) -> str:
        """The digest of the canonical form, as the archive record keeps it."""
        return digest(self.data)

    def raw_lines(self) -> Iterator[bytes]:
        """The price lines as sealed, without their line feeds."""
        start = self.lines_start
        while start < len(self.data):
            end = self.data.index(b"\n", start)
            yield self.data[start:end]
            start = end + 1

    def lines(self) -> Iterator[dict[str, str | None]]:
        """The price lines, column → text as sealed (prices are text with two places) or None."""
        for line in self.raw_lines():
            yield dict(zip(self.columns, fields_of(line.decode()), strict=True))


def parse(data: bytes) -> Filed:
    """Read the canonical form. Raises NotCanonical, with the number of the line, where it is not that."""
    prelude = defaultdict(list)
    start = 0
    for number in range(1, data.count(b"\n") + 1):
        end = data.index(b"\n", start)
        row = _prelude_row(data[start:end], number)
        start = end + 1
        if row["t"] == "lines":
            break
        prelude[row["t"]].append(row)
    else:
        raise NotCanonical("the row that announces the price lines is missing")
    if data.count(b"\n", start) != row.get("count") or not data.endswith(b"\n"):
        raise NotCanonical(f"{row.get('count')} price lines were announced, another number came")
    return Filed(data, dict(prelude), row.get("columns", ()), row["count"], start)


def read_through(pieces: Iterable[bytes]) -> tuple[Filed, str]:
    """Read the canonical form piece by piece without keeping its price lines; (what came before them, content hash).

    The result has prelude, columns and count, but no lines. Raises NotCanonical where it is not that form.
    """
    prelude, number, text, pieces = defaultdict(list), 0, b"", iter(pieces)
    while True:
        while b"\n" not in text:
            piece = next(pieces, None)
            if piece is None:
                raise NotCanonical("the row that announces the price lines is missing")
            text += piece
        line, _feed, text = text.partition(b"\n")
        number += 1
        row = _prelude_row(line, number)
        if row["t"] == "lines":
            break
        prelude[row["t"]].append(row)
    filed = Filed(b"", dict(prelude), row.get("columns", ()), row.get("count"), 0)
    # Only a filing has a content row: records of what came later have no lines.
    content = canonical_json(filed.row("content")) + b"\n" if filed.rows("content") else b""
    hashed, count, last = hashlib.sha256(content), 0, b"\n"
    for piece in chain([text], pieces):
        hashed.update(piece)
        count += piece.count(b"\n")
        last = piece[-1:] or last
    if count != filed.count or last != b"\n":
        raise NotCanonical(f"{filed.count} price lines were announced, another number came")
    return filed, hashed.hexdigest()


def _prelude_row(line, number):
    try:
        row = json.loads(line)
        kind = row["t"]
    except (ValueError, TypeError, KeyError) as error:
        raise NotCanonical(f"line {number} of the canonical form is no prelude row") from error
    if number == 1 and (kind, row.get("format")) != ("archive", FORMAT):
        raise NotCanonical(f"the canonical form does not start with an archive row of {FORMAT}")
    return row


def content_hash_of(filed: Filed) -> str:
    """The digest that decisions are bound to: the content row and every price line, each with a line feed."""
    hashed = hashlib.sha256(canonical_json(filed.row("content")) + b"\n")
    hashed.update(memoryview(filed.data)[filed.lines_start :])
    return hashed.hexdigest()


def decision_hash(decision: Mapping) -> str:
    """The hash of a decision row: all of it but ``hash``; ``previous`` is the hash of the decision before.

    The first decision of a document has GENESIS before it.
    """
    hashed = {key: value for key, value in decision.items() if key != "hash"}
    return digest(canonical_json(hashed | {"t": "decision"}))
