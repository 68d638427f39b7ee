"""The content of a document: the text that is hashed when it is shown, decided on and sealed.

SHA-256 over the canonical header, a line feed, and each line followed by a line feed, in the order of its kind:
SKU and scope (code points), or row. A line is its kind's sealed columns, tab-separated, with backslash, tab, line
feed and carriage return escaped and an absent value written ``\\N``. The sum is made in PostgreSQL: no line passes
through Python.
"""

import hashlib

from django.db import connection

from approvals.kinds import kind_of, specific
from opsadmin.core.sealing import canonical_json

LINES_AT_A_TIME = 5000


def column_text_sql(column, alias):
    """Return the SQL of one column's sealed text."""
    escaped = f"{alias}.{column}::text"
    for raw, written in (
        ("E'\\\\'", "E'\\\\\\\\'"),
        ("E'\\t'", "E'\\\\t'"),
        ("E'\\n'", "E'\\\\n'"),
        ("E'\\r'", "E'\\\\r'"),
    ):
        escaped = f"replace({escaped}, {raw}, {written})"
    return f"coalesce({escaped}, E'\\\\N')"


PLAIN_COLUMNS = {
    "row_no",
    "base_price",
    "cost",
    "floor_price",
    "final_price",
    "struck",
    "reference_price",
    "ceiling_price",
    "compare_at_price",
    "discount",
    "quantity_limit",
}


def line_text_sql(kind, alias="l"):
    """Return the SQL expression of a line's sealed text."""
    parts = [
        f"coalesce({alias}.{column}::text, E'\\\\N')"
        if column in PLAIN_COLUMNS
        else column_text_sql(column, alias)
        for column in kind.sealed_columns
    ]
    return " || E'\\t' || ".join(parts)


def header_json(document):
    """Return the canonical JSON of the sealed header, as bytes."""
    own = specific(document)
    return canonical_json({"t": "content", **kind_of(own).header(own)})


def content_hash(document):
    """Return the SHA-256 (hex) of the document's header and lines as they stand in the database."""
    kind = kind_of(document)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT encode(sha256(%s || convert_to(coalesce(string_agg("
            f"({line_text_sql(kind)}) || E'\\n', '' ORDER BY {kind.sealed_order}), ''), 'UTF8')), 'hex') "
            f"FROM {kind.line_table} l WHERE l.document_id = %s",
            [header_json(document) + b"\n", document.pk],
        )
        return cursor.fetchone()[0]


def refresh_hash(document):
    """Store the content's hash on the document and return it. Call it where header or lines were written."""
    document.content_hash = content_hash(document)
    document.save(update_fields=["content_hash", "updated_at"])
    return document.content_hash


def sealed_lines(document):
    """Yield the sealed text of every line in canonical order, a few thousand at a time. Needs a transaction."""
    kind = kind_of(document)
    connection.ensure_connection()
    with connection.connection.cursor(name="sealed_lines") as cursor:
        cursor.itersize = LINES_AT_A_TIME
        cursor.execute(
            f"SELECT {line_text_sql(kind)} FROM {kind.line_table} l WHERE l.document_id = %s "
            f"ORDER BY {kind.sealed_order}",
            [document.pk],
        )
        for (text,) in cursor:
            yield text


def hash_of(header, lines):
    """Return the same hash from a header's bytes and an iterable of sealed lines, as a package's reader would."""
    total = hashlib.sha256(header + b"\n")
    for line in lines:
        total.update(line.encode() + b"\n")
    return total.hexdigest()
