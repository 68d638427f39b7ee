"""Guards that look at one line's price: form, cost, floor, margin, change, digits, reference."""

from approvals.guards.frame import LINE, NO_WITNESS, guard, pct

PRICES = ("final_price", "reference_price", "cost", "floor_price", "ceiling_price", "compare_at_price")


@guard("G03")
def price_form(check):
    """Every price of a line is above 0, and the ceiling is not below the floor.

    That a price is a number with two decimals is kept by its column; that a cell says so, by the import.
    """
    faults = " OR ".join(f"l.{price} <= 0" for price in PRICES)
    first = " ".join(f"WHEN l.{price} <= 0 THEN l.{price}::text" for price in PRICES)
    return [
        f"SELECT 'block', {LINE}, 'form', CASE {first} END, '0.01', {NO_WITNESS} FROM lines l WHERE {faults}",
        f"""SELECT 'block', {LINE}, 'crossed', l.ceiling_price::text, l.floor_price::text, {NO_WITNESS}
            FROM lines l WHERE l.ceiling_price > 0 AND l.ceiling_price < l.floor_price""",
    ]


@guard("G04")
def cost_and_floor(check):
    """A blank cost or floor is itself a hit, never "no limit"; a cost older than the limit needs a reason."""
    return [
        f"SELECT 'block', {LINE}, 'no_cost', '', '', {NO_WITNESS} FROM lines l WHERE l.cost IS NULL",
        f"SELECT 'block', {LINE}, 'no_floor', '', '', {NO_WITNESS} FROM lines l WHERE l.floor_price IS NULL",
        f"""SELECT 'warn', {LINE}, 'old_cost', l.cost_as_of::text, %(G04_cost_days)s::text, {NO_WITNESS}
            FROM lines l
            WHERE l.cost = l.master_cost
              AND l.cost_as_of < (SELECT (now() AT TIME ZONE 'Asia/Shanghai')::date - %(G04_cost_days)s)""",
    ]


@guard("G05")
def below_cost(check):
    """Below cost and the platform's fee: blocked without a stated reason, with one a signature higher.

    A price list names one of the kinds of reason that the rules on price conduct know; a promotion states it in words.
    """
    return [
        f"""SELECT CASE WHEN l.excused THEN 'sign' ELSE 'block' END, {LINE},
                   CASE WHEN l.excused THEN 'with_reason' ELSE 'no_reason' END,
                   l.final_price::text, round(l.full_cost, 2)::text,
                   jsonb_build_object('cost', l.cost, 'fee', l.fee, 'reason', l.reason, 'kind', l.reason_code,
                                      'at_risk', greatest(l.cost - l.final_price, 0) * l.stock)
            FROM lines l WHERE l.final_price < l.full_cost"""
    ]


@guard("G06")
def floor_and_ceiling(check):
    """Below the floor is blocked; above the ceiling needs a reason."""
    return [
        f"""SELECT 'block', {LINE}, 'below_floor', l.final_price::text, l.floor_price::text, {NO_WITNESS}
            FROM lines l WHERE l.final_price < l.floor_price""",
        f"""SELECT 'warn', {LINE}, 'above_ceiling', l.final_price::text, l.ceiling_price::text, {NO_WITNESS}
            FROM lines l WHERE l.final_price > l.ceiling_price""",
    ]


@guard("G07")
def thin_margin(check):
    """(price − cost − fee of the price) / price below the limit; what is below cost is told by G05 alone."""
    left = "l.final_price - l.cost - l.final_price * l.fee"
    return [
        f"""SELECT 'warn', {LINE}, 'thin', {pct(f"({left}) * 100 / l.final_price")}, {pct("%(G07_margin)s")},
                   {NO_WITNESS}
            FROM lines l
            WHERE ({left}) * 100 < l.final_price * %(G07_margin)s AND l.final_price >= l.full_cost"""
    ]


@guard("G08")
def change(check):
    """The change against the price in force: a reason, a higher signature or a block, by the policy's limits."""
    beyond = "abs(l.final_price - l.base_price) * 100 > l.base_price * %(G08_{step})s"
    steps = " ".join(f"WHEN {beyond.format(step=step)} THEN '{step}'" for step in ("block", "sign", "warn"))
    least = "least(%(G08_block)s, %(G08_sign)s, %(G08_warn)s)"
    return [
        f"""SELECT l.step, {LINE}, l.step, {pct("(l.final_price - l.base_price) * 100 / l.base_price")},
                   CASE l.step WHEN 'block' THEN {pct("%(G08_block)s")} WHEN 'sign' THEN {pct("%(G08_sign)s")}
                        ELSE {pct("%(G08_warn)s")} END,
                   jsonb_build_object('was', l.base_price)
            FROM (SELECT l.*, CASE {steps} END AS step FROM lines l
                  WHERE l.base_fen > 0 AND abs(l.final_fen - l.base_fen) * 100 > l.base_fen * {least}) l"""
    ]


