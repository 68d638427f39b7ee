"""Filing: what is sealed, what comes into force, and that nothing changes afterwards."""

import threading
import zlib
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from approvals.archive import filing, verify
from approvals.archive.canonical import content_hash_of, parse
from approvals.models import (
    ArchiveFile,
    ArchiveRecord,
    ArchiveStore,
    Attachment,
    Comment,
    Document,
    Event,
    LineChange,
    PriceLine,
    Step,
    Task,
)
from opsadmin.core.files import store_file
from opsadmin.core.models import Job
from opsadmin.core.refusals import Refusal
from opsadmin.core.sealing import GENESIS, check_chain
from stores.models import PriceInForce
from tests.approvals import filings as made


@pytest.fixture(autouse=True)
def an_anchor_of_its_own(settings, tmp_path):
    settings.ANCHOR_FILE = tmp_path / "anchor" / "checkpoints.jsonl"
    settings.ANCHOR_KEY_FILE = tmp_path / "anchor" / "key.pem"


@pytest.fixture
def stores(db):
    return made.some_stores("jd-cslr", "tb-cslr")


@pytest.fixture
def skus(db):
    return made.some_skus(3)


def content(record):
    return parse(zlib.decompress(bytes(record.payload)))


def windows(sku, store, layer="base"):
    prices = PriceInForce.objects.filter(sku=sku, store=store, layer=layer).order_by("during")
    return [(price.during.lower, price.during.upper, price.amount, price.document_number) for price in prices]


def test_an_empty_archive_is_whole(db):
    assert verify.verify_archive().whole


# ── Prices in force ───────────────────────────────────────────────────────────────────────────────────────────────


def test_filing_puts_every_kept_line_in_force_in_every_store_of_its_scope(stores, skus):
    document = made.price_list(skus, price="99.00")
    record = made.filed(document)

    prices = PriceInForce.objects.filter(document_number=document.number)
    assert {(price.sku_id, price.store_id, price.line_no) for price in prices} == {
        (sku.pk, store.pk, row) for row, sku in enumerate(skus, 1) for store in stores
    }
    assert {price.amount for price in prices} == {Decimal("99.00")}
    assert {(price.during.lower, price.during.upper) for price in prices} == {(document.effective_from, None)}
    assert (document.state, document.archive_number) == ("filed", record.number)


def test_a_struck_line_makes_no_price(stores, skus):
    document = made.price_list(skus)
    PriceLine.objects.filter(document=document.pk, sku=skus[0]).update(struck=True, strike_reason="缺货")
    made.hashed_again(document)
    made.filed(document)
    assert not PriceInForce.objects.filter(sku=skus[0]).exists()
    assert PriceInForce.objects.filter(sku=skus[1]).count() == 2


def test_an_open_window_ends_where_the_new_one_begins(stores, skus):
    long_ago = timezone.now() - timedelta(days=200)
    made.a_price(skus[0], stores[0], "105.00", start=long_ago)
    document = made.price_list(skus)
    made.filed(document)
    assert windows(skus[0], stores[0]) == [
        (long_ago, document.effective_from, Decimal("105.00"), "QC-2026-0001"),
        (document.effective_from, None, Decimal("99.00"), document.number),
    ]


def test_after_a_bounded_window_the_price_before_goes_on_under_its_own_number_and_line(stores, skus):
    long_ago = timezone.now() - timedelta(days=200)
    made.a_price(skus[0], stores[0], "105.00", start=long_ago, line_no=7)
    start = made.next_monday()
    document = made.price_list(skus, start=start, end=start + timedelta(days=5))
    made.filed(document)
    assert windows(skus[0], stores[0]) == [
        (long_ago, start, Decimal("105.00"), "QC-2026-0001"),
        (start, start + timedelta(days=5), Decimal("99.00"), document.number),
        (start + timedelta(days=5), None, Decimal("105.00"), "QC-2026-0001"),
    ]
    assert (
        PriceInForce.objects.get(
            sku=skus[0], store=stores[0], during__startswith=start + timedelta(days=5)
        ).line_no
        == 7
    )
    assert windows(skus[0], stores[1]) == [
        (start, start + timedelta(days=5), Decimal("99.00"), document.number)
    ]


