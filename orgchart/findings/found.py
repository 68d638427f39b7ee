"""What a rule says, and what it is asked about. Pure data: the same rules judge live rows, drafts and models."""

from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from orgchart.models.organisation import OrgStatus

BLOCK, SIGN, WARN, INFO = "block", "sign", "warn", "info"
REPORTING, DUTIES, PLAN, CAREER, HANDOFFS = "reporting", "duties", "plan", "career", "handoffs"
COPIES = "copies"
RULES = {}
SIGNS = str.maketrans("", "", "()（） ")


@dataclass(frozen=True)
class Limits:
    """From where on a figure is a sign of a bad structure."""

    span_max: int = 8
    span_min: int = 1
    layers_max: int = 6
    areas_max: int = 6
    similarity: float = 0.4
    cover_days: int = 90


@dataclass(frozen=True)
class Found:
    """One sign of a bad structure.

    ``keys`` name its subject for as long as it stands: the same keys later are the same finding. ``evidence`` is
    {subjects: [{entity, key, name}], lines: [{ref, name, says, words, marked}], guessed}; ``marked`` are the words that
    stand twice, or are wrong. ``measured`` and ``limit`` are figures where the rule has them.
    """

    rule: str
    keys: tuple
    severity: str
    evidence: dict = field(compare=False)
    measured: float | None = field(default=None, compare=False)
    limit: float | None = field(default=None, compare=False)

    @property
    def identity(self):
        return sha256("\x1f".join((self.rule, *self.keys)).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Case:
    """An organisation to be judged.

    ``steps`` are rows of hand-offs {flow, flow_name, order, text, area, department, lost}; ``stated`` are figures that
    a paper states beside its posts; ``also_in`` is {department: a second department that it is part of}; ``areas`` is
    {code: name}.
    """

    state: object
    limits: Limits = Limits()
    steps: tuple = ()
    stated: dict = field(default_factory=dict)
    also_in: dict = field(default_factory=dict)
    areas: dict = field(default_factory=dict)

    @cached_property
    def positions(self):
        return opened(self.state.positions)

    @cached_property
    def departments(self):
        return opened(self.state.departments)

    def area(self, code):
        return self.areas.get(code, code or "")


def opened(rows):
    return {key: row for key, row in rows.items() if row["status"] != OrgStatus.CLOSED}


def finding_rule(group, severity):
    """Register a rule ``function(case)`` that yields Found; its name is the function's, ``severity`` the usual one."""

    def register(function):
        RULES[function.__name__] = (function, group, severity)
        return function

    return register


def name_of(row):
    return row.get("title") or row.get("name") or ""


def ref_of(row):
    return row.get("source_ref") or row.get("code") or ""


def bare(title):
    """Return a title without brackets and blanks: papers write 销售(各组)主管 and 销售各组主管 for one post."""
    return title.translate(SIGNS)


def subject(entity, row):
    return {"entity": entity, "key": row["code"], "name": name_of(row)}


def line(row, says="", words=(), marked=()):
    """Return one line of evidence: where it stands, whose it is, what it says, the telling words marked."""
    return {
        "ref": ref_of(row),
        "name": name_of(row),
        "says": says,
        "words": list(words),
        "marked": list(marked),
    }


def evidence(subjects, lines, rows=(), **more):
    """Return the evidence of a finding; ``rows`` say whether it rests on something guessed."""
    return {
        "subjects": subjects,
        "lines": lines,
        "guessed": any(row.get("guessed") for row in rows),
        **more,
    }


def by_department(case, rows):
    """Return {department: {key: row}} of positions."""
    found = {}
    for key, row in rows.items():
        found.setdefault(row["department"], {})[key] = row
    return found
