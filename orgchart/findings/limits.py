"""The limits of findings as the admin has them; whatever page speaks of a limit asks here."""

from orgchart.findings.found import Limits
from orgchart.models import FindingLimits


def limits():
    """Return the limits in force; one statement."""
    row = FindingLimits.objects.filter(pk=1).first() or FindingLimits()
    return Limits(
        row.span_max,
        row.span_min,
        row.layers_max,
        row.areas_max,
        float(row.similarity),
        row.cover_days,
    )
