"""Decide, seal and put in force: a signed list of N lines becomes the prices of ten stores."""

import hashlib

from django.db import connection, transaction

from approvals.content import line_text_sql
from approvals.flow import transitions
from approvals.kinds import kind_of
from approvals.models import Document, PriceLine, Task
from opsadmin.core.models import User
from stores.models import PriceInForce, Store
from tests.bench.harness import Row


def ours(n):
    document, by = Document.objects.get(), User.objects.get(username="finance")
    task = Task.objects.get(document=document, assignee=by, state="open")

    def work():
        transitions.decide(task.pk, by=by, verdict="file", content_hash=document.content_hash)
        return n

    return work


def stock(n):
    """The ORM as documented: close the open prices, make the new ones by the thousand, hash line after line."""
    document, stores = Document.objects.get(), list(Store.objects.all())
    start = document.effective_from

    @transaction.atomic
    def work():
        total = hashlib.sha256()
        lines = PriceLine.objects.filter(document=document.pk).order_by("sku_code")
        for line in lines.iterator(chunk_size=2000):
            total.update(f"{line.sku_code}\t{line.final_price}\t{line.scope_key}\n".encode())
        for price in PriceInForce.objects.filter(layer="base", during__endswith=None).iterator(
            chunk_size=2000
        ):
            price.during = (price.during.lower, start)
            price.save(update_fields=["during"])
        new = [
            PriceInForce(
                sku_id=line.sku_id,
                store=store,
                layer="base",
                amount=line.final_price,
                during=(start, None),
                document_number=document.number,
                line_no=line.row_no,
            )
            for line in lines.iterator(chunk_size=2000)
            for store in stores
        ]
        PriceInForce.objects.bulk_create(new, batch_size=1000)
        Document.objects.filter(pk=document.pk).update(state="filed", archive_number="GD-2026-0001")
        return n

    return work


CLOSE = "UPDATE stores_priceinforce SET during = tstzrange(lower(during), %s) WHERE upper_inf(during)"
OPEN = """
INSERT INTO stores_priceinforce (sku_id, store_id, layer, amount, currency, during, document_number, line_no)
SELECT l.sku_id, s.id, 'base', l.final_price, 'CNY', tstzrange(%s, NULL), 'X', l.row_no
FROM approvals_priceline l, stores_store s ORDER BY 1, 2
"""


def floor(n):
    """The same rows of prices in the order that their indexes like best, and SHA-256 over the lines as they come.

    The million that end belong to it: as long as they are open, the constraint lets nothing stand beside them.
    """
    document = Document.objects.get()
    text = line_text_sql(kind_of(document))

    @transaction.atomic
    def work():
        with connection.cursor() as cursor:
            cursor.execute(CLOSE, [document.effective_from])
            cursor.execute(OPEN, [document.effective_from])
        total = hashlib.sha256()
        with connection.connection.cursor(name="lines") as cursor:
            cursor.itersize = 5000
            cursor.execute(f"SELECT {text} FROM approvals_priceline l ORDER BY sku_code")
            for (line,) in cursor:
                total.update(line.encode())
        return n

    return work


ROWS = [
    Row(
        key="filing",
        title="decide, seal, put in force × 10 stores",
        aim="≤ 2 × floor",
        scene="signed",
        arms={"ours": ours, "stock": stock, "floor": floor},
        bears={"stock": 10_000},
        writes=True,
    )
]
