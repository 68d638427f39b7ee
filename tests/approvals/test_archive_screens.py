"""The archive's screens: who finds what, whole downloads, the check, and pages that cost the same for any archive."""

import io
import json
import subprocess
import sys
import zipfile
from datetime import timedelta

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from approvals.admin.archive import properties
from approvals.archive import checking, filing, packaging
from approvals.archive.verify import Difference, Report
from approvals.models import ArchiveRecord, ArchiveStore, Attachment, Document
from opsadmin.core import jobs
from opsadmin.core.files import store_file
from opsadmin.core.models import Job, Notice
from staffing.access import store_group
from tests.approvals import filings as made


@pytest.fixture(autouse=True)
def files_of_its_own(settings, tmp_path):
    settings.ANCHOR_FILE = tmp_path / "anchor" / "checkpoints.jsonl"
    settings.ANCHOR_KEY_FILE = tmp_path / "anchor" / "key.pem"
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def stores(db):
    return made.some_stores("jd-cslr", "tb-cslr")


@pytest.fixture
def record(stores, django_capture_on_commit_callbacks):
    """A filing with an attachment and one later record."""
    document = made.price_list(made.some_skus(3), title="全店冬季价格表")
    file = store_file(ContentFile(b"evidence"), name="清仓说明.docx", by=document.drafted_by)
    Attachment.objects.create(document=document, file=file, kind="evidence", added_by=document.drafted_by)
    with django_capture_on_commit_callbacks(execute=True):
        record = made.filed(document)
        by = made.account("promotion", "promotion", name="推广专员")
        locked = Document.objects.get(pk=document.pk)
        made.decided(locked, "file", by, "complete")
        filing.add_record("campaign", locked, {"theme": "冬季焕新"}, by=by)
    return record


def get(client, name, *args, query=""):
    return client.get(reverse(f"admin:{name}", args=args) + query)


def text(answer):
    return answer.content.decode()


def body(answer):
    return b"".join(answer.streaming_content)


# ── Who finds what ────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_roles_of_the_archive_open_it(record, signed_in):
    for role in ("finance", "ecommerce_manager", "general_manager", "auditor"):
        assert get(signed_in(roles=[role]), "archive").status_code == 200
    for role in ("product_strategy", "promotion", "customer_service", "hr", "administrator"):
        client = signed_in(roles=[role])
        assert get(client, "archive").status_code == 404
        assert get(client, "archive_record", record.number).status_code == 404
        assert get(client, "archive_package", record.number).status_code == 404


def test_a_filing_of_other_stores_is_not_found(stores, signed_in):
    here = made.filed(made.price_list(made.some_skus(1, "A"), scope="stores:jd-cslr"))
    there = made.filed(made.price_list(made.some_skus(1, "B"), scope="stores:tb-cslr"))
    client = signed_in()
    from django.contrib.auth.models import Permission

    client.user.user_permissions.set(Permission.objects.filter(codename__in=["search_archive", "view_costs"]))
    client.user.groups.add(store_group(stores[0]))
    page = text(get(client, "archive"))
    assert here.number in page
    assert there.number not in page
    for name in ("archive_record", "archive_package"):
        assert get(client, name, there.number).status_code == 404
    assert get(client, "archive_part", there.number, "form.pdf").status_code == 404
    assert get(client, "archive_proof", there.number, there.payload_sha256).status_code == 404
    packed = client.post(reverse("admin:archive_pack"), {"record": [there.pk]}, follow=True)
    assert packed.status_code == 200
    assert not Job.objects.filter(kind=packaging.JOB, created_by=client.user).exists()


def test_the_archive_is_searched_by_number_title_store_sku_signer_and_day(stores, signed_in):
    winter = made.filed(made.price_list(made.some_skus(1, "A"), title="冬季价格表", scope="stores:jd-cslr"))
    summer = made.filed(made.promotion(priced(made.some_skus(1, "B"), stores)))
    client = signed_in(roles=["finance"])

    def found(query):
        page = text(get(client, "archive", query=query))
        return [one.number for one in (winter, summer) if f">{one.title}<" in page]

    assert found("") == [winter.number, summer.number]
    assert found(f"?q={winter.number}") == [winter.number]
    assert found(f"?q={winter.document_number.lower()}") == [winter.number]
    assert found("?q=冬季") == [winter.number]
    assert found("?sku=a0001") == [winter.number]
    assert found(f"?store={stores[1].pk}") == [summer.number]
    assert found("?kind=promotion") == [summer.number]
    assert found("?signer=电商经理") == [winter.number, summer.number]
    assert found("?signer=没有这个人") == []
    today, tomorrow = timezone.localdate(), timezone.localdate() + timedelta(days=1)
    assert found(f"?first={today}&last={today}") == [winter.number, summer.number]
    assert found(f"?first={tomorrow}") == []
    assert found(f"?last={today - timedelta(days=1)}") == []


