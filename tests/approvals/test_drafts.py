"""Drafts: who may make and change them, and what always follows from a change."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.utils import timezone

from approvals import drafts
from approvals.content import content_hash
from approvals.flow import transitions
from approvals.kinds import PRICE_LIST
from approvals.models import Document, DocumentAuthor, DocumentState, FlowStep, PriceLine
from opsadmin.core.refusals import Refusal
from opsadmin.core.workdays import workdays_before
from tests.approvals.drafting import Shop, next_midnight, prices_of
from tests.approvals.world import make_world
from tests.factories import UserFactory


@pytest.fixture
def shop(db):
    return Shop()


@pytest.fixture
def draft(shop):
    return shop.draft()


def edit(line, shop, **fields):
    return drafts.edit_line(
        line.pk,
        kind=PRICE_LIST,
        by=fields.pop("by", shop.drafter),
        version=fields.pop("version", line.version),
        **fields,
    )


def test_a_new_draft_has_the_next_number_its_author_and_a_digest(shop):
    first, second = shop.draft(), shop.draft()
    year = timezone.localtime().year
    assert [first.number, second.number] == [f"JG-{year}-0001", f"JG-{year}-0002"]
    assert first.content_hash == content_hash(first)
    assert DocumentAuthor.objects.filter(document=first, user=shop.drafter).exists()


def test_a_refused_draft_uses_up_no_number(shop):
    with pytest.raises(ValidationError):
        shop.draft(effective_to=next_midnight() - timedelta(days=1))
    assert shop.draft().number.endswith("-0001")


@pytest.mark.parametrize("role", ["ecommerce_manager", "finance", "promotion", "general_manager", "auditor"])
def test_only_product_strategy_drafts_price_lists(shop, role):
    other = UserFactory(roles=[role])
    with pytest.raises(PermissionDenied):
        drafts.create_price_list(by=other, title="x", list_kind="regular", effective_from=next_midnight())
    with pytest.raises(PermissionDenied):
        drafts.edit_header(shop.draft().pk, by=other, title="x")


def test_the_usual_start_leaves_a_whole_day(shop):
    start = drafts.usual_start("price_list")
    assert start - timezone.now() >= timedelta(days=1)
    assert timezone.localtime(start).strftime("%H:%M") == "00:00"


@pytest.mark.parametrize("days", [0, 1, 2, 3, 4, 5, 6])
def test_the_usual_start_leaves_everybody_on_the_route_a_day(db, days):
    make_world()
    now = timezone.now() + timedelta(days=days)
    start = drafts.usual_start("price_list", now)
    steps = FlowStep.objects.filter(version__flow__kind="price_list")
    assert workdays_before(start, max(step.days_before for step in steps)) >= now + timedelta(days=1)


def test_the_final_price_starts_as_the_reference_price(shop, draft):
    assert shop.line(draft, reference_price=Decimal("119.00")).final_price == Decimal("119.00")
    assert shop.line(draft, shop.skus[1], final_price=Decimal("99.00")).final_price == Decimal("99.00")


def test_a_sku_is_found_after_trim_half_width_and_case(shop, draft):
    line = drafts.add_line(
        draft.pk, by=shop.drafter, sku_code="  ｃｓ-00002-ｂｋ ", reference_price=Decimal("80")
    )
    assert line.sku == shop.skus[1]


def test_an_unknown_or_inactive_sku_is_refused(shop, draft):
    shop.skus[0].active = False
    shop.skus[0].save()
    for code in ("CS-99999-BK", shop.skus[0].code, ""):
        with pytest.raises(Refusal) as refused:
            drafts.add_line(draft.pk, by=shop.drafter, sku_code=code, reference_price=Decimal("80"))
        assert refused.value.code == "unknown_sku"


def test_the_same_sku_twice_for_the_same_stores_is_refused(shop, draft):
    shop.line(draft)
    with pytest.raises(ValidationError, match="already|已"):
        shop.line(draft)
    shop.line(draft, scope_key="brand:cslr")


def test_a_price_for_named_stores_says_why(shop, draft):
    with pytest.raises(ValidationError):
        shop.line(draft, scope_key="stores:jd-cslr")
    line = shop.line(draft, scope_key="stores:jd-cslr", exception_reason="专供款")
    assert list(
        draft.scope_stores.filter(scope_key=line.scope_key).values_list("store__code", flat=True)
    ) == ["jd-cslr"]


@pytest.mark.parametrize("price", [Decimal("0"), Decimal("-1"), Decimal("1.234"), Decimal("99999999999")])
def test_a_price_that_cannot_be_is_refused(shop, draft, price):
    line = shop.line(draft)
    with pytest.raises(ValidationError):
        edit(line, shop, final_price=price)
    line.refresh_from_db()
    assert line.final_price == Decimal("100.00")


def test_an_edit_raises_the_version_and_the_digest_follows(shop, draft):
    line = shop.line(draft)
    before = Document.objects.get(pk=draft.pk).content_hash
    line, document = edit(line, shop, final_price=Decimal("95.00"))
    assert (line.version, line.final_price) == (2, Decimal("95.00"))
    assert document.content_hash == content_hash(document) != before
    assert document.guarded_hash == document.content_hash


def test_a_stale_edit_is_refused_with_the_line_as_it_is(shop, draft):
    line = shop.line(draft)
    edit(line, shop, final_price=Decimal("95.00"))
    with pytest.raises(Refusal) as refused:
        edit(line, shop, version=1, final_price=Decimal("90.00"))
    assert refused.value.code == "edited"
    assert refused.value.data["line"].final_price == Decimal("95.00")
    assert prices_of(draft) == {line.sku_code: Decimal("95.00")}


def test_a_struck_line_says_why_and_can_be_kept_again(shop, draft):
    line = shop.line(draft)
    with pytest.raises(ValidationError):
        edit(line, shop, struck=True, strike_reason="")
    line, document = edit(line, shop, struck=True, strike_reason="缺货")
    assert document.summary["struck"] == 1
    line, _document = edit(line, shop, struck=False)
    assert (line.struck, line.strike_reason) == (False, "")


def test_whoever_edits_becomes_an_author(shop, draft):
    colleague = UserFactory(roles=["product_strategy"])
    edit(shop.line(draft), shop, by=colleague, reason="试算")
    assert DocumentAuthor.objects.filter(document=draft, user=colleague).exists()


def test_nothing_changes_once_submitted(shop, draft):
    line = shop.line(draft)
    Document.objects.filter(pk=draft.pk).update(
        state="in_approval", submitted_by=shop.drafter, submitted_at=timezone.now()
    )
    acts = [
        lambda: edit(line, shop, final_price=Decimal("1.00")),
        lambda: shop.line(draft, shop.skus[1]),
        lambda: drafts.remove_lines(draft.pk, by=shop.drafter, line_pks=[line.pk]),
        lambda: drafts.edit_header(draft.pk, by=shop.drafter, title="x"),
        lambda: transitions.cancel(draft.pk, by=shop.drafter),
    ]
    for act in acts:
        with pytest.raises(Refusal) as refused:
            act()
        assert refused.value.code == "state"
    assert prices_of(draft) == {line.sku_code: Decimal("100.00")}


def test_removing_lines_touches_only_this_document(shop, draft):
    mine, other = shop.line(draft), shop.line(shop.draft())
    assert drafts.remove_lines(draft.pk, by=shop.drafter, line_pks=[mine.pk, other.pk]) == 1
    assert PriceLine.objects.filter(pk=other.pk).exists()
    assert Document.objects.get(pk=draft.pk).line_count == 0


def test_a_discarded_draft_is_kept_as_cancelled(shop, draft):
    transitions.cancel(draft.pk, by=shop.drafter)
    assert Document.objects.get(pk=draft.pk).state == DocumentState.CANCELLED


def test_a_header_edit_runs_the_guards_again(shop, draft):
    shop.line(draft)
    document = drafts.edit_header(
        draft.pk, by=shop.drafter, effective_from=timezone.now() - timedelta(days=1)
    )
    assert document.block_count > 0
    assert document.guarded_hash == content_hash(document)


class TestFollowUp:
    def filed(self, shop, **window):
        document = shop.draft(effective_to=next_midnight() + timedelta(days=7))
        for sku in shop.skus:
            shop.line(document, sku, reason="换季")
        for line in document.lines.all()[:2]:
            edit(line, shop, struck=True, strike_reason="缺货")
        Document.objects.filter(pk=document.pk).update(state="filed", archive_number="GD-2026-0001", **window)
        return document

    def test_a_follow_up_takes_the_struck_lines_into_a_new_draft(self, shop):
        document = self.filed(shop)
        draft = drafts.follow_up(document.pk, by=shop.drafter)
        lines = list(draft.lines.order_by("row_no"))
        assert [line.sku_code for line in lines] == [shop.skus[0].code, shop.skus[1].code]
        assert [line.row_no for line in lines] == [1, 2]
        assert not any(line.struck or line.strike_reason for line in lines)
        assert (draft.follows_id, draft.state, draft.line_count) == (document.pk, "draft", 2)

    def test_a_window_that_has_begun_is_moved_with_its_length(self, shop):
        start = timezone.now() - timedelta(days=3)
        document = self.filed(shop, effective_from=start, effective_to=start + timedelta(days=7))
        draft = drafts.follow_up(document.pk, by=shop.drafter)
        assert draft.effective_from == drafts.usual_start("price_list")
        assert draft.effective_to - draft.effective_from == timedelta(days=7)

    def test_a_document_has_one_open_follow_up(self, shop):
        document = self.filed(shop)
        first = drafts.follow_up(document.pk, by=shop.drafter)
        with pytest.raises(Refusal) as refused:
            drafts.follow_up(document.pk, by=shop.drafter)
        assert refused.value.data["document"].pk == first.pk
        transitions.cancel(first.pk, by=shop.drafter)
        assert drafts.follow_up(document.pk, by=shop.drafter).number != first.number

    def test_only_filed_documents_with_struck_lines_have_one(self, shop, draft):
        with pytest.raises(Refusal) as refused:
            drafts.follow_up(draft.pk, by=shop.drafter)
        assert refused.value.code == "state"
        Document.objects.filter(pk=draft.pk).update(state="filed", archive_number="GD-2026-0002")
        with pytest.raises(Refusal) as refused:
            drafts.follow_up(draft.pk, by=shop.drafter)
        assert refused.value.code == "empty"


@pytest.mark.django_db(transaction=True)
def test_two_edits_of_one_line_at_once_leave_one_winner():
    """Fails without the lock on the document's row."""
    shop = Shop(goods=1)
    line = shop.line(shop.draft())
    barrier, outcomes = threading.Barrier(2), []

    def change(price):
        try:
            barrier.wait()
            edit(line, shop, version=1, final_price=price)
            outcomes.append("written")
        except Refusal as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=[Decimal(price)]) for price in ("95.00", "96.00")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["edited", "written"]
    line.refresh_from_db()
    assert line.version == 2
