"""Guards on windows: their form, what else holds in them, and the days before."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from approvals.guards import words
from approvals.models import Attachment, Document
from opsadmin.core.files import store_file
from tests.approvals.guarding import Shop, check, found, hits, line

DAY = timedelta(days=1)


@pytest.fixture
def shop(db):
    return Shop()


def ahead(**distance):
    return timezone.now() + timedelta(**distance)


# ── G14 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (timedelta(seconds=-1), None, [("block", "past")]),
        (timedelta(hours=23, minutes=59), None, [("sign", "short_lead")]),
        (timedelta(hours=24, minutes=1), None, []),
        (timedelta(days=89), None, []),
        (timedelta(days=91), None, [("warn", "far")]),
        (timedelta(days=5), timedelta(days=90), []),
        (timedelta(days=5), timedelta(days=90, seconds=1), [("warn", "long")]),
        (timedelta(days=91), timedelta(days=91), [("warn", "far")]),
    ],
)
def test_g14_a_window_lies_ahead_with_lead_time_and_is_neither_far_nor_long(shop, start, length, expected):
    start = timezone.now() + start
    assert found(shop.price_list(start=start, end=length and start + length), "G14") == expected


def test_g14_a_campaign_has_an_end(shop):
    assert found(shop.price_list(list_kind="campaign"), "G14") == [("block", "no_end")]
    assert found(shop.price_list(list_kind="campaign", end=ahead(days=20)), "G14") == []


def test_g14_an_emergency_list_takes_a_higher_signature_however_early(shop):
    assert found(shop.price_list(list_kind="emergency"), "G14") == [("sign", "emergency")]


def test_g14_serves_promotions_too(shop):
    assert found(shop.promotion(start=ahead(hours=3)), "G14") == [("sign", "short_lead")]


def test_what_g14_measures_does_not_change_with_the_hour_so_that_its_reason_holds(shop):
    document = shop.price_list(start=ahead(hours=3))
    first, second = hits(document, "G14")[0], hits(document, "G14")[0]
    assert (
        first.measured
        == second.measured
        == timezone.localtime(document.effective_from).strftime("%Y-%m-%d %H:%M")
    )


# ── G15 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def listed(shop, sku, **window):
    document = shop.price_list(**window)
    line(document, sku, "100.00")
    return document


def test_g15_an_open_price_that_began_earlier_yields(shop):
    assert found(listed(shop, shop.sku()), "G15") == []
    start = ahead(days=10)
    assert found(listed(shop, shop.sku(), start=start, end=start + DAY), "G15") == []


def test_g15_a_window_of_its_own_blocks_and_is_named(shop):
    sku, start = shop.sku(stores=[]), ahead(days=10)
    shop.price(sku, shop.stores[0], "88.00", start=start - DAY, end=start + DAY, number="JG-2024-0146")
    (hit,) = hits(listed(shop, sku, start=start), "G15")
    assert (hit.severity, hit.variant, hit.measured, hit.limit) == ("block", "filed", "100.00", "88.00")
    assert hit.witness["document"] == "JG-2024-0146"
    assert hit.witness["stores"] == [shop.stores[0].name]
    assert timezone.localtime(start - DAY).strftime("%Y-%m-%d %H:%M") in hit.witness["window"]
    assert "JG-2024-0146 88.00" in words.detail(hit)


def test_g15_windows_that_only_touch_do_not_overlap(shop):
    sku, start = shop.sku(stores=[]), ahead(days=10)
    shop.price(sku, shop.stores[0], "88.00", start=start - DAY, end=start)
    shop.price(sku, shop.stores[0], "89.00", start=start + DAY, end=start + 2 * DAY)
    assert found(listed(shop, sku, start=start, end=start + DAY), "G15") == []


def test_g15_an_open_price_that_begins_in_the_window_does_not_yield(shop):
    sku, start = shop.sku(stores=[]), ahead(days=10)
    shop.price(sku, shop.stores[0], "88.00", start=start + DAY)
    assert found(listed(shop, sku, start=start), "G15") == [("block", "filed")]
    shop.price(sku, shop.stores[1], "88.00", start=start)
    assert found(listed(shop, sku, start=start, end=start + DAY), "G15") == [("block", "filed")]


def test_g15_the_campaign_layer_stands_over_the_base_layer(shop):
    sku, start = shop.sku(stores=[]), ahead(days=10)
    shop.price(sku, shop.stores[0], "88.00", start=start, end=start + DAY)
    campaign = listed(shop, sku, start=start, end=start + DAY, list_kind="campaign")
    assert found(campaign, "G15") == []
    shop.price(sku, shop.stores[0], "77.00", start=start, end=start + DAY, layer="campaign")
    assert found(campaign, "G15") == [("block", "filed")]


def test_g15_each_other_document_is_named_once_per_line(shop):
    sku, start = shop.sku(stores=[]), ahead(days=10)
    for store in shop.stores:
        shop.price(sku, store, "88.00", start=start, end=start + DAY, number="JG-2024-0001")
    shop.price(sku, shop.stores[0], "87.00", start=start + DAY, end=start + 2 * DAY, number="JG-2024-0002")
    found_hits = hits(listed(shop, sku, start=start), "G15")
    assert sorted(hit.witness["document"] for hit in found_hits) == ["JG-2024-0001", "JG-2024-0002"]
    assert [store.name for store in shop.stores] in [hit.witness["stores"] for hit in found_hits]


def test_g15_a_narrower_line_that_rules_in_a_store_takes_it_from_the_wider_one(shop):
    sku, start = shop.sku(stores=[], pool="exclusive"), ahead(days=10)
    shop.price(sku, shop.stores[0], "88.00", start=start, end=start + DAY)
    document = listed(shop, sku, start=start)
    line(document, sku, "99.00", scope_key="stores:jd-cslr", exception_reason="本店专供")
    assert [hit.row_no for hit in hits(document, "G15")] == [2]


def in_approval(document):
    check(document)
    Document.objects.filter(pk=document.pk).update(
        state="in_approval",
        submitted_by=document.drafted_by,
        submitted_at=timezone.now(),
        content_hash="0" * 64,
    )
    return document


def test_g15_a_document_in_approval_for_the_same_goods_is_named_in_a_warning(shop):
    sku = shop.sku()
    other = in_approval(listed(shop, sku))
    (hit,) = hits(listed(shop, sku), "G15")
    assert (hit.severity, hit.variant, hit.measured) == ("warn", "in_approval", other.number)


def test_g15_other_goods_stores_layers_windows_and_drafts_do_not_meet(shop):
    sku, start = shop.sku(), ahead(days=10)
    listed(shop, sku)
    in_approval(listed(shop, shop.sku()))
    in_approval(listed(shop, sku, start=start - 2 * DAY, end=start - DAY))
    in_approval(listed(shop, sku, list_kind="campaign", end=ahead(days=20)))
    elsewhere = shop.price_list()
    line(elsewhere, sku, "100.00", scope_key="brand:theme")
    in_approval(elsewhere)
    document = shop.price_list(start=start)
    line(document, sku, "100.00", scope_key="brand:cslr")
    assert found(document, "G15") == []


def test_g15_a_promotion_and_a_campaign_list_meet_in_the_campaign_layer(shop):
    sku = shop.sku()
    promotion = shop.promotion()
    line(promotion, sku, "80.00")
    in_approval(promotion)
    campaign = listed(shop, sku, list_kind="campaign", end=ahead(days=20))
    assert [hit.measured for hit in hits(campaign, "G15")] == [promotion.number]
    in_approval(campaign)
    Document.objects.filter(pk=promotion.pk).update(state="draft")
    assert [hit.measured for hit in hits(promotion, "G15")] == [campaign.number]


# ── G22 ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def marked(shop, sku, compare_at, **window):
    document = shop.price_list(**window)
    line(document, sku, "80.00", compare_at_price=compare_at)
    return document


@pytest.mark.parametrize(("compare_at", "expected"), [("100.00", []), ("100.01", [("block", "no_evidence")])])
def test_g22_a_struck_through_price_is_at_most_the_lowest_of_the_days_before(shop, compare_at, expected):
    assert found(marked(shop, shop.sku(), compare_at), "G22") == expected


def test_g22_a_campaign_price_in_the_seven_days_before_is_the_lowest(shop):
    sku, start = shop.sku(), ahead(days=10)
    shop.price(sku, shop.stores[1], "85.00", start=start - 8 * DAY, end=start - 7 * DAY, layer="campaign")
    assert found(marked(shop, sku, "100.00", start=start), "G22") == []
    shop.price(
        sku, shop.stores[1], "90.00", start=start - 7 * DAY, end=start - 6 * DAY, layer="campaign", line_no=2
    )
    (hit,) = hits(marked(shop, sku, "100.00", start=start), "G22")
    assert (hit.measured, hit.limit, hit.witness["stores"]) == ("100.00", "90.00", [shop.stores[1].name])


def test_g22_where_nothing_was_sold_in_those_days_the_last_price_before_counts(shop):
    sku, start = shop.sku(stores=[]), ahead(days=10)
    for store in shop.stores:
        shop.price(sku, store, "70.00", start=start - 60 * DAY, end=start - 40 * DAY)
        shop.price(sku, store, "95.00", start=start - 40 * DAY, end=start - 20 * DAY)
    assert found(marked(shop, sku, "95.00", start=start), "G22") == []
    assert found(marked(shop, sku, "95.01", start=start), "G22") == [("block", "no_evidence")]


def test_g22_where_nothing_was_ever_sold_nothing_bears_the_struck_through_price(shop):
    assert found(marked(shop, shop.sku(None), "100.00"), "G22") == [("block", "no_price")]


def test_g22_evidence_turns_the_block_into_information(shop):
    document = marked(shop, shop.sku(), "120.00")
    file = store_file(ContentFile(b"sales of the week"), name="evidence.pdf", by=shop.drafter)
    Attachment.objects.create(document=document, file=file, kind="comment", added_by=shop.drafter)
    assert found(document, "G22") == [("block", "no_evidence")]
    Attachment.objects.create(document=document, file=file, kind="evidence", added_by=shop.drafter)
    assert found(document, "G22") == [("info", "evidence")]


def test_g22_asks_nothing_of_a_line_without_a_struck_through_price(shop):
    assert found(listed(shop, shop.sku(None)), "G22") == []
