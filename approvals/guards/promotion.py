"""Guards of promotions: a real discount, and no promotion without limits."""

from approvals.guards.frame import LINE, guard, pct
from approvals.guards.window import DOCUMENT, NONE

DISCOUNT_TOLERANCE = "0.5"


@guard("G17")
def real_discount(check):
    """A promotion price lies below the price in force, and the discount that is promised is the one that it gives."""
    given = "(l.base_price - l.final_price) * 100 / l.base_price"
    return [
        f"""SELECT 'block', {LINE}, 'not_below', l.final_price::text, l.base_price::text, {NONE}
            FROM lines l WHERE l.final_price >= l.base_price""",
        f"""SELECT 'block', {LINE}, 'discount', {pct("l.discount")}, {pct(given)}, {NONE}
            FROM lines l WHERE l.base_price > 0 AND abs(l.discount - {given}) > {DISCOUNT_TOLERANCE}""",
    ]


@guard("G20")
def limits_of_a_promotion(check):
    """No promotion without a limit per buyer, a total quantity, a budget and an end."""
    promotion = check.own
    missing = {
        "no_cap": promotion.per_user_cap is None,
        "no_total": promotion.total_quantity is None,
        "no_budget": promotion.budget is None,
        "no_end": promotion.effective_to is None,
    }
    return [
        f"SELECT 'block', {DOCUMENT}, '{variant}', '', '', {NONE}"
        for variant, absent in missing.items()
        if absent
    ]