def test_a_promotion_stands_in_the_campaign_layer_and_leaves_the_base_price_alone(stores, skus):
    for sku in skus:
        for store in stores:
            made.a_price(sku, store, "100.00", start=timezone.now() - timedelta(days=200))
    before = windows(skus[0], stores[0])
    document = made.promotion(skus, price="90.00")
    made.filed(document)
    assert windows(skus[0], stores[0]) == before
    assert windows(skus[0], stores[0], "campaign") == [
        (document.effective_from, document.effective_to, Decimal("90.00"), document.number)
    ]


def test_in_a_store_named_by_two_scopes_the_narrower_line_makes_the_price(stores, skus):
    skus[0].pool = "exclusive"
    skus[0].save()
    document = made.price_list(skus[:1], price="99.00", narrow=(skus[0], "stores:jd-cslr", "96.00"))
    made.filed(document)
    amounts = dict(PriceInForce.objects.filter(sku=skus[0]).values_list("store__code", "amount"))
    assert amounts == {"jd-cslr": Decimal("96.00"), "tb-cslr": Decimal("99.00")}


def test_a_window_that_meets_another_documents_is_refused_and_nothing_is_left(stores, skus):
    start = made.next_monday()
    first = made.price_list(skus, start=start, end=start + timedelta(days=9))
    second = made.price_list(skus, start=start + timedelta(days=3))
    made.filed(first)
    with pytest.raises(Refusal) as refused:
        made.filed(second)
    assert refused.value.code == "blocked"
    assert first.number in str(refused.value)
    assert ArchiveRecord.objects.count() == 1
    assert not PriceInForce.objects.filter(document_number=second.number).exists()
    assert Document.objects.get(pk=second.pk).state == "in_approval"


def test_what_the_guards_overlook_the_database_refuses_and_the_sentence_names_the_other_document(
    stores, skus
):
    from approvals.in_force import put_in_force

    start = made.next_monday()
    first = made.price_list(skus, start=start, end=start + timedelta(days=9))
    second = made.price_list(skus, start=start + timedelta(days=3), end=start + timedelta(days=20))
    made.filed(first)
    with pytest.raises(Refusal, match=first.number) as refused:
        put_in_force(second)
    assert refused.value.code == "overlap"
    assert refused.value.data["document_number"] == first.number
    assert not PriceInForce.objects.filter(document_number=second.number).exists()


def test_windows_that_only_touch_do_not_overlap(stores, skus):
    start = made.next_monday()
    made.filed(made.price_list(skus, start=start, end=start + timedelta(days=5)))
    made.filed(made.price_list(skus, start=start + timedelta(days=5), end=start + timedelta(days=9)))
    assert PriceInForce.objects.filter(sku=skus[0], store=stores[0]).count() == 2


def test_filing_costs_the_same_statements_for_any_number_of_lines(
    stores, django_assert_num_queries, monkeypatch
):
    def statements(count, prefix):
        document = made.price_list(made.some_skus(count, prefix))
        before = len(connection.queries_log)
        with_log = connection.force_debug_cursor
        connection.force_debug_cursor = True
        try:
            made.filed(document)
        finally:
            connection.force_debug_cursor = with_log
        return len(connection.queries_log) - before

    made.filed(made.price_list(made.some_skus(1, "W")))
    assert statements(2, "A") == statements(60, "B")


# ── What is sealed ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sealed_content_is_what_was_signed(stores, skus):
    document = made.price_list(skus)
    sealed = content(made.filed(document))
    assert content_hash_of(sealed) == document.content_hash == sealed.row("document")["content_hash"]
    assert {row["content_hash"] for row in sealed.rows("decision")} == {document.content_hash}
    assert [line["sku_code"] for line in sealed.lines()] == sorted(sku.code for sku in skus)


def test_decisions_are_sealed_with_the_post_of_their_day_and_chained(stores, skus):
    sealed = content(made.filed(made.price_list(skus), comment="与天猫同款齐平"))
    first, second = sealed.rows("decision")
    assert (first["actor"]["name"], first["verdict"], first["comment"]) == (
        "电商经理",
        "sign",
        "与天猫同款齐平",
    )
    assert (first["previous"], second["previous"]) == (GENESIS, first["hash"])
    assert second["verdict"] == "file"


