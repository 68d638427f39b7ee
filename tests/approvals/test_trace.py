"""Price trace: for SKU × store × moment, the line, document, decisions, record and receipt that made the price."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from approvals.archive.trace import effective_steps, lowest_before, trace, windows_of
from approvals.models import Document, LineChange, PriceLine, Receipt
from opsadmin.core.files import store_file
from staffing.access import store_group
from tests.approvals import filings as made


@pytest.fixture(autouse=True)
def an_anchor_of_its_own(settings, tmp_path):
    settings.ANCHOR_FILE = tmp_path / "anchor" / "checkpoints.jsonl"
    settings.ANCHOR_KEY_FILE = tmp_path / "anchor" / "key.pem"


@pytest.fixture
def stores(db):
    return made.some_stores("jd-cslr", "tb-cslr")


@pytest.fixture
def sku(stores):
    sku = made.some_skus(1)[0]
    for store in stores:
        made.a_price(sku, store, "105.00", start=timezone.now() - timedelta(days=200))
    return sku


def changed_while_reviewing(document, old, new):
    """Let the manager change the first line's price in his own step, and sign."""
    manager = made.account("manager", "ecommerce_manager", name="电商经理")
    line = PriceLine.objects.filter(document=document.pk).first()
    PriceLine.objects.filter(pk=line.pk).update(final_price=new)
    made.hashed_again(document)
    task, decision = made.decided(document, "sign", manager, "sign", "与天猫同款齐平")
    LineChange.objects.create(
        document=Document.objects.get(pk=document.pk),
        task=task,
        round=document.round,
        line_id=line.pk,
        sku_code=line.sku_code,
        scope_key=line.scope_key,
        field="final_price",
        old=old,
        new=new,
        actor=manager,
        actor_name="电商经理",
        at=timezone.now(),
    )
    return decision


def marks(found):
    return [(entry.icon, entry.mark) for entry in found.entries]


# ── The answer ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_trace_names_line_document_record_and_who_fixed_the_price(stores, sku):
    document = made.price_list([sku], price="99.00")
    record = made.filed(document)
    found = trace(sku, stores[0], document.effective_from + timedelta(days=1), costs=True)
    assert found.price.amount == Decimal("99.00")
    assert (found.document.number, found.line.row_no, found.record.number) == (
        document.number,
        1,
        record.number,
    )
    assert found.setter == "电商经理"
    assert marks(found) == [("tag", ""), ("file", ""), ("sign", "key"), ("stamp", "sealed"), ("clock", "")]


def test_the_signature_that_changed_the_price_is_the_one_that_made_it(stores, sku):
    document = made.price_list([sku], price="99.00")
    decision = changed_while_reviewing(document, "99.00", "97.00")
    made.decided(document, "sign", made.account("general", "general_manager", name="总经理"), "sign")
    made.filed(document, signed=False)
    found = trace(sku, stores[0], document.effective_from, costs=True)
    key = next(entry for entry in found.entries if entry.mark == "key")
    assert (found.setter, key.at) == ("电商经理", decision.at)
    assert "99.00" in key.text
    assert "97.00" in key.title
    assert "99.00" in found.entries[1].text, "the line's entry says what was submitted"


def test_a_price_begins_at_its_first_moment_and_ends_before_its_last(stores, sku):
    start = made.next_monday()
    document = made.price_list([sku], start=start, end=start + timedelta(days=5))
    made.filed(document)

    def at(when):
        return trace(sku, stores[0], when, costs=True).price.amount

    assert at(start - timedelta(microseconds=1)) == Decimal("105.00")
    assert at(start) == at(start + timedelta(days=5, microseconds=-1)) == Decimal("99.00")
    assert at(start + timedelta(days=5)) == Decimal("105.00")


def test_a_campaign_price_stands_over_the_base_price_and_both_are_shown(stores, sku):
    document = made.promotion([sku], price="80.00")
    made.filed(document)
    found = trace(sku, stores[0], document.effective_from, costs=True)
    assert (found.price.amount, found.below.amount) == (Decimal("80.00"), Decimal("105.00"))
    assert trace(sku, stores[0], document.effective_to, costs=True).price.amount == Decimal("105.00")


def test_without_a_price_the_trace_says_so(stores, sku):
    found = trace(sku, stores[0], timezone.now() - timedelta(days=900), costs=True)
    assert found.price is None
    assert found.entries == []


def test_a_price_older_than_the_archive_has_no_document(stores, sku):
    found = trace(sku, stores[0], timezone.now(), costs=True)
    assert (found.document, found.record) == (None, None)
    assert marks(found) == [("archive", ""), ("clock", "")]


