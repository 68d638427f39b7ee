"""A list of 100,000 lines goes the whole way, and no page, request or job holds its lines.

In every run it is walked with 2,000 lines beside one of 20; `make soak` walks it with 100,000. Each stage asks as
many statements as for the short list (a job tells its progress every so many rows), and grows by no more memory
than its bound, which is the same at any size.
"""

import io
import subprocess
import sys
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from approvals.archive.packaging import package_file
from approvals.archive.verify import verify_archive
from approvals.models import (
    ArchiveRecord,
    Document,
    DocumentState,
    LineBand,
    LineImport,
    PriceLine,
    Receipt,
    Task,
)
from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState
from stores.models import PriceInForce
from tests.approvals import bulk
from tests.approvals.world import PASSWORD, make_world, next_week

FEW = 20
# Jobs say how far they are after so many rows.
ROWS_PER_WORD = 1000
# No more than this grows in Python while a page is made, a request answered, a job done (MB).
REQUEST_MB, JOB_MB = 16, 64

pytestmark = pytest.mark.django_db(transaction=True)


class Walk:
    """One list from the workbook to the verified package, by the pages and jobs that people use."""

    def __init__(self, world, client, folder, lines, meter):
        self.world, self.client, self.folder = world, client, folder
        self.lines, self.meter = lines, meter
        self.prefix = f"BIG{lines:06}-"
        self.document = None

    def as_role(self, role):
        self.client.force_login(self.world[role], backend="opsadmin.backends.AccountBackend")

    def get(self, stage, name, *args, query=""):
        with self.meter.stage(stage):
            answer = self.client.get(reverse(f"admin:{name}", args=args) + query)
        assert answer.status_code == 200, (stage, answer.status_code)
        return answer

    def post(self, stage, name, *args, accepts=(302,), **data):
        with self.meter.stage(stage):
            answer = self.client.post(reverse(f"admin:{name}", args=args), data)
        assert answer.status_code in accepts, (stage, answer.status_code, answer.content[:2000])
        return answer

    def fetch(self, stage, name, *args, method="get", query=""):
        """Take a download in pieces, as a browser does; returns its size."""
        size = 0
        with self.meter.stage(stage):
            answer = getattr(self.client, method)(reverse(f"admin:{name}", args=args) + query)
            assert answer.status_code == 200, (stage, answer.status_code)
            for piece in answer.streaming_content:
                size += len(piece)
            answer.close()
        return size

    def run_jobs(self, kind):
        """Do what was ordered of one kind, as a worker would: none reads the queue, so that the cost is seen here."""
        queued = Job.objects.filter(kind=kind, state=JobState.QUEUED)
        for pk in queued.order_by("pk").values_list("pk", flat=True):
            with self.meter.stage(f"job: {kind}"):
                jobs.run(pk)
            job = Job.objects.get(pk=pk)
            assert job.state == JobState.DONE, (kind, job.error)

    def reread(self):
        self.document = Document.objects.get(pk=self.document.pk)
        return self.document

    def task(self, role):
        return Task.objects.filter(document=self.document, state="open", assignee=self.world[role]).earliest(
            "pk"
        )

    # ── the stages ────────────────────────────────────────────────────────────────────────────────────────────────

    def draft(self, make_file):
        self.as_role("product_strategy")
        start = timezone.localtime(next_week())
        self.post(
            "new draft",
            "pricelist_new",
            title=f"价格表 {self.lines}",
            list_kind="regular",
            effective_from=start.strftime("%Y-%m-%d %H:%M"),
        )
        self.document = Document.objects.latest("pk")
        path = make_file(self.folder, self.prefix, self.lines)
        with path.open("rb") as file:
            self.post("upload", "import_new", self.document.pk, file=file)
        self.run_jobs("read_lines")
        imported = LineImport.objects.latest("pk")
        assert imported.counts["new"] == self.lines and imported.counts["faulty"] == 0
        self.get("preview", "import_preview", imported.pk)
        self.get("preview rows", "import_rows", imported.pk)
        self.post("take over", "import_write", imported.pk, mode="merge")
        self.run_jobs("write_lines")
        assert self.reread().line_count == self.lines
        self.get("draft page", "pricelist", self.document.pk)
        self.get("draft page, riskiest", "pricelist", self.document.pk, query="?sort=risk&show=hits")
        self.get("draft page, search", "pricelist", self.document.pk, query="?q=" + self.prefix + "00")
        assert self.fetch("draft as workbook", "draft_export", self.document.pk) > self.lines

    def submit(self):
        self.post("check again", "document_check", self.document.pk)
        page = self.get("submit preview", "pricelist_submit", self.document.pk).context_data
        for code in sorted({group["code"] for group in page["hit_groups"] if group["asks_reason"]}):
            self.post("reasons", "document_reasons", self.document.pk, code=code, reason="季末清仓，已核对")
        page = self.get("submit preview", "pricelist_submit", self.document.pk).context_data
        blocks = [(group["code"], group["severity"], group["count"]) for group in page["hit_groups"]]
        assert page["ready"], (blocks, page["problem"])
        digest = self.reread().content_hash
        self.post("submit", "document_submit", self.document.pk, content_hash=digest)
        assert self.reread().state == DocumentState.IN_APPROVAL

    def review(self):
        """The manager looks, changes one price and signs; the general manager signs where the guards ask for it."""
        self.as_role("ecommerce_manager")
        task = self.task("ecommerce_manager")
        self.get("inbox", "inbox")
        self.get("review page", "review", task.pk)
        for band in LineBand.values:
            self.get("review lines", "review_lines", task.pk, query=f"?band={band}&after=start")
        line = PriceLine.objects.filter(document=self.document.pk, band=LineBand.CHANGED).first()
        self.post(
            "change one price",
            "review_line",
            task.pk,
            line.pk,
            accepts=(200,),
            version=line.version,
            price="98.50",
        )
        self.sign("ecommerce_manager", task)
        if self.reread().sign_count:
            self.as_role("general_manager")
            task = self.task("general_manager")
            self.get("review page", "review", task.pk)
            self.sign("general_manager", task)

    def sign(self, role, task):
        self.post("looked", "review_seen", task.pk, accepts=(200,), lines=self.lines)
        self.decide("sign", task, verdict="sign", password=PASSWORD)

    def decide(self, stage, task, **data):
        self.post(stage, "review_decide", task.pk, content_hash=self.reread().content_hash, **data)
        task.refresh_from_db()
        assert task.state == "done", stage

    def file(self):
        self.as_role("finance")
        task = self.task("finance")
        self.post("file", "review_decide", task.pk, content_hash=self.reread().content_hash, verdict="file")
        # A large document is filed by a job, which orders the package in turn.
        self.run_jobs("file_document")
        assert self.reread().state == DocumentState.FILED
        in_force = PriceInForce.objects.filter(document_number=self.document.number)
        assert in_force.count() == self.lines * len(self.world.stores)
        self.run_jobs("make_package")

    def carry_out(self):
        self.as_role("promotion")
        start = timezone.localtime(self.document.effective_from)
        window = {"starts_at": start, "ends_at": start + timedelta(days=3)}
        window = {name: moment.strftime("%Y-%m-%dT%H:%M") for name, moment in window.items()}
        self.decide(
            "complete", self.task("promotion"), verdict="complete", theme="暖冬", copy="暖冬焕新", **window
        )
        self.as_role("customer_service")
        for store in self.world.stores:
            task = Task.objects.get(document=self.document, store=store)
            self.get("store page", "execute", task.pk)
            assert self.fetch("file for a store", "execute_file", task.pk, method="post") > self.lines * 5
            self.post(
                "receipt",
                "execute_receipt",
                task.pk,
                content_hash=self.document.content_hash,
                applied=self.lines,
                file=SimpleUploadedFile("结果.csv", b"sku,ok\n"),
            )
        assert self.reread().state == DocumentState.DONE
        assert Receipt.objects.filter(document=self.document).count() == len(self.world.stores)

    def prove(self):
        """The archive, the package and the question where a price comes from."""
        record = ArchiveRecord.objects.defer("payload").get(number=self.document.archive_number)
        self.as_role("finance")
        self.get("archive list", "archive", query=f"?sku={self.prefix}000001")
        self.get("archive record", "archive_record", record.number)
        self.get("proof page", "archive_proof", record.number, record.payload_sha256)
        self.fetch("package", "archive_package", record.number)
        for part in ("form.pdf", "lines.xlsx"):
            self.fetch("part of a package", "archive_part", record.number, part)
        store = self.world.stores[0]
        at = timezone.localtime(self.document.effective_from) + timedelta(days=1)
        query = f"?sku={self.prefix}000003&store={store.code}&at={at:%Y-%m-%dT%H:%M}"
        found = self.get("price trace", "price_trace", query=query).context_data["found"]
        assert found.document.pk == self.document.pk and found.receipt is not None
        with self.meter.stage("job: verify the archive"):
            report = verify_archive()
        assert report.whole, report.differences
        self.verify_package(ArchiveRecord.objects.get(pk=record.pk))

    def verify_package(self, record):
        """Unpack the package somewhere else and run its own verify.py, with nothing but Python."""
        folder = self.folder / f"package-{self.lines}"
        with package_file(record) as file, zipfile.ZipFile(io.BytesIO(file.read())) as package:
            package.extractall(folder)
        with self.meter.stage("verify.py"):
            checked = subprocess.run(
                [sys.executable, "-I", "verify.py"], cwd=folder, capture_output=True, text=True, check=False
            )
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "complete and unchanged" in checked.stdout

    def whole(self, make_file):
        self.draft(make_file)
        self.submit()
        self.review()
        self.file()
        self.carry_out()
        self.prove()


