"""Guards that look across lines, stores and brands."""

from approvals.guards.frame import DOCUMENT, LINE, NO_WITNESS, START, UNIFIED, guard, pct, store_names
from approvals.kinds import PRICE_KINDS


@guard("G01")
def listed(check):
    """Each SKU is sold, some store takes its price, and it is on the shelf of every store that the line means."""
    return [
        f"SELECT 'block', {LINE}, 'inactive', '', '', {NO_WITNESS} FROM lines l WHERE NOT l.sku_active",
        f"""SELECT 'block', {LINE}, 'no_store', '0', '1', {NO_WITNESS}
            FROM lines l WHERE l.breadth IS NULL""",
        f"""SELECT 'warn', {LINE}, 'no_listing', cardinality(l.missing)::text || '/' || cardinality(l.stores)::text,
                   '', jsonb_build_object('stores', {store_names("l.missing")})
            FROM (SELECT l.*, g.stores, ARRAY(
                      SELECT store FROM unnest(g.stores) AS store
                      WHERE store NOT IN (SELECT s.store_id FROM stores_listing s
                                          WHERE s.sku_id = l.sku_id AND s.state = 'listed')) AS missing
                  FROM lines l JOIN scopes g ON g.no = l.scope JOIN off_shelf o ON o.line_id = l.id) l""",
    ]


@guard("G01", whole=True)
def something_kept(check):
    """A document in which every line is struck decides nothing."""
    return [
        f"""SELECT 'block', {DOCUMENT}, 'nothing_kept', '0', '1', {NO_WITNESS}
            WHERE NOT EXISTS (SELECT FROM lines)
              AND EXISTS (SELECT FROM {check.kind.line_table} WHERE document_id = %(doc)s)"""
    ]


@guard("G02")
def duplicates(check):
    """A SKU has one line per store; a second one needs a written exception, and a SKU that may have one.

    The hit stands on the narrower line. Two lines of the same breadth that share a store are never allowed: neither
    would rule.
    """
    if check.one_scope:
        return []
    return [
        f"""SELECT 'block', {LINE}, 'overlap', min(o.row_no)::text, '', jsonb_build_object(
                       'row', min(o.row_no), 'price', min(o.final_price), 'stores', (
                       SELECT jsonb_agg(DISTINCT t.name) FROM stores_store t
                       WHERE t.id = ANY (g.stores) AND EXISTS (
                           SELECT FROM lines k JOIN scopes w ON w.no = k.scope
                           WHERE k.sku_id = l.sku_id AND k.id <> l.id AND t.id = ANY (w.stores))))
            FROM lines l JOIN scopes g ON g.no = l.scope
            JOIN lines o ON o.sku_id = l.sku_id AND o.id <> l.id
            JOIN scopes w ON w.no = o.scope AND w.stores && g.stores
            WHERE (g.breadth < w.breadth AND NOT l.excepted) OR (g.breadth = w.breadth AND o.row_no < l.row_no)
            GROUP BY l.id, l.row_no, l.sku_code, l.sku_id, g.stores"""
    ]


def by_exception(price):
    """Return SQL that says whether a filed line with a written exception made a price in force."""
    return " OR ".join(
        f"""EXISTS (SELECT FROM {kind.line_table} x JOIN approvals_document d ON d.id = x.document_id
                    WHERE d.number = {price}.document_number AND x.row_no = {price}.line_no
                      AND x.exception_reason <> '')"""
        for kind in PRICE_KINDS.values()
    )


@guard("G12")
def stores_differ(check):
    """At the start of the window a SKU has one price in all unified stores.

    Excepted is a campaign or exclusive SKU with a written exception. A line for some stores only is compared with the
    SKU's other lines, and with the prices in force in the unified stores that no line of it means.
    """
    return [
        f"""WITH suspects AS (SELECT DISTINCT sku_id FROM lines WHERE NOT everywhere),
             placed AS (
                SELECT l.sku_id, r.store_id, l.final_price AS price, l.excepted
                FROM rules r JOIN lines l ON l.id = r.line_id JOIN suspects USING (sku_id)
                JOIN stores_store t ON t.id = r.store_id AND {UNIFIED}),
             standing AS (
                SELECT DISTINCT ON (p.sku_id, p.store_id) p.sku_id, p.store_id, p.amount AS price, p.document_number,
                       p.line_no
                FROM stores_priceinforce p JOIN suspects USING (sku_id)
                JOIN stores_store t ON t.id = p.store_id AND {UNIFIED}
                WHERE p.layer IN ('base', %(layer)s) AND p.during @> {START}
                  AND NOT EXISTS (SELECT FROM placed WHERE placed.sku_id = p.sku_id AND placed.store_id = p.store_id)
                ORDER BY p.sku_id, p.store_id, p.layer DESC),
             prices AS (
                SELECT sku_id, store_id, price FROM placed WHERE NOT excepted
                UNION ALL SELECT sku_id, store_id, price FROM standing WHERE NOT ({by_exception("standing")})),
             differing AS (SELECT sku_id, min(price) AS low, max(price) AS high FROM prices
                           GROUP BY sku_id HAVING min(price) <> max(price))
            SELECT 'block', {LINE}, 'no_exception', l.final_price::text,
                   d.low::text || ' – ' || d.high::text,
                   jsonb_build_object('stores', (
                       SELECT jsonb_agg(t.name || ' ' || p.price::text ORDER BY t."order", t.code)
                       FROM prices p JOIN stores_store t ON t.id = p.store_id
                       WHERE p.sku_id = l.sku_id AND p.price <> l.final_price))
            FROM lines l JOIN differing d ON d.sku_id = l.sku_id WHERE NOT l.excepted"""
    ]


