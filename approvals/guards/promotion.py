"""Guards of promotions: a discount that is one, and a promotion that is limited."""

from approvals.guards.frame import DOCUMENT, END, LINE, NO_WITNESS, START, guard, pct

STORES = "jsonb_build_object('stores', jsonb_agg(DISTINCT t.name))"
# Half a point: what is lost where a page promises whole percents.
TOLERANCE = "0.5"
# Which lines a look at their lowest and highest price at the start leaves in doubt; only these are judged per store.
MAY_BE_ABOVE = f"""
SELECT l.* FROM lines l JOIN present p ON p.line_id = l.id WHERE l.final_price >= p.low
UNION SELECT l.* FROM lines l JOIN stores_priceinforce p ON p.sku_id = l.sku_id AND p.layer = 'base'
WHERE lower(p.during) > {START} AND lower(p.during) < {END}
"""
MAY_PROMISE_ELSE = f"""
SELECT l.* FROM lines l JOIN present p ON p.line_id = l.id
WHERE abs(l.discount - (100 - l.final_price * 100 / p.low)) > {TOLERANCE}
   OR abs(l.discount - (100 - l.final_price * 100 / p.high)) > {TOLERANCE}
"""
MAY_LACK_A_PRICE = """
SELECT l.* FROM lines l JOIN scopes g ON g.no = l.scope LEFT JOIN present p ON p.line_id = l.id
WHERE coalesce(p.stores, 0) < cardinality(g.stores)
"""


@guard("G17")
def no_real_discount(check):
    """A promotion price lies below every base price of its window, and the discount promised is the one given.

    Where there is no price in force there is nothing to compare with; that needs a reason. Compared per store.
    """
    in_stores = "JOIN rules r ON r.line_id = l.id JOIN stores_store t ON t.id = r.store_id"
    same_place = "p.sku_id = l.sku_id AND p.store_id = r.store_id AND p.layer = 'base'"
    given = "(100 - l.final_price * 100 / p.amount)"
    return [
        f"""WITH suspects AS MATERIALIZED ({MAY_BE_ABOVE})
            SELECT 'block', {LINE}, 'not_below', l.final_price::text, min(p.amount)::text, {STORES}
            FROM suspects l {in_stores} JOIN stores_priceinforce p ON {same_place}
            WHERE p.during && tstzrange({START}, {END}) AND l.final_price >= p.amount
            GROUP BY l.id, l.row_no, l.sku_code, l.final_price""",
        f"""WITH suspects AS MATERIALIZED ({MAY_PROMISE_ELSE})
            SELECT 'block', {LINE}, 'discount', {pct("l.discount")},
                   CASE WHEN min(p.amount) = max(p.amount) THEN {pct(f"min({given})")}
                        ELSE {pct(f"min({given})")} || ' – ' || {pct(f"max({given})")} END, {STORES}
            FROM suspects l {in_stores} JOIN stores_priceinforce p ON {same_place}
            WHERE p.during @> {START} AND l.final_price < p.amount AND abs(l.discount - {given}) > {TOLERANCE}
            GROUP BY l.id, l.row_no, l.sku_code, l.discount""",
        f"""WITH suspects AS MATERIALIZED ({MAY_LACK_A_PRICE})
            SELECT 'warn', {LINE}, 'no_price', '', '', {STORES}
            FROM suspects l {in_stores}
            WHERE NOT EXISTS (SELECT FROM stores_priceinforce p WHERE {same_place} AND p.during @> {START})
            GROUP BY l.id, l.row_no, l.sku_code""",
    ]


@guard("G20", whole=True)
def open_promotion(check):
    """A promotion says how many one buyer can have, how many there are, what it may cost, and when it ends."""
    promotion = check.own
    missing = {
        "no_cap": not promotion.per_user_cap,
        "no_total": not promotion.total_quantity,
        "no_budget": promotion.budget is None,
        "no_end": promotion.effective_to is None,
    }
    return [
        f"SELECT 'block', {DOCUMENT}, '{variant}', '', '', {NO_WITNESS}"
        for variant, absent in missing.items()
        if absent
    ]
