"""The test database between tests that really commit.

Django would empty the tables with `flush`. That cannot be: the append-only tables refuse it, and the content
types that it makes anew get new numbers, which worker and web processes started for the tests do not learn.
"""

import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

ROOT = Path(__file__).resolve().parent.parent
KEPT = "kept_for_tests"
TRIES = 6
MIGRATING = pytest.StashKey[threading.Thread]()
# The models as each migration leaves them are garbage soon, and a lot of it: looked for seldom, the migrations take a
# fifth of the time less, for which every process of the run waits.
MIGRATE = """
import gc
from django.core.management import execute_from_command_line
gc.set_threshold(100_000, 50, 50)
execute_from_command_line(["manage.py", "migrate", "-v0"])
"""


def template():
    """Return the name of the migrated database of this run, or None where one process tests alone."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    return f"template_{run}" if run else None


def pytest_sessionstart(session):
    """Let the first of several processes migrate while all of them still read the tests."""
    if os.environ.get("PYTEST_XDIST_WORKER") == "gw0":
        session.config.stash[MIGRATING] = threading.Thread(target=make_template, args=[template()])
        session.config.stash[MIGRATING].start()


def pytest_sessionfinish(session):
    """Remove the migrated database, also where no test asked for it; who asks after that makes it again."""
    if migrating := session.config.stash.get(MIGRATING, None):
        migrating.join()
        on_server(f"DROP DATABASE IF EXISTS {template()}")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Where several processes test, one of them migrates, and all begin with a copy of that database."""
    if template():
        settings.DATABASES["default"]["TEST"]["TEMPLATE"] = template()
        make_template(template())
    yield
    if template():
        on_server(f"DROP DATABASE IF EXISTS {template()}")


def make_template(name):
    """Make a migrated database of this name, unless another process of this run has; it waits for that one."""
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as waiting, waiting.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if not cursor.rowcount:
            making = f"{name}_in_the_making"
            on_server(f"CREATE DATABASE {making}")
            base = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{making}"))
            words = [sys.executable, "-c", MIGRATE]
            environment = {**os.environ, "DATABASE_URL": base, "DJANGO_SETTINGS_MODULE": "opsadmin.settings"}
            subprocess.run(words, check=True, cwd=ROOT, env=environment)
            on_server(f"ALTER DATABASE {making} RENAME TO {name}")


def on_server(statement):
    """Run a statement that no transaction may hold."""
    with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as server:
        server.autocommit = True
        server.cursor().execute(statement)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Note what the tables hold after the migrations; tests that commit come back to it."""
    from django.test import TransactionTestCase

    with django_db_blocker.unblock():
        keep_rows()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: bring_back_rows())
        yield


@pytest.fixture(scope="module")
def rolled_back(django_db_setup, django_db_blocker):
    """One transaction around all tests of a file: what a fixture makes in it is made once, and gone afterwards."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


def keep_rows():
    """Keep a copy of every row; what is in the database now is what each committing test starts with."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {KEPT} CASCADE")
        cursor.execute(f"CREATE SCHEMA {KEPT}")
        for table in tables(cursor, "public"):
            cursor.execute(f'SELECT EXISTS (SELECT FROM public."{table}")')
            if cursor.fetchone()[0]:
                cursor.execute(f'CREATE TABLE {KEPT}."{table}" AS TABLE public."{table}"')


def bring_back_rows():
    """Put the kept rows in the place of what is there; their numbers stay the same.

    The checkpoints of the archive go too: they would confirm records that are gone. A worker or web process that
    still ends its last work holds some of the tables: then it is tried again.
    """
    Path(settings.ANCHOR_FILE).unlink(missing_ok=True)
    for again in reversed(range(TRIES)):
        try:
            return replace_rows()
        except OperationalError:
            if not again:
                raise
            time.sleep(1)


def replace_rows():
    """Empty all tables and fill them with the kept rows, in one transaction.

    By TRUNCATE: after DELETE the planner would go on believing what it counted between two tests, nothing at all.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '20s'")
        everything, guarded = tables(cursor, "public"), guarded_tables(cursor)
        for table in guarded:
            cursor.execute(f'ALTER TABLE public."{table}" DISABLE TRIGGER USER')
        cursor.execute("TRUNCATE " + ", ".join(f'public."{table}"' for table in everything))
        for table in guarded:
            cursor.execute(f'ALTER TABLE public."{table}" ENABLE TRIGGER USER')
        for table in tables(cursor, KEPT):
            cursor.execute(copy_of(cursor, KEPT, table))


def copy_of(cursor, schema, table):
    """Return the statement that puts the rows kept in a schema into the table of that name."""
    columns = stored_columns(cursor, table)
    return f'INSERT INTO public."{table}" ({columns}) SELECT {columns} FROM {schema}."{table}"'


def filled_tables(cursor):
    """Return the tables that hold at least one row."""
    each = (
        f"SELECT '{name}' WHERE EXISTS (SELECT FROM public.\"{name}\")" for name in tables(cursor, "public")
    )
    cursor.execute(" UNION ALL ".join(each))
    return [name for (name,) in cursor.fetchall()]


def tables(cursor, schema):
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema])
    return [name for (name,) in cursor.fetchall()]


def guarded_tables(cursor):
    """Return the tables with triggers of their own, such as those that refuse changes."""
    cursor.execute(
        "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    return [name for (name,) in cursor.fetchall()]


def stored_columns(cursor, table):
    """Return the quoted columns that can be written; generated ones compute themselves."""
    cursor.execute(
        "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        [f'public."{table}"'],
    )
    return cursor.fetchone()[0]
