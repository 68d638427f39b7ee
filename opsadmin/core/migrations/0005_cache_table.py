from django.db import migrations

TABLE = """
CREATE TABLE core_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX core_cache_expires ON core_cache (expires);
"""


class Migration(migrations.Migration):
    """The table of Django's database cache, in which used codes are remembered for half a minute."""

    dependencies = [("core", "0004_clock_and_sent_forms")]

    operations = [migrations.RunSQL(TABLE, "DROP TABLE core_cache")]
