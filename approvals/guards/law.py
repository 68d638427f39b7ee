"""Guards that the law asks for (规范促销行为暂行规定, art. 21)."""

from approvals.guards.frame import LINE, START, guard, store_names


@guard("G22")
def struck_through_price(check):
    """A struck-through price is not above the lowest price of the days before the start, in the same store.

    Where no price held in those days, the last one before them counts; where none ever held, nothing bears the price.
    Evidence attached to the document takes the block away; what was found stays as information.
    """
    days_before = f"tstzrange({START} - %(G22_days)s * interval '1 day', {START})"
    evidence = """EXISTS (SELECT FROM approvals_attachment e
                          WHERE e.document_id = %(doc)s AND e.kind = 'evidence')"""
    return [
        f"""WITH marked AS (
                SELECT l.id AS line_id, l.sku_id, r.store_id
                FROM lines l JOIN rules r ON r.line_id = l.id WHERE l.compare_at_price IS NOT NULL),
             recent AS (
                SELECT m.line_id, m.store_id, min(p.amount) AS lowest
                FROM marked m JOIN stores_priceinforce p ON p.sku_id = m.sku_id AND p.store_id = m.store_id
                WHERE p.during && {days_before} GROUP BY m.line_id, m.store_id),
             earlier AS (
                SELECT m.line_id, m.store_id, p.amount AS lowest
                FROM marked m, LATERAL (
                    SELECT p.amount FROM stores_priceinforce p
                    WHERE p.sku_id = m.sku_id AND p.store_id = m.store_id AND lower(p.during) < {START}
                    ORDER BY upper(p.during) DESC NULLS FIRST, p.amount LIMIT 1) p
                WHERE NOT EXISTS (SELECT FROM recent r WHERE r.line_id = m.line_id AND r.store_id = m.store_id)),
             lowest AS (
                SELECT m.line_id, min(x.lowest) AS price,
                       array_agg(x.store_id) FILTER (WHERE x.lowest < l.compare_at_price) AS stores
                FROM (SELECT DISTINCT line_id FROM marked) m JOIN lines l ON l.id = m.line_id
                LEFT JOIN (SELECT * FROM recent UNION ALL SELECT * FROM earlier) x ON x.line_id = m.line_id
                GROUP BY m.line_id)
            SELECT CASE WHEN {evidence} THEN 'info' ELSE 'block' END, {LINE},
                   CASE WHEN {evidence} THEN 'evidence' WHEN w.price IS NULL THEN 'no_price' ELSE 'no_evidence' END,
                   l.compare_at_price::text, coalesce(w.price::text, ''),
                   jsonb_build_object('stores', {store_names("w.stores")})
            FROM lines l JOIN lowest w ON w.line_id = l.id
            WHERE w.price IS NULL OR l.compare_at_price > w.price"""
    ]
