"""Seats, secondments and closed positions: rules of assignments that need another table.

They are judged after the statement, or at the end of a set of changes (orgchart.lock); whoever writes an assignment
waits for the lock of the structure first, so that the last seat is given once.
"""

from django.db import migrations

TODAY = "(now() AT TIME ZONE 'Asia/Shanghai')::date"

# Who takes a seat, summed from today on: one more at each start, one less at each end.
SEATS = f"""
CREATE FUNCTION refuse_beyond_plan(post bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    today date := {TODAY};
    highest int := (SELECT plan_max FROM orgchart_position WHERE id = post);
    most int;
BEGIN
    IF highest IS NULL THEN
        RETURN;
    END IF;
    WITH seated AS (
        SELECT start, "end" FROM staffing_assignment
        WHERE position_id = post AND kind IN ('primary', 'seconded', 'acting') AND NOT handover
          AND beyond_plan = '' AND ("end" IS NULL OR "end" > today)
    ), steps AS (
        SELECT greatest(start, today) AS day, 1 AS step FROM seated
        UNION ALL
        SELECT "end", -1 FROM seated WHERE "end" IS NOT NULL
    )
    SELECT max(held) INTO most FROM (SELECT sum(step) OVER (ORDER BY day, step) AS held FROM steps) sums;
    IF most > highest THEN
        RAISE EXCEPTION 'more holders (%) than the largest headcount (%)', most, highest
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_has_a_seat';
    END IF;
END $$
"""
FROM_ELSEWHERE = """
CREATE FUNCTION refuse_seconded_within(post bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM staffing_assignment held JOIN orgchart_position position ON position.id = held.position_id
        WHERE held.position_id = post AND held.kind = 'seconded'
          AND held.from_department_id = position.department_id
    ) THEN
        RAISE EXCEPTION 'somebody is seconded by another department than the position''s'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_seconded_from_elsewhere';
    END IF;
END $$
"""
POSITION_OPEN = f"""
CREATE FUNCTION refuse_held_and_closed(post bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM staffing_assignment held JOIN orgchart_position position ON position.id = held.position_id
        WHERE held.position_id = post AND position.status = 'closed'
          AND (held."end" IS NULL OR held."end" > {TODAY})
    ) THEN
        RAISE EXCEPTION 'a closed position is held by nobody'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_position_open';
    END IF;
END $$
"""
RULES = {
    "has_a_seat": (
        "refuse_beyond_plan",
        'position_id, kind, start, "end", handover, beyond_plan',
        "plan_max",
    ),
    "seconded_from_elsewhere": (
        "refuse_seconded_within",
        "position_id, kind, from_department_id",
        "department_id",
    ),
    "position_open": ("refuse_held_and_closed", 'position_id, "end"', "status"),
}
TRIGGER = """
CREATE FUNCTION {check}_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM {check}(NEW.{column});
    RETURN NULL;
END $$
"""


def rule(name, check, of_assignment, of_position):
    """Return the operation for one rule: its triggers on assignments and on positions."""
    after = "DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION"
    return migrations.RunSQL(
        [
            TRIGGER.format(check=check, table="assignment", column="position_id"),
            TRIGGER.format(check=check, table="position", column="id"),
            (
                f"CREATE CONSTRAINT TRIGGER assignment_{name} AFTER INSERT OR UPDATE OF {of_assignment}"
                f" ON staffing_assignment {after} {check}_of_assignment()"
            ),
            (
                f"CREATE CONSTRAINT TRIGGER holders_{name} AFTER UPDATE OF {of_position}"
                f" ON orgchart_position {after} {check}_of_position()"
            ),
        ],
        [
            f"DROP TRIGGER assignment_{name} ON staffing_assignment",
            f"DROP TRIGGER holders_{name} ON orgchart_position",
            f"DROP FUNCTION {check}_of_assignment()",
            f"DROP FUNCTION {check}_of_position()",
        ],
    )


class Migration(migrations.Migration):
    dependencies = [("staffing", "0003_share_handover_and_identifier"), ("orgchart", "0004_structure_rules")]

    operations = [
        migrations.RunSQL(SEATS, "DROP FUNCTION refuse_beyond_plan(bigint)"),
        migrations.RunSQL(FROM_ELSEWHERE, "DROP FUNCTION refuse_seconded_within(bigint)"),
        migrations.RunSQL(POSITION_OPEN, "DROP FUNCTION refuse_held_and_closed(bigint)"),
        *[rule(name, *parts) for name, parts in RULES.items()],
        migrations.RunSQL(
            "CREATE TRIGGER assignment_locks_structure BEFORE INSERT OR UPDATE OR DELETE ON staffing_assignment"
            " FOR EACH STATEMENT EXECUTE FUNCTION lock_structure()",
            "DROP TRIGGER assignment_locks_structure ON staffing_assignment",
        ),
    ]