def priced(skus, stores):
    for sku in skus:
        for store in stores:
            made.a_price(sku, store, "105.00", start=timezone.now() - timedelta(days=200))
    return skus


@pytest.mark.parametrize(
    "query",
    [
        "?first=gestern",
        "?first=2026-12-31&last=2026-01-01",
        "?store=x&kind=x&before=x",
        "?q=%00",
        "?before=9" * 3,
    ],
)
def test_bad_search_input_gets_a_sentence_and_never_an_error_page(record, signed_in, query):
    assert get(signed_in(roles=["finance"]), "archive", query=query).status_code == 200


def test_the_list_costs_the_same_for_few_and_for_many_records(record, signed_in):
    client = signed_in(roles=["finance"])

    def queries():
        with CaptureQueriesContext(connection) as caught:
            assert get(client, "archive").status_code == 200
        return len(caught)

    queries()
    few = queries()
    filings = [ArchiveRecord.objects.get(pk=record.pk)]
    store = ArchiveStore.objects.filter(record=record).first().store_id
    for number in range(3, 70):
        copy = ArchiveRecord.objects.get(pk=record.pk)
        copy.pk, copy.number, copy.hash = number, f"GD-2026-{number:04}", f"{number:064}"
        filings.append(copy)
    ArchiveRecord.objects.bulk_create(filings[1:])
    ArchiveStore.objects.bulk_create(ArchiveStore(record=one, store_id=store) for one in filings[1:])
    assert queries() == few <= 25
    first = text(get(client, "archive"))
    assert "GD-2026-0069" in first
    assert "before=20" in first
    assert record.number in text(get(client, "archive", query="?before=20"))


# ── One record ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_record_shows_seal_signatures_chain_package_and_what_came_later(record, signed_in):
    page = text(get(signed_in(roles=["finance"]), "archive_record", record.number))
    assert "op-seal" in page
    assert record.hash in page
    assert record.payload_sha256 in page
    assert "电商经理" in page
    assert "清仓说明.docx" in page
    assert "冬季焕新" in page
    assert f"{record.number}/1" in page
    assert 'name="final_price"' not in page


def test_the_record_costs_the_same_for_short_and_for_long_lists(stores, signed_in):
    client = signed_in(roles=["finance"])

    def queries(count, prefix):
        record = made.filed(made.price_list(made.some_skus(count, prefix)))
        with CaptureQueriesContext(connection) as caught:
            assert get(client, "archive_record", record.number).status_code == 200
        return len(caught)

    queries(1, "W")
    assert queries(2, "A") == queries(80, "B") <= 30


def test_a_record_whose_content_is_damaged_says_so_and_is_still_shown(record, signed_in):
    with made.tampering("approvals_archiverecord") as cursor:
        cursor.execute("UPDATE approvals_archiverecord SET payload = 'x' WHERE sequence = %s", [record.pk])
    answer = get(signed_in(roles=["finance"]), "archive_record", record.number)
    assert answer.status_code == 200
    assert 'role="alert"' in text(answer)


