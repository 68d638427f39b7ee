"""What the log of changes is about: each kind of row with its key, its fields as JSON values, and its table.

References are written as codes. Other apps register their own kinds (staffing: assignments), so that this one knows
no people.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from django.db.models import Q

from orgchart.models import Authority, Department, Duty, LinkKind, Position, PositionLink

ENTITIES = {}


def same(value):
    return value


@dataclass(frozen=True)
class Column:
    """One field of a row: its name in the state, and where it stands in the table.

    ``path`` is what a query selects (``parent__code``); ``refers`` names the kind of row, or of master, whose
    key it holds.
    """

    name: str
    path: str = ""
    refers: str = ""
    out: Callable = same
    into: Callable = same

    @property
    def source(self):
        return self.path or self.name

    @property
    def attribute(self):
        return self.source.split("__")[0]

    @property
    def natural(self):
        """The field by which a reference is named; empty for a plain value."""
        return self.source.partition("__")[2]


def plain(*names):
    return tuple(Column(name) for name in names)


def day(name):
    return Column(name, out=lambda value: value.isoformat() if value else None, into=day_of)


def day_of(text):
    return date.fromisoformat(text) if text else None


def share(name):
    """A decimal, as text with its two places: what is hashed knows no floats."""
    return Column(name, out=lambda value: f"{value:.2f}", into=Decimal)


@dataclass(frozen=True)
class Entity:
    """A kind of row.

    ``key(row)`` names it for ever: the fields in ``fixed`` never change. ``find(keys)`` is the condition that selects
    these rows, and perhaps a few more. ``removable`` rows may be removed, others are closed. ``around(touched)`` is
    the condition for what else a change of the keys in ``touched`` ({kind: keys}) is judged with; None for nothing.
    ``title(row, called)`` is what people call it; ``called(kind, key)`` names what the row names.
    """

    name: str
    model: type
    columns: tuple
    key: Callable
    find: Callable
    fixed: tuple
    removable: bool = True
    around: Callable = lambda touched: None
    title: Callable = lambda row, called: row.get("name") or row.get("title")

    @cached_property
    def column(self):
        return {column.name: column for column in self.columns}

    @cached_property
    def blank(self):
        """A row with the defaults of the model."""
        return {column.name: self.default(column) for column in self.columns}

    def default(self, column):
        field = self.model._meta.get_field(column.attribute)
        default = None if field.is_relation else field.get_default()
        return column.out(getattr(default, "value", default))

    @cached_property
    def converted(self):
        """The columns whose values are no JSON values in the table."""
        return [(column.name, column.out) for column in self.columns if column.out is not same]

    def row_of(self, values):
        """Return a row of what the table holds in the order of the columns."""
        row = dict(zip(self.column, values, strict=True))
        for name, out in self.converted:
            row[name] = out(row[name])
        return row

    def read(self, condition=None):
        """Return {key: row} of the table, or of the rows that fit; one statement."""
        rows = self.model._base_manager.order_by(*self.model._meta.ordering)
        if condition is not None:
            rows = rows.filter(condition)
        found = {}
        for values in rows.values_list(*[column.source for column in self.columns]).iterator(10_000):
            row = self.row_of(values)
            found[self.key(row)] = row
        return found


def register(entity):
    ENTITIES[entity.name] = entity


def by_code(keys):
    return Q(code__in=keys)


def owner_key(row):
    """Return ``p:position/number`` or ``d:department/number``."""
    owner = f"p:{row['position']}" if row["position"] else f"d:{row['department']}"
    return f"{owner}/{row['number']}"


def owned_by(keys):
    owners = [key.rpartition("/")[0] for key in keys]
    positions = [owner[2:] for owner in owners if owner.startswith("p:")]
    departments = [owner[2:] for owner in owners if owner.startswith("d:")]
    return Q(position__code__in=positions) | Q(department__code__in=departments)


def owned(row, called):
    """Return how a duty or a power is called: its owner and its number."""
    owner = called("position", row["position"]) or called("department", row["department"])
    return f"{owner} {row['number']}"


def linked(row, called):
    kind = dict(LinkKind.choices).get(row["kind"], "")
    return f"{called('position', row['from'])} {kind} {row['to_label'] or called('position', row['to'])}"


def link_key(row):
    return f"{row['from']}>{row['kind']}>{row['to'] or row['to_label']}"


def linked_from(keys):
    return Q(source__code__in=[key.partition(">")[0] for key in keys])


OWNER = (
    Column("department", "department__code", "department"),
    Column("position", "position__code", "position"),
    Column("number"),
    Column("text"),
    Column("area", "area__code"),
)
SOURCE = plain("source_ref", "guessed")

register(
    Entity(
        "department",
        Department,
        (
            *plain("code", "name", "kind"),
            Column("parent", "parent__code", "department"),
            *plain("order", "supporting", "cloneable", "tentative", "status"),
            *SOURCE,
            Column("copied_from", "copied_from__code", "department"),
        ),
        key=lambda row: row["code"],
        find=by_code,
        fixed=("code",),
        removable=False,
    )
)
register(
    Entity(
        "position",
        Position,
        (
            *plain("code", "title", "grade"),
            Column("department", "department__code", "department"),
            Column("parent", "parent__code", "position"),
            *plain("head", "order", "plan_min", "plan_max", "plan_note", "tentative", "status"),
            *SOURCE,
            Column("copied_from", "copied_from__code", "position"),
        ),
        key=lambda row: row["code"],
        find=by_code,
        fixed=("code",),
        removable=False,
    )
)
register(
    Entity(
        "link",
        PositionLink,
        (
            Column("from", "source__code", "position"),
            Column("kind"),
            Column("to", "target__code", "position"),
            Column("to_label"),
            *SOURCE,
        ),
        key=link_key,
        find=linked_from,
        fixed=("from", "kind", "to", "to_label"),
        title=linked,
    )
)
register(
    Entity(
        "duty",
        Duty,
        (*OWNER, *plain("action", "object", "role", "weight"), *SOURCE),
        key=owner_key,
        find=owned_by,
        fixed=("department", "position", "number"),
        title=owned,
    )
)
register(
    Entity(
        "authority",
        Authority,
        (*OWNER, Column("kind"), *SOURCE),
        key=owner_key,
        find=owned_by,
        fixed=("department", "position", "number"),
        title=owned,
    )
)
