from django.db import migrations, models
from django.db.models import F, Q

UNDECIDED = Q(proposed_by__isnull=True) | Q(state__in=["proposed", "dismissed"])


class Migration(migrations.Migration):
    dependencies = [("approvals", "0004_filed_documents_stay")]

    operations = [
        migrations.RemoveConstraint("guardpolicy", "guard_policy_needs_two_people"),
        migrations.AddField(
            "guardpolicy",
            "decided_role",
            models.CharField(blank=True, max_length=30, verbose_name="role of the decider"),
        ),
        migrations.AddConstraint(
            "guardpolicy",
            models.CheckConstraint(
                name="guard_policy_needs_two_people",
                condition=UNDECIDED | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
            ),
        ),
        migrations.AddConstraint(
            "guardpolicy",
            models.CheckConstraint(
                name="guard_policy_needs_two_roles",
                condition=UNDECIDED | (~Q(decided_role="") & ~Q(decided_role=F("proposed_role"))),
            ),
        ),
    ]
