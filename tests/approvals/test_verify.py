"""Verifying the archive: whatever was tampered with is found, and the first broken part is named."""

import json
import shutil
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import TestCase, override_settings
from django.urls import reverse
from django.utils import timezone

from approvals.archive import checking, filing, protection, verify
from approvals.models import ArchiveRecord, Attachment, Decision, Document
from approvals.tasks import verify_archive_daily
from opsadmin.core import jobs
from opsadmin.core.files import store_file
from opsadmin.core.models import Job, Notice
from opsadmin.core.sealing import record_hash
from stores.models import PriceInForce
from tests.approvals import filings as made


def places(folder):
    """Return the settings of an archive whose files and checkpoints lie in a folder."""
    return {
        "MEDIA_ROOT": folder / "media",
        "ANCHOR_FILE": folder / "anchor" / "checkpoints.jsonl",
        "ANCHOR_KEY_FILE": folder / "anchor" / "key.pem",
    }


@pytest.fixture(autouse=True)
def files_of_its_own(settings, tmp_path):
    for name, path in places(tmp_path).items():
        setattr(settings, name, path)


@pytest.fixture(scope="module")
def made_archive(rolled_back, tmp_path_factory):
    """Make the archive once; returns the folder of its files and checkpoints."""
    folder = tmp_path_factory.mktemp("archive")
    with override_settings(**places(folder)):
        make_archive()
    return folder


@pytest.fixture
def archive(made_archive, tmp_path, db):
    """The archive with files of its own, which a test may change; what it does to the rows is undone."""
    shutil.copytree(made_archive, tmp_path, dirs_exist_ok=True)
    return list(ArchiveRecord.objects.order_by("sequence"))


def make_archive():
    """Three filings: one with a file and later records, one bounded over an open price, and the last."""
    stores = made.some_stores("jd-cslr", "tb-cslr")
    skus = made.some_skus(3)
    for sku in skus:
        for store in stores:
            made.a_price(sku, store, "105.00", start=timezone.now() - timedelta(days=200))
    start = made.next_monday()
    with TestCase.captureOnCommitCallbacks(execute=True):
        first = made.price_list(skus, start=start, title="第一份")
        file = store_file(ContentFile(b"evidence"), name="清仓说明.docx", by=first.drafted_by)
        Attachment.objects.create(document=first, file=file, kind="evidence", added_by=first.drafted_by)
        made.filed(first)
        by = made.account("promotion", "promotion", name="推广专员")
        locked = Document.objects.get(pk=first.pk)
        made.decided(locked, "file", by, "complete")
        filing.add_record("campaign", locked, {"theme": "冬季焕新"}, by=by)
    with TestCase.captureOnCommitCallbacks(execute=True):
        made.filed(
            made.price_list(
                skus,
                start=start + timedelta(days=10),
                end=start + timedelta(days=15),
                price="95.00",
                title="第二份",
            )
        )
    with TestCase.captureOnCommitCallbacks(execute=True):
        made.filed(made.price_list(made.some_skus(2, "Z"), title="第三份"))


def test_an_archive_that_nobody_touched_is_whole(archive):
    report = verify.verify_archive()
    assert report.differences == []
    assert (report.records, report.files, report.decisions, report.lines) == (4, 1, 7, 8)
    assert report.prices == 16
    assert (report.head, report.head_number) == (4, archive[-1].number)
    assert report.checkpoint_sequence == 4


def damaged_payload(cursor):
    cursor.execute(
        "UPDATE approvals_archiverecord SET payload = set_byte(payload, length(payload) / 2,"
        " 255 - get_byte(payload, length(payload) / 2)) WHERE sequence = 1"
    )


def replaced_payload(cursor):
    cursor.execute(
        "UPDATE approvals_archiverecord a SET payload = b.payload FROM approvals_archiverecord b"
        " WHERE a.sequence = 1 AND b.sequence = 3"
    )


