"""The file that customer service takes to a store's back office: SKU, the mall's ids, final price, from when."""

import hashlib
import tempfile
from decimal import Decimal

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.kinds import kind_of
from approvals.models import Document, DocumentState, StoreFile
from approvals.scopes import line_stores_sql
from opsadmin.core.refusals import Refusal
from opsadmin.core.spreadsheets import write_csv
from stores.models import Store

ROWS_AT_A_TIME = 2000


def store_rows(document, store):
    """Yield (SKU, mall's item id, mall's SKU id, name, final price) of the lines that rule in the store, by SKU."""
    kind = kind_of(document)
    connection.ensure_connection()
    with connection.connection.cursor(name="store_rows") as cursor:
        cursor.itersize = ROWS_AT_A_TIME
        cursor.execute(
            f"""SELECT l.sku_code, coalesce(g.platform_item_id, ''), coalesce(g.platform_sku_id, ''), l.sku_name,
                       l.final_price
                FROM ({line_stores_sql(document)}) rules
                JOIN {kind.line_table} l ON l.id = rules.line_id
                LEFT JOIN stores_listing g ON g.sku_id = l.sku_id AND g.store_id = rules.store_id
                WHERE rules.store_id = %s ORDER BY l.sku_code""",
            [document.pk, document.pk, store.pk],
        )
        yield from cursor


def amount_text(amount, unit):
    """Return a price as the mall takes it: yuan with two decimals, or whole fen."""
    return str(int(amount * 100)) if unit == "fen" else f"{Decimal(amount):.2f}"


def file_name(document, store):
    return f"{document.number}_{store.code}.csv"


@transaction.atomic
def make_store_file(document_pk, store_pk, *, by):
    """Write the file for one store and note who took which bytes. Returns (open file, StoreFile).

    The file follows the platform's encoding, delimiter and unit of money. Raises PermissionDenied for a store that
    is not in the account's charge, Refusal (``state``) before filing.
    """
    document = Document.objects.visible_to(by).filter(pk=document_pk).first()
    store = Store.objects.visible_to(by).select_related("platform").filter(pk=store_pk).first()
    if document is None or store is None or not permissions.may_see_execution(by):
        raise PermissionDenied
    if document.state not in (DocumentState.FILED, DocumentState.DONE):
        raise Refusal(_("There is nothing to carry out before the document is filed."), code="state")
    platform = store.platform
    start = timezone.localtime(document.effective_from).strftime("%Y-%m-%d %H:%M")
    end = (
        timezone.localtime(document.effective_to).strftime("%Y-%m-%d %H:%M") if document.effective_to else ""
    )
    made = tempfile.TemporaryFile()
    rows = write_csv(
        made,
        ["商家编码", "平台商品ID", "平台SKU ID", "商品名称", "执行价", "生效时间", "失效时间"],
        (
            [sku, item, mall_sku, name, amount_text(price, platform.money_unit), start, end]
            for sku, item, mall_sku, name, price in store_rows(document, store)
        ),
        encoding=platform.encoding,
        delimiter={"tab": "\t"}.get(platform.delimiter, platform.delimiter),
    )
    made.seek(0)
    digest = hashlib.file_digest(made, "sha256").hexdigest()
    made.seek(0)
    taken = StoreFile.objects.create(
        document=document, store=store, name=file_name(document, store), sha256=digest, rows=rows, taken_by=by
    )
    return made, taken
