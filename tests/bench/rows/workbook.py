"""A workbook of N lines × 9 columns becomes the lines of a draft: read, checked, shown, merged."""

import io
import os
from pathlib import Path

import tablib
from django.core.files.base import File
from django.db import connection, transaction
from import_export import fields, resources, widgets
from python_calamine import CalamineWorkbook

from approvals import drafts
from approvals.models import LineImport, PriceLine
from approvals.pricelists import importing
from opsadmin.core import jobs
from opsadmin.core.models import User
from opsadmin.core.spreadsheets import SheetOut, write_xlsx
from stores.models import Sku
from tests.bench.harness import Row

HEADER = [
    "商品编码",
    "商品名称",
    "适用店铺",
    "成本价",
    "参考价",
    "最低限价",
    "最高限价",
    "执行价",
    "调价原因",
]
MONEY = ["成本价", "参考价", "最低限价", "最高限价", "执行价"]


def workbook(n):
    """Return the path of the workbook; it is written once."""
    path = Path(os.environ["BENCH_FILES"]) / f"workbook-{n}.xlsx"
    if not path.exists():
        from tests.approvals.bulk import price_rows

        rows = (
            [sku, f"商品 {number}", "全部", 40.0, float(reference), 60.0, 150.0, float(final), "季末调价"]
            for number, (sku, reference, final) in enumerate(price_rows("BENCH-", n), start=1)
        )
        with path.open("wb") as file:
            write_xlsx(
                file, [SheetOut("价格清单", HEADER, rows, text_columns=HEADER[:1], number_columns=MONEY)]
            )
    return path


def empty_draft():
    by = User.objects.get(username="product_strategy")
    return drafts.create_price_list(
        by=by, title="Bench", list_kind="regular", effective_from=drafts.usual_start("price_list")
    ), by


def ours(n):
    """Upload, read, judge, count for the preview, merge. All guards over the result are a row of their own."""
    path, (document, by) = workbook(n), empty_draft()

    def work():
        imported = read_in(path, document, by)
        with transaction.atomic():
            imported = importing.locked_import(imported.pk, by=by)
            importing.merge_rows(drafts.locked_for_editing(document.pk, by=by), imported, "merge")
        return PriceLine.objects.filter(document=document).count()

    return work


def read_in(path, document, by):
    """Upload the workbook and do the job that reads it; returns the LineImport."""
    with path.open("rb") as file:
        imported = importing.start_import(document.pk, by=by, uploaded=File(file, name="价格清单.xlsx"))
    jobs.run(imported.job_id)
    return LineImport.objects.get(pk=imported.pk)


def with_guards(n):
    """The same by the two jobs of a worker, with the check of the whole draft at the end of the second."""
    path, (document, by) = workbook(n), empty_draft()

    def work():
        imported = importing.start_writing(read_in(path, document, by).pk, by=by, mode="merge")
        jobs.run(imported.job_id)
        return LineImport.objects.get(pk=imported.pk).counts["new"]

    return work


class LineResource(resources.ModelResource):
    """As the documentation has it: foreign keys by code, bulk inserts, no diffs, and the model's own validation."""

    sku = fields.Field("sku", "商品编码", widgets.ForeignKeyWidget(Sku, "code"))
    sku_code = fields.Field("sku_code", "商品编码")
    sku_name = fields.Field("sku_name", "商品名称")
    scope_key = fields.Field("scope_key", "适用店铺")
    cost = fields.Field("cost", "成本价", widgets.DecimalWidget())
    reference_price = fields.Field("reference_price", "参考价", widgets.DecimalWidget())
    floor_price = fields.Field("floor_price", "最低限价", widgets.DecimalWidget())
    ceiling_price = fields.Field("ceiling_price", "最高限价", widgets.DecimalWidget())
    final_price = fields.Field("final_price", "执行价", widgets.DecimalWidget())
    reason = fields.Field("reason", "调价原因")
    row_no = fields.Field("row_no", "row_no")

    class Meta:
        model = PriceLine
        import_id_fields = ("sku_code",)
        fields = (
            *("sku", "sku_code", "sku_name", "scope_key", "cost", "reference_price", "floor_price"),
            *("ceiling_price", "final_price", "reason", "row_no"),
        )
        use_bulk = True
        batch_size = 1000
        skip_diff = True
        clean_model_instances = True

    def __init__(self, document):
        super().__init__()
        self.document = document

    def get_queryset(self):
        return PriceLine.objects.filter(document=self.document)

    def before_import_row(self, row, row_number=None, **kwargs):
        row |= {"row_no": row_number, "适用店铺": "all"}

    def import_instance(self, instance, row, **kwargs):
        instance.document = self.document
        super().import_instance(instance, row, **kwargs)


def stock(n):
    """django-import-export: a dry run for the preview, then the import, each of which reads the file."""
    path, (document, _by) = workbook(n), empty_draft()

    def work():
        result = None
        for dry_run in (True, False):
            data = tablib.Dataset().load(path.read_bytes(), format="xlsx")
            result = LineResource(document).import_data(data, dry_run=dry_run, raise_errors=True)
        return result.totals["new"]

    return work


COLUMNS = (
    *("document_id", "row_no", "sku_id", "sku_code", "sku_name", "scope_key", "exception_reason", "cost"),
    *("reference_price", "floor_price", "ceiling_price", "final_price", "reason_code", "reason", "struck"),
    *("strike_reason", "band", "risk", "version", "decided_digest"),
)
CHECK = """
SELECT count(*) FILTER (WHERE l.sku_code = k.code AND l.final_price > 0 AND l.cost IS NOT NULL AND k.active)
FROM approvals_priceline l JOIN stores_sku k ON k.id = l.sku_id WHERE l.document_id = %s
"""


def floor(n):
    """calamine, COPY into the table of lines, and one check."""
    path, (document, _by) = workbook(n), empty_draft()

    @transaction.atomic
    def work():
        known = dict(Sku.objects.values_list("code", "pk"))
        rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows()
        next(rows)
        text = io.StringIO()
        for number, (sku, name, _scope, cost, reference, low, high, final, reason) in enumerate(
            rows, start=1
        ):
            text.write(
                f"{document.pk}\t{number}\t{known[sku]}\t{sku}\t{name}\tall\t\t{cost}\t{reference}\t{low}\t{high}"
                f"\t{final}\t\t{reason}\tf\t\t2\t0\t1\t\n"
            )
        text.seek(0)
        with connection.cursor() as cursor:
            cursor.copy_expert(f"COPY approvals_priceline ({', '.join(COLUMNS)}) FROM STDIN", text)
            cursor.execute(CHECK, [document.pk])
            return cursor.fetchone()[0]

    return work


ROWS = [
    Row(
        key="workbook",
        title="workbook into a draft",
        aim="≤ 2.5 × floor, ≥ 100 × stock, ≤ 300 MB",
        scene="goods",
        arms={"ours": ours, "stock": stock, "floor": floor},
        bears={"stock": 1_000},
        writes=True,
    ),
    Row(
        key="workbook+guards",
        title="the same, and all guards over it",
        aim="",
        scene="goods",
        arms={"ours": with_guards},
        writes=True,
    ),
]
