"""Guards that look across lines, stores, brands and documents."""

from approvals.guards.frame import LINE, NO_WITNESS, guard, pct

STORE_NAMES = "jsonb_build_object('stores', jsonb_agg(t.name ORDER BY t.\"order\", t.code))"


@guard("G01")
def listed(check):
    """Each SKU is active, has a store that takes its price, and is on the shelf of the stores that the line means."""
    return [
        f"SELECT 'block', {LINE}, 'inactive', '', '', {NO_WITNESS} FROM lines l WHERE NOT l.sku_active",
        f"""SELECT 'block', {LINE}, 'no_store', '0', '1', {NO_WITNESS} FROM lines l
            WHERE NOT EXISTS (SELECT 1 FROM approvals_scopestore c
                              WHERE c.document_id = %(doc)s AND c.scope_key = l.scope_key)""",
        f"""SELECT 'warn', {LINE}, 'no_listing', count(*)::text, '0', {STORE_NAMES}
            FROM rules r JOIN lines l ON l.id = r.line_id JOIN stores_store t ON t.id = r.store_id
            LEFT JOIN stores_listing g ON g.sku_id = l.sku_id AND g.store_id = r.store_id AND g.state = 'listed'
            WHERE g.id IS NULL GROUP BY l.id, l.row_no, l.sku_code""",
    ]


@guard("G02")
def duplicates(check):
    """The same SKU for one store in two lines of equal breadth, or in a narrower one without a written exception."""
    return [
        f"""SELECT 'block', {LINE}, 'overlap', count(*)::text, '1', {STORE_NAMES}
            FROM lines l JOIN lines o ON o.sku_id = l.sku_id AND o.id <> l.id
            JOIN approvals_scopestore a ON a.document_id = %(doc)s AND a.scope_key = l.scope_key
            JOIN approvals_scopestore b ON b.document_id = %(doc)s AND b.scope_key = o.scope_key
                 AND b.store_id = a.store_id
            JOIN stores_store t ON t.id = a.store_id
            WHERE (split_part(l.scope_key, ':', 1) = split_part(o.scope_key, ':', 1)
                   OR (l.exception_reason = '' AND o.exception_reason = ''))
            GROUP BY l.id, l.row_no, l.sku_code"""
    ]


@guard("G12")
def stores_differ(check):
    """Unified stores have one price per SKU, unless it is a campaign or exclusive SKU with a written exception.

    A line for some stores only is compared with the other lines of the SKU and with the prices in force elsewhere.
    """
    excepted = "l.pool IN ('exclusive', 'campaign') AND l.exception_reason <> ''"
    return [
        f"""SELECT 'block', {LINE}, 'no_exception', l.final_price::text, min(x.amount)::text,
                   jsonb_build_object('stores', jsonb_agg(DISTINCT x.name))
            FROM lines l JOIN LATERAL (
                SELECT t.name, coalesce(o.final_price, p.amount) AS amount
                FROM stores_store t
                LEFT JOIN rules r ON r.store_id = t.id
                     AND r.line_id IN (SELECT k.id FROM lines k WHERE k.sku_id = l.sku_id)
                LEFT JOIN lines o ON o.id = r.line_id
                LEFT JOIN stores_priceinforce p ON p.sku_id = l.sku_id AND p.store_id = t.id
                     AND p.layer = %(layer)s AND p.during @> %(start)s::timestamptz
                WHERE t.unified_price AND t.status = 'trading' AND t.mode = 'self_operated'
            ) x ON x.amount IS NOT NULL AND x.amount <> l.final_price
            WHERE l.scope_key <> 'all' AND NOT ({excepted})
            GROUP BY l.id, l.row_no, l.sku_code, l.final_price"""
    ]


@guard("G13")
def brands_differ(check):
    """The same product under the other brand differs by more than the limit, in this list or in force."""
    return [
        f"""SELECT 'warn', {LINE}, 'brands', {pct("max(x.gap)")}, {pct("%(G13_difference)s")},
                   jsonb_build_object('sku', min(x.code), 'price', min(x.amount))
            FROM lines l JOIN LATERAL (
                SELECT s.code, coalesce(o.final_price, p.amount) AS amount,
                       abs(l.final_price - coalesce(o.final_price, p.amount)) * 100
                       / coalesce(o.final_price, p.amount) AS gap
                FROM stores_sku s LEFT JOIN lines o ON o.sku_id = s.id AND o.scope_key = l.scope_key
                LEFT JOIN LATERAL (SELECT amount FROM stores_priceinforce p WHERE p.sku_id = s.id
                                   AND p.layer = 'base' AND p.during @> %(start)s::timestamptz LIMIT 1) p ON true
                WHERE s.product_id = l.product_id AND s.brand_id <> l.brand_id AND s.active
            ) x ON x.gap > %(G13_difference)s
            GROUP BY l.id, l.row_no, l.sku_code"""
    ]


@guard("G16")
def stale_base(check):
    """The price in force is another one than the line was made on."""
    from approvals.guards.snapshots import present_prices_sql

    return [
        f"""WITH present AS MATERIALIZED ({present_prices_sql(check.kind)})
            SELECT 'block', {LINE}, 'moved', coalesce(p.amount::text, ''), coalesce(l.base_price::text, ''),
                   jsonb_build_object('price', p.amount)
            FROM lines l LEFT JOIN present p ON p.line_id = l.id
            WHERE l.base_version IS DISTINCT FROM p.version"""
    ]
