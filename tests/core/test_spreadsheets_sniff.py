"""How a text file is understood: what it is written in, never what it might have meant."""

import pytest
from django.utils import translation

from opsadmin.core.spreadsheets import SpreadsheetRefused, sniff
from tests.core.spreadsheet_files import by_csv, read_all

ROWS = [["商品编码", "商品名称", "执行价"], ["CS-1", "双肩包，墨黑", "129.00"], ["CS-2", "钥匙包", "19.90"]]


def shape_of(tmp_path, data, **options):
    (tmp_path / "a.csv").write_bytes(data)
    shape = sniff(tmp_path / "a.csv", **options)
    return shape.encoding, shape.delimiter, shape.bom


def refused(tmp_path, data, **options):
    with pytest.raises(SpreadsheetRefused) as caught:
        shape_of(tmp_path, data, **options)
    return caught.value


@pytest.mark.parametrize(
    ("codec", "encoding", "bom"),
    [
        ("utf-8", "utf-8", False),
        ("utf-8-sig", "utf-8", True),
        ("gb18030", "gb18030", False),
        ("gbk", "gb18030", False),
        ("utf-16", "utf-16-le", True),
        ("utf-16-le", "utf-16-le", False),
        ("utf-16-be", "utf-16-be", False),
    ],
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_same_table_is_read_in_every_encoding_and_delimiter(tmp_path, codec, encoding, bom, delimiter):
    path = by_csv(tmp_path / "a.csv", ROWS, codec, delimiter)
    opened, rows = read_all(path)
    assert (opened.encoding, opened.delimiter, opened.bom) == (encoding, delimiter, bom)
    assert not opened.faults
    assert [row.values["name"] for row in rows] == ["双肩包，墨黑", "钥匙包"]


def test_utf_16_big_endian_with_a_mark(tmp_path):
    data = b"\xfe\xff" + "商品编码,执行价\nA,1".encode("utf-16-be")
    assert shape_of(tmp_path, data) == ("utf-16-be", ",", True)


def test_a_character_of_four_bytes_in_gb18030_is_kept(tmp_path):
    path = by_csv(tmp_path / "a.csv", [["商品编码", "商品名称", "执行价"], ["A1", "㐀𠮷", "1"]], "gb18030")
    assert read_all(path)[1][0].values["name"] == "㐀𠮷"


def test_bytes_of_no_encoding_are_refused_with_their_place(tmp_path):
    error = refused(tmp_path, "商品编码,执行价\n墨黑".encode("gb18030") + b"\xff,1\n")
    assert error.code == "bad_bytes"
    assert (error.data["line"], error.data["position"], error.data["byte"]) == (2, 21, "FF")
    with translation.override("en"):
        assert "Byte 21 in line 2 (FF)" in str(error)


def test_broken_utf_8_is_not_read_as_something_else(tmp_path):
    """GB18030 takes nearly any bytes: Chinese in UTF-8 with one byte lost would become other Chinese."""
    data = "商品编码,商品名称,执行价\nCS-1,双肩包,129.00\n".encode()
    place = data.index("肩".encode())
    error = refused(tmp_path, data[: place + 2] + data[place + 3 :])
    assert (error.code, error.data["line"], error.data["encoding"]) == ("bad_bytes", 2, "UTF-8")


def test_a_place_behind_a_byte_order_mark_counts_the_mark(tmp_path):
    assert refused(tmp_path, b"\xef\xbb\xbfab\xff").data["position"] == 6


def test_an_encoding_that_is_given_is_not_guessed_but_still_strict(tmp_path):
    data = "商品编码,执行价\n".encode("gb18030")
    assert shape_of(tmp_path, data, encoding="gbk")[0] == "gb18030"
    assert refused(tmp_path, data, encoding="utf-8").code == "bad_bytes"


def test_a_given_encoding_still_takes_off_the_byte_order_mark(tmp_path):
    path = by_csv(tmp_path / "a.csv", ROWS, "utf-8-sig")
    assert read_all(path, encoding="utf-8")[0].headers["sku"] == "商品编码"


def test_an_unknown_encoding_or_delimiter_is_refused(tmp_path):
    assert refused(tmp_path, b"a,b", encoding="rot13").code == "unknown_encoding"
    assert refused(tmp_path, b"a,b", delimiter="|").code == "unknown_delimiter"


@pytest.mark.parametrize("data", [b"sku,price\nA\0B,1\n", "a,b\n商\0,1\n".encode("utf-16")])
def test_a_zero_byte_is_refused_with_its_line(tmp_path, data):
    error = refused(tmp_path, data)
    assert (error.code, error.data["line"]) == ("nul_byte", 2)


def test_utf_32_is_refused(tmp_path):
    assert refused(tmp_path, "a,b".encode("utf-32")).code == "utf_32"


def test_commas_in_a_title_or_in_quotes_do_not_decide_the_delimiter(tmp_path):
    assert shape_of(tmp_path, b'a;b;c\n"1,2,3,4";2;3\n')[1] == ";"
    assert shape_of(tmp_path, b"a\tb\tc\nx, y\t1,5\t2\n")[1] == "\t"


def test_a_file_of_one_column_has_commas(tmp_path):
    assert shape_of(tmp_path, b"sku\nA1\n")[1] == ","


def test_line_ends_of_all_systems_are_understood(tmp_path):
    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "a.csv").write_bytes(end.join(["商品编码,执行价", "A1,1", "A2,2"]).encode())
        opened, rows = read_all(tmp_path / "a.csv")
        assert [row.number for row in rows] == [2, 3]
        assert opened.total == 2


def test_a_cell_with_a_line_end_counts_as_one_row_as_excel_shows_it(tmp_path):
    path = by_csv(
        tmp_path / "a.csv", [["商品编码", "商品名称", "执行价"], ["A1", "上\n下", "1"], ["A2", "x", "2"]]
    )
    assert [(row.number, row.values["name"]) for row in read_all(path)[1]] == [(2, "上 下"), (3, "x")]


@pytest.mark.parametrize("bad", ['A1,"never closed,1\nA2,x,2\n', 'A1,"a"b,1\n'])
def test_quotation_marks_that_do_not_pair_are_refused_and_swallow_no_row(tmp_path, bad):
    (tmp_path / "a.csv").write_text(f"商品编码,商品名称,执行价\n{bad}", encoding="utf-8")
    with pytest.raises(SpreadsheetRefused) as caught:
        read_all(tmp_path / "a.csv")
    assert caught.value.code == "quotation_marks"
