"""Carrying out a filed document: a file for each store, a receipt from each store, and nobody else's stores."""

import hashlib
import io
import zipfile
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from approvals import drafts
from approvals.execution.storefiles import make_store_file
from approvals.flow import transitions
from approvals.models import (
    Document,
    PriceLine,
    Receipt,
    StoreFile,
    Task,
)
from opsadmin.core.refusals import Refusal
from stores.models import Listing, Sku
from tests.approvals import world as w
from tests.approvals.carrying_out import PNG, executing, in_charge, post_receipt, store_task
from tests.factories import ListingFactory, PriceInForceFactory, SkuFactory, StoreFactory

pytestmark = pytest.mark.django_db


def taken(world, document, store, *, by="customer_service"):
    """Return (bytes, StoreFile) of the file for a store."""
    made, row = make_store_file(document.pk, store.pk, by=world[by])
    with made:
        return made.read(), row


def table(data, encoding="gb18030", separator=","):
    return [line.split(separator) for line in data.decode(encoding).splitlines()]


# ── Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_file_names_sku_item_price_and_window_in_the_platforms_encoding(world):
    end = w.next_week() + timedelta(days=30)
    document = executing(world, effective_to=end)
    data, row = taken(world, document, world.stores[0])
    head, first, *others = table(data)
    listing = Listing.objects.get(sku=world.goods[0], store=world.stores[0])
    assert head == ["商家编码", "平台商品ID", "平台SKU ID", "商品名称", "执行价", "生效时间", "失效时间"]
    assert first[:3] == [world.goods[0].code, listing.platform_item_id, listing.platform_sku_id]
    assert first[4] == "95.00"
    assert first[5:] == [f"{w.next_week():%Y-%m-%d} 00:00", f"{end:%Y-%m-%d} 00:00"]
    assert len(others) == 3
    assert (row.rows, row.sha256) == (4, hashlib.sha256(data).hexdigest())
    assert row.taken_by == world["customer_service"]


def test_a_mall_that_counts_in_fen_gets_fen(world):
    document = executing(world, ["95.55"])
    world.stores[0].platform.money_unit = "fen"
    world.stores[0].platform.save()
    data, _row = taken(world, document, world.stores[0])
    assert table(data)[1][4] == "9555"


def test_a_mall_of_tabs_and_utf_16_gets_them_with_the_byte_order_mark(world):
    document = executing(world)
    platform = world.stores[0].platform
    platform.encoding, platform.delimiter = "utf-16-le", "tab"
    platform.save()
    data, _row = taken(world, document, world.stores[0])
    assert data.startswith(b"\xff\xfe")
    assert table(data, "utf-16", "\t")[1][4] == "95.00"


def test_a_file_above_the_batch_limit_is_split_and_taken_twice_has_the_same_bytes(world):
    document = executing(world)
    world.stores[0].platform.batch_limit = 3
    world.stores[0].platform.save()
    data, row = taken(world, document, world.stores[0])
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        names = parts.namelist()
        tables = [table(parts.read(name)) for name in names]
    assert names == [f"{document.number}_{world.stores[0].code}_{number:02}.csv" for number in (1, 2)]
    assert [len(rows) - 1 for rows in tables] == [3, 1]
    assert tables[0][0] == tables[1][0]
    assert (row.name[-4:], row.rows) == (".zip", 4)
    again, _row = taken(world, document, world.stores[0])
    assert again == data
    assert StoreFile.objects.filter(document=document).count() == 2


def test_a_sku_that_the_store_does_not_list_stands_in_the_file_without_the_malls_ids(world):
    document = executing(world)
    Listing.objects.filter(sku=world.goods[0], store=world.stores[0]).delete()
    data, _row = taken(world, document, world.stores[0])
    assert table(data)[1][:3] == [world.goods[0].code, "", ""]


