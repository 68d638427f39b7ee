"""The frame of all guards: each is SQL that selects hits; the frame gives it lines and limits and keeps what it finds.

A guard is a function of a Check. It returns SELECTs (one, some or none) of, in this order: severity, line_id, row_no,
sku_code, store_id, variant, measured, limit, witness. They read the tables of ``prepare`` and may name ``rules``
(line_id, store_id: which kept line rules in which store). Limits are parameters, named ``%(G08_warn)s``.

What is measured must be the same whenever the check is run on the same content: a reason holds as long as it is.
On one line a guard has at most one hit that asks for a reason.
"""

from dataclasses import dataclass

from approvals.kinds import PRICE_KINDS, kind_of, specific
from approvals.models.pricelist import BELOW_COST_REASONS
from approvals.scopes import line_stores_sql

# {code: [guards]} and, of these, the ones that judge the document or its mass, not one line.
GUARDS, WHOLE = {}, set()

# The stores that share one price, whatever the document.
UNIFIED = "t.unified_price AND t.status = 'trading' AND t.mode = 'self_operated'"

SCOPES_TABLE = f"""
CREATE TEMPORARY TABLE scopes ON COMMIT DROP AS
SELECT row_number() OVER ()::int AS no, s.*,
       NOT EXISTS (SELECT FROM stores_store t WHERE {UNIFIED} AND t.id <> ALL (s.stores)) AS everywhere
FROM (SELECT c.scope_key, array_agg(c.store_id) AS stores, max(f.fee_rate) AS fee,
             CASE split_part(c.scope_key, ':', 1) WHEN 'stores' THEN 0 WHEN 'brand' THEN 1 ELSE 2 END AS breadth
      FROM approvals_scopestore c JOIN stores_store t ON t.id = c.store_id
      JOIN stores_platform f ON f.id = t.platform_id
      WHERE c.document_id = %(doc)s GROUP BY c.scope_key) s
"""
# What is read most stands first, and what has one width before what has many: a row is taken apart from the left.
LINES_TABLE = """
CREATE TEMPORARY TABLE lines ON COMMIT DROP AS
SELECT l.id, l.sku_id, (l.final_price * 100)::bigint AS final_fen, (l.base_price * 100)::bigint AS base_fen,
       ({reference} * 100)::bigint AS reference_fen, (l.cost * 100)::bigint AS cost_fen, l.base_version,
       s.product_id, s.brand_id, l.row_no, g.no AS scope, s.stock, s.cost_as_of, g.breadth, g.everywhere,
       s.active AS sku_active, l.risk, l.band, {excused} AS excused,
       l.exception_reason <> '' AND s.pool IN ('campaign', 'exclusive') AS excepted,
       l.final_price, l.base_price, l.cost, l.cost * (1 + coalesce(g.fee, 0)) AS full_cost, l.floor_price,
       {own_columns}, coalesce(g.fee, 0) AS fee, s.cost AS master_cost, l.sku_code, s.pool, l.reason,
       l.exception_reason
FROM {lines} l JOIN stores_sku s ON s.id = l.sku_id LEFT JOIN scopes g ON g.scope_key = l.scope_key
WHERE l.document_id = %(doc)s AND NOT l.struck {near}
"""
# What a guard of one line looks at besides that line lies within its product.
NEAR = """
AND s.product_id IN (
    SELECT k.product_id FROM stores_sku k JOIN {lines} c ON c.sku_id = k.id WHERE c.id = ANY (%(touched)s))
"""
NO_MORE = """
DELETE FROM approvals_guardhit WHERE document_id = %(doc)s AND (
    line_id IS NULL OR code = ANY (%(whole)s) OR line_id IN (
        SELECT l.id FROM {lines} l JOIN stores_sku s ON s.id = l.sku_id WHERE l.document_id = %(doc)s {near}))
"""
STANDING = "min(p.amount) AS low, max(p.amount) AS high, max(p.id) AS version, count(*) AS stores"
AT_START = "p.layer = 'base' AND p.during @> %(start)s::timestamptz"
PRESENT_TABLE = f"""
CREATE TEMPORARY TABLE present ON COMMIT DROP AS
SELECT l.id AS line_id, {STANDING}
FROM {{lines}} l {{scope}}
JOIN stores_priceinforce p ON p.sku_id = l.sku_id AND p.store_id = ANY ({{stores}}) AND {AT_START}
WHERE l.document_id = %(doc)s {{which}} GROUP BY l.id
"""
OFF_SHELF_TABLE = """
CREATE TEMPORARY TABLE off_shelf ON COMMIT DROP AS
SELECT l.id AS line_id
FROM {lines} l {scope}
LEFT JOIN stores_listing p ON p.sku_id = l.sku_id AND p.store_id = ANY ({stores}) AND p.state = 'listed'
WHERE l.document_id = %(doc)s {which} GROUP BY l.id HAVING count(p.id) < min(cardinality({stores}))
"""
# A price without an end gives way to a later start: filing writes its end then.
IN_THE_WAY_TABLE = """
CREATE TEMPORARY TABLE in_the_way ON COMMIT DROP AS
SELECT p.sku_id, p.store_id, p.document_number, p.during, p.amount FROM stores_priceinforce p
WHERE p.layer = %(layer)s AND p.document_number <> %(number)s
  AND CASE WHEN upper_inf(p.during) AND lower(p.during) < %(start)s::timestamptz THEN false
           ELSE p.during && tstzrange(%(start)s, %(end)s) END
  AND p.sku_id IN (SELECT sku_id FROM {lines})
"""
OWN_COLUMNS = {
    "reference_price": "numeric",
    "ceiling_price": "numeric",
    "compare_at_price": "numeric",
    "discount": "numeric",
    "reason_code": "text",
}
INSERT = """
WITH rules AS ({rules})
INSERT INTO approvals_guardhit (document_id, code, severity, line_id, row_no, sku_code, store_id, variant,
                                measured, "limit", witness, policy_version)
SELECT %(doc)s, '{code}', h.severity, h.line_id, h.row_no, coalesce(h.sku_code, ''), h.store_id, h.variant,
       left(h.measured, 60), left(h."limit", 60), h.witness, %(policy)s
FROM ({select}) AS h (severity, line_id, row_no, sku_code, store_id, variant, measured, "limit", witness)
"""

