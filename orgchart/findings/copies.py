"""Copies of a department that no longer are what their original is."""

from django.conf import settings
from django.utils import translation

from orgchart.entities import ENTITIES
from orgchart.findings.found import COPIES, WARN, Found, evidence, finding_rule, line, name_of, subject

NOTHING = "—"


@finding_rule(COPIES, WARN)
def copy_drifted(case):
    """A copy of a department differs from its original; one finding for each copy."""
    from orgchart.copies import drift, tops

    state = case.state
    for copy, original in sorted(tops(state).items()):
        differences = drift(state, copy)
        if differences:
            row = state.departments[copy]
            with translation.override(settings.LANGUAGE_CODE):
                lines = [found for one in differences for found in lines_of(state, one)]
            proof = evidence([subject("department", row)], lines, original=original)
            yield Found("copy_drifted", (copy,), WARN, proof, len(differences), 0)


def lines_of(state, one):
    """Return a difference as lines of evidence, one for each field."""
    entity, row = one.key[0], one.own or one.original
    shown = row if entity in ("department", "position") else owner_row(state, row)
    words = [] if shown is row else [row.get("text") or one.key[1]]
    if one.own is None or one.original is None:
        return [line(shown, "copy_lacks" if one.own is None else "copy_adds", words, words)]
    prefix = f"{words[0]} · " if words else ""
    return [
        line(shown, "", [f"{prefix}{in_words(state, entity, name, old)} → {own}"], [own])
        | {"field": f"{entity}.{name}"}
        for name, (old, new) in one.fields.items()
        for own in [in_words(state, entity, name, new)]
    ]


def owner_row(state, row):
    position = row.get("position") or row.get("from")
    return state.positions[position] if position else state.departments[row["department"]]


def in_words(state, entity, name, value):
    """Return one value as people read it."""
    if value in (None, "", False):
        return NOTHING
    if value is True:
        return "✓"
    column = ENTITIES[entity].column[name]
    if column.refers in ("department", "position"):
        return name_of(state.of(column.refers).get(value, {})) or str(value)
    choices = dict(ENTITIES[entity].model._meta.get_field(column.attribute).flatchoices)
    return str(choices.get(value, value))
