"""The figures of a check: what the review page, the submission, the inbox and the lists show without counting lines."""

import json

from approvals.content import line_text_sql
from approvals.guards.frame import UNIFIED
from opsadmin.core import clock
from stores.models import Store

BUCKETS = (-30, -20, -10, -5, 0, 5, 10, 20, 30)
MOST_STORES_NAMED = 40

# Floats cost a tenth; what they are off by is rounded away before a half is rounded up.
MARGIN = "round(round(avg(({price} * (1 - fee)::float8 - cost_fen) * 100 / {price})::numeric, 9), 1)::float"
FIGURES = f"""
SELECT count(*) AS kept,
       count(*) FILTER (WHERE final_fen <> base_fen) AS changed,
       count(*) FILTER (WHERE final_fen > base_fen) AS up,
       count(*) FILTER (WHERE final_fen < base_fen) AS down,
       count(*) FILTER (WHERE base_fen IS NULL) AS without_base,
       count(*) FILTER (WHERE final_price < full_cost) AS below_cost,
       count(*) FILTER (WHERE final_price < floor_price) AS below_floor,
       coalesce(sum((cost - final_price) * stock) FILTER (WHERE cost_fen > final_fen), 0)::numeric(14, 2)::text
           AS money_at_risk,
       {MARGIN.format(price="final_fen")} AS margin_now,
       {MARGIN.format(price="base_fen")} AS margin_before,
       round(count(*) FILTER (WHERE pool = 'common') * 100.0 / nullif(count(*), 0), 1)::float AS common_share
FROM lines
"""
BANDS = """
SELECT count(*) AS lines, count(*) FILTER (WHERE struck) AS struck,
       count(*) FILTER (WHERE band = 1) AS must, count(*) FILTER (WHERE band = 2) AS changed,
       count(*) FILTER (WHERE band = 3) AS unchanged,
       count(*) FILTER (WHERE decided_digest <> '' AND decided_digest = {digest}) AS same
FROM {lines} l WHERE document_id = %(doc)s
"""
DIGEST = "CASE decided_digest WHEN '' THEN '' ELSE encode(sha256(convert_to({text}, 'UTF8')), 'hex') END"
CHANGES = """
WITH changes AS MATERIALIZED (
    SELECT sku_code, (final_fen - base_fen)::float8 * 100 / base_fen AS pct FROM lines
    WHERE base_fen > 0 AND final_fen <> base_fen),
spread AS MATERIALIZED (
    SELECT width_bucket(pct, %(buckets)s::float8[]) AS bucket, count(*) AS n, min(pct) AS low, max(pct) AS high
    FROM changes GROUP BY 1)
SELECT coalesce((SELECT jsonb_object_agg(bucket, n) FROM spread), '{}'),
       coalesce((SELECT jsonb_build_object('sku', min(sku_code), 'pct', round(pct::numeric, 1)) FROM changes
                 WHERE pct = (SELECT max(high) FROM spread WHERE high > 0) GROUP BY pct), 'null'),
       coalesce((SELECT jsonb_build_object('sku', min(sku_code), 'pct', round(-pct::numeric, 1)) FROM changes
                 WHERE pct = (SELECT min(low) FROM spread WHERE low < 0) GROUP BY pct), 'null')
"""
# What stands in each unified store when the window begins, for SKUs that some line prices in some stores only.
DIFFERING = f"""
WITH rules AS ({{rules}}),
suspects AS (SELECT DISTINCT sku_id FROM lines WHERE NOT everywhere),
placed AS (
    SELECT l.sku_id, r.store_id, l.final_price AS price FROM rules r JOIN lines l ON l.id = r.line_id
    JOIN suspects USING (sku_id) JOIN stores_store t ON t.id = r.store_id AND {UNIFIED}),
prices AS (
    SELECT * FROM placed
    UNION ALL
    SELECT * FROM (
        SELECT DISTINCT ON (p.sku_id, p.store_id) p.sku_id, p.store_id, p.amount
        FROM stores_priceinforce p JOIN suspects USING (sku_id) JOIN stores_store t ON t.id = p.store_id AND {UNIFIED}
        WHERE p.layer IN ('base', %(layer)s) AND p.during @> %(start)s::timestamptz
          AND NOT EXISTS (SELECT FROM placed WHERE placed.sku_id = p.sku_id AND placed.store_id = p.store_id)
        ORDER BY p.sku_id, p.store_id, p.layer DESC) standing),
usual AS (SELECT sku_id, mode() WITHIN GROUP (ORDER BY price) AS price FROM prices GROUP BY sku_id)
SELECT count(DISTINCT prices.store_id) FROM prices JOIN usual USING (sku_id) WHERE prices.price <> usual.price
"""


