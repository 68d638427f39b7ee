"""What a draft's lines copy from masters and prices in force, so that all later checks look at one row."""

from django.db import connection

from approvals.kinds import kind_of
from approvals.scopes import ScopeStore


def refresh_snapshots(document):
    """Set price in force and its version on every line, and cost, floor and ceiling where the draft has none.

    The price in force is that of the base layer at the moment the document takes effect, the most common one where
    stores differ. Two statements for any number of lines. Only for a document that is still being drafted.
    """
    kind = kind_of(document)
    ceiling = ", ceiling_price = coalesce(l.ceiling_price, s.ceiling_price)" if kind.prefix == "JG" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE {kind.line_table} l
                SET cost = coalesce(l.cost, s.cost), floor_price = coalesce(l.floor_price, s.floor_price){ceiling}
                FROM stores_sku s WHERE s.id = l.sku_id AND l.document_id = %s
                AND (l.cost IS NULL OR l.floor_price IS NULL{" OR l.ceiling_price IS NULL" if ceiling else ""})
                AND (s.cost IS NOT NULL OR s.floor_price IS NOT NULL OR s.ceiling_price IS NOT NULL)""",
            [document.pk],
        )
        cursor.execute(
            f"""WITH present AS ({present_prices_sql(kind)})
                UPDATE {kind.line_table} l SET base_price = p.amount, base_version = p.version
                FROM {kind.line_table} k LEFT JOIN present p ON p.line_id = k.id
                WHERE k.id = l.id AND l.document_id = %(doc)s
                AND (l.base_price, l.base_version) IS DISTINCT FROM (p.amount, p.version)""",
            {"doc": document.pk, "start": document.effective_from},
        )


def present_prices_sql(kind):
    """Return SQL of (line_id, amount, version, differs) over the prices in force at ``start`` in the lines' stores."""
    return f"""SELECT l.id AS line_id, mode() WITHIN GROUP (ORDER BY p.amount) AS amount, max(p.id) AS version,
                      min(p.amount) <> max(p.amount) AS differs
               FROM {kind.line_table} l
               JOIN {ScopeStore._meta.db_table} c ON c.document_id = l.document_id AND c.scope_key = l.scope_key
               JOIN stores_priceinforce p ON p.sku_id = l.sku_id AND p.store_id = c.store_id
                    AND p.layer = 'base' AND p.during @> %(start)s::timestamptz
               WHERE l.document_id = %(doc)s GROUP BY l.id"""
