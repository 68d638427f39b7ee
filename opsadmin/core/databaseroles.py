"""Two roles in the database: one owns the tables and migrates them, the other is what web, worker and beat run as.

Triggers refuse to change what is filed, but who owns a table can switch its triggers off. The application's role owns
nothing: it cannot update, delete or truncate rows of tables that take INSERT only, nor touch a trigger.
"""

from django.core import checks
from django.db import connection, connections, transaction
from django.utils.translation import gettext as _
from psycopg2 import sql

APPEND_ONLY = """
SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = current_schema()::regnamespace AND t.tgname = c.relname || '_append_only'
"""
TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = current_schema()::regnamespace
AND pg_has_role(relowner, 'USAGE')
"""
READ_ONLY = ("django_migrations",)
# What the application does to tables whose rows only partly stay as they are; triggers watch over the rest.
SOME_RIGHTS = {
    "approvals_document": "SELECT, INSERT, UPDATE",
    "approvals_hiringrequest": "SELECT, INSERT, UPDATE",
    "approvals_pricelist": "SELECT, INSERT, UPDATE",
    "approvals_promotion": "SELECT, INSERT, UPDATE",
    "approvals_reorganisation": "SELECT, INSERT, UPDATE",
    "approvals_guardpolicy": "SELECT, INSERT, UPDATE (state, decided_by_id, decided_role, decided_at)",
    "stores_priceinforce": "SELECT, INSERT, UPDATE (during)",
}
# Runs as the owner, on a few tables: only an owner may ANALYZE, and the planner must know of new lines at once.
STATISTICS = "refresh_statistics(text)"


@transaction.atomic
def restrict(role):
    """Give a role exactly what the application needs in this database, and take away what it had.

    Called by the owner of the tables after each migration. Raises ValueError where the role owns tables or is a
    superuser: nothing could be taken from it.
    """
    with connection.cursor() as cursor:
        check_role(cursor, role)
        cursor.execute(APPEND_ONLY)
        append_only = {name for (name,) in cursor.fetchall()}
        cursor.execute(TABLES)
        tables = [name for (name,) in cursor.fetchall()]
        for statement in (
            "GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role}",
            "REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}",
            "REVOKE ALL ON SCHEMA {schema} FROM {role}",
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
            f"REVOKE ALL ON FUNCTION {STATISTICS} FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {STATISTICS} TO {{role}}",
        ):
            cursor.execute(composed(cursor, statement, role))
        for table in tables:
            rights = rights_on(table, append_only)
            cursor.execute(composed(cursor, f"GRANT {rights} ON {{table}} TO {{role}}", role, table))


def refresh_statistics(cursor, table):
    """Have the planner count the rows of a table that many were just put into, whoever owns it."""
    cursor.execute("SELECT refresh_statistics(%s)", [table])


def check_role(cursor, role):
    cursor.execute(
        "SELECT r.rolsuper OR EXISTS (SELECT FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relowner = r.oid "
        "AND c.relnamespace = current_schema()::regnamespace) FROM pg_roles r WHERE r.rolname = %s",
        [role],
    )
    found = cursor.fetchone()
    if found is None:
        raise ValueError(_("There is no role “%(role)s” in the database.") % {"role": role})
    if found[0]:
        raise ValueError(_("The role “%(role)s” owns tables or is a superuser.") % {"role": role})


def rights_on(table, append_only):
    if table in READ_ONLY:
        return "SELECT"
    if table in append_only:
        return "SELECT, INSERT"
    return SOME_RIGHTS.get(table, "SELECT, INSERT, UPDATE, DELETE")


def composed(cursor, statement, role, table=""):
    cursor.execute("SELECT current_database(), current_schema()")
    database, schema = cursor.fetchone()
    names = {"role": role, "table": table, "database": database, "schema": schema}
    return sql.SQL(statement).format(
        **{name: sql.Identifier(value) for name, value in names.items() if value}
    )


def create(role, password):
    """Make a role that may sign in and nothing else, or give the one that is there a new password."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        verb = "ALTER" if cursor.fetchone() else "CREATE"
        rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE" if verb == "CREATE" else "LOGIN"
        statement = sql.SQL(verb + " ROLE {} " + rights + " PASSWORD {}")
        cursor.execute(statement.format(sql.Identifier(role), sql.Literal(password)))


def owns_tables():
    """Return whether the present role could switch off what protects the archive."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT bool_or(pg_has_role(relowner, 'USAGE')) FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = current_schema()::regnamespace"
        )
        return bool(cursor.fetchone()[0])


def check_owner(app_configs, databases=None, **kwargs):
    """Warn in ``manage.py check --deploy --database default`` where the application runs as the tables' owner."""
    if "default" not in (databases or ()) or not owns_tables():
        return []
    hint = _("Run web, worker and beat as a role of their own: manage.py restrict_role, docs/operations.md.")
    text = _("The database role owns the tables: it could switch off what protects the archive.")
    return [checks.Warning(text, hint=hint, id="opsadmin.W002")]
