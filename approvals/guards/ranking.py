"""The order in which a person looks at lines: the group of each, and within it the line most likely wrong first.

Risk is a sum of points. The gravest hits weigh most; among warnings those weigh most that a slip of the hand makes
(digits in another order) and least those that every season makes (a change of some ten percent that agrees with the
reference). What no guard judges counts too: how far a price lies from the reference for a list like this one, two
neighbours with each other's prices, cents that no other price has.
"""

from approvals.content import line_text_sql
from approvals.models import Event

BLOCK_POINTS, SIGN_POINTS = 6000, 2500
WARNING_POINTS = {
    "G10": 2200,
    "G13": 1600,
    "G04": 1300,
    "G11": 900,
    "G06": 800,
    "G07": 700,
    "G15": 400,
    "G08": 300,
    "G01": 200,
}
OTHER_WARNING_POINTS = 500
ODD_CENTS_POINTS, SWAPPED_POINTS, NO_PRICE_POINTS, EXCEPTION_POINTS = 1500, 1500, 500, 400
# A line changed since the last decision comes before all that were carried over.
CHANGED_SINCE_POINTS = 20000

# Lines and hits are put below each other and summed: a join would be planned on hits that nobody has counted yet.
RANK = """
WITH usual AS (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY final_price::float8 / reference_price::float8) AS ratio
    FROM lines WHERE reference_price > 0),
beside AS (
    SELECT id, base_price AS old, final_price AS new, lag(base_price) OVER near AS old_before,
           lag(final_price) OVER near AS new_before, lead(base_price) OVER near AS old_after,
           lead(final_price) OVER near AS new_after
    FROM lines WINDOW near AS (ORDER BY row_no, id)),
swapped AS (
    SELECT id FROM beside
    WHERE old <> new AND ((new = old_before AND old = new_before) OR (new = old_after AND old = new_after))),
seen AS (
    SELECT id, base_price, final_price, cost, stock, final_price::float8 AS new, base_price::float8 AS old,
           abs(final_price::float8 / reference_price::float8 / nullif(usual.ratio, 0) - 1) * 100 AS off,
           exception_reason <> '' AND final_price IS DISTINCT FROM base_price AS new_exception
    FROM lines, usual),
signs AS (
    SELECT s.id, s.final_price <> s.base_price AS changed, {carried} AS carried, {again} AS again, false AS grave,
           s.base_price IS NULL OR s.new_exception AS doubtful,
           least(coalesce(abs(s.new - s.old) * 100 / s.old, 0), 200) * 5
           + CASE WHEN s.off > 3 THEN least(s.off, 100) * 20 ELSE 0 END
           + CASE WHEN s.base_price IS NULL THEN {no_price} ELSE 0 END
           + CASE WHEN s.new_exception THEN {exception} ELSE 0 END
           + CASE WHEN {again} THEN {since} ELSE 0 END
           + CASE WHEN s.cost > s.final_price THEN least((s.cost - s.final_price) * s.stock / 100, 500) ELSE 0 END
           AS points
    FROM seen s {joined}
    UNION ALL
    SELECT line_id, NULL, NULL, NULL, severity IN ('block', 'sign'), severity <> 'info' OR code = 'G31',
           CASE severity WHEN 'block' THEN {block} WHEN 'sign' THEN {sign}
                WHEN 'warn' THEN CASE code {warnings} ELSE {other} END
                ELSE CASE code WHEN 'G31' THEN {odd} ELSE 0 END END
    FROM approvals_guardhit WHERE document_id = %(doc)s AND line_id IS NOT NULL
    UNION ALL
    SELECT id, NULL, NULL, NULL, false, true, {swapped} FROM swapped),
ranked AS (
    SELECT id, sum(points)::int AS risk,
           CASE WHEN bool_or(grave) OR bool_or(again) OR (bool_or(doubtful) AND NOT bool_or(carried)) THEN 1
                WHEN bool_or(changed) THEN 2 ELSE 3 END AS band
    FROM signs GROUP BY id)
UPDATE {lines} l SET risk = r.risk, band = r.band FROM ranked r
WHERE r.id = l.id AND l.document_id = %(doc)s AND (l.risk, l.band) IS DISTINCT FROM (r.risk, r.band)
"""


def rank_lines(cursor, check):
    """Give each kept line its group and risk; only lines whose rank has moved are written.

    Must be looked at: a hit that asks for anything, no price in force, a new exception, or what looks like a slip. In a
    later round, once all that had been on a decider's screen, only what changed since, and the gravest. A struck line
    stays where it was when it was struck.
    """
    carried, again, joined = "false", "false", ""
    if looked_before(check.own):
        digest = f"encode(sha256(convert_to({line_text_sql(check.kind, 'k')}, 'UTF8')), 'hex')"
        carried, again = f"k.decided_digest = {digest}", f"k.decided_digest <> {digest}"
        joined = f"JOIN {check.kind.line_table} k ON k.id = s.id AND k.document_id = %(doc)s"
    # Nobody has counted what is summed up: the planner would look each line up by its key, as if there were few.
    cursor.execute("SET LOCAL enable_nestloop = off")
    cursor.execute(
        RANK.format(
            lines=check.kind.line_table,
            warnings=" ".join(f"WHEN '{code}' THEN {points}" for code, points in WARNING_POINTS.items()),
            block=BLOCK_POINTS,
            sign=SIGN_POINTS,
            other=OTHER_WARNING_POINTS,
            odd=ODD_CENTS_POINTS,
            swapped=SWAPPED_POINTS,
            no_price=NO_PRICE_POINTS,
            exception=EXCEPTION_POINTS,
            since=CHANGED_SINCE_POINTS,
            carried=carried,
            again=again,
            joined=joined,
        ),
        check.params,
    )
    cursor.execute("SET LOCAL enable_nestloop TO DEFAULT")


def looked_before(document):
    """Say whether a decision sent the document back after all its must-look lines had been on a screen."""
    return (
        document.lines.exclude(decided_digest="").exists()
        and Event.objects.filter(document=document.pk, kind="looked").exists()
    )
