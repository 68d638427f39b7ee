"""The page of one position: what it does, who holds it, where it leads, what was changed."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsadmin.core.screens import page, screen
from opsadmin.permissions import may_view
from orgchart.admin import plan_in_words
from orgchart.findings import words
from orgchart.models import Position
from orgchart.permissions import may_edit_structure
from staffing import positionpage as shown
from staffing.headcount import SEATED

POWER_RULES = ("power_without_duty", "duty_without_power")


@screen("org/position/<slug:code>/", "position_page")
def position_page(request, code):
    """One position, for everybody who is signed in."""
    rows = Position.objects.without_tree_fields().select_related("department__parent", "parent")
    position = get_object_or_404(rows, code=code)
    if len(code) > 60:
        raise Http404
    day = timezone.localdate()
    found = shown.findings_of(position)
    duties = shown.duties_of(position, found)
    main, assisting, weight = shown.shares_of(duties)
    holders = shown.holders_of(position, day)
    may_list = may_view(request.user, "orgchart.position")
    crumbs = [(_("Organisation"), reverse("admin:org_chart"))]
    if may_list:
        crumbs.append((pgettext("job", "Positions"), reverse("admin:orgchart_position_changelist")))
    return page(
        request,
        "staffing/position.html",
        title=position.title,
        crumbs=crumbs,
        position=position,
        found=[{"row": one, "name": words.name_of_rule(one.rule)} for one in found],
        overlaps=[one for one in found if one.rule == "main_duty_overlap"],
        duties=duties,
        main=main,
        assisting=assisting,
        weight=weight,
        guessed=any(row["duty"].guessed for row in duties),
        plan=plan_in_words(position),
        holders=holders,
        filled=sum(row["held"].kind in SEATED and not row["held"].handover for row in holders),
        reporting=named(shown.reporting_of(position, found)),
        powers=shown.powers_of(position),
        power_findings=notes([one for one in found if one.rule in POWER_RULES]),
        career=shown.career_of(position, day),
        history=shown.history_of(position),
        may_edit=may_edit_structure(request.user),
        may_list=may_list,
    )


def named(reporting):
    return reporting | {"notes": notes(reporting["found"])}


def notes(found):
    """Return findings as notes: the finding and its sentence."""
    return [{"row": one, "words": words.meaning_of_rule(one.rule)} for one in found]