def test_comments_changes_hits_and_attachments_are_sealed_too(stores, skus):
    document = made.price_list(skus, price="61.00")
    drafter = document.drafted_by
    comment = Comment.objects.create(
        document=document, author=drafter, author_name="产品策略专员", text="请尽快"
    )
    file = store_file(ContentFile(b"evidence"), name="清仓说明.docx", by=drafter)
    Attachment.objects.create(document=document, comment=comment, file=file, added_by=drafter)
    LineChange.objects.create(
        document=document,
        round=1,
        line_id=1,
        sku_code=skus[0].code,
        scope_key="all",
        field="final_price",
        old="62.00",
        new="61.00",
        actor=drafter,
        actor_name="电商经理",
        at=timezone.now(),
    )
    record = made.filed(document)
    sealed = content(record)
    assert [row["text"] for row in sealed.rows("comment")] == ["请尽快"]
    assert [(row["old"], row["new"]) for row in sealed.rows("change")] == [("62.00", "61.00")]
    assert [(row["name"], row["sha256"]) for row in sealed.rows("file")] == [("清仓说明.docx", file.sha256)]
    assert len(sealed.rows("hit")) == document.hits.count() > 0
    assert [one.sha256 for one in record.files.all()] == [file.sha256]


def test_lines_that_are_not_those_that_were_signed_are_not_filed(stores, skus):
    document = made.price_list(skus)
    PriceLine.objects.filter(document=document.pk, sku=skus[0]).update(final_price="98.00")
    with pytest.raises(Refusal) as refused:
        made.filed(document)
    assert refused.value.code == "unsound"
    assert not ArchiveRecord.objects.exists()
    assert not PriceInForce.objects.exists()


def test_decisions_that_were_tampered_with_are_not_filed(stores, skus):
    document = made.price_list(skus)
    made.decided(document, "sign", made.account("manager", "ecommerce_manager"), "sign", "同意")
    with made.tampering("approvals_decision") as cursor:
        cursor.execute("UPDATE approvals_decision SET comment = '不同意'")
    with pytest.raises(Refusal) as refused:
        made.filed(document, signed=False)
    assert refused.value.code == "unsound"


def test_a_record_is_kept_for_thirty_years_from_the_day_after_the_fiscal_year(stores, skus):
    in_shanghai = timezone.get_default_timezone()
    assert filing.retained_until(timezone.datetime(2026, 11, 20, 16, 22, tzinfo=in_shanghai)) == date(
        2056, 12, 31
    )
    late = timezone.datetime(2026, 12, 31, 23, 59, tzinfo=in_shanghai)
    assert filing.retained_until(late) == date(2056, 12, 31)
    assert filing.retained_until(late + timedelta(minutes=1)) == date(2057, 12, 31)


# ── The chain ─────────────────────────────────────────────────────────────────────────────────────────────────────


def records_as_mappings():
    names = ("sequence", "number", "kind", "document_number", "at", "payload_sha256", "previous", "hash")
    return ArchiveRecord.objects.order_by("sequence").values(*names)


def test_each_record_continues_the_one_before(stores, skus):
    for number in range(3):
        made.filed(made.price_list(made.some_skus(1, f"K{number}")))
    assert check_chain(records_as_mappings()) == []
    assert [row["number"][-4:] for row in records_as_mappings()] == ["0001", "0002", "0003"]


def test_a_filing_that_fails_leaves_no_gap(stores, skus):
    made.filed(made.price_list(skus))
    document = made.price_list(made.some_skus(1, "X"))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        made.filed(document)
        raise ZeroDivisionError
    made.filed(document)
    assert [row["sequence"] for row in records_as_mappings()] == [1, 2]
    assert records_as_mappings()[1]["number"].endswith("-0002")


