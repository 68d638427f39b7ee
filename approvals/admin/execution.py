"""Store execution: one store, step by step, and the proof that it was done."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, OuterRef, Q
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from approvals import permissions
from approvals.admin import figures
from approvals.execution.receipts import COUNTS, rows_for_store
from approvals.execution.storefiles import make_store_file, parts_needed
from approvals.flow import transitions
from approvals.kinds import specific
from approvals.models import (
    Document,
    DocumentState,
    Receipt,
    Step,
    StepKind,
    StepState,
    StoreFile,
    Task,
    TaskState,
    Verdict,
)
from opsadmin.core.addresses import client_address
from opsadmin.core.counting import count_up_to
from opsadmin.core.files import download
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.core.spreadsheets import content_disposition
from stores.models import Store

PAGE = 30
# Rounds that were sent back have stopped steps: their stores are of no account.
REACHED = Q(kind=StepKind.EXECUTE, state__in=[StepState.ACTIVE, StepState.DONE])
EXECUTING = Q(step__kind=StepKind.EXECUTE, step__state__in=[StepState.ACTIVE, StepState.DONE])
TABS = {"open": (DocumentState.FILED,), "done": (DocumentState.DONE,)}


# ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("execution/", "execution", may=permissions.may_see_execution)
def execution(request):
    """Documents being carried out, newest first, with how many of the visible stores are done."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "open"
    before = request.GET.get("before", "")
    reached = Document.objects.visible_to(request.user).filter(
        Exists(Step.objects.filter(REACHED, process__document=OuterRef("pk")))
    )
    documents = reached.filter(state__in=TABS[tab])
    if before.isdecimal() and len(before) < 19:
        documents = documents.filter(pk__lt=int(before))
    documents = list(documents.order_by("-pk")[: PAGE + 1])
    shown = documents[:PAGE]
    add_progress(shown, request.user)
    return page(
        request,
        "approvals/execution.html",
        title=_("Store execution"),
        documents=shown,
        tab=tab,
        tabs=[
            ("open", pgettext("execution", "under way"), count_up_to(reached.filter(state__in=TABS["open"]))),
            ("done", pgettext("document", "done"), None),
        ],
        pager={
            "first": f"?tab={tab}" if before else None,
            "next": f"?tab={tab}&before={shown[-1].pk}" if len(documents) > PAGE else None,
        },
        waiting=count_up_to(Task.objects.waiting_for(request.user).filter(EXECUTING)),
    )


def add_progress(documents, user):
    """Give documents how many of the visible stores there are and are done, and the account's open tasks."""
    counts = execution_counts(documents, Store.objects.visible_to(user))
    mine = my_open_tasks(user, documents)
    for document in documents:
        document.stores_all, document.stores_done = counts.get(document.pk, (0, 0))
        document.my_tasks = mine.get(document.pk, [])


def execution_counts(documents, visible):
    """Return {document: (stores, stores with a receipt)} over the visible stores, in one statement."""
    rows = (
        Task.objects.filter(EXECUTING, document__in=documents, store__in=visible)
        .exclude(state=TaskState.CLOSED)
        .values("document")
        .annotate(
            every=Count("store", distinct=True),
            done=Count("store", distinct=True, filter=Q(receipt__isnull=False)),
        )
    )
    return {row["document"]: (row["every"], row["done"]) for row in rows}


def my_open_tasks(user, documents):
    found = {}
    tasks = Task.objects.waiting_for(user).filter(EXECUTING, document__in=documents).select_related("store")
    for task in tasks.order_by("store__order", "store__code", "pk"):
        found.setdefault(task.document_id, []).append(task)
    return found


# ── One store ─────────────────────────────────────────────────────────────────────────────────────────────────────


def store_states(document, user):
    """Return the document's stores that the account may see, each with its people, its receipt and a task.

    The task is the account's own open one where it has one. Once a store is done, its people are who did it.
    """
    tasks = (
        Task.objects.filter(EXECUTING, document=document, store__in=Store.objects.visible_to(user))
        .exclude(state=TaskState.CLOSED)
        .select_related("store__platform", "assignee", "receipt__file")
        .order_by("store__order", "store__code", "pk")
    )
    stores = {}
    for task in tasks:
        row = stores.setdefault(
            task.store_id,
            {"store": task.store, "people": [], "receipt": None, "task": task, "mine": None},
        )
        row["people"].append(str(task.assignee))
        row["receipt"] = row["receipt"] or getattr(task, "receipt", None)
        if task.assignee_id == user.pk and task.state == TaskState.OPEN:
            row["task"] = row["mine"] = task
    return list(stores.values())


