"""Organisation models: read as a state, and as the start of a new department."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsadmin.core import clock
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
    draft = draft_set(by=by, title=title, effective_on=effective_on or clock.today())
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


# ── To be read ────────────────────────────────────────────────────────────────────────────────────────────────────

WORDS = {
    "also_in": gettext_lazy("Part of two"),
    "notes": gettext_lazy("What is odd in the papers"),
    "chain": gettext_lazy("Line of command"),
    "tree": gettext_lazy("Line of command"),
    "direct_line": gettext_lazy("Directly below the top"),
    "principles": gettext_lazy("Principles"),
    "relations": gettext_lazy("Relations"),
    "functions": gettext_lazy("Tasks"),
    "handoffs": gettext_lazy("hand-offs"),
    "copies": gettext_lazy("Multiplied"),
    "vacant": gettext_lazy("Vacant as stated"),
    "covered_by": gettext_lazy("Covered by"),
    "hiring": gettext_lazy("To be hired"),
}


def described(org_model):
    """Return [(word, [texts])] of what the papers say of a model beside its tree."""
    payload = org_model.payload
    names = {code: row["name"] for code, row in payload["tables"]["department"].items()}
    said = payload | {"also_in": {names[one]: names[other] for one, other in payload["also_in"].items()}}
    return [(word, list(texts_in(said[name]))) for name, word in WORDS.items() if said.get(name)]


def texts_in(value):
    """Yield the lines of a value as the papers were written out: texts, lists and tables of texts."""
    if isinstance(value, dict) and "post" in value:
        parts = [value.get("note", ""), "、".join(value.get("duties", ()))]
        yield " · ".join([f"{value['post']} × {value.get('count', 1)}", *filter(None, parts)])
    elif isinstance(value, dict):
        for name, content in value.items():
            yield f"{name}: {'、'.join(texts_in(content))}"
    elif isinstance(value, list):
        for content in value:
            yield from texts_in(content)
    else:
        yield str(value)


def tree_of(state):
    """Return the departments and posts of a state as rows in the order of the tree: [{depth, row, post, duties}].

    A post stands below its superior where that is in the same department.
    """
    rows = []
    duties = {kind: state.where("duty", kind) for kind in ("department", "position")}
    inside = state.where("position", "department")

    def add(kind, code, depth):
        row = state.of(kind)[code]
        count = len(duties[kind].get(code, ()))
        rows.append({"depth": min(depth, 6), "row": row, "post": kind == "position", "duties": count})

    def posts(codes, superior, depth):
        for code in codes:
            above = state.positions[code]["parent"]
            if (above if above in codes else None) == superior:
                add("position", code, depth)
                posts(codes, code, depth + 1)

    def departments(parent, depth):
        for code in state.where("department", "parent").get(parent, ()):
            add("department", code, depth)
            posts(inside.get(code, ()), None, depth + 1)
            departments(code, depth + 1)

    departments(None, 0)
    return rows
