"""A draft at work: header, upload, and its lines in a grid that is edited in place.

The same screens serve every kind of document; a kind brings its forms (headerforms, lineforms) and its columns.
"""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from approvals import drafts, permissions
from approvals.admin import figures, linelist
from approvals.admin.document import kind_crumb, list_crumb
from approvals.admin.documentlists import clean_text
from approvals.admin.headerforms import HEADER_FORMS, header_form
from approvals.admin.lineforms import line_form, typed_price
from approvals.flow import transitions
from approvals.kinds import PRICE_LIST, kind_of, specific
from approvals.models import Decision, Document, DocumentState, ImportState, Verdict
from approvals.pricelists import grid
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from stores.permissions import may_see_costs

OPEN_IMPORTS = (ImportState.READING, ImportState.READY, ImportState.UNREADABLE)


def visible_draft(user, pk):
    """Return a document with prices that the account may see and draft; anything else does not exist for it."""
    document = get_object_or_404(Document.objects.visible_to(user).select_related("drafted_by"), pk=pk)
    if not (kind_of(document).priced and permissions.may_draft(user, document.kind)):
        raise Http404
    return document


def draft_address(document):
    return reverse(f"admin:{kind_of(document).edit_screen}", args=[document.pk])


def new_draft_page(request, kind, *, title, usual):
    """Show the form of a new document of one kind, filled with what is usual; a POST makes the draft."""
    form = HEADER_FORMS[kind.code](request.POST or None, initial=usual)
    if request.method == "POST" and form.is_valid():
        document = drafts.create_document(kind.code, by=request.user, **form.cleaned_data)
        return redirect(f"admin:{kind.edit_screen}", document.pk)
    crumb = kind_crumb(kind.code)
    return page(
        request,
        "approvals/draft_new.html",
        title=title,
        crumbs=[crumb],
        back=crumb[1],
        form=form,
        status=422 if form.errors else 200,
    )


# ── The page ──────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("pricelists/<int:pk>/", "pricelist")
def price_list(request, pk):
    return draft_page(request, pk, PRICE_LIST)


def draft_page(request, pk, kind):
    """Show a draft of one kind to those who may work on it; to others, and later, the document as all read it."""
    document = get_object_or_404(Document.objects.visible_to(request.user), pk=pk, kind=kind.code)
    if not (document.editable and permissions.may_draft(request.user, kind.code)):
        return redirect("admin:document", pk)
    return page(
        request,
        "approvals/draft.html",
        title=document.title,
        crumbs=[list_crumb(document)],
        wide=True,
        **draft_context(request, document, kind),
    )


def draft_context(request, document, kind):
    """Return what the page of a draft shows. Its number of statements does not grow with lines."""
    own = specific(document)
    return {
        "document": document,
        "own": own,
        "kind": kind,
        "facts": figures.header_facts(own),
        "sent_back": last_send_back(document),
        "open_import": document.imports.filter(state__in=OPEN_IMPORTS).select_related("file", "job").first(),
        "last_import": document.imports.filter(state=ImportState.WRITTEN).select_related("file").first(),
        "submit_url": reverse(f"admin:{kind.edit_screen}_submit", args=[document.pk]),
        **head_context(document),
        **grid_context(request, document, kind),
    }


def head_context(document):
    """Return the figures above the lines; they come from the last check."""
    summary = document.summary or {}
    return {
        "document": document,
        "summary": summary,
        "changed": summary.get("changed", 0),
        "must_look": (summary.get("bands") or {}).get("must", 0),
    }


def last_send_back(document):
    """Return the decision that sent the document back, while it is still its state."""
    if document.state != DocumentState.SENT_BACK:
        return None
    return Decision.objects.filter(document=document, verdict=Verdict.SEND_BACK).order_by("-pk").first()


# ── The grid ──────────────────────────────────────────────────────────────────────────────────────────────────────


def wishes(request):
    """Return what the address asks of the grid; what it cannot mean is left out."""
    show, sort = request.GET.get("show", ""), request.GET.get("sort", "")
    return {
        "show": show if show in grid.SHOWS else "all",
        "sort": sort if sort in grid.SORTS else "row",
        "search": clean_text(request.GET.get("q", "")),
        "after": clean_text(request.GET.get("after", ""), 200),
    }


