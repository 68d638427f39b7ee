"""The chart on paper: one page per department, cards at 9 points or more, links between the pages."""

import json
from collections import defaultdict
from datetime import UTC
from functools import cache
from pathlib import Path

import typst
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsadmin.core.refusals import Refusal
from orgchart.models import DepartmentKind
from staffing.chart.source import in_order
from staffing.chart.tree import COMPANY, DEPARTMENTS, tree_of
from staffing.chart.view import range_words

HERE = Path(__file__).parent
# Millimetres: landscape sheets, a card with its gap, what head and foot of a page take.
PAPERS = (("a4", 297, 210), ("a3", 420, 297), ("a2", 594, 420), ("a1", 841, 594), ("a0", 1189, 841))
CARD, STEP, MARGIN, FRAME = 46, 19, 12, 64
MOST_PAGES = 300


def chart_pdf(chart, root, version):
    """Return the PDF of the departments in a view; every position of theirs stands on one page.

    Raises Refusal for more departments than MOST_PAGES.
    """
    index = Index(chart)
    departments = departments_in(chart, root)
    if len(departments) > MOST_PAGES:
        sentence = _(
            "This view has %(n)s departments, a PDF takes %(most)s at most: open one of them in the chart first."
        )
        raise Refusal(sentence % {"n": len(departments), "most": MOST_PAGES}, code="size")
    holders = chart.source.holders_of([post for code in departments for post in index.posts_of(code)])
    known = set(departments)
    pages = [page_of(index, code, known, holders) for code in departments]
    content = {
        "title": _("Organisation chart"),
        "foot": _("v%(version)s · %(date)s · %(n)s cards")
        % {
            "version": version,
            "date": chart.source.on.isoformat(),
            "n": sum(page["cards"] for page in pages),
        },
        "departments": _("Departments"),
        "pages": pages,
    }
    return typst.compile(
        HERE / "chart.typ",
        font_paths=fonts(),
        sys_inputs={"chart": json.dumps(content, ensure_ascii=False)},
        timestamp=timezone.now().astimezone(UTC).replace(microsecond=0),
    )


class Index:
    """The rows of a chart by the department that they stand in, read once for all pages."""

    def __init__(self, chart):
        self.chart = chart
        self.rows = chart.source.departments
        self.posts, self.parts = defaultdict(list), defaultdict(list)
        for code, row in in_order(chart.source.positions).items():
            self.posts[row["department"]].append(code)
        for code, row in self.rows.items():
            self.parts[row["parent"]].append(code)

    def groups_of(self, code):
        """Return the groups that are drawn on a department's page, those inside groups too."""
        found = []
        for one in self.parts[code]:
            if on_page_above(self.rows, one):
                found += [one, *self.groups_of(one)]
        return found

    def posts_of(self, code):
        """Return the positions on a department's page."""
        return [post for one in (code, *self.groups_of(code)) for post in self.posts[one]]


@cache
def fonts():
    """Only the fonts that the printed form ships, so that the chart looks the same on every machine."""
    folder = str(settings.BASE_DIR / "approvals" / "archive" / "fonts")
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def departments_in(chart, root):
    """Return the codes of the departments of a view that have a page, parents first; groups stand on another's."""
    tree = tree_of(chart.source, DEPARTMENTS)
    card = root
    if root.startswith("p:"):
        card = f"d:{chart.source.positions[root[2:]]['department']}"
    first = [] if card == COMPANY else [card]
    rows = chart.source.departments
    return [
        one[2:] for one in first + in_depth(tree, card) if one in first or not on_page_above(rows, one[2:])
    ]


def on_page_above(rows, code):
    """Whether a department is drawn on the page of the one above it."""
    return rows[code]["kind"] == DepartmentKind.GROUP and rows[code]["parent"] in rows


def in_depth(tree, card):
    found = []
    for child in tree.kids(card):
        found += [child, *in_depth(tree, child)]
    return found


def page_of(index, code, departments, holders):
    """Return one page: who heads the department, its columns of positions, the departments in it."""
    chart, rows, groups = index.chart, index.rows, index.groups_of(code)
    row, posts = rows[code], index.posts
    head = chart.heads.get(code)
    columns = [(None, column) for column in columns_of(chart, posts[code], head)]
    columns += [(group, group_column(chart, posts[group])) for group in groups]
    parts = [one for one in index.parts[code] if one not in groups]
    paper, across = paper_for([len(column) + (group is not None) for group, column in columns], len(parts))
    return {
        "code": code,
        "title": row["name"],
        "above": row["parent"] if row["parent"] in departments else None,
        "above_title": rows[row["parent"]]["name"] if row["parent"] in rows else "",
        "figures": figures_words(chart.by_department[code]),
        "paper": paper,
        "across": across,
        "head": card_words(chart, head, holders, 0) if head else None,
        "no_head": _("No head position"),
        "columns": [
            {
                "group": part_words(chart, group, linked=False) if group else None,
                "cards": [card_words(chart, post, holders, level) for post, level in column],
            }
            for group, column in columns
        ],
        "parts": [part_words(chart, part, part in departments) for part in parts],
        "cards": len(index.posts_of(code)),
    }


