"""What leaves the archive: the printed form of a document, and the package of a year."""

import shutil
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from django.core.files.storage import default_storage

from approvals.archive import canonical, form, packaging
from approvals.models import ArchiveRecord
from tests.bench.harness import Row


def sealed(lines):
    from tests.approvals.filed_documents import a_line, filed_bytes

    return canonical.parse(filed_bytes(lines=[a_line(row) for row in range(1, lines + 1)]))


def printed(n):
    filed = sealed(n)

    def work():
        with tempfile.TemporaryDirectory() as folder:
            form.printed_form(filed, qr_url="https://example.com/x", out_path=Path(folder) / "form.pdf")
        return n

    return work


def typst_alone(n):
    """The same template over the same texts, put together beforehand."""
    text = form.form_text(sealed(n), "https://example.com/x")

    def work():
        form.typeset(text, datetime.now(UTC))
        return n

    return work


def year(n):
    """One ZIP of n kept packages, as the job makes it."""
    records = ArchiveRecord.objects.order_by("sequence")[:n]

    def work():
        with tempfile.TemporaryFile() as file:
            packaging.write_bundle(records, file, progress=lambda *words: None)
        return n

    return work


def copied_year(n):
    """The same files, copied into a ZIP one after the other."""
    paths = [
        default_storage.path(packaging.kept_path(record))
        for record in ArchiveRecord.objects.defer("payload").order_by("sequence")[:n]
    ]

    def work():
        with tempfile.TemporaryFile() as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for number, path in enumerate(paths):
                with open(path, "rb") as source, archive.open(f"{number}.zip", "w", force_zip64=True) as out:
                    shutil.copyfileobj(source, out, 1 << 20)
        return n

    return work


ROWS = [
    Row(
        key="form",
        title="printed form of N lines",
        aim="≤ 1.5 × floor",
        scene="",
        arms={"ours": printed, "floor": typst_alone},
        sizes=(2_000,),
    ),
    Row(
        key="year",
        title="package of a year, N documents",
        aim="≤ 2 × floor, constant memory",
        scene="year",
        arms={"ours": year, "floor": copied_year},
        sizes=(1_000,),
    ),
]
