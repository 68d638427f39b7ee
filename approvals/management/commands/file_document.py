"""File a document, as somebody, by the same function as the screen."""

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError

from approvals.flow.transitions import decide
from approvals.models import ArchiveKind, ArchiveRecord, Document, StepKind, Task, Verdict
from opsadmin.core.models import User
from opsadmin.core.refusals import Refusal


class Command(BaseCommand):
    help = "Files a document whose filing waits for the account: from then on nothing in it can change."

    def add_arguments(self, parser):
        parser.add_argument("document", help="number of the document, such as JG-2026-0001")
        parser.add_argument("--as", dest="account", required=True, help="user name of the one who files")
        parser.add_argument("--comment", default="", help="stands beside the decision")
        parser.add_argument(
            "--digest", help="only if this is still the digest of the content, as the screen showed it"
        )

    def handle(self, *args, document, account, comment, digest, **options):
        by = User.objects.filter(username=account, is_active=True).first()
        found = by and Document.objects.visible_to(by).filter(number=document).first()
        if not found:
            raise CommandError(f"{account} knows no document {document}.")
        task = Task.objects.waiting_for(by).filter(document=found, step__kind=StepKind.FILE).first()
        if task is None:
            raise CommandError(f"The filing of {document} does not wait for {account}.")
        try:
            decide(
                task.pk,
                by=by,
                verdict=Verdict.FILE,
                content_hash=digest or found.content_hash,
                comment=comment,
                channel="command",
            )
        except PermissionDenied as denied:
            raise CommandError(f"{account} may not file {document}.") from denied
        except Refusal as refused:
            raise CommandError(str(refused)) from refused
        record = ArchiveRecord.objects.get(document=found, kind=ArchiveKind.FILING)
        self.stdout.write(f"{record.number} {record.hash}")
