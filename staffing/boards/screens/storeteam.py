"""The store team: who answers for what in which store, and assigning from a cell."""

from datetime import date

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsadmin.core import spreadsheets
from opsadmin.core.downloads import as_workbook
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from staffing import permissions, services
from staffing.boards.screens.choosing import employee_in
from staffing.boards.storeteam import FILTERS, assignable, gaps, gaps_by_duty, team
from stores.models import Store

MOST_CHOICES = 200


@screen("org/stores/", "storeteam", may=permissions.may_see_store_team)
def storeteam(request):
    """Stores × duties with their gaps, and what each person carries."""
    day = timezone.localdate()
    stores = Store.objects.visible_to(request.user)
    duties, lines, loads = team(stores, day)
    kind = request.GET.get("show", "")
    shown = [line for line in lines if kind not in FILTERS or FILTERS[kind](line)]
    found = gaps(lines, loads)
    most = max((load.cells for load in loads), default=0) or 1
    return page(
        request,
        "staffing/storeteam.html",
        title=_("Store duties"),
        crumbs=[(_("Organisation"), reverse("admin:org_chart"))],
        day=day,
        duties=duties,
        lines=shown,
        total=len(lines),
        tabs=tabs(lines),
        kind=kind if kind in FILTERS else "",
        gaps=found,
        sums=gaps_by_duty(lines, duties),
        loads=[(load, load.cells * 72 // most) for load in loads if load.cells],
        counted=sum(line.counted for line in lines),
        may_edit=permissions.may_put_in_charge(request.user),
        people=people_to_choose(request.user, day, loads),
    )


def people_to_choose(user, day, loads):
    """Return [(employee, how many cells)] for the dialog, the least loaded first.

    Nothing for who may not assign, and where there are too many to look through: then one types a name.
    """
    if not permissions.may_put_in_charge(user):
        return []
    carried = {load.employee.pk: load.cells for load in loads}
    rows = [(employee, carried.get(employee.pk, 0)) for employee in assignable(day)[: MOST_CHOICES + 1]]
    return sorted(rows, key=lambda row: (row[1], row[0].number)) if len(rows) <= MOST_CHOICES else []


def tabs(lines):
    words = {
        "gaps": _("With gaps"),
        "reserve": _("No reserve"),
        "preparing": pgettext("store", "Preparing"),
    }
    return [
        ("", pgettext("filter", "All"), len(lines)),
        *[(code, word, sum(map(FILTERS[code], lines))) for code, word in words.items()],
    ]


@screen("org/stores/assign/", "storeteam_assign", methods=("POST",), may=permissions.may_put_in_charge)
def storeteam_assign(request):
    """Say who answers for one cell, and who stands in; a refusal is shown as a message."""
    store, duty = cell_asked_for(request)
    try:
        services.set_duty(
            store=store.pk,
            duty=duty,
            mains=[pk for name in ("main", "second") for pk in employee_asked_for(request, name)],
            reserve=next(iter(employee_asked_for(request, "reserve")), None),
            start=day_asked_for(request.POST.get("start", "")),
            by=request.user,
        )
        messages.success(request, _("%(store)s: saved.") % {"store": store})
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("admin:storeteam")


def cell_asked_for(request):
    store_pk, _dash, duty = request.POST.get("cell", "").partition("-")
    if not (store_pk.isdecimal() and duty.isdecimal() and len(store_pk) < 19 and len(duty) < 19):
        raise Http404
    store = Store.objects.visible_to(request.user).filter(pk=int(store_pk)).first()
    if store is None:
        raise Http404
    return store, int(duty) or None


def employee_asked_for(request, name):
    """Return the key of the chosen employee in a list, which is empty for nobody."""
    employee = employee_in(request.POST.get(name, ""))
    return [employee.pk] if employee else []


def day_asked_for(text):
    try:
        return date.fromisoformat(text) if text else timezone.localdate()
    except ValueError as error:
        raise Refusal(_("“%(text)s” is no day: write it as 2026-01-31.") % {"text": text[:20]}) from error


@screen("org/stores/export/", "storeteam_export", may=permissions.may_see_store_team)
def storeteam_export(request):
    """The matrix as a workbook: two columns for each duty, who answers and who stands in."""
    duties, lines, _loads = team(Store.objects.visible_to(request.user), timezone.localdate())
    names = [str(duty) if duty else _("Answers for the store") for duty in duties]
    header = [
        _("Store"),
        _("Code"),
        *[f"{name} · {part}" for name in names for part in (_("main"), _("reserve"))],
    ]
    header.append(_("Gaps"))
    rows = [
        [
            line.store.name,
            line.store.code,
            *["、".join(map(str, part)) for cell in line.cells for part in (cell.mains, cell.reserves)],
            line.gaps,
        ]
        for line in lines
    ]
    filename = f"{_('Store duties')}-{timezone.localdate():%Y%m%d}.xlsx"
    sheet = spreadsheets.SheetOut(_("Store duties"), header, rows, text_columns=[_("Code")])
    return as_workbook(filename, [sheet])
