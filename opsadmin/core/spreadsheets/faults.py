"""Faults and notes: where in the file, what was read, what is wrong, what to do.

A fault is kept as a code and its parameters, so that it can be stored and told later in another language.
"""

import unicodedata
from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

CLIP = 60
# Control and format characters, halves of characters, characters that no font has.
SIGNS = {"\n": "⏎", "\r": "⏎", "\t": "⇥"}
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


class FaultText(NamedTuple):
    """What is wrong, and what to do about it; both may hold named placeholders."""

    message: str
    remedy: str


FAULT_TEXTS = {
    # The sheet as a whole.
    "no_header": FaultText(
        _("no row with the column names in the first %(rows)d rows"),
        _("put the column names of the template into the first row"),
    ),
    "no_rows": FaultText(_("no rows below the column names"), _("enter at least one row")),
    "missing_column": FaultText(
        _("the column %(header)s is missing"), _("add the column, or take the template")
    ),
    "duplicate_column": FaultText(
        _("the column %(header)s is there twice (also in %(first)s)"), _("delete or rename one of the two")
    ),
    # The row.
    "extra_cells": FaultText(
        _("the row has more cells than the header"),
        _("put a text that contains the delimiter into quotation marks; write amounts without a comma"),
    ),
    "merged_cell": FaultText(
        _("lies in the merged cells %(range)s"), _("unmerge them and fill in every row")
    ),
    # Any cell.
    "required": FaultText(_("is empty"), _("fill in the cell")),
    "error_cell": FaultText(
        _("is an error, not a value"), _("correct the formula, or paste the result as a value")
    ),
    "formula_without_value": FaultText(
        _("is a formula whose result is not in the file"),
        _("open the file in Excel and save it again, or paste the result as a value"),
    ),
    "formula_text": FaultText(
        _("begins like a formula, with = + - or @"),
        _("leave out that sign, or paste the result of the formula as a value"),
    ),
    "control_character": FaultText(
        _("has a line break or an invisible sign at position %(position)d"), _("type the cell anew")
    ),
    "too_long": FaultText(_("has %(length)d characters; at most %(most)d are kept"), _("shorten the text")),
    # Codes.
    "long_digits": FaultText(
        _("is a long number in a number cell: its digits are not safe"),
        _("set the cell to text and enter all digits again"),
    ),
    "not_a_code": FaultText(
        _("is a date, a decimal or a logical value, not a code"),
        _("set the cell to text and enter the code again"),
    ),
    # Amounts and numbers.
    "not_a_number": FaultText(_("is not a number"), _("write it in digits, such as %(example)s")),
    "not_finite": FaultText(_("is no finite number"), _("write it in digits, such as %(example)s")),
    "only_a_dash": FaultText(_("is only a dash"), _("enter the number, or leave the cell empty")),
    "thousands_comma": FaultText(_("contains a thousands comma"), _("write %(instead)s")),
    "decimal_comma": FaultText(_("contains a comma"), _("use a point for decimals, such as 12.50")),
    "currency_sign": FaultText(
        _("contains a currency sign"), _("write the number alone, such as %(example)s")
    ),
    "percent_sign": FaultText(_("contains a percent sign"), _("write the number alone, such as %(example)s")),
    "scientific": FaultText(_("is in scientific notation"), _("write all digits, such as %(example)s")),
    "too_many_decimals": FaultText(
        _("has more than two decimals"),
        _("round it to two decimals; in a formula use ROUND(…, 2)"),
    ),
    "too_large": FaultText(_("is larger than %(most)s"), _("check the number")),
    "not_whole": FaultText(_("is not a whole number"), _("write digits only, such as %(example)s")),
    # Dates and choices.
    "bad_date": FaultText(_("is not a date"), _("write it as %(example)s")),
    "time_of_day": FaultText(_("has a time of the day"), _("write the day alone, such as %(example)s")),
    "bad_choice": FaultText(_("is not one of the words allowed here"), _("choose: %(choices)s")),
}

# What a column that says no other shows; faults that were stored without an example need one too.
EXAMPLES = dict.fromkeys(
    ("not_a_number", "not_finite", "currency_sign", "percent_sign", "scientific"), "1299.00"
) | {"not_whole": "100", "bad_date": "2026-12-01", "time_of_day": "2026-12-01"}

NOTE_TEXTS = {
    "full_width": _("full-width characters, read as %(value)s"),
    "trimmed": _("blanks before or behind it, left out"),
    "line_break": _("line breaks or tabs, read as blanks"),
    "invisible": _("invisible characters, left out"),
    "apostrophe": _("an apostrophe or an equals sign to mark a text, read as %(value)s"),
}


@dataclass(slots=True)
class Fault:
    """Something that the person must put right.

    ``row`` counts from 1 as Excel shows it; 0 means the sheet as a whole. ``value`` is what was read, clipped.
    """

    sheet: str
    row: int
    column_letter: str
    column_header: str
    value: str
    code: str
    params: dict = field(default_factory=dict)

    @property
    def message(self):
        """What is wrong, in the language that is active now."""
        return explain(self.code, self.params).message

    @property
    def remedy(self):
        """What to do, in the language that is active now."""
        return explain(self.code, self.params).remedy

    @property
    def sentence(self):
        """Column, fault and remedy in one line, as the faulty copy carries it."""
        message, remedy = explain(self.code, self.params)
        known = {"column": self.column_header, "message": message, "remedy": remedy}
        if not self.column_header:
            return str(_("%(message)s: %(remedy)s")) % known
        return str(_("%(column)s %(message)s: %(remedy)s")) % known


@dataclass(slots=True)
class Fixed:
    """Something that was put right while reading; the person need not do anything."""

    sheet: str
    row: int
    column_letter: str
    column_header: str
    value: str
    code: str
    params: dict = field(default_factory=dict)

    @property
    def message(self):
        """What was put right, in the language that is active now."""
        return str(NOTE_TEXTS[self.code]) % self.params if self.params else str(NOTE_TEXTS[self.code])


def explain(code, params=None):
    """Return message and remedy of a fault as plain text in the active language. Raises KeyError."""
    text = FAULT_TEXTS[code]
    if code in EXAMPLES:
        params = {"example": EXAMPLES[code]} | (params or {})
    if not params:
        return FaultText(str(text.message), str(text.remedy))
    return FaultText(str(text.message) % params, str(text.remedy) % params)


def clipped(text):
    """Return a value as a fault shows it: at most 60 characters, what nobody can see as its number."""
    if not text.isprintable():
        text = legible(text[:CLIP])
    return text if len(text) <= CLIP else text[: CLIP - 1] + "…"


def legible(text):
    """Return a text in which signs, or their numbers, stand for what nobody can see and no JSON may hold."""
    return text if text.isprintable() else "".join(map(visible, text))


def visible(char):
    """Return a character that can be seen: a sign for a line break or a tab, the number of what has no shape."""
    if char in SIGNS:
        return SIGNS[char]
    return f"[U+{ord(char):04X}]" if unicodedata.category(char) in UNSEEN else char


class BadCell(Exception):
    """A cell that cannot be taken, with the code of the fault and its parameters."""

    def __init__(self, code, **params):
        super().__init__(code)
        self.code = code
        self.params = params