def visible_task(user, pk):
    """Return a task of carrying out, of a store and a document that the account may see."""
    return get_object_or_404(
        Task.objects.filter(EXECUTING).select_related("document", "store__platform"),
        pk=pk,
        document__in=Document.objects.visible_to(user),
        store__in=Store.objects.visible_to(user),
    )


@screen("execution/<int:pk>/", "execute", may=permissions.may_see_execution)
def execute(request, pk):
    return execute_page(request, visible_task(request.user, pk))


def execute_page(request, task, *, refused="", status=200):
    """Show one store: its file, what to do in the mall, its receipt. What was typed stays where it was refused."""
    document, store = task.document, task.store
    stores = store_states(document, request.user)
    current = next((row for row in stores if row["store"].pk == store.pk), None)
    if current is None:
        raise Http404
    rows = rows_for_store(document, store)
    taken = StoreFile.objects.filter(document=document, store=store).select_related("taken_by")
    return page(
        request,
        "approvals/execute.html",
        title=_("Store execution"),
        crumb=store.name,
        crumbs=[
            (_("Store execution"), reverse("admin:execution")),
            (document.number, reverse("admin:document", args=[document.pk])),
        ],
        status=status,
        refused=refused,
        document=document,
        facts=figures.header_facts(specific(document)),
        campaign=getattr(document, "campaign", None),
        stores=stores,
        done_count=sum(row["receipt"] is not None for row in stores),
        current=current,
        store=store,
        task=current["task"],
        rows=rows,
        parts=parts_needed(rows, store.platform),
        files=taken.order_by("-pk")[:5],
        typed={"applied": rows, "failed": 0, "not_found": 0, **request.POST.dict()},
        may_read_archive=permissions.may_search_archive(request.user),
    )


@screen("execution/<int:pk>/file/", "execute_file", methods=("POST",), may=permissions.may_see_execution)
def take_file(request, pk):
    """Give out the file for the store; that its people took it is noted, so this is a POST."""
    task = visible_task(request.user, pk)
    made, taken = make_store_file(task.document_id, task.store_id, by=request.user)
    response = FileResponse(made, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = content_disposition(taken.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@screen(
    "execution/<int:pk>/receipt/", "execute_receipt", methods=("POST",), may=permissions.may_see_execution
)
def give_receipt(request, pk):
    """Record that the store is done, with the receipt and what the mall answered."""
    task = visible_task(request.user, pk)
    note = request.POST.get("note", "").strip()[:300]
    try:
        transitions.decide(
            task.pk,
            by=request.user,
            verdict=Verdict.EXECUTE,
            content_hash=request.POST.get("content_hash", ""),
            comment=note,
            data={**typed_counts(request.POST), "file": request.FILES.get("file"), "note": note},
            address=client_address(request),
        )
    except PermissionDenied:
        raise Refusal(_("This store is not in your charge, or not any more. Nothing was recorded.")) from None
    except Refusal as refusal:
        if refusal.code != "invalid":
            raise
        return execute_page(request, task, refused=str(refusal), status=422)
    return told(request, task)


def typed_counts(posted):
    """Return the three counts as they were typed; a blank is none. Refusal ``invalid`` for anything else."""
    counts = {name: posted.get(name, "").strip() for name in COUNTS}
    if any(
        value and not (value.isascii() and value.isdecimal() and len(value) < 8) for value in counts.values()
    ):
        raise Refusal(_("Applied, failed and not found are whole numbers."), code="invalid")
    return counts


def told(request, task):
    """Say what was recorded, and go on to the next store that waits: of this document first."""
    messages.success(request, _("Receipt recorded: %(store)s.") % {"store": task.store})
    waiting = Task.objects.waiting_for(request.user).filter(EXECUTING).order_by("due_at", "pk")
    following = waiting.filter(document=task.document_id).first() or waiting.first()
    return redirect("admin:execute", following.pk if following else task.pk)


@screen("receipts/<int:pk>/file/", "receipt_file", may=permissions.may_see_execution)
def receipt_file(request, pk):
    receipt = get_object_or_404(
        Receipt.objects.select_related("file"),
        pk=pk,
        document__in=Document.objects.visible_to(request.user),
        store__in=Store.objects.visible_to(request.user),
    )
    return download(receipt.file)
