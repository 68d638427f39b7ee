"""Departments that are multiplied (产品1部, 产品2部 …): a copy knows its original, row by row, and is compared with it.

Pure but for the drafts at the end. A copy and its original are compared in the codes of the original.
"""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from opsadmin.core.refusals import Refusal
from orgchart.changes import add_items, draft_set, wanted
from orgchart.changes.faults import is_open
from orgchart.entities import ENTITIES
from orgchart.models import Department, Position
from orgchart.state import live_state

# Rows of a copy may differ from the original's in these.
OWN = {"code", "order", "status", "copied_from", "source_ref", "guessed", "cloneable"}
OWN_OF_THE_TOP = {"name", "parent"}
TREES = ("department", "position")
WORK = ("link", "duty", "authority")
OUTSIDE = "…"


@dataclass(frozen=True)
class Difference:
    """A row that a copy lacks (``own`` is None), has in addition (``original`` is None), or has otherwise.

    ``key`` is (kind of row, key in the codes of the original); ``fields`` are {name: (original, own)}.
    """

    key: tuple
    original: dict | None
    own: dict | None
    fields: dict


@dataclass(frozen=True)
class Part:
    """A department with everything open below it; ``names`` are {code: code in the original}."""

    state: object
    top: str
    names: dict

    def codes(self, entity):
        """Return the codes of its open departments or positions, those above first."""
        rows = self.state.of(entity)
        if entity == "department":
            return [code for code in (self.top, *self.state.below(entity, self.top)) if is_open(rows[code])]
        inside = self.state.where("position", "department")
        codes = [code for place in self.codes("department") for code in inside.get(place, ())]
        codes = [code for code in codes if is_open(rows[code])]
        depth = {code: sum(1 for _above in self.state.above("position", code)) for code in codes}
        return sorted(codes, key=depth.get)

    def rows(self):
        """Return {(kind, key in the codes of the original): row}; parents first."""
        codes = {entity: self.codes(entity) for entity in TREES}
        found = {
            (entity, self.names.get(code, code)): self.state.of(entity)[code]
            for entity in TREES
            for code in codes[entity]
        }
        inside = {(entity, code) for entity in TREES for code in codes[entity]}
        for entity in WORK:
            for row in self.state.of(entity).values():
                if owner_of(row) in inside:
                    found[entity, ENTITIES[entity].key(renamed(entity, row, self.names))] = row
        return found

    def compared(self, entity, row):
        """Return the fields of a row in which copies are alike, in the codes of the original."""
        values = renamed(entity, row, self.names)
        if entity == "position" and row["parent"] not in self.codes_inside:
            values["parent"] = OUTSIDE
        skipped = OWN | OWN_OF_THE_TOP if row.get("code") == self.top and entity == "department" else OWN
        return {name: value for name, value in values.items() if name not in skipped}

    @property
    def codes_inside(self):
        if "inside" not in self.__dict__:
            self.__dict__["inside"] = {None, *self.codes("position")} - {None}
        return self.__dict__["inside"]


def owner_of(row):
    """Return (kind, code) of the department or position that a duty, a power or a link is of."""
    position = row.get("position") or row.get("from")
    return ("position", position) if position else ("department", row["department"])


def renamed(entity, row, names):
    """Return a row with other codes for the departments and positions that it names."""
    columns = ENTITIES[entity].column
    return {
        name: names.get(value, value) if columns[name].refers in TREES or name == "code" else value
        for name, value in row.items()
        if name in columns
    }


def copies_of(state):
    """Return {copy: original} of the open departments, codes; an original that is gone or closed has none."""
    rows = state.departments
    return {
        code: row["copied_from"]
        for code, row in rows.items()
        if row["copied_from"] in rows and is_open(row) and is_open(rows[row["copied_from"]])
    }


def tops(state):
    """Return {copy: original} of the copies that are no part of another copy."""
    found = copies_of(state)
    return {
        copy: original
        for copy, original in found.items()
        if not any(above in found for above in state.above("department", copy))
    }


def parts(state, copy):
    """Return (the original, the copy) as parts that can be compared."""
    original = Part(state, state.departments[copy]["copied_from"], {})
    own = Part(state, copy, {})
    known = {entity: set(original.codes(entity)) for entity in TREES}
    for entity in TREES:
        for code in own.codes(entity):
            source = state.of(entity)[code]["copied_from"]
            if source in known[entity]:
                own.names[code] = source
    return original, own


