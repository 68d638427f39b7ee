"""Of a filed document nothing changes but its state, and of one that is done nothing at all: counts and words included."""

from importlib import import_module

from django.db import migrations

before = import_module("approvals.migrations.0004_filed_documents_stay")

GUARD = """
CREATE OR REPLACE FUNCTION guard_filed_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state NOT IN ('filed', 'done') THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW IS NOT DISTINCT FROM OLD
        OR OLD.state = 'filed' AND NEW.state IN ('filed', 'done')
        AND to_jsonb(NEW) - 'state' - 'updated_at' = to_jsonb(OLD) - 'state' - 'updated_at')
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: a filed document never changes', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""
BACK = before.FUNCTIONS.partition(";\n\n")[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("approvals", "0012_statistics_of_imported_lines")]

    operations = [migrations.RunSQL(GUARD, BACK)]