def walked(world, client, folder, lines, make_file):
    """Walk a list of so many lines and return what its stages cost."""
    meter = bulk.Meter()
    walk = Walk(world, client, folder, lines, meter)
    bulk.many_goods(walk.prefix, lines, stores=world.stores, brand=world.stores[0].brand)
    with bulk.tracing():
        try:
            walk.whole(make_file)
        finally:
            print(f"\n{lines:,} lines\n{meter.table()}")
    return meter


@pytest.mark.parametrize("lines", [2_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_a_list_goes_from_the_workbook_to_the_verified_package_at_the_same_cost_in_statements_and_memory(
    client, tmp_path, settings, lines
):
    settings.ANCHOR_FILE = tmp_path / "checkpoints.jsonl"
    world = make_world(goods=0)
    few = walked(world, client, tmp_path, FEW, bulk.big_csv)
    many = walked(world, client, tmp_path, lines, bulk.big_workbook)
    for stage, cost in many.costs.items():
        job = stage.startswith("job:")
        least = few.costs.get(stage) or few.costs["file"]
        assert cost.statements <= least.statements + (allowed_to_jobs(stage, few, lines) if job else 0), stage
        assert cost.megabytes <= (JOB_MB if job else REQUEST_MB), (stage, cost)


def allowed_to_jobs(stage, few, lines):
    """Return how many statements more a job may ask: words of progress; the check meets both lists' records."""
    return few.costs[stage].statements if "verify" in stage else lines // ROWS_PER_WORD + 2
