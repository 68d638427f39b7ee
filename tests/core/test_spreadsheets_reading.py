"""Reading a table: where its header is, what its rows hold, where its faults are."""

import time
import zipfile
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.formula import ArrayFormula

from opsadmin.core.spreadsheets import FAULT_TEXTS, Limits, SpreadsheetRefused, explain
from tests.core.spreadsheet_files import (
    COLUMNS,
    HEADER,
    NAME,
    PRICE,
    RELATIONS,
    ROOT_RELATIONS,
    SKU,
    WORKBOOK,
    by_csv,
    by_hand,
    by_openpyxl,
    by_xlsxwriter,
    codes,
    parts,
    read_all,
    table,
    text,
    zipped,
)

HEAD = ["商品编码", "执行价"]
clock = datetime.fromisoformat


@pytest.fixture(params=["xlsx", "csv"])
def write(request, tmp_path):
    """Write the same rows as a workbook and as a text file."""
    writer = by_xlsxwriter if request.param == "xlsx" else by_csv
    return lambda rows: writer(tmp_path / f"a.{request.param}", rows)


# ── The header ────────────────────────────────────────────────────────────────────────────────────────────


def test_columns_are_found_in_any_order_and_in_both_languages(write):
    opened, rows = read_all(write([["final price", "备注", "SKU"], ["12.50", "x", "cs-1"]]))
    assert opened.headers == {"price": "final price", "sku": "SKU"}
    assert opened.ignored_headers == ["备注"]
    assert rows[0].values == {"sku": "CS-1", "price": Decimal("12.50")}


@pytest.mark.parametrize(
    "header",
    [
        "执行价*",
        " 执行价 ",
        "执行价（元）",
        "执行价 (元)",
        "执行价[CNY]",
        "执行价*（必填）",
        "Ｆinal  Price",
        "执行价\n",
    ],
)
def test_stars_units_width_case_and_blanks_of_a_header_do_not_matter(write, header):
    assert "price" in table(write([["商品编码(SKU)*", header], ["A1", "1"]])).headers


@pytest.mark.parametrize("header", ["执行价(分)", "执行价（万元）", "执行价(活动)", "执行价2"])
def test_another_unit_or_word_makes_another_column(write, header):
    opened = table(write([["商品编码", header], ["A1", "1"]]))
    assert codes(opened.faults) == [(1, "", "missing_column")]
    assert len(opened.ignored_headers) == 1


def test_the_header_may_stand_below_a_title_but_not_below_the_tenth_row(write):
    title = [["元旦价格表", ""]]
    opened, rows = read_all(write([*title * 9, HEAD, ["A1", "1"]]))
    assert (opened.header_row, [row.number for row in rows]) == (10, [11])
    assert codes(table(write([*title * 10, HEAD, ["A1", "1"]])).faults) == [(0, "", "no_header")]


def test_every_missing_column_is_named_and_no_row_is_read(write):
    opened, rows = read_all(write([["商品名称", "成本价"], ["x", "1"]]))
    assert [fault.params["header"] for fault in opened.faults] == ["商品编码", "执行价"]
    assert {fault.code for fault in opened.faults} == {"missing_column"}
    assert not rows


def test_a_column_that_is_there_twice_is_a_fault_at_the_second(write):
    opened, rows = read_all(write([["商品编码", "执行价", "final price"], ["A1", "1", "2"]]))
    assert codes(opened.faults) == [(1, "C", "duplicate_column")]
    assert opened.faults[0].params == {"header": "final price", "first": "B"}
    assert not rows


def test_the_first_rows_can_be_shown_even_where_no_header_is_found(write):
    assert table(write([["a", "b"], ["c", "d"]])).preview == [["a", "b"], ["c", "d"]]


def test_the_preview_begins_below_the_header(write):
    assert table(write([HEAD, *([f"A{n}", "1.5"] for n in range(7))])).preview == [
        [f"A{n}", "1.5"] for n in range(5)
    ]


# ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_are_numbered_as_excel_shows_them_and_blank_ones_are_left_out(write):
    rows = read_all(write([HEAD, ["A1", "1"], ["", ""], ["  ", " \u3000"], ["A2", "2"]]))[1]
    assert [row.number for row in rows] == [2, 5]


