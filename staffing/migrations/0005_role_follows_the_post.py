"""Roles that go with positions: the tables, and the triggers that let memberships follow at once."""

import django.db.models.deletion
import django.utils.timezone
import simple_history.models
from django.conf import settings
from django.db import migrations, models

ROLES_LOCK = 71_003
# Roles of the day, as (account, group of the role).
ROLES_OF_POSTS = """
CREATE FUNCTION roles_of_posts(today date) RETURNS TABLE (user_id bigint, group_id integer) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT usr.id, grp.id
    FROM staffing_positionrole carried
    JOIN auth_group grp ON grp.name = carried.role AND NOT starts_with(grp.name, 'store:')
    JOIN staffing_assignment held ON held.position_id = carried.position_id
    JOIN staffing_employee employee ON employee.id = held.employee_id AND employee.active
    JOIN staffing_account account ON account.employee_id = employee.id
    JOIN core_user usr ON usr.id = account.user_id AND usr.is_active
    WHERE held.start <= today AND (held."end" IS NULL OR held."end" > today)
$$
"""
# A membership that is there already was given by hand: no grant is noted, so it stays when the post ends.
FOLLOW_POSTS = f"""
CREATE FUNCTION follow_posts(today date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    taken integer;
    given integer;
BEGIN
    PERFORM pg_advisory_xact_lock({ROLES_LOCK});
    WITH over AS (
        DELETE FROM staffing_rolegrant noted
        WHERE NOT EXISTS (
            SELECT FROM roles_of_posts(today) wanted
            WHERE wanted.user_id = noted.user_id AND wanted.group_id = noted.group_id
        )
        RETURNING user_id, group_id
    )
    DELETE FROM core_user_groups member USING over
    WHERE member.user_id = over.user_id AND member.group_id = over.group_id;
    GET DIAGNOSTICS taken = ROW_COUNT;
    WITH new AS (
        INSERT INTO core_user_groups (user_id, group_id)
        SELECT wanted.user_id, wanted.group_id FROM roles_of_posts(today) wanted
        ON CONFLICT DO NOTHING
        RETURNING user_id, group_id
    )
    INSERT INTO staffing_rolegrant (user_id, group_id, granted_at)
    SELECT user_id, group_id, now() FROM new
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS given = ROW_COUNT;
    RETURN taken + given;
END $$
"""
FOLLOW_NOW = """
CREATE FUNCTION follow_posts_now() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM follow_posts((now() AT TIME ZONE 'Asia/Shanghai')::date);
    RETURN NULL;
END $$
"""
FOLLOWED = {
    "staffing_assignment": "INSERT OR DELETE OR UPDATE",
    "staffing_positionrole": "INSERT OR DELETE OR UPDATE",
    "staffing_account": "INSERT OR DELETE OR UPDATE",
    "staffing_employee": "UPDATE OF active",
    "core_user": "UPDATE OF is_active",
}


def follows(table, when):
    """Return the operation that lets memberships follow each statement on a table."""
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_roles_follow AFTER {when} ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION follow_posts_now()",
        f"DROP TRIGGER {table}_roles_follow ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("orgchart", "0004_structure_rules"),
        ("staffing", "0004_assignment_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoricalPositionRole",
            fields=[
                (
                    "id",
                    models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID"),
                ),
                ("role", models.CharField(blank=True, max_length=40, verbose_name="role")),
                (
                    "mapped_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="said at"),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "mapped_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="said by",
                    ),
                ),
                (
                    "position",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="orgchart.position",
                        verbose_name="position",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical role of a position",
                "verbose_name_plural": "historical roles of positions",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="PositionRole",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("role", models.CharField(blank=True, max_length=40, verbose_name="role")),
                (
                    "mapped_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="said at"),
                ),
                (
                    "mapped_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="said by",
                    ),
                ),
                (
                    "position",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="carried",
                        to="orgchart.position",
                        verbose_name="position",
                    ),
                ),
            ],
            options={
                "verbose_name": "role of a position",
                "verbose_name_plural": "roles of positions",
                "ordering": ["position__department__order", "position__order", "pk"],
                "permissions": [("map_roles", "Can say which position carries which role")],
            },
        ),
        migrations.CreateModel(
            name="RoleGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "granted_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="granted at"),
                ),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="auth.group"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="granted_roles",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "granted role",
                "verbose_name_plural": "granted roles",
                "constraints": [models.UniqueConstraint(fields=("user", "group"), name="role_granted_once")],
            },
        ),
        migrations.RunSQL(ROLES_OF_POSTS, "DROP FUNCTION roles_of_posts(date)"),
        migrations.RunSQL(FOLLOW_POSTS, "DROP FUNCTION follow_posts(date)"),
        migrations.RunSQL(FOLLOW_NOW, "DROP FUNCTION follow_posts_now()"),
        *[follows(table, when) for table, when in FOLLOWED.items()],
    ]
