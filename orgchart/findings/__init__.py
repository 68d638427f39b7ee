"""Signs of a bad structure (组织体检): rules over plain states, kept as a queue of findings with evidence."""

from orgchart.findings import career, duties, plans, reporting
from orgchart.findings.found import RULES, Case, Found, Limits

__all__ = ["RULES", "Case", "Found", "Limits", "career", "check", "duties", "plans", "reporting"]

ORDER = {"block": 0, "sign": 1, "warn": 2, "info": 3}


def check(case, only=None):
    """Return what all rules (or those named) find in a case, the gravest first."""
    names = RULES if only is None else only
    found = [one for name in names for one in RULES[name][0](case)]
    return sorted(found, key=lambda one: (ORDER[one.severity], -(one.measured or 0)))
