"""The demo company after one price list has gone the whole way, and one more waits: every screen has something."""

from datetime import date, timedelta
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from approvals import drafts, guards
from approvals.content import refresh_hash
from approvals.execution.receipts import rows_for_store
from approvals.flow import transitions
from approvals.models import Attachment, Document, LineImport, PriceLine, Task
from approvals.scopes import expand_scopes
from opsadmin.company import load_company
from opsadmin.core import jobs
from opsadmin.core.files import store_file
from opsadmin.core.models import CalendarDay, User
from stores.models import PriceInForce, Sku

PASSWORD = "walked-company-1"


def account(username):
    return User.objects.get(username=username)


def walked_company(lines=8, before=None):
    """Load the company and walk a price list to its receipts; return the document, which is done.

    ``before`` is called with the company loaded and nothing drafted yet.
    """
    load_company()
    if before:
        before()
    return walk(lines)


def walk(lines):
    """Walk a price list of the loaded company to its receipts; return the document, which is done."""
    CalendarDay.objects.create(date=date(2027, 1, 1), name="元旦")
    manager = account("manager")
    manager.set_password(PASSWORD)
    manager.save()
    document = waiting_document(lines)
    task = Task.objects.get(document=document, state="open")
    transitions.mark_looked(task.pk, by=manager, lines=lines)
    decide(document, "manager", "sign", password=PASSWORD)
    if Task.objects.filter(document=document, state="open", assignee=account("general")).exists():
        raise AssertionError("the sample list should need no higher signature")
    decide(document, "finance", "file")
    start = document.effective_from
    details = {"theme": "暖冬", "copy": "暖冬焕新", "starts_at": start, "ends_at": start + timedelta(days=2)}
    decide(document, "promotion", "complete", data=details)
    for task in list(Task.objects.filter(document=document, state="open").order_by("pk")):
        task.refresh_from_db()
        if task.state == "open":
            give_receipt(document, task)
    waiting_document(lines, skip=lines)
    return Document.objects.get(pk=document.pk)


def waiting_document(lines, skip=0):
    """Return a price list that waits for the manager, with an attachment and an import that was set aside."""
    by = account("strategy")
    start = (timezone.localtime() + timedelta(days=9)).replace(hour=0, minute=0, second=0, microsecond=0)
    draft = drafts.create_price_list(by=by, title="样例价格表", list_kind="regular", effective_from=start)
    common = Sku.objects.filter(pool="common", active=True, cost__isnull=False).order_by("code")
    rows = []
    for number, sku in enumerate(common[skip : skip + lines], start=1):
        price = PriceInForce.objects.filter(sku=sku, layer="base").first().amount
        rows.append(
            PriceLine(
                document=draft,
                row_no=number,
                sku=sku,
                sku_code=sku.code,
                sku_name=sku.name,
                reference_price=price,
                final_price=price,
            )
        )
    PriceLine.objects.bulk_create(rows)
    document = Document.objects.get(pk=draft.pk)
    expand_scopes(document)
    guards.refresh_snapshots(document)
    refresh_hash(document)
    guards.run_guards(document)
    stored = store_file(BytesIO(b"x"), name="说明.txt", by=by)
    Attachment.objects.create(document=document, file=stored, added_by=by)
    LineImport.objects.create(
        document=draft,
        file=stored,
        job=jobs.enqueue("read_lines", {}, by=by),
        state="discarded",
        uploaded_by=by,
    )
    for code in set(guards.unacknowledged(document).values_list("code", flat=True)):
        guards.acknowledge(document.pk, by=by, code=code, reason="已核对")
    document.refresh_from_db()
    transitions.submit(document.pk, by=by, content_hash=document.content_hash)
    return Document.objects.get(pk=document.pk)


def decide(document, username, verdict, **kwargs):
    task = Task.objects.get(document=document, state="open", assignee=account(username))
    content = Document.objects.get(pk=document.pk).content_hash
    return transitions.decide(task.pk, by=account(username), verdict=verdict, content_hash=content, **kwargs)


def give_receipt(document, task):
    data = {
        "file": SimpleUploadedFile("回执.csv", b"sku,ok\n"),
        "applied": rows_for_store(document, task.store),
    }
    return decide_task(task, document, data)


def decide_task(task, document, data):
    return transitions.decide(
        task.pk,
        by=task.assignee,
        verdict="execute",
        content_hash=Document.objects.get(pk=document.pk).content_hash,
        data=data,
    )
