"""From what somebody wants to items that can be judged: values checked field by field, ``before`` filled in."""

from uuid import uuid4

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from opsadmin.core.refusals import Refusal
from orgchart.changes.items import Item, put
from orgchart.entities import ENTITIES
from orgchart.models import ChangeOp


def wanted(entity, key, op, after=None, before=None):
    """Return an item, its values as the log keeps them.

    ``key`` may be None for a new row whose fields say it, or whose key is drawn. ``before`` is what the asker saw of
    the fields, None to take what is there. Raises Refusal for an unknown kind, field or value.
    """
    kind = ENTITIES.get(entity)
    if kind is None or op not in ChangeOp.values:
        raise Refusal(_("There is no such change."), code="invalid")
    values = checked(kind, op, dict(after or {}))
    if op == ChangeOp.CREATE:
        values, key = with_key(kind, key, values)
    if op == ChangeOp.DELETE and not kind.removable:
        raise Refusal(_("This is closed, not removed."), code="invalid")
    return Item(entity, str(key), str(op), before, None if op == ChangeOp.DELETE else values)


def checked(kind, op, values):
    """Return the values as the log keeps them; Refusal where a field is unknown, fixed, or does not take its value."""
    found = {}
    for name, value in values.items():
        column = kind.column.get(name)
        if column is None or op == ChangeOp.SET and name in kind.fixed:
            raise Refusal(_("The field “%(name)s” cannot be changed.") % {"name": name}, code="invalid")
        found[name] = checked_value(kind, column, value)
    return found


def checked_value(kind, column, value):
    field = kind.model._meta.get_field(column.attribute)
    if column.natural:
        return None if value in (None, "") else str(value)
    try:
        return column.out(field.clean(column.into(value), None))
    except (ValidationError, ValueError, TypeError, ArithmeticError) as error:
        words = " ".join(getattr(error, "messages", [])) or _("This value is not possible.")
        raise Refusal(f"{field.verbose_name}: {words}", code="invalid") from error


def with_key(kind, key, values):
    """Return the values of a new row with the fields that its key says, and its key."""
    for name in kind.fixed:
        if name == "uid" or name == "code" and key:
            values[name] = str(key or values.get(name) or uuid4())
            values[name] = checked_value(kind, kind.column[name], values[name])
    row = {**kind.blank, **values}
    missing = [name for name in required(kind) if row[name] in (None, "")]
    if missing:
        labels = "、".join(str(kind.model._meta.get_field(name).verbose_name) for name in missing)
        raise Refusal(_("Please fill in: %(fields)s.") % {"fields": labels}, code="invalid")
    return values, kind.key(row)


def required(kind):
    """Return the attributes' columns that a new row cannot do without."""
    fields = {column.name: kind.model._meta.get_field(column.attribute) for column in kind.columns}
    return [name for name, field in fields.items() if not (field.null or field.blank or field.has_default())]


def with_before(state, items):
    """Return the items, each with what it finds in the state, the items before it applied, as its ``before``.

    An item that says what its asker saw keeps that, so that a conflict is found.
    """
    made, found = state.copy(), []
    for item in items:
        rows = made.of(item.entity)
        row = rows.get(item.key)
        if item.before is None and item.op != ChangeOp.CREATE and row is not None:
            before = dict(row) if item.op == ChangeOp.DELETE else {name: row[name] for name in item.after}
            item = Item(item.entity, item.key, item.op, before, item.after, item.left_out)
        if (row is None) == (item.op == ChangeOp.CREATE):
            put(rows, item)
        found.append(item)
    return found
