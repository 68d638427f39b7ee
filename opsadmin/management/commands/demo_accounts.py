from django.core.management.base import BaseCommand, CommandError

from opsadmin import demo
from staffing.models import Employee


class Command(BaseCommand):
    help = "Make the demo accounts, one per role, and give them all one password. Prints nothing."

    def add_arguments(self, parser):
        parser.add_argument("--password", required=True)

    def handle(self, *args, password, **options):
        if not password:
            raise CommandError("The password is empty.")
        try:
            demo.make_accounts()
        except Employee.DoesNotExist:
            raise CommandError("The staff is not loaded: run `manage.py load_company` first.") from None
        demo.set_password(password)
