"""What waits for whom: the questions behind inbox and dashboard. Each costs the same however much waits."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import Max, Min, Q
from django.utils import timezone

from approvals.kinds import KINDS, kind_of
from approvals.models import Document, DocumentState, ProcessState, Step, StepState, Task, TaskState
from opsadmin.core.counting import LIMIT, UpTo, count_up_to

OWN_ROWS = tuple(kind.model._meta.model_name for kind in KINDS.values())


def with_own_rows(queryset, path=""):
    """Join the row of the document's own kind, so that its words cost no further query.

    Little else may be joined beside them: the database looks at every order of up to eight tables, and to plan so
    takes longer than the page.
    """
    return queryset.select_related(*(f"{path}{name}" for name in OWN_ROWS))


def kind_words(document):
    """Return in words what a document is: "emergency price list", "promotion · coupon"."""
    kind = kind_of(document)
    return kind.words(getattr(document, kind.model._meta.model_name))


@dataclass
class Waiting:
    """Figures of what waits for one account. Above 99 tasks the sums would be false and are left out (None)."""

    count: UpTo
    kinds: dict
    money: Decimal | None
    largest: Decimal
    due_today: int


def figures(user, now=None):
    """Return how much waits for the account, per kind, with the money at risk and what is due today."""
    end_of_day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
        days=1
    )
    rows = list(
        Task.objects.waiting_for(user)
        .order_by("due_at", "pk")
        .values_list("document_id", "document__kind", "document__money_at_risk", "due_at")[: LIMIT + 1]
    )
    kinds = {}
    for _document, kind, _money, _due in rows:
        kinds[kind] = kinds.get(kind, 0) + 1
    money = {document: amount for document, _kind, amount, _due in rows}
    return Waiting(
        count=UpTo(len(rows)),
        kinds=kinds,
        money=sum(money.values(), Decimal(0)) if len(rows) <= LIMIT else None,
        largest=max(money.values(), default=Decimal(0)),
        due_today=sum(due is not None and due < end_of_day for *_rest, due in rows),
    )


def deadline_years():
    """Return the years over which the deadlines of open steps are counted back from their effective moments."""
    steps = Step.objects.filter(
        process__state=ProcessState.OPEN,
        state__in=(StepState.WAITING, StepState.ACTIVE),
        due_at__isnull=False,
    )
    ends = steps.aggregate(
        *(edge(path) for edge in (Min, Max) for path in ("due_at", "process__document__effective_from"))
    )
    years = [timezone.localtime(end).year for end in ends.values() if end is not None]
    return set(range(min(years), max(years) + 1)) if years else set()


def waiting_tasks(user, *, kind="", after=None):
    """Return the open tasks of the account by latest safe moment, from behind ``after`` (moment or None, key)."""
    tasks = Task.objects.waiting_for(user).select_related("document", "store")
    tasks = with_own_rows(tasks, "document__").prefetch_related("step__process")
    if kind:
        tasks = tasks.filter(document__kind=kind)
    if after:
        due, pk = after
        same = Q(due_at=due, pk__gt=pk) if due else Q(due_at=None, pk__gt=pk)
        tasks = tasks.filter(same | Q(due_at__gt=due) | Q(due_at=None) if due else same)
    return tasks.order_by("due_at", "pk")


def submitted_documents(user, *, kind="", after=None):
    """Return what the account drafted or submitted, newest first; what was given up is left out."""
    mine = Document.objects.filter(Q(drafted_by=user) | Q(submitted_by=user))
    mine = mine.exclude(state=DocumentState.CANCELLED)
    if kind:
        mine = mine.filter(kind=kind)
    if after:
        mine = mine.filter(pk__lt=after)
    return with_own_rows(mine).order_by("-pk")


def done_tasks(user):
    """Tasks that the account decided; naming the closing time lets the index by it answer."""
    return Task.objects.filter(assignee=user, state=TaskState.DONE, closed_at__isnull=False)


def decided_tasks(user, *, kind="", after=None):
    """Return the tasks that the account decided, newest first, from behind ``after`` (moment, key)."""
    tasks = done_tasks(user).select_related("document", "decision")
    tasks = with_own_rows(tasks, "document__").prefetch_related("store", "step")
    if kind:
        tasks = tasks.filter(document__kind=kind)
    if after:
        closed, pk = after
        tasks = tasks.filter(Q(closed_at__lt=closed) | Q(closed_at=closed, pk__lt=pk))
    return tasks.order_by("-closed_at", "-pk")


def decided_count(user):
    return count_up_to(done_tasks(user))


def coming_tasks(user):
    """Return tasks planned for the account whose step has not begun: what will come, earliest first."""
    tasks = Task.objects.filter(
        assignee=user, state=TaskState.PLANNED, step__state=StepState.WAITING, document__state="in_approval"
    )
    return with_own_rows(tasks.select_related("document", "step"), "document__").order_by("due_at", "pk")


def where_now(documents):
    """Return {document key: (step name, [who], due)} for documents in approval or execution, in one query."""
    open_tasks = (
        Task.objects.filter(document__in=documents, state=TaskState.OPEN)
        .order_by("pk")
        .values_list("document_id", "step__name", "assignee__name", "assignee__username", "due_at")
    )
    found = {}
    for document, step, name, username, due in open_tasks:
        people = found.setdefault(document, (step, [], due))[1]
        if (name or username) not in people:
            people.append(name or username)
    return found
