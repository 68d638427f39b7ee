"""Guards that look across lines, stores and brands."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from approvals.models import ScopeStore
from stores.models import Listing, Sku
from tests.approvals.guarding import Shop, check, found, hits, line

EXCEPTION = {"scope_key": "stores:jd-cslr", "exception_reason": "本店专供"}


@pytest.fixture
def shop(db):
    return Shop()


# ── G01 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_g01_a_sku_that_is_not_sold_blocks(shop):
    document = shop.price_list()
    line(document, shop.sku(), "100.00")
    assert found(document, "G01") == []
    Sku.objects.update(active=False)
    assert found(document, "G01") == [("block", "inactive")]


def test_g01_a_store_where_the_sku_is_not_on_the_shelf_is_named(shop):
    document = shop.price_list()
    line(document, shop.sku(listed=shop.stores[:2]), "100.00")
    (hit,) = hits(document, "G01")
    assert (hit.severity, hit.variant, hit.measured) == ("warn", "no_listing", "1/3")
    assert hit.witness["stores"] == [shop.stores[2].name]


def test_g01_off_the_shelf_counts_as_not_listed(shop):
    document = shop.price_list()
    sku = shop.sku()
    line(document, sku, "100.00")
    Listing.objects.filter(sku=sku, store=shop.stores[0]).update(state="delisted")
    assert [hit.measured for hit in hits(document, "G01")] == ["1/3"]


def test_g01_only_the_stores_that_the_line_means_count(shop):
    document = shop.price_list()
    line(document, shop.sku(listed=shop.stores[:2]), "100.00", scope_key="brand:cslr")
    assert found(document, "G01") == []


def test_g01_a_line_for_no_store_at_all_blocks(shop):
    document = shop.price_list()
    line(document, shop.sku(), "100.00", scope_key="brand:none")
    assert found(document, "G01") == [("block", "no_store")]


def test_g01_a_document_whose_lines_are_all_struck_blocks_and_an_empty_one_does_not(shop):
    document = shop.price_list()
    assert found(document, "G01") == []
    line(document, shop.sku(), "100.00", struck=True, strike_reason="停售")
    assert found(document, "G01") == [("block", "nothing_kept")]


# ── G02 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def two_lines(shop, *, pool="common", first="all", second="stores:jd-cslr", reason="", price="100.00"):
    document, sku = shop.price_list(), shop.sku(pool=pool)
    line(document, sku, "100.00", scope_key=first, exception_reason=reason if "stores" in first else "")
    line(document, sku, price, scope_key=second, exception_reason=reason or "-")
    return document


def test_g02_a_narrower_line_of_a_common_sku_blocks_and_names_the_other_line(shop):
    (hit,) = hits(two_lines(shop, reason="本店专供"), "G02")
    assert (hit.severity, hit.row_no, hit.witness["row"]) == ("block", 2, 1)
    assert hit.witness["stores"] == [shop.stores[0].name]


def test_g02_a_campaign_or_exclusive_sku_may_have_a_written_exception(shop):
    assert found(two_lines(shop, pool="exclusive", reason="本店专供"), "G02") == []
    assert found(two_lines(shop, pool="campaign", reason="本店专供"), "G02") == []


def test_g02_without_a_written_exception_no_pool_helps(shop):
    document, sku = shop.price_list(), shop.sku(pool="exclusive")
    line(document, sku, "100.00")
    line(document, sku, "100.00", scope_key="brand:cslr")
    assert [hit.row_no for hit in hits(document, "G02")] == [2]


def test_g02_two_lines_of_the_same_breadth_must_not_share_a_store(shop):
    document = two_lines(
        shop,
        pool="exclusive",
        reason="本店专供",
        first="stores:jd-cslr;tb-cslr",
        second="stores:tb-cslr;jd-theme",
    )
    assert [hit.row_no for hit in hits(document, "G02")] == [2]


def test_g02_lines_for_different_stores_are_no_duplicates(shop):
    assert found(two_lines(shop, first="brand:cslr", second="brand:theme"), "G02") == []


# ── G12 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_g12_unified_stores_have_one_price(shop):
    document = two_lines(shop, first="brand:cslr", second="brand:theme", price="105.00")
    assert [hit.row_no for hit in hits(document, "G12")] == [1, 2]
    assert found(two_lines(shop, first="brand:cslr", second="brand:theme"), "G12") == []


def test_g12_the_written_exception_of_an_exclusive_sku_may_differ(shop):
    assert found(two_lines(shop, pool="exclusive", reason="本店专供", price="90.00"), "G12") == []


def test_g12_a_line_for_some_stores_must_agree_with_the_prices_in_force_in_the_others(shop):
    document = shop.price_list()
    line(document, shop.sku(), "95.00", scope_key="brand:cslr")
    (hit,) = hits(document, "G12")
    assert (hit.severity, hit.limit) == ("block", "95.00 – 100.00")
    assert hit.witness["stores"] == [f"{shop.stores[2].name} 100.00"]


def test_g12_stores_where_the_sku_has_no_price_do_not_differ(shop):
    document = shop.price_list()
    line(document, shop.sku(stores=shop.stores[:2]), "95.00", scope_key="brand:cslr")
    assert found(document, "G12") == []


def test_g12_a_price_that_a_filed_exception_made_does_not_count(shop):
    filed, sku = shop.price_list(), shop.sku(stores=shop.stores[1:], pool="exclusive")
    made_by = line(filed, sku, "80.00", **EXCEPTION)
    shop.price(
        sku,
        shop.stores[0],
        "80.00",
        start=timezone.now() - timedelta(days=9),
        number=filed.number,
        line_no=made_by.row_no,
    )
    document = shop.price_list()
    line(document, sku, "100.00", scope_key="brand:theme")
    assert found(document, "G12") == []


def test_g12_a_store_without_the_unified_price_is_left_out(shop):
    shop.stores[2].unified_price = False
    shop.stores[2].save()
    document = shop.price_list()
    line(document, shop.sku(), "95.00", scope_key="brand:cslr")
    assert found(document, "G12") == []


# ── G13 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("price", "expected"), [("105.00", []), ("105.01", [("warn", "brands")])])
def test_g13_the_other_brand_lies_within_five_percent_of_its_price_in_force(shop, price, expected):
    ours = shop.sku()
    shop.sku(product=ours.product, brand=shop.theme)
    document = shop.price_list()
    line(document, ours, price)
    assert found(document, "G13") == expected


def test_g13_the_other_brands_line_in_the_same_list_counts_before_its_price_in_force(shop):
    ours = shop.sku()
    theirs = shop.sku(product=ours.product, brand=shop.theme)
    document = shop.price_list()
    line(document, ours, "120.00")
    line(document, theirs, "120.00")
    assert found(document, "G13") == []


def test_g13_among_a_products_many_skus_the_nearest_price_counts(shop):
    ours = shop.sku()
    for price in ("60.00", "102.00", "300.00"):
        nearest = shop.sku(price, product=ours.product, brand=shop.theme)
    document = shop.price_list()
    line(document, ours, "101.00")
    assert found(document, "G13") == []
    ours_dear = shop.sku(product=nearest.product)
    line(document, ours_dear, "200.00")
    (hit,) = hits(document, "G13")
    assert (hit.witness["price"], hit.measured) == (300.0, "33.3%")


def test_g13_colours_of_one_brand_are_not_compared(shop):
    ours = shop.sku()
    shop.sku("300.00", product=ours.product)
    document = shop.price_list()
    line(document, ours, "100.00")
    assert found(document, "G13") == []


# ── G16 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_g16_a_price_that_was_filed_meanwhile_blocks_until_the_list_is_read_again(shop):
    sku = shop.sku()
    document = shop.price_list()
    line(document, sku, "100.00")
    assert found(document, "G16") == []
    for store in shop.stores:
        standing = sku.prices.get(store=store)
        middle = timezone.now() + timedelta(days=1)
        sku.prices.filter(pk=standing.pk).update(during=(standing.during.lower, middle))
        shop.price(sku, store, "95.00", start=middle, number="JG-2024-0007")
    (hit,) = hits(document, "G16", snapshots=False)
    assert (hit.severity, hit.measured, hit.limit) == ("block", "95.00", "100.00")
    assert hit.witness["document"] == "JG-2024-0007"
    assert found(document, "G16") == []


def test_g16_a_price_that_begins_after_the_list_does_not_matter(shop):
    sku = shop.sku()
    start = timezone.now() + timedelta(days=10)
    document = shop.price_list(start=start, end=start + timedelta(days=2))
    line(document, sku, "100.00")
    check(document)
    standing = sku.prices.get(store=shop.stores[0])
    later = start + timedelta(days=20)
    sku.prices.filter(pk=standing.pk).update(during=(standing.during.lower, later))
    shop.price(sku, shop.stores[0], "95.00", start=later)
    assert found(document, "G16", snapshots=False) == []


# ── G28, G29 ──────────────────────────────────────────────────────────────────────────────────────────────────────


def many(shop, prices):
    """A list of SKUs at 100 with these new prices; each in one store, to be made quickly."""
    document = shop.price_list()
    for price in prices:
        line(document, shop.sku(stores=shop.stores[:1], listed=[]), price)
    return document


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        (["101.00", "102.00", "103.00"] + ["100.00"] * 17, []),
        (["101.00"] * 3 + ["102.00"] * 3 + ["100.00"] * 14, []),
        (["101.00"] * 3 + ["102.00"] * 4 + ["100.00"] * 13, [("sign", "many")]),
        (["100.00"] * 12 + ["120.00", "121.00", "122.00"], []),
        (["100.00"] * 17 + ["120.00", "121.00", "122.00"], [("sign", "median")]),
        (["105.00"] * 20, [("sign", "factor")]),
        (["105.00"] * 19, []),
    ],
)
def test_g28_many_changes_one_factor_or_a_large_median_need_a_higher_signature(shop, prices, expected):
    assert found(many(shop, prices), "G28") == expected


@pytest.mark.parametrize(
    ("price", "mixed_up"), [("7999.00", False), ("8000.00", True), ("12000.00", True), ("1.00", True)]
)
def test_g29_fen_for_yuan_blocks_the_whole_list(shop, price, mixed_up):
    expected = [("block", "unit")] if mixed_up else []
    assert found(many(shop, [price, price, price]), "G29") == expected


def test_g29_a_single_slip_is_no_matter_of_the_unit(shop):
    assert found(many(shop, ["10000.00", "100.00", "101.00"]), "G29") == []


# ── Snapshots ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_line_copies_cost_floor_and_ceiling_where_the_list_gives_none(shop):
    document = shop.price_list()
    given = line(document, shop.sku(), "100.00", cost="41.00")
    check(document)
    given.refresh_from_db()
    assert (given.cost, given.floor_price, given.ceiling_price) == (41, 60, 150)


def test_a_lines_price_in_force_is_the_most_common_one_of_its_stores_at_the_start(shop):
    sku = shop.sku(stores=[])
    past = timezone.now() - timedelta(days=9)
    for store, price in zip(shop.stores, ("90.00", "100.00", "100.00"), strict=True):
        newest = shop.price(sku, store, price, start=past)
    document = shop.price_list()
    row = line(document, sku, "100.00")
    document = check(document)
    row.refresh_from_db()
    assert (row.base_price, row.base_version) == (Decimal("100.00"), newest.pk)


def test_a_price_that_ends_before_the_start_is_not_the_price_in_force(shop):
    sku = shop.sku(stores=[])
    shop.price(sku, shop.stores[0], "90.00", start=timezone.now(), end=timezone.now() + timedelta(days=10))
    document = shop.price_list(start=timezone.now() + timedelta(days=11))
    row = line(document, sku, "100.00")
    check(document)
    row.refresh_from_db()
    assert row.base_price is None


def test_scopes_are_those_of_the_document_not_of_another_one(shop):
    sku = shop.sku()
    for scope in ("all", "brand:cslr"):
        document = shop.price_list()
        line(document, sku, "100.00", scope_key=scope)
        check(document)
    assert ScopeStore.objects.filter(document=document.pk).count() == 2
    assert document.scope_stores.filter(scope_key="all").count() == 0