DAY_ONLY = "tstzrange(lower(during), lower(during) + interval '1 day')"
NEVER_FILED = """
INSERT INTO stores_priceinforce (sku_id, store_id, layer, amount, currency, during, document_number, line_no)
SELECT min(s.id), min(t.id), 'campaign', 1, 'CNY', tstzrange(now(), NULL), 'JG-2026-0777', 1
FROM stores_sku s, stores_store t
"""
TAMPERS = {
    "a byte of sealed content": ("approvals_archiverecord", damaged_payload, "chain", 1),
    "sealed content of another record": ("approvals_archiverecord", replaced_payload, "chain", 1),
    "the moment of filing": (
        "approvals_archiverecord",
        "UPDATE approvals_archiverecord SET at = at - interval '1 day' WHERE sequence = 1",
        "chain",
        1,
    ),
    "the number of a record": (
        "approvals_archiverecord",
        "UPDATE approvals_archiverecord SET number = 'GD-2026-9999' WHERE sequence = 1",
        "chain",
        1,
    ),
    "the link to the record before": (
        "approvals_archiverecord",
        "UPDATE approvals_archiverecord SET previous = repeat('a', 64) WHERE sequence = 3",
        "chain",
        3,
    ),
    "a record taken out": (
        "approvals_archiverecord",
        "DELETE FROM approvals_archiverecord WHERE sequence = 2",
        "chain",
        2,
    ),
    "the title by which it is found": (
        "approvals_archiverecord",
        "UPDATE approvals_archiverecord SET title = '别的' WHERE sequence = 3",
        "search",
        3,
    ),
    "until when it is kept": (
        "approvals_archiverecord",
        "UPDATE approvals_archiverecord SET retained_until = '2027-01-01' WHERE sequence = 3",
        "search",
        3,
    ),
    "who filed it": (
        "approvals_archiverecord",
        "UPDATE approvals_archiverecord SET filed_by_name = '某人' WHERE sequence = 3",
        "search",
        3,
    ),
    "a store by which it is found": (
        "approvals_archivestore",
        "DELETE FROM approvals_archivestore WHERE record_id = 3",
        "search",
        3,
    ),
    "a file in its list": (
        "approvals_archivefile",
        "UPDATE approvals_archivefile SET name = '别的.docx'",
        "search",
        1,
    ),
    "what a signer wrote": (
        "approvals_decision",
        "UPDATE approvals_decision SET comment = '不同意' WHERE verdict = 'sign'",
        "decisions",
        0,
    ),
    "who signed": (
        "approvals_decision",
        "UPDATE approvals_decision SET actor_name = '某人' WHERE verdict = 'file'",
        "decisions",
        0,
    ),
    "a decision taken out": (
        "approvals_decision",
        "DELETE FROM approvals_decision WHERE id = (SELECT max(id) FROM approvals_decision)",
        "decisions",
        0,
    ),
    "the live header": (
        "approvals_document",
        "UPDATE approvals_document SET title = '别的' WHERE archive_number <> ''",
        "document",
        1,
    ),
    "the state of a filed document": (
        "approvals_document",
        "UPDATE approvals_document SET state = 'cancelled' WHERE archive_number <> ''",
        "document",
        1,
    ),
    "a live line": (
        "approvals_priceline",
        "UPDATE approvals_priceline SET final_price = 1 WHERE sku_code = 'Z0001'",
        "document",
        4,
    ),
    "a price in force": (
        "stores_priceinforce",
        "UPDATE stores_priceinforce SET amount = 1 WHERE document_number LIKE 'JG%0003'",
        "prices",
        4,
    ),
    "the line behind a price": (
        "stores_priceinforce",
        "UPDATE stores_priceinforce SET line_no = 9 WHERE document_number LIKE 'JG%0003' AND line_no = 1",
        "prices",
        4,
    ),
    "a price taken out": (
        "stores_priceinforce",
        "DELETE FROM stores_priceinforce WHERE document_number LIKE 'JG%0003' AND line_no = 2",
        "prices",
        4,
    ),
    "a window cut short": (
        "stores_priceinforce",
        f"UPDATE stores_priceinforce SET during = {DAY_ONLY} WHERE document_number LIKE 'JG%0003'",
        "prices",
        0,
    ),
    "a bounded window": (
        "stores_priceinforce",
        f"UPDATE stores_priceinforce SET during = {DAY_ONLY} WHERE document_number LIKE 'JG%0002'",
        "prices",
        3,
    ),
    "the price that goes on after a bounded window": (
        "stores_priceinforce",
        "DELETE FROM stores_priceinforce WHERE document_number LIKE 'JG%0001' AND upper_inf(during)",
        "prices",
        0,
    ),
    "a price that no document made": (
        "stores_priceinforce",
        NEVER_FILED,
        "prices",
        0,
    ),
}


