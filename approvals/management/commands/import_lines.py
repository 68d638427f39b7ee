"""Import the lines of a workbook into a draft, as somebody, by the same functions as the screens."""

import time
from pathlib import Path

from django.core.exceptions import PermissionDenied
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from approvals.models import Document, ImportMode, ImportState
from approvals.pricelists import importing, words
from opsadmin.core import jobs
from opsadmin.core.models import User
from opsadmin.core.refusals import Refusal

SHOWN_FAULTS = 50


class Command(BaseCommand):
    help = "Reads a workbook, shows what it would do to a draft, and with --write does it."

    def add_arguments(self, parser):
        parser.add_argument("document", help="number of the draft, such as JG-2026-0001")
        parser.add_argument("file", type=Path, help="XLSX or CSV")
        parser.add_argument("--as", dest="account", required=True, help="user name of the one who imports")
        parser.add_argument("--encoding", help="of a text file, where the guess is wrong")
        parser.add_argument("--write", action="store_true", help="write the rows that are not faulty")
        parser.add_argument(
            "--replace", action="store_true", help="also remove the lines that the file does not have"
        )

    def handle(self, *args, document, file, account, encoding, write, replace, **options):
        by = User.objects.filter(username=account, is_active=True).first()
        draft = by and Document.objects.visible_to(by).filter(number=document).first()
        if by is None or draft is None:
            raise CommandError(f"{account} knows no document {document}.")
        try:
            imported = self.read(draft, file, by=by, encoding=encoding)
            self.show(imported)
            if write:
                mode = ImportMode.REPLACE if replace else ImportMode.MERGE
                importing.write_import(imported.pk, by=by, mode=mode, confirm_number=document)
                self.stdout.write("Written.")
        except PermissionDenied as denied:
            raise CommandError(f"{account} may not change {document}.") from denied
        except (Refusal, OSError) as refused:
            raise CommandError(str(refused)) from refused

    def read(self, draft, path, *, by, encoding):
        """Read the file here, or wait for the worker that was quicker."""
        with path.open("rb") as opened:
            imported = importing.start_import(
                draft.pk, by=by, uploaded=File(opened, name=path.name), encoding=encoding
            )
        while imported.job.open:
            jobs.run(imported.job_id)
            imported.job.refresh_from_db()
            time.sleep(0.1 if imported.job.open else 0)
        imported.refresh_from_db()
        if imported.state != ImportState.READY:
            self.show_faults(imported)
            raise Refusal(imported.error or imported.job.error)
        return imported

    def show(self, imported):
        counts = imported.counts
        names = ("read", "new", "changed", "same", "faulty", "vanishing")
        self.stdout.write(", ".join(f"{name} {counts[name]}" for name in names))
        self.show_faults(imported)

    def show_faults(self, imported):
        for fault in imported.faults.filter(note=False).order_by("row_no", "pk")[:SHOWN_FAULTS]:
            message, remedy = words.fault_words(fault)
            self.stdout.write(
                f"{fault.sheet} {fault.row_no} {fault.header} “{fault.value}” {message}: {remedy}"
            )
