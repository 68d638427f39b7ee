"""Promotions: a second kind of document, walked by the same engine, with its guards and its screens."""

import io
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.urls import reverse

from approvals import drafts, guards, in_force, scopes
from approvals.flow import transitions
from approvals.models import (
    ArchiveRecord,
    Document,
    GuardHit,
    Promotion,
    PromotionLine,
    Task,
)
from approvals.pricelists import importing
from opsadmin.core import jobs
from opsadmin.core.refusals import Refusal
from stores.models import PriceInForce
from tests.approvals import world as w
from tests.approvals.drafting import workbook
from tests.factories import PriceInForceFactory, SkuFactory, moment

pytestmark = pytest.mark.django_db


def draft_promotion(world, prices=("80", "85"), *, line=None, **fields):
    """Return a checked draft of a promotion with one line per price; goods stand at 100."""
    start = fields.pop("effective_from", w.next_week())
    usual = {
        "title": "双12 会员日",
        "promotion_kind": "markdown",
        "effective_from": start,
        "effective_to": start + timedelta(days=3),
        "per_user_cap": 2,
        "total_quantity": 500,
        "budget": Decimal("20000"),
    }
    promotion = drafts.create_promotion(by=world["promotion"], **usual | fields)
    for sku, price in zip(world.goods, prices, strict=False):
        drafts.add_line(
            promotion.pk, by=world["promotion"], sku_code=sku.code, final_price=Decimal(price), **line or {}
        )
    return w.check(promotion)


def submit(world, document):
    w.explain_all(document, by=world["promotion"])
    transitions.submit(document.pk, by=world["promotion"], content_hash=document.content_hash)
    return Document.objects.get(pk=document.pk)


def filed(world, *args, **fields):
    """Return a promotion that the manager has signed and finance has filed."""
    document = submit(world, draft_promotion(world, *args, **fields))
    w.sign(world, document)
    w.file(world, document)
    return Document.objects.get(pk=document.pk)


def variants(document):
    """Return {(guard, variant): severity} of a document's hits."""
    return {(hit.code, hit.variant): hit.severity for hit in GuardHit.objects.filter(document=document)}


# ── The walk ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_promotion_goes_from_draft_to_done_without_campaign_details(world):
    document = draft_promotion(world)
    assert document.number.startswith("CX-")
    document = submit(world, document)
    assert w.open_task(document).assignee == world["ecommerce_manager"]
    w.sign(world, document)
    assert w.open_task(document).assignee == world["finance"]
    w.file(world, document)
    for store in world.stores:
        assert Document.objects.get(pk=document.pk).state == "filed"
        w.carry_out(world, document, store)
    assert Document.objects.get(pk=document.pk).state == "done"
    records = ArchiveRecord.objects.filter(document=document).order_by("sequence")
    assert [record.kind for record in records] == ["filing", "receipt", "receipt", "closing"]


def test_its_prices_stand_over_the_base_prices_for_its_window_only(world):
    document = filed(world)
    sku, store = world.goods[0], world.stores[0]
    during = PriceInForce.objects.filter(sku=sku, store=store).at(document.effective_from)
    assert dict(during.values_list("layer", "amount")) == {"base": Decimal("100"), "campaign": Decimal("80")}
    for outside in (document.effective_from - timedelta(seconds=1), document.effective_to):
        standing = PriceInForce.objects.filter(sku=sku, store=store).at(outside)
        assert [price.layer for price in standing] == ["base"]
    campaign = PriceInForce.objects.filter(layer="campaign")
    assert campaign.count() == 2 * len(world.stores)
    assert {price.document_number for price in campaign} == {document.number}


def test_two_promotions_for_the_same_goods_and_days_block_each_other_by_name(world):
    first = filed(world)
    second = draft_promotion(world, ["75"], effective_from=first.effective_from + timedelta(days=2))
    assert variants(second)["G15", "filed"] == "block"
    assert GuardHit.objects.get(document=second, code="G15").witness["document"] == first.number
    with pytest.raises(Refusal) as refused:
        transitions.submit(second.pk, by=world["promotion"], content_hash=second.content_hash)
    assert refused.value.code == "blocked"


def test_a_promotion_may_begin_in_the_moment_in_which_the_other_ends(world):
    first = filed(world)
    second = draft_promotion(world, ["75"], effective_from=first.effective_to)
    assert ("G15", "filed") not in variants(second)


