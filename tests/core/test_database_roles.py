"""The role that the application runs as cannot change what is protected, whatever statement it sends."""

from contextlib import contextmanager

import psycopg2
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import Error, connection, transaction
from psycopg2 import errors

from approvals.archive import protection, rowseals
from opsadmin.core import databaseroles
from opsadmin.core.databaseroles import check_owner
from tests.approvals import filings as made

INSERT_ONLY = sorted(protection.APPEND_ONLY)
GUARDED = sorted({part.table for part in rowseals.parts()} - set(INSERT_ONLY))
# Rows that may change. A new table must be put here or be protected: triggers, rights, seals.
FREE = {
    "approvals": (
        "checkpointtarget documentauthor flow flowversion guardack guardhit importfault importrow "
        "lineimport process step task"
    ),
    "core": (
        "calendarday heartbeat job notice numberseries secondfactorrule sentform user user_groups "
        "user_user_permissions"
    ),
    "orgchart": (
        "area authority department duty editorscope finding findingcheck findinglimits friction "
        "handoffflow handoffstep historicalarea historicaldepartment historicaleditorscope "
        "historicalfindinglimits historicalhandoffflow historicalhandoffstep historicalposition "
        "orgmodel position positionlink"
    ),
    "staffing": (
        "account assignment delegation employee historicalassignment historicaldelegation "
        "historicalemployee historicalmilestone historicalobjective historicalpositionrole "
        "historicalstorecharge historicalstoreduty historicalworkplan measure milestone objective "
        "positionrole rolegrant storecharge storeduty workplan"
    ),
    "stores": (
        "brand historicalbrand historicalplatform historicalproduct historicalsku historicalstore "
        "listing platform product sku store storegroupobjectpermission storeuserobjectpermission"
    ),
}
COUNTED = ("approvals_importfault", "approvals_importrow", "approvals_priceline", "approvals_promotionline")


@pytest.fixture(scope="module")
def app(app_role):
    """A connection of the application's role."""
    found = psycopg2.connect(app_role)
    found.autocommit = True
    yield found
    found.close()


def refused(app, statement):
    """Return whether the database refuses a statement for lack of rights."""
    try:
        with app.cursor() as cursor:
            cursor.execute(statement)
    except errors.InsufficientPrivilege:
        return True
    return False


def first_column(app, table):
    with app.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} LIMIT 0")
        return cursor.description[0].name


def test_rows_of_tables_that_take_insert_only_can_be_neither_updated_nor_deleted(app):
    for table in INSERT_ONLY:
        column = first_column(app, table)
        assert refused(app, f'UPDATE {table} SET "{column}" = "{column}"'), table
        assert refused(app, f"DELETE FROM {table}"), table


def test_every_table_is_protected_or_said_to_be_free():
    tables = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in FREE and model._meta.managed and not model._meta.proxy
    }
    free = {f"{app}_{name}" for app, names in FREE.items() for name in names.split()}
    assert not free & {*INSERT_ONLY, *GUARDED}
    assert tables == {*INSERT_ONLY, *GUARDED, *free}


def test_no_protected_table_can_be_emptied_or_stripped_of_its_triggers(app):
    for table in [*INSERT_ONLY, *GUARDED]:
        assert refused(app, f"TRUNCATE {table} CASCADE"), table
        assert refused(app, f"ALTER TABLE {table} DISABLE TRIGGER ALL"), table
        assert refused(app, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"), table
        assert refused(app, f"DROP TABLE {table}"), table
        assert refused(app, f"CREATE RULE r AS ON INSERT TO {table} DO INSTEAD NOTHING"), table


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "DROP FUNCTION refuse_change() CASCADE",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE mine (id int)",
        "DELETE FROM django_migrations",
        "UPDATE stores_priceinforce SET amount = 1",
        "DELETE FROM stores_priceinforce",
        "UPDATE approvals_guardpolicy SET limits = '{}'",
        "DELETE FROM approvals_document",
        "ALTER ROLE CURRENT_USER CREATEROLE",
    ],
)
def test_the_role_cannot_go_round_the_protection(app, statement):
    assert refused(app, statement)