# ── Downloads ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_package_that_finance_downloads_checks_itself(record, signed_in, tmp_path, settings):
    answer = get(signed_in(roles=["finance"]), "archive_package", record.number)
    assert f'filename="{record.number}.zip"' in answer.headers["Content-Disposition"]
    path = tmp_path / "package.zip"
    path.write_bytes(body(answer))
    with zipfile.ZipFile(path) as package:
        names = set(package.namelist())
        (tmp_path / "verify.py").write_bytes(package.read("verify.py"))
    assert {
        "form.pdf",
        "lines.xlsx",
        "canonical.ndjson",
        "decisions.json",
        "manifest.json",
        "verify.py",
    } <= names
    words = [sys.executable, str(tmp_path / "verify.py"), str(path), "--anchor", str(settings.ANCHOR_FILE)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_printed_form_and_lines_come_as_files_of_their_own(record, signed_in):
    client = signed_in(roles=["finance"])
    form = get(client, "archive_part", record.number, "form.pdf")
    assert body(form).startswith(b"%PDF-")
    assert f"{record.number}.pdf" in form.headers["Content-Disposition"]
    assert form.headers["Content-Type"] == "application/octet-stream"
    book = openpyxl.load_workbook(io.BytesIO(body(get(client, "archive_part", record.number, "lines.xlsx"))))
    rows = list(book.active.iter_rows(values_only=True))
    assert len(rows) == 4
    assert {row[rows[0].index("SKU")] for row in rows[1:]} == {"CS0001", "CS0002", "CS0003"}
    assert get(client, "archive_part", record.number, "nothing.txt").status_code == 404
    page = text(get(client, "archive_record", record.number))
    part = reverse("admin:archive_part", args=[record.number, "attachments/001-清仓说明.docx"])
    assert f'href="{part}"' in page
    assert body(client.get(part)) == b"evidence"


def test_the_kept_package_is_given_out_and_its_parts_are_listed_with_digests(record, signed_in):
    jobs.run(Job.objects.get(kind=packaging.JOB).pk)
    members, size = packaging.kept_members(record)
    known = {one["name"]: one for one in members}
    assert default_storage.size(packaging.kept_path(record)) == size
    page = text(get(signed_in(roles=["finance"]), "archive_record", record.number))
    assert known["form.pdf"]["sha256"][:4] in page
    assert len(body(get(signed_in(roles=["finance"]), "archive_package", record.number))) == size


def test_a_package_of_a_later_record_checks_itself_too(record, signed_in, tmp_path):
    later = ArchiveRecord.objects.get(kind="campaign")
    path = tmp_path / "later.zip"
    path.write_bytes(body(get(signed_in(roles=["finance"]), "archive_later", later.pk)))
    with zipfile.ZipFile(path) as package:
        (tmp_path / "verify.py").write_bytes(package.read("verify.py"))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "verify.py"), str(path)], capture_output=True, check=False
    )
    assert done.returncode == 0


def test_what_is_damaged_is_refused_with_a_sentence_not_given_out(record, signed_in):
    with made.tampering("approvals_archiverecord") as cursor:
        cursor.execute("UPDATE approvals_archiverecord SET payload = 'x' WHERE sequence = %s", [record.pk])
    answer = get(signed_in(roles=["finance"]), "archive_package", record.number)
    assert answer.status_code == 302


def test_who_may_not_see_costs_downloads_nothing(record, signed_in):
    from django.contrib.auth.models import Permission

    client = signed_in()
    client.user.user_permissions.set(
        Permission.objects.filter(codename__in=["search_archive", "span_stores"])
    )
    assert get(client, "archive_record", record.number).status_code == 200
    assert get(client, "archive_package", record.number).status_code == 404
    assert get(client, "archive_part", record.number, "lines.xlsx").status_code == 404


def test_several_filings_are_packed_by_a_job_and_fetched_by_whoever_asked(record, signed_in):
    second = made.filed(made.price_list(made.some_skus(1, "Z")))
    client = signed_in(roles=["finance"])
    answer = client.post(reverse("admin:archive_pack"), {"record": [record.pk, second.pk]})
    job = Job.objects.get(created_by=client.user)
    assert answer.headers["Location"] == reverse("admin:job", args=[job.pk])
    assert get(client, "job_file", job.pk).status_code == 404
    jobs.run(job.pk)
    with zipfile.ZipFile(io.BytesIO(body(get(client, "job_file", job.pk)))) as bundle:
        assert bundle.namelist() == [f"{record.number}.zip", f"{record.number}-1.zip", f"{second.number}.zip"]
        assert bundle.testzip() is None
    assert Notice.objects.filter(user=client.user, key=f"package:{job.pk}").exists()
    other = signed_in(roles=["finance"])
    assert get(other, "job", job.pk).status_code == 404
    assert get(other, "job_file", job.pk).status_code == 404


def test_a_year_is_packed_whole(record, signed_in):
    client = signed_in(roles=["finance"])
    client.post(reverse("admin:archive_pack"), {"year": str(timezone.localdate().year)})
    job = Job.objects.get(created_by=client.user)
    assert job.payload["records"] == [record.pk]


def test_packing_nothing_is_refused_with_a_sentence(record, signed_in):
    client = signed_in(roles=["finance"])
    for data in ({}, {"record": ["x", "-1", "9" * 30]}, {"year": "1999"}):
        assert client.post(reverse("admin:archive_pack"), data).status_code == 302
    assert not Job.objects.filter(created_by=client.user).exists()


def test_bundles_are_cleared_away_after_a_week_and_that_is_said(record, signed_in, monkeypatch):
    client = signed_in(roles=["finance"])
    client.post(reverse("admin:archive_pack"), {"record": [record.pk]})
    job = Job.objects.get(created_by=client.user)
    jobs.run(job.pk)
    packaging.clear_bundles()
    assert get(client, "job_file", job.pk).status_code == 200
    monkeypatch.setattr(packaging, "BUNDLES_KEPT", timedelta(0))
    packaging.clear_bundles()
    assert get(client, "job_file", job.pk).status_code == 302