def test_of_two_promotions_in_approval_the_one_filed_first_wins(world):
    start = w.next_week()
    documents = [submit(world, draft_promotion(world, ["80"], effective_from=start)) for _number in range(2)]
    assert GuardHit.objects.get(document=documents[1], code="G15").variant == "in_approval"
    for document in documents:
        w.sign(world, document)
    w.file(world, documents[0])
    with pytest.raises(Refusal) as refused:
        w.file(world, documents[1])
    assert refused.value.code in {"blocked", "overlap"}
    assert PriceInForce.objects.filter(layer="campaign").count() == len(world.stores)


def test_only_promotion_drafts_promotions_and_does_not_decide_on_them(world):
    for role in ("product_strategy", "ecommerce_manager", "finance", "customer_service", "administrator"):
        with pytest.raises(PermissionDenied):
            drafts.create_promotion(
                by=world[role],
                title="越权",
                promotion_kind="coupon",
                effective_from=w.next_week(),
                effective_to=w.next_week() + timedelta(days=1),
            )
    document = submit(world, draft_promotion(world))
    assert not Task.objects.filter(document=document, assignee=world["promotion"]).exists()


def test_what_the_manager_changes_in_a_promotion_is_judged_at_once(world):
    document = submit(world, draft_promotion(world, ["80", "85"]))
    line = PromotionLine.objects.filter(document=document.pk).order_by("row_no").first()
    task = w.open_task(document)
    transitions.change_line(
        task.pk,
        by=world["ecommerce_manager"],
        line_pk=line.pk,
        version=line.version,
        final_price=Decimal("100"),
    )
    assert variants(document)["G17", "not_below"] == "block"
    with pytest.raises(Refusal) as refused:
        w.sign(world, document)
    assert refused.value.code == "blocked"


def test_struck_lines_of_a_promotion_can_be_taken_into_a_follow_up(world):
    document = submit(world, draft_promotion(world, ["80", "85"]))
    line = PromotionLine.objects.filter(document=document.pk).order_by("row_no").first()
    transitions.change_line(
        w.open_task(document).pk,
        by=world["ecommerce_manager"],
        line_pk=line.pk,
        version=line.version,
        struck=True,
        strike_reason="库存不足",
    )
    w.sign(world, document)
    w.file(world, document)
    assert PriceInForce.objects.filter(layer="campaign", sku=line.sku).count() == 0
    draft = drafts.follow_up(document.pk, by=world["promotion"])
    own = Promotion.objects.get(pk=draft.pk)
    assert [copied.sku for copied in own.lines.all()] == [line.sku]
    assert (own.per_user_cap, own.total_quantity, own.budget) == (2, 500, Decimal("20000"))


# ── Guards ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("price", "hit"), [("99.99", False), ("100.00", True), ("100.01", True)])
def test_a_promotion_price_lies_below_the_price_in_force(world, price, hit):
    assert (("G17", "not_below") in variants(draft_promotion(world, [price]))) is hit


def test_a_price_in_force_that_falls_during_the_window_counts_too(world):
    start, store = w.next_week(), world.stores[0]
    falls = start + timedelta(days=1)
    sku = new_goods(world, {store: "100"}, until=falls)
    PriceInForceFactory(sku=sku, store=store, amount=Decimal("79"), during=(falls, None))
    hit = GuardHit.objects.get(document=draft_promotion(world, ["80"]), code="G17", variant="not_below")
    assert (hit.sku_code, hit.limit, hit.witness["stores"]) == (sku.code, "79.00", [store.name])


def new_goods(world, prices, *, until=None):
    """Put a new SKU first among the world's goods, with a price in force per store."""
    sku = SkuFactory(brand=world.stores[0].brand, ceiling_price=None)
    for store, amount in prices.items():
        during = (w.next_week() - timedelta(days=100), until)
        PriceInForceFactory(sku=sku, store=store, amount=Decimal(amount), during=during)
    world.goods.insert(0, sku)
    return sku


@pytest.mark.parametrize(
    ("promised", "hit"), [("20", False), ("20.5", False), ("19.5", False), ("20.51", True), ("8", True)]
)
def test_the_discount_promised_is_the_one_that_the_price_gives(world, promised, hit):
    document = draft_promotion(world, ["80"], line={"discount": Decimal(promised)})
    assert (("G17", "discount") in variants(document)) is hit


def test_a_discount_is_compared_in_each_store(world):
    new_goods(world, dict(zip(world.stores, ["100", "160"], strict=True)))
    document = draft_promotion(world, ["80"], line={"discount": Decimal("20")})
    hit = GuardHit.objects.get(document=document, code="G17", variant="discount")
    assert (hit.measured, hit.limit) == ("20%", "50%")
    assert hit.witness["stores"] == [world.stores[1].name]


