"""Reorganisations (组织调整): the list, one set of changes before and after, two beside each other, its approval."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from approvals import permissions
from approvals.admin.document import visible_document
from approvals.admin.documentlists import clean_text
from approvals.admin.figures import route
from approvals.flow import routing
from approvals.kinds import REORGANISATION
from approvals.models import DocumentState, Reorganisation, Task
from approvals.organisation import reorganising
from approvals.organisation.showing import compared, figures, scenarios_beside, show
from opsadmin.core.counting import count_up_to
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.core.stale import check_seen, seen_digest
from orgchart import changes
from orgchart.changes.drafts import edit_set
from orgchart.findings.limits import limits
from orgchart.findings.plans import unconfirmed_made
from orgchart.models import ChangeSet, SetKind, SetState
from orgchart.permissions import may_edit_structure

PAGE_SIZE = 50
TABS = {
    "drafts": (SetState.DRAFT,),
    "review": (SetState.REVIEW,),
    "scheduled": (SetState.SCHEDULED,),
    "applied": (SetState.APPLIED,),
    "all": tuple(SetState),
}
VIEWS = ("compare", "list")


def sets_of(user):
    """Return the reorganisations that the account may see; the log's other sets have their own history."""
    if not permissions.may_read_reorganisations(user):
        return ChangeSet.objects.none()
    return ChangeSet.objects.filter(kind=SetKind.REORGANISATION).select_related("author", "reorganisation")


def visible_set(user, pk):
    return get_object_or_404(sets_of(user), pk=pk)


def document_behind(change_set):
    return getattr(change_set, "reorganisation", None)


def set_address(pk, **parameters):
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{reverse('admin:org_change_set', args=[pk])}{'?' if query else ''}{query}"


# ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("organisation/changes/", "reorganisations", may=permissions.may_read_reorganisations)
def reorganisations(request):
    tab = request.GET.get("tab", "")
    search = clean_text(request.GET.get("q", ""))
    tab = tab if tab in TABS else "all" if search else "drafts"
    mine = sets_of(request.user)
    found = mine.filter(state__in=TABS[tab])
    if search:
        found = found.filter(Q(title__icontains=search) | Q(reorganisation__number__istartswith=search))
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    rows = list(found.annotate(changes=Count("items")).order_by("-pk")[: PAGE_SIZE + 1])
    following = rows[PAGE_SIZE - 1].pk if len(rows) > PAGE_SIZE else None
    return page(
        request,
        "approvals/reorganisations.html",
        title=_("Reorganisations"),
        sub=_("Only the draft changes; it takes effect once approved and due."),
        sets=rows[:PAGE_SIZE],
        tab=tab,
        tabs=tabs(mine, tab, search),
        search=search,
        may_edit=may_edit_structure(request.user),
        pager={
            "first": list_address(tab=tab, q=search) if before else None,
            "next": list_address(tab=tab, q=search, before=following) if following else None,
        },
    )


def list_address(**parameters):
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{reverse('admin:reorganisations')}{'?' if query else ''}{query}"


def tabs(mine, current, search):
    names = {
        "drafts": _("Drafts"),
        "review": pgettext("change set", "in review"),
        "scheduled": pgettext("change set", "scheduled"),
        "applied": pgettext("change set", "applied"),
        "all": pgettext("kinds", "All"),
    }
    return [
        {
            "name": name,
            "url": list_address(tab=tab, q=search),
            "current": tab == current,
            "count": None
            if tab in {"applied", "all"}
            else count_up_to(mine.filter(state__in=TABS[tab]).order_by()),
        }
        for tab, name in names.items()
    ]


@screen("organisation/changes/new/", "reorganisation_new", methods=("GET", "POST"), may=may_edit_structure)
def new_set(request):
    typed = typed_header(request.POST)
    refused = ""
    if request.method == "POST":
        try:
            change_set = changes.draft_set(by=request.user, **typed)
        except Refusal as refusal:
            refused = str(refusal)
        else:
            return redirect("admin:org_change_set", change_set.pk)
    return page(
        request,
        "approvals/reorganisation_new.html",
        title=_("New reorganisation"),
        crumbs=[(_("Reorganisations"), reverse("admin:reorganisations"))],
        typed=typed,
        refused=refused,
        status=422 if refused else 200,
    )


