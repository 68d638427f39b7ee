"""Promotion and rotation as a drawing of their own: paths from a position, dead ends, loops, missing targets."""

from django.urls import reverse
from django.utils.translation import gettext as _

from opsadmin.core.screens import page, screen
from orgchart.entities import ENTITIES
from orgchart.models import LinkKind, OrgStatus
from staffing.chart.paths import KINDS, drawing, overview, paths_from

MOST_ROWS = 200
SHOWN = {"promotes": (LinkKind.PROMOTES_TO,), "rotates": (LinkKind.ROTATES_TO,), "both": KINDS}


@screen("org/paths/", "org_paths")
def org_paths(request):
    """Where one comes from a position by promotion and rotation; without one, what is wrong with the paths."""
    links, positions = ENTITIES["link"].read(), open_positions()
    asked = request.GET.get("from", "").strip()
    start = asked.partition(" ")[0]
    unknown = start not in positions
    start = "" if unknown else start
    shown = request.GET.get("show", "both")
    kinds = SHOWN.get(shown, KINDS)
    seen = overview(links, positions)
    return page(
        request,
        "staffing/paths.html",
        title=_("Promotion and rotation"),
        crumbs=[(_("Organisation chart"), reverse("admin:org_chart"))],
        start=start,
        start_title=positions[start]["title"] if start else "",
        shown=shown if shown in SHOWN else "both",
        drawing=drawing(paths_from(links, start, kinds), lambda code: title_of(positions, code))
        if start
        else None,
        asked=asked,
        unknown=asked and unknown,
        counts={name: len(rows) for name, rows in seen.items()},
        most=MOST_ROWS,
        dead_ends=[positions[code] for code in seen["dead_ends"][:MOST_ROWS]],
        loops=[positions[code] for code in seen["loops"][:MOST_ROWS]],
        missing=[
            (label, [positions[code] for code in codes if code in positions][:MOST_ROWS])
            for label, codes in list(seen["missing"].items())[:MOST_ROWS]
        ],
    )


def open_positions():
    rows = ENTITIES["position"].read()
    return {code: row for code, row in rows.items() if row["status"] != OrgStatus.CLOSED}


def title_of(positions, code):
    return positions[code]["title"] if code in positions else code
