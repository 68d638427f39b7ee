"""Submit a draft, as somebody, by the same function as the screen."""

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError

from approvals.flow.transitions import submit
from approvals.models import Document
from opsadmin.core.models import User
from opsadmin.core.refusals import Refusal


class Command(BaseCommand):
    help = "Submits a draft for approval: reasons are given and blocking hits removed before."

    def add_arguments(self, parser):
        parser.add_argument("document", help="number of the document, such as JG-2026-0001")
        parser.add_argument("--as", dest="account", required=True, help="user name of the one who submits")
        parser.add_argument(
            "--digest", help="only if this is still the digest of the content, as the screen showed it"
        )

    def handle(self, *args, document, account, digest, **options):
        by = User.objects.filter(username=account, is_active=True).first()
        found = by and Document.objects.visible_to(by).filter(number=document).first()
        if not found:
            raise CommandError(f"{account} knows no document {document}.")
        try:
            process = submit(found.pk, by=by, content_hash=digest or found.content_hash, channel="command")
        except PermissionDenied as denied:
            raise CommandError(f"{account} may not submit {document}.") from denied
        except Refusal as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"{document} round {process.round} {process.content_hash}")
