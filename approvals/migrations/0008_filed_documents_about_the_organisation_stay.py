"""Filed reorganisations and hiring requests do not change either: header and lines."""

from django.db import migrations

HEADERS = ("approvals_reorganisation", "approvals_hiringrequest")
LINES = ("approvals_reorganisationline", "approvals_hiringline")
TOUCHED = (
    ("inserted", "INSERT", "NEW"),
    ("deleted", "DELETE", "OLD"),
    ("changed", "UPDATE", "OLD"),
    ("moved", "UPDATE", "NEW"),
)


def create():
    """Yield the statements that create the triggers; their functions came with migration 0004."""
    for table in HEADERS:
        yield (
            f"CREATE TRIGGER {table}_filed BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION guard_filed_header()"
        )
    for table in LINES:
        for name, operation, rows in TOUCHED:
            yield (
                f"CREATE TRIGGER {table}_filed_{name} AFTER {operation} ON {table} "
                f"REFERENCING {rows} TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION guard_filed_lines()"
            )
    for table in (*HEADERS, *LINES):
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def drop():
    """Yield the statements that take them away again."""
    for table in (*HEADERS, *LINES):
        yield f"DROP TRIGGER {table}_no_truncate ON {table}"
    for table in LINES:
        for name, _operation, _rows in TOUCHED:
            yield f"DROP TRIGGER {table}_filed_{name} ON {table}"
    for table in HEADERS:
        yield f"DROP TRIGGER {table}_filed ON {table}"


class Migration(migrations.Migration):
    dependencies = [("approvals", "0007_documents_about_the_organisation"), ("core", "0001_initial")]

    operations = [migrations.RunSQL(list(create()), list(drop()))]
