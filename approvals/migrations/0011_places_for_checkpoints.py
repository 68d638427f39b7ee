"""Where the archive's checkpoints went last, and why they did not."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0010_version_of_prices_in_previews"),
    ]

    operations = [
        migrations.CreateModel(
            name="CheckpointTarget",
            fields=[
                (
                    "key",
                    models.CharField(max_length=60, primary_key=True, serialize=False, verbose_name="place"),
                ),
                ("reached_at", models.DateTimeField(null=True, verbose_name="last sent")),
                ("sequence", models.BigIntegerField(default=0, verbose_name="up to record")),
                ("tried_at", models.DateTimeField(null=True, verbose_name="last tried")),
                ("error", models.TextField(blank=True, verbose_name="why not")),
            ],
            options={
                "verbose_name": "place for checkpoints",
                "verbose_name_plural": "places for checkpoints",
                "ordering": ["key"],
                "default_permissions": ("view",),
            },
        ),
        # What was noted among the scheduler's runs before.
        migrations.RunSQL("DELETE FROM core_heartbeat WHERE name LIKE 'anchor %'", migrations.RunSQL.noop),
    ]