def slipped(old):
    """Return SQL that says whether the price is 10 or 100 times another, or a tenth or hundredth, within the limit."""
    fen, old = f"l.{old}_fen", f"l.{old}_price"
    margin = "%(G09_tolerance)s / 100.0"
    near = " OR ".join(
        f"l.final_price BETWEEN {old} * {factor} * (1 - {margin}) AND {old} * {factor} * (1 + {margin})"
        for factor in ("10", "0.1", "100", "0.01")
    )
    # The limit lies at 50 % or below: what is nearer to the old price is passed over at once.
    return f"l.final_fen * 5 NOT BETWEEN {fen} AND {fen} * 20 AND ({near})"


@guard("G09")
def digit_slip(check):
    """One digit too many or too few, against the price in force, or else against the reference."""
    base, reference = slipped("base"), slipped("reference")
    return [
        f"""SELECT 'block', {LINE}, l.against, l.final_price::text, l.old::text,
                   jsonb_build_object('ratio', round(l.final_price / l.old, 3))
            FROM (SELECT l.*, CASE WHEN {base} THEN 'base' WHEN {reference} THEN 'reference' END AS against,
                         CASE WHEN {base} THEN l.base_price ELSE l.reference_price END AS old
                  FROM lines l) l
            WHERE l.against IS NOT NULL"""
    ]


SORTED_DIGITS = """(SELECT string_agg(d, '' ORDER BY d)
                    FROM regexp_split_to_table(replace({price}::text, '.', ''), '') AS d)"""


@guard("G10")
def transposed(check):
    """The digits of the price are those of the price in force in another order, and the change is not small.

    Where there is no price in force, those of the reference price. Two numbers with the same digits differ by a
    multiple of nine: that leaves few lines whose digits have to be sorted.
    """
    new, old = SORTED_DIGITS.format(price="l.final_price"), SORTED_DIGITS.format(price="l.old")
    return [
        f"""SELECT 'warn', {LINE}, l.against, l.final_price::text, l.old::text, {NO_WITNESS}
            FROM (SELECT l.*, coalesce(l.base_price, l.reference_price) AS old,
                         coalesce(l.base_fen, l.reference_fen) AS old_fen,
                         CASE WHEN l.base_price IS NULL THEN 'reference' ELSE 'base' END AS against
                  FROM lines l) l
            WHERE CASE WHEN (l.final_fen - l.old_fen) %% 9 = 0
                            AND abs(l.final_fen - l.old_fen) * 100 > l.old_fen * %(G10_change)s
                            AND length(l.final_price::text) = length(l.old::text)
                       THEN {new} = {old} ELSE false END"""
    ]


@guard("G11")
def off_reference(check):
    """Departs from product strategy's reference price by more than the limit."""
    return [
        f"""SELECT 'warn', {LINE}, 'deviation',
                   {pct("(l.final_price - l.reference_price) * 100 / l.reference_price")},
                   {pct("%(G11_deviation)s")}, jsonb_build_object('reference', l.reference_price)
            FROM lines l
            WHERE abs(l.final_price - l.reference_price) * 100 > l.reference_price * %(G11_deviation)s"""
    ]


@guard("G31", whole=True)
def odd_ending(check):
    """A new price ends in cents that hardly any price of the list ends in, before or after: often a slip.

    Says nothing of a list whose prices end in anything: the rare endings together must be rare.
    """
    return [
        f"""WITH endings AS (
                SELECT fen %% 100 AS ending, count(*) AS n
                FROM (SELECT final_fen FROM lines UNION ALL SELECT base_fen FROM lines) p (fen)
                WHERE fen IS NOT NULL GROUP BY 1),
             rare AS (
                SELECT ending, sum(n) OVER () AS together FROM endings
                WHERE n * 100 < %(G31_share)s * (SELECT sum(n) FROM endings))
            SELECT 'info', {LINE}, 'odd', l.final_price::text, {pct("%(G31_share)s")}, {NO_WITNESS}
            FROM lines l JOIN rare ON rare.ending = l.final_fen %% 100
            WHERE l.final_fen IS DISTINCT FROM l.base_fen
              AND rare.together * 100 < 4 * %(G31_share)s * (SELECT sum(n) FROM endings)"""
    ]