@guard("G13")
def brands_differ(check):
    """A product that several brands sell costs about the same under each, in this list or else in force.

    A product has many SKUs: a line is compared with the nearest price among the other brands' SKUs.
    """
    return [
        f"""WITH shared AS (
                SELECT product_id FROM stores_sku WHERE active AND product_id IN (SELECT product_id FROM lines)
                GROUP BY product_id HAVING min(brand_id) <> max(brand_id)),
             pairs AS MATERIALIZED (
                SELECT l.id AS line_id, l.final_price, o.id AS other_id, o.code
                FROM lines l JOIN shared USING (product_id)
                JOIN stores_sku o ON o.product_id = l.product_id AND o.brand_id <> l.brand_id AND o.active),
             listed AS (
                SELECT DISTINCT ON (sku_id) sku_id, final_price AS price FROM lines JOIN shared USING (product_id)
                ORDER BY sku_id, breadth DESC),
             known AS (
                SELECT o.other_id AS sku_id, coalesce(listed.price, (
                           SELECT mode() WITHIN GROUP (ORDER BY p.amount) FROM stores_priceinforce p
                           WHERE p.sku_id = o.other_id AND p.layer = 'base' AND p.during @> {START})) AS price
                FROM (SELECT DISTINCT other_id FROM pairs) o LEFT JOIN listed ON listed.sku_id = o.other_id),
             nearest AS (
                SELECT DISTINCT ON (pairs.line_id) pairs.line_id, pairs.code, known.price,
                       abs(pairs.final_price - known.price) * 100 / known.price AS gap
                FROM pairs JOIN known ON known.sku_id = pairs.other_id AND known.price > 0
                ORDER BY pairs.line_id, abs(pairs.final_price - known.price) / known.price, pairs.code)
            SELECT 'warn', {LINE}, 'brands', {pct("n.gap")}, {pct("%(G13_difference)s")},
                   jsonb_build_object('sku', n.code, 'price', n.price)
            FROM lines l JOIN nearest n ON n.line_id = l.id WHERE n.gap > %(G13_difference)s"""
    ]


@guard("G28", whole=True)
def odd_in_bulk(check):
    """Unusually many lines change, all of them by one factor, or the median change is large: a wrong column or unit.

    One hit with the gravest of the three. A list of a handful of lines says nothing about its mass and is passed over.
    """
    return [
        f"""SELECT 'sign', {DOCUMENT}, x.variant, {pct("x.share")} || ' / ' || {pct("x.median")},
                   CASE x.variant WHEN 'median' THEN {pct("%(G28_median)s")} WHEN 'many' THEN {pct("%(G28_changed)s")}
                        ELSE '' END,
                   jsonb_build_object('changed', x.changed, 'share', round(x.share, 1),
                                      'factor', round(x.lowest::numeric, 3), 'median', round(x.median::numeric, 1))
            FROM (SELECT x.*, CASE WHEN changed >= %(G28_lines)s
                                        AND round(lowest::numeric, 3) = round(highest::numeric, 3) THEN 'factor'
                                   WHEN median > %(G28_median)s THEN 'median'
                                   WHEN share > %(G28_changed)s THEN 'many' END AS variant
                  FROM (SELECT count(*) AS lines, count(*) FILTER (WHERE changed) AS changed,
                               count(*) FILTER (WHERE changed) * 100.0 / count(*) AS share,
                               min(factor) FILTER (WHERE changed) AS lowest,
                               max(factor) FILTER (WHERE changed) AS highest,
                               percentile_cont(0.5) WITHIN GROUP (ORDER BY change) FILTER (WHERE changed) AS median
                        FROM (SELECT final_fen <> base_fen AS changed, final_fen::float8 / base_fen AS factor,
                                     abs(final_fen - base_fen)::float8 * 100 / base_fen AS change
                              FROM lines WHERE base_fen > 0) l HAVING count(*) > 0) x
                  WHERE lines >= %(G28_lines)s) x
            WHERE x.variant IS NOT NULL"""
    ]


@guard("G29", whole=True)
def unit(check):
    """Fen for yuan, or the reverse: the median of new over old lies around 100, or around a hundredth."""
    return [
        f"""SELECT 'block', {DOCUMENT}, 'unit', trim_scale(round(x.median::numeric, 4))::text,
                   %(G29_low)s::text || ' – ' || %(G29_high)s::text, jsonb_build_object('lines', x.lines)
            FROM (SELECT count(*) AS lines,
                         percentile_cont(0.5) WITHIN GROUP (ORDER BY l.final_fen::float8 / l.old) AS median
                  FROM (SELECT final_fen, coalesce(base_fen, reference_fen) AS old FROM lines) l
                  WHERE l.old > 0) x
            WHERE x.median BETWEEN %(G29_low)s AND %(G29_high)s
               OR x.median BETWEEN 1.0 / %(G29_high)s AND 1.0 / %(G29_low)s"""
    ]
