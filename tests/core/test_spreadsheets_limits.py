"""What is refused before anything is opened."""

import struct
import zipfile
import zlib

import pytest
from django.utils import translation

from opsadmin.core.spreadsheets import Limits, SpreadsheetRefused, check_container, members
from tests.core.spreadsheet_files import (
    HEADER,
    by_csv,
    by_hand,
    by_xlsxwriter,
    parts,
    read_all,
    table,
    text,
    zipped,
)

SMALL = Limits()


def refusal(path, limits=SMALL, **options):
    with pytest.raises(SpreadsheetRefused) as caught:
        list(table(path, limits=limits, **options))
    return caught.value.code


def test_a_plain_workbook_passes(tmp_path):
    check_container(by_xlsxwriter(tmp_path / "a.xlsx", [["商品编码", "执行价"], ["A1", 1]]), SMALL)


def test_a_file_without_a_byte_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    assert refusal(tmp_path / "a.csv") == "empty"


def test_a_file_of_the_most_bytes_passes_and_of_one_more_is_refused(tmp_path):
    path = by_csv(tmp_path / "a.csv", [["商品编码", "执行价"], ["A1", "1.00"]])
    size = path.stat().st_size
    list(table(path, limits=Limits(file_bytes=size)))
    assert refusal(path, Limits(file_bytes=size - 1)) == "too_big"


def test_a_workbook_that_unpacks_to_too_much_is_refused_by_the_sum_of_its_parts(tmp_path):
    path = by_hand(tmp_path / "a.xlsx", "")
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(info.file_size for info in archive.infolist())
    check_container(path, Limits(unpacked_bytes=unpacked))
    assert refusal(path, Limits(unpacked_bytes=unpacked - 1)) == "unpacks_too_big"


def test_a_part_that_shrinks_beyond_the_ratio_is_refused(tmp_path):
    path = zipped(tmp_path / "a.xlsx", parts("", **{"xl/media/a.txt": b"0" * 3_000_000}))
    assert refusal(path) == "unpacks_too_big"
    check_container(path, Limits(ratio=2000))


@pytest.fixture
def liar(tmp_path):
    """A workbook with a part of 5 MB; the directory says 30 bytes, with a checksum that fits those."""
    path = zipped(tmp_path / "a.xlsx", parts("", **{"xl/media/a.txt": b"0" * 5_000_000}))
    data = bytearray(path.read_bytes())
    place = data.rfind(b"PK\x01\x02", 0, data.rfind(b"xl/media/a.txt"))
    struct.pack_into("<I", data, place + 16, zlib.crc32(b"0" * 30))
    struct.pack_into("<I", data, place + 24, 30)
    path.write_bytes(bytes(data))
    return path


def test_a_part_that_unpacks_to_more_than_it_announces_is_refused(liar):
    """A reader that trusts the stream would go on; the standard library sees nothing wrong."""
    with zipfile.ZipFile(liar) as archive:
        assert archive.read("xl/media/a.txt") == b"0" * 30
    assert refusal(liar) == "broken"


def test_unpacking_stops_where_more_comes_than_was_announced(liar):
    with zipfile.ZipFile(liar) as archive, open(liar, "rb") as file, pytest.raises(members.BadMember):
        next(members.chunks(file, archive.getinfo("xl/media/a.txt")))