def test_what_the_application_does_every_day_it_may(app):
    for statement in (
        "SELECT count(*) FROM approvals_archiverecord",
        "CREATE TEMPORARY TABLE t (id int)",
        "ANALYZE t",
        "UPDATE core_heartbeat SET at = now() WHERE false",
        "DELETE FROM approvals_guardhit WHERE false",
        "SELECT nextval(pg_get_serial_sequence('approvals_event', 'id'))",
        "UPDATE stores_priceinforce SET during = during WHERE false",
        "SELECT id FROM approvals_document FOR UPDATE",
    ):
        assert not refused(app, statement), statement


@pytest.mark.parametrize("table", COUNTED)
def test_the_planner_can_be_told_of_new_lines_by_a_role_that_owns_no_table(app, table):
    def counted_at():
        with app.cursor() as cursor:
            cursor.execute("SELECT last_analyze FROM pg_stat_user_tables WHERE relname = %s", [table])
            return cursor.fetchone()[0]

    before = counted_at()
    with app.cursor() as cursor:
        databaseroles.refresh_statistics(cursor, table)
    assert counted_at() not in (None, before)


def test_nothing_but_those_tables_can_be_counted_that_way(app):
    with app.cursor() as cursor, pytest.raises(errors.CaseNotFound):
        databaseroles.refresh_statistics(cursor, "approvals_decision")


@contextmanager
def acting_as(role):
    """Let the connection of this test be the application's role for a while."""
    name = role.partition("//")[2].partition(":")[0]
    with connection.cursor() as cursor:
        cursor.execute(f'SET LOCAL ROLE "{name}"')
        yield cursor
        cursor.execute("RESET ROLE")


FILED = {
    "approvals_document": "UPDATE approvals_document SET title = 'x'",
    "approvals_pricelist": "UPDATE approvals_pricelist SET list_kind = 'campaign'",
    "approvals_priceline": "UPDATE approvals_priceline SET reason = 'x'",
    "approvals_priceline ": "DELETE FROM approvals_priceline",
    "approvals_scopestore": "DELETE FROM approvals_scopestore",
    "stores_priceinforce": "UPDATE stores_priceinforce SET during = tstzrange(now() - interval '9 days', now())",
}


def test_rows_of_a_filed_document_are_refused_by_their_triggers_for_the_role_too(
    db, app_role, settings, tmp_path
):
    settings.ANCHOR_FILE, settings.ANCHOR_KEY_FILE = (
        tmp_path / "anchor" / "c.jsonl",
        tmp_path / "anchor" / "k.pem",
    )
    made.some_stores("jd-cslr")
    made.filed(made.price_list(made.some_skus(2)))
    with acting_as(app_role) as cursor:
        for statement in FILED.values():
            with pytest.raises(Error, match="is refused"), transaction.atomic():
                cursor.execute(statement)


def test_an_owner_cannot_be_restricted_and_an_unknown_role_is_named(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]
    with pytest.raises(CommandError, match=owner):
        call_command("restrict_role", owner)
    with pytest.raises(CommandError, match="nobody-at-all"):
        call_command("restrict_role", "nobody-at-all")


def test_the_check_of_a_deployment_warns_of_an_owner_and_of_nothing_else(db, app_role):
    assert [found.id for found in check_owner(None, databases=["default"])] == ["opsadmin.W002"]
    assert check_owner(None, databases=None) == []
    with acting_as(app_role):
        assert not databaseroles.owns_tables()


def test_a_role_that_is_there_already_gets_a_new_password(app_role, db):
    name = app_role.partition("//")[2].partition(":")[0]
    with transaction.atomic():
        databaseroles.create(name, "another password of enough letters")
        databaseroles.restrict(name)
        transaction.set_rollback(True)
