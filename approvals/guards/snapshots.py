"""What a draft's lines copy from masters and prices in force, so that all later checks look at one row."""

from django.db import connection

from approvals.kinds import kind_of

SNAPSHOT = """
WITH present AS MATERIALIZED (
    SELECT l.id AS line_id, min(p.amount) AS low, max(p.amount) AS high, max(p.id) AS version
    FROM {lines} l
    JOIN (SELECT scope_key, array_agg(store_id) AS stores FROM approvals_scopestore WHERE document_id = %(doc)s
          GROUP BY scope_key) c ON c.scope_key = l.scope_key
    JOIN stores_priceinforce p ON p.sku_id = l.sku_id AND p.store_id = ANY (c.stores)
         AND p.layer = 'base' AND p.during @> %(start)s::timestamptz
    WHERE l.document_id = %(doc)s GROUP BY l.id),
facts AS (
    SELECT l.id, s.cost, s.floor_price, s.ceiling_price, p.version,
           CASE WHEN p.low = p.high THEN p.low ELSE (
               SELECT mode() WITHIN GROUP (ORDER BY q.amount) FROM stores_priceinforce q
               JOIN approvals_scopestore c ON c.document_id = l.document_id AND c.scope_key = l.scope_key
                    AND c.store_id = q.store_id
               WHERE q.sku_id = l.sku_id AND q.layer = 'base' AND q.during @> %(start)s::timestamptz) END AS price
    FROM {lines} l JOIN stores_sku s ON s.id = l.sku_id LEFT JOIN present p ON p.line_id = l.id
    WHERE l.document_id = %(doc)s)
UPDATE {lines} l SET base_price = f.price, base_version = f.version, {copies}
FROM facts f
WHERE l.id = f.id AND (l.base_price, l.base_version, {columns}) IS DISTINCT FROM (f.price, f.version, {values})
"""
COPIED = ("cost", "floor_price", "ceiling_price")


def refresh_snapshots(document):
    """Set price in force and its version on every line, and cost, floor and ceiling where the draft has none.

    The price in force is that of the base layer at the moment the document takes effect, the most common one where
    stores differ; its version is the newest of them. One statement for any number of lines; lines that would stay as
    they are, are not written. Only for a document that is still being drafted.
    """
    kind = kind_of(document)
    names = {field.column for field in kind.line_model._meta.concrete_fields}
    values = {name: f"coalesce(l.{name}, f.{name})" for name in COPIED if name in names}
    with connection.cursor() as cursor:
        cursor.execute(
            SNAPSHOT.format(
                lines=kind.line_table,
                copies=", ".join(f"{name} = {value}" for name, value in values.items()),
                columns=", ".join(f"l.{name}" for name in values),
                values=", ".join(values.values()),
            ),
            {"doc": document.pk, "start": document.effective_from},
        )
