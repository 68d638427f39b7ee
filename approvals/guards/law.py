"""Guards that the law asks for (规范促销行为暂行规定, art. 21)."""

from approvals.guards.frame import LINE, guard


@guard("G22")
def struck_through_price(check):
    """A struck-through price is at most the lowest price of the days before, in the same store; else it needs evidence.

    Where no price held in those days, the last one before them counts.
    """
    return [
        f"""SELECT 'block', {LINE}, 'no_evidence', min(l.compare_at_price)::text, min(x.lowest)::text,
                   jsonb_build_object('stores', jsonb_agg(DISTINCT t.name))
            FROM rules r JOIN lines l ON l.id = r.line_id AND l.compare_at_price IS NOT NULL
            JOIN stores_store t ON t.id = r.store_id
            JOIN LATERAL (
                SELECT coalesce(
                    (SELECT min(p.amount) FROM stores_priceinforce p WHERE p.sku_id = l.sku_id
                     AND p.store_id = r.store_id AND p.during && tstzrange(
                         %(start)s::timestamptz - %(G22_days)s * interval '1 day', %(start)s::timestamptz)),
                    (SELECT p.amount FROM stores_priceinforce p WHERE p.sku_id = l.sku_id
                     AND p.store_id = r.store_id AND lower(p.during) < %(start)s::timestamptz
                     ORDER BY upper(p.during) DESC NULLS FIRST LIMIT 1)) AS lowest
            ) x ON true
            WHERE (x.lowest IS NULL OR l.compare_at_price > x.lowest)
            AND NOT EXISTS (SELECT 1 FROM approvals_attachment e WHERE e.document_id = %(doc)s AND e.kind = 'evidence')
            GROUP BY l.id, l.row_no, l.sku_code"""
    ]
