"""Finding the row with the column names, and the columns in it."""

import re
from dataclasses import dataclass, field

from opsadmin.core.spreadsheets.values import folded

HEADER_ROWS = 10
# In brackets behind a name these say nothing new; any other unit, such as fen, makes it another column.
UNITS = frozenset(
    {"元", "人民币", "人民币元", "¥", "rmb", "cny", "yuan", "件", "个", "pcs", "%"}
    | {"必填", "选填", "可选", "只读", "required", "optional", "read-only", "sku"}
)
BRACKETS = re.compile(r"\s*[(\[【]\s*([^()\[\]【】]*?)\s*[)\]】]\s*$")


def normal(header):
    """Return a column name as it is compared: half width, lower case, no star, single blanks."""
    return " ".join(folded(header).replace("*", "").split())


def without_unit(name):
    """Return a normal name without a unit in brackets behind it."""
    found = BRACKETS.search(name)
    return name[: found.start()] if found and found[1] in UNITS else name


@dataclass
class Header:
    """The header row: ``places`` maps the key of a column to its index, ``names`` are all texts in the row."""

    row: int
    names: list
    places: dict = field(default_factory=dict)
    doubles: list = field(default_factory=list)

    @property
    def ignored(self):
        """The indexes of named columns that nobody looks for."""
        taken = {*self.places.values(), *(index for _key, index in self.doubles)}
        return [index for index, name in enumerate(self.names) if name and index not in taken]

    def missing(self, columns):
        """Return the required columns that are not there."""
        return [column for column in columns if column.required and column.key not in self.places]


def find_header(rows, columns):
    """Return the Header among the first rows of a sheet that names most columns, or None.

    ``rows`` are lists of texts. One name alone is only a header if it belongs to a required column.
    """
    keys = {normal(name): column.key for column in columns for name in reversed(column.headers)}
    required = {column.key for column in columns if column.required}
    headers = [_matched(number, names, keys) for number, names in enumerate(rows[:HEADER_ROWS], start=1)]
    best = max(headers, key=lambda header: len(header.places), default=None)
    if best is None or (len(best.places) < 2 and not required & set(best.places)):
        return None
    return best


def _matched(number, names, keys):
    header = Header(number, [" ".join(name.split()) for name in names])
    for index, name in enumerate(header.names):
        name = normal(name)
        key = keys.get(name) or keys.get(without_unit(name))
        if key in header.places:
            header.doubles.append((key, index))
        elif key:
            header.places[key] = index
    return header