def test_a_part_with_something_hidden_behind_its_end_is_refused(tmp_path):
    content = b"0" * 1000
    deflate = zlib.compressobj(wbits=-15)
    packed = deflate.compress(content) + deflate.flush() + b"hidden"
    path = zipped(tmp_path / "a.xlsx", parts("", **{"xl/media/a.txt": packed}), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    place = data.rfind(b"PK\x01\x02", 0, data.rfind(b"xl/media/a.txt"))
    struct.pack_into("<H", data, place + 10, zipfile.ZIP_DEFLATED)
    struct.pack_into("<I", data, place + 16, zlib.crc32(content))
    struct.pack_into("<I", data, place + 24, len(content))
    path.write_bytes(bytes(data))
    assert refusal(path) == "broken"


def test_too_many_parts_are_refused(tmp_path):
    path = zipped(tmp_path / "a.xlsx", parts("", **{f"xl/media/{n}.txt": "x" for n in range(10)}))
    check_container(path, Limits(members=15))
    assert refusal(path, Limits(members=14)) == "too_many_parts"


def test_an_old_or_password_protected_workbook_is_refused_under_any_name(tmp_path):
    for name in ("a.xls", "a.xlsx", "a.csv"):
        (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
        assert refusal(tmp_path / name) == "old_or_locked"


def test_an_encrypted_part_is_refused(tmp_path):
    path = by_hand(tmp_path / "a.xlsx", "")
    data = bytearray(path.read_bytes())
    place = data.rfind(b"PK\x01\x02")
    data[place + 8] |= 1
    path.write_bytes(bytes(data))
    assert refusal(path) == "locked"


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("a.xlsm", {}),
        ("a.xlsx", {"xl/vbaProject.bin": "x"}),
        (
            "a.xlsx",
            {"[Content_Types].xml": "<Types>application/vnd.ms-excel.sheet.macroEnabled.main+xml</Types>"},
        ),
    ],
)
def test_macros_are_refused_by_name_by_part_and_by_type(tmp_path, name, others):
    assert refusal(zipped(tmp_path / name, parts("", **others))) == "macros"


def test_an_open_document_is_refused_by_name_and_by_content(tmp_path):
    content = {"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>"}
    assert refusal(zipped(tmp_path / "a.ods", content)) == "not_a_workbook"
    assert refusal(zipped(tmp_path / "a.xlsx", content)) == "not_a_workbook"


def test_a_zip_of_other_things_is_refused(tmp_path):
    assert refusal(zipped(tmp_path / "a.xlsx", {"prices.csv": "a,b"})) == "not_a_workbook"


def test_a_file_inside_the_workbook_is_refused_whatever_its_name(tmp_path):
    inner = by_hand(tmp_path / "inner.xlsx", "").read_bytes()
    path = zipped(tmp_path / "a.xlsx", parts("", **{"xl/media/picture.png": inner}))
    assert refusal(path) == "nested"


@pytest.mark.parametrize(
    "name", ["../a.xml", "/a.xml", "xl\\a.xml", "xl/../../a.xml", "C:a.xml", "XL/Workbook.xml"]
)
def test_a_part_with_an_unsafe_name_is_refused(tmp_path, name):
    assert refusal(zipped(tmp_path / "a.xlsx", parts("", **{name: "<x/>"}))) == "bad_names"


def test_two_parts_of_one_name_are_refused(tmp_path):
    path = by_hand(tmp_path / "a.xlsx", "")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<x/>")
    assert refusal(path) == "bad_names"


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/_rels/workbook.xml.rels"]
)
def test_a_document_type_in_any_xml_part_is_refused(tmp_path, part):
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    assert refusal(zipped(tmp_path / "a.xlsx", parts("", **{part: bomb}))) == "entities"


def test_a_document_type_behind_a_megabyte_of_comment_is_refused(tmp_path):
    for length in range(1_048_570, 1_048_577):
        late = f"<?xml version='1.0'?><!--{'x' * (length - 30)}--><!DOCTYPE x><x/>"
        path = zipped(tmp_path / "a.xlsx", parts("", **{"xl/styles.xml": late}), zipfile.ZIP_STORED)
        assert refusal(path) == "entities"


def test_xml_in_another_encoding_cannot_hide_a_document_type(tmp_path):
    hidden = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><x/>'
    path = zipped(tmp_path / "a.xlsx", parts("", **{"xl/styles.xml": hidden.encode("utf-16")}))
    assert refusal(path) == "odd_xml"
    declared = "<?xml version='1.0' encoding='UTF-7'?><x/>"
    assert refusal(zipped(tmp_path / "b.xlsx", parts("", **{"xl/styles.xml": declared}))) == "odd_xml"


def test_a_workbook_cut_short_is_refused(tmp_path):
    path = by_hand(tmp_path / "a.xlsx", "")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert refusal(path) == "broken"


def test_a_workbook_with_a_flipped_byte_is_refused_and_never_an_accident(tmp_path):
    """Whatever byte is damaged, the answer is a refusal or a table, not another exception."""
    rows = f'<row r="2">{text("A2", "CS-1")}<c r="B2"><v>12.5</v></c></row>'
    whole = by_hand(tmp_path / "a.xlsx", rows).read_bytes()
    for place in range(4, len(whole), 7):
        (tmp_path / "a.xlsx").write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            list(table(tmp_path / "a.xlsx"))
        except SpreadsheetRefused as refused:
            assert str(refused)


