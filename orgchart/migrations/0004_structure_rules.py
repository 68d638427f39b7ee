"""What must never be false of the structure, whoever writes it, and a log that nobody rewrites.

Every statement that writes a department or a position waits for the one lock of the structure first. Its rules are
judged after the statement, or at the end of a set of changes (orgchart.lock).
"""

from django.db import migrations

from opsadmin.core.protection import append_only
from orgchart.lock import STRUCTURE_LOCK

LOCK = f"""
CREATE FUNCTION lock_structure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({STRUCTURE_LOCK});
    RETURN NULL;
END $$
"""
# More steps than any tree is high: the row stands below a circle that is there already.
CIRCLE = """
CREATE FUNCTION refuse_{name}_circle() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above bigint := (SELECT parent_id FROM {table} WHERE id = NEW.id);
    steps int := 0;
BEGIN
    WHILE above IS NOT NULL LOOP
        steps := steps + 1;
        IF above = NEW.id OR steps > 1000 THEN
            RAISE EXCEPTION 'a {name} cannot stand below itself'
                USING ERRCODE = 'check_violation', CONSTRAINT = '{name}_makes_no_circle';
        END IF;
        SELECT parent_id INTO above FROM {table} WHERE id = above;
    END LOOP;
    RETURN NULL;
END $$
"""
IN_ORDER = """
CREATE FUNCTION refuse_{name}_out_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now_row {table} := (SELECT t FROM {table} t WHERE id = NEW.id);
BEGIN
    IF now_row.status = 'closed' AND ({left_open}) THEN
        RAISE EXCEPTION 'a {name} cannot be closed while something open stands in it'
            USING ERRCODE = 'check_violation', CONSTRAINT = '{name}_in_order';
    END IF;
    IF now_row.status <> 'closed' AND ({under_closed}) THEN
        RAISE EXCEPTION 'an open {name} cannot stand in something closed'
            USING ERRCODE = 'check_violation', CONSTRAINT = '{name}_in_order';
    END IF;
    RETURN NULL;
END $$
"""
OPEN_BELOW = "EXISTS (SELECT FROM {table} WHERE {column} = now_row.id AND status <> 'closed')"
CLOSED_ABOVE = "EXISTS (SELECT FROM {table} WHERE id = now_row.{column} AND status = 'closed')"
RULES = {
    "department": {
        "table": "orgchart_department",
        "moves": "parent_id, status",
        "left_open": [("orgchart_department", "parent_id"), ("orgchart_position", "department_id")],
        "under_closed": [("orgchart_department", "parent_id")],
    },
    "position": {
        "table": "orgchart_position",
        "moves": "parent_id, department_id, status",
        "left_open": [("orgchart_position", "parent_id")],
        "under_closed": [("orgchart_position", "parent_id"), ("orgchart_department", "department_id")],
    },
}
# A set that was applied or withdrawn, and what is in it, never changes.
CLOSED_SET = """
CREATE FUNCTION refuse_closed_change_set() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('applied', 'withdrawn') THEN
        RAISE EXCEPTION 'a change set that is over never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$
"""
CLOSED_ITEMS = """
CREATE FUNCTION refuse_closed_change_item() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint[] := ARRAY[OLD.change_set_id, NEW.change_set_id];
BEGIN
    IF EXISTS (
        SELECT FROM orgchart_changeset WHERE id = ANY(wanted) AND state IN ('applied', 'withdrawn')
    ) THEN
        RAISE EXCEPTION 'a change set that is over never changes' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN COALESCE(NEW, OLD);
END $$
"""


def rules_of(name, table, moves, left_open, under_closed):
    """Return the operations for one tree: its lock, no circle, nothing open in something closed."""
    below = " OR ".join(OPEN_BELOW.format(table=other, column=column) for other, column in left_open)
    above = " OR ".join(CLOSED_ABOVE.format(table=other, column=column) for other, column in under_closed)
    functions = [
        CIRCLE.format(name=name, table=table),
        IN_ORDER.format(name=name, table=table, left_open=below, under_closed=above),
    ]
    triggers = [
        (
            f"CREATE TRIGGER {name}_locks_structure BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION lock_structure()"
        ),
        (
            f"CREATE CONSTRAINT TRIGGER {name}_makes_no_circle AFTER INSERT OR UPDATE OF parent_id ON {table}"
            " DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL)"
            f" EXECUTE FUNCTION refuse_{name}_circle()"
        ),
        (
            f"CREATE CONSTRAINT TRIGGER {name}_in_order AFTER INSERT OR UPDATE OF {moves} ON {table}"
            f" DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION refuse_{name}_out_of_order()"
        ),
    ]
    back = [
        *[
            f"DROP TRIGGER {name}_{end} ON {table}"
            for end in ("locks_structure", "makes_no_circle", "in_order")
        ],
        f"DROP FUNCTION refuse_{name}_circle()",
        f"DROP FUNCTION refuse_{name}_out_of_order()",
    ]
    return migrations.RunSQL([*functions, *triggers], back)


class Migration(migrations.Migration):
    dependencies = [("orgchart", "0003_changes_links_and_duties"), ("core", "0001_initial")]

    operations = [
        migrations.RunSQL(LOCK, "DROP FUNCTION lock_structure()"),
        *[rules_of(name, **rules) for name, rules in RULES.items()],
        append_only("orgchart_orgversion"),
        append_only("orgchart_orgsnapshot"),
        migrations.RunSQL(
            [
                CLOSED_SET,
                CLOSED_ITEMS,
                (
                    "CREATE TRIGGER change_set_over BEFORE UPDATE OR DELETE ON orgchart_changeset"
                    " FOR EACH ROW EXECUTE FUNCTION refuse_closed_change_set()"
                ),
                (
                    "CREATE TRIGGER change_item_over BEFORE INSERT OR UPDATE OR DELETE ON orgchart_changeitem"
                    " FOR EACH ROW EXECUTE FUNCTION refuse_closed_change_item()"
                ),
                (
                    "CREATE TRIGGER change_set_no_truncate BEFORE TRUNCATE ON orgchart_changeset"
                    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
                ),
                (
                    "CREATE TRIGGER change_item_no_truncate BEFORE TRUNCATE ON orgchart_changeitem"
                    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
                ),
            ],
            [
                "DROP TRIGGER change_set_over ON orgchart_changeset",
                "DROP TRIGGER change_item_over ON orgchart_changeitem",
                "DROP TRIGGER change_set_no_truncate ON orgchart_changeset",
                "DROP TRIGGER change_item_no_truncate ON orgchart_changeitem",
                "DROP FUNCTION refuse_closed_change_set()",
                "DROP FUNCTION refuse_closed_change_item()",
            ],
        ),
    ]
