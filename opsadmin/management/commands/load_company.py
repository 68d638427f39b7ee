from django.core.management.base import BaseCommand

from opsadmin.company import load_company


class Command(BaseCommand):
    help = "Load the company of fixtures/company: what is missing is made, what exists stays as it is."

    def handle(self, *args, **options):
        made = load_company()
        self.stdout.write(f"{made} rows made." if made else "Nothing to do: everything is there.")