def typed_header(posted):
    """Return title, day, reason and whether it is only thought through, as they were typed."""
    return {
        "title": posted.get("title", "")[:120],
        "effective_on": typed_day(posted.get("effective_on", "")),
        "reason": posted.get("reason", "")[:300],
        "scenario": bool(posted.get("scenario")),
    }


def header_shown(change_set):
    """Return {field: (label, text)} of what is stored of a set's header."""
    day = change_set.effective_on
    return {
        "title": (_("Title"), change_set.title),
        "effective_on": (_("Takes effect on"), day.isoformat() if day else ""),
        "reason": (_("Reason"), change_set.reason),
    }


def typed_day(text):
    """Return a day as a browser sends it; nothing for no day, Refusal for what is none."""
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if text and day is None:
        raise Refusal(_("“%(text)s” is no day; write it like 2027-01-01.") % {"text": text[:20]})
    return day


# ── One set ───────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("organisation/changes/<int:pk>/", "org_change_set")
def change_set_page(request, pk, typed=None):
    """One set; ``typed`` is a header that was refused because somebody has changed it meanwhile."""
    change_set = visible_set(request.user, pk)
    document = document_behind(change_set)
    editable = change_set.state == SetState.DRAFT and may_edit_structure(request.user)
    shown = show(change_set)
    return page(
        request,
        "approvals/reorganisation.html",
        title=change_set.title,
        crumbs=[(_("Reorganisations"), reverse("admin:reorganisations"))],
        wide=True,
        set=change_set,
        shown=shown,
        document=document,
        editable=editable,
        typed=typed,
        seen=seen_digest(header_shown(change_set)),
        stranded=document is None
        and change_set.state == SetState.REVIEW
        and may_edit_structure(request.user),
        days=days_left(change_set),
        behind=max(changes.version_number() - change_set.base_version, 0) if editable else 0,
        view=chosen_view(request),
        my_task=document and Task.objects.waiting_for(request.user).filter(document=document.pk).first(),
        may_withdraw=may_withdraw(request.user, document),
        others=scenarios_beside(change_set) if editable else [],
        **route_of(request, change_set, document, editable),
    )


def chosen_view(request):
    return request.GET.get("view") if request.GET.get("view") in VIEWS else "compare"


def days_left(change_set):
    day = change_set.effective_on
    return (day - timezone.localdate()).days if day else None


def may_withdraw(user, document):
    from approvals.admin.document import may_withdraw as may

    return document is not None and may(user, document)


def route_of(request, change_set, document, editable):
    """Return the walk so far, or of a draft the walk that it would take if it were submitted now."""
    if document is not None and not document.editable:
        return {"entries": route(document, request.user)}
    if not editable:
        return {"entries": []}
    draft = document or Reorganisation(
        kind=REORGANISATION.code, drafted_by=request.user, effective_from=midnight_of(change_set)
    )
    try:
        return {"planned": [(step, routing.by_person(step)) for step in preview_for(draft, request.user)]}
    except Refusal as refusal:
        return {"planned": [], "no_route": str(refusal)}


def midnight_of(change_set):
    day = change_set.effective_on or timezone.localdate()
    return reorganising.midnight(day)


def preview_for(draft, user):
    """Return the route of a draft, of one too that has no document yet."""
    return routing.preview(draft, barred=None if draft.pk else routing.people_behind({user.pk}))


@screen("organisation/changes/<int:pk>/edit/", "org_change_set_edit", methods=("POST",))
def edit(request, pk):
    """Change title, day, reason, or whether a draft is only thought through."""
    change_set = visible_set(request.user, pk)
    if not may_edit_structure(request.user):
        raise PermissionDenied
    typed = typed_header(request.POST)
    try:
        with transaction.atomic():
            check_seen(request.POST, header_shown(ChangeSet.objects.select_for_update().get(pk=pk)))
            edit_set(change_set, by=request.user, **typed)
    except Refusal as refusal:
        if refusal.code != "edited":
            raise
        messages.error(request, str(refusal))
        return change_set_page(request, pk, typed=typed)
    messages.success(request, _("Saved."))
    return redirect("admin:org_change_set", pk)


