"""Items of a set of changes, and what a state becomes by them. Pure: nothing here asks the database."""

from collections import defaultdict
from dataclasses import dataclass

from orgchart.entities import ENTITIES
from orgchart.models import ChangeOp


@dataclass(frozen=True)
class Item:
    """One change of one row; the same fields as the model ChangeItem, which may stand in its place."""

    entity: str
    key: str
    op: str
    before: dict | None = None
    after: dict | None = None
    left_out: bool = False


@dataclass(frozen=True)
class Conflict:
    """An item that no longer fits: its row ``exists`` already, is ``gone``, or ``moved_on``.

    ``fields`` holds {field: (expected, found, wanted)} of a row that moved on.
    """

    item: object
    kind: str
    fields: dict


def project(state, items):
    """Return (what the state becomes by the items in their order, conflicts); items in conflict are not applied."""
    made, conflicts = state.copy(), []
    for item in items:
        if item.left_out:
            continue
        rows = made.of(item.entity)
        conflict = conflict_of(item, rows.get(item.key))
        if conflict:
            conflicts.append(conflict)
        else:
            put(rows, item)
    return made, conflicts


def conflict_of(item, row):
    """Return how an item no longer fits its row (None where there is no row), or None where it fits."""
    if item.op == ChangeOp.CREATE:
        return Conflict(item, "exists", {}) if row is not None else None
    if row is None:
        return Conflict(item, "gone", {})
    wanted = item.after or {}
    fields = {
        name: (expected, row[name], wanted.get(name))
        for name, expected in (item.before or {}).items()
        if row[name] != expected and (name not in wanted or row[name] != wanted[name])
    }
    return Conflict(item, "moved_on", fields) if fields else None


def put(rows, item):
    """Write one item into the rows of its kind, whatever stood there before."""
    if item.op == ChangeOp.DELETE:
        rows.pop(item.key, None)
    elif item.op == ChangeOp.CREATE:
        rows[item.key] = {**ENTITIES[item.entity].blank, **item.after}
    else:
        rows[item.key] = {**rows[item.key], **item.after}


def replay(state, items):
    """Return (what the state becomes by items of the log, items whose row is not there or there already).

    The log is true: a field is what the item says, whatever it was before.
    """
    made, lost = state.copy(), []
    for item in items:
        rows = made.of(item.entity)
        if (item.key in rows) == (item.op == ChangeOp.CREATE):
            lost.append(item)
        else:
            put(rows, item)
    return made, lost


def touched_by(items):
    """Return {kind: keys} of the rows that the items change."""
    touched = defaultdict(set)
    for item in items:
        if not item.left_out:
            touched[item.entity].add(item.key)
    return touched


def names_in(entity, values):
    """Yield (kind, key) of every row that some fields of a row of this kind name."""
    for name, value in (values or {}).items():
        refers = ENTITIES[entity].column[name].refers
        if refers and value is not None:
            yield refers, value


def differences(before, after, touched):
    """Return the items that lead from one state to the other, for the touched rows; fields that stay are left out."""
    found = []
    for entity, keys in touched.items():
        old, new = before.of(entity), after.of(entity)
        changes = (difference(entity, key, old.get(key), new.get(key)) for key in sorted(keys))
        found += [item for item in changes if item]
    return found


def difference(entity, key, old, new):
    """Return the item that makes one row the other (None stands for no row), or None where they are equal."""
    if old == new:
        return None
    if old is None:
        return Item(entity, key, ChangeOp.CREATE.value, None, new)
    if new is None:
        return Item(entity, key, ChangeOp.DELETE.value, old, None)
    names = [name for name in new if old[name] != new[name]]
    before, after = ({name: row[name] for name in names} for row in (old, new))
    return Item(entity, key, ChangeOp.SET.value, before, after)