LINE = "l.id, l.row_no, l.sku_code, NULL::bigint"
DOCUMENT = "NULL::bigint, NULL::integer, '', NULL::bigint"
NO_WITNESS = "'{}'::jsonb"
START, END = "%(start)s::timestamptz", "%(end)s::timestamptz"


@dataclass(frozen=True)
class Check:
    """What a guard may know besides the lines: the document as a row of its own kind, and that kind.

    ``rules`` is SQL of (line_id, store_id): which kept line rules in which store. ``one_scope``: all lines mean the
    same stores, so that no two of them meet. ``near``: SQL that leaves the lines of the products that were touched.
    """

    own: object
    kind: object
    rules: str
    one_scope: bool
    params: dict
    near: str


def guard(code, *, whole=False):
    """Register a guard by the code under which a Kind names it; ``whole``: it judges the document or its mass."""

    def register(function):
        GUARDS.setdefault(code, []).append(function)
        if whole:
            WHOLE.add(function)
        return function

    return register


def make_check(document, version, limits, touched=()):
    """Return the Check of a document under one version of the limits; ``touched``: keys of the lines that changed."""
    own = specific(document)
    kind = kind_of(own)
    params = {
        "doc": own.pk,
        "number": own.number,
        "start": own.effective_from,
        "end": own.effective_to,
        "layer": kind.layer(own),
        "policy": version,
        "excuses": BELOW_COST_REASONS,
        "touched": list(touched),
    }
    for code, values in limits.items():
        params |= {f"{code}_{name}": value for name, value in values.items()}
    scopes = list(own.scope_stores.values_list("scope_key", flat=True).distinct()[:2])
    one_scope = len(scopes) < 2
    if one_scope:
        params["scope"] = scopes[0] if scopes else ""
        params["stores"] = list(own.scope_stores.values_list("store_id", flat=True))
    return Check(
        own=own,
        kind=kind,
        rules=line_stores_sql(own, named=True),
        one_scope=one_scope,
        params=params,
        near=NEAR.format(lines=kind.line_table),
    )


def set_up(cursor, check):
    """Make the table ``scopes``, for this transaction, and ready the planner for many rows."""
    # By default a join of a million rows is sorted on disk, and every statement over it compiled anew.
    # Ten statistics are enough to tell a few from many, and a tenth of the rows is read for them.
    cursor.execute(
        "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off; SET LOCAL default_statistics_target = 10"
    )
    cursor.execute(SCOPES_TABLE, check.params)
    cursor.execute("ANALYZE scopes")


def make_present(cursor, check, which=""):
    """Make the table ``present``: the base prices in force of each line, or which of them, when the window begins."""
    make_by_all(cursor, check, per_line(check, PRESENT_TABLE, which))
    cursor.execute("ANALYZE present (line_id)")


def make_off_shelf(cursor, check, which=""):
    """Make the table ``off_shelf``: the lines, or which of them, whose SKU is not listed in all of its stores."""
    make_by_all(cursor, check, per_line(check, OFF_SHELF_TABLE, which))


def per_line(check, table, which):
    """Return SQL that makes a table of what holds of each line's SKU in the stores that it means."""
    scope, stores = "JOIN scopes g ON g.scope_key = l.scope_key", "g.stores"
    # Where all lines mean the same stores, these are known beforehand: only then all processors can read.
    if check.one_scope:
        scope, stores, which = "", "%(stores)s::bigint[]", f"AND l.scope_key = %(scope)s {which}"
    return table.format(lines=check.kind.line_table, scope=scope, stores=stores, which=which)


