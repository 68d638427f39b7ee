"""Tables that take INSERT only: triggers refuse UPDATE, DELETE and TRUNCATE, whoever asks.

Used by migrations. The function itself is created by core's first migration.
"""

from django.db.migrations import RunSQL

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: these rows take INSERT only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""
DROP_REFUSE_CHANGE = "DROP FUNCTION refuse_change()"


def refuse_change_function():
    """Return the operation that creates the function behind all these triggers."""
    return RunSQL(REFUSE_CHANGE, DROP_REFUSE_CHANGE)


def append_only(table):
    """Return the operation that makes a table append-only."""
    return RunSQL(
        [
            (
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            ),
            (
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            ),
        ],
        [
            f"DROP TRIGGER {table}_append_only ON {table}",
            f"DROP TRIGGER {table}_no_truncate ON {table}",
        ],
    )
