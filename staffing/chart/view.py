"""What one view of the chart shows, as JSON values: its cards, its figures, and what lies outside. Pure."""

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from django.utils.translation import gettext as _

from staffing.chart.source import Source
from staffing.chart.tree import COMPANY, DEPARTMENTS, POSITIONS, Tree, tree_of

# More cards than this are never sent at once: the depth is lowered instead, and the reader is told.
MOST_CARDS = 3_000


@dataclass
class Seats:
    """Plan and people of some positions. A tentative position, or one without a plan, approves nothing."""

    plan_min: int = 0
    plan_max: int = 0
    filled: int = 0
    short: int = 0
    open: int = 0
    posts: int = 0
    unplanned: int = 0
    unplanned_filled: int = 0
    tentative: int = 0

    def add(self, other):
        self.plan_min += other.plan_min
        self.plan_max += other.plan_max
        self.filled += other.filled
        self.short += other.short
        self.open += other.open
        self.posts += other.posts
        self.unplanned += other.unplanned
        self.unplanned_filled += other.unplanned_filled
        self.tentative += other.tentative

    def add_position(self, row, filled):
        """Count one position in; written out, since it is done for every position of a company."""
        low, high = row["plan_min"], row["plan_max"]
        self.posts += 1
        if row["tentative"] or (low is None and high is None):
            self.unplanned += 1
            self.unplanned_filled += filled
            self.tentative += row["tentative"]
            return
        low = low or 0
        most = low if high is None else high
        self.plan_min += low
        self.plan_max += most
        self.filled += filled
        if filled < low:
            self.short += low - filled
        if most > max(filled, low):
            self.open += most - max(filled, low)

    @property
    def planned(self):
        return self.posts > self.unplanned


def seats_of(row, filled):
    """Return the seats of one position."""
    seats = Seats()
    seats.add_position(row, filled)
    return seats


class SeatsByPosition(dict):
    """{position: Seats}; a company has more positions than a view shows, so each is counted when it is asked for."""

    def __init__(self, source):
        self.source = source

    def __missing__(self, code):
        return self.setdefault(code, seats_of(self.source.positions[code], self.source.filled(code)))


@dataclass
class Chart:
    """A source seen through a lens."""

    source: Source
    lens: str
    tree: Tree = field(init=False)

    def __post_init__(self):
        self.tree = tree_of(self.source, self.lens)

    @cached_property
    def order(self):
        """All cards, parents first."""
        return self.tree.below(COMPANY)

    @cached_property
    def seats(self):
        """{position: Seats}, counted when it is asked for."""
        return SeatsByPosition(self.source)

    @cached_property
    def by_department(self):
        """{department: Seats} with everything below it."""
        totals = {code: Seats() for code in self.source.departments}
        for code, row in self.source.positions.items():
            if row["department"] in totals:
                totals[row["department"]].add_position(row, self.source.filled(code))
        tree = self.tree if self.lens == DEPARTMENTS else tree_of(self.source, DEPARTMENTS)
        for card in reversed(tree.below(COMPANY)):
            above = tree.parent[card]
            if above != COMPANY:
                totals[above[2:]].add(totals[card[2:]])
        return totals

    @cached_property
    def whole(self):
        """The seats of all positions."""
        return self.total(self.source.positions)

    def total(self, codes):
        """Return the seats of some positions. The usual ones are counted here: there may be fifty thousand."""
        total, rows, counts = Seats(), self.source.positions, self.source.counts
        plan_min = plan_max = filled = short = 0
        for code in codes:
            row = rows[code]
            low, high = row["plan_min"], row["plan_max"]
            seated = counts[code]["seated"] if code in counts else 0
            if low is None or row["tentative"] or (high is not None and high != low):
                total.add_position(row, seated)
                continue
            plan_min += low
            plan_max += low
            filled += seated
            if seated < low:
                short += low - seated
            total.posts += 1
        total.add(Seats(plan_min, plan_max, filled, short))
        return total

    @cached_property
    def posts_below(self):
        """{card: number of positions below it}; in the lens of departments, of departments."""
        counted, parent, every = defaultdict(int), self.tree.parent, self.lens == DEPARTMENTS
        for card in reversed(self.order):
            counted[parent[card]] += counted.get(card, 0) + (every or card[0] == "p")
        return counted

    @cached_property
    def spans(self):
        """{card: number of positions that report to it}, through departments without a head."""
        spans, parent = defaultdict(int), self.tree.parent
        for card in reversed(self.order):
            spans[parent[card]] += 1 if card[0] == "p" else spans.get(card, 0)
        return spans

    @cached_property
    def heads(self):
        return {
            row["department"]: code for code, row in reversed(self.source.positions.items()) if row["head"]
        }

    def knows(self, card):
        return card == COMPANY or card in self.tree.parent

    def card_of(self, code):
        """Return the card of a department or position by its code or card id; the company for nothing."""
        if not code or code == COMPANY:
            return COMPANY
        plain = code[2:] if code[:2] in ("p:", "d:") else code
        head = self.heads.get(plain)
        other = self.source.positions.get(plain, {}).get("department")
        for card in (code, f"d:{plain}", f"p:{head}", f"p:{plain}", f"d:{other}"):
            if self.knows(card):
                return card
        return None

    def within(self, root, depth):
        """Return the cards of the view, parents first, and the depth that was possible; None is everything."""
        cards, row, level = [root], [root], 0
        while row and (depth is None or level < depth):
            row = [child for card in row for child in self.tree.kids(card)]
            if len(cards) + len(row) > MOST_CARDS:
                return cards, level
            cards += row
            level += 1
        return cards, depth

    def layers(self, root):
        """Return how many positions stand above each other at most, the root included."""
        layer, parent = {root: int(root.startswith("p:"))}, self.tree.parent
        for card in self.order if root == COMPANY else self.tree.below(root):
            layer[card] = layer[parent[card]] + (card[0] == "p")
        return max(layer.values())


