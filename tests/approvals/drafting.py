"""A company in small for drafts and imports: two brands, four stores, goods, a drafter, workbooks made on the spot."""

import io
from datetime import timedelta
from decimal import Decimal

import openpyxl
from django.core.files.base import ContentFile
from django.utils import timezone

from approvals import drafts
from approvals.pricelists import importing
from opsadmin.core import jobs
from tests.factories import (
    BrandFactory,
    PriceInForceFactory,
    ProductFactory,
    SkuFactory,
    StoreFactory,
    UserFactory,
)

HEADER = ["商品编码", "参考价", "执行价"]


class Shop:
    """``shop.skus`` cost 40, floor 60, and stand at 100 in every store since long ago."""

    def __init__(self, goods=3):
        self.cslr = BrandFactory(code="cslr", name="CSLR")
        self.theme = BrandFactory(code="theme", name="Theme")
        self.stores = [
            StoreFactory(code="jd-cslr", name="京东 cslr 店", brand=self.cslr),
            StoreFactory(code="jd-theme", name="京东 theme 店", brand=self.theme),
            StoreFactory(code="tb-cslr", name="淘宝 cslr 店", brand=self.cslr),
        ]
        self.dangdang = StoreFactory(code="dd-cslr", name="当当店", brand=self.cslr, mode="consignment")
        product = ProductFactory()
        self.skus = [
            SkuFactory(code=f"CS-{n:05}-BK", name=f"双肩包 {n}", brand=self.cslr, product=product)
            for n in range(1, goods + 1)
        ]
        for sku in self.skus:
            for store in self.stores:
                PriceInForceFactory(sku=sku, store=store)
        self.drafter = UserFactory(roles=["product_strategy"], username="strategy", name="产品策略专员")

    def draft(self, **fields):
        usual = {
            "title": "冬季价格表",
            "list_kind": "regular",
            "effective_from": next_midnight(),
        }
        return drafts.create_price_list(by=self.drafter, **usual | fields)

    def line(self, document, sku=None, **fields):
        usual = {"reference_price": Decimal("100.00")}
        return drafts.add_line(
            document.pk, by=self.drafter, sku_code=(sku or self.skus[0]).code, **usual | fields
        )

    def read(self, document, file, **wishes):
        """Upload a file and let its job run here; returns the import as it is then."""
        imported = importing.start_import(document.pk, by=self.drafter, uploaded=file, **wishes)
        return self.run(imported)

    def run(self, imported):
        jobs.run(imported.job_id)
        imported.refresh_from_db()
        imported.job.refresh_from_db()
        return imported

    def write(self, imported, *, mode="merge", confirm_number=""):
        return importing.write_import(imported.pk, by=self.drafter, mode=mode, confirm_number=confirm_number)


def next_midnight():
    """Return a start three days ahead, at midnight in Shanghai."""
    day = timezone.localtime() + timedelta(days=3)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def workbook(*rows, header=HEADER, name="价格清单.xlsx", sheet="价格清单"):
    """Return an uploaded XLSX with these rows below the header."""
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in [header, *rows]:
        book.active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return ContentFile(file.getvalue(), name=name)


def text_file(*rows, header=HEADER, encoding="utf-8", delimiter=",", name="价格清单.csv"):
    """Return an uploaded CSV with these rows below the header."""
    text = "".join(delimiter.join(map(str, row)) + "\r\n" for row in [header, *rows])
    return ContentFile(text.encode(encoding), name=name)


def faults_of(imported):
    """Return {row: [codes]} of an import, without notes."""
    found = {}
    for row, code in imported.faults.filter(note=False).order_by("pk").values_list("row_no", "code"):
        found.setdefault(row, []).append(code)
    return found


def prices_of(document):
    """Return {SKU: final price} of the lines."""
    return dict(document.lines.order_by("row_no").values_list("sku_code", "final_price"))
