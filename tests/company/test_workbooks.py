"""The sample workbooks do what their names say, read by the same code as any other workbook."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from approvals import drafts
from approvals.guards import unacknowledged
from approvals.models import GuardHit
from approvals.pricelists import importing
from opsadmin.company import workbooks
from opsadmin.core import jobs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

# Every fault of a workbook that an import names, as it is planted in the file.
PLANTED = {
    *("duplicate_sku", "duplicate_sku_other_spelling", "unknown_sku", "inactive_sku", "required"),
    *("not_a_number", "thousands_comma", "currency_sign", "scientific", "too_many_decimals"),
    *("error_cell", "formula_without_value", "long_digits", "unit_fen", "exception_missing", "bad_date"),
    *("bad_choice", "too_long", "control_character", "no_cost", "no_floor", "merged_cell"),
    *("not_above_zero", "unknown_scope", "other_window"),
}


@pytest.fixture
def start():
    day = timezone.localtime() + timedelta(days=3)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture
def price_list(account, start):
    return drafts.create_price_list(
        by=account("strategy"), title="样例", list_kind="regular", effective_from=start
    )


@pytest.fixture
def promotion(account, start):
    return drafts.create_promotion(
        by=account("promotion"),
        title="样例",
        promotion_kind="discount",
        effective_from=start,
        effective_to=start + timedelta(days=7),
        per_user_cap=2,
        total_quantity=1000,
        budget="20000.00",
    )


def read(document, name):
    """Upload a sample workbook and let it be read; return the import."""
    file = ContentFile((workbooks.FOLDER / name).read_bytes(), name=name)
    imported = importing.start_import(document.pk, by=document.drafted_by, uploaded=file)
    jobs.run(imported.job_id)
    imported.refresh_from_db()
    return imported


def written(document, name):
    """Bring a sample workbook into the draft; return the document as it is then."""
    imported = read(document, name)
    importing.write_import(imported.pk, by=document.drafted_by, mode="merge")
    document.refresh_from_db()
    return document


def test_the_good_list_is_read_without_a_fault(price_list):
    imported = read(price_list, "price-list.xlsx")
    assert not imported.faults.filter(note=False).exists()
    assert (imported.counts["read"], imported.counts["faulty"]) == (300, 0)


def test_the_good_list_can_be_submitted_without_a_reason(price_list):
    document = written(price_list, "price-list.xlsx")
    hits = GuardHit.objects.filter(document=document).exclude(severity="info")
    assert list(hits.values_list("code", "sku_code", "measured")) == []
    assert document.line_count == 300 and 30 < document.summary["changed"] < 90


def test_the_list_with_reasons_needs_them_and_the_general_managers_signature(price_list):
    document = written(price_list, "price-list-with-reasons.xlsx")
    assert document.block_count == 0
    assert document.sign_count >= 3 and document.warn_count >= 5
    codes = set(unacknowledged(document).values_list("code", flat=True))
    assert {"G04", "G05", "G08", "G10"} <= codes


def test_every_fault_of_an_import_is_in_the_faulty_list_and_named(price_list):
    imported = read(price_list, "price-list-faults.xlsx")
    found = set(imported.faults.filter(note=False).values_list("code", flat=True))
    assert found >= PLANTED, PLANTED - found


def test_each_faulty_row_says_the_fault_that_was_planted_in_it(price_list):
    imported = read(price_list, "price-list-faults.xlsx")
    rows = set(imported.faults.filter(note=False).values_list("row_no", flat=True))
    planted = workbooks.faults({row["code"]: row for row in workbooks.read_goods() if row["price"]})
    expected = {
        number for number, (what, _cells) in enumerate(planted, start=2) if what not in workbooks.NO_FAULT
    }
    merged = {len(planted) + 2, len(planted) + 3}
    assert rows == expected | merged


def test_full_width_digits_are_put_right_and_said(price_list):
    imported = read(price_list, "price-list-faults.xlsx")
    assert imported.faults.filter(note=True, code="full_width").exists()


def test_the_gb18030_list_is_recognised(price_list):
    imported = read(price_list, "price-list-gb18030.csv")
    assert (imported.encoding, imported.counts["read"], imported.counts["faulty"]) == ("gb18030", 60, 0)


def test_the_promotion_can_be_submitted(promotion):
    document = written(promotion, "promotion.xlsx")
    assert (document.line_count, document.block_count) == (54, 0)


def test_the_same_goods_give_the_same_bytes(tmp_path, monkeypatch):
    before = {path.name: path.read_bytes() for path in workbooks.FOLDER.iterdir()}
    monkeypatch.setattr(workbooks, "FOLDER", tmp_path)
    made = workbooks.make_all()
    assert {name: (tmp_path / name).read_bytes() for name in made} == {name: before[name] for name in made}
