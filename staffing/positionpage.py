"""What the page of one position (岗位) shows: duties and their overlaps, plan and holders, career, history."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from orgchart.admin import plan_in_words
from orgchart.changes.near import near
from orgchart.findings.found import bare
from orgchart.findings.words import figure
from orgchart.models import Authority, ChangeItem, Duty, Finding, LinkKind, OrgStatus, Position, PositionLink
from staffing.changewords import Words
from staffing.headcount import with_headcount
from staffing.models import Assignment
from staffing.people import superior_position

STANDING = ("open", "asked", "accepted")
MOST_CHANGES = 60
MOST_BOXES = 12
MOST_SENTENCES = 3
BOX, GAP, ROW, HIGH = 176, 12, 56, 44


@dataclass
class Box:
    """One post of the drawing at (x, y); ``tone`` is sel, tent or bad, ``note`` the line under its title."""

    x: float
    y: float
    title: str
    note: str = ""
    tone: str = ""
    code: str = ""


def findings_of(position):
    """Return the findings that stand and name the position, the gravest first."""
    named = Q(evidence__subjects__contains=[{"entity": "position", "key": position.code}])
    above = Q(evidence__superiors__contains=[position.code])
    return list(Finding.objects.filter(named | above, org_model=None, state__in=STANDING))


def duties_of(position, findings):
    """Return the duties by number, each with its overlaps: (finding, words)."""
    rows = Duty.objects.filter(position=position).select_related("area").order_by("number")
    return [{"duty": duty, "overlaps": list(overlaps(position, duty, findings))} for duty in rows]


def overlaps(position, duty, findings):
    key = f"p:{position.code}/{duty.number}"
    for finding in findings:
        keys = finding.evidence["keys"]
        names = "、".join(one["name"] for one in finding.evidence["subjects"] if one["key"] != position.code)
        if finding.rule == "main_duty_overlap" and duty.role == "main" and duty.area:
            if keys == [duty.area.code]:
                yield finding, _("%(names)s also main") % {"names": names}
        elif finding.rule == "similar_duties" and key in keys:
            yield finding, _("like %(names)s %(share)s") % {"names": names, "share": figure(finding.measured)}


def shares_of(rows):
    """Return (duties as main, duties as assistant, sum of the shares in percent or None)."""
    roles = [row["duty"].role for row in rows]
    weights = [row["duty"].weight for row in rows if row["duty"].weight is not None]
    return roles.count("main"), roles.count("assist"), sum(weights) if weights else None


def holders_of(position, day):
    """Return who holds the position on a day, with the other positions of each; two statements."""
    held = list(
        Assignment.objects.on(day)
        .filter(position=position)
        .select_related("employee", "from_department")
        .order_by("start", "pk")
    )
    others = defaultdict(list)
    people = [row.employee_id for row in held]
    beside = Assignment.objects.on(day).filter(employee__in=people).exclude(position=position)
    for row in beside.select_related("position__department"):
        others[row.employee_id].append(row)
    return [
        {
            "held": row,
            "days": (day - row.start).days,
            "share": round(row.fte * 100),
            "others": others[row.employee_id],
        }
        for row in held
    ]


def reporting_of(position, findings):
    """Return the superior, the direct reports and what was found about either."""
    reports = Position.objects.without_tree_fields().filter(parent=position)
    return {
        "superior": superior_position(position),
        "reports": list(reports.exclude(status=OrgStatus.CLOSED).order_by("order", "code")),
        "found": [
            one
            for one in findings
            if one.rule in ("two_superiors", "circle", "reports_to_nobody", "not_named_back", "span_too_wide")
        ],
    }


def powers_of(position):
    return Authority.objects.filter(position=position).select_related("area").order_by("number")


def career_of(position, day):
    """Return the drawing of the ways to here and from here, or None where there are none."""
    links = list(
        PositionLink.objects.filter(Q(source=position) | Q(target=position))
        .filter(kind__in=[LinkKind.PROMOTES_TO, LinkKind.ROTATES_TO])
        .select_related("source", "target")
        .order_by("pk")
    )
    if not links:
        return None
    codes = {end.pk for link in links for end in (link.source, link.target) if end}
    filled = {
        row.pk: row
        for row in with_headcount(Position.objects.without_tree_fields(), day).filter(pk__in=codes)
    }
    leading = [x.source for x in links if x.kind == LinkKind.PROMOTES_TO and x.target_id == position.pk]
    promoted = [x for x in links if x.kind == LinkKind.PROMOTES_TO and x.source_id == position.pk]
    rotated = [x for x in links if x.kind == LinkKind.ROTATES_TO and x.source_id == position.pk]
    back = {x.source_id for x in links if x.kind == LinkKind.ROTATES_TO and x.target_id == position.pk}
    return drawn(position, leading, promoted, rotated, filled, back)


def drawn(position, leading, promoted, rotated, filled, back):
    """Lay the ways out: who comes from the left, promotions to the right, rotations below."""
    hidden = len(leading) - MOST_BOXES
    leading = leading[:MOST_BOXES]
    tall = max(len(leading), len(promoted), 1)
    middle = 28 + (tall - 1) * ROW / 2
    left, centre, right = 0, BOX + 84, 2 * (BOX + 84)
    own = Box(centre, middle, position.title, note_of(position, filled), "sel")
    sources = [
        box_of(left, start(middle, len(leading)) + n * ROW, one, filled) for n, one in enumerate(leading)
    ]
    targets = [
        way_box(right, start(middle, len(promoted)) + n * ROW, link, position, filled)
        for n, link in enumerate(promoted)
    ]
    below = 28 + tall * ROW + 44
    turns = [
        way_box((n % 4) * (BOX + GAP), below + (n // 4) * ROW, link, position, filled, back)
        for n, link in enumerate(rotated)
    ]
    lines = [(elbow(box.x + BOX, box.y, centre - 7, middle), "") for box in sources]
    lines += [
        (elbow(centre + BOX, middle, box.x - 7, box.y), "gone" if box.tone == "bad" else "new")
        for box in targets
    ]
    lines += [(drop(centre, middle, box), "dash") for box in turns]
    rows = -(-len(turns) // 4)
    return {
        "boxes": [own, *sources, *targets, *turns],
        "lines": lines,
        "width": max(right + BOX + 2 if targets else centre + BOX + 2, min(len(turns), 4) * (BOX + GAP)),
        "height": below + rows * ROW if turns else 28 + tall * ROW,
        "labels": [
            *([(left, 14, _("Leads here"))] if sources else []),
            (centre, middle - 10 if tall > 1 else 14, _("This position")),
            *([(right, 14, _("Promotes to"))] if targets else []),
            *([(0, below - 12, _("Rotates to"))] if turns else []),
        ],
        "hidden": max(hidden, 0),
    }


def start(middle, count):
    return middle - (count - 1) * ROW / 2


def elbow(x, y, to_x, to_y):
    half = (x + to_x) / 2
    return f"M{x} {y + HIGH / 2}H{half}V{to_y + HIGH / 2}H{to_x}"


def drop(centre, middle, box):
    return f"M{centre + BOX / 2} {middle + HIGH}V{box.y - 22}H{box.x + BOX / 2}V{box.y - 7}"


def box_of(x, y, position, filled):
    tentative = position.tentative or position.guessed
    return Box(x, y, position.title, note_of(position, filled), "tent" if tentative else "", position.code)


def note_of(position, filled):
    row = filled.get(position.pk)
    words = _("filled %(n)s") % {"n": f"{row.filled}/{plan_in_words(position)}" if row else "—"}
    if position.tentative:
        return f"{words} · {_('Tentative')}"
    return words


def way_box(x, y, link, position, filled, back=None):
    """Return the box of where a way leads; a target that is no position, or is the position itself, is wrong."""
    if link.target:
        box = box_of(x, y, link.target, filled)
        if back is not None:
            box.note = _("both ways") if link.target_id in back else _("there, not back")
        return box
    if bare(link.to_label) == bare(position.title):
        return Box(x, y, link.to_label, _("To itself"), "bad")
    return Box(x, y, link.to_label, _("No such position"), "bad")


def history_of(position):
    """Return the changes that were applied to the position, its duties, links and holders, the last first."""
    code = position.code
    mine = (
        Q(entity="position", key=code)
        | Q(entity__in=["duty", "authority"], key__startswith=f"p:{code}/")
        | Q(entity="link", key__startswith=f"{code}>")
        | Q(entity="assignment", after__position=code)
        | Q(entity="assignment", before__position=code)
    )
    items = list(
        ChangeItem.objects.filter(mine, change_set__state="applied", left_out=False)
        .select_related("change_set__version", "change_set__author")
        .order_by("-change_set__version__number", "-order")[:MOST_CHANGES]
    )
    state = near(items)
    words = Words(items, state, state)
    sets = defaultdict(dict)
    for item in items:
        sets[item.change_set][words.sentence(item)] = None
    return [{"set": change_set, "words": told(list(sentences))} for change_set, sentences in sets.items()]


def told(sentences):
    """Return the changes of one set in a line: the first ones, and how many more."""
    more = len(sentences) - MOST_SENTENCES
    line = "；".join(sentences[:MOST_SENTENCES])
    return line + (_(" and %(n)s more") % {"n": more} if more > 0 else "")