def test_the_receipt_of_the_store_stands_in_the_chain_and_only_its_own(stores, sku):
    document = made.price_list([sku])
    made.filed(document)
    service = made.account("service", "customer_service", name="客服甲")
    base = Document.objects.get(pk=document.pk)
    task, _decision = made.decided(base, "file", service, "execute")
    Receipt.objects.create(
        task=task,
        document=base,
        store=stores[0],
        file=store_file(ContentFile(b"ok"), name="回执.csv", by=service),
        applied=1,
        by=service,
        by_name="客服甲",
        at=timezone.now(),
    )
    own = trace(sku, stores[0], document.effective_from, costs=True)
    other = trace(sku, stores[1], document.effective_from, costs=True)
    assert ("store", "") in marks(own)
    assert own.receipt.by_name == "客服甲"
    assert other.receipt is None


def test_a_sent_back_round_stays_in_the_chain_but_made_no_price(stores, sku):
    document = made.price_list([sku])
    manager = made.account("manager", "ecommerce_manager", name="电商经理")
    made.decided(document, "sign", manager, "send_back", "请重核成本")
    made.decided(document, "sign", made.account("deputy", "ecommerce_manager", name="副经理"), "sign")
    made.filed(document, signed=False)
    found = trace(sku, stores[0], document.effective_from, costs=True)
    assert [entry.icon for entry in found.entries].count("back") == 1
    assert found.setter == "副经理"


def test_cost_and_floor_are_told_only_to_those_who_may_see_them(stores, sku):
    document = made.price_list([sku])
    made.filed(document)
    told = trace(sku, stores[0], document.effective_from, costs=True)
    hidden = trace(sku, stores[0], document.effective_from, costs=False)
    assert "40.00" in told.entries[0].text
    assert not any("40.00" in entry.text for entry in hidden.entries)


# ── What stood before and after ───────────────────────────────────────────────────────────────────────────────────


def test_the_steps_show_what_buyers_paid(stores, sku):
    start = timezone.now()
    made.a_price(
        sku,
        stores[0],
        "80.00",
        start=start,
        end=start + timedelta(days=1),
        layer="campaign",
        number="CX-2026-0009",
    )
    day = timedelta(days=1)
    steps = effective_steps(
        windows_of(sku, stores[0], start - day, start + 3 * day), start - day, start + 3 * day
    )
    assert [(left - start, right - start, amount) for left, right, amount in steps] == [
        (-day, timedelta(0), Decimal("105.00")),
        (timedelta(0), day, Decimal("80.00")),
        (day, 3 * day, Decimal("105.00")),
    ]


def test_the_lowest_price_of_the_seven_days_before_counts_campaigns(stores, sku):
    start = timezone.now()
    made.a_price(
        sku,
        stores[0],
        "80.00",
        start=start - timedelta(days=6),
        end=start - timedelta(days=5),
        layer="campaign",
        number="CX-2026-0009",
    )
    assert lowest_before(sku, stores[0], start) == Decimal("80.00")
    assert lowest_before(sku, stores[0], start + timedelta(days=3)) == Decimal("105.00")


def test_without_a_price_in_those_days_the_last_one_before_counts(stores):
    sku = made.some_skus(1, "OLD")[0]
    now = timezone.now()
    for number, (amount, days) in enumerate([("120.00", 90), ("110.00", 60)]):
        made.a_price(
            sku,
            stores[0],
            amount,
            start=now - timedelta(days=days),
            end=now - timedelta(days=days - 20),
            line_no=number,
        )
    assert lowest_before(sku, stores[0], now) == Decimal("110.00")
    assert lowest_before(sku, stores[1], now) is None


# ── The page ──────────────────────────────────────────────────────────────────────────────────────────────────────


def address(sku, store, at=None):
    query = f"?sku={sku.code}&store={store.code}"
    return (
        reverse("admin:price_trace") + query + (f"&at={timezone.localtime(at):%Y-%m-%d %H:%M}" if at else "")
    )


def test_the_page_shows_price_document_and_record(stores, sku, signed_in):
    document = made.price_list([sku])
    record = made.filed(document)
    client = signed_in(roles=["finance"])
    answer = client.get(address(sku, stores[0], document.effective_from)).content.decode()
    assert "¥99.00" in answer
    assert reverse("admin:document", args=[document.pk]) in answer
    assert reverse("admin:archive_record", args=[record.number]) in answer


