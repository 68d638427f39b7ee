"""Guards of promotions: a discount that is one, and a promotion that is limited."""

from approvals.guards.frame import DOCUMENT, LINE, NO_WITNESS, guard, pct

STORES = "jsonb_build_object('stores', jsonb_agg(DISTINCT t.name))"
# Half a point: what is lost where a page promises whole percents.
TOLERANCE = "0.5"


@guard("G17")
def no_real_discount(check):
    """A promotion price lies below every base price of its window, and the discount promised is the one given.

    Where there is no price in force there is nothing to compare with; that needs a reason. Compared per store.
    """
    window = "tstzrange(%(start)s::timestamptz, %(end)s::timestamptz)"
    priced = """rules r JOIN lines l ON l.id = r.line_id JOIN stores_store t ON t.id = r.store_id
                JOIN stores_priceinforce p ON p.sku_id = l.sku_id AND p.store_id = r.store_id AND p.layer = 'base'"""
    at_start = "p.during @> %(start)s::timestamptz"
    given = "(100 - l.final_price * 100 / p.amount)"
    return [
        f"""SELECT 'block', {LINE}, 'not_below', l.final_price::text, min(p.amount)::text, {STORES}
            FROM {priced} WHERE p.during && {window} AND l.final_price >= p.amount
            GROUP BY l.id, l.row_no, l.sku_code, l.final_price""",
        f"""SELECT 'block', {LINE}, 'discount', {pct("l.discount")},
                   CASE WHEN max(p.amount) - min(p.amount) < 0.01 THEN {pct(f"min({given})")}
                        ELSE {pct(f"min({given})")} || ' – ' || {pct(f"max({given})")} END, {STORES}
            FROM {priced} WHERE {at_start} AND l.final_price < p.amount AND abs(l.discount - {given}) > {TOLERANCE}
            GROUP BY l.id, l.row_no, l.sku_code, l.discount""",
        f"""SELECT 'warn', {LINE}, 'no_price', '', '', {STORES}
            FROM rules r JOIN lines l ON l.id = r.line_id JOIN stores_store t ON t.id = r.store_id
            WHERE NOT EXISTS (SELECT FROM stores_priceinforce p WHERE p.sku_id = l.sku_id
                              AND p.store_id = r.store_id AND p.layer = 'base' AND {at_start})
            GROUP BY l.id, l.row_no, l.sku_code""",
    ]


@guard("G20")
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
