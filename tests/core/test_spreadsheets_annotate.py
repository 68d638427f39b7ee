"""The faulty copy: the person's own file, with a column that says what is wrong."""

import csv
from decimal import Decimal

import openpyxl
import pytest
from django.utils import translation

from opsadmin.core.spreadsheets import Mark, TableInfo, annotate, faulty_copy
from tests.core.spreadsheet_files import (
    HEADER,
    RELATIONS,
    by_csv,
    by_openpyxl,
    by_xlsxwriter,
    parts,
    read_all,
    table,
    text,
    zipped,
)

HEAD = ["商品编码", "执行价", "备注"]
STYLES_RELATION = (
    '<Relationship Id="rId9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"'
    ' Target="styles.xml"/>'
)
ROWS = [["元旦"], HEAD, ["A1", "1,299.00", "=x"], ["A2", 12.5, "好"], [6901234567890, "¥5", ""]]


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def copy_of(path, **marks):
    """Return the path of the copy with the faults that reading finds, and more marks."""
    opened, _rows = read_all(path)
    target = path.with_name("copy" + path.suffix)
    faulty_copy(path, opened.info, [*opened.faults, *marks.get("marks", ())], target, "错误")
    return target


def sheet_of(path):
    return openpyxl.load_workbook(path)["价格清单"]


@pytest.fixture(params=["with looks", "values only"])
def way(request, monkeypatch):
    """Both ways that a workbook may be copied."""
    if request.param == "values only":
        monkeypatch.setattr(annotate, "ROWS_WITH_LOOKS", 0)


def test_each_faulty_row_names_all_its_faults_and_the_others_none(tmp_path, way):
    sheet = sheet_of(copy_of(by_xlsxwriter(tmp_path / "a.xlsx", ROWS)))
    assert [sheet.cell(row, 4).value for row in range(1, 6)] == [
        None,
        "错误",
        "执行价 contains a thousands comma: write 1299.00",
        None,
        (
            "商品编码 is a long number in a number cell: its digits are not safe: "
            "set the cell to text and enter all digits again; "
            "执行价 contains a currency sign: write the number alone, such as 1299.00"
        ),
    ]


def test_faulty_cells_are_marked_and_the_others_not(tmp_path, way):
    sheet = sheet_of(copy_of(by_xlsxwriter(tmp_path / "a.xlsx", ROWS)))
    marked = {cell.coordinate for row in sheet for cell in row if cell.fill.fill_type == "solid"}
    assert marked == {"B3", "A5", "B5"}


def test_every_cell_keeps_its_value_and_kind(tmp_path, way):
    sheet = sheet_of(copy_of(by_xlsxwriter(tmp_path / "a.xlsx", ROWS)))
    assert [[cell.value for cell in row[:3]] for row in sheet.iter_rows(min_row=3)] == [
        ["A1", "1,299.00", "=x"],
        ["A2", 12.5, "好"],
        [6901234567890, "¥5", None],
    ]
    assert sheet["C3"].data_type == "s"


def test_a_copy_that_was_corrected_is_read_again_and_its_column_is_used_again(tmp_path, way):
    first = copy_of(by_xlsxwriter(tmp_path / "a.xlsx", ROWS))
    workbook = openpyxl.load_workbook(first)
    workbook["价格清单"]["B3"] = 1299
    workbook.save(first)
    opened, rows = read_all(first)
    assert opened.ignored_headers == ["备注", "错误"]
    assert rows[0].values["price"] == Decimal("1299.00")
    sheet = sheet_of(copy_of(first))
    assert [cell.value for cell in sheet[2]] == [*HEAD, "错误"]
    assert sheet["D3"].value is None
    assert sheet["D5"].value


def test_faults_found_elsewhere_are_marked_in_the_same_way(tmp_path, way):
    marks = [
        Mark(4, "A", "=is not in the master"),
        Mark(4, "", "the whole row"),
        Mark(4, "", "the whole row"),
    ]
    sheet = sheet_of(copy_of(by_xlsxwriter(tmp_path / "a.xlsx", ROWS), marks=marks))
    assert sheet["D4"].value == "=is not in the master; the whole row"
    assert sheet["D4"].data_type == "s"
    assert sheet["A4"].fill.fill_type == "solid"


def test_error_cells_are_still_told_in_a_copy_of_values(tmp_path, way):
    path = by_openpyxl(tmp_path / "a.xlsx", [HEAD, ["A1", "#DIV/0!", ""]])
    sheet = sheet_of(copy_of(path))
    assert sheet["B2"].value == "#DIV/0!"
    assert "is an error" in sheet["D2"].value