# ── Check ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_check_is_ordered_by_post_and_its_report_is_shown(record, signed_in):
    client = signed_in(roles=["finance"])
    assert get(client, "archive_check_start").status_code == 405
    assert client.post(reverse("admin:archive_check_start")).status_code == 302
    job = Job.objects.get(kind=checking.JOB)
    state = client.get(reverse("admin:job", args=[job.pk]), headers={"Accept": "application/json"}).json()
    assert state["open"] is True
    jobs.run(job.pk)
    page = text(get(client, "archive_check"))
    assert "is-ok" in page
    assert 'role="alert"' not in page


def test_a_mismatch_is_said_on_every_screen_of_the_archive(record, signed_in):
    with made.tampering("approvals_archiverecord") as cursor:
        cursor.execute("UPDATE approvals_archiverecord SET title = '别的' WHERE sequence = %s", [record.pk])
    jobs.run(checking.order_check().pk)
    client = signed_in(roles=["finance"])
    for answer in (
        get(client, "archive"),
        get(client, "archive_check"),
        get(client, "archive_record", record.number),
    ):
        assert 'role="alert"' in text(answer)
        assert answer.status_code == 200
    assert get(client, "archive_package", record.number).status_code == 200, "downloads stay"


def test_selected_records_are_checked_alone(record, signed_in):
    client = signed_in(roles=["finance"])
    client.post(reverse("admin:archive_check_selected"), {"record": [record.pk]})
    job = Job.objects.get(kind=checking.SELECTED)
    jobs.run(job.pk)
    assert job.payload == {"records": [record.pk]}
    assert "is-ok" in text(get(client, "job", job.pk))
    assert checking.last_report() is None


def test_only_who_may_verify_checks(record, signed_in):
    for role in ("ecommerce_manager", "general_manager", "product_strategy"):
        client = signed_in(roles=[role])
        assert get(client, "archive_check").status_code == 404
        assert client.post(reverse("admin:archive_check_start")).status_code == 404


# ── The printed form's code ───────────────────────────────────────────────────────────────────────────────────────


def test_the_codes_page_says_whether_form_and_archive_agree(record, signed_in):
    client = signed_in(roles=["auditor"])
    same = text(get(client, "archive_proof", record.number, record.payload_sha256))
    other = text(get(client, "archive_proof", record.number, "0" * 64))
    assert "op-banner is-ok" in same
    assert 'role="alert"' not in same
    assert 'role="alert"' in other
    with made.tampering("approvals_archiverecord") as cursor:
        cursor.execute("UPDATE approvals_archiverecord SET title = '别的' WHERE sequence = %s", [record.pk])
    assert 'role="alert"' in text(get(client, "archive_proof", record.number, record.payload_sha256))


def test_the_codes_page_asks_for_a_sign_in_and_for_the_document(record, client, signed_in):
    address = reverse("admin:archive_proof", args=[record.number, record.payload_sha256])
    assert client.get(address).status_code == 302
    assert signed_in(roles=["hr"]).get(address).status_code == 404
    assert packaging.check_url(record).endswith(address)


# ── From the command line ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_package_can_be_written_from_the_command_line_by_who_may_download(record, tmp_path, capsys):
    made.account("finance", "finance")
    made.account("strategy", "product_strategy")
    out = tmp_path / "out.zip"
    call_command("package_document", record.document_number, "--as", "finance", "--out", str(out))
    with zipfile.ZipFile(out) as package:
        assert json.loads(package.read("manifest.json"))["record"]["number"] == record.number
    for name in ("strategy", "nobody"):
        with pytest.raises(CommandError):
            call_command("package_document", record.number, "--as", name, "--out", str(tmp_path / "no.zip"))
    assert not list(tmp_path.glob("no.zip*"))


@pytest.mark.parametrize("left", [0, 21, 0.5, -1])
def test_of_a_kept_package_that_lost_its_end_a_whole_one_is_made_again(record, left):
    packaging.keep(record)
    with packaging.package_file(record) as file:
        whole = file.read()
    size = int(len(whole) * left) if isinstance(left, float) else left % len(whole)
    with open(default_storage.path(packaging.kept_path(record)), "r+b") as file:
        file.truncate(size)
    with packaging.package_file(record) as file:
        assert zipfile.ZipFile(file).testzip() is None


PARTS = "chain checkpoints content decisions document files search prices protection rows"


@pytest.mark.parametrize("part", PARTS.split())
def test_whatever_differs_is_said_by_one_of_the_four_properties(part):
    report = Report(differing=1, differences=[Difference(part, "改了")])
    assert sum(bool(one["faults"]) for one in properties(report)) == 1
