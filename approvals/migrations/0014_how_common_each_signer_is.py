"""The archive is searched by signer without regard to case: the planner learns how common each name then is.

Without it a few records are expected for any name, and all that a frequent signer signed were fetched for one page.
"""

from django.db import migrations

COMMON = "CREATE STATISTICS decision_by_signer ON (upper(actor_name::text)) FROM approvals_decision"


class Migration(migrations.Migration):
    dependencies = [("approvals", "0013_filed_documents_stay_in_every_column")]
    operations = [migrations.RunSQL(COMMON, "DROP STATISTICS decision_by_signer")]
