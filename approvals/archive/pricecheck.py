"""Prices in force against what was sealed: a few statements per record, whatever the number of its lines."""

import io
import re

from django.db import connection, transaction
from django.utils.translation import gettext as _

from approvals.kinds import KINDS
from approvals.models import DocumentKind
from stores.models import PriceLayer

OPENING = "QC-"
COLUMN_NAME = re.compile(r"[a-z_]{1,40}\Z")
NARROWNESS = (
    "CASE WHEN l.scope_key LIKE 'stores:%%' THEN 0 WHEN l.scope_key LIKE 'brand:%%' THEN 1 ELSE 2 END"
)

# What the lines say, each store once: {lines} gives them. No table is written, so nothing has to be counted first.
COMPARED = f"""
WITH sealed AS MATERIALIZED (
    SELECT DISTINCT ON (k.id, s.store_id) k.id AS sku_id, s.store_id, l.row_no::integer AS line_no,
        l.final_price::numeric AS amount
    FROM ({{lines}}) l
    JOIN unnest(%(scopes)s::text[], %(stores)s::bigint[]) AS s (scope_key, store_id) ON s.scope_key = l.scope_key
    JOIN stores_sku k ON k.code = l.sku_code
    ORDER BY k.id, s.store_id, {NARROWNESS}),
in_force AS MATERIALIZED (
    SELECT sku_id, store_id, line_no, amount, layer, currency, during FROM stores_priceinforce
    WHERE document_number = %(number)s)
SELECT (SELECT count(*) FROM sealed), (
    SELECT min(p.line_no) FROM in_force p LEFT JOIN sealed e ON e.sku_id = p.sku_id AND e.store_id = p.store_id
    WHERE (e.line_no, e.amount, %(layer)s, %(currency)s) IS DISTINCT FROM (p.line_no, p.amount, p.layer, p.currency)
    OR lower(p.during) < %(start)s
    OR (%(end)s::timestamptz IS NOT NULL AND p.during <> tstzrange(%(start)s, %(end)s))), (
    SELECT min(e.line_no) FROM sealed e WHERE NOT EXISTS (
        SELECT FROM in_force p WHERE p.sku_id = e.sku_id AND p.store_id = e.store_id
        AND lower(p.during) = %(start)s))
"""
SEALED = "SELECT row_no, sku_code, scope_key, final_price FROM sealed_line WHERE struck = 'false'"
LIVE = "SELECT row_no, sku_code, scope_key, final_price FROM {table} WHERE document_id = %(document)s AND NOT struck"
# What is joined here has no statistics: by hashing, never row by row. Compiling takes longer than it saves.
WHOLE_TABLES = "SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '128MB'; SET LOCAL jit = off"
# A window ends because its document says so, or because another begins there; what was open before goes on after.
TIMELINE = """
WITH bounded AS (
    SELECT document_number FROM approvals_archiverecord WHERE kind = 'filing' AND effective_to IS NOT NULL)
SELECT p.document_number, p.line_no FROM stores_priceinforce p
LEFT JOIN bounded b ON b.document_number = p.document_number
WHERE NOT upper_inf(p.during)
AND NOT EXISTS (
    SELECT FROM stores_priceinforce n WHERE n.sku_id = p.sku_id AND n.store_id = p.store_id AND n.layer = p.layer
    AND lower(n.during) = upper(p.during))
AND (b.document_number IS NULL OR EXISTS (
    SELECT FROM stores_priceinforce o WHERE o.sku_id = p.sku_id AND o.store_id = p.store_id AND o.layer = p.layer
    AND upper(o.during) = lower(p.during)
    AND NOT EXISTS (SELECT FROM bounded WHERE bounded.document_number = o.document_number)))
ORDER BY p.id LIMIT 5
"""
# Walks the index from one number to the next instead of reading every price.
NUMBERS = """
WITH RECURSIVE known (number) AS (
    (SELECT document_number FROM stores_priceinforce ORDER BY document_number LIMIT 1)
    UNION ALL
    SELECT (SELECT document_number FROM stores_priceinforce WHERE document_number > known.number
        ORDER BY document_number LIMIT 1) FROM known WHERE known.number IS NOT NULL)
SELECT known.number FROM known WHERE known.number IS NOT NULL AND known.number NOT LIKE %s
AND NOT EXISTS (SELECT FROM approvals_archiverecord a WHERE a.document_number = known.number AND a.kind = 'filing')
ORDER BY known.number LIMIT 5
"""


def price_breaks(record, filed):
    """Compare the prices in force of a filed document with its sealed lines; returns (how many, sentences).

    Where ``filed`` was read without its lines, the live ones are taken: they were just found to be the same.
    """
    document = filed.row("document")
    keys, stores = scopes(filed)
    known = {
        "number": record.document_number,
        "document": record.document_id,
        "layer": sealed_layer(filed),
        "currency": document["currency"],
        "start": document["effective_from"],
        "end": document["effective_to"],
        "scopes": keys,
        "stores": stores,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WHOLE_TABLES)
        if filed.data:
            load_lines(cursor, filed)
            lines = SEALED
        else:
            lines = LIVE.format(table=KINDS[DocumentKind(document["kind"])].line_table)
        cursor.execute(COMPARED.format(lines=lines), known)
        count, changed, missing = cursor.fetchone()
        if filed.data:
            cursor.execute("DROP TABLE sealed_line")
    found = (
        (changed, _("the price in force of line %(line)s differs from the sealed line.")),
        (missing, _("the price in force of line %(line)s is missing.")),
    )
    return count, [text % {"line": line} for line, text in found if line is not None]


def sealed_layer(filed):
    """Return the layer that the sealed header means, as the document's kind reads it."""
    kind = KINDS[DocumentKind(filed.row("document")["kind"])]
    known = {name: value for name, value in filed.row("content").items() if name.endswith("_kind")}
    return PriceLayer(kind.layer(kind.model(**known)))


def load_lines(cursor, filed):
    """Copy the sealed lines into a table of their own: they are written as COPY reads them."""
    if not all(COLUMN_NAME.match(name) for name in filed.columns):
        raise ValueError(_("unknown columns"))
    columns = ", ".join(f"{name} text" for name in filed.columns)
    cursor.execute(f"CREATE TEMPORARY TABLE sealed_line ({columns}) ON COMMIT DROP")
    cursor.copy_expert("COPY sealed_line FROM STDIN", io.BytesIO(memoryview(filed.data)[filed.lines_start :]))


def scopes(filed):
    """Return the sealed scopes as two columns: scope, key of a store."""
    keys = {row["code"]: row["id"] for row in filed.rows("store")}
    pairs = [(row["key"], keys[code]) for row in filed.rows("scope") for code in row["stores"]]
    return [key for key, _store in pairs], [store for _key, store in pairs]


def timeline_breaks():
    """Return sentences for windows that ended without reason, and prices that no filed document made.

    Prices from before the first filing carry a number of their own (QC-2026-0001).
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(WHOLE_TABLES)
        cursor.execute(TIMELINE)
        ended = [
            _("The price of %(number)s, line %(line)s, ended although nothing followed.")
            % {"number": number, "line": line}
            for number, line in cursor.fetchall()
        ]
        cursor.execute(NUMBERS, [OPENING + "%"])
        unknown = [
            _("There are prices of %(number)s, which was never filed.") % {"number": number}
            for (number,) in cursor.fetchall()
        ]
    return ended + unknown
