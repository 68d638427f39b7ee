"""Spreadsheets out: text stays text, amounts stay exact, names survive the download."""

import csv
import io
import os
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given, settings
from hypothesis import strategies as st

from opsadmin.core.spreadsheets import (
    SheetOut,
    content_disposition,
    neutral,
    write_csv,
    write_template,
    write_xlsx,
)
from tests.core.spreadsheet_files import COLUMNS, read_all

DANGEROUS = [
    "=1+1",
    "+1+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1+1",
    "＠x",
]


def written(tmp_path, header, rows, **options):
    path = tmp_path / "out.xlsx"
    write_xlsx(path, [SheetOut("价格清单", header, rows, **options)])
    return openpyxl.load_workbook(path)["价格清单"]


def csv_of(rows, **options):
    out = io.BytesIO()
    write_csv(out, ["a", "b"], rows, **options)
    return out.getvalue()


# ── Workbooks ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [*DANGEROUS, "00123", "6901234567890", "1e5", "http://a.cn", "mailto:a@b.cn", "{=1}", "TRUE", "", "a\nb"],
)
def test_no_text_becomes_a_formula_a_link_or_a_number(tmp_path, text):
    cell = written(tmp_path, ["a", "b"], [[text, "x"]])["A2"]
    assert (cell.value or "").replace("_x000D_", "\r") == text
    assert cell.data_type in {"s", "inlineStr"} or not text
    assert cell.hyperlink is None


def test_amounts_dates_and_blanks_are_cells_of_their_kind(tmp_path):
    moment = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    rows = [[Decimal("1299.90"), 7, True, None, date(2026, 12, 1), moment, gettext_lazy("x")]]
    sheet = written(tmp_path, list("abcdefg"), rows, number_columns=["a"])
    values = [cell.value for cell in sheet[2]]
    assert values[:4] == [1299.9, 7, True, None]
    assert [str(value) for value in values[4:]] == ["2026-12-01 00:00:00", "2026-12-01 00:00:00", "x"]
    assert sheet["A2"].number_format == "0.00"
    assert sheet["F2"].number_format == "yyyy-mm-dd hh:mm"


def test_codes_stay_text_when_somebody_edits_them_in_excel(tmp_path):
    sheet = written(tmp_path, ["SKU", "x"], [["00123", "y"]], text_columns=["SKU"], widths=[22, 8])
    assert sheet["A2"].number_format == "@"
    assert sheet["B2"].number_format == "General"
    assert 21 < sheet.column_dimensions["A"].width < 24
    assert sheet.freeze_panes == "A2"


def test_a_sheet_without_rows_still_has_its_header(tmp_path):
    sheet = written(tmp_path, ["a", "b"], iter(()))
    assert [cell.value for cell in sheet[1]] == ["a", "b"]
    assert all(cell.value is None for row in sheet.iter_rows(min_row=2) for cell in row)


def test_several_sheets_keep_their_order_and_formats(tmp_path):
    path = tmp_path / "a.xlsx"
    write_xlsx(
        path,
        [
            SheetOut("一", ["a"], [[1]], number_columns={"a": "0.000"}),
            SheetOut("二", ["a"], [["x"]], text_columns=["a"]),
        ],
    )
    workbook = openpyxl.load_workbook(path)
    assert workbook.sheetnames == ["一", "二"]
    assert [sheet["A2"].number_format for sheet in workbook] == ["0.000", "@"]


def test_a_workbook_goes_into_an_open_file_too():
    file = io.BytesIO()
    write_xlsx(file, [SheetOut("a", ["a"], [["x"]])])
    assert zipfile.ZipFile(file).testzip() is None


def test_rows_that_fail_or_do_not_fit_stop_the_writing(tmp_path):
    def failing():
        yield [1, 2]
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        written(tmp_path, ["a", "b"], failing())
    with pytest.raises(ValueError, match="shorter|longer"):
        written(tmp_path, ["a", "b"], [[1, 2], [1]])
    with pytest.raises(ValueError, match="repeat"):
        written(tmp_path, ["a", "a"], [])


def test_what_is_written_is_read_again_without_a_change(tmp_path):
    path = tmp_path / "a.xlsx"
    rows = [["0012", "=名称", Decimal("0.01")], ["CS-1", "包", Decimal("9999999999.99")]]
    write_xlsx(
        path, [SheetOut("价格清单", ["商品编码", "商品名称", "执行价"], rows, text_columns=["商品编码"])]
    )
    opened, read = read_all(path)
    assert not opened.faults
    assert [[row.values[key] for key in ("sku", "name", "price")] for row in read] == rows


