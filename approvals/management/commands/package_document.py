"""Write the archive package of a filed document to a file, as somebody, by the same functions as the screen."""

import os
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from approvals.archive import packaging, search
from approvals.permissions import may_download_archive
from opsadmin.core.models import User
from opsadmin.core.refusals import Refusal


class Command(BaseCommand):
    help = "Writes the package (ZIP) of a filed document; python verify.py in it checks it anywhere."

    def add_arguments(self, parser):
        parser.add_argument(
            "document", help="number of the document or of its filing: JG-2026-0001, GD-2026-0001"
        )
        parser.add_argument("--as", dest="account", required=True, help="user name of the one who fetches it")
        parser.add_argument("--out", type=Path, help="file to write; the number with .zip if left out")

    def handle(self, *args, document, account, out, **options):
        by = User.objects.filter(username=account, is_active=True).first()
        named = Q(number=document) | Q(document_number=document)
        allowed = by is not None and may_download_archive(by)
        record = search.visible_filings(by).filter(named).first() if allowed else None
        if record is None:
            raise CommandError(f"{account} finds no filing {document}.")
        out = out or Path(packaging.package_name(record))
        part = out.with_name(out.name + ".part")
        try:
            with part.open("wb") as target:
                packaging.write_record(record, target)
            os.replace(part, out)
        except (Refusal, OSError) as refused:
            part.unlink(missing_ok=True)
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{out} {out.stat().st_size}")
