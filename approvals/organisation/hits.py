"""Hits of guards that are found in Python, and the figures that pages show of such a document."""

from dataclasses import dataclass, field

from django.db import connection

from approvals.guards.figures import hits_by_severity, keep_figures
from approvals.models import GuardHit
from opsadmin.core import clock

# These guards have no limits in the policy.
NO_POLICY = 0


@dataclass(frozen=True)
class Hit:
    """What a guard found: ``measured`` is what a reason is given for, ``witness`` is what the sentence names."""

    code: str
    severity: str
    variant: str
    measured: str = ""
    limit: str = ""
    line: object = None
    witness: dict = field(default_factory=dict)


def keep_hits(document, hits, *, lines, struck=0):
    """Write the hits of a check anew, with the figures that pages show; ``guarded_hash`` notes what was checked."""
    GuardHit.objects.filter(document=document.pk).delete()
    GuardHit.objects.bulk_create(
        GuardHit(
            document_id=document.pk,
            code=hit.code,
            severity=hit.severity,
            variant=hit.variant,
            line_id=hit.line and hit.line.pk,
            row_no=hit.line and hit.line.row_no,
            measured=hit.measured[:60],
            limit=hit.limit[:60],
            witness=hit.witness,
            policy_version=NO_POLICY,
        )
        for hit in hits
    )
    with connection.cursor() as cursor:
        counted = hits_by_severity(cursor, {"doc": document.pk})
    document.summary = {
        "lines": lines,
        "struck": struck,
        "bands": {},
        "round": {},
        "money_at_risk": 0,
        "hits": counted,
        "checked_at": clock.now().isoformat(),
    }
    keep_figures(document)