def test_the_narrower_line_rules_in_its_store_and_struck_lines_are_left_out(world):
    world.goods[0].pool = "exclusive"
    world.goods[0].save()
    draft = w.draft_price_list(world, ["95", "100", "100"])
    named = world.stores[1]
    drafts.add_line(
        draft.pk,
        by=world["product_strategy"],
        sku_code=world.goods[0].code,
        scope_key=f"stores:{named.code}",
        exception_reason="周年庆",
        reference_price=Decimal("98"),
    )
    last = PriceLine.objects.get(document=draft.pk, sku=world.goods[2])
    drafts.edit_line(
        last.pk,
        kind=drafts.kind_of(draft),
        by=world["product_strategy"],
        version=1,
        struck=True,
        strike_reason="缺货",
    )
    draft = Document.objects.get(pk=draft.pk)
    w.explain_all(draft, by=world["product_strategy"])
    transitions.submit(draft.pk, by=world["product_strategy"], content_hash=draft.content_hash)
    w.sign(world, draft)
    w.file(world, draft)
    w.complete(world, draft)
    prices = {store: [row[4] for row in table(taken(world, draft, store)[0])[1:]] for store in world.stores}
    assert prices == {world.stores[0]: ["95.00", "100.00"], named: ["98.00", "100.00"]}


def test_nobody_takes_a_file_before_filing_or_for_a_store_of_others(world):
    waiting = w.submitted(world)
    with pytest.raises(PermissionDenied):
        make_store_file(waiting.pk, world.stores[0].pk, by=world["customer_service"])
    with pytest.raises(Refusal) as refused:
        make_store_file(waiting.pk, world.stores[0].pk, by=world["ecommerce_manager"])
    assert refused.value.code == "state"
    document = executing(world)
    with pytest.raises(PermissionDenied):
        make_store_file(document.pk, StoreFactory().pk, by=world["customer_service"])


# ── Screens ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_of_two_people_in_charge_closes_the_store_for_both(world, signed_in):
    colleague = w.person("colleague", ["customer_service"], world["hr"].account.employee.home_department)
    in_charge(world, colleague, world.stores[0])
    document = executing(world)
    theirs = Task.objects.get(document=document, store=world.stores[0], assignee=colleague)
    w.carry_out(world, document, world.stores[0])
    theirs.refresh_from_db()
    assert theirs.state == "closed"
    page = signed_in(colleague).get(reverse("admin:execute", args=[theirs.pk])).content.decode()
    assert "结果.csv" in page
    assert reverse("admin:execute_receipt", args=[theirs.pk]) not in page


def test_a_store_of_others_is_not_found_by_any_address(world, signed_in):
    outsider = w.person("outsider", ["customer_service"], world["hr"].account.employee.home_department)
    document = executing(world)
    task = store_task(document, world.stores[0])
    client = signed_in(outsider)
    assert client.get(reverse("admin:execute", args=[task.pk])).status_code == 404
    assert client.post(reverse("admin:execute_file", args=[task.pk])).status_code == 404
    assert client.post(reverse("admin:execute_receipt", args=[task.pk])).status_code == 404
    w.carry_out(world, document, world.stores[0])
    receipt = Receipt.objects.get()
    assert client.get(reverse("admin:receipt_file", args=[receipt.pk])).status_code == 404
    assert document.number not in client.get(reverse("admin:execution")).content.decode()
    assert not StoreFile.objects.exists()


def test_who_is_in_charge_of_one_store_sees_that_store_alone(world, signed_in):
    one = w.person("one", ["customer_service"], world["hr"].account.employee.home_department)
    in_charge(world, one, world.stores[1])
    document = executing(world)
    task = Task.objects.get(document=document, assignee=one)
    client = signed_in(one)
    page = client.get(reverse("admin:execute", args=[task.pk])).content.decode()
    assert world.stores[1].name in page
    assert world.stores[0].name not in page
    other = Task.objects.get(document=document, store=world.stores[0])
    assert client.get(reverse("admin:execute", args=[other.pk])).status_code == 404
    assert "0 / 1" in client.get(reverse("admin:execution")).content.decode()


def test_a_colleague_reads_a_store_but_cannot_give_its_receipt(world, signed_in):
    document = executing(world)
    task = store_task(document, world.stores[0])
    client = signed_in(world["product_strategy"])
    address = reverse("admin:execute_receipt", args=[task.pk])
    assert address not in client.get(reverse("admin:execute", args=[task.pk])).content.decode()
    client.post(address, {"content_hash": document.content_hash, "file": SimpleUploadedFile("a.png", PNG)})
    assert not Receipt.objects.exists()


def test_the_list_shows_a_document_once_its_campaign_details_are_complete(world, signed_in):
    document = w.submitted(world)
    w.sign(world, document)
    w.file(world, document)
    client = signed_in(world["customer_service"])
    assert document.number not in client.get(reverse("admin:execution")).content.decode()
    w.complete(world, document)
    assert document.number in client.get(reverse("admin:execution")).content.decode()
    for store in world.stores:
        w.carry_out(world, document, store)
    assert document.number not in client.get(reverse("admin:execution")).content.decode()
    assert document.number in client.get(reverse("admin:execution") + "?tab=done").content.decode()


