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

RANK = """
WITH usual AS (
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY final_fen::float8 / reference_fen) AS ratio
    FROM lines WHERE reference_fen > 0),
beside AS (
    SELECT id, base_fen AS old, final_fen AS new, lag(id) OVER near AS id_before,
           lag(base_fen) OVER near AS old_before, lag(final_fen) OVER near AS new_before
    FROM lines WINDOW near AS (ORDER BY row_no, id)),
swapped AS (
    SELECT unnest(ARRAY[id, id_before]) AS id FROM beside
    WHERE old <> new AND new = old_before AND old = new_before),
seen AS (
    SELECT id, risk, band, cost, final_price, stock, cost_fen, final_fen AS new, base_fen AS old,
           abs(final_fen::float8 / reference_fen / nullif(usual.ratio, 0) - 1) * 100 AS off,
           exception_reason <> '' AND final_fen IS DISTINCT FROM base_fen AS new_exception
    FROM lines, usual),
judged AS (
    SELECT s.id, s.risk, s.band, s.new <> s.old AS changed, {carried} AS carried, {again} AS again,
           s.old IS NULL OR s.new_exception AS doubtful,
           least(coalesce(abs(s.new - s.old)::float8 * 100 / s.old, 0), 200) * 5
           + CASE WHEN s.off > 3 THEN least(s.off, 100) * 20 ELSE 0 END
           + CASE WHEN s.old IS NULL THEN {no_price} ELSE 0 END
           + CASE WHEN s.new_exception THEN {exception} ELSE 0 END
           + CASE WHEN {again} THEN {since} ELSE 0 END
           + CASE WHEN s.cost_fen > s.new THEN least((s.cost - s.final_price) * s.stock / 100, 500) ELSE 0 END
           AS points
    FROM seen s {joined}),
signs AS (
    SELECT id, bool_or(grave) AS grave, bool_or(doubtful) AS doubtful, sum(points) AS points FROM (
        SELECT line_id AS id, severity IN ('block', 'sign') AS grave, severity <> 'info' OR code = 'G31' AS doubtful,
               CASE severity WHEN 'block' THEN {block} WHEN 'sign' THEN {sign}
                    WHEN 'warn' THEN CASE code {warnings} ELSE {other} END
                    ELSE CASE code WHEN 'G31' THEN {odd} ELSE 0 END END AS points
        FROM approvals_guardhit WHERE document_id = %(doc)s AND line_id IS NOT NULL
        UNION ALL
        SELECT DISTINCT id, false, true, {swapped} FROM swapped) found
    GROUP BY id),
ranked AS (
    SELECT id, j.risk AS risk_before, j.band AS band_before, (j.points + coalesce(s.points, 0))::int AS risk,
           CASE WHEN s.grave OR j.again OR ((j.doubtful OR s.doubtful) AND NOT j.carried) THEN 1
                WHEN j.changed THEN 2 ELSE 3 END AS band
    FROM judged j LEFT JOIN signs s USING (id))
UPDATE {lines} l SET risk = r.risk, band = r.band FROM ranked r
WHERE r.id = l.id AND l.document_id = %(doc)s
  AND (r.risk_before, r.band_before) IS DISTINCT FROM (r.risk, r.band::smallint)
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
    # Nobody has counted the hits yet: the planner would look each line up by its key, as if there were few.
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
        Event.objects.filter(document=document.pk, kind="looked").exists()
        and document.lines.exclude(decided_digest="").exists()
    )