MEASURE = """
import resource, sys
from opsadmin.core.spreadsheets import SheetOut, write_xlsx
rows = ([f"CS-{n}", f"name {n}", n / 100] + ["x" * 20 for _ in range(6)] for n in range(int(sys.argv[2])))
write_xlsx(sys.argv[1], [SheetOut("a", list("abcdefghi"), rows)])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_writing_takes_no_more_memory_for_many_rows_than_for_few(tmp_path):
    def peak(rows):
        command = [sys.executable, "-c", MEASURE, str(tmp_path / "a.xlsx"), str(rows)]
        return int(subprocess.run(command, check=True, capture_output=True, env=os.environ).stdout)

    assert peak(60_000) < peak(1_000) + 12_000  # KB; 60,000 rows kept would be 90,000


# ── Text files ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", DANGEROUS)
def test_a_cell_that_a_program_would_run_gets_an_apostrophe(text):
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["-5", "-5.00", Decimal("-5.00"), -5, -0.5, "CS-1", "a=b", "12", "", "'x"])
def test_a_plain_number_and_an_ordinary_text_stay_as_they_are(cell):
    assert neutral(cell) == str(cell)


def test_a_text_file_is_utf_8_with_a_mark_and_ends_its_lines_as_excel_does():
    data = csv_of([["双肩包", None], ['a,"b"', "=1"]])
    assert data == '\ufeffa,b\r\n双肩包,\r\n"a,""b""",\'=1\r\n'.encode()


@pytest.mark.parametrize(("encoding", "delimiter"), [("gb18030", ","), ("utf-16", "\t"), ("utf-8-sig", ";")])
def test_a_text_file_in_the_encoding_of_a_mall_is_read_again(tmp_path, encoding, delimiter):
    path = tmp_path / "a.csv"
    rows = [["0012", "=包", "12.50"], ["CS-1", "㐀", "9.90"]]
    write_csv(path, ["商品编码", "商品名称", "执行价"], rows, encoding=encoding, delimiter=delimiter)
    opened, read = read_all(path)
    assert not opened.faults
    assert [[row.values["sku"], row.values["name"], str(row.values["price"])] for row in read] == rows


def test_a_character_that_the_encoding_lacks_is_not_replaced():
    with pytest.raises(UnicodeEncodeError):
        csv_of([["👜", "x"]], encoding="gbk")


@settings(max_examples=200)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
def test_no_cell_of_a_text_file_begins_like_a_formula(text):
    data = csv_of([[text, "x"]])
    cell = next(csv.reader(io.StringIO(data.decode("utf-8-sig").partition("\r\n")[2], newline="")))[0]
    assert cell in (text, f"'{text}")
    assert not cell.startswith(("=", "+", "@", "\t", "\r", "＝", "＋", "－", "＠"))
    assert not cell.startswith("-") or cell.lstrip("-").replace(".", "").isdecimal()


# ── Names ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.xlsx", 'attachment; filename="a.xlsx"'),
        (
            "元旦.xlsx",
            "attachment; filename=\"__.xlsx\"; filename*=UTF-8''%E5%85%83%E6%97%A6.xlsx",
        ),
        ('a"b.xlsx', "attachment; filename=\"a_b.xlsx\"; filename*=UTF-8''a%22b.xlsx"),
        ("a\r\nSet-Cookie: x", 'attachment; filename="aSet-Cookie: x"'),
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("..\\x\\a.csv", 'attachment; filename="a.csv"'),
        ("", 'attachment; filename="file"'),
        ("50%.csv", "attachment; filename=\"50_.csv\"; filename*=UTF-8''50%25.csv"),
    ],
)
def test_a_download_has_its_name_and_nothing_else(name, header):
    assert content_disposition(name) == header


# ── The template ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def template(tmp_path):
    examples = [
        {"sku": "CS-BP2204-BK", "name": "双肩包", "pool": "通用", "price": Decimal("129.00"), "count": 5}
    ]
    examples[0] |= {"day": date(2026, 12, 1), "start": "2026-12-01 10:00"}
    write_template(tmp_path / "a.xlsx", "价格清单", COLUMNS, examples, ["一行一个商品。", "=不是公式"])
    return tmp_path / "a.xlsx"


def test_a_template_marks_required_columns_and_keeps_codes_as_text(template):
    sheet = openpyxl.load_workbook(template)["价格清单"]
    headers = [cell.value for cell in sheet[1]]
    assert headers[:4] == ["商品编码*", "商品名称", "商品池", "执行价*"]
    assert sheet["A2"].number_format == "@"
    # Also where nobody has written yet.
    assert openpyxl.load_workbook(template)["价格清单"].column_dimensions["A"].number_format == "@"


def test_a_template_has_its_rules_on_a_second_sheet(template):
    workbook = openpyxl.load_workbook(template)
    assert workbook.sheetnames == ["价格清单", "说明"]
    assert [row[0].value for row in workbook["说明"].iter_rows()] == ["一行一个商品。", "=不是公式"]
    assert workbook["说明"]["A2"].data_type == "s"


def test_a_template_offers_the_words_of_a_choice_once_each(template):
    (rule,) = openpyxl.load_workbook(template)["价格清单"].data_validations.dataValidation
    assert rule.formula1 == '"通用,活动"'
    assert str(rule.sqref).startswith("C2:C")


def test_the_example_of_a_template_is_read_without_a_fault(template):
    opened, rows = read_all(template)
    assert not opened.faults
    assert rows[0].values["price"] == Decimal("129.00")
    assert (opened.sheet, opened.other_sheets) == ("价格清单", ["说明"])
