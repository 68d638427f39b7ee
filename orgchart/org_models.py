"""Organisation models: read as a state, and as the start of a new department."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from orgchart.changes import add_items, draft_set, wanted
from orgchart.models import Department, OrgModel, Position
from orgchart.state import state_from


def state_of_model(org_model):
    """Return what a model describes as a state: its departments, positions, links and duties."""
    return state_from(org_model.payload["tables"])


def own_model():
    """Return the model that was chosen as the company's own, or None."""
    return OrgModel.objects.filter(own=True).first()


@transaction.atomic
def start_from_model(org_model, under_department, *, by, title="", effective_on=None):
    """Draft a change set that builds a model below a department (its code, None for the top); return the set.

    Codes that are taken get a number. Raises what ``draft_set`` and ``add_items`` raise.
    """
    state = state_of_model(org_model)
    names = free_codes(state)
    title = title or _("New: %(name)s") % {"name": org_model}
    draft = draft_set(by=by, title=title, effective_on=effective_on or timezone.localdate())
    tops = {key for key, row in state.departments.items() if row["parent"] is None}
    items = []
    for entity, rows in state.as_tables().items():
        for key, row in rows.items():
            values = renamed(row, names)
            if entity == "department" and key in tops:
                values["parent"] = under_department
            items.append(wanted(entity, values.get("code"), "create", values))
    add_items(draft, items, by=by)
    return draft


def free_codes(state):
    """Return {code: code} that leaves codes alone, or gives all of them the first number that is free."""
    codes = [*state.departments, *state.positions]
    suffix = ""
    while taken([f"{code}{suffix}" for code in codes]):
        suffix = f"-{int(suffix[1:] or 1) + 1}"
    return {code: f"{code}{suffix}" for code in codes}


def taken(codes):
    return any(model.objects.filter(code__in=codes).exists() for model in (Department, Position))


def renamed(row, names):
    """Return a row of a model with its own codes in place of those of the model."""
    referring = ("code", "parent", "department", "position", "from", "to")
    return {name: names.get(value, value) if name in referring else value for name, value in row.items()}
