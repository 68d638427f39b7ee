"""The page of somebody who has to decide: look, change a price, strike a line, sign or send back."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware
from django.utils.translation import gettext as _

from approvals import waiting
from approvals.admin import figures, linelist
from approvals.admin.document import document_context, lines_fragment, list_crumb
from approvals.admin.lineforms import typed_price
from approvals.flow import filing, transitions
from approvals.guards import acknowledge, unacknowledged
from approvals.kinds import kind_of
from approvals.models import Decision, Document, StepKind, Task, TaskState, Verdict
from opsadmin.core import lockout
from opsadmin.core.addresses import client_address
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.core.stale import both_versions
from stores.permissions import may_see_costs

# Refusals after which the same content can be decided on: what was typed is shown again.
MAY_TRY_AGAIN = {"invalid", "comment", "password", "blocked", "unacknowledged", "unseen"}


def my_task(user, pk):
    """Return a task of the account; other people's tasks do not exist for it."""
    tasks = waiting.with_own_rows(Task.objects, "document__").select_related(
        "step__process",
        "document__campaign",
        "document__drafted_by",
        "document__submitted_by",
        "store",
        "principal",
    )
    return get_object_or_404(tasks, pk=pk, assignee=user, document__in=Document.objects.visible_to(user))


@screen("tasks/<int:pk>/", "review")
def review(request, pk):
    task = my_task(request.user, pk)
    if task.step.kind == StepKind.EXECUTE:
        return redirect("admin:execute", task.pk)
    return review_page(request, task)


def review_page(request, task, *, refused="", status=200):
    """Show what is to be decided; what was typed stays where it was refused."""
    document = task.document
    following = figures.next_task(request.user, task.pk)
    return page(
        request,
        "approvals/review.html",
        title=document.title,
        crumbs=[(_("Inbox"), reverse("admin:inbox")), list_crumb(document)],
        wide=True,
        status=status,
        refused=refused,
        typed={"copy": "", **request.POST.dict()},
        task=task,
        is_open=task.state == TaskState.OPEN,
        decision=closing_decision(task),
        following=following,
        editable=task.state == TaskState.OPEN and task.step.edits_lines and kind_of(document).priced,
        **gates(task, request.user),
        **document_context(request, document),
    )


def closing_decision(task):
    """Return the decision that closed the task, whoever made it."""
    if task.state == TaskState.OPEN:
        return None
    decisions = Decision.objects.filter(task__step=task.step, task__store=task.store)
    return decisions.select_related("actor").order_by("-pk").first()


def gates(task, user):
    """Return what has to be so before a signature: looked, reasons given, nothing blocked."""
    document = task.document
    must_look = (document.summary or {}).get("bands", {}).get("must", 0)
    signing = task.step.kind in (StepKind.SIGN, StepKind.REVIEW)
    missing = unacknowledged(document).count() if signing else 0
    looked = not must_look or transitions.has_looked(task, user)
    return {
        "signing": signing,
        "must_look": must_look,
        "looked": looked,
        "missing_reasons": missing,
        "ready": not signing or (looked and not missing and not document.block_count),
    }


@screen("tasks/<int:pk>/lines/", "review_lines")
def review_lines(request, pk):
    task = my_task(request.user, pk)
    editable = task.state == TaskState.OPEN and task.step.edits_lines
    return lines_fragment(request, task.document, editable=editable, task=task)


@screen("tasks/<int:pk>/seen/", "review_seen", methods=("POST",))
def seen(request, pk):
    """The page is open, or all its must-look lines have been on the screen."""
    task = my_task(request.user, pk)
    transitions.mark_seen(task.pk, by=request.user)
    lines = request.POST.get("lines", "")
    if lines.isdigit():
        transitions.mark_looked(task.pk, by=request.user, lines=int(lines))
    return JsonResponse({"gates": render_gates(request, task)})


@screen("tasks/<int:pk>/lines/<int:line_pk>/", "review_line", methods=("POST",))
def change_line(request, pk, line_pk):
    """Change a price, strike or keep a line, or give a reason; answers with the row and the figures as they are now."""
    task = my_task(request.user, pk)
    if not kind_of(task.document).priced:
        raise Http404
    if request.POST.get("reason_code"):
        acknowledge(
            task.document_id,
            by=request.user,
            code=request.POST["reason_code"][:4],
            line_ids=[line_pk],
            reason=request.POST.get("reason", "").strip(),
        )
    else:
        try:
            edit_line(request, task, line_pk)
        except Refusal as refusal:
            if refusal.code != "edited":
                raise
            return both_lines(request, pk, refusal.data["line"])
    return JsonResponse(refreshed(request, pk, line_pk))


