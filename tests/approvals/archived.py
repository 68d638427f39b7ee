"""An archive with rows in every protected table, and somebody who owns the database and changes a byte of it."""

import json
from datetime import timedelta

from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone

from approvals.archive import filing, rowseals
from approvals.flow.record import write_event
from approvals.models import (
    ArchiveRecord,
    Attachment,
    CampaignDetails,
    Comment,
    Document,
    Flow,
    FlowStep,
    FlowVersion,
    GuardPolicy,
    HiringLine,
    HiringRequest,
    LineChange,
    Receipt,
    Reorganisation,
    ReorganisationLine,
    StoreFile,
    Task,
)
from opsadmin.core.files import store_file
from opsadmin.core.models import AuditEntry
from opsadmin.core.numbering import next_number
from orgchart import changes
from orgchart.changes.log import ensure_opening, keep_snapshot, last_version
from orgchart.models import ChangeSet
from stores.models import PriceInForce
from tests.approvals import filings as made
from tests.factories import DepartmentFactory, PositionFactory

FILED = {"state": "filed"}


def archive_of_everything(count):
    """Fill every protected table with ``count`` rows of documents that are done; returns the archive records."""
    stores = made.some_stores("jd-cslr", "tb-cslr")
    skus = made.some_skus(max(count, 2))
    for sku in skus:
        made.a_price(sku, stores[0], "105.00", start=timezone.now() - timedelta(days=200))
    limits(count + 1)
    for number in range(count):
        start = made.next_monday() + timedelta(days=20 * number)
        document = made.price_list(skus, start=start, end=start + timedelta(days=9), title=f"第{number}份")
        made_known(document, number)
        made.filed(document)
        carried_out(document, stores)
        finished(document)
        later = start + timedelta(days=12)
        finished(made.promotion(skus, start=later), made.filed)
    organisation(count)
    old_flows(count)
    a_log(count)
    return list(ArchiveRecord.objects.order_by("sequence"))


def limits(count):
    """Each version of the limits is followed by the next; the last one stays in force."""
    finance, manager = made.account("finance", "finance"), made.account("manager", "ecommerce_manager")
    newest = GuardPolicy.objects.order_by("-version").first()
    limits_now, number = (newest.limits, newest.version) if newest else ({"G04": {"limit": 1}}, 0)
    for version in range(number + 1, number + count + 1):
        GuardPolicy.objects.filter(state="in_force").update(state="superseded")
        GuardPolicy.objects.create(
            version=version,
            state="in_force",
            limits=limits_now,
            reason="试行",
            proposed_by=finance,
            proposed_role="finance",
            decided_by=manager,
            decided_role="ecommerce_manager",
            decided_at=timezone.now(),
        )


def old_flows(count):
    """Versions of a flow that were in use once."""
    flow = Flow.objects.first()
    for number in range(1000, 1000 + count):
        version = FlowVersion.objects.create(flow=flow, number=number)
        FlowStep.objects.create(
            version=version, order=1, kind="sign", name="审核签字", assignee_kind="role", assignee="finance"
        )
        FlowVersion.objects.filter(pk=version.pk).update(state="retired")


def made_known(document, number):
    """What is said and done while a document is on its way."""
    by = document.drafted_by
    comment = Comment.objects.create(document=document, author=by, author_name=str(by), text="已改 12 行。")
    file = store_file(ContentFile(b"evidence %d" % number), name="清仓说明.docx", by=by)
    Attachment.objects.create(document=document, comment=comment, file=file, kind="evidence", added_by=by)
    write_event(document, "submitted", by=by, round=1)
    LineChange.objects.create(
        document=document,
        round=1,
        line_id=1,
        sku_code="CS0001",
        scope_key="all",
        field="final_price",
        old="118.00",
        new="126.00",
        actor=by,
        actor_name=str(by),
        at=timezone.now(),
    )


def carried_out(document, stores):
    """What comes after the filing: the campaign's details, a file and a receipt for a store."""
    by = made.account("promotion", "promotion", name="推广专员")
    document = Document.objects.get(pk=document.pk)
    CampaignDetails.objects.create(
        document=document,
        theme="冬季焕新",
        starts_at=document.effective_from,
        ends_at=document.effective_from + timedelta(days=1),
        copy="全店满减",
        completed_by=by,
    )
    StoreFile.objects.create(
        document=document, store=stores[0], name="a.xlsx", sha256="a" * 64, rows=3, taken_by=by
    )
    Receipt.objects.create(
        task=Task.objects.filter(document=document).first(),
        document=document,
        store=stores[0],
        file=store_file(ContentFile(b"ok"), name="回执.txt", by=by),
        applied=3,
        by=by,
        by_name=str(by),
        at=timezone.now(),
    )


def finished(document, file=None):
    """Seal the end of a document; ``file`` files it first."""
    if file:
        file(document)
    filing.close_document(Document.objects.get(pk=document.pk))
    made.done(document)


