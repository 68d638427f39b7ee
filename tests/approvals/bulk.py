"""Goods, workbooks, documents and archive records by the thousand, and a meter for what a stage costs."""

import csv
import resource
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from opsadmin.core.spreadsheets import SheetOut, write_xlsx

HEADER = ["商品编码", "参考价", "执行价"]

PRODUCTS = """
INSERT INTO stores_product (code, name, category)
SELECT %(prefix)s || n, '货品 ' || n, '' FROM generate_series(0, %(many)s / 10) n
"""
GOODS = """
INSERT INTO stores_sku (code, product_id, brand_id, name, barcode, pool, active, cost, cost_as_of, floor_price,
    ceiling_price, stock)
SELECT %(prefix)s || lpad(n::text, 6, '0'), p.id, %(brand)s, '商品 ' || n, '', 'common', true, 40, current_date,
    60, 150, 10 FROM generate_series(1, %(many)s) n JOIN stores_product p ON p.code = %(prefix)s || n / 10
"""
PRICES = """
INSERT INTO stores_priceinforce (sku_id, store_id, layer, amount, currency, during, document_number, line_no)
SELECT k.id, s.id, 'base', 100, 'CNY', tstzrange(now() - interval '100 days', NULL), 'QC-2024-0001',
    row_number() OVER ()
FROM stores_sku k, stores_store s WHERE k.code LIKE %(prefix)s || '%%' AND s.id = ANY(%(stores)s) ORDER BY 1, 2
"""
LISTINGS = """
INSERT INTO stores_listing (sku_id, store_id, platform_item_id, platform_sku_id, state)
SELECT k.id, s.id, '62' || k.id, '46' || k.id, 'listed'
FROM stores_sku k, stores_store s WHERE k.code LIKE %(prefix)s || '%%' AND s.id = ANY(%(stores)s)
"""


def many_goods(prefix, many, *, stores, brand):
    """Make goods, ten to a product, that cost 40, have floor 60 and a price of 100 in force in each store."""
    known = {
        "prefix": prefix,
        "many": many,
        "stores": [store.pk for store in stores],
        "brand": brand.pk,
    }
    with connection.cursor() as cursor:
        for statement in (PRODUCTS, GOODS, PRICES, LISTINGS):
            cursor.execute(statement, known)
            # Foreign keys into a table that has no statistics yet are checked by reading all of it.
            cursor.execute("ANALYZE stores_sku, stores_priceinforce, stores_listing")


def price_rows(prefix, many):
    """Yield (SKU, reference price, final price): most a little below 100, every tenth as it is, a few far off."""
    for number in range(1, many + 1):
        price = 100 if number % 10 == 0 else 70 if number % 1000 == 7 else 100 - number % 6
        yield f"{prefix}{number:06}", f"{price}.00", f"{price}.00"


def big_workbook(folder, prefix, many):
    """Write a workbook as the drafter would have it and return its path."""
    path = Path(folder) / "价格清单.xlsx"
    rows = ([sku, float(reference), float(final)] for sku, reference, final in price_rows(prefix, many))
    sheet = SheetOut("价格清单", HEADER, rows, text_columns=HEADER[:1], number_columns=HEADER[1:])
    with path.open("wb") as file:
        write_xlsx(file, [sheet])
    return path


def big_csv(folder, prefix, many):
    """Write the same lines as a CSV in GB18030 and return its path."""
    path = Path(folder) / "价格清单.csv"
    with path.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows([HEADER, *price_rows(prefix, many)])
    return path


@dataclass
class Cost:
    """What a stage cost at its dearest: statements, seconds, and how much Python's memory grew (MB)."""

    statements: int = 0
    seconds: float = 0.0
    megabytes: float = 0.0


class Meter:
    """Measures stages by name. Statements are counted, not kept: kept ones would be the memory that is measured."""

    def __init__(self):
        self.costs = {}

    @contextmanager
    def stage(self, name):
        cost, asked = self.costs.setdefault(name, Cost()), 0

        def count(execute, sql, params, many, context):
            nonlocal asked
            asked += 1
            return execute(sql, params, many, context)

        tracemalloc.reset_peak()
        before, began = tracemalloc.get_traced_memory()[0], time.monotonic()
        with connection.execute_wrapper(count):
            yield
        cost.statements = max(cost.statements, asked)
        cost.seconds = max(cost.seconds, time.monotonic() - began)
        peak = (tracemalloc.get_traced_memory()[1] - before) / (1 << 20)
        cost.megabytes = max(cost.megabytes, peak)

    def table(self):
        """Return the measured stages as text, one a line."""
        rows = [
            f"{name:32} {cost.statements:6} {cost.seconds:8.2f} s {cost.megabytes:8.1f} MB"
            for name, cost in self.costs.items()
        ]
        process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        return "\n".join([*rows, f"{'highest of the whole process':32} {process:24} MB"])


@contextmanager
def tracing():
    """Trace Python's memory for as long as it is measured."""
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
