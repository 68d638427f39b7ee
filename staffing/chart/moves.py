"""What it means in rows when a card is put under another one, and other edits of a draft. Pure."""

from django.utils.text import slugify
from django.utils.translation import gettext as _

from opsadmin.core.refusals import Refusal
from staffing.chart.tree import COMPANY, DEPARTMENTS


def moves(chart, card, onto, before="", behind=""):
    """Return [(kind of row, key, new values)] of a move. Raises Refusal where the card cannot stand there.

    ``before`` or ``behind`` name a card below ``onto``: the order of those beside it then changes too.
    """
    if not (chart.knows(card) and chart.knows(onto)) or card == COMPANY:
        raise Refusal(_("This card is no longer there: load the chart again."), code="gone")
    if onto == card or card in chart.tree.path(onto):
        raise Refusal(_("A card cannot stand below itself: this would form a circle."), code="circle")
    found = [] if chart.tree.parent[card] == onto else moved_below(chart, card, onto)
    orders = places(chart, card, onto, before or behind, bool(before), found)
    if not found and not orders:
        raise Refusal(_("It stands there already."), code="same")
    return joined([*found, *orders])


def moved_below(chart, card, onto):
    if card.startswith("d:"):
        return department_moves(chart, card[2:], onto)
    return position_moves(chart, card[2:], onto)


def places(chart, card, onto, beside, before, moved):
    """Return the rows whose ``order`` changes when a card is put beside another one: as few as will do.

    Departments stand beside departments, positions beside those of the same department; beside anything else the
    order stays as it is.
    """
    if not beside or not chart.knows(beside) or beside[:2] != card[:2]:
        return []
    is_post = card.startswith("p:")
    rows = chart.source.positions if is_post else chart.source.departments
    own = rows[card[2:]] | (moved[0][2] if moved else {})
    row = [
        one
        for one in chart.tree.kids(onto)
        if one != card
        and one[:2] == card[:2]
        and (not is_post or rows[one[2:]]["department"] == own["department"])
    ]
    if beside not in row:
        return []
    at = row.index(beside) + (not before)
    changed_orders = renumbered([rows[one[2:]]["order"] for one in row], at, own["order"])
    row.insert(at, card)
    entity = "position" if is_post else "department"
    return [(entity, row[place][2:], {"order": order}) for place, order in changed_orders.items()]


def renumbered(orders, at, own):
    """Return {place: order} of what changes when one with the order ``own`` is put at a place of an ascending row."""
    sequence = [*orders[:at], own, *orders[at:]]
    last, found = sequence[at - 1] if at else -1, {}
    for place in range(at, len(sequence)):
        fits = sequence[place] > last
        tight = place == at and place + 1 < len(sequence) and sequence[place] >= sequence[place + 1]
        if fits and not tight:
            if place > at:
                break
        elif sequence[place] != last + 1:
            sequence[place] = found[place] = last + 1
        last = sequence[place]
    return found


def joined(found):
    """Return the changes with those of one row as one change."""
    rows = {}
    for entity, key, after in found:
        rows.setdefault((entity, key), {}).update(after)
    return [(entity, key, after) for (entity, key), after in rows.items()]


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
    from pypinyin import Style, lazy_pinyin

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