def organisation(count):
    """Versions of the organisation, and documents about it. Their filing is not walked: here it is their rows."""
    by = made.account("hr", "hr", name="人力专员")
    post = PositionFactory(code="post", title="专员", department=DepartmentFactory())
    ensure_opening()
    for number in range(count):
        changes.apply_now([changes.wanted("position", "post", "set", {"title": f"专员{number}"})], by=by)
        keep_snapshot(last_version(), timezone.localdate())
        change_set = ChangeSet.objects.order_by("-pk").first()
        common = {"effective_from": timezone.now(), "drafted_by": by, "archive_number": f"GD-X{number}"}
        reorganisation = Reorganisation.objects.create(
            kind="reorganisation", number=next_number("ZZ"), title="分岗", change_set=change_set, **common
        )
        ReorganisationLine.objects.create(
            document=reorganisation, row_no=1, entity="position", key="post", op="set", words="改名"
        )
        request = HiringRequest.objects.create(
            kind="hiring_request", number=next_number("ZP"), title="招聘", position=post, **common
        )
        HiringLine.objects.create(document=request, row_no=1, text="主图与详情页")
        Document.objects.filter(pk__in=[reorganisation.pk, request.pk]).update(state="done")


def a_log(count):
    """Entries of the audit log with the plainest values that it takes."""
    by = made.account("auditor", "auditor")
    for number in range(count):
        AuditEntry.objects.create(
            **{
                field.name: value
                for field in AuditEntry._meta.fields
                if not field.primary_key and (value := sample(field, by, number)) is not None
            }
        )


def sample(field, by, number):
    """Return a plain value for a field that must have one."""
    if field.has_default() or field.null or getattr(field, "auto_now_add", False):
        return None
    if field.is_relation:
        return by
    if field.choices:
        return field.choices[0][0]
    return {"DateTimeField": timezone.now(), "JSONField": {}}.get(field.get_internal_type(), f"{number}"[:1])


# ── Changing a byte ───────────────────────────────────────────────────────────────────────────────────────────────

CHANGED = {
    "boolean": "NOT coalesce({0}, false)",
    "smallint": "coalesce({0}, 2) # 1",
    # A higher bit than the number of rows, so that no key meets another.
    "integer": "coalesce({0}, 2) # 4194304",
    "bigint": "coalesce({0}, 2) # 4194304",
    "numeric": "coalesce({0}, 0) + 0.01",
    "date": "coalesce({0}, '2026-01-01') + 1",
    "timestamp with time zone": "coalesce({0}, '2026-01-01Z') + interval '1 microsecond'",
    "inet": "coalesce({0}, '10.0.0.1') + 1",
    "bytea": "set_byte({0}, length({0}) / 2, get_byte({0}, length({0}) / 2) # 1)",
    "tstzrange": "tstzrange(lower({0}) - interval '1 microsecond', upper({0}))",
    "text": "coalesce(CASE WHEN {0} = '' THEN NULL WHEN left({0}, 1) = 'x' THEN 'y' || substr({0}, 2)"
    " ELSE 'x' || substr({0}, 2) END, 'x')",
}
CHANGED["character varying"] = CHANGED["text"]


def change_a_byte(cursor, table, key_column, key, column, kind):
    """Change one byte of one column of a row, as little as its type lets."""
    if kind == "jsonb":
        cursor.execute(f'SELECT "{column}"::text FROM {table} WHERE {key_column} = %s', [key])
        cursor.execute(
            f'UPDATE {table} SET "{column}" = %s WHERE {key_column} = %s',
            [other_json(cursor.fetchone()[0]), key],
        )
    else:
        expression = CHANGED[kind].format(f'"{column}"')
        cursor.execute(f'UPDATE {table} SET "{column}" = {expression} WHERE {key_column} = %s', [key])
    assert cursor.rowcount == 1, (table, column, key)


def other_json(text):
    """Return JSON that differs in one byte, or has something where there was nothing."""
    if text in (None, "{}", "[]", "null"):
        return '{"x": 1}'
    before = json.loads(text)
    for place, letter in enumerate(text):
        if letter.isalnum() and letter.isascii():
            changed = text[:place] + ("1" if letter != "1" else "2") + text[place + 1 :]
            try:
                if json.loads(changed) != before:
                    return changed
            except ValueError:
                continue
    raise AssertionError(text)


def switch_off_the_rules():
    """Do what somebody does who owns the database: switch off triggers and drop constraints."""
    tables = protected_tables()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(
            "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'f', 'u', 'x') "
            "AND (conrelid::regclass::text = ANY(%s) OR confrelid::regclass::text = ANY(%s))",
            [tables, tables],
        )
        for table, name in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}" CASCADE')


def protected_tables():
    """Return every table whose rows a trigger protects."""
    return sorted({part.table for part in rowseals.parts()} | {"approvals_rowseal"})


def columns_of(cursor):
    """Return {table: (key, {column: type})} of the protected tables."""
    shape = rowseals.Shape(cursor)
    return {table: (shape.keys[table], shape.types[table]) for table in protected_tables()}


def archived_keys(cursor, table, key, count, *, part=None):
    """Return the keys of the first rows of a table that have been sealed, of one part of it where that is named."""
    if table == "approvals_rowseal":
        cursor.execute("SELECT number FROM approvals_rowseal ORDER BY number LIMIT %s", [count])
        return [number for (number,) in cursor.fetchall()]
    part = part or next(part for part in rowseals.parts() if part.table == table and not part.leave)
    cursor.execute(f"SELECT t.{key} FROM {table} t WHERE {part.final} ORDER BY t.{key} LIMIT %s", [count])
    return [number for (number,) in cursor.fetchall()]


def filed_prices(count):
    """Return [(key, number of its document, number of its filing)] of one price in force of each of some documents."""
    filings = dict(ArchiveRecord.objects.filter(kind="filing").values_list("document_number", "number"))
    prices = PriceInForce.objects.filter(document_number__in=filings).order_by("document_number", "pk")
    keys = prices.distinct("document_number").values_list("pk", "document_number")[:count]
    return [(key, number, filings[number]) for key, number in keys]