def figures_words(seats):
    words = [
        f"{pgettext('headcount', 'Plan')} {range_words(seats) or '—'}",
        f"{pgettext('headcount', 'Filled')} {seats.filled}",
    ]
    if seats.short:
        words.append(pgettext("headcount", "Short %(n)s") % {"n": seats.short})
    if seats.open:
        words.append(pgettext("headcount", "Open %(n)s") % {"n": seats.open})
    return " · ".join(words)


def columns_of(chart, own, head):
    """Return the positions of a department, its head left out, as columns of (position, indent)."""
    tops, below = nested(chart, own, head)
    columns = [walked(below, post, 0) for post in tops]
    long = [column for column in columns if len(column) > 1]
    single = [column[0] for column in columns if len(column) == 1]
    return long + [single[at : at + 8] for at in range(0, len(single), 8)]


def group_column(chart, own):
    """Return the positions of a group as one column of (position, indent)."""
    tops, below = nested(chart, own, None)
    return [entry for post in tops for entry in walked(below, post, 0)]


def nested(chart, own, head):
    """Return (positions at the top of a department, {position: those below it there}); the head is left out."""
    inside = set(own)
    below = {post: [] for post in own}
    tops = []
    for post in own:
        above = chart.source.positions[post]["parent"]
        if post == head:
            continue
        if above in inside and above != head and not circular(chart, post):
            below[above].append(post)
        else:
            tops.append(post)
    return tops, below


def circular(chart, post):
    seen, rows = set(), chart.source.positions
    while post in rows and post not in seen:
        seen.add(post)
        post = rows[post]["parent"]
    return post in seen


def walked(below, post, level):
    found = [(post, level)]
    for child in below[post]:
        found += walked(below, child, min(level + 1, 2))
    return found


def paper_for(lengths, parts):
    """Return the smallest sheet on which columns of these lengths fit, and how many stand beside each other."""
    for name, width, height in PAPERS:
        across = (width - 2 * MARGIN + 4) // (CARD + 4)
        rows = [max(lengths[at : at + across]) for at in range(0, len(lengths), across)]
        used = FRAME + sum(row * STEP + 6 for row in rows) + -(-parts // across) * STEP
        if used <= height:
            return name, across
    return "a0", across


def card_words(chart, code, holders, level):
    row, seats = chart.source.positions[code], chart.seats[code]
    people = "、".join(name_words(one) for one in holders.get(code, ()))
    planned = range_words(seats)
    filled = seats.filled + seats.unplanned_filled
    return {
        "title": cut(row["title"], 9 - level * 0.6),
        "people": cut(people, 18 - level * 1.2) or (_("Vacant") if seats.short else _("Nobody assigned")),
        "count": f"{filled}/{planned}"
        if planned
        else (f"{filled}/{pgettext('headcount', 'no plan')}" if filled else _("No plan")),
        "short": bool(seats.short),
        "tentative": row["tentative"],
        "state": " · ".join(state_words(row, seats)),
        "level": level,
    }


def state_words(row, seats):
    """Yield what is unusual about a position, in words: on paper no colour has to be seen."""
    if seats.short:
        yield pgettext("headcount", "Short %(n)s") % {"n": seats.short}
    if row["tentative"]:
        yield _("Tentative")
    if row["guessed"]:
        yield _("To be confirmed")


def cut(text, most):
    """Return a text of at most so many Chinese characters' width, with an ellipsis where it was longer."""
    width, kept = 0, ""
    for char in text:
        width += 1 if ord(char) > 0x2E80 else 0.6
        if width > most:
            return f"{kept}…"
        kept += char
    return kept


def name_words(holder):
    marks = {
        "concurrent": pgettext("mark", "C"),
        "seconded": pgettext("mark", "S"),
        "acting": pgettext("mark", "A"),
    }
    return f"{holder.name}（{marks[holder.kind]}）" if holder.kind in marks else holder.name


def part_words(chart, code, linked):
    seats = chart.by_department[code]
    return {
        "code": code if linked else None,
        "title": cut(chart.source.departments[code]["name"], 12),
        "figures": cut(figures_words(seats), 12.5),
        "short": bool(seats.short),
    }
