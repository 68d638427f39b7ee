"""The rows of every table, to be compared before a dump and after it was restored."""

from django.core.management.base import BaseCommand
from django.db import connection

TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY relname
"""


class Command(BaseCommand):
    help = "Prints the name of each table and how many rows it has, one table a line."

    def handle(self, **options):
        for table, rows in counts():
            self.stdout.write(f"{table} {rows}")


def counts():
    """Return [(table, number of rows)] of the whole database, by name."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = [table for (table,) in cursor.fetchall()]
        each = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM public.\"{table}\"" for table in tables)
        cursor.execute(f"{each} ORDER BY 1")
        return cursor.fetchall()
