"""A set of changes as pages show it: both trees on the same rows, people, figures before and after, conflicts."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from approvals.guards import words as guard_words
from approvals.organisation.judging import block_hits, share_hits, unconfirmed_hits
from approvals.organisation.reorganising import chart_on, day_of, shown_of
from orgchart.entities import ENTITIES
from orgchart.findings.limits import limits
from orgchart.models import ChangeSet, SetState
from staffing.changewords import MARKS, Words, mark_of, rows_marked
from staffing.chart.source import Holder
from staffing.chart.tree import COMPANY
from staffing.chart.view import plan_words, range_words
from staffing.models import Employee
from staffing.moves import affected_people, in_words

TONES = {"new": "add", "closed": "del", "moved": "mov", "conflict": "conf"}
# So many rows are shown around the changes; beyond that only what changes and the posts right above it.
MOST_AROUND = 60
CONFLICTS = {
    "moved_on": gettext_lazy("The live row has changed since."),
    "gone": gettext_lazy("The live row is no longer there."),
    "exists": gettext_lazy("The row is there already."),
}


@dataclass
class Side:
    """One side of a row: the card before or after, as far as it is there."""

    title: str
    depth: int
    is_post: bool
    holders: list
    seats: str
    short: int
    span: int


@dataclass
class Row:
    """A card of either tree: ``mark`` is what changes most about it, "" where nothing does."""

    card: str
    mark: str = ""
    before: Side = None
    after: Side = None

    @property
    def tone(self):
        return TONES.get(self.mark, "set") if self.mark else ""

    @property
    def word(self):
        return str(MARKS[self.mark]) if self.mark else ""


class Shown:
    """Everything that pages show of one set; each part is computed when it is asked for."""

    def __init__(self, change_set):
        self.change_set = change_set
        self.items = list(change_set.items.order_by("order"))
        self.preview = shown_of(change_set)
        self.day = day_of(change_set)
        self.before = chart_on(self.preview.before, self.day)
        self.after = chart_on(self.preview.after, self.day)

    @cached_property
    def words(self):
        return Words(self.items, self.preview.before, self.preview.after)

    @cached_property
    def sentences(self):
        """[(item, mark, tone, sentence)] in the order of the set."""
        in_conflict = {conflict.item.order for conflict in self.preview.conflicts}
        found = []
        for item in self.items:
            mark = "conflict" if item.order in in_conflict else mark_of(item)
            found.append((item, str(MARKS[mark]), TONES.get(mark, "set"), self.words.sentence(item)))
        return found

    @cached_property
    def marks(self):
        """{card: marks}: what the items change, and posts that get another number of direct reports by it."""
        marks = defaultdict(set)
        for item in self.items:
            if not item.left_out:
                for card in self.cards_of(item):
                    marks[card].add(mark_of(item))
        for conflict in self.preview.conflicts:
            for card in self.cards_of(conflict.item):
                marks[card].add("conflict")
        for card in {above for marked in marks for above in self.above(marked)}:
            if card.startswith("p:") and self.before.spans[card] != self.after.spans[card]:
                marks[card].add("span")
        return marks

    def cards_of(self, item):
        """Return the cards at which an item is shown: after the change, else before it."""
        states = self.preview.before, self.preview.after
        cards = []
        for kind, key in rows_marked(item, *states):
            code = f"{kind[0]}:{key}"
            cards.append(self.after.card_of(code) or self.before.card_of(code))
        return [card for card in dict.fromkeys(cards) if card and card != COMPANY]

    def above(self, card):
        """Return the cards right above a card before and after."""
        found = {self.before.tree.parent.get(card), self.after.tree.parent.get(card)}
        return found - {None, COMPANY}

    @property
    def counts(self):
        """[(word, number)] of the changes by their kind."""
        counts = Counter(mark_of(item) for item in self.items if not item.left_out)
        return [(str(MARKS[mark]), counts[mark]) for mark in MARKS if counts[mark]]

    # ── Rows ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def chosen(self):
        """The cards that are shown: those marked, those right above, and their neighbours while these are few."""
        changed = {card for card, marks in self.marks.items() if marks != {"span"}}
        chosen = set(self.marks) | {above for card in changed for above in self.above(card)}
        beside = set(chosen)
        for chart in (self.before, self.after):
            for card in changed:
                beside.update(chart.tree.children.get(chart.tree.parent.get(card), ()))
        near = {card for card in beside if self.before.tree.parent.get(card) != COMPANY or card in chosen}
        return near if len(near) <= MOST_AROUND else chosen

    @cached_property
    def rows(self):
        """Both trees on the same rows, in the order of the tree afterwards; what is gone stands where it was."""
        after = self.sides(self.after)
        before = {self.becomes(card): side for card, side in self.sides(self.before).items()}
        order = list(after)
        place = -1
        for card in before:
            if card in after:
                place = order.index(card)
            else:
                place += 1
                order.insert(place, card)
        return [Row(card, self.mark(card), before.get(card), after.get(card)) for card in order]

    def becomes(self, card):
        """Return the card that takes the place of one: a department without a head gets the card of its new head."""
        if card.startswith("d:") and not self.after.knows(card):
            return self.after.card_of(card) or card
        return card

    def mark(self, card):
        return next((mark for mark in MARKS if mark in self.marks.get(card, ())), "")

    def sides(self, chart):
        """Return {card: Side} of the chosen cards of a chart, each below the one that it stands under."""
        placed = preorder(chart.tree, self.chosen)
        holders = chart.source.holders_of([card[2:] for card, _depth in placed if card.startswith("p:")])
        return {card: side_of(chart, card, depth, holders) for card, depth in placed}

    # ── People and figures ────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def moves(self):
        return affected_people(
            self.preview.before,
            self.preview.after,
            day_before=self.day - timedelta(days=1),
            day_after=self.day,
        )

    @cached_property
    def people(self):
        """[{name, posts, superiors, notice}] of everybody whose post or superior becomes another one."""
        numbers = [move.employee for move in self.moves]
        names = dict(Employee.objects.filter(number__in=numbers).values_list("number", "name"))
        before, after = self.preview.before, self.preview.after
        return [
            {
                "name": names.get(move.employee, move.employee),
                "posts": pair(titles(before, move.posts_before), titles(after, move.posts_after)),
                "superiors": pair(
                    self.led_by(self.before, move.superior_before),
                    self.led_by(self.after, move.superior_after),
                ),
                "notice": in_words(move, before, after),
            }
            for move in self.moves
        ]

    @property
    def moved(self):
        """(how many get another superior, how many another post)"""
        return (
            sum(move.superior_before != move.superior_after for move in self.moves),
            sum(move.posts_before != move.posts_after for move in self.moves),
        )

    def led_by(self, chart, code):
        """Return a superior in words: the post, and who holds it or that nobody does."""
        row = chart.source.positions.get(code)
        if row is None:
            return pgettext("change", "none")
        held = self.leaders[chart is self.after].get(code)
        who = "、".join(holder.name for holder in held) if held else pgettext("headcount", "vacant")
        return _("%(title)s (%(who)s)") % {"title": row["title"], "who": who}

    @cached_property
    def leaders(self):
        """The holders of all posts that are a superior in some move: (before, after)."""
        codes = {move.superior_before for move in self.moves} | {move.superior_after for move in self.moves}
        sides = (self.before.source, self.after.source)
        return [source.holders_of(sorted(codes & source.positions.keys())) for source in sides]

    @cached_property
    def metrics(self):
        """[(word, before, after, tone)]"""
        return compared(figures(self.before), figures(self.after), limits().span_max)

    # ── What stops it, or should be thought over ──────────────────────────────────────────────────────────────────

    @cached_property
    def stops(self):
        """[{code, title, words, remedy}] of what the guard refuses beside conflicts and broken rules."""
        if self.change_set.state == SetState.APPLIED:
            return []
        before, after = self.preview.before, self.preview.after
        return [told(hit) for hit in (*block_hits(before, after), *unconfirmed_hits(before, after))]

    @cached_property
    def warnings(self):
        """[{code, title, words, remedy}] of people who get more than a full time."""
        return [told(hit) for hit in share_hits(self.preview, self.day)]

    # ── Conflicts ─────────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def conflicts(self):
        """What is live against what the draft wants, one entry for each item, with the fields that differ."""
        return [self.conflict(conflict) for conflict in self.preview.conflicts]

    def conflict(self, conflict):
        kind = ENTITIES[conflict.item.entity]
        shown = {
            name: [self.words.shown(kind, name, value) for value in values]
            for name, values in conflict.fields.items()
        }
        return {
            "item": conflict.item,
            "subject": self.words.subject(conflict.item),
            "sentence": self.words.sentence(conflict.item),
            "why": CONFLICTS[conflict.kind],
            "fields": [(self.words.label(kind, name), *values) for name, values in shown.items()],
            "live": "、".join(values[1] for values in shown.values()),
            "draft": "、".join(values[2] for values in shown.values()),
            "draft_possible": conflict.kind == "moved_on",
        }


def told(hit):
    """Return a hit in words."""
    return {
        "code": hit.code,
        "title": guard_words.sentence(hit.code, hit.variant),
        "words": guard_words.detail(hit),
        "remedy": guard_words.remedy(hit.code, hit.variant),
    }


def pair(old, new):
    return {"old": old, "new": new, "same": old == new}


def titles(state, posts):
    rows = [state.positions[post]["title"] for post in posts if post in state.positions]
    return "、".join(rows) or pgettext("change", "none")


def preorder(tree, chosen):
    """Return [(card, depth)] of the chosen cards, each after the one above it; depth counts chosen cards only."""
    found, waiting = [], [(COMPANY, 0)]
    ways = {above for card in chosen if card in tree.parent for above in tree.path(card)}
    while waiting:
        card, depth = waiting.pop()
        if card in chosen:
            found.append((card, depth))
            depth += 1
        waiting += [(child, depth) for child in reversed(tree.kids(card)) if child in ways]
    return found


def side_of(chart, card, depth, holders):
    if card.startswith("d:"):
        name = chart.source.departments[card[2:]]["name"]
        return Side(_("%(name)s (no head position)") % {"name": name}, depth, False, [], "", 0, 0)
    code = card[2:]
    row, seats = chart.source.positions[code], chart.seats[code]
    plan = plan_words(row)
    return Side(
        title=row["title"],
        depth=depth,
        is_post=True,
        holders=[(holder.name, mark_for(holder)) for holder in holders.get(code, ())][:3],
        seats=f"{chart.source.filled(code)}/{plan}" if plan else "",
        short=seats.short,
        span=chart.spans[card],
    )


def mark_for(holder: Holder):
    """Return the sign behind a holder who is not the primary one."""
    return {
        "concurrent": pgettext("mark", "C"),
        "seconded": pgettext("mark", "S"),
        "acting": pgettext("mark", "A"),
    }.get(holder.kind, "")


@dataclass(frozen=True)
class Figures:
    departments: int
    positions: int
    plan: str
    filled: int
    short: int
    span: int
    layers: int
    several: int


def figures(chart):
    """Return an organisation in a few figures; ``several`` is how many assignments are concurrent ones."""
    seats = chart.whole
    posts = [count for card, count in chart.spans.items() if card.startswith("p:")]
    return Figures(
        departments=len(chart.source.departments),
        positions=len(chart.source.positions),
        plan=range_words(seats) or "0",
        filled=sum(chart.source.filled(code) for code in chart.source.positions),
        short=seats.short,
        span=max(posts, default=0),
        layers=chart.layers(COMPANY),
        several=sum(counts["concurrent"] for counts in chart.source.counts.values()),
    )


def figure_words():
    """{name: (word, whether less is better)}; None says neither."""
    return {
        "plan": (pgettext("headcount", "Plan"), None),
        "filled": (pgettext("headcount", "Filled"), None),
        "short": (pgettext("headcount", "Short"), True),
        "span": (_("Largest span"), True),
        "layers": (pgettext("chart", "Layers"), True),
        "several": (_("Concurrent"), True),
        "positions": (pgettext("job", "Positions"), None),
        "departments": (_("Departments"), None),
    }


def compared(old, new, most):
    """Return [(word, old, new, tone)]: better, worse or the same; ``most`` is the limit of direct reports."""
    found = []
    for name, (word, less_is_better) in figure_words().items():
        was, now = getattr(old, name), getattr(new, name)
        tone = ""
        if less_is_better and was != now:
            tone = "ok" if now < was else "sign"
        if name == "span" and now > most and now == was:
            tone = "warn"
        found.append((word, was, now, tone))
    return found


def show(change_set):
    return Shown(change_set)


def scenarios_beside(change_set):
    """Return the other drafts that a set can be put beside, newest first."""
    drafts = ChangeSet.objects.filter(state=SetState.DRAFT, kind=change_set.kind)
    return drafts.exclude(pk=change_set.pk).order_by("-pk")[:20]