def plan_words(row):
    """Return "1", "1–2", "0–4"; nothing where no headcount is planned."""
    low, high = row["plan_min"], row["plan_max"]
    if low is None and high is None:
        return ""
    if high is None:
        return _("%(n)d or more") % {"n": low}
    return str(high) if low == high else f"{low or 0}–{high}"


def range_words(seats):
    if not seats.planned:
        return ""
    low, high = seats.plan_min, seats.plan_max
    return str(low) if low == high else f"{low}–{high}"


def node(chart, card, holders, since, dotted):
    """Return one card as JSON values."""
    made = {
        "id": card,
        "parent": chart.tree.parent.get(card),
        "below": chart.posts_below.get(card, 0),
        "children": len(chart.tree.children.get(card, ())),
        "span": chart.spans.get(card, 0),
        "broken": card in chart.tree.broken,
    }
    if card == COMPANY:
        return made | {"kind": "company", "title": _("Whole company"), **totals_of(chart.whole)}
    if card.startswith("d:"):
        return made | department_node(chart, card[2:], holders)
    return made | position_node(chart, card[2:], holders, since, dotted)


def whole(chart):
    """Return the seats of all positions of a chart."""
    return chart.whole


def totals_of(seats):
    return {
        "plan_min": seats.plan_min,
        "plan_max": seats.plan_max,
        "plan_words": range_words(seats),
        "filled": seats.filled,
        "short": seats.short,
        "open": seats.open,
        "posts": seats.posts,
        "unplanned": seats.unplanned,
        "unplanned_filled": seats.unplanned_filled,
    }


def department_node(chart, code, holders):
    row = chart.source.departments[code]
    head = chart.heads.get(code)
    seats = chart.by_department[code]
    return totals_of(seats) | {
        "kind": "department",
        "code": code,
        "title": row["name"],
        "department": code,
        "group": row["kind"],
        "order": row["order"],
        "head": head,
        "head_title": chart.source.positions[head]["title"] if head else "",
        "holders": named(holders.get(head, ())),
        "supporting": row["supporting"],
        "cloneable": row["cloneable"],
        "tentative": row["tentative"] or (seats.posts > 0 and seats.tentative == seats.posts),
        "tentative_posts": seats.tentative,
        "guessed": row["guessed"],
        "status": row["status"],
    }


def position_node(chart, code, holders, since, dotted):
    row = chart.source.positions[code]
    seats = chart.seats[code]
    department = chart.source.departments.get(row["department"])
    filled = chart.source.filled(code)
    return {
        "kind": "position",
        "code": code,
        "title": row["title"],
        "department": row["department"],
        "department_name": department["name"] if department else "",
        "order": row["order"],
        "head": row["head"],
        "plan_min": row["plan_min"],
        "plan_max": row["plan_max"],
        "plan_words": "" if row["tentative"] else plan_words(row),
        "plan_note": row["plan_note"] or plan_words(row),
        "filled": filled,
        "short": seats.short,
        "open": seats.open,
        "holders": named(holders.get(code, ())),
        "tentative": row["tentative"],
        "guessed": row["guessed"],
        "status": row["status"],
        "vacant_days": days_since(chart, since.get(code)) if seats.short else None,
        "dotted": [f"p:{other}" for other in dotted.get(code, ())],
    }


