"""What protected rows said when they became final: a chain of its own, INSERT only."""

from django.db import migrations, models

from opsadmin.core.protection import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0008_filed_documents_about_the_organisation_stay"),
    ]

    operations = [
        migrations.CreateModel(
            name="RowSeal",
            fields=[
                (
                    "number",
                    models.BigIntegerField(
                        primary_key=True, serialize=False, verbose_name="place in the chain"
                    ),
                ),
                ("part", models.CharField(max_length=60, verbose_name="table")),
                ("subject", models.BigIntegerField(default=0, verbose_name="belongs to")),
                ("columns", models.TextField(verbose_name="columns")),
                ("first_id", models.BigIntegerField(verbose_name="first key")),
                ("last_id", models.BigIntegerField(verbose_name="last key")),
                ("rows", models.PositiveIntegerField(verbose_name="rows")),
                ("kept", models.TextField(verbose_name="kept text")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("previous", models.CharField(max_length=64, verbose_name="digest before")),
                ("hash", models.CharField(max_length=64, verbose_name="digest")),
            ],
            options={
                "verbose_name": "seal of rows",
                "verbose_name_plural": "seals of rows",
                "ordering": ["number"],
                "indexes": [models.Index(fields=["part", "-last_id"], name="row_seal_by_part")],
                "constraints": [
                    models.UniqueConstraint(fields=("part", "subject", "first_id"), name="row_seal_once")
                ],
            },
        ),
        append_only("approvals_rowseal"),
    ]
