"""The tray beside a draft: its changes in words, what they come to, and what is in the way."""

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from orgchart.changes import preview, version_number
from orgchart.models import ChangeOp
from staffing.changewords import Words
from staffing.chart import source
from staffing.chart.tree import COMPANY, POSITIONS
from staffing.chart.view import Chart, figures
from staffing.models import Employee

PLAN = {"plan_min", "plan_max", "plan_note"}
LISTED = 20


def tray_of(change_set):
    """Return what the tray shows as JSON values."""
    seen = preview(change_set)
    day = change_set.effective_on or timezone.localdate()
    before, after = (Chart(source.of_state(state, day), POSITIONS) for state in (seen.before, seen.after))
    items = list(change_set.items.order_by("-order"))
    people = new_superiors(before, after)
    names = names_in(items, seen.after)
    version = version_number()
    return {
        "set": change_set.pk,
        "title": change_set.title,
        "effective_on": change_set.effective_on.isoformat() if change_set.effective_on else "",
        "base_version": change_set.base_version,
        "behind": max(version - change_set.base_version, 0),
        "items": [item_words(item, seen.before, seen.after, names) for item in items],
        "totals": totals(before, after),
        "people": len(people),
        "names": people[:LISTED],
        "conflicts": [conflict.item.pk for conflict in seen.conflicts],
        "faults": [fault.message for fault in seen.faults],
        "marks": marks(items),
        "compare": address("org_change_set", change_set.pk),
        "submit": address("org_change_set_approval", change_set.pk),
    }


def names_in(items, state):
    """Return {staff number: name} of the people whose assignments change."""
    rows = [
        state.assignments.get(item.key) or item.after or item.before or {}
        for item in items
        if item.entity == "assignment"
    ]
    numbers = {row["employee"] for row in rows if "employee" in row}
    return dict(Employee.objects.filter(number__in=numbers).values_list("number", "name")) if numbers else {}


def address(name, pk):
    try:
        return reverse(f"admin:{name}", args=[pk])
    except NoReverseMatch:
        return ""


def totals(before, after):
    old, new = figures(before, COMPANY), figures(after, COMPANY)
    return [
        {"name": name, "old": old[key], "new": new[key], "better": better}
        for name, key, better in (
            ("f_plan", "plan_words", ""),
            ("f_short", "short", "less"),
            ("f_layers", "layers", "less"),
            ("f_span", "span_max", "less"),
        )
    ]


def superiors(chart):
    """Return {position: position it reports to}, through departments without a head."""
    found = {}
    for card in chart.order:
        above = chart.tree.parent[card]
        found[card] = above if above.startswith("p:") else found.get(above, "")
    return {card[2:]: above[2:] for card, above in found.items() if card.startswith("p:")}


def new_superiors(before, after):
    """Return the names of those whose position reports to another one than before."""
    old, new = superiors(before), superiors(after)
    moved = [code for code, above in new.items() if code in old and old[code] != above]
    held = after.source.holders_of(moved)
    return [holder.name for code in moved for holder in held.get(code, ())]


def marks(items):
    """Return {card: how it differs}: new, moved or changed."""
    found = {}
    for item in reversed(items):
        if item.entity not in ("position", "department") or item.left_out:
            continue
        card = f"{item.entity[0]}:{item.key}"
        if item.op == ChangeOp.CREATE:
            found[card] = "new"
        elif found.get(card) != "new":
            found[card] = "moved" if {"parent", "department"} & set(item.after or {}) else "changed"
    return found


def item_words(item, before, after, names):
    """Return one change as the tray shows it: {pk, op, title, note}."""
    kind = kind_of(item)
    title, note = title_of(item, before, after, names)
    return {"pk": item.pk, "op": kind, "title": title, "note": note, "left_out": item.left_out}


def kind_of(item):
    fields = set(item.after or {})
    if item.entity == "assignment":
        return "assign"
    if item.op != ChangeOp.SET:
        return item.op
    if (item.after or {}).get("status") == "closed":
        return "close"
    if fields & {"parent"}:
        return "move"
    if fields & {"title", "name"}:
        return "rename"
    return "plan" if fields and fields <= PLAN else "set"


def label(state, entity, key):
    row = state.of(entity).get(key)
    return (row.get("title") or row.get("name") or key) if row else key


def title_of(item, before, after, names):
    values = item.after or {}
    if item.entity not in ("position", "department"):
        return other_words(item, after, names), ""
    old, new = label(before, item.entity, item.key), label(after, item.entity, item.key)
    if item.op == ChangeOp.CREATE:
        return new, place_words(after, item.entity, values)
    if "title" in values or "name" in values:
        return f"{old} → {new}", ""
    if "parent" in values:
        above = label(after, item.entity, values["parent"]) if values["parent"] else _("nobody above")
        return f"{new} → {above}", place_words(after, item.entity, values) if "department" in values else ""
    if "status" in values:
        return new, ""
    return new, "、".join(Words([], before, after).fields(item))


def place_words(state, entity, values):
    return (
        label(state, "department", values["department"])
        if entity == "position" and values.get("department")
        else ""
    )


def other_words(item, after, names):
    values = {**(item.before or {}), **(item.after or {})}
    if item.entity == "assignment":
        row = after.assignments.get(item.key, values)
        who = names.get(row.get("employee"), row.get("employee"))
        return f"{who} · {label(after, 'position', row.get('position'))}"
    return item.key