def test_rows_are_numbered_rightly_where_the_sheet_begins_further_down_and_right(tmp_path):
    def move(_workbook, sheet):
        sheet.insert_rows(1, 3)
        sheet.insert_cols(1, 2)

    opened, rows = read_all(by_openpyxl(tmp_path / "a.xlsx", [HEAD, ["A1", 1], ["A2", "x"]], prepare=move))
    assert [(row.number, row.values["sku"]) for row in rows] == [(5, "A1"), (6, "A2")]
    assert codes(opened.faults) == [(6, "D", "not_a_number")]


def test_a_row_keeps_what_was_read_beside_what_it_means(write):
    row = read_all(write([HEAD, [" cs-1", "１２"]]))[1][0]
    assert row.raw == {"sku": " cs-1", "price": "１２"}
    assert row.values == {"sku": "CS-1", "price": Decimal("12.00")}


def test_an_optional_blank_is_none_and_a_required_one_a_fault(write):
    opened, rows = read_all(
        write([["商品编码", "执行价", "成本价"], ["A1", "1", ""], ["A2", "", "1"], ["", "3", " "]])
    )
    assert rows[0].values["cost"] is None
    assert codes(opened.faults) == [(3, "B", "required"), (4, "A", "required")]


def test_a_fault_says_sheet_row_column_header_value_message_and_remedy(tmp_path):
    opened, rows = read_all(by_xlsxwriter(tmp_path / "a.xlsx", [["商品编码", "执行价*"], ["A1", "1,299.00"]]))
    fault = opened.faults[0]
    place = (fault.sheet, fault.row, fault.column_letter, fault.column_header, fault.value)
    assert place == ("价格清单", 2, "B", "执行价*", "1,299.00")
    assert rows[0].faults == [fault]
    with translation.override("en"):
        assert (fault.message, fault.remedy) == ("contains a thousands comma", "write 1299.00")
        assert fault.sentence == "执行价* contains a thousands comma: write 1299.00"


def test_one_faulty_cell_does_not_hide_the_others_of_its_row(write):
    opened, rows = read_all(write([["商品编码", "执行价", "成本价"], ["6.9E+12", "1e5", "2.00"]]))
    assert codes(opened.faults) == [(2, "A", "long_digits"), (2, "B", "scientific")]
    assert rows[0].values == {"sku": None, "price": None, "cost": Decimal("2.00")}


def test_a_long_value_is_clipped_in_its_fault(write):
    fault = read_all(write([HEAD, ["A1", "x" * 500]]))[0].faults[0]
    assert len(fault.value) == 60


def test_what_was_put_right_is_noted_with_its_place(write):
    opened, _rows = read_all(write([HEAD, ["A1", "１２"], ["A2 ", "1"]]))
    assert codes(opened.notes) == [(2, "B", "full_width"), (3, "A", "trimmed")]
    assert opened.fixed == 2
    with translation.override("en"):
        assert opened.notes[0].message == "full-width characters, read as 12"


def test_reading_twice_finds_the_same(write):
    opened = table(write([HEAD, ["A1", "x"], ["A2 ", "1"]]))
    assert [len(list(opened)), len(opened.faults), opened.fixed] == [2, 1, 1]
    assert [len(list(opened)), len(opened.faults), opened.fixed] == [2, 1, 1]


def test_progress_is_told_every_two_thousand_rows(write):
    told = []
    path = write([HEAD, *([f"A{n}", "1"] for n in range(4500))])
    assert len(list(table(path, progress=lambda done, total: told.append((done, total))))) == 4500
    assert [done for done, _total in told] == [2000, 4000]
    assert all(total in (4500, 4501) for _done, total in told)


def test_a_row_with_more_cells_than_the_header_is_a_fault_in_a_text_file(tmp_path):
    """An amount with a comma that nobody put into quotes moves everything to the right."""
    (tmp_path / "a.csv").write_text("商品编码,执行价,商品名称\nA1,1,299.00,包\nA2,2,包,,\n", encoding="utf-8")
    opened, rows = read_all(tmp_path / "a.csv")
    assert codes(opened.faults) == [(2, "D", "extra_cells")]
    assert [len(row.faults) for row in rows] == [1, 0]