def test_goods_without_a_price_in_force_need_a_reason(world):
    new_goods(world, {})
    document = draft_promotion(world, ["80"])
    assert variants(document)["G17", "no_price"] == "warn"
    assert guards.unacknowledged(document).filter(code="G17").exists()


@pytest.mark.parametrize(
    ("field", "variant"),
    [("per_user_cap", "no_cap"), ("total_quantity", "no_total"), ("budget", "no_budget")],
)
@pytest.mark.parametrize("kind", ["coupon", "flash_sale"])
def test_no_promotion_without_a_limit_per_buyer_a_total_and_a_budget(world, kind, field, variant):
    document = draft_promotion(world, promotion_kind=kind, **{field: None})
    assert variants(document)["G20", variant] == "block"
    drafts.edit_header(
        document.pk, by=world["promotion"], **{field: 5 if field != "budget" else Decimal("100")}
    )
    assert ("G20", variant) not in variants(document)


def test_no_promotion_without_an_end(world):
    document = draft_promotion(world, effective_to=None)
    assert "block" in {
        severity for (code, variant), severity in variants(document).items() if variant == "no_end"
    }


def test_below_floor_and_below_cost_hold_for_promotions_too(world):
    found = variants(draft_promotion(world, ["59.99", "39"]))
    assert found["G06", "below_floor"] == "block"
    assert found["G05", "no_reason"] == "block"
    excused = variants(draft_promotion(world, ["39"], line={"reason": "清仓"}))
    assert excused["G05", "with_reason"] == "sign"


# ── Screens ───────────────────────────────────────────────────────────────────────────────────────────────────────


HEADER = {
    "title": "双12 会员日",
    "promotion_kind": "coupon",
    "effective_from": "2030-12-10T00:00",
    "effective_to": "2030-12-13T00:00",
    "theme": "暖冬",
    "per_user_cap": "2",
    "total_quantity": "500",
    "budget": "20000.00",
    "note": "",
}


def test_a_promotion_is_made_by_the_form_and_opens_as_a_draft(world, signed_in):
    client = signed_in(world["promotion"])
    answer = client.post(reverse("admin:promotion_new"), HEADER)
    own = Promotion.objects.get()
    assert answer.url == reverse("admin:promotion", args=[own.pk])
    assert own.effective_from == moment("2030-12-10 00:00")
    assert (own.theme, own.per_user_cap, own.budget) == ("暖冬", 2, Decimal("20000"))
    assert own.number in client.get(answer.url).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("effective_to", ""),
        ("effective_to", "2030-12-09T00:00"),
        ("per_user_cap", "0"),
        ("per_user_cap", "2.5"),
        ("total_quantity", "99999999999999999999"),
        ("budget", "-1"),
        ("budget", "1e3x"),
        ("promotion_kind", "gift"),
        ("title", ""),
    ],
)
def test_a_header_that_does_not_fit_is_shown_again_with_the_fault(world, signed_in, field, value):
    answer = signed_in(world["promotion"]).post(reverse("admin:promotion_new"), HEADER | {field: value})
    assert answer.status_code == 422
    assert answer.context["form"].errors[field]
    assert not Promotion.objects.exists()


def test_the_header_of_a_draft_can_be_changed(world, signed_in):
    document = draft_promotion(world)
    client = signed_in(world["promotion"])
    address = reverse("admin:draft_header", args=[document.pk])
    assert 'name="per_user_cap" value="2"' in client.get(address).content.decode()
    shown = {f"initial-{name}": "" for name in HEADER}
    client.post(address, HEADER | shown | {"per_user_cap": "3"})
    assert Promotion.objects.get(pk=document.pk).per_user_cap == 3


def test_a_line_is_edited_with_discount_and_quantity(world, signed_in):
    document = draft_promotion(world, ["80"])
    line = PromotionLine.objects.get(document=document.pk)
    client = signed_in(world["promotion"])
    address = reverse("admin:draft_line", args=[document.pk, line.pk])
    page = client.get(address).content.decode()
    assert 'name="discount"' in page
    assert 'name="reference_price"' not in page
    posted = {
        "final_price": "75",
        "discount": "25",
        "quantity_limit": "200",
        "scope": "all",
        "version": line.version,
    }
    client.post(address, posted)
    line.refresh_from_db()
    assert (line.final_price, line.discount, line.quantity_limit) == (Decimal("75"), Decimal("25"), 200)


