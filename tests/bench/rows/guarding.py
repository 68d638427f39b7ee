"""All guards over N lines × ten stores."""

from decimal import Decimal

from django.db import connection
from django.db.models import Prefetch

from approvals import guards
from approvals.guards.policy import limits_in_force
from approvals.kinds import PRICE_LIST
from approvals.models import Document, GuardHit, PriceLine
from stores.models import Listing, PriceInForce, Store
from tests.bench.harness import Row, rolled_back


def ours(n):
    document = Document.objects.get()

    def work():
        with rolled_back():
            guards.run_guards(document)
        return n

    return work


def stock(n):
    """The ORM as documented: lines in pieces with what they need prefetched, judged in Python, kept in bulk."""
    document, stores = Document.objects.get(), Store.objects.count()
    start = document.effective_from
    in_force = PriceInForce.objects.filter(layer="base", during__contains=start)
    listed = Listing.objects.filter(state="listed")
    lines = (
        PriceLine.objects.filter(document=document.pk, struck=False)
        .select_related("sku__product", "sku__brand")
        .prefetch_related(
            Prefetch("sku__prices", in_force, "now"), Prefetch("sku__listings", listed, "on_shelf")
        )
        .order_by("pk")
    )

    def work():
        with rolled_back():
            GuardHit.objects.filter(document=document.pk).delete()
            limits, hits = limits_in_force()[1], []
            for line in lines.iterator(chunk_size=2000):
                hits += [hit(document, line, *found) for found in judged(line, stores, limits)]
            GuardHit.objects.bulk_create(hits, batch_size=1000)
        return n

    return work


def judged(line, stores, limits):
    """Yield (guard, severity, measured) of what is wrong with a line: half of what our guards look at."""
    sku, price = line.sku, line.final_price
    fee = Decimal("0.05")
    base = sku.now[0].amount if sku.now else None
    if not sku.active:
        yield "G01", "block", ""
    if len(sku.on_shelf) < stores:
        yield "G01", "warn", len(sku.on_shelf)
    if line.cost is None or line.floor_price is None:
        yield "G04", "block", ""
    elif price < line.cost * (1 + fee):
        yield "G05", "block", price
    elif price < line.floor_price:
        yield "G06", "block", price
    elif (price - line.cost - price * fee) * 100 < price * Decimal(limits["G07"]["margin"]):
        yield "G07", "warn", price
    if base and abs(price - base) * 100 > base * Decimal(limits["G08"]["warn"]):
        yield "G08", "warn", price
    if base and sorted(str(price)) == sorted(str(base)) and price != base:
        yield "G10", "warn", price
    if abs(price - line.reference_price) * 100 > line.reference_price * Decimal(limits["G11"]["deviation"]):
        yield "G11", "warn", price
    if len({one.amount for one in sku.now}) > 1:
        yield "G12", "block", price


def hit(document, line, code, severity, measured):
    return GuardHit(
        document=document,
        code=code,
        severity=severity,
        line_id=line.pk,
        row_no=line.row_no,
        sku_code=line.sku_code,
        measured=str(measured),
        policy_version=1,
    )


ONE_LINE = """
SELECT count(*) FROM approvals_priceline l JOIN stores_sku k ON k.id = l.sku_id
WHERE l.document_id = %s AND l.final_price < k.cost
"""
ALL_STORES = """
SELECT count(*) FROM approvals_priceline l
JOIN stores_priceinforce p ON p.sku_id = l.sku_id AND p.during @> %s::timestamptz
WHERE l.document_id = %s AND l.final_price <> p.amount
"""
# Of our twenty guards, this many need the prices in force in each store.
WITH_PRICES = 2


def floor(n):
    """One plain pass of SQL per guard, over the lines and their goods or their prices in force."""
    document = Document.objects.get()
    passes = len(PRICE_LIST.guards)

    def work():
        with connection.cursor() as cursor:
            for _guard in range(passes - WITH_PRICES):
                cursor.execute(ONE_LINE, [document.pk])
            for _guard in range(WITH_PRICES):
                cursor.execute(ALL_STORES, [document.effective_from, document.pk])
        return n

    return work


ROWS = [
    Row(
        key="guards",
        title="all guards × 10 stores",
        aim="≤ 3 s on two cores",
        scene="drafted",
        arms={"ours": ours, "stock": stock, "floor": floor},
        bears={"stock": 10_000},
    )
]
