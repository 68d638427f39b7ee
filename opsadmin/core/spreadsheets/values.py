"""From a cell to a value, strictly: nothing is guessed that could change an amount or a code.

Each kind has a quick test for clean cells, which are nearly all, and a careful way for the others.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from opsadmin.core.spreadsheets import moments
from opsadmin.core.spreadsheets.faults import EXAMPLES, BadCell

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]{1,2})?")
WHOLE = re.compile(r"-?[0-9]+")
GROUPED = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
WITH_COMMA = re.compile(r"-?[0-9.]*,[0-9.,]*")
SCIENTIFIC = re.compile(r"-?[0-9]+(?:\.[0-9]*)?[eE][+-]?[0-9]+")
SHORTENED = re.compile(r"[0-9]+(?:\.[0-9]+)?[eE]\+[0-9]+")
NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity|∞)", re.IGNORECASE)
CURRENCY = re.compile(r"[¥￥$€£元圆块]|CNY|RMB|USD", re.IGNORECASE)
CLEAN_CODE = re.compile(r"[0-9A-Z][0-9A-Z_./-]*")
QUOTED_FORMULA = re.compile(r'="([^"]*)"')
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
# These make "12" look like "21": in words they are taken out, in a code or an amount they are a fault.
DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BREAKS = re.compile(r"\s*[\r\n\t\v\f]\s*")
# A program that opens a CSV runs a cell that begins with one of these; some fold the full-width twins first.
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
ERRORS = frozenset(
    {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!", "#FIELD!"}
)
DASHES = frozenset("-—–―/")
HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
CELL_CHARS = 32_767
CODE_DIGITS = 11
# A double holds fifteen digits for certain.
EXACT = 10**15
MOST_MONEY = Decimal("9999999999.99")
SHOWN_CHOICES = 12
KEPT_AMOUNTS = 20_000


@dataclass(frozen=True)
class Column:
    """A column that is looked for.

    ``headers`` are the names that it may have, the one of the template first. ``required``: the column must be
    there, and no cell of it empty. ``kind`` is code, text, money, number, int, date, datetime or choice; ``choices``
    maps the words of a file to values. ``max_length`` counts characters. ``example`` is what a fault shows as right,
    where the kind's own would mislead.
    """

    key: str
    headers: Sequence[str]
    required: bool = False
    kind: str = "text"
    choices: dict | None = None
    max_length: int | None = None
    example: str = ""

    def __post_init__(self):
        if self.kind not in READERS:
            raise ValueError(f"unknown kind of column: {self.kind}")


def reader_of(column, cell_chars=CELL_CHARS):
    """Return the reader of a column's cells.

    ``quick(cell)`` gives the value of a clean cell, or None where the cell needs care. ``of_text(text, notes)``
    takes tidied text, ``of_cell(cell)`` a cell that is no text; both raise BadCell.
    """
    return READERS[column.kind](column, min(column.max_length or cell_chars, cell_chars))


def careful(reader, cell, notes):
    """Return the value of any cell, or None for a blank one; adds (code, params) to ``notes``. Raises BadCell."""
    try:
        return read_carefully(reader, cell, notes)
    except BadCell as bad:
        if bad.code in EXAMPLES:
            bad.params["example"] = reader.example
        raise


def read_carefully(reader, cell, notes):
    if type(cell) is not str:
        return reader.of_cell(float(cell) if type(cell) is int else cell)
    text = tidied(cell, notes, joins_lines=type(reader) is TextReader)
    if text in ERRORS:
        raise BadCell("error_cell")
    return reader.of_text(text, notes) if text else None


def tidied(cell, notes, *, joins_lines=False):
    """Return a text without blanks around it and without what nobody can see. Raises BadCell."""
    if not joins_lines and not DIRECTIONS.isdisjoint(cell):
        raise BadCell(
            "control_character", position=min(cell.index(one) for one in DIRECTIONS & set(cell)) + 1
        )
    text = INVISIBLE.sub("", cell)
    if text != cell:
        notes.append(("invisible", {}))
    if text.strip() != text:
        text = text.strip()
        if text:
            notes.append(("trimmed", {}))
    if joins_lines and BREAKS.search(text):
        text = BREAKS.sub(" ", text)
        notes.append(("line_break", {}))
    for position, char in enumerate(text, start=1):
        # U+FFFE and its like are no characters: XML cannot hold them.
        if unicodedata.category(char) in {"Cc", "Cs"} or ord(char) & 0xFFFE == 0xFFFE:
            raise BadCell("control_character", position=position)
    return text


def half_width(text, notes):
    """Return the text with full-width digits and signs as plain ones."""
    plain = text.translate(HALF_WIDTH).strip()
    if plain != text:
        notes.append(("full_width", {"value": plain}))
    return plain


def unmarked(text, notes, *, only_formulas=False):
    """Return a text without the apostrophe, or the ="…", that kept some program from reading it as a number."""
    if found := QUOTED_FORMULA.fullmatch(text):
        plain = found[1].strip()
    elif text.startswith("'") and (not only_formulas or text[1:].startswith(FORMULA_STARTS)):
        plain = text[1:].strip()
    else:
        return text
    notes.append(("apostrophe", {"value": plain}))
    return plain


def as_text(cell):
    """Return a cell as the person sees it in the sheet, near enough to find it again."""
    if type(cell) is str:
        return cell
    if type(cell) is bool:
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 10 * EXACT else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds")
    return str(cell)


def fitting(text, most):
    """Return the text. Raises BadCell where it is too long."""
    if len(text) > most:
        raise BadCell("too_long", length=len(text), most=most)
    return text


class TextReader:
    """Names and remarks: kept as they are, up to blanks around them."""

    def __init__(self, column, most):
        self.most = most

    def quick(self, cell):
        if type(cell) is str and cell.isprintable() and len(cell) <= self.most:
            return cell if cell[0] not in " '#=" and cell[-1] != " " else None
        return None

    def of_text(self, text, notes):
        return fitting(unmarked(text, notes, only_formulas=True), self.most) or None

    def of_cell(self, cell):
        if isinstance(cell, float) and abs(cell) >= EXACT:
            raise BadCell("long_digits")
        return fitting(as_text(cell), self.most)


class CodeReader:
    """Codes: text in upper case and half width, leading zeros kept; digits that Excel has spoilt are refused."""

    def __init__(self, column, most):
        self.most = most

    def quick(self, cell):
        if type(cell) is str:
            return cell if CLEAN_CODE.fullmatch(cell) and len(cell) <= self.most else None
        return str(int(cell)) if type(cell) is float and 0 <= cell < 1e11 and cell.is_integer() else None

    def of_text(self, text, notes):
        text = unmarked(text, notes)
        plain = unicodedata.normalize("NFKC", text).strip()
        if plain != text:
            notes.append(("full_width", {"value": plain.upper()}))
        if SHORTENED.fullmatch(plain):
            raise BadCell("long_digits")
        if plain.startswith(FORMULA_STARTS):
            raise BadCell("formula_text")
        return fitting(plain.upper(), self.most) or None

    def of_cell(self, cell):
        if not isinstance(cell, float) or not cell.is_integer() or cell < 0:
            raise BadCell("not_a_code")
        if cell >= 10**CODE_DIGITS:
            raise BadCell("long_digits")
        return fitting(str(int(cell)), self.most)


class MoneyReader:
    """Amounts: one decimal point, at most two decimals, at most twelve digits; the sign is the caller's concern."""

    def __init__(self, column, most):
        self.example = column and column.example or "1299.00"
        self.seen = {}

    def quick(self, cell):
        if type(cell) is float:
            return self.seen.get(cell) or self.of_double(cell)
        if type(cell) is str and len(cell) <= 13 and AMOUNT.fullmatch(cell):
            return two_places(cell)
        return None

    def of_double(self, cell):
        """Return the amount, or None where it needs care. The first ones are kept: a list has few different prices."""
        text = f"{cell:.2f}"
        # Equal only where the shortest decimal form of the double has at most two decimals.
        if float(text) != cell or not -1e10 < cell < 1e10:
            return None
        amount = Decimal(text)
        if len(self.seen) < KEPT_AMOUNTS:
            self.seen[cell] = amount
        return amount

    def of_text(self, text, notes):
        return money_of(half_width(text, notes))

    def of_cell(self, cell):
        if not isinstance(cell, float):
            raise BadCell("not_a_number")
        return money_of(number_text(cell))


