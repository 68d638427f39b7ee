"""What was said, decided, sealed and proved takes INSERT only; a flow version in use never changes."""

from django.db import migrations

from opsadmin.core.protection import append_only

FLOW_GUARD = """
CREATE FUNCTION guard_flow_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    version_id bigint := COALESCE(OLD.version_id, NEW.version_id);
BEGIN
    IF EXISTS (SELECT 1 FROM approvals_flowversion WHERE id = version_id AND state <> 'draft') THEN
        RAISE EXCEPTION 'a flow version that has been in use never changes'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$
"""

TABLES = (
    "approvals_decision",
    "approvals_event",
    "approvals_linechange",
    "approvals_comment",
    "approvals_attachment",
    "approvals_archiverecord",
    "approvals_archivestore",
    "approvals_archivefile",
    "approvals_storefile",
    "approvals_receipt",
)


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial"), ("core", "0001_initial")]

    operations = [
        *[append_only(table) for table in TABLES],
        migrations.RunSQL(
            [
                FLOW_GUARD,
                (
                    "CREATE TRIGGER approvals_flowstep_fixed BEFORE INSERT OR UPDATE OR DELETE ON approvals_flowstep "
                    "FOR EACH ROW EXECUTE FUNCTION guard_flow_step()"
                ),
            ],
            [
                "DROP TRIGGER approvals_flowstep_fixed ON approvals_flowstep",
                "DROP FUNCTION guard_flow_step()",
            ],
        ),
    ]
