"""Rows as forms and files hold them: model instances, compared with the live row and applied as a set of changes."""

from opsadmin.core import clock
from orgchart import permissions
from orgchart.changes.applying import applied, apply_due, apply_now, correct, fit, new_set, title_of
from orgchart.changes.drafts import add_items, draft_set, schedule
from orgchart.changes.items import Item, difference, touched_by
from orgchart.changes.log import ensure_opening, record
from orgchart.changes.near import near
from orgchart.changes.write import keys_of, write
from orgchart.entities import ENTITIES
from orgchart.lock import lock_structure
from orgchart.models import ChangeSet, SetKind
from orgchart.state import TABLES, OrgState

CHANGE, CORRECTION = "change", "correction"


def entity_of(model):
    return next(entity for entity in ENTITIES.values() if entity.model is model)


def row_of(instance):
    """Return what an instance holds as a row of the log."""
    return {column.name: value_of(column, instance) for column in entity_of(type(instance)).columns}


def value_of(column, instance):
    value = getattr(instance, column.attribute)
    if column.natural:
        value = value and getattr(value, column.natural)
    return column.out(getattr(value, "value", value))


def item_of(instance):
    """Return the item that makes the live row what the instance is, None where nothing differs.

    It says what was there just now, so that a change in between is found as a conflict.
    """
    entity, row = entity_of(type(instance)), row_of(instance)
    key = entity.key(row)
    live = entity.read(entity.find([key])).get(key)
    return difference(entity.name, key, live, row)


def save_row(instance, *, by=None, reason="", day=None, way=CHANGE):
    """Save an instance as a set of one: now, as a correction of the past, or on a day to come.

    Returns the set, None where nothing differs. A new row gets its database key. Raises what ``apply_now``,
    ``correct`` and ``schedule`` raise.
    """
    item, today = item_of(instance), clock.today()
    if item is None:
        return None
    if day and day > today:
        return save_later(item, day, by=by, reason=reason)
    if way == CORRECTION:
        # What the row was on that day, the log knows.
        item = Item(item.entity, item.key, item.op, None, item.after)
        version = correct([item], effective_on=day or today, by=by, reason=reason)
    else:
        version = apply_now([item], effective_on=day, by=by, reason=reason)
    if instance.pk is None:
        instance.pk = keys_of(ENTITIES[item.entity], [item.key])[item.key]
        instance._state.adding = False
    return version.change_set


def save_later(item, day, *, by, reason):
    """Let a direct edit take effect on a day to come."""
    title = title_of(near([item]), [item])
    change_set = draft_set(by=by, title=title, effective_on=day, reason=reason, kind=SetKind.EDIT)
    add_items(change_set, [item], by=by)
    return schedule(change_set, by=by)


class ImportedRows:
    """The rows of one file, saved one by one inside the caller's transaction and recorded as one set."""

    def __init__(self, *, by):
        lock_structure()
        self.by, self.items, self.before = by, [], OrgState()
        apply_due(clock.today())
        ensure_opening()

    def save(self, instance):
        """Judge and write one row. Raises Refusal or PermissionDenied."""
        item = item_of(instance)
        if item is None:
            return
        before = near([item])
        permissions.refuse_outside(self.by, before, [item])
        fit(before, [item], clock.today())
        self.remember(before)
        write([item], by=self.by, reason="")
        self.items.append(item)
        instance.pk = keys_of(ENTITIES[item.entity], [item.key])[item.key]

    def remember(self, state):
        """Keep rows as they were before the file: not those that the file itself has written."""
        written = {(item.entity, item.key) for item in self.items}
        for entity in TABLES:
            for key, row in state.of(entity).items():
                if (entity, key) not in written:
                    self.before.of(entity).setdefault(key, row)

    def record(self, title):
        """Enter what was saved into the log."""
        if self.items:
            day = clock.today()
            change_set = new_set(SetKind.EDIT, self.items, day, by=self.by, reason="", title=title)
            version = record(change_set, self.items, day=day)
            applied.send(
                ChangeSet,
                version=version,
                before=self.before,
                after=near(self.items),
                touched=touched_by(self.items),
            )