class NumberReader:
    """Rates and shares: one decimal point, as many decimals as there are."""

    def __init__(self, column, most):
        self.example = column.example or "0.05"

    def quick(self, cell):
        return Decimal(cell) if type(cell) is str and len(cell) <= 15 and NUMBER.fullmatch(cell) else None

    def of_text(self, text, notes):
        return number_of(half_width(text, notes))

    def of_cell(self, cell):
        if not isinstance(cell, float):
            raise BadCell("not_a_number")
        return number_of(number_text(cell))


class IntReader:
    """Whole numbers of at most fifteen digits."""

    def __init__(self, column, most):
        self.example = column.example or "100"

    def quick(self, cell):
        if type(cell) is float and cell.is_integer() and -EXACT < cell < EXACT:
            return int(cell)
        if type(cell) is str and len(cell) <= 15 and WHOLE.fullmatch(cell):
            return int(cell)
        return None

    def of_text(self, text, notes):
        return whole_of(half_width(text, notes))

    def of_cell(self, cell):
        if not isinstance(cell, float):
            raise BadCell("not_a_number")
        return whole_of(number_text(cell))


class MomentReader:
    """Dates with or without a time, meant in Asia/Shanghai; becomes an aware datetime."""

    usual = "2026-12-01 10:00"

    def __init__(self, column, most):
        self.example = column.example or self.usual

    def quick(self, cell):
        try:
            return self.value(moments.moment_of_text if type(cell) is str else moments.moment_of_cell, cell)
        except BadCell:
            return None

    def of_text(self, text, notes):
        if text.startswith("="):
            raise BadCell("formula_text")
        return self.value(moments.moment_of_text, half_width(text, notes))

    def of_cell(self, cell):
        if not isinstance(cell, date):
            raise BadCell("bad_date")
        return self.value(moments.moment_of_cell, cell)

    def value(self, moment_of, cell):
        try:
            return moment_of(cell)
        except (ValueError, OverflowError, AttributeError) as error:
            raise BadCell("bad_date") from error


