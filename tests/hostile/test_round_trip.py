"""Whatever is taken is stored exactly: read, written, read again, sealed and copied, it stays what it was."""

import io
import json
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from approvals.archive.canonical import build, fields_of, parse, raw_line
from approvals.content import column_text_sql
from opsadmin.core.sealing import NotCanonical, canonical_json
from opsadmin.core.spreadsheets import Column, SheetOut, read, write_csv, write_xlsx

FEW, MANY = 25, 2000
HEADER = ["商品编码", "执行价", "商品名称"]
COLUMNS = (
    Column("sku", HEADER[:1], required=True, kind="code", max_length=40),
    Column("price", HEADER[1:2], required=True, kind="money"),
    Column("name", HEADER[2:], max_length=160),
)
CODES = st.from_regex(r"[0-9A-Z][0-9A-Z_./-]{0,20}", fullmatch=True)
AMOUNTS = st.decimals("0.01", "9999999999.99", places=2)
# A CSV file with a null byte is no text file; the corpus has that case.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
ROWS = st.lists(st.tuples(CODES, AMOUNTS, TEXTS), min_size=1, max_size=8)


def written(path, rows, kind):
    if kind == "csv":
        write_csv(path, HEADER, rows)
    else:
        write_xlsx(path, [SheetOut("x", HEADER, rows, text_columns=[HEADER[0], HEADER[2]])])
    return path


def taken(path):
    """Return the rows that are read without a fault."""
    table = read(path, path.name, columns=COLUMNS)
    return [tuple(row.values.values()) for row in table if not row.faults]


def check_reader(folder, kind, rows):
    """Rows are read exactly but for what the reader says it puts right; read again, nothing is put right any more."""
    path = folder / f"a.{kind}"
    first = taken(written(path, rows, kind))
    known = {(sku, price) for sku, price, _name in rows}
    assert {(sku, price) for sku, price, _name in first} <= known
    clean = [row for row in rows if row[2].isprintable() and row[2] == row[2].strip()]
    assert len(first) >= sum(
        1 for row in clean if not row[2].startswith(tuple("'=+-@＝＋－＠#")) and row[2].isalnum()
    )
    if first:
        assert taken(written(path, first, kind)) == first


def check_line(values):
    """A sealed line says exactly its values, to its own reader and to the database's COPY."""
    line = raw_line(values)
    assert fields_of(line) == list(values)
    filed = parse(b"".join(build([{"t": "archive"}, {"t": "content"}], ["a", "b", "c"], [line])))
    assert list(filed.lines()) == [dict(zip("abc", values, strict=True))]
    if any("\0" in value for value in values if value):
        return
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE sealed (a text, b text, c text) ON COMMIT DROP")
        cursor.copy_expert("COPY sealed FROM STDIN", io.BytesIO(line.encode() + b"\n"))
        columns = " || E'\\t' || ".join(column_text_sql(name, "s") for name in "abc")
        cursor.execute(f"SELECT a, b, c, {columns} FROM sealed s")
        *stored, again = cursor.fetchone()
        cursor.execute("DROP TABLE sealed")
    assert (stored, again) == (list(values), line)


def check_json(value):
    """Canonical JSON says the same whatever the order of keys, and is read back as it was."""
    data = canonical_json(value)
    assert json.loads(data) == value
    assert canonical_json(json.loads(data)) == data
    assert canonical_json(dict(reversed(value.items()))) == data


LINES = st.tuples(*[st.none() | st.text(st.characters(codec="utf-8"), max_size=40)] * 3)
JSON = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"), max_size=20),
        lambda inner: st.lists(inner, max_size=4),
        max_leaves=8,
    ),
    max_size=6,
)


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@given(rows=ROWS)
@settings(max_examples=FEW)
def test_rows_that_are_read_are_read_exactly_and_again(kind, rows, tmp_path):
    check_reader(tmp_path, kind, rows)


@given(values=LINES)
@example(values=("\\N", None, ""))
@example(values=("\\", "\\.", "\\t"))
@example(values=("a\tb", "c\nd", "e\rf"))
@settings(max_examples=FEW)
def test_a_sealed_line_says_its_values_to_every_reader(db, values):
    check_line(values)


@given(value=JSON)
@settings(max_examples=FEW)
def test_canonical_json_is_one_way_to_write_a_value(value):
    check_json(value)


def test_half_a_character_is_refused():
    with pytest.raises(NotCanonical):
        canonical_json({"a": "\ud800"})


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@given(rows=ROWS)
@settings(max_examples=MANY)
def test_thousands_of_tables_are_read_exactly_and_again(kind, rows, tmp_path):
    check_reader(tmp_path, kind, rows)


@pytest.mark.soak
@given(values=LINES, value=JSON, price=AMOUNTS)
@settings(max_examples=MANY)
def test_thousands_of_values_are_sealed_exactly(db, values, value, price):
    check_line(values)
    check_json(value)
    assert Decimal(canonical_json(price).decode().strip('"')) == price
