"""The list of one kind of document: tabs by state, search by number and title, a page at a time."""

from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from approvals.models import Document, DocumentState
from opsadmin.core.counting import count_up_to

PAGE_SIZE = 50
TABS = {
    "drafts": (DocumentState.DRAFT, DocumentState.SENT_BACK),
    "running": (DocumentState.IN_APPROVAL,),
    "filed": (DocumentState.FILED,),
    "done": (DocumentState.DONE,),
    "all": tuple(DocumentState),
}


def tab_names():
    return {
        "drafts": _("Drafts"),
        "running": pgettext("document", "in approval"),
        "filed": pgettext("document", "filed"),
        "done": pgettext("document", "done"),
        "all": pgettext("kinds", "All"),
    }


def clean_text(text, length=60):
    """Return what was typed into a search field, without what no database takes."""
    return "".join(char for char in text if char.isprintable()).strip()[:length]


def list_context(request, kind):
    """Return what a list of documents shows. Its number of statements does not grow with documents or lines."""
    search = clean_text(request.GET.get("q", ""))
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "all" if search else "drafts"
    mine = Document.objects.visible_to(request.user).filter(kind=kind.code)
    found = search_documents(mine.filter(state__in=TABS[tab]), search)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    documents = list(found.select_related("drafted_by").order_by("-pk")[: PAGE_SIZE + 1])
    following = documents[PAGE_SIZE - 1].pk if len(documents) > PAGE_SIZE else None
    return {
        "kind": kind,
        "draft_screen": f"admin:{kind.edit_screen}",
        "documents": documents[:PAGE_SIZE],
        "tabs": tabs(kind, mine, tab, search),
        "tab": tab,
        "search": search,
        "pager": {
            "first": address(kind, tab=tab, q=search) if before else None,
            "next": address(kind, tab=tab, q=search, before=following) if following else None,
        },
    }


def search_documents(documents, search):
    if not search:
        return documents
    return documents.filter(
        Q(number__istartswith=search) | Q(title__icontains=search) | Q(archive_number__istartswith=search)
    )


def tabs(kind, mine, current, search):
    """Return the tabs; only drafts and what is on its way are counted, and not beyond 99."""
    return [
        {
            "name": name,
            "url": address(kind, tab=tab, q=search),
            "current": tab == current,
            "count": count_up_to(mine.filter(state__in=TABS[tab])) if tab in {"drafts", "running"} else None,
        }
        for tab, name in tab_names().items()
    ]


def address(kind, **parameters):
    """Return the address of the list with these parameters; empty ones are left out."""
    query = urlencode({name: value for name, value in parameters.items() if value})
    return f"{reverse(f'admin:{kind.edit_screen}s')}{'?' if query else ''}{query}"
