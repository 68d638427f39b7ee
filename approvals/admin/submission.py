"""Before submission: what stops it, which reasons are missing, who will decide and why they."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals import guards, permissions
from approvals.admin import figures, linelist
from approvals.admin.document import kind_crumb
from approvals.drafts import locked_for_editing, recheck
from approvals.flow import routing, transitions
from approvals.guards import words
from approvals.kinds import KINDS, kind_of, specific
from approvals.models import Document, GuardAck, GuardHit, Severity
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from stores.permissions import may_see_costs

HITS_PER_GUARD = 30
RANK = {"block": 0, "sign": 1, "warn": 2, "info": 3}


def my_draft(user, pk, kind_code):
    """Return a draft that the account may submit; anything else does not exist for it."""
    document = get_object_or_404(Document.objects.visible_to(user), pk=pk, kind=kind_code)
    if not permissions.may_draft(user, kind_code):
        raise PermissionDenied
    return document


def hit_groups(document, *, costs):
    """Return the hits by guard and severity, the gravest first: up to 30 of each, with line and reason.

    Costs a fixed number of statements: one for the counts, one for each guard that hit, two for lines and reasons.
    """
    counted = (
        GuardHit.objects.filter(document=document)
        .values("severity", "code", "variant")
        .annotate(count=Count("pk"))
        .order_by()
    )
    found = sorted(counted, key=lambda row: (RANK[row["severity"]], row["code"], row["variant"]))
    missing = missing_by_guard(document)
    shown = []
    for row in found:
        hits = GuardHit.objects.filter(
            document=document, code=row["code"], severity=row["severity"], variant=row["variant"]
        ).select_related("store")
        shown.append(
            {
                **row,
                "key": f"{row['severity']}-{row['code']}-{row['variant']}",
                "word": Severity(row["severity"]).label,
                "title": words.title(row["code"]),
                "sentence": words.sentence(row["code"], row["variant"]),
                "remedy": words.remedy(row["code"], row["variant"]),
                "hits": list(hits.order_by("row_no", "pk")[:HITS_PER_GUARD]),
                "missing": missing.get((row["code"], row["severity"], row["variant"]), 0),
                "asks_reason": row["severity"] in ("sign", "warn"),
            }
        )
    dress_hits(document, [hit for group in shown for hit in group["hits"]])
    return shown


def missing_by_guard(document):
    rows = (
        guards.unacknowledged(document)
        .order_by()
        .values("code", "severity", "variant")
        .annotate(count=Count("pk"))
    )
    return {(row["code"], row["severity"], row["variant"]): row["count"] for row in rows}


def dress_hits(document, hits):
    """Give hits their line, their reason if it still holds, and the words of what was measured."""
    keys = {hit.line_id for hit in hits if hit.line_id}
    lines = kind_of(document).line_model.objects.in_bulk(keys)
    reasons = {
        (ack.line_id, ack.code): ack for ack in GuardAck.objects.filter(document=document, line_id__in=keys)
    } | {(None, ack.code): ack for ack in GuardAck.objects.filter(document=document, line_id__isnull=True)}
    for hit in hits:
        hit.line = lines.get(hit.line_id)
        ack = reasons.get((hit.line_id, hit.code))
        hit.given = ack.reason if ack is not None and ack.measured == hit.measured else ""
        hit.words = words.detail(hit)
        priced = hit.line if kind_of(document).priced else None
        hit.change = linelist.percent(priced.final_price, priced.base_price) if priced else None


def submit_screen(kind):
    """Register the screens of one kind of document: preview, check again, reasons, submit."""

    def preview(request, pk):
        document = my_draft(request.user, pk, kind.code)
        if not document.editable:
            return redirect("admin:document", pk)
        return page(
            request,
            "approvals/submit.html",
            title=_("Submit for approval"),
            crumbs=[
                kind_crumb(kind.code),
                (document.number, reverse(f"admin:{kind.edit_screen}", args=[pk])),
            ],
            **submit_context(request, document, kind),
        )

    screen(f"{kind.edit_screen}s/<int:pk>/submit/", f"{kind.edit_screen}_submit")(preview)


def submit_context(request, document, kind):
    """Return what the preview shows; ``checked`` says whether the last check saw the content as it stands."""
    costs = may_see_costs(request.user)
    try:
        route, no_flow = routing.preview(document), ""
    except Refusal as refusal:
        route, no_flow = [], str(refusal)
    missing = guards.unacknowledged(document).count()
    problem = no_flow or next((step.problem for step in route if step.problem and step.needed), "")
    checked = document.guarded_hash == document.content_hash != ""
    return {
        "document": document,
        "own": specific(document),
        "kind": kind,
        "costs": costs,
        "hit_groups": hit_groups(document, costs=costs),
        "severities": figures.severities(document),
        "route": [(step, routing.by_person(step)) for step in route],
        "flow_version": route[0].flow_step.version if route else None,
        "missing": missing,
        "problem": problem,
        "checked": checked,
        "chosen_steps": chosen_steps(route),
        "hurried": any(step.needed and step.due_at and step.due_at < timezone.now() for step in route),
        "ready": checked and document.line_count and not document.block_count and not missing and not problem,
    }


def chosen_steps(route):
    """Return the steps whose people the submitter chooses, with those who can be chosen."""
    from staffing import people

    return [
        {"step": step, "people": people.people_of_role(step.flow_step.assignee)}
        for step in route
        if step.flow_step.assignee_kind == "chosen"
    ]


for _kind in KINDS.values():
    submit_screen(_kind)


def back_to_preview(document):
    return redirect(f"admin:{kind_of(document).edit_screen}_submit", document.pk)


def any_draft(user, pk):
    document = get_object_or_404(Document.objects.visible_to(user), pk=pk)
    return my_draft(user, pk, document.kind)


@screen("documents/<int:pk>/check/", "document_check", methods=("POST",))
def check_again(request, pk):
    """Take over costs, floors and prices in force as they are now, and run all guards."""
    draft = any_draft(request.user, pk)
    with transaction.atomic():
        recheck(locked_for_editing(draft.pk, by=request.user))
    messages.success(request, _("Checked again."))
    return back_to_preview(draft)


@screen("documents/<int:pk>/reasons/", "document_reasons", methods=("POST",))
def give_reason(request, pk):
    """Store the reason for one hit, or the same reason for all hits of a guard that have none."""
    document = any_draft(request.user, pk)
    line = request.POST.get("line", "")
    keys = [int(line)] if line.isdigit() else None
    if line == "document":
        keys = [None]
    guards.acknowledge(
        document.pk,
        by=request.user,
        code=request.POST.get("code", "")[:4],
        line_ids=keys,
        reason=request.POST.get("reason", "").strip()[:200],
    )
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"missing": guards.unacknowledged(document).count()})
    return back_to_preview(document)


@screen("documents/<int:pk>/submit/", "document_submit", methods=("POST",))
def submit(request, pk):
    document = any_draft(request.user, pk)
    chosen = {
        name.removeprefix("chosen_"): [int(value) for value in request.POST.getlist(name) if value.isdigit()]
        for name in request.POST
        if name.startswith("chosen_")
    }
    try:
        transitions.submit(
            document.pk, by=request.user, content_hash=request.POST.get("content_hash", ""), chosen=chosen
        )
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return back_to_preview(document)
    messages.success(request, _("Submitted: %(number)s.") % {"number": document.number})
    return redirect("admin:document", pk)
