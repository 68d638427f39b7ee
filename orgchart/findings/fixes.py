"""What would mend a finding: changes for a draft, never for the live organisation."""

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from orgchart.changes import add_items, draft_set, wanted
from orgchart.copies import copies_of, level_changes
from orgchart.entities import ENTITIES
from orgchart.findings.words import name_of_rule
from orgchart.models import ChangeSet, LinkKind, Position, SetKind, SetState
from orgchart.state import live_state

MOST = 4
NAMING = {
    "rotates_to_itself": LinkKind.ROTATES_TO,
    "rotates_into_nothing": LinkKind.ROTATES_TO,
    "promotes_into_nothing": LinkKind.PROMOTES_TO,
    "undescribed_report": LinkKind.REPORTS_NAMED,
}


@dataclass(frozen=True)
class Fix:
    """One way to mend a finding: ``changes`` are (entity, key, op, values)."""

    label: str
    changes: list


def fixes_of(finding):
    """Return the ways to mend a finding of the live organisation; none for what only people can decide."""
    if finding.org_model_id is not None:
        return []
    keys, evidence = finding.evidence["keys"], finding.evidence
    if finding.rule in NAMING:
        return forget_names(keys[0], NAMING[finding.rule], evidence)
    ways = {
        "two_superiors": one_superior,
        "reports_to_nobody": below_the_head,
        "unconfirmed_plan": confirm_posts,
        "main_duty_overlap": one_main,
        "described_twice": keep_one,
        "copy_drifted": bring_level,
    }
    return ways[finding.rule](keys, evidence)[:MOST] if finding.rule in ways else []


def posts(evidence):
    return [one["key"] for one in evidence["subjects"] if one["entity"] == "position"]


def titles(codes):
    return dict(Position.objects.filter(code__in=codes).values_list("code", "title"))


def links(condition):
    return ENTITIES["link"].read(condition)


def one_superior(keys, evidence):
    """All of the posts report to one of the superiors; the others no longer name them."""
    reports = evidence["reports"]
    known, named = titles(keys), links(Q(source__code__in=keys, kind=LinkKind.REPORTS_NAMED))
    found = []
    for chosen in keys:
        changes = [("position", code, "set", {"parent": chosen}) for code in posts(evidence)]
        for key, row in named.items():
            if row["from"] != chosen and (row["to"] in reports or f"?{row['to_label']}" in reports):
                changes.append(("link", key, "delete", None))
        found.append(Fix(_("All below %(title)s") % {"title": known.get(chosen, chosen)}, changes))
    return found


def below_the_head(keys, evidence):
    head = Position.objects.filter(department__code=keys[0], head=True).exclude(status="closed").first()
    if head is None:
        return []
    changes = [
        ("position", code, "set", {"parent": head.code}) for code in posts(evidence) if code != head.code
    ]
    return [Fix(_("All below %(title)s") % {"title": head.title}, changes)]


def confirm_posts(keys, evidence):
    changes = [("position", code, "set", {"guessed": False, "tentative": False}) for code in posts(evidence)]
    return [Fix(_("Confirm these posts as they are"), changes)]


def one_main(keys, evidence):
    """One owner stays main in the area, the others assist."""
    rows = ENTITIES["duty"].read(Q(area__code=keys[0], role="main"))
    found = []
    for one in evidence["subjects"]:
        own = {key for key, row in rows.items() if one["key"] == row[one["entity"]]}
        changes = [("duty", key, "set", {"role": "assist"}) for key in rows if key not in own]
        found.append(Fix(_("Only %(title)s is main, others assist") % {"title": one["name"]}, changes))
    return found


def keep_one(keys, evidence):
    codes = posts(evidence)
    changes = [("position", code, "set", {"status": "closed"}) for code in codes[1:]]
    return [Fix(_("Keep %(code)s, close the others") % {"code": codes[0]}, changes)]


def bring_level(keys, evidence):
    """The copy becomes again what its original is."""
    state = live_state()
    if keys[0] not in copies_of(state):
        return []
    original = state.departments[state.departments[keys[0]]["copied_from"]]["name"]
    label = _("Make it like %(name)s again") % {"name": original}
    return [Fix(label, level_changes(state, keys[0]))]


def forget_names(department, kind, evidence):
    """The posts no longer name what does not exist, or themselves."""
    names = [one["name"] for one in evidence["subjects"]]
    rows = links(Q(source__department__code=department, kind=kind, to_label__in=names))
    changes = [("link", key, "delete", None) for key in rows]
    return [Fix(_("Strike these names from the list"), changes)] if changes else []


def draft_fix(finding, number, *, by):
    """Put one way to mend a finding into somebody's newest draft, a new one where there is none; return the set.

    Raises IndexError where there is no such way, and what ``add_items`` raises.
    """
    fix = fixes_of(finding)[number]
    drafts = ChangeSet.objects.filter(
        author=by, state=SetState.DRAFT, kind=SetKind.REORGANISATION, scenario=False
    )
    draft = drafts.first() or draft_set(
        by=by, title=_("Mend: %(rule)s") % {"rule": name_of_rule(finding.rule)}
    )
    add_items(draft, [wanted(*change) for change in fix.changes], by=by)
    return draft
