"""The file that customer service takes to a store's back office: SKU, the mall's ids, price, from when until when.

It follows the platform: encoding, delimiter, unit of money, and rows at a time. The same document gives the same bytes
whenever the file is taken.
"""

import codecs
import hashlib
import tempfile
from contextlib import ExitStack
from itertools import count
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
from opsadmin.core.spreadsheets import CsvOfCopy, csv_text, neutral_sql
from stores.models import Store
from stores.models.store import Delimiter, FileEncoding, MoneyUnit

ROWS_AT_A_TIME = 2000
LONG_AGO = (1980, 1, 1, 0, 0, 0)
SEPARATORS = {Delimiter.TAB: "\t"}
# A price as the mall takes it: yuan with two decimals, or whole fen.
PRICES = {MoneyUnit.YUAN: "l.final_price", MoneyUnit.FEN: "(l.final_price * 100)::bigint"}
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


def copy_rows(document, store, target):
    """Copy the rows of a store's file, in the order of SKUs, into a CsvOfCopy; returns how many there are.

    SKU, mall's item id, mall's SKU id, name, price, further columns, window: of the lines that rule in the store.
    """
    kind = kind_of(document)
    window = [local_minute(document.effective_from), local_minute(document.effective_to)]
    columns = [
        neutral_sql("l.sku_code"),
        neutral_sql("g.platform_item_id"),
        neutral_sql("g.platform_sku_id"),
        neutral_sql("l.sku_name"),
        PRICES[store.platform.money_unit],
        *(f"l.{column}" for column in further_columns(document).values()),
        "%s::text",
        "%s::text",
    ]
    rows = f"""SELECT {", ".join(columns)} FROM ({line_stores_sql(document)}) rules
        JOIN {kind.line_table} l ON l.id = rules.line_id
        LEFT JOIN stores_listing g ON g.sku_id = l.sku_id AND g.store_id = rules.store_id
        WHERE rules.store_id = %s ORDER BY l.sku_code COLLATE "C" """
    copy = f"COPY ({rows}) TO STDOUT (FORMAT csv, DELIMITER %s, ENCODING 'UTF8')"
    with connection.cursor() as cursor:
        asked = cursor.mogrify(copy, [*window, document.pk, document.pk, store.pk, delimiter(store.platform)])
        cursor.copy_expert(asked, target)
        target.close()
        return cursor.rowcount


def local_minute(moment):
    """Return a moment as the malls write it, None for none."""
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else None


def delimiter(platform):
    return SEPARATORS.get(platform.delimiter, platform.delimiter)


def part_writer(target, header, platform):
    """Write the heading of a CSV to an open binary file; returns what writes its rows, given as UTF-8.

    Both in the platform's encoding.
    """
    encode = codecs.getincrementalencoder(platform.encoding)().encode
    first = csv_text([header], delimiter=delimiter(platform))
    target.write(MARKS.get(platform.encoding, b"") + encode(first))
    return lambda rows: target.write(encode(rows.decode()))


def parts_writer(archive, base, header, platform):
    """Return what writes rows, as many as the platform takes at a time, as the next CSV of a ZIP."""
    numbers = count(1)

    def write(rows):
        member = ZipInfo(f"{base}_{next(numbers):02}.csv", LONG_AGO)
        member.compress_type = ZIP_DEFLATED
        with archive.open(member, "w") as part:
            part_writer(part, header, platform)(rows)

    return write


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
    platform, base = store.platform, f"{document.number}_{store.code}"
    if platform.batch_limit and rows_for_store(document, store) > platform.batch_limit:
        with ZipFile(target, "w") as archive:
            write = parts_writer(archive, base, heading(document), platform)
            rows = copy_rows(document, store, CsvOfCopy(write, platform.batch_limit))
        return f"{base}.zip", rows
    write = part_writer(target, heading(document), platform)
    return f"{base}.csv", copy_rows(document, store, CsvOfCopy(write, ROWS_AT_A_TIME))


def digest_of(made):
    """Return the SHA-256 (hex) of an open file, and leave it at its beginning."""
    made.seek(0)
    digest = hashlib.file_digest(made, "sha256").hexdigest()
    made.seek(0)
    return digest