def test_stores_of_a_round_that_was_sent_back_are_of_no_account(world, signed_in):
    Sku.objects.update(pool="exclusive")
    draft = w.submitted(world)
    task = w.open_task(draft)
    transitions.decide(
        task.pk,
        by=world["ecommerce_manager"],
        verdict="send_back",
        content_hash=draft.content_hash,
        comment="只在一家店执行",
    )
    named = f"stores:{world.stores[0].code}"
    PriceLine.objects.filter(document=draft.pk).update(scope_key=named, exception_reason="试点")
    draft = w.check(draft)
    w.explain_all(draft, by=world["product_strategy"])
    transitions.submit(draft.pk, by=world["product_strategy"], content_hash=draft.content_hash)
    w.sign(world, draft)
    w.file(world, draft)
    w.complete(world, draft)
    client = signed_in(world["customer_service"])
    assert "0 / 1" in client.get(reverse("admin:execution")).content.decode()
    post_receipt(client, draft, world.stores[0])
    draft.refresh_from_db()
    assert draft.state == "done"


def test_a_store_whose_lines_the_manager_struck_has_nothing_to_do(world):
    world.goods[0].pool = "exclusive"
    world.goods[0].save()
    alone = StoreFactory(platform=world.stores[0].platform, brand=world.stores[0].brand, unified_price=False)
    ListingFactory(sku=world.goods[0], store=alone)
    in_charge(world, world["customer_service"], alone)
    draft = w.draft_price_list(world, ["95", "100"])
    line = drafts.add_line(
        draft.pk,
        by=world["product_strategy"],
        sku_code=world.goods[0].code,
        scope_key=f"stores:{alone.code}",
        exception_reason="专供",
        reference_price=Decimal("99"),
    )
    draft = Document.objects.get(pk=draft.pk)
    w.explain_all(draft, by=world["product_strategy"])
    transitions.submit(draft.pk, by=world["product_strategy"], content_hash=draft.content_hash)
    transitions.change_line(
        w.open_task(draft).pk,
        by=world["ecommerce_manager"],
        line_pk=line.pk,
        version=line.version,
        struck=True,
        strike_reason="不做专供",
    )
    w.sign(world, draft)
    w.file(world, draft)
    w.complete(world, draft)
    asked = Task.objects.filter(document=draft, state="open").values_list("store__code", flat=True)
    assert sorted(asked) == sorted(store.code for store in world.stores)


# ── Cost ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_costs_the_same_for_one_document_as_for_many(
    world, signed_in, django_assert_max_num_queries
):
    client = signed_in(world["customer_service"])
    executing(world, ["95"])
    client.get(reverse("admin:execution"))
    with django_assert_max_num_queries(25) as one:
        client.get(reverse("admin:execution"))
    for week in range(1, 6):
        executing(world, ["96"], effective_from=w.next_week() + timedelta(days=7 * week))
    with django_assert_max_num_queries(len(one)):
        client.get(reverse("admin:execution"))


def test_a_store_costs_the_same_for_many_lines_and_stores(world, signed_in, django_assert_max_num_queries):
    client = signed_in(world["customer_service"])
    small = executing(world, ["95"])
    address = reverse("admin:execute", args=[store_task(small, world.stores[0]).pk])
    client.get(address)
    with django_assert_max_num_queries(25) as few:
        client.get(address)
    more_goods_and_stores(world)
    big = executing(world, ["95"] + ["100"] * 39, effective_from=w.next_week() + timedelta(days=9))
    address = reverse("admin:execute", args=[store_task(big, world.stores[-1]).pk])
    with django_assert_max_num_queries(len(few)):
        assert client.get(address).status_code == 200


def more_goods_and_stores(world):
    """Add goods up to 40 and stores up to 8."""
    for _number in range(6):
        store = StoreFactory(platform=world.stores[0].platform, brand=world.stores[0].brand)
        world.stores.append(store)
        in_charge(world, world["customer_service"], store)
    for sku in [SkuFactory(brand=world.stores[0].brand) for _number in range(36)]:
        world.goods.append(sku)
        for store in world.stores:
            ListingFactory(sku=sku, store=store)
            PriceInForceFactory(sku=sku, store=store)