@screen("organisation/changes/<int:pk>/item/<int:item_pk>/", "org_change_set_item", methods=("POST",))
def settle_item(request, pk, item_pk):
    """Keep the live row or use the draft's for one item, or take the item back."""
    change_set = visible_set(request.user, pk)
    item = get_object_or_404(change_set.items, pk=item_pk)
    choice = request.POST.get("choice", "")
    if choice == "remove":
        changes.remove_item(item, by=request.user, with_dependents=bool(request.POST.get("all")))
    elif choice in ("live", "draft"):
        changes.resolve(item, keep_live=choice == "live", by=request.user)
    else:
        raise Http404
    return redirect(set_address(pk, view=request.POST.get("view", "")))


@screen("organisation/changes/<int:pk>/confirm/", "org_change_set_confirm", methods=("POST",))
def confirm_posts(request, pk):
    """Confirm the guessed posts that the draft would count as approved headcount."""
    change_set = visible_set(request.user, pk)
    seen = changes.preview(change_set)
    posts = unconfirmed_made(seen.before, seen.after)
    items = [changes.wanted("position", row["code"], "set", {"guessed": False}) for row in posts]
    if items:
        changes.add_items(change_set, items, by=request.user)
        messages.success(
            request,
            ngettext("%(n)d post is confirmed.", "%(n)d posts are confirmed.", len(items))
            % {"n": len(items)},
        )
    return redirect(set_address(pk))


@screen("organisation/changes/<int:pk>/approval/", "org_change_set_approval", methods=("POST",))
def begin_approval(request, pk):
    """Make the document of a draft, or bring it up to date, and show what stands before its submission."""
    change_set = visible_set(request.user, pk)
    document = reorganising.document_for(change_set, by=request.user)
    return redirect("admin:reorganisation_submit", document.pk)


@screen("organisation/changes/<int:pk>/copy/", "org_change_set_copy", methods=("POST",))
@transaction.atomic
def copy(request, pk):
    """Make a scenario with the same changes, to be thought through beside the first."""
    change_set = visible_set(request.user, pk)
    scenario = changes.draft_set(
        by=request.user,
        title=_("%(title)s (scenario)") % {"title": change_set.title[:100]},
        effective_on=change_set.effective_on,
        reason=change_set.reason,
        scenario=True,
    )
    items = [
        changes.Item(item.entity, item.key, item.op, item.before, item.after)
        for item in change_set.items.order_by("order")
        if not item.left_out
    ]
    if items:
        changes.add_items(scenario, items, by=request.user)
    return redirect("admin:org_change_compare", pk, scenario.pk)


@screen("organisation/changes/<int:pk>/discard/", "org_change_set_discard", methods=("POST",))
def discard(request, pk):
    """Give a draft up, together with its document where it has one."""
    from approvals.flow import transitions

    change_set = visible_set(request.user, pk)
    document = document_behind(change_set)
    if not may_edit_structure(request.user) or change_set.state != SetState.DRAFT:
        raise PermissionDenied
    if document is not None and document.state != DocumentState.CANCELLED:
        transitions.cancel(document.pk, by=request.user)
    else:
        changes.withdraw(change_set, by=request.user)
    messages.success(request, _("“%(title)s” is given up.") % {"title": change_set})
    return redirect("admin:reorganisations")


@screen("organisation/changes/<int:pk>/beside/<int:other_pk>/", "org_change_compare")
def compare(request, pk, other_pk):
    """Two drafts beside each other: figures against today's, changes, and whom they move."""
    sets = [visible_set(request.user, key) for key in (pk, other_pk)]
    sides = [show(one) for one in sets]
    most = limits().span_max
    first, second = (compared(figures(side.before), figures(side.after), most) for side in sides)
    return page(
        request,
        "approvals/reorganisation_beside.html",
        title=_("Two drafts beside each other"),
        crumbs=[
            (_("Reorganisations"), reverse("admin:reorganisations")),
            (sets[0].title, set_address(pk)),
        ],
        wide=True,
        sides=[{"set": one, "shown": side} for one, side in zip(sets, sides, strict=True)],
        lines=[
            {"word": word, "now": now, "values": [(one, tone), (other[2], other[3])]}
            for (word, now, one, tone), other in zip(first, second, strict=True)
        ],
    )


@screen("reorganisations/<int:pk>/", "reorganisation")
def of_document(request, pk):
    """Where a document of this kind is worked on: its set of changes."""
    document = visible_document(request.user, pk)
    if document.kind != REORGANISATION.code:
        raise Http404
    return redirect("admin:org_change_set", document.reorganisation.change_set_id)
