"""The organisation as plain data: dicts of JSON values that refer to each other by code, no database objects."""

from collections import defaultdict
from dataclasses import dataclass, field

from orgchart.entities import ENTITIES

TABLES = {
    "department": "departments",
    "position": "positions",
    "link": "links",
    "duty": "duties",
    "authority": "authorities",
    "assignment": "assignments",
}


@dataclass(frozen=True)
class OrgState:
    """All rows of one moment, each kind as {key: row}; never changed once it is made."""

    departments: dict = field(default_factory=dict)
    positions: dict = field(default_factory=dict)
    links: dict = field(default_factory=dict)
    duties: dict = field(default_factory=dict)
    authorities: dict = field(default_factory=dict)
    assignments: dict = field(default_factory=dict)
    grouped: dict = field(default_factory=dict, compare=False, repr=False)

    def of(self, entity):
        """Return {key: row} of a kind of row by the name it has in change items: ``department``, ``link`` …"""
        return getattr(self, TABLES[entity])

    def where(self, entity, column):
        """Return {value: [keys]} of a kind of row by one of its fields: ``where("position", "department")``."""
        if (entity, column) not in self.grouped:
            found = defaultdict(list)
            for key, row in self.of(entity).items():
                found[row[column]].append(key)
            self.grouped[entity, column] = found
        return self.grouped[entity, column]

    def copy(self):
        """Return a state whose tables can be written without changing this one; its rows are still shared."""
        return OrgState(**{name: dict(getattr(self, name)) for name in TABLES.values()})

    def above(self, entity, key):
        """Yield the keys above a department or position, nearest first; ends where a key stands there twice."""
        rows, seen = self.of(entity), {key}
        parent = rows[key]["parent"] if key in rows else None
        while parent is not None and parent not in seen and parent in rows:
            yield parent
            seen.add(parent)
            parent = rows[parent]["parent"]

    def below(self, entity, key):
        """Return the keys of everything below a department or position, itself left out, parents first."""
        children, found, seen = self.where(entity, "parent"), [], {key}
        waiting = list(children.get(key, ()))
        while waiting:
            child = waiting.pop(0)
            if child not in seen:
                seen.add(child)
                found.append(child)
                waiting += children.get(child, ())
        return found

    def as_tables(self):
        """Return {kind: {key: row}}, to be stored or hashed."""
        return {entity: self.of(entity) for entity in TABLES}


def state_from(tables):
    """Return the state of what ``as_tables`` gave, perhaps long ago: columns that came later are blank."""
    return OrgState(**{TABLES[entity]: completed(entity, rows) for entity, rows in tables.items()})


def completed(entity, rows):
    """Return rows of one table, all of which have the same columns, with the columns that they lack."""
    first = next(iter(rows.values()), None)
    blank = ENTITIES[entity].blank
    if first is None or first.keys() >= blank.keys():
        return rows
    return {key: {**blank, **row} for key, row in rows.items()}


def live_state():
    """Return the organisation as it is in the tables now; one statement for each kind of row."""
    return state_from({name: entity.read() for name, entity in ENTITIES.items()})
