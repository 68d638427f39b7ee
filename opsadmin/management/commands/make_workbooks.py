from django.core.management.base import BaseCommand

from opsadmin.company.workbooks import FOLDER, make_all


class Command(BaseCommand):
    help = "Write the sample workbooks of fixtures/workbooks anew from the goods."

    def handle(self, *args, **options):
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name in make_all():
            self.stdout.write(name)