class DayReader(MomentReader):
    """Dates without a time of the day."""

    usual = "2026-12-01"

    def value(self, moment_of, cell):
        moment = super().value(moment_of, cell)
        try:
            return moments.day_of(moment)
        except ValueError as error:
            raise BadCell("time_of_day") from error


class ChoiceReader:
    """One of some words, in any case and width."""

    def __init__(self, column, most):
        self.choices = column.choices or {}
        self.folded = {folded(word): value for word, value in self.choices.items()}

    def quick(self, cell):
        return self.choices.get(cell) if type(cell) is str else None

    def of_text(self, text, notes):
        try:
            return self.folded[folded(text)]
        except KeyError:
            shown = first_words(self.choices)[:SHOWN_CHOICES]
            raise BadCell("bad_choice", choices=" / ".join(shown)) from None

    def of_cell(self, cell):
        return self.of_text(as_text(cell), [])


READERS = {
    "code": CodeReader,
    "text": TextReader,
    "money": MoneyReader,
    "number": NumberReader,
    "int": IntReader,
    "date": DayReader,
    "datetime": MomentReader,
    "choice": ChoiceReader,
}


def folded(text):
    """Return a word as it is compared: half width, lower case, no blanks around it."""
    return unicodedata.normalize("NFKC", str(text)).strip().casefold()


def first_words(choices):
    """Return one word for each value of a column's choices: the first that is given."""
    words = {}
    for word, value in choices.items():
        words.setdefault(value, str(word))
    return list(words.values())


def parse_money(text):
    """Return the amount that a person typed, by the same rules as in a workbook, or None for a blank.

    Raises BadCell with the code of the fault.
    """
    return careful(MoneyReader(None, 0), text, [])


def two_places(text):
    """Return a plain decimal text of at most two decimals as a Decimal with exactly two."""
    point = text.find(".")
    if point < 0:
        return Decimal(text + ".00")
    return Decimal(text if len(text) - point == 3 else text + "0")


def money_of(text):
    """Return the amount of a half-width text. Raises BadCell."""
    if NUMBER.fullmatch(text):
        if abs(Decimal(text)) > MOST_MONEY:
            raise BadCell("too_large", most=str(MOST_MONEY))
        if not AMOUNT.fullmatch(text):
            raise BadCell("too_many_decimals")
        return two_places(text)
    raise not_a_plain_number(text)


def number_of(text):
    """Return the number of a half-width text, of at most fifteen digits before the point. Raises BadCell."""
    if not NUMBER.fullmatch(text):
        raise not_a_plain_number(text)
    if abs(Decimal(text)) >= EXACT:
        raise BadCell("too_large", most=str(EXACT - 1))
    return Decimal(text)


def whole_of(text):
    """Return the whole number of a half-width text. Raises BadCell."""
    if WHOLE.fullmatch(text):
        if len(text.lstrip("-0")) > 15:
            raise BadCell("too_large", most=str(EXACT - 1))
        return int(text)
    if NUMBER.fullmatch(text):
        raise BadCell("not_whole")
    bad = not_a_plain_number(text)
    # A hint for amounts would lead to the next fault.
    if bad.code == "decimal_comma" or not WHOLE.fullmatch(bad.params.get("instead", "0")):
        bad = BadCell("not_whole")
    raise bad


def number_text(cell):
    """Return the shortest decimal form of a double, without an exponent. Raises BadCell where there is none."""
    if not math.isfinite(cell):
        raise BadCell("not_finite")
    text = format(Decimal(repr(cell)), "f")
    return text.removesuffix(".0")


def not_a_plain_number(text):
    """Return the BadCell that says best why a text is no plain number."""
    if text in DASHES:
        return BadCell("only_a_dash")
    if text.startswith("="):
        return BadCell("formula_text")
    if NOT_FINITE.fullmatch(text):
        return BadCell("not_finite")
    if "%" in text or "‰" in text:
        return BadCell("percent_sign")
    if CURRENCY.search(text):
        return BadCell("currency_sign")
    if SCIENTIFIC.fullmatch(text):
        return BadCell("scientific")
    if GROUPED.fullmatch(text):
        return BadCell("thousands_comma", instead=text.replace(",", ""))
    return BadCell("decimal_comma" if WITH_COMMA.fullmatch(text) else "not_a_number")