def test_whoever_serves_stores_sees_these_only_and_no_cost(stores, sku, signed_in):
    document = made.price_list([sku])
    made.filed(document)
    client = signed_in(roles=["customer_service"])
    client.user.groups.add(store_group(stores[0]))
    seen = client.get(address(sku, stores[0], document.effective_from)).content.decode()
    assert "¥99.00" in seen
    assert stores[1].name not in seen
    assert "40.00" not in seen
    assert "/archive/records/" not in seen
    hidden = client.get(address(sku, stores[1], document.effective_from)).content.decode()
    assert "¥99.00" not in hidden
    assert (
        client.get(reverse("admin:price_voucher") + f"?sku={sku.code}&store={stores[1].code}").status_code
        == 404
    )


def test_other_stores_with_another_price_are_named(stores, sku, signed_in):
    sku.pool = "exclusive"
    sku.save()
    document = made.price_list([sku], scope="stores:jd-cslr")
    made.filed(document)
    client = signed_in(roles=["finance"])
    answer = client.get(address(sku, stores[0], document.effective_from)).content.decode()
    assert stores[1].name in answer
    assert "105.00" in answer


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?sku=NOTHING&store=jd-cslr",
        "?sku=CS0001",
        "?sku=CS0001&store=nowhere",
        "?sku=CS0001&store=jd-cslr&at=gestern",
        "?sku=CS0001&store=jd-cslr&at=9999-99-99",
        "?sku=CS0001&store=jd-cslr&at=0001-01-01 00:00",
        "?sku=CS0001&store=jd-cslr&at=9999-12-31 23:59",
        "?sku=%00&store=%00&at=%00",
    ],
)
def test_bad_input_gets_a_sentence_and_never_an_error_page(stores, sku, signed_in, query):
    answer = signed_in(roles=["finance"]).get(reverse("admin:price_trace") + query)
    assert answer.status_code == 200
    assert "¥" not in answer.content.decode()


def test_the_page_costs_the_same_for_a_short_and_for_a_long_list(stores, signed_in):
    client = signed_in(roles=["finance"])

    def queries(count, prefix):
        skus = made.some_skus(count, prefix)
        document = made.price_list(skus)
        made.filed(document)
        with CaptureQueriesContext(connection) as caught:
            assert (
                "¥99.00" in client.get(address(skus[0], stores[0], document.effective_from)).content.decode()
            )
        return len(caught)

    queries(1, "W")
    short, long = queries(2, "A"), queries(60, "B")
    assert short == long <= 40


def test_the_evidence_can_be_taken_away_as_a_workbook_that_stays_text(stores, sku, signed_in):
    document = made.price_list([sku], title="=1+1 冬季")
    made.filed(document)
    url = address(sku, stores[0], document.effective_from).replace("/trace/", "/trace/voucher/")
    answer = signed_in(roles=["finance"]).get(url)
    sheet = openpyxl.load_workbook(BytesIO(b"".join(answer.streaming_content))).active
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 1 + 1 + 5
    assert any("=1+1 冬季" in str(value) for row in rows for value in row)
    assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


# ── Prices in force ───────────────────────────────────────────────────────────────────────────────────────────────


def test_prices_in_force_show_now_and_what_lies_ahead(stores, sku, signed_in):
    made.filed(made.price_list([sku]))
    client = signed_in(roles=["finance"])
    now = client.get(reverse("admin:prices_in_force")).content.decode()
    ahead = client.get(reverse("admin:prices_in_force") + "?tab=ahead").content.decode()
    assert "105.00" in now
    assert "99.00" not in now
    assert "99.00" in ahead


def test_prices_in_force_of_stores_that_one_does_not_serve_are_not_shown(stores, sku, signed_in):
    other = made.some_skus(1, "TB")[0]
    made.a_price(other, stores[1], "77.00", start=timezone.now() - timedelta(days=3))
    client = signed_in(roles=["customer_service"])
    client.user.groups.add(store_group(stores[0]))
    answer = client.get(reverse("admin:prices_in_force")).content.decode()
    assert sku.code in answer
    assert other.code not in answer
    assert stores[1].name not in answer
    asked = client.get(reverse("admin:prices_in_force") + f"?store={stores[1].pk}").content.decode()
    assert other.code not in asked


def test_prices_in_force_are_paged_by_sku_and_cost_the_same_for_any_number(stores, signed_in):
    client = signed_in(roles=["finance"])

    def queries(count, prefix):
        for one in made.some_skus(count, prefix):
            for store in stores:
                made.a_price(one, store, "50.00", start=timezone.now() - timedelta(days=3))
        with CaptureQueriesContext(connection) as caught:
            page = client.get(reverse("admin:prices_in_force")).content.decode()
        return len(caught), page

    few, _page = queries(3, "A")
    many, page = queries(70, "B")
    assert few == many <= 25
    assert "after=B0047" in page
    following = client.get(reverse("admin:prices_in_force") + "?after=B0047").content.decode()
    assert "sku=B0048" in following
    assert "sku=B0047" not in following