def test_a_sheet_of_broken_xml_is_refused(tmp_path):
    assert refusal(by_hand(tmp_path / "a.xlsx", "<row r='2'><c><v>1</c></row>")) == "broken"


def test_a_web_page_named_as_a_workbook_is_refused(tmp_path):
    (tmp_path / "a.xls").write_text(
        "<html><table><tr><td>商品编码</td></tr></table></html>", encoding="utf-8"
    )
    assert refusal(tmp_path / "a.xls") == "web_page"


@pytest.mark.parametrize("head", [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a"])
@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_a_picture_is_refused_as_one_whatever_its_name_says(tmp_path, head, name):
    (tmp_path / name).write_bytes(head + b"x" * 100)
    assert refusal(tmp_path / name) == "not_a_workbook"


def test_a_pdf_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"%PDF-1.7\n" + b"x" * 100)
    assert refusal(tmp_path / "a.csv") == "not_a_workbook"


def test_as_many_rows_as_allowed_are_read_and_one_more_is_refused(tmp_path):
    rows = [["商品编码", "执行价"], *([f"A{n}", "1.00"] for n in range(4))]
    for path in (by_csv(tmp_path / "a.csv", rows), by_xlsxwriter(tmp_path / "a.xlsx", rows)):
        assert len(read_all(path, limits=Limits(rows=4))[1]) == 4
        assert refusal(path, Limits(rows=3)) == "too_many_rows"


def test_as_many_columns_as_allowed_are_read_and_one_more_is_refused(tmp_path):
    rows = [["商品编码", "执行价", "x", "y"], ["A1", "1.00", "x", "y"]]
    for path in (by_csv(tmp_path / "a.csv", rows), by_xlsxwriter(tmp_path / "a.xlsx", rows)):
        assert len(read_all(path, limits=Limits(columns=4))[1]) == 1
        assert refusal(path, Limits(columns=3)) == "too_many_columns"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ('<row r="1048576"><c r="A1048576"><v>1</v></c></row>', "too_many_rows"),
        ('<row r="2"><c r="A1048576"><v>1</v></c></row>', "too_many_rows"),
        ('<row r="2"><c r="XFD2"><v>1</v></c></row>', "too_many_columns"),
        ("<row>" + "<c><v>1</v></c>" * 200 + "</row>", "too_many_columns"),
    ],
)
def test_one_cell_far_away_does_not_make_the_reader_reserve_a_whole_sheet(tmp_path, rows, code):
    assert refusal(by_hand(tmp_path / "a.xlsx", rows)) == code


def test_blank_cells_far_away_that_only_have_a_format_do_no_harm(tmp_path):
    rows = f'<row r="2">{text("A2", "CS-1")}<c r="B2"><v>1</v></c></row>'
    far = '<row r="1048576"><c r="XFD1048576" s="0"/></row>'
    assert len(read_all(by_hand(tmp_path / "a.xlsx", rows + far))[1]) == 1


def test_a_hopeless_file_ends_with_one_sentence_that_names_the_first_fault(tmp_path):
    path = by_csv(tmp_path / "a.csv", [["商品编码", "执行价"], *([f"A{n}", "x"] for n in range(6))])
    assert len(read_all(path, limits=Limits(faults=6))[0].faults) == 6
    with pytest.raises(SpreadsheetRefused) as caught:
        read_all(path, limits=Limits(faults=5))
    with translation.override("en"):
        assert "row 2, column 执行价" in str(caught.value)


def test_a_refusal_is_told_in_the_language_of_who_reads_it(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    with pytest.raises(SpreadsheetRefused) as caught, translation.override("zh-hans"):
        table(tmp_path / "a.csv")
    with translation.override("en"):
        assert str(caught.value) == "The file is empty."


def test_the_header_alone_is_a_workbook_of_no_rows(tmp_path):
    opened, rows = read_all(zipped(tmp_path / "a.xlsx", parts(HEADER)))
    assert not rows
    assert [fault.code for fault in opened.faults] == ["no_rows"]