def days_since(chart, day):
    return (chart.source.on - day).days if day else None


def named(held):
    return [
        {"name": one.name, "initials": one.name[:1], "kind": one.kind, "fte": one.fte, "start": one.start}
        for one in held
    ]


def figures(chart, root):
    """Return the figures above the chart: everything in and below the root."""
    cards = [root, *(chart.order if root == COMPANY else chart.tree.below(root))]
    posts = posts_in(chart, root, cards)
    seats = chart.whole if root == COMPANY else chart.total(posts)
    counted = chart.source.counts
    held = counted.values() if root == COMPANY else [counted[code] for code in posts if code in counted]
    spans = chart.spans
    widest = max((c for c in cards if c[0] == "p" and c in spans), key=spans.get, default=None)
    departments = [chart.source.departments[c[2:]] for c in cards if c.startswith("d:")]
    return totals_of(seats) | {
        "concurrent": sum(counts["concurrent"] for counts in held),
        "seconded": sum(counts["seconded"] for counts in held),
        "layers": chart.layers(root),
        "span_max": spans[widest] if widest else 0,
        "span_of": chart.source.positions[widest[2:]]["title"] if widest else "",
        "departments": sum(row["kind"] != "group" for row in departments),
        "groups": sum(row["kind"] == "group" for row in departments),
        "supporting": sum(row["supporting"] for row in departments),
        "cloneable": sum(row["cloneable"] for row in departments),
    }


def posts_in(chart, root, cards):
    """Return the codes of the positions in a view: by superiors, or by the departments that they belong to."""
    if root == COMPANY:
        return chart.source.positions
    if chart.lens == POSITIONS:
        return [card[2:] for card in cards if card[0] == "p"]
    inside = {card[2:] for card in cards}
    return [code for code, row in chart.source.positions.items() if row["department"] in inside]


def view(chart, root, depth):
    """Return what a view shows: its cards and figures, the way to it, and how much lies outside."""
    cards, depth_shown = chart.within(root, depth)
    return {
        "root": root,
        "lens": chart.lens,
        "depth": depth_shown,
        "lowered": depth_shown != depth,
        "nodes": nodes_of(chart, cards),
        "figures": figures(chart, root),
        "path": [crumb(chart, card) for card in chart.tree.path(root)]
        if root != COMPANY
        else [crumb(chart, root)],
        "outside": outside(chart, root),
        "broken": len(chart.tree.broken),
    }


def nodes_of(chart, cards):
    """Return cards as JSON values; asks for the holders, vacancies and second superiors of these alone."""
    codes = [card[2:] for card in cards if card.startswith("p:")]
    heads = [chart.heads[card[2:]] for card in cards if card.startswith("d:") and card[2:] in chart.heads]
    holders = chart.source.holders_of(codes + heads) if codes or heads else {}
    short = [code for code in codes if chart.seats[code].short]
    since = chart.source.vacant_since(short) if short else {}
    dotted = chart.source.dotted_of(codes) if codes else {}
    return [node(chart, card, holders, since, dotted) for card in cards]


def crumb(chart, card):
    return {"id": card, "title": title_of(chart, card)}


def title_of(chart, card):
    if card == COMPANY:
        return _("Whole company")
    if card.startswith("d:"):
        return chart.source.departments[card[2:]]["name"]
    row = chart.source.positions[card[2:]]
    department = chart.source.departments.get(row["department"])
    return department["name"] if row["head"] and department else row["title"]


def outside(chart, root):
    """Return the card above the view and the number of positions (or departments) that the view leaves out."""
    if root == COMPANY:
        return {"above": None, "count": 0}
    inside = chart.posts_below.get(root, 0) + (root.startswith("p:") or chart.lens == DEPARTMENTS)
    above = chart.tree.parent[root]
    title = _("Whole company") if above == COMPANY else card_title(chart, above)
    return {"above": {"id": above, "title": title}, "count": chart.posts_below[COMPANY] - inside}


def card_title(chart, card):
    if card.startswith("d:"):
        return chart.source.departments[card[2:]]["name"]
    return chart.source.positions[card[2:]]["title"]
