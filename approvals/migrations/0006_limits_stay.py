"""What was proposed stays: hits name the version of the limits by which they were found."""

from django.db import migrations

KEEP_POLICY = """
CREATE FUNCTION keep_guard_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state IN ('superseded', 'dismissed')
       OR (OLD.version, OLD.limits, OLD.reason, OLD.proposed_by_id, OLD.proposed_role, OLD.proposed_at)
          IS DISTINCT FROM
          (NEW.version, NEW.limits, NEW.reason, NEW.proposed_by_id, NEW.proposed_role, NEW.proposed_at)
       OR (OLD.decided_at IS NOT NULL AND (OLD.decided_by_id, OLD.decided_role, OLD.decided_at)
           IS DISTINCT FROM (NEW.decided_by_id, NEW.decided_role, NEW.decided_at)) THEN
        RAISE EXCEPTION '% on % is refused: a version of the limits stays as it was proposed', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""
CREATE = [
    KEEP_POLICY,
    """CREATE TRIGGER approvals_guardpolicy_stays BEFORE UPDATE OR DELETE ON approvals_guardpolicy
       FOR EACH ROW EXECUTE FUNCTION keep_guard_policy()""",
    """CREATE TRIGGER approvals_guardpolicy_no_truncate BEFORE TRUNCATE ON approvals_guardpolicy
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
]
DROP = [
    "DROP TRIGGER approvals_guardpolicy_no_truncate ON approvals_guardpolicy",
    "DROP TRIGGER approvals_guardpolicy_stays ON approvals_guardpolicy",
    "DROP FUNCTION keep_guard_policy()",
]


class Migration(migrations.Migration):
    dependencies = [("approvals", "0005_limits_take_two_roles"), ("core", "0001_initial")]

    operations = [migrations.RunSQL(CREATE, DROP)]
