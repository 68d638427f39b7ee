"""For the last administrator who has lost the device: whoever runs the server may let him or her in again."""

from django.core.management.base import BaseCommand, CommandError

from opsadmin import factors
from opsadmin.core.models import AuditEntry, User


class Command(BaseCommand):
    help = "Take the second factors of an account away and end its sessions. It is written to the audit log."

    def add_arguments(self, parser):
        parser.add_argument("username")

    def handle(self, *args, username, **options):
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError("There is no such account.")
        factors.reset(user)
        AuditEntry.objects.create(
            action="account_reset_second_factor",
            method="COMMAND",
            about=f"{User._meta.verbose_name} {user}"[:120],
            path="manage.py reset_second_factor",
            status=0,
            result="done",
        )
        self.stdout.write("Reset.")