@pytest.mark.parametrize("name", TAMPERS)
def test_what_was_tampered_with_is_named_first(archive, name):
    table, change, part, sequence = TAMPERS[name]
    with made.tampering(table) as cursor:
        change(cursor) if callable(change) else cursor.execute(change)
        assert cursor.rowcount > 0
    report = verify.verify_archive()
    assert not report.whole
    assert (report.first.part, report.first.sequence) == (part, sequence), report.differences
    assert report.first.text


def test_a_changed_file_is_named(archive):
    stored = Attachment.objects.get().file
    with open(stored.file.path, "r+b") as file:
        file.write(b"E")
    first = verify.verify_archive().first
    assert (first.part, first.number) == ("files", archive[0].number)
    assert "清仓说明.docx" in first.text


def test_a_missing_file_is_named(archive):
    stored = Attachment.objects.get().file
    stored.file.storage.delete(stored.file.name)
    assert verify.verify_archive().first.part == "files"


def test_an_inserted_decision_is_found(archive):
    signed = Decision.objects.filter(verdict="sign").first()
    task = made.decided(signed.document, "sign", made.account("general", "general_manager"), "sign")[0]
    with made.tampering("approvals_decision") as cursor:
        cursor.execute("UPDATE approvals_decision SET id = -1 WHERE task_id = %s", [task.pk])
    assert verify.verify_archive().first.part == "decisions"


def test_a_chain_cut_off_at_its_end_is_found_by_the_checkpoints(archive):
    with made.tampering("approvals_archiverecord", "approvals_archivestore", "stores_priceinforce") as cursor:
        cursor.execute("DELETE FROM stores_priceinforce WHERE document_number LIKE 'JG%0003'")
        cursor.execute("DELETE FROM approvals_archivestore WHERE record_id = 4")
        cursor.execute("DELETE FROM approvals_archiverecord WHERE sequence = 4")
    first = verify.verify_archive().first
    assert (first.part, first.number) == ("checkpoints", archive[3].number)


def forge_the_whole_chain():
    """Change a title and write every hash anew, as somebody would who owns the database and knows the code."""
    previous = "0" * 64
    with made.tampering("approvals_archiverecord") as cursor:
        for record in ArchiveRecord.objects.order_by("sequence"):
            record.at -= timedelta(seconds=1)
            payload = verify.unpacked(record).replace(b"\xe7\xac\xac", b"\xe7\xac\xad")
            payload, size, digest = filing.pack([payload])
            sealed = {
                "sequence": record.sequence,
                "number": record.number,
                "kind": record.kind,
                "document_number": record.document_number,
                "at": record.at,
                "payload_sha256": digest,
                "previous": previous,
            }
            previous = record_hash(**sealed)
            cursor.execute(
                "UPDATE approvals_archiverecord SET at = %s, payload = %s, payload_size = %s, payload_sha256 = %s,"
                " previous = %s, hash = %s WHERE sequence = %s",
                [record.at, payload, size, digest, sealed["previous"], previous, record.sequence],
            )


def test_a_chain_written_anew_as_a_whole_is_found_by_the_checkpoints(archive):
    forge_the_whole_chain()
    report = verify.verify_archive()
    assert not report.differs_in("chain")
    assert report.differs_in("checkpoints")


def test_without_its_checkpoints_the_archive_does_not_pass(archive, settings):
    settings.ANCHOR_FILE.unlink()
    assert verify.verify_archive().first.part == "checkpoints"


