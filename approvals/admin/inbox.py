"""The inbox: what must I decide, and which first."""

from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from approvals import permissions, waiting
from approvals.kinds import KINDS, kind_of
from approvals.models import DocumentKind, DocumentState
from opsadmin.core.counting import count_up_to
from opsadmin.core.screens import page, screen
from opsadmin.core.workdays import added_days

PAGE_SIZE = 50
TABS = ("waiting", "submitted", "decided")


@screen("inbox/", "inbox", may=permissions.may_take_part)
def inbox(request):
    tab = request.GET.get("tab")
    tab = tab if tab in TABS else "waiting"
    kind = request.GET.get("kind", "")
    kind = kind if kind in DocumentKind.values else ""
    figures = waiting.figures(request.user)
    build = {"waiting": waiting_page, "submitted": submitted_page, "decided": decided_page}[tab]
    return page(
        request,
        "approvals/inbox.html",
        title=_("Inbox"),
        sub=_("Sorted by latest safe moment: after it, stores cannot change prices in time."),
        tab=tab,
        kind=kind,
        figures=figures,
        may_trace=permissions.may_trace_prices(request.user),
        tabs=tabs(request.user, tab, figures),
        kinds=kind_filters(tab, kind, figures),
        **build(request, kind, figures),
    )


def address(**parameters):
    """Return the address of the inbox with these parameters; empty ones are left out."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{reverse('admin:inbox')}{'?' if query else ''}{query}"


def tabs(user, current, figures):
    names = {
        "waiting": (_("Waiting for me"), figures.count),
        "submitted": (_("Started by me"), count_up_to(waiting.submitted_documents(user))),
        "decided": (_("Decided by me"), waiting.decided_count(user)),
    }
    return [
        {
            "name": name,
            "count": count,
            "url": address(tab="" if tab == "waiting" else tab),
            "current": tab == current,
        }
        for tab, (name, count) in names.items()
    ]


def kind_filters(tab, current, figures):
    """Return the filter by kind; counts stand there for what waits, and only while they are complete."""
    tab = "" if tab == "waiting" else tab
    counted = not tab and figures.money is not None
    choices = [("", pgettext("kinds", "All"), figures.count)]
    choices += [(code, DocumentKind(code).label, figures.kinds.get(code, 0)) for code in KINDS]
    return [
        {
            "name": name,
            "count": count if counted else "",
            "url": address(tab=tab, kind=code),
            "current": code == current,
        }
        for code, name, count in choices
    ]


def read_after(text):
    """Return (moment or None, key) from the address, or None when it says nothing that was ever given out."""
    moment, _sign, pk = text.rpartition("_")
    try:
        known = datetime.fromisoformat(moment) if moment != "none" else None
        return (known, int(pk)) if known is None or timezone.is_aware(known) else None
    except ValueError:
        return None


def keyset(rows, size, request, kind, tab, key):
    """Return (the rows of this page, its pager). ``rows`` is one row longer than the page if there is a next one."""
    shown, more = rows[:size], len(rows) > size
    tab = "" if tab == "waiting" else tab
    pager = {
        "first": address(tab=tab, kind=kind) if request.GET.get("after") else None,
        "next": address(tab=tab, kind=kind, after=key(shown[-1])) if more else None,
    }
    return shown, pager


def moment_key(moment, pk):
    return f"{moment.isoformat() if moment else 'none'}_{pk}"


def waiting_page(request, kind, figures):
    after = read_after(request.GET.get("after", ""))
    found = list(waiting.waiting_tasks(request.user, kind=kind, after=after)[: PAGE_SIZE + 1])
    shown, pager = keyset(
        found, PAGE_SIZE, request, kind, "waiting", lambda task: moment_key(task.due_at, task.pk)
    )
    context = {
        "rows": [task_row(task) for task in shown],
        "pager": pager,
        "added_days": added_days(timezone.localdate()),
    }
    if not shown and not kind and not after:
        context |= nothing_waits(request.user)
    return context


def task_row(task):
    """Return what the inbox shows of one open task."""
    submitter = task.step.process.submitter
    return {
        "document": task.document,
        "words": waiting.kind_words(task.document),
        "url": reverse("admin:review", args=[task.pk]),
        "from": submitter.get("position") or submitter.get("name", ""),
        "stores": task.store or task.document.store_label,
        "store_task": task.store_id is not None,
        "since": task.opened_at,
        "due": task.due_at,
        "because": task.because,
    }


def nothing_waits(user):
    """Return what an empty inbox says instead: what was last done, and what is coming."""
    last = waiting.decided_tasks(user).first()
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    coming = list(waiting.coming_tasks(user)[:5])
    now = waiting.where_now([task.document_id for task in coming])
    return {
        "nothing_waits": True,
        "last": last,
        "done_today": count_up_to(waiting.decided_tasks(user).filter(closed_at__gte=today)),
        "coming": [
            {
                "document": task.document,
                "url": reverse("admin:document", args=[task.document_id]),
                "now": now.get(task.document_id),
                "step": task.step.name,
                "due": task.due_at,
            }
            for task in coming
        ],
    }


def submitted_page(request, kind, figures):
    after = request.GET.get("after", "")
    found = waiting.submitted_documents(
        request.user, kind=kind, after=int(after) if after.isdecimal() else None
    )
    shown, pager = keyset(
        list(found[: PAGE_SIZE + 1]), PAGE_SIZE, request, kind, "submitted", lambda document: document.pk
    )
    now = waiting.where_now([document.pk for document in shown])
    return {"rows": [document_row(document, now.get(document.pk)) for document in shown], "pager": pager}


def document_row(document, now):
    """Return what the inbox shows of a document that the account started; ``now`` is where it is."""
    editable = document.state in (DocumentState.DRAFT, DocumentState.SENT_BACK)
    name = kind_of(document).edit_screen if editable else "document"
    step, people, due = now or ("", [], None)
    return {
        "document": document,
        "words": waiting.kind_words(document),
        "url": reverse(f"admin:{name}", args=[document.pk]),
        "step": step,
        "people": "、".join(people[:3]) + (" …" if len(people) > 3 else ""),
        "due": due,
    }


def decided_page(request, kind, figures):
    after = read_after(request.GET.get("after", ""))
    after = after if after and after[0] else None
    found = list(waiting.decided_tasks(request.user, kind=kind, after=after)[: PAGE_SIZE + 1])
    shown, pager = keyset(
        found, PAGE_SIZE, request, kind, "decided", lambda task: moment_key(task.closed_at, task.pk)
    )
    rows = [
        {
            "document": task.document,
            "words": waiting.kind_words(task.document),
            "url": reverse("admin:review", args=[task.pk]),
            "step": task.step.name,
            "store": task.store,
            "decision": task.decision,
        }
        for task in shown
    ]
    return {"rows": rows, "pager": pager}
