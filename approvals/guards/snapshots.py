"""What a draft's lines copy from masters and prices in force, so that all later checks look at one row."""

from django.db import connection, transaction

from approvals.guards.frame import PRESENT_TABLE, SCOPES_TABLE
from approvals.kinds import kind_of

LINES_TABLE = """
CREATE TEMPORARY TABLE lines ON COMMIT DROP AS
SELECT l.id, l.sku_id, g.no AS scope FROM {lines} l LEFT JOIN scopes g ON g.scope_key = l.scope_key
WHERE l.document_id = %(doc)s AND (%(touched)s::bigint[] IS NULL OR l.id = ANY (%(touched)s))
"""
SNAPSHOT = """
WITH facts AS (
    SELECT l.id, {masters}, p.version,
           CASE WHEN p.low = p.high THEN p.low ELSE (
               SELECT mode() WITHIN GROUP (ORDER BY q.amount) FROM stores_priceinforce q
               JOIN scopes g ON g.no = l.scope AND q.store_id = ANY (g.stores)
               WHERE q.sku_id = l.sku_id AND q.layer = 'base' AND q.during @> %(start)s::timestamptz) END AS price
    FROM lines l JOIN stores_sku s ON s.id = l.sku_id LEFT JOIN present p ON p.line_id = l.id)
UPDATE {lines} l SET base_price = f.price, base_version = f.version, {copies},
                  band = CASE WHEN l.final_price = f.price THEN 3 ELSE 2 END
FROM facts f
WHERE l.id = f.id AND (l.base_price, l.base_version, {columns}) IS DISTINCT FROM (f.price, f.version, {values})
"""
COPIED = ("cost", "floor_price", "ceiling_price")


@transaction.atomic
def refresh_snapshots(document, *, touched=None):
    """Set price in force and its version on every line, and cost, floor and ceiling where the draft has none.

    The price in force is that of the base layer at the moment the document takes effect, the most common one where
    stores differ; its version is the newest of them. The same statements for any number of lines; lines that would
    stay as they are, are not written; the others are put into the group that their price alone says, so that the check
    that follows writes few of them again. With ``touched`` only the lines with these keys. Only for a document that is
    still being drafted.
    """
    kind = kind_of(document)
    columns = {field.column for field in kind.line_model._meta.concrete_fields}
    values = {name: f"coalesce(l.{name}, f.{name})" for name in COPIED if name in columns}
    params = {"doc": document.pk, "start": document.effective_from, "touched": touched}
    with connection.cursor() as cursor:
        cursor.execute(SCOPES_TABLE, params)
        cursor.execute(LINES_TABLE.format(lines=kind.line_table), params)
        cursor.execute("ANALYZE scopes; ANALYZE lines")
        cursor.execute(PRESENT_TABLE, params)
        cursor.execute("ANALYZE present (line_id)")
        cursor.execute(
            SNAPSHOT.format(
                lines=kind.line_table,
                masters=", ".join(f"s.{name}" for name in values),
                copies=", ".join(f"{name} = {value}" for name, value in values.items()),
                columns=", ".join(f"l.{name}" for name in values),
                values=", ".join(values.values()),
            ),
            params,
        )
        cursor.execute("DROP TABLE present, lines, scopes")