def test_a_short_row_of_a_text_file_ends_in_blanks(tmp_path):
    (tmp_path / "a.csv").write_text("商品编码,执行价,商品名称\nA1,1\n", encoding="utf-8")
    assert read_all(tmp_path / "a.csv")[1][0].values["name"] is None


def test_a_cell_of_a_text_file_longer_than_excel_holds_is_a_fault(tmp_path):
    path = by_csv(tmp_path / "a.csv", [["商品编码", "执行价", "说明"], ["A1", "1", "x" * 40_000]])
    note = type(NAME)("note", ("说明",))
    assert codes(read_all(path, (SKU, PRICE, note))[0].faults) == [(2, "C", "too_long")]


def test_a_zero_is_no_blank(tmp_path):
    opened, rows = read_all(by_xlsxwriter(tmp_path / "a.xlsx", [HEAD, ["A1", 0], [0, 0]]))
    assert not opened.faults
    assert [row.values for row in rows] == [{"sku": "A1", "price": 0}, {"sku": "0", "price": 0}]


# ── Workbooks ─────────────────────────────────────────────────────────────────────────────────────────────


def test_dates_of_both_calendars_are_the_day_that_the_person_sees(tmp_path):
    for epoch in (None, CALENDAR_MAC_1904):

        def prepare(workbook, _sheet, epoch=epoch):
            workbook.epoch = epoch or workbook.epoch

        rows = [[*HEAD, "日期", "生效时间"], ["A1", 1, date(2026, 12, 1), clock("2026-12-01 10:30")]]
        row = read_all(by_openpyxl(tmp_path / "a.xlsx", rows, prepare=prepare))[1][0]
        assert row.values["day"] == date(2026, 12, 1)
        assert row.values["start"] == clock("2026-12-01 10:30").replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def test_number_and_text_cells_of_one_amount_are_the_same_amount(tmp_path):
    rows = read_all(by_xlsxwriter(tmp_path / "a.xlsx", [HEAD, ["A1", 99.9], ["A2", "99.9"]]))[1]
    assert [str(row.values["price"]) for row in rows] == ["99.90", "99.90"]


@settings(max_examples=15)
@given(st.lists(st.decimals("0.01", "9999999999.99", places=2), min_size=1, max_size=50))
def test_amounts_survive_a_workbook_exactly(tmp_path, amounts):
    path = tmp_path / "a.xlsx"
    by_xlsxwriter(path, [HEAD, *([f"A{n}", float(amount)] for n, amount in enumerate(amounts))])
    assert [row.values["price"] for row in read_all(path)[1]] == amounts


def test_long_digits_in_a_number_cell_are_a_fault_and_in_a_text_cell_a_code(tmp_path):
    opened, rows = read_all(
        by_xlsxwriter(tmp_path / "a.xlsx", [HEAD, [6901234567890, 1], ["6901234567890", 1]])
    )
    assert codes(opened.faults) == [(2, "A", "long_digits")]
    assert opened.faults[0].value == "6901234567890"
    assert rows[1].values["sku"] == "6901234567890"


def test_formulas_are_taken_by_their_result(tmp_path):
    head = HEADER.replace("</row>", text("C1", "商品名称") + "</row>")
    rows = (
        '<row r="2"><c r="A2" t="str"><f>"A"&amp;"1"</f><v>A1</v></c><c r="B2"><f>100*1.299</f><v>129.9</v></c>'
        '<c r="C2" t="str"><f>IF(B2&gt;1,"","x")</f><v></v></c></row>'
        '<row r="3"><c r="A3" t="str"><f t="shared" si="0"/><v>A2</v></c><c r="B3"><v>1</v></c></row>'
    )
    opened, read = read_all(by_hand(tmp_path / "a.xlsx", rows, head))
    assert not opened.faults
    assert read[0].values == {"sku": "A1", "price": Decimal("129.90"), "name": None}
    assert read[1].values["sku"] == "A2"


