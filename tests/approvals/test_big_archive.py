"""A million archived lines are verified within a minute, whatever else the archive holds."""

import os
from datetime import timedelta

import pytest
from django.db import connection

from approvals.archive import rowseals, verify
from approvals.models import ArchiveRecord, PriceList
from opsadmin.core.numbering import next_number
from tests.approvals import bulk
from tests.approvals import filings as made

LISTS = 10
SECONDS = 60

LINES = """
INSERT INTO approvals_priceline (document_id, row_no, sku_id, sku_code, sku_name, scope_key, exception_reason, cost,
    floor_price, base_price, final_price, reason, struck, strike_reason, band, risk, version, decided_digest,
    reference_price, reason_code)
SELECT %(document)s, row_number() OVER (ORDER BY id), id, code, name, 'all', '', cost, floor_price, 100, 99, '', false,
    '', 2, 0, 1, '', 102, '' FROM stores_sku WHERE code LIKE 'BIG%%'
"""


def a_filed_list(number):
    start = made.next_monday() + timedelta(days=20 * number)
    document = PriceList.objects.create(
        kind="price_list",
        number=next_number("JG"),
        title=f"第{number}份",
        effective_from=start,
        effective_to=start + timedelta(days=9),
        drafted_by=made.account("strategy", "product_strategy"),
    )
    with connection.cursor() as cursor:
        cursor.execute(LINES, {"document": document.pk})
        cursor.execute("ANALYZE approvals_priceline")
    made.filed(made.submitted(document))


@pytest.mark.soak
def test_a_million_archived_lines_are_verified_within_a_minute(transactional_db, settings, tmp_path):
    """Nothing is in a transaction of the test: the check works on two connections, as it does for people."""
    settings.ANCHOR_FILE, settings.ANCHOR_KEY_FILE = (
        tmp_path / "anchor" / "c.jsonl",
        tmp_path / "anchor" / "k.pem",
    )
    lines = int(os.environ.get("ARCHIVED_LINES", "1000000"))
    (store,) = made.some_stores("jd-cslr")
    bulk.many_goods("BIG", lines // LISTS, stores=[store], brand=store.brand)
    for number in range(LISTS):
        a_filed_list(number)
    began = verify.time.monotonic()
    rowseals.seal_rows()
    sealing = verify.time.monotonic() - began
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute(
            "SELECT pg_total_relation_size('approvals_rowseal'), pg_total_relation_size('approvals_priceline')"
        )
        seals, rows = cursor.fetchone()
    parts = {}
    for name, step in (("rows", rowseals.breaks), ("whole", verify.verify_archive)):
        began = verify.time.monotonic()
        found = step()
        parts[name] = verify.time.monotonic() - began
    print(
        f"\n{lines} lines in {ArchiveRecord.objects.count()} records: sealing rows {sealing:.1f} s "
        f"({seals >> 20} MB beside {rows >> 20} MB of lines), verifying {parts['whole']:.1f} s, "
        f"of that rows {parts['rows']:.1f} s"
    )
    assert found.differences == []
    assert found.lines == lines
    assert parts["whole"] <= SECONDS