def test_pages_of_a_promotion_show_discount_and_limits_but_no_reference(world, signed_in):
    document = draft_promotion(world, ["80"], line={"discount": Decimal("20"), "quantity_limit": 300})
    client = signed_in(world["promotion"])
    draft = client.get(reverse("admin:promotion", args=[document.pk])).content.decode()
    submission = client.get(reverse("admin:promotion_submit", args=[document.pk])).content.decode()
    assert document.title in submission
    document = submit(world, document)
    reading = client.get(reverse("admin:document", args=[document.pk])).content.decode()
    manager = signed_in(world["ecommerce_manager"])
    review = manager.get(reverse("admin:review", args=[w.open_task(document).pk])).content.decode()
    for shown in (draft, reading, review):
        assert "20%" in shown
        assert "300" in shown
        assert "20,000.00" in shown
        assert 'data-label="参考价"' not in shown


def test_a_workbook_of_a_promotion_is_read_judged_and_written(world):
    document = draft_promotion(world, [])
    first, second = world.goods[:2]
    file = workbook(
        [first.code, "80", "20", "200"],
        [second.code, "85.5", None, None],
        ["NO-SUCH", "70", None, None],
        header=["商品编码", "活动价", "降幅(%)", "限量"],
    )
    imported = importing.start_import(
        document.pk, by=world["promotion"], uploaded=ContentFile(file.read(), name="活动.xlsx")
    )
    jobs.run(imported.job_id)
    imported.refresh_from_db()
    assert {name: imported.counts[name] for name in ("read", "new", "faulty")} == {
        "read": 3,
        "new": 2,
        "faulty": 1,
    }
    importing.write_import(imported.pk, by=world["promotion"], mode="merge")
    lines = PromotionLine.objects.filter(document=document.pk).order_by("row_no")
    assert list(lines.values_list("sku_code", "final_price", "discount", "quantity_limit")) == [
        (first.code, Decimal("80.00"), Decimal("20.00"), 200),
        (second.code, Decimal("85.50"), None, None),
    ]


def test_the_list_and_the_form_are_for_those_who_may(world, signed_in):
    document = submit(world, draft_promotion(world))
    client = signed_in(world["ecommerce_manager"])
    assert document.number in client.get(reverse("admin:promotions") + "?tab=running").content.decode()
    assert client.get(reverse("admin:promotion_new")).status_code == 404
    assert signed_in(world["hr"]).get(reverse("admin:promotions")).status_code == 404
    other = signed_in(world["product_strategy"])
    assert document.number not in other.get(reverse("admin:promotions") + "?tab=all").content.decode()
    assert other.get(reverse("admin:promotion", args=[document.pk])).status_code == 404


def test_the_list_costs_the_same_for_one_promotion_as_for_many(
    world, signed_in, django_assert_max_num_queries
):
    client = signed_in(world["promotion"])
    draft_promotion(world, ["80"])
    client.get(reverse("admin:promotions"))
    with django_assert_max_num_queries(25) as one:
        client.get(reverse("admin:promotions"))
    for week in range(1, 7):
        draft_promotion(world, ["80"], effective_from=w.next_week() + timedelta(days=7 * week))
    with django_assert_max_num_queries(len(one)):
        client.get(reverse("admin:promotions"))


def test_the_engine_names_no_kind_of_document():
    engine = [*Path(transitions.__file__).parent.glob("*.py"), Path(in_force.__file__), Path(scopes.__file__)]
    named = [
        file.name
        for file in engine
        if re.search(r"price_?list|promotion", file.read_text("utf-8"), re.IGNORECASE)
    ]
    assert named == []


def test_the_template_and_the_preview_of_a_promotion_speak_of_promotions(world, signed_in):
    client = signed_in(world["promotion"])
    answer = client.get(reverse("admin:lines_template", args=["promotion"]))
    book = openpyxl.load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    heads = [str(cell.value) for cell in next(book["活动"].iter_rows(max_row=1))]
    assert {"商品编码*", "活动价*", "降幅(%)", "限量"} <= {head.replace(" ", "") for head in heads}
    rules = " ".join(str(row[0]) for row in book["说明"].iter_rows(values_only=True))
    assert "参考价" not in rules
    document = draft_promotion(world, [])
    file = workbook([world.goods[0].code, "80"], header=["商品编码", "活动价"])
    file = ContentFile(file.read(), name="活动.xlsx")
    imported = importing.start_import(document.pk, by=world["promotion"], uploaded=file)
    jobs.run(imported.job_id)
    page = client.get(reverse("admin:import_preview", args=[imported.pk])).content.decode()
    assert world.goods[0].name in page
    assert "10%" not in page
