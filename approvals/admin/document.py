"""A document as everybody reads it: facts, figures, route, lines, comments, what happened."""

from collections import defaultdict

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals import permissions, waiting
from approvals.admin import figures, linelist
from approvals.admin.bodies import body_of, change_bounds
from approvals.admin.documentlists import clean_text
from approvals.flow import transitions
from approvals.kinds import kind_of, own_row
from approvals.models import Attachment, Decision, Document, DocumentState, Task
from approvals.pricelists.grid import found_by
from opsadmin.core.files import download
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from stores.permissions import may_see_costs

MAX_FILES, MAX_FILE_BYTES = 10, 20 * 1024 * 1024
MOST_COMMENTS, MOST_FILES = 100, 500


def visible_document(user, pk):
    """Return the document if the account may see it; otherwise it does not exist."""
    documents = waiting.with_own_rows(Document.objects.visible_to(user))
    return get_object_or_404(documents.select_related("drafted_by", "submitted_by"), pk=pk)


def kind_crumb(code):
    """Return the crumb of the list of one kind of document."""
    names = {
        "price_list": (_("Price lists"), "admin:pricelists"),
        "promotion": (_("Promotions"), "admin:promotions"),
        "reorganisation": (_("Reorganisations"), "admin:reorganisations"),
        "hiring_request": (_("Hiring requests"), "admin:hiring_requests"),
    }
    label, name = names[code]
    return label, reverse(name)


def list_crumb(document):
    """Return the crumb of the list that the document belongs to."""
    return kind_crumb(document.kind)


def document_context(request, document):
    """Return what the review page and the reading page share. Its number of statements does not grow with lines."""
    own = own_row(document)
    entries = figures.route(document, request.user)
    place, steps = figures.position_in_route(entries)
    return {
        "document": document,
        "own": own,
        "kind": kind_of(document),
        "facts": figures.header_facts(own),
        "summary": document.summary or {},
        "severities": figures.severities(document),
        "entries": entries,
        "place": place,
        "steps": steps,
        "may_comment": permissions.may_comment(request.user),
        **body_of(request, document),
        **remarks(document),
    }


def remarks(document):
    """Return the comments, each with its files, and the files that stand by themselves; two statements."""
    files = defaultdict(list)
    for file in Attachment.objects.filter(document=document.pk).select_related("file")[:MOST_FILES]:
        files[file.comment_id].append(file)
    comments = list(document.comments.all()[:MOST_COMMENTS])
    for comment in comments:
        comment.files = files[comment.pk]
    return {"comments": comments, "attachments": files[None]}


def may_follow_up(user, document):
    """A follow-up takes the struck lines of a filed document into a new draft."""
    filed = kind_of(document).priced and document.state in (DocumentState.FILED, DocumentState.DONE)
    return (
        filed and permissions.may_draft(user, document.kind) and (document.summary or {}).get("struck", 0) > 0
    )


@screen("documents/<int:pk>/", "document")
def document_page(request, pk):
    document = visible_document(request.user, pk)
    if document.editable and permissions.may_draft(request.user, document.kind):
        return redirect(f"admin:{kind_of(document).edit_screen}", document.pk)
    return reading_page(request, document)


def reading_page(request, document):
    """Show a document to somebody who does not work on it now."""
    task = Task.objects.waiting_for(request.user).filter(document=document).first()
    return page(
        request,
        "approvals/document.html",
        title=document.title,
        crumbs=[list_crumb(document)],
        wide=True,
        may_withdraw=may_withdraw(request.user, document),
        may_follow_up=may_follow_up(request.user, document),
        may_read_archive=permissions.may_search_archive(request.user) and bool(document.archive_number),
        my_task=task,
        **document_context(request, document),
    )


def may_withdraw(user, document):
    """Only the submitter takes a document back, and only before the first decision of the round."""
    return (
        document.state == DocumentState.IN_APPROVAL
        and document.submitted_by_id == user.pk
        and not Decision.objects.filter(document=document, round=document.round).exists()
    )


@screen("documents/<int:pk>/lines/", "document_lines")
def document_lines(request, pk):
    """Further lines of one group, as table rows."""
    document = visible_document(request.user, pk)
    return lines_fragment(request, document, editable=False)


def lines_fragment(request, document, *, editable, task=None):
    """Render the next lines of a group; the key to go on with is in a header."""
    band, after = request.GET.get("band", ""), request.GET.get("after", "")
    if not kind_of(document).priced or band not in {"1", "2", "3"}:
        raise Http404
    after = "" if after == "start" else after
    risk, _colon, pk = after.partition(":")
    if after and not (risk.lstrip("-").isdigit() and pk.isdigit()):
        raise Http404
    low, high = change_bounds(request)
    search = clean_text(request.GET.get("q", ""))
    fitting = found_by(document, search) if search else None
    rows, following = linelist.lines_of(
        document, band=int(band), fitting=fitting, after=after, low=low, high=high
    )
    costs = may_see_costs(request.user)
    linelist.dress(document, rows, costs=costs, fee=figures.fee_rate(document) if costs else None)
    context = {
        "rows": rows,
        "costs": costs,
        "editable": editable,
        "task": task,
        "band": int(band),
        "document": document,
        **linelist.line_words(kind_of(document)),
    }
    response = render(request, "approvals/_lines.html", context)
    response.headers["X-Next"] = following
    return response


@screen("documents/<int:pk>/withdraw/", "document_withdraw", methods=("POST",))
def withdraw(request, pk):
    visible_document(request.user, pk)
    document = transitions.withdraw(pk, by=request.user)
    messages.success(request, _("Withdrawn. %(number)s is a draft again.") % {"number": document.number})
    return redirect(f"admin:{kind_of(document).edit_screen}", pk)


@screen("documents/<int:pk>/comment/", "document_comment", methods=("POST",))
def comment(request, pk):
    document = visible_document(request.user, pk)
    files = request.FILES.getlist("files")
    if len(files) > MAX_FILES or any(upload.size > MAX_FILE_BYTES for upload in files):
        raise Refusal(_("At most 10 files of 20 MB each."))
    transitions.add_comment(
        document.pk, by=request.user, text=request.POST.get("text", "")[:2000], files=files
    )
    messages.success(request, _("Comment added."))
    back = Task.objects.waiting_for(request.user).filter(document=document).first()
    return redirect("admin:review", back.pk) if back else redirect("admin:document", pk)


@screen("attachments/<int:pk>/", "attachment")
def attachment(request, pk):
    """A document's file, for those who may see the document; served so that no browser runs it."""
    found = get_object_or_404(Attachment.objects.select_related("file"), pk=pk)
    visible_document(request.user, found.document_id)
    if not permissions.may_open_attachment(request.user, found):
        raise PermissionDenied
    return download(found.file)