def both_lines(request, task_pk, line):
    """Answer with the row as somebody else has made it, and a sentence that sets one's own value beside it."""
    now = _("struck") if line.struck else str(line.final_price)
    mine = request.POST.get("price", "")[:20] or (
        _("struck") if request.POST.get("struck") == "1" else _("kept")
    )
    told = {"refused": both_versions(now, mine), "code": "edited", **refreshed(request, task_pk, line.pk)}
    return JsonResponse(told, status=409)


def edit_line(request, task, line_pk):
    """Pass what the browser sent to the transition; a refusal says what is wrong with the value."""
    version = request.POST.get("version", "")
    struck = {"1": True, "0": False}.get(request.POST.get("struck", ""))
    try:
        price = typed_price(request.POST["price"]) if "price" in request.POST else None
        transitions.change_line(
            task.pk,
            by=request.user,
            line_pk=line_pk,
            version=int(version) if version.isdigit() else 0,
            final_price=price,
            struck=struck,
            strike_reason=request.POST.get("strike_reason", "")[:200],
        )
    except ValidationError as error:
        raise Refusal(" ".join(error.messages), code="invalid") from error


def refreshed(request, task_pk, line_pk):
    """Return the row, the figures, the gates and the digest after a change, for the page to take over."""
    task = my_task(request.user, task_pk)
    document = task.document
    line = kind_of(document).line_model.objects.get(pk=line_pk, document=document.pk)
    costs = may_see_costs(request.user)
    linelist.dress(document, [line], costs=costs, fee=figures.fee_rate(document) if costs else None)
    context = {
        "rows": [line],
        "costs": costs,
        "editable": True,
        "task": task,
        "document": document,
        "band": line.band,
        "summary": document.summary,
        "severities": figures.severities(document),
        "kind": kind_of(document),
        **linelist.line_words(kind_of(document)),
    }
    return {
        "row": render_to_string("approvals/_lines.html", context, request),
        "figures": render_to_string("approvals/_figures.html", context, request),
        "severities": render_to_string("approvals/_severities.html", context, request),
        "gates": render_gates(request, task),
        "hash": document.content_hash,
    }


def render_gates(request, task):
    task.document.refresh_from_db()
    context = {"task": task, "document": task.document, **gates(task, request.user)}
    return render_to_string("approvals/_gates.html", context, request)


@screen("tasks/<int:pk>/decide/", "review_decide", methods=("POST",))
def decide(request, pk):
    task = my_task(request.user, pk)
    verdict = request.POST.get("verdict", "")
    asked = {
        "by": request.user,
        "content_hash": request.POST.get("content_hash", ""),
        "comment": request.POST.get("comment", "")[:2000],
        "address": client_address(request),
    }
    try:
        if verdict == Verdict.FILE and filing.needs_job(task.document):
            return redirect("admin:job", filing.order_filing(task, **asked).pk)
        decision = transitions.decide(
            task.pk,
            verdict=verdict,
            password=request.POST.get("password"),
            data=campaign_data(request.POST) if verdict == Verdict.COMPLETE else None,
            **asked,
        )
    except Refusal as refusal:
        if refusal.code == "password" and request.POST.get("password"):
            lockout.failed(request, request.user)
        if refusal.code in MAY_TRY_AGAIN:
            return review_page(request, my_task(request.user, pk), refused=str(refusal), status=422)
        messages.error(request, str(refusal))
        return redirect("admin:review", task.pk)
    except PermissionDenied:
        messages.error(request, _("You may not decide on this any more: your post or right has changed."))
        return redirect("admin:review", task.pk)
    return told(request, task, decision)


def told(request, task, decision):
    """Say what was recorded and open the next document that waits, or the inbox."""
    messages.success(
        request,
        _("Recorded: %(verdict)s, %(number)s.")
        % {"verdict": decision.get_verdict_display(), "number": task.document.number},
    )
    following = figures.next_task(request.user, task.pk)
    return redirect("admin:review", following.pk) if following else redirect("admin:inbox")


def campaign_data(posted):
    """Return theme, window and copy as they were typed; times are Asia/Shanghai."""
    return {
        "theme": posted.get("theme", "")[:100],
        "copy": posted.get("copy", "")[:2000],
        "starts_at": moment(posted.get("starts_at", "")),
        "ends_at": moment(posted.get("ends_at", "")),
    }


def moment(text):
    """Return a moment typed into a date-time field, or None."""
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return make_aware(found) if found is not None and is_naive(found) else found


@screen("tasks/<int:pk>/next/", "review_next")
def next_document(request, pk):
    """Go on to the next document that waits."""
    following = figures.next_task(request.user, pk)
    if following is None and not Task.objects.filter(assignee=request.user).exists():
        raise Http404
    return redirect("admin:review", following.pk) if following else redirect("admin:inbox")