def test_later_facts_are_further_records_that_seal_the_decisions_since(stores, skus):
    document = made.price_list(skus)
    filing_record = made.filed(document)
    by = made.account("promotion", "promotion", name="推广专员")
    locked = Document.objects.get(pk=document.pk)
    _task, decision = made.decided(locked, "file", by, "complete")
    later = filing.add_record("campaign", locked, {"theme": "冬季焕新"}, by=by)
    closing = filing.close_document(locked)
    assert (later.number, closing.number) == (f"{filing_record.number}/1", f"{filing_record.number}/2")
    assert [row["hash"] for row in content(later).rows("decision")] == [decision.hash]
    assert content(later).row("campaign")["theme"] == "冬季焕新"
    assert content(closing).rows("decision") == []
    assert check_chain(records_as_mappings()) == []


def test_the_checkpoint_follows_the_commit(stores, skus, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        record = made.filed(made.price_list(skus))
    assert filing.anchor().latest().hash == record.hash


def test_a_filing_stands_even_where_its_checkpoint_cannot_be_written(
    stores, skus, settings, django_capture_on_commit_callbacks, caplog
):
    settings.ANCHOR_FILE.parent.parent.joinpath("anchor").write_text("in the way")
    with django_capture_on_commit_callbacks(execute=True):
        record = made.filed(made.price_list(skus))
    assert ArchiveRecord.objects.filter(pk=record.pk).exists()
    assert "checkpoint not written" in caplog.text


def test_the_package_of_a_filing_is_ordered_with_it(stores, skus):
    record = made.filed(made.price_list(skus))
    assert Job.objects.get(kind="make_package").payload == {"records": [record.sequence]}


# ── Two at once ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.django_db(transaction=True)
def test_of_two_filings_for_the_same_prices_at_once_exactly_one_wins():
    """Fails without the exclusion constraint once the chain's lock is gone too."""
    made.some_stores("jd-cslr", "tb-cslr")
    skus = made.some_skus(20)
    start = made.next_monday()
    rivals = [made.price_list(skus, start=start, end=start + timedelta(days=5)) for _n in range(2)]
    made.account("manager", "ecommerce_manager", name="电商经理")
    made.account("finance", "finance", name="财务专员")
    barrier, outcome = threading.Barrier(2), {}

    def file_it(document):
        try:
            barrier.wait(10)
            outcome[document.pk] = made.filed(document).number
        except Refusal as refused:
            outcome[document.pk] = refused.code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=file_it, args=[document]) for document in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    won = [number for number in outcome.values() if number.startswith("GD-")]
    assert len(won) == 1
    assert set(outcome.values()) - set(won) <= {"blocked", "overlap"}
    assert PriceInForce.objects.filter(sku=skus[0]).count() == 2


@pytest.mark.django_db(transaction=True)
def test_filings_at_once_form_one_chain_without_gaps():
    made.some_stores("jd-cslr")
    documents = [made.price_list(made.some_skus(3, f"T{number}")) for number in range(4)]
    made.account("manager", "ecommerce_manager", name="电商经理")
    made.account("finance", "finance", name="财务专员")
    barrier, failed = threading.Barrier(4), []

    def file_it(document):
        try:
            barrier.wait(10)
            made.filed(document)
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=file_it, args=[document]) for document in documents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert check_chain(records_as_mappings()) == []
    assert [row["sequence"] for row in records_as_mappings()] == [1, 2, 3, 4]
    assert (
        filing.anchor().verify(
            lambda keys: dict(ArchiveRecord.objects.values_list("sequence", "hash")),
            {"sequence": 4, "count": 4},
        )
        == []
    )


# ── Nothing changes afterwards ────────────────────────────────────────────────────────────────────────────────────


