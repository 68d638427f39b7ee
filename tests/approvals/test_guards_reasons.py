"""Reasons for hits: who gives them, for what, and how long they hold."""

from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied

from approvals import guards
from approvals.flow import transitions
from approvals.models import GuardAck, PriceLine
from opsadmin.core.refusals import Refusal
from tests.approvals.guarding import Shop, check, line
from tests.approvals.world import make_world, open_task, submitted
from tests.factories import UserFactory


@pytest.fixture
def shop(db):
    return Shop()


@pytest.fixture
def warned(shop):
    """A list with two lines that change by 15 %, and one that changes by 35 %."""
    document = shop.price_list()
    for price in ("115.00", "115.00", "135.00"):
        line(document, shop.sku(), price)
    return check(document)


def missing(document):
    return [(hit.code, hit.row_no) for hit in guards.unacknowledged(document).order_by("row_no")]


def give(document, by, *, rows=None, code="G08", reason="双12 主推"):
    lines = None if rows is None else [document.pricelist.lines.get(row_no=row).pk for row in rows]
    return guards.acknowledge(document.pk, by=by, code=code, line_ids=lines, reason=reason)


def test_warnings_and_signatures_each_ask_for_a_reason(warned):
    assert missing(warned) == [("G08", 1), ("G08", 2), ("G08", 3)]


def test_a_reason_is_stored_per_line(shop, warned):
    assert give(warned, shop.drafter, rows=[2]) == 1
    assert missing(warned) == [("G08", 1), ("G08", 3)]


def test_one_reason_can_serve_all_hits_of_a_guard_that_have_none(shop, warned):
    give(warned, shop.drafter, rows=[1], reason="换代")
    assert give(warned, shop.drafter) == 2
    assert missing(warned) == []
    assert sorted(GuardAck.objects.values_list("reason", flat=True)) == ["双12 主推", "双12 主推", "换代"]


def test_a_drafter_may_put_a_better_reason_in_the_place_of_the_first(shop, warned):
    give(warned, shop.drafter, rows=[1])
    give(warned, shop.drafter, rows=[1], reason="换代清仓")
    assert GuardAck.objects.get().reason == "换代清仓"


def test_a_reason_holds_until_what_was_measured_changes(shop, warned):
    give(warned, shop.drafter)
    check(warned)
    assert missing(warned) == []
    PriceLine.objects.filter(row_no=1).update(final_price=Decimal("116.00"))
    check(warned)
    assert missing(warned) == [("G08", 1)]
    PriceLine.objects.filter(row_no=1).update(final_price=Decimal("115.00"))
    check(warned)
    assert missing(warned) == []


def test_a_document_level_hit_takes_its_reason_like_any_other(shop):
    document = check(shop.price_list(list_kind="emergency"))
    assert missing(document) == [("G14", None)]
    assert (
        guards.acknowledge(document.pk, by=shop.drafter, code="G14", line_ids=[None], reason="错价纠正") == 1
    )
    assert missing(document) == []


def test_a_reason_is_not_empty(shop, warned):
    with pytest.raises(Refusal):
        give(warned, shop.drafter, reason="   ")


def test_blocking_hits_take_no_reason(shop):
    document = shop.price_list()
    line(document, shop.sku(), "50.00")
    document = check(document)
    assert document.block_count
    assert give(document, shop.drafter, code="G06") == 0


def test_only_who_drafts_that_kind_gives_reasons_and_becomes_an_author(shop, warned):
    for role in ("promotion", "ecommerce_manager", "finance", "customer_service", "administrator"):
        with pytest.raises(PermissionDenied):
            give(warned, UserFactory(roles=[role]))
    colleague = UserFactory(roles=["product_strategy"])
    give(warned, colleague)
    assert warned.authors.filter(user=colleague).exists()


def test_a_decider_gives_reasons_for_own_changes_and_leaves_the_drafters_alone(db):
    world = make_world(goods=2)
    document = submitted(world, ("95", "100"))
    manager = world["ecommerce_manager"]
    task = open_task(document, manager)
    row = document.pricelist.lines.order_by("row_no").first()
    with pytest.raises(PermissionDenied):
        guards.acknowledge(
            document.pk, by=world["product_strategy"], code="G08", line_ids=[row.pk], reason="太迟"
        )
    _line, document = transitions.change_line(
        task.pk, by=manager, line_pk=row.pk, version=row.version, final_price=Decimal("113.00")
    )
    asked = {hit.code for hit in guards.unacknowledged(document)}
    assert "G08" in asked
    for code in asked:
        guards.acknowledge(document.pk, by=manager, code=code, line_ids=[row.pk], reason="我定的价")
    assert missing(document) == []
    assert guards.acknowledge(document.pk, by=manager, code="G08", line_ids=[row.pk], reason="改口") == 0
