from django.db import migrations, models


class Migration(migrations.Migration):
    """Until when a password opens the account that somebody else has set; passwords of today are nobody else's."""

    dependencies = [("core", "0005_cache_table")]

    operations = [
        migrations.AddField(
            "user",
            "initial_until",
            models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="initial password until"
            ),
        ),
    ]
