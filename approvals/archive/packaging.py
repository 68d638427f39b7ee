"""Packages, printed forms and workbooks of archive records, made from the sealed bytes alone.

A package is made once after filing and kept in the file store; several together, or a large one that is not kept,
are made by a job. Whatever is sent is whole: it is written to a file first.
"""

import json
import os
import shutil
import struct
import tempfile
import zipfile
from collections import defaultdict
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from approvals.archive import canonical
from approvals.archive.filing import anchor
from approvals.archive.form import printed_form
from approvals.archive.package import write_package
from approvals.archive.verify import unpacked
from approvals.kinds import KINDS
from approvals.models import ArchiveKind, ArchiveRecord, DocumentKind
from approvals.scopes import scope_label
from opsadmin.core.jobs import enqueue, handler
from opsadmin.core.notices import tell
from opsadmin.core.refusals import Refusal
from opsadmin.core.sealing import RECORD_FIELDS, ChainBroken, digest
from opsadmin.core.spreadsheets import SheetOut, write_xlsx

JOB = "make_package"
FOLDER = "packages"
LARGE_LINES = 20_000
BUNDLE_RECORDS = 5_000
# What a bundle asks of a record whose package is kept; a package that has to be made fetches the rest.
OF_A_BUNDLE = ("sequence", "number", "hash", "document_id")
# What a ZIP ends with: a mark, how long its list of members is and where that begins; above 4 GB it says so elsewhere.
END, ELSEWHERE = struct.Struct("<4s8xLL2x"), 0xFFFFFFFF
# Of so many filings that go into a bundle, one is told as progress.
TOLD_EVERY = 10
BUNDLES_KEPT = timedelta(days=7)
MONEY = {
    *("base_price", "cost", "floor_price", "final_price", "reference_price", "ceiling_price"),
    *("compare_at_price", "discount"),
}
WHOLE = {"row_no", "quantity_limit"}
CODES = {"sku_code", "key"}
WIDE = {"sku_name": 28, "words": 60, "text": 60}


def check_url(record):
    """Return the address of the page to which the printed form's code leads."""
    path = reverse("admin:archive_proof", args=[record.number, record.payload_sha256])
    return settings.PUBLIC_URL.rstrip("/") + path


def sealed(record):
    """Return the record's canonical form; Refusal ``damaged`` where it is no longer what was sealed."""
    try:
        return canonical.parse(unpacked(record))
    except ValueError as error:
        raise Refusal(
            _("The sealed content of %(number)s cannot be read. Stop filing and call the administrator.")
            % {"number": record.number},
            code="damaged",
        ) from error


def write_form(record, path):
    """Write the printed form (PDF) of a filing to a path."""
    printed_form(sealed(record), qr_url=check_url(record), out_path=path)


def write_lines(filed, target):
    """Write the sealed lines as a workbook, headed in Chinese; prices are numbers, everything else is text."""
    kind = KINDS[DocumentKind(filed.row("document")["kind"])]
    names = {row["code"]: row["name"] for row in filed.rows("store")}
    with translation.override(settings.LANGUAGE_CODE):
        header = [str(kind.line_model._meta.get_field(column).verbose_name) for column in filed.columns]
        sheet = SheetOut(
            name=str(kind.line_model._meta.verbose_name_plural)[:31],
            header=header,
            rows=([cell(name, text, names) for name, text in line.items()] for line in filed.lines()),
            widths=[8 if name in WHOLE else WIDE.get(name, 14) for name in filed.columns],
            text_columns=[label for label, name in zip(header, filed.columns, strict=True) if name in CODES],
            number_columns=[
                label for label, name in zip(header, filed.columns, strict=True) if name in MONEY
            ],
        )
        write_xlsx(target, [sheet])


def cell(name, text, names):
    """Return a sealed value as the workbook shows it."""
    if text is None:
        return None
    if name in MONEY:
        return Decimal(text)
    if name in WHOLE:
        return int(text)
    if name == "scope_key":
        return scope_label(text, names)
    if name == "struck":
        return _("struck") if text == "true" else ""
    return text


def package_name(record):
    return record.number.replace("/", "-") + ".zip"


def fields_of(record):
    """Return what a package says of a record."""
    return record and {name: getattr(record, name) for name in (*RECORD_FIELDS, "hash")}


def neighbours_of(record):
    """Return the records before and after, as far as they exist."""
    around = {
        one.sequence: one
        for one in ArchiveRecord.objects.filter(
            sequence__in=[record.sequence - 1, record.sequence + 1]
        ).defer("payload")
    }
    return {
        "previous": fields_of(around.get(record.sequence - 1)),
        "next": fields_of(around.get(record.sequence + 1)),
    }


def write_record(record, target):
    """Write the package of one record to an open binary file."""
    filed = sealed(record)
    files = record.files.select_related("file").order_by("pk")
    with tempfile.TemporaryDirectory() as folder:
        form = Path(folder) / "form.pdf"
        is_filing = record.kind == ArchiveKind.FILING
        if is_filing:
            printed_form(filed, qr_url=check_url(record), out_path=form)
        write_package(
            target,
            filed_bytes=filed.data,
            record=fields_of(record),
            neighbours=neighbours_of(record),
            pdf_path=form if is_filing else None,
            xlsx_writer=(lambda path: write_lines(filed, path)) if is_filing else None,
            attachments=[(one.name, pieces(one.file), one.sha256) for one in files],
            sign=signing(),
        )


def signing():
    """Return how a manifest is signed; None while the key is gone, which the check of the archive reports."""
    try:
        anchor().sign(b"")
    except (ChainBroken, OSError):
        return None
    return anchor().sign