def drift(state, copy):
    """Return the Differences of a copy and its original; of a post that is missing not every duty as well."""
    original, own = parts(state, copy)
    there, here = original.rows(), own.rows()
    found = []
    for key in [*there, *(key for key in here if key not in there)]:
        one, other = there.get(key), here.get(key)
        if one is None or other is None:
            found.append(Difference(key, one, other, {}))
            continue
        wanted_values, values = original.compared(key[0], one), own.compared(key[0], other)
        fields = {
            name: (wanted_values[name], value)
            for name, value in values.items()
            if wanted_values[name] != value
        }
        if fields:
            found.append(Difference(key, one, other, fields))
    return [one for one in found if not in_another(one, found)]


def in_another(one, found):
    """Whether a difference is about a row whose department or position itself is missing or additional."""
    row = one.original or one.own
    if one.key[0] in TREES or (one.original and one.own):
        return False
    whole = {
        (other.key[0], (other.original or other.own)["code"])
        for other in found
        if other.key[0] in TREES and not (other.original and other.own)
    }
    return owner_of(row) in whole


# ── Bringing a copy level ─────────────────────────────────────────────────────────────────────────────────────────


def level_changes(state, copy):
    """Return [(kind, key, op, values)] that make a copy what its original is.

    Rows that it lacks are made, the others set; what it has in addition is removed, or closed from below.
    """
    original, own = parts(state, copy)
    there, here = original.rows(), own.rows()
    names = {code: mine for mine, code in own.names.items()}
    lacking = [code for (entity, code) in there if entity in TREES and code not in names]
    names |= free_codes(lacking)
    made = [create(key, there[key], names) for key in there if key not in here]
    changed = [change(original, own, key, there[key], here[key], names) for key in there if key in here]
    extra = [remove(key, here[key]) for key in reversed(here) if key not in there]
    return [*made, *(one for one in changed if one), *sorted(extra, key=lambda one: one[0] in TREES)]


def create(key, row, names):
    entity, code = key
    values = renamed(entity, row, names)
    if entity in TREES:
        values |= {"copied_from": code, "source_ref": ""}
    return entity, values.get("code"), "create", values


def change(original, own, key, row, mine, names):
    """Return the change of one row that differs, None where it is alike."""
    entity = key[0]
    wanted_values, values = original.compared(entity, row), own.compared(entity, mine)
    different = [name for name, value in values.items() if wanted_values[name] != value]
    if not different:
        return None
    full = renamed(entity, row, names)
    return entity, ENTITIES[entity].key(mine), "set", {name: full[name] for name in different}


def remove(key, row):
    entity = key[0]
    closing = {"status": "closed"} if entity in TREES else None
    return entity, ENTITIES[entity].key(row), "set" if closing else "delete", closing


def free_codes(codes):
    """Return {code: code with the first number that is free for all of them}."""
    number = 2
    while taken([f"{code}-{number}" for code in codes]):
        number += 1
    return {code: f"{code}-{number}" for code in codes}


def taken(codes):
    return any(model.objects.filter(code__in=codes).exists() for model in (Department, Position))


@transaction.atomic
def draft_copy(department, *, by, name, effective_on=None):
    """Draft a copy of a department that can be multiplied, beside it; return the set.

    Raises PermissionDenied, or Refusal: it cannot be multiplied, no name, or what ``add_items`` refuses.
    """
    name = name.strip()
    if not department.cloneable:
        raise Refusal(_("“%(name)s” is not one that can be multiplied.") % {"name": department})
    if not name or Department.objects.filter(name=name, parent=department.parent_id).exists():
        raise Refusal(_("Give the copy a name of its own."), code="invalid")
    state = live_state()
    (code,) = free_codes([department.code]).values()
    row = {**state.departments[department.code], "code": code, "name": name}
    row |= {"copied_from": department.code, "cloneable": False, "source_ref": "", "order": row["order"] + 1}
    state.departments[code] = row
    top = wanted("department", code, "create", row)
    draft = draft_set(by=by, title=_("Copy: %(name)s") % {"name": name}, effective_on=effective_on)
    add_items(draft, [top, *(wanted(*one) for one in level_changes(state, code))], by=by)
    return draft
