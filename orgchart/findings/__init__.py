"""Signs of a bad structure (组织体检): rules over plain states, kept as a queue of findings with evidence."""

from orgchart.findings import career, copies, duties, plans, reporting
from orgchart.findings.found import BLOCK, RULES, Case, Found, Limits

__all__ = [
    "RULES",
    "Case",
    "Found",
    "Limits",
    "blocks_made",
    "career",
    "check",
    "copies",
    "duties",
    "plans",
    "reporting",
]

ORDER = {"block": 0, "sign": 1, "warn": 2, "info": 3}


def check(case, only=None):
    """Return what all rules (or those named) find in a case, the gravest first."""
    names = RULES if only is None else only
    found = [one for name in names for one in RULES[name][0](case)]
    return sorted(found, key=lambda one: (ORDER[one.severity], -(one.measured or 0)))


def blocks_made(before, after):
    """Return the blocking findings of one state for which there is no ground in another: what a change brings about.

    Pure. What stands already does not count, nor what is left of it.
    """
    blocking = [name for name, (_function, _group, severity) in RULES.items() if severity == BLOCK]
    known = {part for one in check(Case(before), blocking) for part in parts_of(one)}
    return [one for one in check(Case(after), blocking) if not parts_of(one) <= known]


def parts_of(found):
    """Return what a finding consists of: its rule with each subject, and each superior where it names them."""
    names = [one["key"] or one["name"] for one in found.evidence["subjects"]]
    others = found.evidence.get("superiors", [""])
    return {(found.rule, name, other) for name in names for other in others}
