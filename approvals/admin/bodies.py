"""The middle of a document's page, which differs between kinds: a template, and what it shows."""

from approvals.admin import figures, linelist
from approvals.admin.documentlists import clean_text
from approvals.guards import words
from approvals.kinds import kind_of
from approvals.models import DocumentKind, GuardAck, GuardHit
from approvals.organisation.showing import show
from stores.permissions import may_see_costs


def price_body(request, document):
    """Return figures, chart and the groups of lines; the number of statements does not grow with lines."""
    costs = may_see_costs(request.user)
    fee = figures.fee_rate(document) if costs else None
    low, high = change_bounds(request)
    search = clean_text(request.GET.get("q", ""))
    return {
        "body": "approvals/_pricebody.html",
        **linelist.line_words(kind_of(document)),
        "costs": costs,
        "chart": figures.changes_chart(document),
        "groups": linelist.groups(document, costs=costs, fee=fee, search=search, low=low, high=high),
        "search": search,
        "low": low,
        "high": high,
        "filtered": bool(search) or low is not None or high is not None,
    }


def change_bounds(request):
    """Return the bounds of the change in percent that a bar of the chart asks for."""
    found = []
    for name in ("low", "high"):
        text = request.GET.get(name, "")
        found.append(int(text) if text.lstrip("-").isdigit() and len(text) < 6 else None)
    return found


def reorganisation_body(request, document):
    change_set = document.reorganisation.change_set
    return {
        "body": "approvals/org/_body.html",
        "set": change_set,
        "shown": show(change_set),
        "view": "list" if request.GET.get("view") == "list" else "compare",
        "reasons": explained_hits(document),
    }


def hiring_body(request, document):
    return {
        "body": "approvals/org/_hiring.html",
        "lines": list(document.hiringrequest.lines.order_by("row_no")),
        "reasons": explained_hits(document),
    }


def explained_hits(document):
    """Return [{title, words, reason}] of a document's hits with the reasons that hold."""
    acks = {(ack.line_id, ack.code): ack for ack in GuardAck.objects.filter(document=document.pk)}
    found = []
    for hit in GuardHit.objects.filter(document=document.pk).order_by("pk")[:50]:
        ack = acks.get((hit.line_id, hit.code))
        holds = ack is not None and ack.measured == hit.measured
        found.append(
            {
                "title": words.sentence(hit.code, hit.variant),
                "words": words.detail(hit),
                "reason": ack.reason if holds else "",
            }
        )
    return found


BODIES = {
    DocumentKind.PRICE_LIST: price_body,
    DocumentKind.PROMOTION: price_body,
    DocumentKind.REORGANISATION: reorganisation_body,
    DocumentKind.HIRING_REQUEST: hiring_body,
}


def body_of(request, document):
    """Return what the middle of the document's page shows, its template as ``body``."""
    return BODIES[DocumentKind(document.kind)](request, document)
