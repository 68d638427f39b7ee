"""The canonical form says the same thing in the same bytes, and what does not fit it is refused."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.archive.canonical import (
    build,
    content_hash_of,
    decision_hash,
    fields_of,
    parse,
    raw_line,
    read_through,
)
from opsadmin.core.sealing import GENESIS, NotCanonical, canonical_json
from tests.approvals.filed_documents import COLUMNS, filed_bytes, some_lines

ARCHIVE = {"t": "archive", "number": "GD-2026-0001"}
TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(TEXT, min_size=1))
def test_every_value_of_a_line_comes_back_as_it_was(values):
    line = raw_line(values)
    assert "\n" not in line
    assert fields_of(line) == values


def test_nothing_and_the_letters_that_stand_for_it_differ():
    assert raw_line([None, "\\N", ""]) == "\\N\t\\\\N\t"


def test_an_unknown_escape_is_refused():
    with pytest.raises(NotCanonical):
        fields_of("a\\x")


def test_a_filed_document_is_read_back_as_it_was_built():
    filed = parse(filed_bytes())
    assert [line["sku_code"] for line in filed.lines()] == [line["sku_code"] for line in some_lines()]
    assert list(filed.lines()) == some_lines()
    assert filed.row("document")["title"] == "全店冬季价格表"
    assert [store["code"] for store in filed.rows("store")] == ["jd-cslr", "tb-cslr"]
    assert (filed.count, tuple(filed.columns)) == (4, COLUMNS)


def test_a_record_without_lines_has_the_same_form():
    filed = parse(b"".join(build([ARCHIVE, {"t": "receipt", "store": "jd-cslr"}], [], [])))
    assert filed.row("receipt")["store"] == "jd-cslr"
    assert list(filed.lines()) == []


def test_the_content_hash_covers_the_content_row_and_every_line():
    data = filed_bytes()
    filed = parse(data)
    content = canonical_json(filed.row("content"))
    lines = b"".join(line + b"\n" for line in filed.raw_lines())
    assert content_hash_of(filed) == hashlib.sha256(content + b"\n" + lines).hexdigest()
    assert content_hash_of(filed) == filed.row("document")["content_hash"]
    assert content_hash_of(parse(data.replace(b"\t118.00", b"\t118.01", 1))) != content_hash_of(filed)


def test_decisions_are_chained_to_each_other():
    decisions = parse(filed_bytes()).rows("decision")
    assert [one["previous"] for one in decisions] == [GENESIS, *(one["hash"] for one in decisions[:-1])]
    assert all(one["hash"] == decision_hash(one) for one in decisions)
    assert decision_hash(decisions[0] | {"comment": "别的"}) != decisions[0]["hash"]


@pytest.mark.parametrize(
    ("prelude", "lines", "count"),
    [
        ([{"t": "document"}], [], 0),
        ([ARCHIVE, {"number": "a row that does not say what it is"}], [], 0),
        ([ARCHIVE, {"t": "lines"}], [], 0),
        ([ARCHIVE], ["one column"], 1),
        ([ARCHIVE], ["a\tb\nc\td"], 1),
        ([ARCHIVE], ["a\tb"], 2),
    ],
)
def test_what_does_not_fit_the_form_is_not_built(prelude, lines, count):
    with pytest.raises(NotCanonical):
        list(build(prelude, ["sku", "price"], iter(lines), count=count))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data + b"one line more\n",
        lambda data: data.replace(b"opsadmin-archive/1", b"opsadmin-archive/2"),
        lambda data: data.split(b"\n", 1)[1],
        lambda data: b"{}\n" + data,
        lambda data: b"[1]\n" + data,
        lambda data: data.replace(b'"t":"lines"', b'"t":"other"'),
        lambda data: data.replace(b'"count":4', b'"other":4'),
    ],
)
def test_what_is_not_in_the_form_is_not_read(spoil):
    with pytest.raises(NotCanonical):
        parse(spoil(filed_bytes()))


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_the_form_can_be_read_through_without_keeping_its_lines(size):
    data = filed_bytes()
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    filed, content_hash = read_through(pieces)
    whole = parse(data)
    assert (filed.prelude, filed.columns, filed.count) == (whole.prelude, whole.columns, whole.count)
    assert content_hash == content_hash_of(whole)
    assert list(filed.lines()) == []


@pytest.mark.parametrize("cut", [1, 40])
def test_reading_through_refuses_a_form_that_lost_its_end(cut):
    with pytest.raises(NotCanonical):
        read_through([filed_bytes()[:-cut]])