def test_a_copy_keeps_other_sheets_formats_and_formulas(tmp_path):
    def prepare(workbook, sheet):
        workbook.create_sheet("说明")["A1"] = "怎样填"
        sheet.column_dimensions["A"].width = 33
        sheet["C2"].number_format = "0.000"

    path = by_openpyxl(tmp_path / "a.xlsx", [HEAD, ["A1", "x", "=1+1"]], prepare=prepare)
    workbook = openpyxl.load_workbook(copy_of(path))
    assert workbook.sheetnames == ["价格清单", "说明"]
    sheet = workbook["价格清单"]
    assert (sheet.column_dimensions["A"].width, sheet["C2"].number_format, sheet["C2"].value) == (
        33,
        "0.000",
        "=1+1",
    )


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("utf-8", ","), ("utf-8-sig", ";"), ("gb18030", ","), ("utf-16", "\t")]
)
def test_a_text_file_keeps_its_encoding_its_delimiter_and_its_mark(tmp_path, encoding, delimiter):
    path = by_csv(
        tmp_path / "a.csv", [HEAD, ["A1", "x", "上"], ["", "", ""], ["A2", "1", "下"]], encoding, delimiter
    )
    copy = copy_of(path)
    before, after = table(path), table(copy)
    assert (after.encoding, after.delimiter, after.bom) == (before.encoding, before.delimiter, before.bom)
    with open(copy, encoding="utf-16" if encoding == "utf-16" else encoding, newline="") as file:
        rows = list(csv.reader(file, delimiter=delimiter))
    assert rows == [
        [*HEAD, "错误"],
        ["A1", "x", "上", "执行价 is not a number: write it in digits, such as 1299.00"],
        ["", "", ""],
        ["A2", "1", "下", ""],
    ]


def test_a_text_file_that_was_copied_twice_has_one_column_of_faults(tmp_path):
    path = by_csv(tmp_path / "a.csv", [HEAD, ["A1", "x", "上"], ["A2", "1"]])
    again = copy_of(copy_of(path).rename(tmp_path / "b.csv"))
    assert again.read_text(encoding="utf-8").count("错误") == 1
    assert again.read_text(encoding="utf-8").count("is not a number") == 1


def test_a_row_with_too_many_cells_keeps_them(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("商品编码,执行价\nA1,1,299.00\n", encoding="utf-8")
    with open(copy_of(path), encoding="utf-8", newline="") as file:
        row = list(csv.reader(file))[1]
    assert row[:3] == ["A1", "1", "299.00"]
    assert "more cells than the header" in row[3]


def test_a_column_of_faults_that_was_moved_is_still_used_again(tmp_path):
    path = by_csv(
        tmp_path / "a.csv", [["商品编码", "错误", "执行价"], ["A1", "old", "x"], ["A2", "old", "1"]]
    )
    with open(copy_of(path), encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["商品编码", "错误", "执行价"]
    assert [row[2] for row in rows[1:]] == ["x", "1"]
    assert "is not a number" in rows[1][1]
    assert rows[2][1] == ""


def test_a_workbook_whose_looks_are_broken_is_copied_by_its_values(tmp_path):
    looks = '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><fonts><font>{}</font></fonts>'
    looks = looks.format('<color rgb="nonsense"/>') + "</styleSheet>"
    relation = RELATIONS.replace("</Relationships>", STYLES_RELATION + "</Relationships>")
    row = f'<row r="2">{text("A2", "A1")}{text("B2", "x")}</row>'
    content = parts(HEADER + row) | {"xl/styles.xml": looks, "xl/_rels/workbook.xml.rels": relation}
    sheet = sheet_of(copy_of(zipped(tmp_path / "a.xlsx", content)))
    assert sheet["A2"].value == "A1"
    assert "is not a number" in sheet["C2"].value


def test_a_fault_whose_column_name_looks_like_a_formula_runs_nowhere(tmp_path):
    path = by_csv(tmp_path / "a.csv", [["SKU", "执行价"], ["A1", "1"]])
    info = TableInfo("", 1, "utf-8", ",", False)
    faulty_copy(path, info, [Mark(2, "A", "=cmd()")], tmp_path / "copy.csv", "错误")
    assert (tmp_path / "copy.csv").read_text(encoding="utf-8").splitlines()[1] == "A1,1,'=cmd()"
