"""What is filed does not change, by whatever way: header, lines and the stores they mean."""

from django.db import migrations

from opsadmin.core.protection import append_only

FUNCTIONS = """
CREATE FUNCTION guard_filed_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state NOT IN ('filed', 'done') THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.state IN (OLD.state, 'done')
        AND (NEW.id, NEW.number, NEW.kind, NEW.title, NEW.round, NEW.currency, NEW.effective_from, NEW.effective_to,
            NEW.note, NEW.drafted_by_id, NEW.submitted_by_id, NEW.submitted_at, NEW.content_hash,
            NEW.archive_number, NEW.follows_id, NEW.created_at)
            IS NOT DISTINCT FROM
            (OLD.id, OLD.number, OLD.kind, OLD.title, OLD.round, OLD.currency, OLD.effective_from, OLD.effective_to,
            OLD.note, OLD.drafted_by_id, OLD.submitted_by_id, OLD.submitted_at, OLD.content_hash,
            OLD.archive_number, OLD.follows_id, OLD.created_at)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: a filed document never changes', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION guard_filed_header() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD IS DISTINCT FROM NEW AND EXISTS (
        SELECT FROM approvals_document WHERE id = OLD.document_ptr_id AND state IN ('filed', 'done'))
    THEN
        RAISE EXCEPTION '% on % is refused: a filed document never changes', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$;

CREATE FUNCTION guard_filed_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT document_id FROM touched) t JOIN approvals_document d ON d.id = t.document_id
        WHERE d.state IN ('filed', 'done'))
    THEN
        RAISE EXCEPTION '% on % is refused: a filed document never changes', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""

HEADERS = ("approvals_pricelist", "approvals_promotion")
PARTS = ("approvals_priceline", "approvals_promotionline", "approvals_scopestore")
TOUCHED = (
    ("inserted", "INSERT", "NEW"),
    ("deleted", "DELETE", "OLD"),
    ("changed", "UPDATE", "OLD"),
    ("moved", "UPDATE", "NEW"),
)


def create():
    """Yield the statements that create functions and triggers. Lines are judged once per statement, not per row."""
    yield FUNCTIONS
    yield (
        "CREATE TRIGGER approvals_document_filed BEFORE UPDATE OR DELETE ON approvals_document "
        "FOR EACH ROW EXECUTE FUNCTION guard_filed_document()"
    )
    for table in HEADERS:
        yield (
            f"CREATE TRIGGER {table}_filed BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION guard_filed_header()"
        )
    for table in PARTS:
        for name, operation, rows in TOUCHED:
            yield (
                f"CREATE TRIGGER {table}_filed_{name} AFTER {operation} ON {table} "
                f"REFERENCING {rows} TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION guard_filed_lines()"
            )
    for table in ("approvals_document", *HEADERS, *PARTS):
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def drop():
    """Yield the statements that take them away again."""
    for table in ("approvals_document", *HEADERS, *PARTS):
        yield f"DROP TRIGGER {table}_no_truncate ON {table}"
    for table in PARTS:
        for name, _operation, _rows in TOUCHED:
            yield f"DROP TRIGGER {table}_filed_{name} ON {table}"
    for table in ("approvals_document", *HEADERS):
        yield f"DROP TRIGGER {table}_filed ON {table}"
    for function in ("guard_filed_document", "guard_filed_header", "guard_filed_lines"):
        yield f"DROP FUNCTION {function}()"


class Migration(migrations.Migration):
    dependencies = [("approvals", "0003_price_in_force_of_imported_rows"), ("core", "0001_initial")]

    operations = [
        migrations.RunSQL(list(create()), list(drop())),
        append_only("approvals_campaigndetails"),
    ]