def row_as_dict(cursor):
    names = [column.name for column in cursor.description]
    return dict(zip(names, cursor.fetchone(), strict=True))


def summarise(cursor, check):
    """Return every figure that pages show of the document, ready for JSON.

    Figures are of kept lines; the groups and ``lines`` include struck ones. Money at risk: what selling the stock
    below cost would lose, Σ max(cost − final price, 0) × stock, in yuan. Margins: mean of (price − cost − fee) / price.
    Largest cut and rise, shares and margins are in percent.
    """
    params = check.params
    cursor.execute(FIGURES, params)
    figures = row_as_dict(cursor)
    figures |= bands(cursor, check)
    cursor.execute(CHANGES, {**params, "buckets": list(BUCKETS)})
    counts, figures["largest_rise"], figures["largest_cut"] = map(json.loads, cursor.fetchone())
    figures["histogram"] = [counts.get(str(bucket), 0) for bucket in range(len(BUCKETS) + 1)]
    cursor.execute(DIFFERING.format(rules=check.rules), params)
    figures["stores_that_differ"] = cursor.fetchone()[0]
    figures["hits"] = hits_by_severity(cursor, params)
    figures["checked_at"] = clock.now().isoformat()
    return figures


def bands(cursor, check):
    """Return the sizes of the three groups, and of what changed since the last decision."""
    digest = DIGEST.format(text=line_text_sql(check.kind))
    cursor.execute(BANDS.format(digest=digest, lines=check.kind.line_table), check.params)
    found = row_as_dict(cursor)
    return {
        "lines": found["lines"],
        "struck": found["struck"],
        "bands": {name: found[name] for name in ("must", "changed", "unchanged")},
        "round": {"changed": found["lines"] - found["same"], "same": found["same"]},
    }


def hits_by_severity(cursor, params):
    """Return {severity: {guard: count}}."""
    cursor.execute(
        "SELECT severity, code, count(*) FROM approvals_guardhit WHERE document_id = %(doc)s "
        "GROUP BY 1, 2 ORDER BY 1, 2",
        params,
    )
    hits = {}
    for severity, code, count in cursor.fetchall():
        hits.setdefault(severity, {})[code] = count
    return hits


def keep_figures(document):
    """Copy to the document what lists and inboxes sort and show, and note which content was checked."""
    figures = document.summary
    stores = list(
        Store.objects.filter(pk__in=document.scope_stores.values("store"))
        .select_related("platform")
        .order_by("order", "code")
    )
    figures["stores"] = [{"code": store.code, "name": store.name} for store in stores[:MOST_STORES_NAMED]]
    values = {
        f"{severity}_count": sum(figures["hits"].get(severity, {}).values())
        for severity in ("block", "sign", "warn", "info")
    }
    values |= {
        "money_at_risk": figures["money_at_risk"],
        "line_count": figures["lines"],
        "store_count": len(stores),
        "store_label": store_label(stores),
        "guarded_hash": document.content_hash,
    }
    for name, value in values.items():
        setattr(document, name, value)
    document.save(update_fields=["summary", *values, "updated_at"])
    document.refresh_from_db(fields=["money_at_risk"])


def store_label(stores):
    """Return the stores in words, by platform: 京东 2、淘宝 2; the name itself for a single store."""
    if len(stores) == 1:
        return stores[0].name
    counts = {}
    for store in stores:
        counts[store.platform.name] = counts.get(store.platform.name, 0) + 1
    return "、".join(f"{name} {count}" for name, count in counts.items())[:120]
