from django.db import migrations, models


class Migration(migrations.Migration):
    """The audit log says of a file that it began to be sent, and then how that ended."""

    dependencies = [
        ("core", "0006_initial_passwords"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="auditentry",
            name="audit_result_known",
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="result",
            field=models.CharField(
                choices=[
                    ("begun", "begun"),
                    ("done", "done"),
                    ("not_taken", "not taken"),
                    ("refused", "refused"),
                    ("failed", "failed"),
                ],
                max_length=10,
                verbose_name="result",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("result__in", ["begun", "done", "not_taken", "refused", "failed"])),
                name="audit_result_known",
            ),
        ),
    ]
