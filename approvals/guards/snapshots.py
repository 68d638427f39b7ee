"""What a draft's lines copy from masters and prices in force, so that all later checks look at one row."""

from django.db import connection, transaction

from approvals.guards.frame import clear, make_check, make_present, set_up

SNAPSHOT = """
WITH facts AS (
    SELECT l.id, {masters}, p.version,
           CASE WHEN p.low = p.high THEN p.low ELSE (
               SELECT mode() WITHIN GROUP (ORDER BY q.amount) FROM stores_priceinforce q
               JOIN scopes g ON g.scope_key = l.scope_key AND q.store_id = ANY (g.stores)
               WHERE q.sku_id = l.sku_id AND q.layer = 'base' AND q.during @> %(start)s::timestamptz) END AS price
    FROM {lines} l JOIN stores_sku s ON s.id = l.sku_id LEFT JOIN present p ON p.line_id = l.id
    WHERE l.document_id = %(doc)s {which})
UPDATE {lines} l SET base_price = f.price, base_version = f.version, {copies},
                  band = CASE WHEN l.final_price = f.price THEN 3 ELSE 2 END
FROM facts f
WHERE l.id = f.id AND (l.base_price, l.base_version, {columns}) IS DISTINCT FROM (f.price, f.version, {values})
"""
COPIED = ("cost", "floor_price", "ceiling_price")
TOUCHED = "AND l.id = ANY (%(touched)s)"


@transaction.atomic
def refresh_snapshots(document, *, touched=None):
    """Set price in force and its version on every line, and cost, floor and ceiling where the draft has none.

    The price in force is that of the base layer at the moment the document takes effect, the most common one where
    stores differ; its version is the newest of them. The same statements for any number of lines; lines that would
    stay as they are, are not written; the others are put into the group that their price alone says, so that the check
    that follows writes few of them again. With ``touched`` only the lines with these keys. Only for a document that is
    still being drafted.
    """
    check = make_check(document, None, {}, touched=touched or ())
    which = "" if touched is None else TOUCHED
    with connection.cursor() as cursor:
        set_up(cursor, check)
        make_present(cursor, check, which)
        take_snapshots(cursor, check, which)
        clear(cursor)


def take_snapshots(cursor, check, which=""):
    """Write what the lines copy, from the tables ``scopes`` and ``present``."""
    table = check.kind.line_table
    columns = {field.column for field in check.kind.line_model._meta.concrete_fields}
    values = {name: f"coalesce(l.{name}, f.{name})" for name in COPIED if name in columns}
    cursor.execute(
        SNAPSHOT.format(
            lines=table,
            which=which,
            masters=", ".join(f"s.{name}" for name in values),
            copies=", ".join(f"{name} = {value}" for name, value in values.items()),
            columns=", ".join(f"l.{name}" for name in values),
            values=", ".join(values.values()),
        ),
        check.params,
    )
