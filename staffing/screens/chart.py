"""The organisation chart: the page, and the data that its scripts draw."""

from datetime import date

from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _

from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.permissions import may_view
from orgchart.changes import preview, state_on, version_number
from orgchart.findings.limits import limits
from orgchart.models import ChangeSet, OrgVersion, SetState
from orgchart.permissions import may_edit_structure
from staffing.chart import source
from staffing.chart.kept import chart_today
from staffing.chart.post import facts_of
from staffing.chart.search import hits
from staffing.chart.tree import COMPANY, DEPARTMENTS, POSITIONS
from staffing.chart.view import Chart, nodes_of, view
from staffing.chart.words import words

DEPTHS = {"1": 1, "2": 2, "3": 3, "all": None}
MOST_VERSIONS = 60
OPEN_SETS = (SetState.DRAFT, SetState.REVIEW, SetState.SCHEDULED)


@screen("org/", "org_chart")
def org_chart(request):
    """The chart itself: an empty frame that fills itself from ``org_chart_data``, and a list on a phone."""
    change_set = set_asked_for(request)
    editing = (
        change_set is not None and change_set.state == SetState.DRAFT and may_edit_structure(request.user)
    )
    return page(
        request,
        "staffing/chart.html",
        title=_("Organisation chart"),
        wide=True,
        change_set=change_set,
        editing=editing,
        open_drafts=ChangeSet.objects.filter(state=SetState.DRAFT).exclude(pk=change_set and change_set.pk)[
            :8
        ]
        if may_edit_structure(request.user)
        else (),
        may_edit=may_edit_structure(request.user),
        setup={
            "words": words(),
            "strip": strip(),
            "today": timezone.localdate().isoformat(),
            "advised": limits().span_max,
            "set": change_set.pk if change_set else None,
            "editing": editing,
        },
    )


@screen("org/data/", "org_chart_data")
def org_chart_data(request):
    """The cards of one view as JSON: ``lens``, ``root``, ``depth``, ``on`` or ``set``; see staffing.chart.view."""
    chart, version = chart_asked_for(request)
    root = card_asked_for(chart, request.GET.get("root"))
    depth = DEPTHS.get(request.GET.get("depth", "2"), 2)
    shown = view(chart, root, depth)
    return JsonResponse(shown | {"version": version, "on": chart.source.on.isoformat()})


@screen("org/below/", "org_chart_below")
def org_chart_below(request):
    """The cards one step below a card, to be opened on the spot."""
    chart, _version = chart_asked_for(request)
    root = card_asked_for(chart, request.GET.get("root"))
    return JsonResponse({"nodes": nodes_of(chart, chart.tree.kids(root))})


@screen("org/search/", "org_chart_search")
def org_chart_search(request):
    """The cards that fit a text, those inside the view first."""
    chart, _version = chart_asked_for(request)
    root = card_asked_for(chart, request.GET.get("root"))
    found, total = hits(chart, request.GET.get("q", "").replace("\x00", ""), root)
    return JsonResponse({"hits": found, "total": total})


@screen("org/post/", "org_chart_post")
def org_chart_post(request):
    """What the panel beside the chart says about one card."""
    chart, _version = chart_asked_for(request)
    card = card_asked_for(chart, request.GET.get("id"))
    return render(
        request,
        "staffing/_post.html",
        {
            "post": facts_of(chart, card),
            "may_edit": may_edit_structure(request.user),
            "may_open": may_view(request.user, "orgchart.position"),
        },
    )


def chart_asked_for(request):
    """Return (the chart of the lens, day or draft that was asked for, number of its version)."""
    lens = DEPARTMENTS if request.GET.get("lens") == DEPARTMENTS else POSITIONS
    change_set = set_asked_for(request)
    today = timezone.localdate()
    if change_set is not None:
        day = max(change_set.effective_on or today, today)
        return Chart(source.of_state(preview(change_set).after, day), lens), version_number()
    day = day_asked_for(request) or today
    if day == today:
        return chart_today(lens, today), version_number()
    return Chart(source.of_state(state_on(day), day), lens), version_on(day)


def version_on(day):
    """Return the number of the version that held on a day; 0 before the first."""
    rows = OrgVersion.objects.filter(effective_on__lte=day).order_by("-effective_on", "-number")
    return rows.values_list("number", flat=True).first() or 0


def day_asked_for(request):
    return day_of_text(request.GET.get("on", ""))


def day_of_text(text):
    """Return the day that was written, None for nothing. Raises Refusal for what is no day."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(_("“%(text)s” is no day; write it as 2026-11-22.") % {"text": text[:20]}) from error


def set_asked_for(request):
    """Return the change set that was asked for, None for none; drafts are read by those who edit."""
    asked = request.GET.get("set", "")
    if not asked:
        return None
    if not asked.isdecimal() or len(asked) > 9:
        raise Http404
    change_set = get_object_or_404(ChangeSet, pk=int(asked), state__in=OPEN_SETS)
    if change_set.state == SetState.DRAFT and not may_edit_structure(request.user):
        raise Http404
    return change_set


def card_asked_for(chart, code):
    card = chart.card_of((code or "").replace("\x00", "")[:80] or COMPANY)
    if card is None:
        raise Http404
    return card


def strip():
    """Return what the strip of days shows: the last versions, and the sets that wait for their day."""
    versions = OrgVersion.objects.select_related("change_set").order_by("-effective_on", "-number")
    waiting = ChangeSet.objects.filter(state=SetState.SCHEDULED).order_by("effective_on", "pk")
    return {
        "versions": [
            {"number": one.number, "on": one.effective_on.isoformat(), "title": one.change_set.title}
            for one in versions[:MOST_VERSIONS]
        ][::-1],
        "scheduled": [
            {"set": one.pk, "on": one.effective_on.isoformat(), "title": one.title} for one in waiting[:20]
        ],
    }
