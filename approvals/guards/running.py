"""One check of a whole document: find hits, rank lines by risk, keep the figures that pages show."""

import json

from django.db import connection, transaction

from approvals.content import line_text_sql
from approvals.guards import consistency, law, price, promotion, whole, window
from approvals.guards.frame import GUARDS, insert_sql, make_check
from approvals.guards.policy import limits_in_force
from approvals.models import GuardHit
from stores.models import Store

MODULES = (price, consistency, window, law, whole, promotion)
BUCKETS = (-30, -20, -10, -5, 0, 5, 10, 20, 30)


@transaction.atomic
def run_guards(document):
    """Check the document again: rewrite its hits, its lines' group and risk, and its figures.

    The number of statements depends on the guards of its kind, never on its lines. ``guarded_hash`` notes the
    content that was checked; whoever changes lines refreshes ``content_hash`` first or afterwards.
    """
    version, limits = limits_in_force()
    check = make_check(document, version, limits)
    GuardHit.objects.filter(document=document.pk).delete()
    with connection.cursor() as cursor:
        for code in check.kind.guards:
            for select in GUARDS[code](check):
                cursor.execute(insert_sql(check, code, select), check.params)
        rank_lines(cursor, check)
        document.summary = summarise(cursor, check)
    keep_figures(document)


# Weight of a severity, and of how far a price lies from what it was: the worst line comes first.
RANK_SQL = """
    WITH worst AS (
        SELECT h.line_id,
               max(CASE h.severity WHEN 'block' THEN 300000 WHEN 'sign' THEN 200000 WHEN 'warn' THEN 100000 ELSE 0 END)
                   AS weight,
               count(*) FILTER (WHERE h.severity <> 'info') AS hits
        FROM approvals_guardhit h WHERE h.document_id = %(doc)s AND h.line_id IS NOT NULL GROUP BY h.line_id
    ), judged AS (
        SELECT l.id,
               coalesce(w.weight, 0) + 1000 * least(coalesce(w.hits, 0), 20)
               + least(coalesce(abs(l.final_price - l.base_price) * 100 / nullif(l.base_price, 0), 50), 900)::int
               AS risk,
               CASE WHEN coalesce(w.hits, 0) > 0 OR (l.base_price IS NULL AND NOT l.struck)
                         OR (l.scope_key LIKE 'stores:%%' AND NOT l.struck) THEN 1
                    WHEN l.struck OR l.final_price <> l.base_price THEN 2 ELSE 3 END AS band
        FROM {table} l LEFT JOIN worst w ON w.line_id = l.id WHERE l.document_id = %(doc)s
    )
    UPDATE {table} l SET risk = j.risk, band = j.band FROM judged j
    WHERE j.id = l.id AND (l.risk, l.band) IS DISTINCT FROM (j.risk, j.band)"""


def rank_lines(cursor, check):
    """Give each line its group and risk; only lines whose rank has moved are written."""
    cursor.execute(RANK_SQL.format(table=check.kind.line_table), check.params)


FIGURES_SQL = """
    SELECT count(*) AS lines,
           count(*) FILTER (WHERE NOT struck) AS kept,
           count(*) FILTER (WHERE struck) AS struck,
           count(*) FILTER (WHERE NOT struck AND final_price <> base_price) AS changed,
           count(*) FILTER (WHERE NOT struck AND final_price > base_price) AS up,
           count(*) FILTER (WHERE NOT struck AND final_price < base_price) AS down,
           count(*) FILTER (WHERE NOT struck AND base_price IS NULL) AS without_base,
           count(*) FILTER (WHERE NOT struck AND final_price < cost) AS below_cost,
           count(*) FILTER (WHERE NOT struck AND final_price < floor_price) AS below_floor,
           coalesce(sum(greatest(cost - final_price, 0) * stock) FILTER (WHERE NOT struck), 0)::text AS money_at_risk,
           round(avg((final_price - cost) * 100 / final_price) FILTER (WHERE NOT struck), 1)::float AS margin_now,
           round(avg((base_price - cost) * 100 / nullif(base_price, 0)) FILTER (WHERE NOT struck), 1)::float
               AS margin_before,
           round(count(*) FILTER (WHERE NOT struck AND pool = 'common') * 100.0
                 / nullif(count(*) FILTER (WHERE NOT struck), 0), 1)::float AS common_share,
           count(*) FILTER (WHERE band = 1) AS must,
           count(*) FILTER (WHERE band = 2) AS changed_band,
           count(*) FILTER (WHERE band = 3) AS unchanged,
           count(*) FILTER (WHERE decided_digest <> '' AND decided_digest = digest) AS same_as_decided,
           count(*) FILTER (WHERE decided_digest = '' OR decided_digest <> digest) AS changed_since
    FROM (SELECT l.*, s.stock, s.pool,
                 CASE WHEN l.decided_digest = '' THEN ''
                      ELSE encode(sha256(convert_to({text}, 'UTF8')), 'hex') END AS digest
          FROM {table} l JOIN stores_sku s ON s.id = l.sku_id WHERE l.document_id = %(doc)s) x"""