def grid_address(base, wish, **changes):
    """Return the address of the grid with a wish changed; a new filter or order begins at the first page."""
    wish = {"show": wish["show"], "sort": wish["sort"], "q": wish["search"], **changes}
    usual = {"show": "all", "sort": "row"}
    query = urlencode({name: value for name, value in wish.items() if value and usual.get(name) != value})
    return f"{base}{'?' if query else ''}{query}#lines"


def grid_context(request, document, kind):
    wish = wishes(request)
    lines, following = grid.page_of(document, **wish)
    base = draft_address(document)
    return {
        "costs": may_see_costs(request.user),
        "wish": wish,
        "filtered": bool(wish["search"]) or wish["show"] != "all",
        "shows": shows(document, base, wish),
        "sorts": sorts(base, wish),
        **linelist.line_words(kind),
        "rows": dressed(document, lines, costs=may_see_costs(request.user)),
        "pager": {
            "first": grid_address(base, wish) if wish["after"] else None,
            "next": grid_address(base, wish, after=following) if following else None,
        },
    }


def dressed(document, lines, *, costs):
    """Give lines what a row of the grid shows."""
    return linelist.dress(document, lines, costs=costs, fee=figures.fee_rate(document) if costs else None)


def shows(document, base, wish):
    """Return the filters; one that would show nothing is left out unless it is chosen."""
    summary = document.summary or {}
    grave = document.block_count + document.sign_count + document.warn_count
    choices = [
        ("all", pgettext("lines", "All"), document.line_count, True),
        ("hits", _("With hits"), None, grave),
        ("block", pgettext("severity", "block"), None, document.block_count),
        ("sign", pgettext("severity", "sign"), None, document.sign_count),
        ("warn", pgettext("severity", "warn"), None, document.warn_count),
        ("struck", _("Struck"), summary.get("struck"), summary.get("struck")),
    ]
    return [
        {
            "name": name,
            "count": count,
            "url": grid_address(base, wish, show=code),
            "current": wish["show"] == code,
        }
        for code, name, count, wanted in choices
        if wanted or wish["show"] == code
    ]


def sorts(base, wish):
    """Return, for each column that can be sorted by, its address and whether it is chosen now."""
    now = wish["sort"]
    change = "rise" if now == "cut" else "cut"
    columns = {"row": "row", "sku": "sku", "change": change, "risk": "risk"}
    return {
        column: {
            "url": grid_address(base, wish, sort=sort),
            "current": now == sort or (column == "change" and now in {"cut", "rise"}),
            "falling": now == "rise" or (column == "risk" and now == "risk"),
        }
        for column, sort in columns.items()
    }


# ── Lines in place ────────────────────────────────────────────────────────────────────────────────────────────────


def wants_json(request):
    return request.headers.get("Accept", "").startswith("application/json")


def found_line(request, pk, line_pk):
    """Return (document, kind, line or None) of a draft that the account may work on."""
    document = visible_draft(request.user, pk)
    kind = kind_of(document)
    return document, kind, kind.line_model.objects.filter(document=document.pk, pk=line_pk).first()


@screen("drafts/<int:pk>/lines/<int:line_pk>/", "draft_line", methods=("GET", "POST"))
def draft_line(request, pk, line_pk):
    """One line: read as a form; written from the grid (a single field) or from the form (all of them)."""
    document, kind, line = found_line(request, pk, line_pk)
    if line is None or not document.editable:
        if request.method == "POST":
            raise Refusal(
                _("This line is no longer in the document, or the document is no draft any more."),
                code="gone",
            )
        raise Http404
    if request.method == "GET":
        return line_page(request, document, line, line_form(line, kind, costs=may_see_costs(request.user)))
    if "act" in request.POST:
        return edit_in_place(request, document, kind, line)
    return edit_by_form(request, document, kind, line)


