"""How a reorganisation is judged: conflicts, broken rules and new blocks stop it, the rest asks for a reason."""

from approvals.kinds import specific
from approvals.organisation.hits import Hit, keep_hits
from approvals.organisation.reorganising import chart_on, day_of, shown_of
from orgchart.findings import blocks_made
from orgchart.findings.limits import limits
from orgchart.findings.plans import unconfirmed_made
from orgchart.findings.words import subjects
from staffing.chart.tree import COMPANY
from staffing.findings import names_of
from staffing.shares import overworked_by


def judge(document):
    """Write the hits of a reorganisation."""
    own = specific(document)
    shown, day = shown_of(own.change_set), day_of(own.change_set)
    lines = {line.row_no: line for line in own.lines.all()}
    before, after, within = chart_on(shown.before, day), chart_on(shown.after, day), limits()
    hits = [
        *(conflict_hit(conflict, lines) for conflict in shown.conflicts),
        *(fault_hit(fault) for fault in shown.faults),
        *block_hits(shown.before, shown.after),
        *unconfirmed_hits(shown.before, shown.after),
        *span_hits(before, after, within.span_max),
        *layer_hits(before, after, within.layers_max),
        *vacancy_hits(before, after),
        *share_hits(shown, day),
    ]
    keep_hits(document, hits, lines=len(lines), struck=sum(line.struck for line in lines.values()))


def conflict_hit(conflict, lines):
    line = lines.get(conflict.item.order)
    witness = {"words": line.words if line else conflict.item.key}
    return Hit("R01", "block", conflict.kind, conflict.item.key, line=line, witness=witness)


def fault_hit(fault):
    return Hit("R02", "block", "rule", fault.rule, witness={"message": fault.message[:300]})


def block_hits(before, after):
    """Refuse what would be a blocking finding, unless it stands already."""
    for found in blocks_made(before, after):
        yield Hit("R06", "block", found.rule, witness={"words": subjects(found.evidence)})


def unconfirmed_hits(before, after):
    """Refuse guessed posts among the approved headcount, unless they are there already."""
    posts = unconfirmed_made(before, after)
    if posts:
        yield Hit("R07", "block", "unconfirmed", str(len(posts)), witness={"words": titles(posts)})


def titles(posts, most=8):
    """Return the titles of posts in one line: the first ones, and how many there are in all."""
    names = [row["title"] for row in posts]
    return "、".join(names[:most]) + (f" …{len(names)}" if len(names) > most else "")


def span_hits(before, after, most):
    """Warn of posts to which more report than the limit allows, where the change adds to it."""
    wide = {
        card: span
        for card, span in after.spans.items()
        if card.startswith("p:") and span > max(most, before.spans[card])
    }
    if wide:
        yield Hit("R03", "warn", "span", named(after, wide), f"≤ {most}")


def named(chart, cards):
    """Return cards with their figures: "运营主管 12、经理 9"."""
    rows = chart.source.positions
    return "、".join(f"{rows[card[2:]]['title']} {figure}" for card, figure in sorted(cards.items()))


def layer_hits(before, after, most):
    layers = after.layers(COMPANY)
    if layers > max(most, before.layers(COMPANY)):
        yield Hit("R04", "warn", "layers", str(layers), f"≤ {most}")


def vacancy_hits(before, after):
    """Warn of posts that get people below them while nobody holds them, not even acting."""
    vacant = [
        code
        for code in after.source.positions
        if after.spans[f"p:{code}"]
        and not after.source.counts.get(code)
        and gained(before, after, f"p:{code}")
    ]
    if vacant:
        names = "、".join(after.source.positions[code]["title"] for code in sorted(vacant))
        yield Hit("R05", "warn", "vacant", names)


def share_hits(shown, day):
    """Warn of people whom the change gives more than a full time on one day."""
    found = overworked_by(shown.before, shown.after, shown.touched, day)
    names = names_of(employee for employee, *_rest in found)
    people = [
        f"{names.get(employee, employee)} {round(share * 100)}%" for employee, share, _on, _rows in found
    ]
    if people:
        yield Hit("R08", "warn", "share", "、".join(people), "100%", witness={"words": "、".join(people)})


def gained(before, after, card):
    """Whether a card has somebody below it who was not there before."""
    return not set(after.tree.children.get(card, ())) <= set(before.tree.children.get(card, ()))
