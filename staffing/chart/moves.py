"""What it means in rows when a card is put under another one, and other edits of a draft. Pure."""

from django.utils.text import slugify
from django.utils.translation import gettext as _
from pypinyin import Style, lazy_pinyin

from opsadmin.core.refusals import Refusal
from staffing.chart.tree import COMPANY, DEPARTMENTS


def moves(chart, card, onto):
    """Return [(kind of row, key, new values)] of a move. Raises Refusal where the card cannot stand there."""
    if not (chart.knows(card) and chart.knows(onto)) or card == COMPANY:
        raise Refusal(_("This card is no longer there: load the chart again."), code="gone")
    if onto == card or card in chart.tree.path(onto):
        raise Refusal(_("A card cannot stand below itself: this would form a circle."), code="circle")
    if chart.tree.parent[card] == onto:
        raise Refusal(_("It stands there already."), code="same")
    if card.startswith("d:"):
        return department_moves(chart, card[2:], onto)
    return position_moves(chart, card[2:], onto)


def position_moves(chart, code, onto):
    """A position gets the superior it is put under; with it the department, unless it heads its own."""
    row = chart.source.positions[code]
    if chart.lens == DEPARTMENTS:
        raise Refusal(_("Positions are moved in the lens of positions."), code="kind")
    after = {"parent": superior_at(chart, onto)}
    department = department_at(chart, onto)
    if not row["head"] and department and department != row["department"]:
        after["department"] = department
    return [("position", code, changed(row, after))]


def department_moves(chart, code, onto):
    """A department goes into another one; its head, or its people where it has none, get the superior there."""
    row = chart.source.departments[code]
    target = department_at(chart, onto)
    if onto.startswith("p:") and not chart.source.positions[onto[2:]]["head"]:
        raise Refusal(_("A department goes below a head of a department."), code="kind")
    if target is not None and code in (target, *above(chart, target)):
        raise Refusal(_("A department cannot be part of itself."), code="circle")
    found = [("department", code, {"parent": target})]
    old, new = head_above(chart, row["parent"]), head_above(chart, target)
    if old != new:
        found += [("position", post, {"parent": new}) for post in reporting(chart, code, old)]
    return found


def above(chart, department):
    rows, seen = chart.source.departments, set()
    while department in rows and department not in seen:
        seen.add(department)
        department = rows[department]["parent"]
    return seen


def head_above(chart, department):
    """Return the head of a department, or of the next one above it that has one."""
    rows, seen = chart.source.departments, set()
    while department in rows and department not in seen:
        if department in chart.heads:
            return chart.heads[department]
        seen.add(department)
        department = rows[department]["parent"]
    return None


def reporting(chart, department, superior):
    """Return the positions of a department that name a superior outside: its head, or all of them."""
    return [
        code
        for code, row in chart.source.positions.items()
        if superior is not None and row["department"] == department and row["parent"] == superior
    ]


def superior_at(chart, onto):
    if onto.startswith("p:"):
        return onto[2:]
    return head_above(chart, onto[2:]) if onto.startswith("d:") else None


def department_at(chart, onto):
    if onto == COMPANY:
        return None
    return onto[2:] if onto.startswith("d:") else chart.source.positions[onto[2:]]["department"]


def changed(row, after):
    """Return those values that differ from the row."""
    found = {name: value for name, value in after.items() if row[name] != value}
    if not found:
        raise Refusal(_("It stands there already."), code="same")
    return found


def new_post(chart, onto, title, low, high):
    """Return (code, values) of a new position below a card."""
    department = department_at(chart, onto)
    if department is None:
        raise Refusal(_("Choose the department first: a position stands in one."), code="kind")
    initials = slugify("".join(lazy_pinyin(title, style=Style.FIRST_LETTER)))[:20] or "post"
    code, number = f"{department}-{initials}", 1
    while code in chart.source.positions:
        number += 1
        code = f"{department}-{initials}-{number}"
    values = {"title": title, "department": department, "parent": superior_at(chart, onto)}
    return code, values | {"plan_min": low, "plan_max": high}
