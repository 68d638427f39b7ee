"""Guards that look at the document as a whole: a wrong column or unit shows in the mass of lines."""

from approvals.guards.frame import guard, pct
from approvals.guards.window import DOCUMENT, NONE

FEWEST = 10


@guard("G28")
def odd_in_bulk(check):
    """Unusually many lines change, all by one factor, or the median change is large."""
    ratios = """(SELECT count(*) AS lines, count(*) FILTER (WHERE l.final_price <> l.base_price) AS changed,
                        count(DISTINCT round(l.final_price / l.base_price, 3))
                            FILTER (WHERE l.final_price <> l.base_price) AS factors,
                        percentile_cont(0.5) WITHIN GROUP (
                            ORDER BY abs(l.final_price - l.base_price) * 100 / l.base_price) AS median
                 FROM lines l WHERE l.base_price > 0) x"""
    return [
        f"""SELECT 'sign', {DOCUMENT}, 'many', {pct("x.changed * 100.0 / x.lines")}, {pct("%(G28_changed)s")}, {NONE}
            FROM {ratios} WHERE x.lines >= {FEWEST} AND x.changed * 100.0 / x.lines > %(G28_changed)s""",
        f"""SELECT 'sign', {DOCUMENT}, 'factor', x.changed::text, '', {NONE}
            FROM {ratios} WHERE x.changed >= {FEWEST} AND x.changed = x.lines AND x.factors = 1""",
        f"""SELECT 'sign', {DOCUMENT}, 'median', {pct("x.median")}, {pct("%(G28_median)s")}, {NONE}
            FROM {ratios} WHERE x.lines >= {FEWEST} AND x.median > %(G28_median)s""",
    ]


@guard("G29")
def unit(check):
    """Fen for yuan, or the reverse: the median of new over old lies around 100 or a hundredth."""
    return [
        f"""SELECT 'block', {DOCUMENT}, 'unit', round(x.median::numeric, 3)::text, '1', {NONE}
            FROM (SELECT count(*) AS lines,
                         percentile_cont(0.5) WITHIN GROUP (ORDER BY l.final_price / l.base_price) AS median
                  FROM lines l WHERE l.base_price > 0) x
            WHERE x.lines >= 3 AND (x.median BETWEEN %(G29_low)s AND %(G29_high)s
                   OR x.median BETWEEN 1.0 / %(G29_high)s AND 1.0 / %(G29_low)s)"""
    ]
