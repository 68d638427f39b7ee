"""Guards that look at one line's price: form, cost, floor, margin, change, digits, reference."""

from approvals.guards.frame import LINE, NO_WITNESS, guard, pct
from approvals.models.pricelist import BELOW_COST_REASONS

FEE = """(SELECT coalesce(max(f.fee_rate), 0) FROM approvals_scopestore c JOIN stores_store t ON t.id = c.store_id
          JOIN stores_platform f ON f.id = t.platform_id
          WHERE c.document_id = %(doc)s AND c.scope_key = l.scope_key)"""


@guard("G03")
def price_form(check):
    """A price is above 0 and has two decimals; the columns refuse anything else, so this only names what slipped by."""
    return [
        (
            f"SELECT 'block', {LINE}, 'form', l.final_price::text, '', {NO_WITNESS} FROM lines l "
            "WHERE l.final_price <= 0 OR l.final_price <> round(l.final_price, 2)"
        )
    ]


@guard("G04")
def cost_and_floor(check):
    """A blank cost or floor is itself a hit, never "no limit"; a cost older than the limit needs a reason."""
    return [
        f"SELECT 'block', {LINE}, 'no_cost', '', '', {NO_WITNESS} FROM lines l WHERE l.cost IS NULL",
        f"SELECT 'block', {LINE}, 'no_floor', '', '', {NO_WITNESS} FROM lines l WHERE l.floor_price IS NULL",
        f"""SELECT 'warn', {LINE}, 'old_cost', (current_date - l.cost_as_of)::text, %(G04_cost_days)s::text,
                   jsonb_build_object('as_of', l.cost_as_of)
            FROM lines l WHERE l.cost = l.master_cost AND current_date - l.cost_as_of > %(G04_cost_days)s""",
    ]


@guard("G05")
def below_cost(check):
    """Below cost and fee: blocked without a reason that the rules allow, with one a signature higher."""
    allowed = ", ".join(f"'{reason}'" for reason in BELOW_COST_REASONS)
    excused = f"l.reason_code IN ({allowed})" if check.kind.prefix == "JG" else "l.reason <> ''"
    return [
        f"""SELECT CASE WHEN {excused} THEN 'sign' ELSE 'block' END, {LINE},
                   CASE WHEN {excused} THEN 'with_reason' ELSE 'no_reason' END,
                   l.final_price::text, round(l.cost * (1 + l.fee), 2)::text,
                   jsonb_build_object('cost', l.cost, 'fee', l.fee, 'stock', l.stock)
            FROM (SELECT l.*, {FEE} AS fee FROM lines l WHERE l.cost IS NOT NULL) l
            WHERE l.final_price < l.cost * (1 + l.fee)"""
    ]


@guard("G06")
def floor_and_ceiling(check):
    """Below the floor is blocked; above the ceiling needs a reason."""
    selects = [
        f"""SELECT 'block', {LINE}, 'below_floor', l.final_price::text, l.floor_price::text, {NO_WITNESS}
            FROM lines l WHERE l.final_price < l.floor_price"""
    ]
    if check.kind.prefix == "JG":
        selects.append(
            f"""SELECT 'warn', {LINE}, 'above_ceiling', l.final_price::text, l.ceiling_price::text, {NO_WITNESS}
                FROM lines l WHERE l.final_price > l.ceiling_price"""
        )
    return selects


@guard("G07")
def thin_margin(check):
    """(price − cost − fee) / price below the limit, where the price still covers cost and fee."""
    return [
        f"""SELECT 'warn', {LINE}, 'thin', {pct("l.margin")}, {pct("%(G07_margin)s")}, {NO_WITNESS}
            FROM (SELECT l.*, (l.final_price - l.cost - l.final_price * {FEE}) * 100 / l.final_price AS margin
                  FROM lines l WHERE l.cost IS NOT NULL AND l.final_price > 0) l
            WHERE l.margin < %(G07_margin)s AND l.final_price >= l.cost"""
    ]


@guard("G08")
def change(check):
    """The change against the price in force: a reason, a higher signature, or a block, by the policy's limits."""
    return [
        f"""SELECT l.severity, {LINE}, l.severity, {pct("l.change")},
                   CASE l.severity WHEN 'warn' THEN {pct("%(G08_warn)s")} WHEN 'sign' THEN {pct("%(G08_sign)s")}
                        ELSE {pct("%(G08_block)s")} END,
                   jsonb_build_object('was', l.base_price)
            FROM (SELECT c.*, CASE WHEN abs(change) > %(G08_block)s THEN 'block'
                                   WHEN abs(change) > %(G08_sign)s THEN 'sign' ELSE 'warn' END AS severity
                  FROM (SELECT l.*, (l.final_price - l.base_price) * 100 / l.base_price AS change FROM lines l
                        WHERE l.base_price IS NOT NULL) c
                  WHERE abs(change) > %(G08_warn)s) l"""
    ]


def slip(old, variant, extra):
    """Return the SELECT for prices that are 10 or 100 times an old one, or a tenth or hundredth, within the limit."""
    near = " OR ".join(
        f"abs(l.final_price / l.{old} / {factor} - 1) <= %(G09_tolerance)s / 100.0"
        for factor in (10, 0.1, 100, 0.01)
    )
    return f"""SELECT 'block', {LINE}, '{variant}', l.final_price::text, l.{old}::text,
                      jsonb_build_object('ratio', round(l.final_price / l.{old}, 3))
               FROM lines l WHERE l.{old} > 0 AND ({near}){extra}"""


@guard("G09")
def digit_slip(check):
    """One digit too many or too few, against the price in force or the reference: the national classic."""
    selects = [slip("base_price", "base", "")]
    if check.kind.prefix == "JG":
        selects.append(
            slip("reference_price", "reference", " AND l.base_price IS DISTINCT FROM l.reference_price")
        )
    return selects


SORTED_DIGITS = """(SELECT string_agg(d, '' ORDER BY d)
                    FROM regexp_split_to_table(replace({price}::text, '.', ''), '') AS d)"""


@guard("G10")
def transposed(check):
    """The digits of the new price are those of the old one in another order, and the change is not small."""
    new, old = SORTED_DIGITS.format(price="l.final_price"), SORTED_DIGITS.format(price="l.base_price")
    return [
        f"""SELECT 'warn', {LINE}, 'base', l.final_price::text, l.base_price::text, {NO_WITNESS}
            FROM lines l WHERE l.base_price <> l.final_price
            AND length(l.base_price::text) = length(l.final_price::text)
            AND abs(l.final_price - l.base_price) * 100 / l.base_price > %(G10_change)s
            AND {new} = {old}"""
    ]


@guard("G11")
def off_reference(check):
    """Departs from product strategy's reference price by more than the limit."""
    return [
        f"""SELECT 'warn', {LINE}, 'deviation', {pct("(l.final_price - l.reference_price) * 100 / l.reference_price")},
                   {pct("%(G11_deviation)s")}, jsonb_build_object('reference', l.reference_price)
            FROM lines l
            WHERE abs(l.final_price - l.reference_price) * 100 / l.reference_price > %(G11_deviation)s"""
    ]