def edit_in_place(request, document, kind, line):
    """Write the final price, or strike or keep the line; answer with its row as it is then."""
    try:
        fields = fields_in_place(request.POST)
        line, document = drafts.edit_line(
            line.pk, kind=kind, by=request.user, version=whole_number(request.POST.get("version")), **fields
        )
    except (Refusal, ValidationError) as refused:
        return refuse_in_place(request, document, kind, refused, line.pk)
    if not wants_json(request):
        return redirect(draft_address(document))
    return JsonResponse(answer(request, document, line))


def fields_in_place(posted):
    """Return the one field that a control of the grid writes."""
    act = posted["act"]
    if act == "price":
        return {"final_price": typed_price(posted.get("price"))}
    if act == "keep":
        return {"struck": False}
    if act == "strike":
        reason = posted.get("strike_reason", "").strip()[:200]
        if not reason:
            raise Refusal(_("Say why the line is struck."), code="invalid")
        return {"struck": True, "strike_reason": reason}
    raise Refusal(_("This cannot be done with a line."), code="invalid")


def whole_number(text):
    return int(text) if text and text.isdecimal() and len(text) < 10 else 0


def answer(request, document, line, mine=None):
    """Return what the grid takes over after a change: the row, and the figures above."""
    costs = may_see_costs(request.user)
    [row] = dressed(document, [line], costs=costs)
    row.mine = mine
    context = {
        "rows": [row],
        "costs": costs,
        "document": document,
        **linelist.line_words(kind_of(document)),
    }
    return {
        "row": render_to_string("approvals/_draftlines.html", context, request),
        "head": render_to_string("approvals/_drafthead.html", head_context(document), request),
        "version": line.version,
    }


def refuse_in_place(request, document, kind, refused, line_pk):
    """Answer a refused change. Somebody else's is shown beside one's own, which can then be written after all."""
    sentence = " ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)
    code = getattr(refused, "code", None) or "invalid"
    if not wants_json(request):
        messages.error(request, sentence)
        return redirect(draft_address(document))
    data = {"refused": sentence, "code": code}
    now = kind.line_model.objects.filter(pk=line_pk).first()
    if code == "edited" and now is not None:
        mine = request.POST.get("price", "").strip()[:20] if request.POST["act"] == "price" else None
        data |= answer(request, document, now, mine=mine)
    return JsonResponse(data, status=409)


def line_page(request, document, line, form, *, theirs=None, status=200):
    """Show a line as a form: as a page of its own, or as the content of the grid's dialog."""
    context = {
        "document": document,
        "line": line,
        "form": form,
        "theirs": theirs,
        "back": draft_address(document),
        "labels": linelist.scope_names(),
    }
    if request.headers.get("X-Fragment") == "line":
        return render(request, "approvals/_lineform.html", context, status=status)
    return page(
        request,
        "approvals/draft_line.html",
        title=f"{line.sku_code} {line.sku_name}",
        crumbs=[list_crumb(document), (document.number, draft_address(document))],
        status=status,
        **context,
    )


def edit_by_form(request, document, kind, line):
    costs = may_see_costs(request.user)
    form = line_form(line, kind, request.POST, costs=costs)
    if not form.is_valid():
        return line_page(request, document, line, form, status=422)
    try:
        line, document = drafts.edit_line(
            line.pk, kind=kind, by=request.user, version=form.cleaned_data["version"], **form.fields_of_line()
        )
    except ValidationError as invalid:
        add_errors(form, invalid)
        return line_page(request, document, line, form, status=422)
    except Refusal as refusal:
        if refusal.code != "edited":
            raise
        return stale_line(request, document, kind, refusal.data["line"], form)
    if wants_json(request):
        return JsonResponse(answer(request, document, line))
    messages.success(request, _("%(sku)s is saved.") % {"sku": line.sku_code})
    return redirect(draft_address(document))


def stale_line(request, document, kind, now, form):
    """Show both versions: the form keeps what was typed, beside what the line says by now."""
    data = form.data.copy()
    data["version"] = str(now.version)
    again = line_form(now, kind, data, costs=may_see_costs(request.user))
    theirs = [
        (again[name].label, shown(again, name), again[name].value())
        for name in again.fields
        if name not in {"version", "scope", "stores"} and again.is_valid() and name in again.changed_data
    ]
    return line_page(request, document, now, again, theirs=theirs, status=409)


