"""What a cell may hold: amounts, codes, dates and words, and what is refused."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from opsadmin.core.spreadsheets import BadCell, explain, parse_money
from opsadmin.core.spreadsheets.values import MoneyReader, careful, reader_of
from tests.core.spreadsheet_files import COUNT, DAY, NAME, POOL, PRICE, SKU, START

SHANGHAI = ZoneInfo("Asia/Shanghai")
clock = datetime.fromisoformat
FULL_WIDTH = str.maketrans("0123456789.-", "０１２３４５６７８９．－")


def value_of(column, cell):
    """Return the value, by both ways that a cell may go."""
    notes, reader = [], reader_of(column)
    value = careful(reader, cell, notes)
    quick = reader.quick(cell)
    assert quick is None or (quick == value and not notes)
    return value


def notes_of(column, cell):
    notes = []
    careful(reader_of(column), cell, notes)
    return [code for code, _params in notes]


def fault_of(column, cell):
    reader = reader_of(column)
    assert reader.quick(cell) is None
    with pytest.raises(BadCell) as caught:
        careful(reader, cell, [])
    assert explain(caught.value.code, caught.value.params).message
    return caught.value.code


# ── Amounts ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("129", "129.00"),
        ("129.9", "129.90"),
        ("129.90", "129.90"),
        ("0.01", "0.01"),
        ("-5.00", "-5.00"),
        ("9999999999.99", "9999999999.99"),
        (129.0, "129.00"),
        (99.9, "99.90"),
        (0.1, "0.10"),
        (1299.99, "1299.99"),
        (9999999999.99, "9999999999.99"),
        (0.0, "0.00"),
    ],
)
def test_an_amount_has_two_places_and_no_digit_of_its_own(cell, amount):
    assert str(value_of(PRICE, cell)) == amount


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1,299.00", "thousands_comma"),
        ("-1,299", "thousands_comma"),
        ("1,234,567.8", "thousands_comma"),
        ("4,20", "decimal_comma"),
        ("2,4", "decimal_comma"),
        ("1,2,3", "decimal_comma"),
        ("¥129", "currency_sign"),
        ("￥129", "currency_sign"),
        ("129元", "currency_sign"),
        ("$129", "currency_sign"),
        ("€129", "currency_sign"),
        ("129 CNY", "currency_sign"),
        ("¥1,299", "currency_sign"),
        ("20%", "percent_sign"),
        ("20％", "percent_sign"),
        ("1e5", "scientific"),
        ("1.29E+3", "scientific"),
        ("1.E5", "scientific"),
        ("NaN", "not_finite"),
        ("inf", "not_finite"),
        ("-Infinity", "not_finite"),
        ("-", "only_a_dash"),
        ("—", "only_a_dash"),
        ("－", "only_a_dash"),
        ("=1+2", "formula_text"),
        ("#DIV/0!", "error_cell"),
        ("#N/A", "error_cell"),
        ("99.905", "too_many_decimals"),
        ("99.900", "too_many_decimals"),
        ("10000000000.00", "too_large"),
        ("1" * 400, "too_large"),
        ("abc", "not_a_number"),
        ("12 50", "not_a_number"),
        ("+5", "not_a_number"),
        (".5", "not_a_number"),
        ("5.", "not_a_number"),
        ("(5.00)", "not_a_number"),
        ("1_000", "not_a_number"),
        ("１２9.9x", "not_a_number"),
        ("٣", "not_a_number"),
        ("5²", "not_a_number"),
        ("½", "not_a_number"),
        ("12\x0750", "control_character"),
        (True, "not_a_number"),
        (date(2026, 1, 2), "not_a_number"),
        (99.905, "too_many_decimals"),
        (0.1 + 0.2, "too_many_decimals"),
        (1e-7, "too_many_decimals"),
        (1e10, "too_large"),
        (1e300, "too_large"),
        (float("nan"), "not_finite"),
        (float("inf"), "not_finite"),
    ],
)
def test_an_amount_that_could_be_misread_is_refused_by_name(cell, code):
    assert fault_of(PRICE, cell) == code


def test_a_thousands_comma_names_the_number_to_write():
    with pytest.raises(BadCell) as caught:
        parse_money("1,299.00")
    with translation.override("en"):
        assert explain(caught.value.code, caught.value.params) == (
            "contains a thousands comma",
            "write 1299.00",
        )


@pytest.mark.parametrize(
    ("cell", "notes"),
    [
        ("１２９．９０", ["full_width"]),
        (" 129.90 ", ["trimmed"]),
        ("\u200b129.90", ["invisible"]),
        ("129.90\u3000", ["trimmed"]),
    ],
)
def test_an_amount_that_was_put_right_is_told(cell, notes):
    assert value_of(PRICE, cell) == Decimal("129.90")
    assert notes_of(PRICE, cell) == notes


def test_a_blank_amount_is_none_and_not_zero():
    assert parse_money("") is parse_money("  ") is None


@given(st.text(alphabet="0123456789.,-+eE %¥０１９．，", max_size=16))
def test_whatever_money_text_is_accepted_means_exactly_what_it_says(text):
    try:
        amount = parse_money(text)
    except BadCell:
        return
    plain = text.strip().translate({0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF0E: "."})
    assert amount is None if not plain else amount == Decimal(plain)
    assert amount is None or amount.as_tuple().exponent == -2


@given(st.decimals("-9999999999.99", "9999999999.99", places=2))
def test_every_amount_round_trips_as_text_as_full_width_text_and_as_a_number_cell(amount):
    text = format(amount, "f")
    assert value_of(PRICE, text) == value_of(PRICE, text.translate(FULL_WIDTH)) == amount
    assert value_of(PRICE, float(amount)) == amount


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_cell_is_accepted_exactly_or_not_at_all(cell):
    try:
        amount = careful(MoneyReader(None, 0), cell, [])
    except BadCell:
        assert MoneyReader(None, 0).quick(cell) is None
        return
    assert amount == Decimal(repr(cell)) == MoneyReader(None, 0).quick(cell)


# ── Codes ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("CS-BP2204-BK", "CS-BP2204-BK"),
        ("cs-bp2204-bk", "CS-BP2204-BK"),
        ("ＣＳ－０１", "CS-01"),
        (" CS-01\t", "CS-01"),
        ("0012300", "0012300"),
        ("6901234567890", "6901234567890"),
        ("'0012", "0012"),
        ('="0012"', "0012"),
        ("1E5", "1E5"),
        ("货号 7", "货号 7"),
        (12345678901.0, "12345678901"),
        (42.0, "42"),
        (0.0, "0"),
    ],
)
def test_a_code_is_text_in_upper_case_and_half_width_with_its_zeros(cell, code):
    assert value_of(SKU, cell) == code


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (123456789012.0, "long_digits"),
        (6901234567890.0, "long_digits"),
        (6.9e300, "long_digits"),
        ("6.90123E+12", "long_digits"),
        ("6E+12", "long_digits"),
        (1.5, "not_a_code"),
        (-1.0, "not_a_code"),
        (True, "not_a_code"),
        (clock("2026-01-02"), "not_a_code"),
        (float("nan"), "not_a_code"),
        ("A\nB", "control_character"),
        ("A\x00B", "control_character"),
        ("#REF!", "error_cell"),
        ("A" * 41, "too_long"),
    ],
)
def test_a_code_that_excel_may_have_spoilt_is_refused(cell, code):
    assert fault_of(SKU, cell) == code


def test_a_code_put_right_is_told_but_its_case_is_not():
    assert notes_of(SKU, "ＣＳ０１") == ["full_width"]
    assert notes_of(SKU, "'01") == ["apostrophe"]
    assert notes_of(SKU, "cs01") == []


# ── Texts, numbers, words ─────────────────────────────────────────────────────────────────────────────────


def test_a_text_is_kept_up_to_its_length_and_not_cut():
    assert value_of(NAME, "x" * 20) == "x" * 20
    assert fault_of(NAME, "x" * 21) == "too_long"


def test_a_text_keeps_its_own_signs():
    for text in ("双肩包（22L）·墨黑", "=SUM(A1)", "it's", "👜", "50% 棉"):
        assert value_of(NAME, text) == text


def test_lines_and_hidden_characters_in_a_text_are_put_right_and_told():
    assert value_of(NAME, "上\r\n下\u202e") == "上 下"
    assert notes_of(NAME, "上\r\n下\u202e") == ["invisible", "line_break"]


def test_a_text_that_our_own_csv_protected_comes_back_as_it_was():
    assert value_of(NAME, "'=SUM(A1)") == "=SUM(A1)"
    assert value_of(NAME, "'quoted'") == "'quoted'"


def test_a_number_in_a_text_column_is_written_as_it_looks():
    assert value_of(NAME, 12.0) == "12"
    assert value_of(NAME, 12.5) == "12.5"
    assert fault_of(NAME, 1e15) == "long_digits"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("100", 100), (100.0, 100), ("１００", 100), ("-3", -3), ("0", 0), ("9" * 15, 10**15 - 1)],
)
def test_a_whole_number(cell, expected):
    assert value_of(COUNT, cell) == expected


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1.5", "not_whole"),
        ("100.00", "not_whole"),
        (1.5, "not_whole"),
        ("1,000", "thousands_comma"),
        ("x", "not_a_number"),
        ("9" * 16, "too_large"),
        (1e15, "too_large"),
        (False, "not_a_number"),
    ],
)
def test_what_is_no_whole_number(cell, code):
    assert fault_of(COUNT, cell) == code


def test_a_choice_is_found_in_any_case_and_width_and_both_languages():
    assert [value_of(POOL, cell) for cell in ("通用", " 活动 ", "COMMON", "ｃommon")] == [
        "common",
        "campaign",
        "common",
        "common",
    ]


def test_a_word_that_is_no_choice_is_told_the_choices_once_each():
    with pytest.raises(BadCell) as caught:
        careful(reader_of(POOL), "专供", [])
    with translation.override("en"):
        assert explain(caught.value.code, caught.value.params).remedy == "choose: 通用 / 活动"


# ── Dates ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-12-01", clock("2026-12-01")),
        ("2026/12/1", clock("2026-12-01")),
        ("2026.12.1", clock("2026-12-01")),
        ("2026年12月1日", clock("2026-12-01")),
        ("2026-12-01 10:30", clock("2026-12-01 10:30")),
        ("2026-12-01T10:30:15", clock("2026-12-01 10:30:15")),
        ("2026年12月1日 9:05", clock("2026-12-01 09:05")),
        ("2026/12/1 10：30", clock("2026-12-01 10:30")),
        ("2026-12-31 24:00", clock("2027-01-01")),
        (clock("2026-12-01 10:30"), clock("2026-12-01 10:30")),
        (clock("2026-12-01 10:19:59.999000"), clock("2026-12-01 10:20")),
        (date(2026, 12, 1), clock("2026-12-01")),
    ],
)
def test_a_moment_is_meant_in_shanghai(cell, moment):
    value = value_of(START, cell)
    assert value == moment.replace(tzinfo=SHANGHAI)
    assert value.utcoffset().total_seconds() == 8 * 3600


@pytest.mark.parametrize(
    "cell",
    [
        "12/1/2026",
        "2026-13-01",
        "2026-02-29",
        "2026-12/01",
        "2026-12-01 25:00",
        "2026-12-01 24:01",
        "0026-12-01",
        "9999-12-31",
        "20261201",
        "tomorrow",
        46357.0,
        True,
        date(1900, 1, 1),
    ],
)
def test_what_is_no_date_is_refused(cell):
    assert fault_of(START, cell) == "bad_date"


def test_a_day_has_no_time_of_the_day():
    assert value_of(DAY, "2026-12-01") == value_of(DAY, clock("2026-12-01")) == date(2026, 12, 1)
    assert fault_of(DAY, "2026-12-01 10:00") == "time_of_day"


@pytest.mark.parametrize("column", [SKU, PRICE])
@pytest.mark.parametrize("sign", ["\u202e", "\u2066"])
def test_a_code_or_an_amount_that_is_shown_the_other_way_round_is_a_fault(column, sign):
    with pytest.raises(BadCell) as bad:
        value_of(column, f"{sign}12")
    assert (bad.value.code, bad.value.params) == ("control_character", {"position": 1})


@pytest.mark.parametrize("text", ["=1+1", "＋1", "－A", "＠SUM"])
def test_a_formula_is_no_code(text):
    with pytest.raises(BadCell) as bad:
        value_of(SKU, text)
    assert bad.value.code == "formula_text"


def test_what_xml_cannot_hold_is_a_fault():
    with pytest.raises(BadCell):
        value_of(NAME, "a\ufffe")