def test_a_formula_without_a_result_is_a_fault_with_the_formula(tmp_path):
    rows = [[*HEAD, "成本价"], ["A1", '=IF(C2<5,"低",C2)', 1], ["A2", 2, 1]]
    opened, read = read_all(by_openpyxl(tmp_path / "a.xlsx", rows))
    assert codes(opened.faults) == [(2, "B", "formula_without_value")]
    assert opened.faults[0].value == '=IF(C2<5,"低",C2)'
    assert (read[0].values["price"], read[1].values["price"]) == (None, Decimal("2.00"))


def test_an_array_formula_without_a_result_is_a_fault_too(tmp_path):
    def prepare(_workbook, sheet):
        sheet["B2"] = ArrayFormula("B2", "=SUM(C2:C3*1)")

    path = by_openpyxl(tmp_path / "a.xlsx", [HEAD, ["A1", 1]], prepare=prepare)
    assert codes(read_all(path)[0].faults) == [(2, "B", "formula_without_value")]


@pytest.mark.parametrize("error", ["#DIV/0!", "#N/A", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"])
def test_an_error_cell_is_a_fault_with_the_error(tmp_path, error):
    rows = f'<row r="2">{text("A2", "A1")}<c r="B2" t="e"><f>1/0</f><v>{error}</v></c></row>'
    opened, read = read_all(by_hand(tmp_path / "a.xlsx", rows))
    assert codes(opened.faults) == [(2, "B", "error_cell")]
    assert opened.faults[0].value == error
    assert read[0].values["sku"] == "A1"


ERROR = "<f>1/0</f><v>#DIV/0!</v>"


@pytest.mark.parametrize(
    "cells",
    [
        f'<c r="A2" t="inlineStr"><is><t>A1</t></is></c><c r="B2" s="0" t="e">{ERROR}</c>',
        f"<c r='A2' t='inlineStr'><is><t>A1</t></is></c><c r='B2' t='e'>{ERROR}</c>",
        f'<c t="inlineStr"><is><t>A1</t></is></c><c t="e">{ERROR}</c>',
        f'<c t="inlineStr" r="A2"><is><t>A1</t></is></c><c t="e" r="B2">{ERROR}</c>',
        f'<c r="A2" t="inlineStr"><is><t>A1</t></is></c><c r="B2" t = "e" >{ERROR}</c>',
        f'<c r="A2" t="inlineStr"><is><t>A1</t></is></c><!-- --><c r="B2" t="e">{ERROR}</c>',
        '<c r="A2" t="inlineStr"><is><t>A1</t></is></c><c r="B2" t="e"><v><![CDATA[#DIV/0!]]></v></c>',
    ],
)
def test_an_error_cell_is_found_however_the_xml_is_written(tmp_path, cells):
    opened = read_all(by_hand(tmp_path / "a.xlsx", f'<row r="2">{cells}</row>'))[0]
    assert codes(opened.faults) == [(2, "B", "error_cell")]
    assert opened.faults[0].value == "#DIV/0!"


def test_faults_are_found_and_none_invented_where_the_blocks_of_a_sheet_meet(tmp_path):
    """A sheet is searched in blocks of one megabyte; here cuts fall on many places of a cell."""
    head = f"{text('A1', '商品编码')}{text('B1', '执行价')}{text('C1', '成本价')}"
    cells = "".join(
        f'<row r="{n}">{text(f"A{n}", f"A{n}")}<c r="B{n}" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
        f'<c r="C{n}"><f>B{n}</f><v>5</v></c></row>'
        for n in range(2, 15_002)
    )
    for shift in range(0, 130, 31):
        header = f'<row r="1" ht="{"1" * (shift + 1)}">{head}</row>'
        opened = read_all(by_hand(tmp_path / "a.xlsx", cells, header))[0]
        assert {(fault.column_letter, fault.code, fault.value) for fault in opened.faults} == {
            ("B", "error_cell", "#DIV/0!")
        }
        assert len(opened.faults) == 15_000


def test_rows_at_the_end_that_hold_nothing_but_faults_are_rows(tmp_path):
    rows = (
        '<row r="2"><c r="A2" t="e"><v>#REF!</v></c><c r="B2" t="e"><v>#REF!</v></c></row>'
        '<row r="4"><c r="A4"><f>1</f></c><c r="B4"><f>2</f><v/></c></row>'
    )
    opened, read = read_all(by_hand(tmp_path / "a.xlsx", rows))
    assert codes(opened.faults) == [
        (2, "A", "error_cell"),
        (2, "B", "error_cell"),
        (4, "A", "formula_without_value"),
        (4, "B", "formula_without_value"),
    ]
    assert [row.number for row in read] == [2, 4]


def test_errors_in_columns_that_nobody_looks_for_do_not_matter(tmp_path):
    head = HEADER.replace("</row>", text("C1", "毛利率") + "</row>")
    rows = f'<row r="2">{text("A2", "A1")}<c r="B2"><v>1</v></c><c r="C2" t="e"><v>#DIV/0!</v></c></row>'
    assert not read_all(by_hand(tmp_path / "a.xlsx", rows, head))[0].faults


def test_names_with_a_prefix_in_the_xml_are_understood(tmp_path):
    sheet = (
        '<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData>'
        '<x:row r="1"><x:c r="A1" t="inlineStr"><x:is><x:t>商品编码</x:t></x:is></x:c>'
        '<x:c r="B1" t="inlineStr"><x:is><x:t>执行价</x:t></x:is></x:c></x:row>'
        '<x:row r="2"><x:c r="A2" t="inlineStr"><x:is><x:t>A1</x:t></x:is></x:c>'
        '<x:c r="B2" t="e"><x:v>#N/A</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    path = zipped(tmp_path / "a.xlsx", parts("") | {"xl/worksheets/sheet1.xml": sheet})
    assert codes(read_all(path)[0].faults) == [(2, "B", "error_cell")]


def test_merged_cells_across_data_rows_are_a_fault_in_every_row_they_cover(tmp_path):
    def prepare(_workbook, sheet):
        sheet.merge_cells("B3:B4")

    rows = [HEAD, ["A1", 1], ["A2", 2], ["A3", None], ["A4", 4]]
    opened, read = read_all(by_openpyxl(tmp_path / "a.xlsx", rows, prepare=prepare))
    assert codes(opened.faults) == [(3, "B", "merged_cell"), (4, "B", "merged_cell")]
    assert opened.faults[0].params == {"range": "B3:B4"}
    assert [bool(row.faults) for row in read] == [False, True, True, False]


def test_merged_cells_that_cover_too_many_rows_are_one_refusal(tmp_path):
    def prepare(_workbook, sheet):
        sheet.merge_cells("A2:A5")

    path = by_openpyxl(tmp_path / "a.xlsx", [HEAD, *([f"A{n}", n] for n in range(4))], prepare=prepare)
    assert len(read_all(path, limits=Limits(faults=4))[0].faults) == 4
    with pytest.raises(SpreadsheetRefused) as caught:
        read_all(path, limits=Limits(faults=3))
    assert caught.value.code == "too_many_faults"


def test_merged_cells_in_the_title_or_in_other_columns_do_no_harm(tmp_path):
    def prepare(_workbook, sheet):
        sheet.merge_cells("A1:C1")
        sheet.merge_cells("C3:C4")

    rows = [["价格表"], [*HEAD, "分组"], ["A1", 1, "x"], ["A2", 2, None]]
    assert not read_all(by_openpyxl(tmp_path / "a.xlsx", rows, prepare=prepare))[0].faults


def test_the_first_visible_sheet_with_the_columns_is_read_and_the_others_are_named(tmp_path):
    def prepare(workbook, sheet):
        sheet.title = "说明"
        for name, state in (
            ("旧价", "hidden"),
            ("_meta", "veryHidden"),
            ("价格清单", "visible"),
            ("补充", "visible"),
        ):
            added = workbook.create_sheet(name)
            added.sheet_state = state
            added.append(HEAD)
            added.append([name.upper(), 1])

    path = by_openpyxl(tmp_path / "a.xlsx", [["怎样填"]], prepare=prepare)
    opened, rows = read_all(path)
    assert (opened.sheet, opened.other_sheets, opened.hidden_sheets) == (
        "价格清单",
        ["说明", "补充"],
        ["旧价", "_meta"],
    )
    assert rows[0].values["sku"] == "价格清单"
    assert read_all(path, sheet="补充")[1][0].values["sku"] == "补充"
    with pytest.raises(SpreadsheetRefused) as caught:
        table(path, sheet="旧价")
    assert caught.value.code == "no_such_sheet"


def test_where_no_sheet_has_all_columns_the_best_one_is_judged(tmp_path):
    def prepare(workbook, _sheet):
        workbook.create_sheet("近似").append(["商品编码", "商品名称"])

    opened = table(by_openpyxl(tmp_path / "a.xlsx", [["怎样填"]], prepare=prepare))
    assert opened.sheet == "近似"
    assert [fault.params["header"] for fault in opened.faults] == ["执行价"]


def test_both_readers_of_a_workbook_look_at_the_same_sheet(tmp_path):
    """A name that is there twice, or a relation that leads elsewhere, would let one sheet pass for another."""
    twice = WORKBOOK.replace("</sheets>", '<sheet name="价格清单" sheetId="2" r:id="rId1"/></sheets>')
    lost = RELATIONS.replace("sheet1.xml", "sheet9.xml")
    double = RELATIONS.replace("</Relationships>", RELATIONS[RELATIONS.index("<Relationship Id") :])
    second = {
        "other/workbook.xml": WORKBOOK,
        "other/_rels/workbook.xml.rels": RELATIONS,
        "other/worksheets/sheet1.xml": parts(HEADER)["xl/worksheets/sheet1.xml"],
    }
    elsewhere = ROOT_RELATIONS.replace("xl/workbook.xml", "other/workbook.xml")
    relations = "xl/_rels/workbook.xml.rels"
    for name, content in (
        ("xl/workbook.xml", twice),
        ("_rels/.rels", elsewhere),
        (relations, lost),
        (relations, double),
    ):
        content = parts(HEADER, **second) | {name: content}
        with pytest.raises(SpreadsheetRefused) as caught:
            table(zipped(tmp_path / "a.xlsx", content))
        assert caught.value.code == "broken"


def test_a_workbook_whose_parts_are_stored_unpacked_is_read(tmp_path):
    rows = f'<row r="2">{text("A2", "A1")}<c r="B2"><v>1</v></c></row>'
    path = zipped(tmp_path / "a.xlsx", parts(HEADER + rows), zipfile.ZIP_STORED)
    assert read_all(path)[1][0].values["sku"] == "A1"


def test_text_with_entities_and_escapes_is_read_as_it_is_shown(tmp_path):
    rows = f'<row r="2">{text("A2", "A&amp;B")}<c r="B2"><v>1</v></c></row>'
    assert read_all(by_hand(tmp_path / "a.xlsx", rows))[1][0].values["sku"] == "A&B"


def test_a_workbook_under_the_name_of_a_text_file_is_still_a_workbook(tmp_path):
    by_xlsxwriter(tmp_path / "a.xlsx", [HEAD, ["A1", 1]]).rename(tmp_path / "a.csv")
    assert read_all(tmp_path / "a.csv")[0].sheet == "价格清单"


# ── All of it ─────────────────────────────────────────────────────────────────────────────────────────────


def test_every_fault_has_a_message_and_a_remedy_in_both_languages():
    known = {"rows": 1, "header": "x", "first": "A", "range": "A1:A2", "position": 1, "length": 2, "most": 1}
    known |= {"instead": "1", "choices": "a"}
    for language in ("en", "zh-hans"):
        with translation.override(language):
            assert all(all(explain(code, known)) for code in FAULT_TEXTS)


@pytest.mark.bench
@pytest.mark.parametrize(("kind", "most"), [("xlsx", 3), ("csv", 2)])
def test_a_hundred_thousand_rows_of_nine_columns_are_read_in_seconds(tmp_path, kind, most):
    head = ["商品编码", "商品名称", "商品池", "执行价", "成本价", "限量", "日期", "生效时间", "备注"]
    rows = (
        [
            f"CS-{n:06d}",
            f"双肩包 {n}",
            "通用",
            n % 900 + 0.9,
            n % 700 + 0.35,
            n,
            "2026-12-01",
            "2026-12-01 10:00",
            "x",
        ]
        for n in range(100_000)
    )
    path = (by_xlsxwriter if kind == "xlsx" else by_csv)(tmp_path / f"a.{kind}", [head, *rows])
    started = time.process_time()
    assert sum(1 for _row in table(path, COLUMNS)) == 100_000
    assert time.process_time() - started < most