def pieces(stored):
    """Yield a stored file's bytes in pieces; a missing file is the package's own finding."""
    with stored.file.open("rb") as file:
        yield from file.chunks()


# ── Kept packages ─────────────────────────────────────────────────────────────────────────────────────────────────


def kept_path(record):
    """Return where the record's package is kept; a number given again after a restore is another record."""
    return f"{FOLDER}/{record.hash[:16]}-{package_name(record)}"


def kept_members(record):
    """Return [{name, size, sha256}] of the kept package and its size, or ([], None) while there is none."""
    path = kept_path(record)
    try:
        with default_storage.open(f"{path}.json") as file:
            kept = json.load(file)
        whole = default_storage.size(path) == kept["size"]
        return (kept["members"], kept["size"]) if whole else ([], None)
    except (OSError, ValueError, KeyError):
        return [], None


def kept_package(record):
    """Return the kept package as an open file, None where there is none, or not all of it."""
    with suppress(OSError):
        file = default_storage.open(kept_path(record), "rb")
        if ends_whole(file):
            return file
        file.close()
    return None


def ends_whole(file):
    """Say whether the end of a ZIP is there and stands where it says, and put the file at its beginning.

    A bundle asks this of each of its packages; the note beside one would take as long to read as the package.
    """
    at = file.seek(0, os.SEEK_END) - END.size
    file.seek(max(at, 0))
    mark, length, start = END.unpack(file.read(END.size).ljust(END.size))
    file.seek(0)
    return mark == b"PK\x05\x06" and (start + length == at or start == ELSEWHERE)


def keep(record):
    """Make the record's package and keep it in the file store; returns its path there."""
    path = kept_path(record)
    with tempfile.TemporaryFile() as file:
        write_record(record, file)
        size = file.tell()
        with zipfile.ZipFile(file) as package:
            manifest = package.read("manifest.json")
        members = json.loads(manifest)["members"]
        members.append({"name": "manifest.json", "size": len(manifest), "sha256": digest(manifest)})
        default_storage.save(path, File(file))
    about = json.dumps({"members": members, "size": size}).encode()
    default_storage.save(f"{path}.json", ContentFile(about))
    return path


@contextmanager
def package_file(record):
    """Give the record's package as an open file: the kept one, or one made now in a temporary file."""
    if kept := kept_package(record):
        with kept:
            yield kept
        return
    with tempfile.TemporaryFile() as file:
        write_record(record, file)
        file.seek(0)
        yield file


def needs_job(record):
    """Say whether a package is too large to be made while somebody waits for the page."""
    return record.line_count > LARGE_LINES and kept_members(record)[1] is None


# ── Jobs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def order_bundle(records, *, by, name):
    """Start the job that packs several filings, each with what came after it, for an account.

    Refusal where there is nothing to pack, or more than 5,000 filings.
    """
    sequences = list(records.values_list("sequence", flat=True)[: BUNDLE_RECORDS + 1])
    if not sequences:
        raise Refusal(_("Select the records to be packed."), code="empty")
    if len(sequences) > BUNDLE_RECORDS:
        raise Refusal(_("At most %(n)d records at a time.") % {"n": BUNDLE_RECORDS}, code="too_many")
    payload = {"records": sequences, "bundle": True, "name": name}
    return enqueue(JOB, payload, by=by, total=len(sequences))


@handler(JOB, name=gettext_lazy("Making a package"))
def make_package(claim):
    """Make the package of a new record and keep it, or bundle several for the account that asked."""
    records = ArchiveRecord.objects.filter(sequence__in=claim.payload["records"]).order_by("sequence")
    if not claim.payload.get("bundle"):
        for record in records:
            keep(record)
        with claim.finishing():
            return
    path = f"{FOLDER}/bundle-{uuid4().hex}.zip"
    with tempfile.TemporaryFile() as file:
        write_bundle(records, file, progress=claim.progress)
        size = file.tell()
        default_storage.save(path, File(file))
    with claim.finishing() as result:
        result |= {"path": path, "size": size, "name": claim.payload["name"]}
        tell(
            [claim.job.created_by],
            ngettext(
                "The package of %(n)d record is ready.",
                "The package of %(n)d records is ready.",
                len(records),
            )
            % {"n": len(records)},
            url=reverse("admin:job", args=[claim.pk]),
            key=f"package:{claim.pk}",
        )


def write_bundle(records, target, *, progress):
    """Write one ZIP that holds the packages of filings and of the records after each."""
    filings = list(records.only(*OF_A_BUNDLE))
    later = records_after(filings)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as bundle:
        for number, filing in enumerate(filings, 1):
            for record in [filing, *later[filing.document_id]]:
                with (
                    package_file(record) as source,
                    bundle.open(package_name(record), "w", force_zip64=True) as out,
                ):
                    shutil.copyfileobj(source, out, 1 << 20)
            if number % TOLD_EVERY == 0 or number == len(filings):
                progress(number, len(filings), filing.number)


def records_after(filings):
    """Return {document: records that came after its filing}, in one statement; sealed content is not fetched."""
    found = ArchiveRecord.objects.filter(document__in={filing.document_id for filing in filings})
    later = defaultdict(list)
    for record in (
        found.exclude(pk__in=[filing.pk for filing in filings]).only(*OF_A_BUNDLE).order_by("sequence")
    ):
        later[record.document_id].append(record)
    return later


def clear_bundles():
    """Remove bundles that were made more than a week ago; the records can be packed again at any time."""
    if not default_storage.exists(FOLDER):
        return
    for name in default_storage.listdir(FOLDER)[1]:
        path = f"{FOLDER}/{name}"
        made = default_storage.get_modified_time(path)
        if name.startswith("bundle-") and made < timezone.now() - BUNDLES_KEPT:
            default_storage.delete(path)
