"""Changing the organisation from the chart: every drop is a change of a draft, judged by the server again."""

from urllib.parse import parse_qs, urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import screen
from opsadmin.core.stale import check_asked
from orgchart import changes
from orgchart.models import ChangeItem, ChangeSet
from orgchart.permissions import may_edit_structure
from staffing.chart import source
from staffing.chart.moves import moves, new_post
from staffing.chart.tray import tray_of
from staffing.chart.tree import DEPARTMENTS, POSITIONS
from staffing.chart.view import Chart
from staffing.screens.chart import day_of_text

MOST_HEADCOUNT = 999


@screen("org/change/draft/", "org_change_draft", methods=("POST",), may=may_edit_structure)
def begin_draft(request):
    """Begin a draft and open the chart for it."""
    effective_on = day_of_text(request.POST.get("effective_on", ""))
    if effective_on and effective_on < clock.today():
        raise Refusal(
            _("A change cannot take effect in the past; that would be a correction."), code="invalid"
        )
    made = changes.draft_set(by=request.user, title=request.POST.get("title", ""), effective_on=effective_on)
    return redirect(f"{reverse('admin:org_chart')}?{urlencode({'set': made.pk} | view_kept(request))}")


def view_kept(request):
    """Return what of the address of the chart is kept when a draft begins."""
    said = parse_qs(request.POST.get("back", "")[:300])
    return {name: said[name][0] for name in ("root", "depth", "lens") if name in said}


@screen("org/change/item/", "org_change_item", methods=("POST",), may=may_edit_structure)
def change_item(request):
    """Add one change to a draft: ``do`` is move, new, rename, plan or close; ``card`` and ``onto`` are cards,
    ``before`` or ``behind`` one below ``onto``.

    Answers {items, tray}; a refusal says why, and nothing is added.
    """
    change_set = draft_of(request)
    wanted = WAYS.get(request.POST.get("do", ""))
    if wanted is None:
        raise Refusal(_("There is no such change."), code="invalid")
    lens = DEPARTMENTS if request.POST.get("lens") == DEPARTMENTS else POSITIONS
    day = change_set.effective_on or clock.today()
    chart = Chart(source.of_state(changes.preview(change_set).after, day), lens)
    items = [changes.wanted(*one) for one in wanted(chart, request.POST)]
    try:
        made = changes.add_items(change_set, items, by=request.user)
    except PermissionDenied as error:
        raise Refusal(_("Somebody else looks after this part of the organisation."), code="scope") from error
    return JsonResponse({"items": [item.pk for item in made], "tray": tray_of(change_set)})


@screen("org/change/undo/", "org_change_undo", methods=("POST",), may=may_edit_structure)
def undo_item(request):
    """Take one change of a draft back; with ``all`` also those that need it."""
    asked = request.POST.get("item", "")
    if not asked.isdecimal() or len(asked) > 18:
        raise Http404
    item = get_object_or_404(ChangeItem.objects.select_related("change_set"), pk=int(asked))
    changes.remove_item(item, by=request.user, with_dependents=request.POST.get("all") == "1")
    return JsonResponse({"tray": tray_of(item.change_set)})


@screen("org/change/tray/", "org_change_tray", may=may_edit_structure)
def tray(request):
    """The draft's changes, totals and conflicts."""
    return JsonResponse(tray_of(draft_of(request, request.GET)))


def draft_of(request, data=None):
    asked = (data or request.POST).get("set", "")
    if not asked.isdecimal() or len(asked) > 9:
        raise Http404
    return get_object_or_404(ChangeSet, pk=int(asked))


def entity_of(chart, card):
    """Return (kind of row, key, row) of a card; Refusal where it is gone."""
    rows = {"p:": ("position", chart.source.positions), "d:": ("department", chart.source.departments)}
    entity, found = rows.get(card[:2], ("", {}))
    if card[2:] not in found:
        raise Refusal(_("This card is no longer there: load the chart again."), code="gone")
    return entity, card[2:], found[card[2:]]


def move(chart, data):
    names = ("card", "onto", "before", "behind")
    found = moves(chart, *(data.get(name, "") for name in names))
    return [(entity, key, "set", after) for entity, key, after in found]


def create(chart, data):
    title = data.get("title", "").strip()
    if not title:
        raise Refusal(_("Give the position a title."), code="invalid")
    onto = data.get("onto", "")
    if not chart.knows(onto):
        raise Refusal(_("This card is no longer there: load the chart again."), code="gone")
    low, high = headcount(data, "plan_min"), headcount(data, "plan_max")
    code, values = new_post(chart, onto, title, low, high)
    return [("position", code, "create", values)]


def headcount(data, name):
    text = data.get(name, "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) > MOST_HEADCOUNT:
        raise Refusal(
            _("The headcount is a whole number up to %(n)d.") % {"n": MOST_HEADCOUNT}, code="invalid"
        )
    return int(text)


def rename(chart, data):
    check_asked(data, ("title",))
    entity, key, _row = entity_of(chart, data.get("card", ""))
    return [
        (entity, key, "set", {"title" if entity == "position" else "name": data.get("title", "").strip()})
    ]


def plan(chart, data):
    check_asked(data, ("plan_min", "plan_max"))
    entity, key, _row = entity_of(chart, data.get("card", ""))
    if entity != "position":
        raise Refusal(_("A headcount is planned for positions."), code="kind")
    return [
        (
            entity,
            key,
            "set",
            {"plan_min": headcount(data, "plan_min"), "plan_max": headcount(data, "plan_max")},
        )
    ]


def close(chart, data):
    entity, key, _row = entity_of(chart, data.get("card", ""))
    return [(entity, key, "set", {"status": "closed"})]


WAYS = {"move": move, "new": create, "rename": rename, "plan": plan, "close": close}
