"""Give the application's database role what it needs and no more; run as the owner of the tables."""

import os

from django.core.management.base import BaseCommand, CommandError

from opsadmin.core.databaseroles import create, restrict


class Command(BaseCommand):
    help = (
        "Grants a database role what web, worker and beat need, and nothing that changes protected rows. "
        "Run it as the owner of the tables, after each migration."
    )

    def add_arguments(self, parser):
        parser.add_argument("role", help="the role that web, worker and beat sign in as")
        parser.add_argument(
            "--create",
            action="store_true",
            help="make the role first, with the password in the variable APP_ROLE_PASSWORD",
        )

    def handle(self, *args, role, **options):
        try:
            if options["create"]:
                create(role, password())
            restrict(role)
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{role} may use the tables, and cannot change what is protected.")


def password():
    """Return the new role's password."""
    found = os.environ.get("APP_ROLE_PASSWORD", "")
    if len(found) < 16:
        raise CommandError("Set APP_ROLE_PASSWORD to a password of 16 characters or more.")
    return found