def shown(form, name):
    """Return what a field says now, as a person reads it."""
    value = form.initial.get(name)
    choices = dict(getattr(form.fields[name], "choices", ()))
    return choices.get(value, value if value not in (None, "") else "—")


def add_errors(form, invalid):
    """Put what the model refuses beside the fields of the form, and what fits none of them above."""
    found = invalid.message_dict if hasattr(invalid, "error_dict") else {"__all__": invalid.messages}
    for name, sentences in found.items():
        field = {"scope_key": "scope"}.get(name, name)
        form.add_error(field if field in form.fields else None, sentences)


@screen("drafts/<int:pk>/lines/add/", "draft_line_add", methods=("POST",))
def add_line(request, pk):
    document = visible_draft(request.user, pk)
    kind = kind_of(document)
    prices = {
        name: typed_price(request.POST[name])
        for name in ("reference_price", "final_price")
        if request.POST.get(name, "").strip() and name in drafts.LINE_FIELDS[kind.code]
    }
    line = drafts.add_line(pk, by=request.user, sku_code=request.POST.get("sku", "")[:80], **prices)
    messages.success(request, _("%(sku)s %(name)s is added.") % {"sku": line.sku_code, "name": line.sku_name})
    return HttpResponseRedirect(f"{draft_address(document)}?{urlencode({'q': line.sku_code})}#lines")


@screen("drafts/<int:pk>/lines/remove/", "draft_lines_remove", methods=("POST",))
def remove_lines(request, pk):
    document = visible_draft(request.user, pk)
    wanted = [int(text) for text in request.POST.getlist("line") if text.isdecimal() and len(text) < 19]
    removed = drafts.remove_lines(pk, by=request.user, line_pks=wanted[: grid.PAGE])
    if not removed:
        raise Refusal(_("Choose the lines that are to be removed."))
    messages.success(request, _("%(n)d lines were removed.") % {"n": removed})
    return HttpResponseRedirect(f"{draft_address(document)}#lines")


# ── Header, discarding, follow-up ─────────────────────────────────────────────────────────────────────────────────


@screen("drafts/<int:pk>/header/", "draft_header", methods=("GET", "POST"))
def draft_header(request, pk):
    document = visible_draft(request.user, pk)
    if not document.editable:
        return redirect("admin:document", pk)
    form = header_form(specific(document), request.POST or None)
    if request.method == "POST" and form.is_valid():
        if changes := form.changes():
            drafts.edit_header(pk, by=request.user, **changes)
            messages.success(request, _("The header is saved; the guards have run again."))
        return redirect(draft_address(document))
    return page(
        request,
        "approvals/draft_header.html",
        title=_("Edit header"),
        crumbs=[list_crumb(document), (document.number, draft_address(document))],
        document=document,
        form=form,
        back=draft_address(document),
        status=422 if form.errors else 200,
    )


@screen("drafts/<int:pk>/discard/", "draft_discard", methods=("POST",))
def discard(request, pk):
    document = get_object_or_404(Document.objects.visible_to(request.user), pk=pk)
    transitions.cancel(pk, by=request.user)
    messages.success(
        request, _("%(number)s is given up. Its number is not used again.") % {"number": document.number}
    )
    return redirect(f"admin:{kind_of(document).edit_screen}s")


@screen("documents/<int:pk>/follow-up/", "document_follow_up", methods=("POST",))
def follow_up(request, pk):
    document = get_object_or_404(Document.objects.visible_to(request.user), pk=pk)
    if not (kind_of(document).priced and permissions.may_draft(request.user, document.kind)):
        raise PermissionDenied
    try:
        draft = drafts.follow_up(pk, by=request.user)
    except Refusal as refusal:
        if (
            refusal.code != "again"
            or not Document.objects.visible_to(request.user).filter(follows=pk).exists()
        ):
            raise
        messages.info(request, str(refusal))
        return redirect(draft_address(refusal.data["document"]))
    messages.success(request, _("%(number)s takes up the struck lines.") % {"number": draft.number})
    return redirect(draft_address(draft))