CHANGES = [
    "UPDATE approvals_archiverecord SET title = 'x'",
    "DELETE FROM approvals_archiverecord",
    "TRUNCATE approvals_archiverecord CASCADE",
    "UPDATE approvals_archivestore SET store_id = store_id",
    "DELETE FROM approvals_archivestore",
    "UPDATE approvals_decision SET comment = 'x'",
    "DELETE FROM approvals_decision",
    "UPDATE approvals_document SET title = 'x'",
    "UPDATE approvals_document SET state = 'draft'",
    "UPDATE approvals_document SET content_hash = ''",
    "UPDATE approvals_document SET archive_number = 'GD-2026-9999'",
    "DELETE FROM approvals_document",
    "UPDATE approvals_pricelist SET list_kind = 'campaign'",
    "DELETE FROM approvals_pricelist",
    "UPDATE approvals_priceline SET final_price = 1",
    "UPDATE approvals_priceline SET struck = true, strike_reason = 'x'",
    "DELETE FROM approvals_priceline",
    "TRUNCATE approvals_priceline",
    "INSERT INTO approvals_scopestore SELECT id + 1000, 'x', document_id, store_id FROM approvals_scopestore",
    "UPDATE approvals_scopestore SET scope_key = 'x'",
    "DELETE FROM approvals_scopestore",
    "UPDATE stores_priceinforce SET amount = 1",
    "UPDATE stores_priceinforce SET document_number = 'x'",
    "UPDATE stores_priceinforce SET during = tstzrange(lower(during) - interval '1 day', NULL)",
    "DELETE FROM stores_priceinforce",
    "TRUNCATE stores_priceinforce",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_after_filing_nothing_changes_not_even_by_sql(stores, skus, statement):
    made.filed(made.price_list(skus))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
            cursor.execute(statement)


def test_a_line_can_neither_join_nor_leave_a_filed_document(stores, skus):
    document = made.price_list(skus)
    made.filed(document)
    draft = made.price_list(made.some_skus(1, "Z"))
    for change in (
        lambda: PriceLine.objects.filter(document=draft.pk).update(document=document.pk),
        lambda: PriceLine.objects.filter(document=document.pk).update(document=draft.pk),
    ):
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            change()


def test_a_filed_document_can_be_done_and_never_goes_back(stores, skus):
    document = made.price_list(skus)
    made.filed(document)
    made.done(document)
    assert document.state == "done"
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Document.objects.filter(pk=document.pk).update(state="filed")


def test_drafts_can_still_be_changed(stores, skus):
    made.filed(made.price_list(skus))
    draft = made.price_list(made.some_skus(2, "Z"))
    assert PriceLine.objects.filter(document=draft.pk).update(final_price="88.00") == 2
    Document.objects.filter(pk=draft.pk).update(title="新标题")


# ── From the command line ─────────────────────────────────────────────────────────────────────────────────────────


def waiting_for_filing(skus):
    document = made.price_list(skus)
    finance = made.account("finance", "finance", name="财务专员")
    step = Step.objects.get(process__document=document, kind="file")
    Task.objects.create(step=step, document=document, assignee=finance, because="财务", state="open")
    made.decided(document, "sign", made.account("manager", "ecommerce_manager"), "sign")
    Step.objects.filter(process__document=document, kind="sign").update(state="done")
    return document


def test_a_document_can_be_filed_from_the_command_line_by_whom_it_waits_for(stores, skus, capsys):
    document = waiting_for_filing(skus)
    call_command("file_document", document.number, "--as", "finance")
    record = ArchiveRecord.objects.get(kind="filing")
    assert capsys.readouterr().out.split() == [record.number, record.hash]
    assert record.filed_by_name == "财务专员"


def test_the_command_files_for_nobody_else(stores, skus):
    document = waiting_for_filing(skus)
    for name in ("manager", "strategy", "nobody"):
        with pytest.raises(CommandError):
            call_command("file_document", document.number, "--as", name)
    assert not ArchiveRecord.objects.exists()


def test_the_command_refuses_a_digest_that_is_no_longer_that_of_the_content(stores, skus):
    document = waiting_for_filing(skus)
    with pytest.raises(CommandError):
        call_command("file_document", document.number, "--as", "finance", "--digest", "0" * 64)
    assert not ArchiveRecord.objects.exists()


def test_only_the_stores_of_the_document_find_it(stores, skus):
    document = made.price_list(skus, scope="stores:tb-cslr")
    record = made.filed(document)
    assert list(ArchiveStore.objects.filter(record=record).values_list("store__code", flat=True)) == [
        "tb-cslr"
    ]
    assert not ArchiveFile.objects.filter(record=record).exists()
    assert not Event.objects.filter(document=document, kind="ended").exists()