def test_a_changed_checkpoint_is_found(archive, settings):
    lines = settings.ANCHOR_FILE.read_text().splitlines()
    settings.ANCHOR_FILE.write_text(
        lines[0].replace('"count":1', '"count":7') + "\n" + "\n".join(lines[1:]) + "\n"
    )
    assert verify.verify_archive().first.part == "checkpoints"


@pytest.mark.parametrize(
    "table", ["approvals_archiverecord", "approvals_decision", "stores_priceinforce", "approvals_priceline"]
)
def test_a_protection_that_was_switched_off_is_named(archive, table):
    with made.tampering(table):
        first = verify.verify_archive().first
    assert first.part == "protection"
    assert table in first.text


def test_every_table_that_takes_insert_only_is_watched(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE %s", ["%_append_only"])
        append_only = {name for (name,) in cursor.fetchall()}
    assert append_only <= protection.expected_triggers()
    assert protection.breaks() == []


def test_prices_are_read_set_based(archive, django_assert_max_num_queries):
    verify.verify_archive()
    with django_assert_max_num_queries(170):
        verify.verify_archive()


def test_a_record_beyond_the_named_differences_is_still_known_to_differ(archive, monkeypatch):
    monkeypatch.setattr(verify, "NAMED", 1)
    with made.tampering("approvals_archiverecord") as cursor:
        cursor.execute("UPDATE approvals_archiverecord SET title = '别的'")
    report = verify.verify_archive()
    assert (len(report.differences), report.differing) == (1, 4)
    assert all(report.differs_at(record.number) for record in archive)


def test_some_records_can_be_verified_alone(archive):
    with made.tampering("approvals_archiverecord") as cursor:
        cursor.execute("UPDATE approvals_archiverecord SET title = '别的' WHERE sequence = 3")
    assert verify.verify_records([1, 2]).whole
    report = verify.verify_records([3])
    assert (report.records, report.first.sequence) == (1, 3)


# ── Command, job, daily ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_command_says_that_all_is_well(archive, capsys):
    made.account("finance", "finance")
    call_command("verify_archive", "--as", "finance")
    assert "Everything is what was sealed." in capsys.readouterr().out
    assert checking.last_report().whole


def test_the_command_ends_with_1_and_names_the_first_broken_part(archive, capsys):
    with made.tampering("approvals_archiverecord") as cursor:
        cursor.execute("UPDATE approvals_archiverecord SET title = '别的' WHERE sequence = 3")
    with pytest.raises(CommandError, match=archive[2].number) as ended:
        call_command("verify_archive")
    assert ended.value.returncode == 1
    assert checking.last_report().first.sequence == 3


def test_the_command_asks_for_the_right_to_verify(archive):
    made.account("strategy", "product_strategy")
    with pytest.raises(CommandError):
        call_command("verify_archive", "--as", "strategy")


def test_after_a_loss_of_the_checkpoints_trust_can_begin_anew_on_purpose_only(archive, settings, capsys):
    settings.ANCHOR_FILE.unlink()
    with pytest.raises(CommandError):
        call_command("verify_archive")
    call_command("verify_archive", "--trust-from-here")
    assert json.loads(settings.ANCHOR_FILE.read_text().splitlines()[-1])["sequence"] == 4


def test_the_archive_is_verified_daily_by_one_job_at_a_time(archive):
    verify_archive_daily()
    verify_archive_daily()
    job = Job.objects.get(kind=checking.JOB)
    jobs.run(job.pk)
    assert checking.last_report().records == 4


def test_of_a_mismatch_those_who_look_after_the_archive_are_told(archive):
    for role in ("finance", "auditor", "administrator", "promotion"):
        made.account(role, role)
    with made.tampering("approvals_archiverecord") as cursor:
        cursor.execute("UPDATE approvals_archiverecord SET title = '别的' WHERE sequence = 3")
    jobs.run(checking.order_check().pk)
    told = Notice.objects.filter(key__startswith="archive:").values_list("user__username", "url")
    report, places = reverse("admin:archive_check"), reverse("admin:checkpoints")
    assert dict(told) == {"finance": report, "auditor": report, "administrator": places}
    assert PriceInForce.objects.exists()
