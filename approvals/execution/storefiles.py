"""The file that customer service takes to a store's back office: SKU, the mall's ids, price, from when until when.

It follows the platform: encoding, delimiter, unit of money, and rows at a time. The same document gives the same bytes
whenever the file is taken.
"""

import codecs
import hashlib
import tempfile
from contextlib import ExitStack
from decimal import Decimal
from itertools import islice
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.execution.receipts import rows_for_store
from approvals.kinds import kind_of
from approvals.models import Document, DocumentKind, DocumentState, StepKind, StoreFile, Task, TaskState
from approvals.scopes import line_stores_sql
from opsadmin.core.refusals import Refusal
from opsadmin.core.spreadsheets import write_csv
from stores.models import Store
from stores.models.store import Delimiter, FileEncoding

ROWS_AT_A_TIME = 2000
LONG_AGO = (1980, 1, 1, 0, 0, 0)
SEPARATORS = {Delimiter.TAB: "\t"}
# Malls that take UTF-16 expect the mark that tells the order of its bytes.
MARKS = {FileEncoding.UTF16: codecs.BOM_UTF16_LE}
# Headings are the words of the malls' own forms and stay what they are in every language of the screens.
IDS = ("商家编码", "平台商品ID", "平台SKU ID", "商品名称")
PRICE_HEADINGS = {DocumentKind.PRICE_LIST: "执行价", DocumentKind.PROMOTION: "活动价"}
FURTHER_COLUMNS = {DocumentKind.PROMOTION: {"限量": "quantity_limit"}}
WINDOW = ("生效时间", "失效时间")


def further_columns(document):
    """Return {heading: column of the line} of what a store needs besides price and window."""
    return FURTHER_COLUMNS.get(DocumentKind(document.kind), {})


def heading(document):
    """Return the headings of a store's file."""
    return [*IDS, PRICE_HEADINGS[DocumentKind(document.kind)], *further_columns(document), *WINDOW]


def store_rows(document, store):
    """Yield (SKU, mall's item id, mall's SKU id, name, price, further columns …) of the lines that rule in the store.

    In the order of SKUs, a few thousand at a time. Needs a transaction.
    """
    kind = kind_of(document)
    further = "".join(f", l.{column}" for column in further_columns(document).values())
    connection.ensure_connection()
    with connection.connection.cursor(name="store_rows") as cursor:
        cursor.itersize = ROWS_AT_A_TIME
        cursor.execute(
            f"""SELECT l.sku_code, coalesce(g.platform_item_id, ''), coalesce(g.platform_sku_id, ''), l.sku_name,
                       l.final_price{further}
                FROM ({line_stores_sql(document)}) rules
                JOIN {kind.line_table} l ON l.id = rules.line_id
                LEFT JOIN stores_listing g ON g.sku_id = l.sku_id AND g.store_id = rules.store_id
                WHERE rules.store_id = %s ORDER BY l.sku_code COLLATE "C" """,
            [document.pk, document.pk, store.pk],
        )
        yield from cursor


def file_rows(document, store):
    """Yield the rows of a store's file as the mall takes them."""
    unit = store.platform.money_unit
    window = [local_minute(document.effective_from), local_minute(document.effective_to)]
    for sku, item, mall_sku, name, price, *further in store_rows(document, store):
        yield [sku, item, mall_sku, name, amount_text(price, unit), *further, *window]


def local_minute(moment):
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""


def amount_text(amount, unit):
    """Return a price as the mall takes it: yuan with two decimals, or whole fen."""
    return str(int(amount * 100)) if unit == "fen" else f"{Decimal(amount):.2f}"


def write_part(target, header, rows, platform):
    """Write one CSV with the platform's encoding and delimiter to an open binary file."""
    target.write(MARKS.get(platform.encoding, b""))
    separator = SEPARATORS.get(platform.delimiter, platform.delimiter)
    write_csv(target, header, rows, encoding=platform.encoding, delimiter=separator)


def write_parts(target, base, header, rows, platform, parts):
    """Write a ZIP of CSVs with as many rows each as the platform takes at a time."""
    with ZipFile(target, "w") as archive:
        for number in range(1, parts + 1):
            member = ZipInfo(f"{base}_{number:02}.csv", LONG_AGO)
            member.compress_type = ZIP_DEFLATED
            with archive.open(member, "w") as part:
                write_part(part, header, islice(rows, platform.batch_limit), platform)


def parts_needed(rows, platform):
    """Return into how many files the rows have to be split: the platform takes so many at a time."""
    return max(1, -(-rows // platform.batch_limit)) if platform.batch_limit else 1


@transaction.atomic
def make_store_file(document_pk, store_pk, *, by):
    """Write the file for one store. Returns (open file, StoreFile).

    Who carries the document out in that store is noted with the bytes that were taken; who only reads it leaves no row.
    A CSV, or a ZIP of several where the platform takes fewer rows at a time. Raises PermissionDenied for a store that
    is not in the account's charge, Refusal (``state``) before filing.
    """
    document = Document.objects.visible_to(by).filter(pk=document_pk).first()
    store = Store.objects.visible_to(by).select_related("platform").filter(pk=store_pk).first()
    if document is None or store is None or not permissions.may_see_execution(by):
        raise PermissionDenied
    if document.state not in (DocumentState.FILED, DocumentState.DONE):
        raise Refusal(_("There is nothing to carry out before the document is filed."), code="state")
    with ExitStack() as on_failure:
        made = on_failure.enter_context(tempfile.TemporaryFile())
        name, count = write_store_file(made, document, store)
        taken = StoreFile(
            document=document, store=store, name=name, sha256=digest_of(made), rows=count, taken_by=by
        )
        if carries_out(by, document, store):
            taken.save()
        on_failure.pop_all()
    return made, taken


def carries_out(user, document, store):
    """Say whether it is the account's task, open or done, to put the document's prices into the store's mall."""
    tasks = Task.objects.filter(step__kind=StepKind.EXECUTE, document=document, store=store, assignee=user)
    return permissions.may_take_part(user) and tasks.exclude(state=TaskState.CLOSED).exists()


def write_store_file(target, document, store):
    """Write the file to an open binary file and return (its name, its number of rows)."""
    count, base = rows_for_store(document, store), f"{document.number}_{store.code}"
    parts = parts_needed(count, store.platform)
    rows = file_rows(document, store)
    if parts > 1:
        write_parts(target, base, heading(document), rows, store.platform, parts)
        return f"{base}.zip", count
    write_part(target, heading(document), rows, store.platform)
    return f"{base}.csv", count


def digest_of(made):
    """Return the SHA-256 (hex) of an open file, and leave it at its beginning."""
    made.seek(0)
    digest = hashlib.file_digest(made, "sha256").hexdigest()
    made.seek(0)
    return digest
