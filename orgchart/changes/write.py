"""Writing the difference of two states into the tables, set-based, with the history of each row."""

from django.db import IntegrityError
from django.utils.translation import gettext as _
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from opsadmin.core.refusals import Refusal
from orgchart.entities import ENTITIES
from orgchart.lock import JUDGED_AT_THE_END, judged_at_the_end
from orgchart.models import ChangeOp

BATCH = 1_000


def write(items, *, by, reason):
    """Write items that are known to fit: at most one for each row, whole rows where they create.

    Raises Refusal where the database refuses, or a master that a row names (an area, an employee) is unknown.
    """
    try:
        with judged_at_the_end(JUDGED_AT_THE_END):
            for name in reversed(ENTITIES):
                remove(ENTITIES[name], [item for item in items if is_of(item, name, ChangeOp.DELETE)])
            for name in ENTITIES:
                create(
                    ENTITIES[name], [item for item in items if is_of(item, name, ChangeOp.CREATE)], by, reason
                )
            for name in ENTITIES:
                update(
                    ENTITIES[name], [item for item in items if is_of(item, name, ChangeOp.SET)], by, reason
                )
    except IntegrityError as error:
        raise Refusal(sentence_of(error), code="constraint") from error


def is_of(item, entity, op):
    return item.entity == entity and item.op == op


def sentence_of(error):
    """Return what a trigger of ours says, or the sentence of the constraint that was broken."""
    cause = getattr(error.__cause__, "diag", None)
    for entity in ENTITIES.values():
        for constraint in entity.model._meta.constraints:
            if cause and constraint.name == cause.constraint_name:
                return str(constraint.violation_error_message)
    return _("The database refuses this: %(why)s.") % {"why": cause.message_primary if cause else error}


def keys_of(entity, keys):
    """Return {key: database key} of rows."""
    columns = [column.source for column in entity.columns]
    rows = entity.model._base_manager.filter(entity.find(list(keys))).values_list("pk", *columns)
    found = {entity.key(entity.row_of(values)): pk for pk, *values in rows}
    return {key: found[key] for key in keys if key in found}


def remove(entity, items):
    if items:
        pks = keys_of(entity, [item.key for item in items]).values()
        for row in entity.model._base_manager.filter(pk__in=pks):
            row.delete()


def create(entity, items, by, reason):
    """Make new rows; what stands under another new row, or is copied from it, comes after it."""
    waiting = {item.key: item for item in items}
    own = [column.name for column in entity.columns if column.refers == entity.name]
    while waiting:
        ready = [item for item in waiting.values() if not any(item.after[name] in waiting for name in own)]
        # Two that name each other are refused by name, as unknown ones are.
        ready = ready or list(waiting.values())
        attributes = attributes_of(entity, [item.after for item in ready])
        save_new(entity.model, [entity.model(**values) for values in attributes], by, reason)
        for item in ready:
            del waiting[item.key]


def save_new(model, rows, by, reason):
    if hasattr(model, "history"):
        bulk_create_with_history(
            rows, model, batch_size=BATCH, default_user=by, default_change_reason=reason[:100]
        )
    else:
        model._base_manager.bulk_create(rows, batch_size=BATCH)


def update(entity, items, by, reason):
    """Change the fields that the items name, all rows with the same fields in one statement."""
    by_fields = {}
    for item in items:
        by_fields.setdefault(tuple(item.after), []).append(item)
    for names, group in by_fields.items():
        pks = keys_of(entity, [item.key for item in group])
        rows = entity.model._base_manager.in_bulk(list(pks.values()))
        changes = attributes_of(entity, [item.after for item in group])
        for item, values in zip(group, changes, strict=True):
            for attribute, value in values.items():
                setattr(rows[pks[item.key]], attribute, value)
        save_changed(
            entity.model, list(rows.values()), [entity.column[n].attribute for n in names], by, reason
        )


def save_changed(model, rows, fields, by, reason):
    if hasattr(model, "history"):
        bulk_update_with_history(
            rows, model, fields, batch_size=BATCH, default_user=by, default_change_reason=reason[:100]
        )
    else:
        model._base_manager.bulk_update(rows, fields, batch_size=BATCH)


def attributes_of(entity, rows):
    """Return the fields of rows of the log as attributes of the model; references become database keys."""
    known = {column.name: referred(entity, column, rows) for column in entity.columns if column.natural}
    return [
        {
            f"{entity.column[name].attribute}_id" if name in known else entity.column[name].attribute: (
                pk_of(entity.column[name], known[name], value)
                if name in known
                else entity.column[name].into(value)
            )
            for name, value in row.items()
        }
        for row in rows
    ]


def referred(entity, column, rows):
    """Return {code: database key} of what the rows name in one column."""
    model = entity.model._meta.get_field(column.attribute).related_model
    values = {row[column.name] for row in rows if row.get(column.name) is not None}
    if not values:
        return {}
    found = model._base_manager.filter(**{f"{column.natural}__in": values})
    return dict(found.values_list(column.natural, "pk"))


def pk_of(column, known, value):
    if value is None:
        return None
    if value not in known:
        raise Refusal(_("There is nothing with the code “%(code)s”.") % {"code": value}, code="unknown")
    return known[value]
