"""The figures of a check, and the check of the guards themselves against slips of the hand."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from approvals.guards import words
from approvals.guards.frame import GUARDS
from approvals.guards.words import DETAILS, SENTENCES, TITLES
from approvals.kinds import PRICE_KINDS
from approvals.models import Document, GuardHit, PriceLine
from tests.approvals.guarding import Shop, check, hits, line, season
from tests.factories import PlatformFactory, StoreFactory


@pytest.fixture
def shop(db):
    return Shop()


# ── Figures ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_document_has_figures_too(shop):
    document = check(shop.price_list())
    assert (document.line_count, document.store_count, document.summary["kept"]) == (0, 0, 0)
    assert document.summary["histogram"] == [0] * 10
    assert document.summary["largest_rise"] is None
    assert document.summary["margin_now"] is None


def test_lines_are_counted_by_what_happens_to_their_price(shop):
    document = shop.price_list()
    for price in ("100.00", "105.00", "106.30", "97.00"):
        line(document, shop.sku(), price)
    line(document, shop.sku(None), "88.00")
    line(document, shop.sku(pool="campaign"), "300.00", struck=True, strike_reason="停售")
    summary = check(document).summary
    figures = {"lines": 6, "kept": 5, "struck": 1, "changed": 3, "up": 2, "down": 1, "without_base": 1}
    assert {name: summary[name] for name in figures} == figures
    assert summary["largest_rise"]["pct"] == 6.3
    assert summary["largest_cut"]["pct"] == 3.0
    assert summary["common_share"] == 100.0


def test_the_histogram_leaves_out_what_does_not_change_and_its_buckets_begin_at_their_lower_edge(shop):
    document = shop.price_list()
    prices = ("69.99", "70.00", "80.00", "90.00", "95.00", "99.99", "100.00", "100.01", "105.00", "110.00")
    for price in (*prices, "120.00", "130.00"):
        line(document, shop.sku(), price)
    assert check(document).summary["histogram"] == [1, 1, 1, 1, 2, 1, 1, 1, 1, 1]


def test_money_at_risk_is_what_selling_the_stock_below_cost_would_lose(shop):
    document = shop.price_list()
    line(document, shop.sku(stock=10), "35.00")
    line(document, shop.sku(stock=1000), "41.00")
    line(document, shop.sku(stock=1000), "30.00", struck=True, strike_reason="停售")
    document = check(document)
    assert document.money_at_risk == Decimal("50.00")
    assert document.summary["below_cost"] == 2
    assert document.summary["below_floor"] == 2


def test_margins_are_after_the_fee_now_and_before(shop):
    document = shop.price_list()
    line(document, shop.sku(), "80.00")
    summary = check(document).summary
    assert (summary["margin_now"], summary["margin_before"]) == (45.0, 55.0)


def test_stores_are_named_and_told_by_platform(shop):
    other = StoreFactory(platform=PlatformFactory(name="拍拍"), brand=shop.cslr, order=9)
    document = shop.price_list()
    line(document, shop.sku(), "100.00")
    document = check(document)
    assert document.store_label == f"{shop.platform.name} 3、拍拍 1"
    assert document.summary["stores"][-1] == {"code": other.code, "name": other.name}


def test_stores_that_would_differ_are_counted_with_those_whose_price_stands(shop):
    document = shop.price_list()
    exclusive = shop.sku(pool="exclusive")
    line(document, exclusive, "100.00")
    assert check(document).summary["stores_that_differ"] == 0
    line(document, exclusive, "90.00", scope_key="stores:jd-cslr", exception_reason="本店专供")
    line(document, shop.sku(), "95.00", scope_key="brand:cslr")
    assert check(document).summary["stores_that_differ"] == 2


def test_hits_are_counted_by_severity_and_guard(shop):
    document = shop.price_list()
    line(document, shop.sku(), "115.00")
    line(document, shop.sku(cost=None), "200.00")
    document = check(document)
    assert document.summary["hits"]["block"] == {"G04": 1, "G08": 1}
    assert document.summary["hits"]["warn"]["G08"] == 1
    assert document.block_count == 2
    assert document.warn_count == GuardHit.objects.filter(severity="warn").count()


def test_what_the_document_keeps_is_what_the_caller_holds(shop):
    document = shop.price_list()
    line(document, shop.sku(stock=7), "35.00")
    held = check(document)
    stored = Document.objects.get(pk=document.pk)
    for name in ("block_count", "money_at_risk", "line_count", "store_label", "summary"):
        assert getattr(held, name) == getattr(stored, name)


def test_every_hit_names_the_version_of_the_limits(shop):
    document = shop.price_list()
    line(document, shop.sku(), "115.00")
    assert {hit.policy_version for hit in hits(document, "G08")} == {0}


def test_a_document_of_100_lines_is_checked_twice_in_one_transaction(shop):
    document, _rows = season(shop, 100)
    assert check(document).summary["hits"] == check(document).summary["hits"]


# ── Words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_guard_of_every_kind_of_document_is_there_and_has_a_name():
    for kind in PRICE_KINDS.values():
        for code in kind.guards:
            assert code in GUARDS and code in TITLES
    assert {code for code, _variant in SENTENCES} <= set(TITLES)
    assert set(DETAILS) <= set(SENTENCES)


def test_every_hit_can_be_said_in_words(shop):
    document, _rows = season(shop, 300)
    document.effective_from = timezone.now() + timedelta(hours=3)
    document.save()
    ours = shop.sku()
    shop.sku("150.00", product=ours.product, brand=shop.theme)
    for fields in (
        {"price": "115.00", "reference_price": "90.00", "compare_at_price": "130.00"},
        {"price": "41.00", "reason_code": "clearance"},
        {"price": "41.00"},
        {"price": "151.00"},
        {"price": "1000.00"},
        {"price": "95.00", "scope_key": "brand:cslr"},
    ):
        line(document, shop.sku(listed=[]), **fields)
    line(document, ours, "100.00")
    line(document, ours, "99.00", scope_key="stores:jd-cslr", exception_reason="本店")
    check(document)
    said = set()
    for hit in GuardHit.objects.filter(document=document):
        assert (hit.code, hit.variant) in SENTENCES, (hit.code, hit.variant)
        assert words.short(hit) and words.sentence(hit.code, hit.variant)
        assert "%(" not in words.detail(hit)
        said.add((hit.code, hit.variant))
    assert len(said) >= 15


# ── Self-test: slips of the hand on 300 goods ─────────────────────────────────────────────────────────────────────


def times(factor):
    return lambda price: price * Decimal(factor)


def digit_dropped(place):
    def drop(price):
        digits = str(int(price))
        return Decimal(digits[:place] + digits[place + 1 :])

    return drop


def first_two_swapped(price):
    digits = str(int(price))
    return Decimal(digits[1] + digits[0] + digits[2:])


@pytest.mark.parametrize(
    ("slip", "severities"),
    [
        (times("10"), {"block"}),
        (times("0.1"), {"block"}),
        (times("100"), {"block"}),
        (times("0.01"), {"block"}),
        (digit_dropped(0), {"block", "sign"}),
        (digit_dropped(1), {"block", "sign"}),
        (first_two_swapped, {"block", "sign", "warn"}),
    ],
)
def test_every_slip_on_300_goods_is_stopped_or_must_be_explained(shop, slip, severities):
    document, rows = season(shop, 300)
    check(document)
    slipped = []
    for row in PriceLine.objects.filter(document=document):
        new = slip(row.base_price)
        if new > 0 and new != row.base_price:
            slipped.append(row)
            row.final_price = new
            row.reference_price = row.base_price
    assert len(slipped) >= 200
    PriceLine.objects.bulk_update(slipped, ["final_price", "reference_price"])
    check(document)
    stopped = set(
        GuardHit.objects.filter(
            document=document, severity__in=severities, line_id__isnull=False
        ).values_list("line_id", flat=True)
    )
    escaped = [(row.base_price, row.final_price) for row in slipped if row.pk not in stopped]
    assert not escaped
    assert len(rows) == 300
