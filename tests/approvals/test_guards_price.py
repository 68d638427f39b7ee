"""Guards that look at one line's price: each holds, refuses, and has its edge where the policy says."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from approvals.models import GuardHit
from tests.approvals.guarding import Shop, check, found, hits, line
from tests.factories import PlatformFactory, StoreFactory


@pytest.fixture
def shop(db):
    return Shop()


def judged(shop, price, code, *, sku=None, **fields):
    """Return [(severity, variant)] of a guard on a list with one line."""
    document = shop.price_list()
    line(document, sku or shop.sku(floor_price=Decimal("0.01"), ceiling_price=None), price, **fields)
    return found(document, code)


@pytest.mark.parametrize("column", ["cost", "floor_price", "ceiling_price", "compare_at_price"])
def test_g03_every_price_of_a_line_is_above_zero(shop, column):
    assert judged(shop, "100.00", "G03", **{column: "0.00"}) == [("block", "form")]
    assert judged(shop, "100.00", "G03", **{column: "0.01"}) == []


def test_g03_the_ceiling_is_not_below_the_floor(shop):
    assert judged(shop, "100.00", "G03", floor_price="90.01", ceiling_price="90.00") == [("block", "crossed")]
    assert judged(shop, "100.00", "G03", floor_price="90.00", ceiling_price="90.00") == []


def test_g04_a_blank_cost_or_floor_blocks(shop):
    sku = shop.sku(cost=None, cost_as_of=None, floor_price=None)
    assert judged(shop, "100.00", "G04", sku=sku) == [("block", "no_cost"), ("block", "no_floor")]
    assert judged(shop, "100.00", "G04", sku=sku, cost="40.00", floor_price="50.00") == []


@pytest.mark.parametrize(("days", "expected"), [(90, []), (91, [("warn", "old_cost")])])
def test_g04_a_cost_older_than_ninety_days_needs_a_reason(shop, days, expected):
    sku = shop.sku(cost_as_of=timezone.localdate() - timedelta(days=days))
    assert judged(shop, "100.00", "G04", sku=sku) == expected


def test_g04_a_cost_that_the_list_itself_gives_is_not_old(shop):
    sku = shop.sku(cost_as_of=timezone.localdate() - timedelta(days=400))
    assert judged(shop, "100.00", "G04", sku=sku, cost="41.00") == []


@pytest.mark.parametrize(
    ("price", "reason", "expected"),
    [
        ("42.00", "", []),
        ("41.99", "", [("block", "no_reason")]),
        ("41.99", "other", [("block", "no_reason")]),
        ("41.99", "clearance", [("sign", "with_reason")]),
    ],
)
def test_g05_below_cost_and_fee_is_blocked_unless_a_known_reason_is_stated(shop, price, reason, expected):
    assert judged(shop, price, "G05", reason_code=reason) == expected


def test_g05_the_highest_fee_among_the_stores_counts(shop):
    StoreFactory(platform=PlatformFactory(fee_rate=Decimal("0.10")), brand=shop.cslr)
    assert judged(shop, "43.99", "G05") == [("block", "no_reason")]
    assert judged(shop, "44.00", "G05") == []


def test_g05_tells_the_money_at_risk(shop):
    document = shop.price_list()
    line(document, shop.sku(stock=10, floor_price=Decimal("1")), "35.00", reason_code="overstock")
    (hit,) = hits(document, "G05")
    assert (hit.measured, hit.limit, hit.witness["at_risk"]) == ("35.00", "42.00", 50.0)


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("60.00", []),
        ("59.99", [("block", "below_floor")]),
        ("150.00", []),
        ("150.01", [("warn", "above_ceiling")]),
    ],
)
def test_g06_below_the_floor_blocks_and_above_the_ceiling_warns(shop, price, expected):
    assert judged(shop, price, "G06", sku=shop.sku()) == expected


def test_g07_the_margin_after_the_fee_is_at_least_eight_percent(shop):
    assert judged(shop, "100.00", "G07", cost="87.00") == []
    assert judged(shop, "99.99", "G07", cost="87.00") == [("warn", "thin")]


def test_g07_leaves_a_price_below_cost_to_g05(shop):
    assert judged(shop, "80.00", "G07", cost="87.00") == []
    assert judged(shop, "80.00", "G05", cost="87.00") == [("block", "no_reason")]


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("100.00", []),
        ("110.00", []),
        ("110.01", [("warn", "warn")]),
        ("130.00", [("warn", "warn")]),
        ("130.01", [("sign", "sign")]),
        ("160.00", [("sign", "sign")]),
        ("160.01", [("block", "block")]),
        ("90.00", []),
        ("89.99", [("warn", "warn")]),
        ("69.99", [("sign", "sign")]),
        ("39.99", [("block", "block")]),
    ],
)
def test_g08_the_change_against_the_price_in_force_has_three_limits(shop, price, expected):
    assert judged(shop, price, "G08") == expected


def test_g08_has_nothing_to_say_about_a_new_sku(shop):
    assert judged(shop, "100.00", "G08", sku=shop.sku(None)) == []


def test_g08_shows_change_and_limit_with_one_place(shop):
    document = shop.price_list()
    line(document, shop.sku(), "115.55")
    (hit,) = hits(document, "G08")
    assert (hit.measured, hit.limit, hit.witness["was"]) == ("15.6%", "10%", 100.0)


@pytest.mark.parametrize(
    ("price", "slips"),
    [
        ("749.99", False),
        ("750.00", True),
        ("1000.00", True),
        ("1250.00", True),
        ("1250.01", False),
        ("10.00", True),
        ("12.50", True),
        ("12.51", False),
        ("10000.00", True),
        ("1.00", True),
        ("0.74", False),
    ],
)
def test_g09_ten_or_a_hundred_times_the_price_in_force_is_a_slip(shop, price, slips):
    expected = [("block", "base")] if slips else []
    assert judged(shop, price, "G09", reference_price=price) == expected


def test_g09_compares_with_the_reference_where_the_price_in_force_tells_nothing(shop):
    assert judged(shop, "1000.00", "G09", sku=shop.sku(None), reference_price="100.00") == [
        ("block", "reference")
    ]
    assert judged(shop, "100.00", "G09", reference_price="10.00") == [("block", "reference")]


@pytest.mark.parametrize(
    ("old", "price", "swapped"),
    [
        ("176.00", "167.00", True),
        ("159.00", "195.00", True),
        ("198.00", "189.00", False),
        ("176.00", "168.00", False),
        ("120.00", "102.00", True),
        ("100.00", "10.00", False),
    ],
)
def test_g10_the_same_digits_in_another_order_need_a_reason_beyond_five_percent(shop, old, price, swapped):
    expected = [("warn", "base")] if swapped else []
    assert judged(shop, price, "G10", sku=shop.sku(old)) == expected


def test_g10_compares_a_new_sku_with_its_reference(shop):
    assert judged(shop, "167.00", "G10", sku=shop.sku(None), reference_price="176.00") == [
        ("warn", "reference")
    ]


@pytest.mark.parametrize(
    ("price", "expected"), [("115.00", []), ("115.01", [("warn", "deviation")]), ("85.00", [])]
)
def test_g11_a_price_stays_within_fifteen_percent_of_the_reference(shop, price, expected):
    assert judged(shop, price, "G11", reference_price="100.00") == expected


def list_of(shop, endings):
    document = shop.price_list()
    for number, cents in enumerate(endings):
        sku = shop.sku(f"{100 + number}.00", stores=shop.stores[:1], listed=[])
        line(document, sku, f"{100 + number}.{cents}")
    return document


def test_g31_cents_that_hardly_any_other_price_has_are_told(shop):
    document = list_of(shop, ["00"] * 120 + ["37"])
    assert found(document, "G31") == [("info", "odd")]


def test_g31_says_nothing_where_prices_end_in_anything(shop):
    document = list_of(shop, [f"{number % 100:02}" for number in range(150)])
    assert found(document, "G31") == []


def test_a_struck_line_has_no_hits(shop):
    document = shop.price_list()
    line(document, shop.sku(), "100.00")
    line(document, shop.sku(cost=None), "1000.00", struck=True, strike_reason="停售")
    assert check(document).block_count == 0
    assert not GuardHit.objects.filter(document=document).exists()
