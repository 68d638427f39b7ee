"""Store execution: one store, step by step, and the proof that it was done."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import FileResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.execution.receipts import rows_for_store
from approvals.execution.storefiles import make_store_file
from approvals.flow import transitions
from approvals.models import Document, DocumentState, Receipt, StepKind, StoreFile, Task, TaskState, Verdict
from opsadmin.core.files import download
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.core.spreadsheets import content_disposition
from stores.models import Store

PAGE = 30
EXECUTING = Q(step__kind=StepKind.EXECUTE)


def store_states(document, user):
    """Return the document's stores that the account may see, each with its state, its receipt and the account's task."""
    tasks = (
        Task.objects.filter(EXECUTING, document=document, store__in=Store.objects.visible_to(user))
        .exclude(state=TaskState.PLANNED)
        .select_related("store__platform", "assignee", "receipt__file")
        .order_by("store__order", "store__code", "pk")
    )
    stores = {}
    for task in tasks:
        row = stores.setdefault(
            task.store_id,
            {"store": task.store, "people": [], "receipt": None, "task": None, "due_at": task.due_at},
        )
        row["people"].append(str(task.assignee))
        row["receipt"] = row["receipt"] or getattr(task, "receipt", None)
        if task.assignee_id == user.pk:
            row["task"] = task
    for row in stores.values():
        row["done"] = row["receipt"] is not None
    return list(stores.values())


@screen("execution/", "execution", may=permissions.may_see_execution)
def execution(request):
    """Documents being carried out, newest first, with how many of the visible stores are done."""
    visible = Store.objects.visible_to(request.user)
    before = request.GET.get("before", "")
    documents = Document.objects.visible_to(request.user).filter(
        state__in=[DocumentState.FILED, DocumentState.DONE], tasks__step__kind=StepKind.EXECUTE
    )
    if before.isdigit():
        documents = documents.filter(pk__lt=int(before))
    documents = list(documents.distinct().order_by("-pk")[: PAGE + 1])
    shown = documents[:PAGE]
    counts = execution_counts(shown, visible)
    mine = my_open_tasks(request.user, shown)
    for document in shown:
        document.stores_all, document.stores_done = counts.get(document.pk, (0, 0))
        document.my_tasks = mine.get(document.pk, [])
    return page(
        request,
        "approvals/execution.html",
        title=_("Store execution"),
        documents=shown,
        older=shown[-1].pk if len(documents) > PAGE else None,
        newest=not before,
        waiting=Task.objects.waiting_for(request.user).filter(EXECUTING).count(),
    )


def execution_counts(documents, visible):
    """Return {document: (stores, stores with a receipt)} over the visible stores, in one statement."""
    rows = (
        Task.objects.filter(EXECUTING, document__in=documents, store__in=visible)
        .exclude(state=TaskState.PLANNED)
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
    for task in tasks.order_by("due_at", "pk"):
        found.setdefault(task.document_id, []).append(task)
    return found


def my_store_task(user, pk):
    """Return a task of carrying out that the account may see: its own, or one of a store that it may see."""
    tasks = Task.objects.filter(EXECUTING).exclude(state=TaskState.PLANNED)
    return get_object_or_404(
        tasks.select_related("document", "store__platform", "step", "assignee"),
        pk=pk,
        document__in=Document.objects.visible_to(user),
        store__in=Store.objects.visible_to(user),
    )


@screen("execution/<int:pk>/", "execute", may=permissions.may_see_execution)
def execute(request, pk):
    task = my_store_task(request.user, pk)
    document, store = task.document, task.store
    mine = task.assignee_id == request.user.pk and task.state == TaskState.OPEN
    stores = store_states(document, request.user)
    return page(
        request,
        "approvals/execute.html",
        title=store.name,
        crumbs=[(_("Store execution"), reverse("admin:execution")), (document.number, "")],
        task=task,
        document=document,
        store=store,
        stores=stores,
        current=next((row for row in stores if row["store"].pk == store.pk), None),
        done_count=sum(row["done"] for row in stores),
        mine=mine,
        rows=rows_for_store(document, store),
        files=StoreFile.objects.filter(document=document, store=store)
        .select_related("taken_by")
        .order_by("-pk")[:5],
        receipt=Receipt.objects.filter(document=document, store=store).select_related("file").first(),
        campaign=getattr(document, "campaign", None),
    )


@screen("execution/<int:pk>/file/", "execute_file", methods=("POST",), may=permissions.may_see_execution)
def take_file(request, pk):
    """Give out the file for the store; that it was taken is noted, so this is a POST."""
    task = my_store_task(request.user, pk)
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
    task = my_store_task(request.user, pk)
    counts = {name: request.POST.get(name, "").strip() for name in ("applied", "failed", "not_found")}
    if any(
        value and not (value.isascii() and value.isdigit() and len(value) < 8) for value in counts.values()
    ):
        raise Refusal(_("Applied, failed and not found are whole numbers."), code="invalid")
    try:
        transitions.decide(
            task.pk,
            by=request.user,
            verdict=Verdict.EXECUTE,
            content_hash=request.POST.get("content_hash", ""),
            comment=request.POST.get("note", "")[:300],
            data={**counts, "file": request.FILES.get("file"), "note": request.POST.get("note", "")[:300]},
            address=request.META.get("REMOTE_ADDR"),
        )
    except PermissionDenied:
        raise Refusal(_("This store is not in your charge any more.")) from None
    messages.success(request, _("Receipt recorded: %(store)s.") % {"store": task.store})
    following = Task.objects.waiting_for(request.user).filter(EXECUTING).order_by("due_at", "pk").first()
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
