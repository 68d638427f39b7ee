"""Rules that an organisation must keep. Pure: each reads a state; the database keeps the same rules for itself.

A rule is asked about the touched rows only, so that a small change is judged by its neighbourhood.
"""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from orgchart.entities import ENTITIES
from orgchart.models import OrgStatus

RULES = []


@dataclass(frozen=True)
class Fault:
    """A rule that a row breaks. ``size`` says how far; ``message`` is a sentence for the reader."""

    rule: str
    entity: str
    key: str
    message: str = field(compare=False)
    size: int = field(default=1, compare=False)


def rule(function):
    """Register a rule ``function(state, touched, day)`` that yields faults; ``touched`` is {kind: keys}."""
    RULES.append(function)
    return function


def faults_of(state, *, day, touched=None):
    """Return the faults of the touched rows, of all rows where nothing is said.

    ``day`` (text or date) is the day from which the state holds: assignments that are over by then no longer count.
    """
    if touched is None:
        touched = {entity: set(rows) for entity, rows in state.as_tables().items()}
    found = {}
    for check in RULES:
        for fault in check(state, {name: touched.get(name, set()) for name in ENTITIES}, str(day)):
            found.setdefault(fault, fault)
    return list(found)


def new_faults(before, after):
    """Return the faults of a list that another does not have, or has in a smaller size."""
    known = {fault: fault.size for fault in before}
    return [fault for fault in after if fault.size > known.get(fault, 0)]


def rows_of(state, touched, entity):
    """Yield (key, row) of the touched rows of a kind that are there."""
    rows = state.of(entity)
    return ((key, rows[key]) for key in sorted(touched[entity]) if key in rows)


def is_open(row):
    return row["status"] != OrgStatus.CLOSED


def label(row):
    return row.get("name") or row.get("title")


@rule
def names_exist(state, touched, day):
    """Whatever a row names is there."""
    for entity, kind in ENTITIES.items():
        columns = [column for column in kind.columns if column.refers in ENTITIES]
        for key, row in rows_of(state, touched, entity):
            for column in columns:
                named = row[column.name]
                if named is not None and named not in state.of(column.refers):
                    sentence = _("There is nothing with the code “%(code)s”.") % {"code": named}
                    yield Fault("unknown", entity, key, sentence)


@rule
def no_circle(state, touched, day):
    """Nothing stands above itself."""
    for entity in ("department", "position"):
        for key, row in rows_of(state, touched, entity):
            above = [key, *state.above(entity, key)]
            if state.of(entity)[above[-1]]["parent"] in above:
                sentence = _("“%(name)s” cannot stand below itself: choose another superior.")
                yield Fault("circle", entity, key, sentence % {"name": label(row)})


@rule
def copies_have_an_origin(state, touched, day):
    """Nothing was copied from itself, over however many others."""
    for entity in ("department", "position"):
        rows = state.of(entity)
        for key, row in rows_of(state, touched, entity):
            origins, origin = set(), row["copied_from"]
            while origin in rows and origin not in origins:
                origins.add(origin)
                origin = rows[origin]["copied_from"]
            if key in origins:
                sentence = _("“%(name)s” cannot be a copy of itself.") % {"name": label(row)}
                yield Fault("copy", entity, key, sentence)


@rule
def one_head(state, touched, day):
    """A department has at most one active head position."""
    for department in {row["department"] for _key, row in rows_of(state, touched, "position") if row["head"]}:
        heads = [
            key
            for key in state.where("position", "department").get(department, ())
            if state.positions[key]["head"] and state.positions[key]["status"] == OrgStatus.ACTIVE
        ]
        if len(heads) > 1:
            titles = "、".join(state.positions[key]["title"] for key in sorted(heads))
            sentence = _("This department already has a head position.") + f" ({titles})"
            yield Fault("two_heads", "department", department, sentence, len(heads))


@rule
def plan_in_order(state, touched, day):
    for key, row in rows_of(state, touched, "position"):
        low, high = row["plan_min"], row["plan_max"]
        if low is not None and high is not None and high < low:
            yield Fault("plan", "position", key, _("The largest headcount is below the smallest."))


@rule
def closed_is_empty(state, touched, day):
    """Nothing open stands in something closed."""
    for entity in ("department", "position"):
        for key, row in rows_of(state, touched, entity):
            if not is_open(row):
                left = list(left_open(state, entity, key))
                if left:
                    yield not_empty(entity, key, row, left)
            else:
                yield from closed_above(state, entity, key, row)


def left_open(state, entity, key):
    """Yield the names of what is still open below a department or position."""
    for inner, column in (("department", "parent"), ("position", "department"), ("position", "parent")):
        if ENTITIES[inner].column[column].refers == entity:
            rows = state.of(inner)
            yield from (label(rows[k]) for k in state.where(inner, column).get(key, ()) if is_open(rows[k]))


def not_empty(entity, key, row, left):
    names = "、".join(left[:5])
    sentence = _("“%(name)s” cannot be closed while there is still: %(left)s.")
    return Fault("closed", entity, key, sentence % {"name": label(row), "left": names}, len(left))


def closed_above(state, entity, key, row):
    for column in ("parent", "department"):
        refers = ENTITIES[entity].column[column].refers if column in row else ""
        above = state.of(refers).get(row[column]) if refers else None
        if above and not is_open(above):
            names = {"name": label(row), "above": label(above)}
            sentence = _("“%(name)s” cannot stand under “%(above)s”, which is closed.") % names
            yield Fault("under_closed", entity, key, sentence)


@rule
def links_have_one_target(state, touched, day):
    for key, row in rows_of(state, touched, "link"):
        if bool(row["to"]) == bool(row["to_label"]):
            yield Fault("link", "link", key, _("A link goes to a position or names one, not both."))
        if row["to"] == row["from"]:
            yield Fault("link", "link", key, _("A position cannot be linked to itself."))


@rule
def duties_have_one_owner(state, touched, day):
    for entity in ("duty", "authority"):
        for key, row in rows_of(state, touched, entity):
            if bool(row["department"]) == bool(row["position"]):
                yield Fault("owner", entity, key, _("Choose a department or a position, not both."))