def make_in_the_way(cursor, check, *, near=False):
    """Make the table ``in_the_way``: filed prices in the window that do not give way, of all lines or of ``lines``."""
    lines = "lines" if near else f"{check.kind.line_table} WHERE document_id = %(doc)s"
    make_by_all(cursor, check, IN_THE_WAY_TABLE.format(lines=lines))
    cursor.execute("ANALYZE in_the_way (sku_id)")


def make_by_all(cursor, check, table):
    """Make a table with all processors; an INSERT would use one."""
    # The planner thinks that handing rows from process to process costs more than it does.
    cursor.execute("SET LOCAL parallel_setup_cost = 100; SET LOCAL parallel_tuple_cost = 0.001")
    cursor.execute(table, check.params)
    cursor.execute("SET LOCAL parallel_setup_cost TO DEFAULT; SET LOCAL parallel_tuple_cost TO DEFAULT")


def prepare(cursor, check, *, near=False):
    """Make the table ``lines`` that guards read beside the other tables, for this transaction.

    ``scopes``: no, scope_key, stores, the highest fee of their platforms, breadth (0 named stores, 1 brand, 2 all),
    everywhere (no unified store is left out). ``lines``: the kept lines, or those near the touched ones, with their
    SKU's facts; columns that the kind has not are NULL; ``excused``: a reason is stated that may excuse a price below
    cost; ``excepted``: a written exception on a SKU that may have one; ``full_cost``: with the fee; ``…_fen``: what is
    compared for every line, as whole numbers, which cost a tenth.
    """
    names = {field.column for field in check.kind.line_model._meta.concrete_fields}
    own_columns = ", ".join(
        f"l.{name}" if name in names else f"NULL::{sort} AS {name}" for name, sort in OWN_COLUMNS.items()
    )
    excused = "l.reason_code IN %(excuses)s" if "reason_code" in names else "l.reason <> ''"
    make_by_all(
        cursor,
        check,
        LINES_TABLE.format(
            own_columns=own_columns,
            excused=excused,
            reference="l.reference_price" if "reference_price" in names else "NULL::numeric",
            lines=check.kind.line_table,
            near=check.near if near else "",
        ),
    )
    # A new table has no statistics, and without them a join of a million rows is planned as if it were a few.
    cursor.execute("ANALYZE lines (id, sku_id, scope, product_id, everywhere)")


def clear(cursor):
    """Drop the tables, so that the same transaction can check again."""
    cursor.execute(
        "DROP TABLE IF EXISTS present, off_shelf, in_the_way, lines; DROP TABLE scopes; SET LOCAL work_mem TO DEFAULT; "
        "SET LOCAL jit TO DEFAULT; SET LOCAL default_statistics_target TO DEFAULT"
    )


def forget(cursor, check):
    """Delete the hits that a check of the touched lines finds anew."""
    whole = [code for code in check.kind.guards if WHOLE.issuperset(GUARDS[code])]
    cursor.execute(
        NO_MORE.format(lines=check.kind.line_table, near=check.near), {**check.params, "whole": whole}
    )


def find(cursor, check, which=lambda function: True):
    """Run the guards of the document's kind, or which of them are asked for, and keep their hits."""
    for code in check.kind.guards:
        for function in filter(which, GUARDS[code]):
            for select in function(check):
                cursor.execute(INSERT.format(rules=check.rules, code=code, select=select), check.params)


def documents_in_approval(check):
    """Return {kind: [keys]} of the other documents in approval whose window meets this one's in the same layer."""
    found = {}
    for kind in PRICE_KINDS.values():
        others = kind.model.objects.filter(state="in_approval").exclude(pk=check.own.pk)
        found[kind] = [
            other.pk
            for other in others
            if kind.layer(other) == check.params["layer"] and windows_meet(other, check.own)
        ]
    return {kind: keys for kind, keys in found.items() if keys}


def windows_meet(one, other):
    """Say whether two half-open windows have an instant in common; an empty end is open."""
    return (one.effective_to is None or one.effective_to > other.effective_from) and (
        other.effective_to is None or other.effective_to > one.effective_from
    )


def pct(expression):
    """Return SQL of a percentage with at most one place, as a person reads it."""
    return f"trim_scale(round(({expression})::numeric, 1))::text || '%%'"


def local(moment):
    """Return SQL of a moment as people of the shop floor read it (Asia/Shanghai)."""
    return f"to_char({moment} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI')"


def window_words(start, end):
    """Return SQL of a window ``[start, end)`` in figures; an open end is …"""
    return f"{local(start)} || ' – ' || coalesce({local(end)}, '…')"


def store_names(stores):
    """Return SQL of the names of the stores in an array, in their order, as a JSON array."""
    return f"""(SELECT jsonb_agg(t.name ORDER BY t."order", t.code) FROM stores_store t WHERE t.id = ANY ({stores}))"""
