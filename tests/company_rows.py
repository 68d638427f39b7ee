"""The rows of the loaded company, kept aside once per run and put into a test's tables in a fraction of the time."""

from functools import cache

from django.db import connection, transaction

from tests.database import KEPT, bring_back_rows, copy_of, tables

SCHEMA = "company_for_tests"
# A trigger lets steps in only as long as their version is not in use: they come before it.
FIRST = ["approvals_flowstep"]


def keep_company():
    """Load the company for good, copy what it added into a schema of its own, and take it away again."""
    from opsadmin.company import load_company

    load_company()
    with transaction.atomic(), connection.cursor() as cursor:
        before = set(tables(cursor, KEPT))
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        for table in tables(cursor, "public"):
            added = f'SELECT * FROM public."{table}"'
            if table in before:
                added += f' EXCEPT SELECT * FROM {KEPT}."{table}"'
            cursor.execute(f'CREATE TABLE {SCHEMA}."{table}" AS {added}')
            if not cursor.rowcount:
                cursor.execute(f'DROP TABLE {SCHEMA}."{table}"')
    bring_back_rows()


@cache
def statements():
    """Return what puts the company into the tables; they stay the same for a run."""
    with connection.cursor() as cursor:
        names = sorted(tables(cursor, SCHEMA), key=lambda name: name not in FIRST)
        return "; ".join(copy_of(cursor, SCHEMA, name) for name in names)


@transaction.atomic
def put_company():
    """Put the company into the tables of a test. Their numbers were drawn when it was loaded, so they are free."""
    with connection.cursor() as cursor:
        cursor.execute(statements())
        # The server's own round may have counted them while they were empty; it must not be believed.
        cursor.execute("ANALYZE stores_sku, stores_listing, stores_priceinforce")
