"""Who stands under whom on the chart. Pure: rows in, a tree of card ids out; bad data never loses a card.

A card is ``p:code`` (a position) or ``d:code`` (a department); ``c:`` is the company. In the lens of positions a
department is a card of its own only where it has no head: its people hang under it, and it hangs where they report.
"""

from dataclasses import dataclass, field

COMPANY = "c:"
POSITIONS, DEPARTMENTS = "positions", "departments"


@dataclass
class Tree:
    """``parent`` and ``children`` by card; ``broken`` are cards whose superiors form a circle, put at the top."""

    source: object
    parent: dict
    children: dict = field(default_factory=dict)
    broken: set = field(default_factory=set)

    def kids(self, card):
        """Return the cards right below a card, in order: its own department first, then by the order of the rows."""
        found = self.children.get(card, ())
        if len(found) < 2:
            return found
        row = self.source.positions.get(card[2:]) if card.startswith("p:") else None
        own = row["department"] if row else card[2:]
        return sorted(found, key=lambda child: rank_of(self.source, child, own))

    def path(self, card):
        """Return the cards from the top down to a card, itself included."""
        found = [card]
        while (card := self.parent.get(card)) is not None:
            found.append(card)
        return found[::-1]

    def below(self, card):
        """Return every card below a card, parents first."""
        found, waiting = [], list(self.children.get(card, ()))
        while waiting:
            found += waiting
            waiting = [child for one in waiting for child in self.children.get(one, ())]
        return found


def tree_of(source, lens):
    """Return the tree of a lens."""
    parent = positions_above(source) if lens == POSITIONS else departments_above(source)
    children = {}
    for card, above in parent.items():
        children.setdefault(above, []).append(card)
    tree = Tree(source, parent, children)
    if len(tree.below(COMPANY)) < len(parent):
        mend(tree)
    return tree


def departments_above(source):
    rows = source.departments
    return {
        f"d:{code}": f"d:{row['parent']}" if row["parent"] in rows and row["parent"] != code else COMPANY
        for code, row in rows.items()
    }


def heads_of(source):
    return {row["department"]: code for code, row in source.positions.items() if row["head"]}


def positions_above(source):
    """Return {card: card above}: the superior named, else the head of the department or of one above it."""
    heads = heads_of(source)
    places = {code: place_of(source, heads, code) for code in source.departments}
    parent = {f"d:{code}": places[code] for code in source.departments if code not in heads}
    for code, row in source.positions.items():
        parent[f"p:{code}"] = post_above(source, heads, places, code, row)
    return parent


def place_of(source, heads, department):
    """Return the card above a whole department: the next head above it, or a headless department, or the company."""
    above = source.departments[department]["parent"]
    if above is None or above not in source.departments or above == department:
        return COMPANY
    return f"p:{heads[above]}" if above in heads else f"d:{above}"


def post_above(source, heads, places, code, row):
    department, parent = row["department"], row["parent"]
    head = heads.get(department)
    if parent in source.positions and parent != code:
        card = f"p:{parent}"
        headless = head is None and department in source.departments
        return f"d:{department}" if headless and places[department] == card else card
    if head is not None and head != code:
        return f"p:{head}"
    if department not in source.departments:
        return COMPANY
    return places[department] if head == code else f"d:{department}"


def mend(tree):
    """Hang cards that stand in a circle under the company, so that none is lost; keep which they are."""
    reached = {COMPANY, *tree.below(COMPANY)}
    for card in list(tree.parent):
        if card in reached:
            continue
        loop = circle_from(tree, card)
        tree.broken.update(loop)
        first = min(loop)
        tree.children[tree.parent[first]].remove(first)
        tree.parent[first] = COMPANY
        tree.children.setdefault(COMPANY, []).append(first)
        reached.update([first, *tree.below(first)])


def circle_from(tree, card):
    """Return the cards of the circle that a way upwards ends in."""
    seen = []
    while card not in seen:
        seen.append(card)
        card = tree.parent[card]
    return seen[seen.index(card) :]


def rank_of(source, card, own):
    """Return what a card is sorted by among those beside it."""
    code = card[2:]
    if card.startswith("d:"):
        row = source.departments[code]
        return True, row["order"], code, 0, ""
    row = source.positions[code]
    department = source.departments.get(row["department"])
    order = (department["order"], row["department"]) if department else (0, "")
    return row["department"] != own, *order, row["order"] + 1, code