EXTREMES_SQL = """
    SELECT sku_code, round((final_price - base_price) * 100 / base_price, 1)::float AS pct
    FROM {table} WHERE document_id = %(doc)s AND NOT struck AND base_price > 0 AND final_price {sign} base_price
    ORDER BY (final_price - base_price) / base_price {direction}, sku_code LIMIT 1"""

HISTOGRAM_SQL = """
    SELECT width_bucket((final_price - base_price) * 100 / base_price, %(edges)s::numeric[]), count(*)
    FROM {table} WHERE document_id = %(doc)s AND NOT struck AND base_price > 0 AND final_price <> base_price
    GROUP BY 1"""

STORES_SQL = """
    SELECT count(*), count(*) FILTER (WHERE store_id IN (
        SELECT r.store_id FROM ({rules}) r JOIN {table} l ON l.id = r.line_id WHERE l.scope_key <> 'all'))
    FROM (SELECT DISTINCT store_id FROM approvals_scopestore WHERE document_id = %(doc)s) s"""


def rows_as_dicts(cursor):
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def summarise(cursor, check):
    """Return every figure that pages show of the document, JSON-ready."""
    table, params = check.kind.line_table, check.params
    cursor.execute(FIGURES_SQL.format(table=table, text=line_text_sql(check.kind)), params)
    figures = rows_as_dicts(cursor)[0]
    figures["bands"] = {
        "must": figures.pop("must"),
        "changed": figures.pop("changed_band"),
        "unchanged": figures.pop("unchanged"),
    }
    figures["round"] = {"changed": figures.pop("changed_since"), "same": figures.pop("same_as_decided")}
    for name, sign, direction in (("largest_rise", ">", "DESC"), ("largest_cut", "<", "ASC")):
        cursor.execute(EXTREMES_SQL.format(table=table, sign=sign, direction=direction), params)
        found = cursor.fetchone()
        figures[name] = {"sku": found[0], "pct": abs(found[1])} if found else None
    cursor.execute(HISTOGRAM_SQL.format(table=table), {**params, "edges": list(BUCKETS)})
    counts = dict(cursor.fetchall())
    figures["histogram"] = [counts.get(bucket, 0) for bucket in range(len(BUCKETS) + 1)]
    cursor.execute(STORES_SQL.format(table=table, rules=check.rules_sql), params)
    figures["store_count"], figures["stores_that_differ"] = cursor.fetchone()
    figures["hits"] = hits_by_severity(cursor, params)
    return json.loads(json.dumps(figures))


def hits_by_severity(cursor, params):
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
    for severity in ("block", "sign", "warn", "info"):
        setattr(document, f"{severity}_count", sum(figures["hits"].get(severity, {}).values()))
    document.money_at_risk = figures["money_at_risk"]
    document.line_count = figures["lines"]
    document.store_count = figures["store_count"]
    document.store_label = store_label(document)
    document.guarded_hash = document.content_hash
    document.save(
        update_fields=[
            "summary",
            "block_count",
            "sign_count",
            "warn_count",
            "info_count",
            "money_at_risk",
            "line_count",
            "store_count",
            "store_label",
            "guarded_hash",
            "updated_at",
        ]
    )
    document.refresh_from_db(fields=["money_at_risk"])


def store_label(document):
    """Return the document's stores in words, by platform: 京东 2、淘宝 2; the name itself for a single store."""
    stores = Store.objects.filter(pk__in=document.scope_stores.values("store")).select_related("platform")
    stores = list(stores.order_by("order", "code"))
    if len(stores) == 1:
        return stores[0].name
    counts = {}
    for store in stores:
        counts[store.platform.name] = counts.get(store.platform.name, 0) + 1
    return "、".join(f"{name} {count}" for name, count in counts.items())[:120]
