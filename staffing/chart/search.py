"""Finding cards by position, department or holder, in Chinese or by pinyin and its initials."""

from functools import lru_cache

from staffing.models import Assignment
from staffing.models.staff import name_key
from staffing.people import people_matching

MOST_HITS = 50
LONGEST = 60


@lru_cache(maxsize=50_000)
def key_of(title):
    return name_key(title)


def matches(title, text, latin):
    return text in title.lower() or (latin and any(part.startswith(text) for part in key_of(title).split()))


def hits(chart, text, root):
    """Return the cards that fit, in the order of the chart: {id, title, where, inside, path}; and how many there are.

    Those inside the view (below ``root``) come first.
    """
    text = " ".join(text.split()).lower()[:LONGEST]
    if not text:
        return [], 0
    found = [card for card in chart.order if fits(chart, card, text)]
    held = positions_of(chart, text)
    cards = dict.fromkeys([*found, *(f"p:{code}" for code in held)])
    made = [hit(chart, card, root) for card in cards if chart.knows(card)]
    made.sort(key=lambda one: not one["inside"])
    return made[:MOST_HITS], len(made)


def fits(chart, card, text):
    rows = chart.source.positions if card.startswith("p:") else chart.source.departments
    row = rows[card[2:]]
    return matches(row.get("title") or row.get("name"), text, text.isascii()) or text == card[2:].lower()


def positions_of(chart, text):
    """Return the codes of the positions that people of that name, number or pinyin hold on the chart's day."""
    held = Assignment.objects.on(chart.source.on).filter(employee__in=people_matching(text))
    return held.order_by("position__code").values_list("position__code", flat=True)[: MOST_HITS * 2]


def hit(chart, card, root):
    path = chart.tree.path(card)
    code = card[2:]
    if card.startswith("p:"):
        row = chart.source.positions[code]
        department = chart.source.departments.get(row["department"])
        title, where = row["title"], department["name"] if department else ""
    else:
        title, where = chart.source.departments[code]["name"], ""
    return {"id": card, "title": title, "where": where, "inside": root in path, "path": path}
