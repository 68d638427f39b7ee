"""What the panel beside the chart says about one position or department."""

from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from orgchart.findings import words
from orgchart.findings.limits import limits
from orgchart.models import Authority, Department, Duty, Finding, LinkKind, Position, PositionLink
from staffing.chart.tree import COMPANY, POSITIONS
from staffing.chart.view import card_title, nodes_of
from staffing.positionpage import STANDING

SHOWN_DUTIES = 4
MOST_FINDINGS = 12
ENTITIES = ("position", "department")


def facts_of(chart, card):
    """Return the facts of one card for the template: plan, holders, superior, authority, duties, paths."""
    made = nodes_of(chart, [card])[0]
    above = superior_of(chart, card)
    for holder in made.get("holders", ()):
        holder["share"] = f"{float(holder['fte']):.0%}"
    made["above_title"] = card_title(chart, above) if above else ""
    made["advised"] = limits().span_max
    made["too_wide"] = made["kind"] == "position" and made["span"] > made["advised"]
    if made["kind"] == "position":
        made |= position_facts(made["code"])
    elif made["kind"] == "department":
        made |= department_facts(made["code"])
    if made["kind"] in ENTITIES:
        made["findings"] = findings_about(made["kind"], made["code"])
    return made


def findings_about(entity, code):
    """Return the findings that stand and name a position or a department, the gravest first, with their words."""
    named = Q(evidence__subjects__contains=[{"entity": entity, "key": code}])
    above = Q(evidence__superiors__contains=[code]) if entity == "position" else Q()
    rows = Finding.objects.filter(named | above, org_model=None, state__in=STANDING)[:MOST_FINDINGS]
    return [
        {"row": row, "name": words.name_of_rule(row.rule), "says": words.meaning_of_rule(row.rule)}
        for row in rows
    ]


def superior_of(chart, card):
    """Return the card of the position above a card, through departments without a head; None at the top."""
    above = chart.tree.parent.get(card)
    while above not in (None, COMPANY) and above.startswith("d:") and chart.lens == POSITIONS:
        above = chart.tree.parent.get(above)
    return None if above == COMPANY else above


def position_facts(code):
    position = Position.objects.without_tree_fields().filter(code=code).first()
    if position is None:
        return {}
    owner = Q(position=position)
    links = PositionLink.objects.filter(source=position).select_related("target__department").order_by("pk")
    return work_of(owner) | {
        "promotes_to": [link for link in links if link.kind == LinkKind.PROMOTES_TO],
        "rotates_to": [link for link in links if link.kind == LinkKind.ROTATES_TO],
        "address": address_of("position_page", code)
        or reverse("admin:orgchart_position_change", args=[position.pk]),
        "paths": reverse("admin:org_paths") + f"?from={code}" if links else "",
    }


def department_facts(code):
    department = Department.objects.without_tree_fields().filter(code=code).first()
    if department is None:
        return {}
    address = reverse("admin:orgchart_department_change", args=[department.pk])
    return work_of(Q(department=department)) | {"address": address}


def work_of(owner):
    duties = list(Duty.objects.filter(owner).select_related("area").order_by("number"))
    return {
        "duties": [duty for duty in duties if duty.text][:SHOWN_DUTIES],
        "duty_count": len(duties),
        "authorities": Authority.objects.filter(owner).select_related("area").order_by("number"),
    }


def address_of(name, code):
    """Return the address of a page that may not be there; empty without it."""
    try:
        return reverse(f"admin:{name}", args=[code])
    except NoReverseMatch:
        return ""
