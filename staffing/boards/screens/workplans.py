"""Work plans: what is under way, one plan with its weeks, progress, review, copy, import and export."""

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsadmin.core import uploads
from opsadmin.core.downloads import as_workbook
from opsadmin.core.models import Job, JobState
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.core.stale import check_seen, seen_digest
from orgchart.models import Department, OrgStatus
from staffing import permissions
from staffing.boards.paging import paged
from staffing.boards.screens.choosing import employee_in, typed
from staffing.models import PlanState, WorkPlan
from staffing.people import employee_of
from staffing.plans import services, table
from staffing.plans.drawing import bar, weeks_of
from staffing.plans.progress import is_late, standing
from stores.models import Store

PAGE = 60
NEW_ROWS = 3
REVIEW_FIELDS = ("achieved", "missed", "changes")
MOST = Decimal("9999999999.99")


# ── The list ──────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("org/plans/", "workplans")
def workplans(request):
    """Plans by state, newest first, each with what is behind and late."""
    asked = request.GET.get("state", "")
    state = asked if asked in PlanState.values else ""
    plans = WorkPlan.objects.select_related("department", "store", "owner")
    plans = plans.filter(state=state) if state else plans.exclude(state=PlanState.CLOSED)
    today = timezone.localdate()
    found, pager = paged(request, plans.prefetch_related("objectives", "milestones"), PAGE)
    rows = [summary(plan, today) for plan in found]
    return page(
        request,
        "staffing/workplans.html",
        title=_("Work plans"),
        crumbs=[(_("Organisation"), reverse("admin:org_chart"))],
        rows=rows,
        pager=pager,
        state=state,
        tabs=[("", _("Under way and drafts")), *[(code, word) for code, word in PlanState.choices]],
        may_make=permissions.may_make_plans(request.user),
    )


def summary(plan, today):
    standings = [standing(objective, plan, today) for objective in plan.objectives.all()]
    milestones = list(plan.milestones.all())
    return {
        "plan": plan,
        "week": plan.week_of(today),
        "last_day": plan.end - timedelta(days=1),
        "objectives": len(standings),
        "behind": sum(one.late for one in standings),
        "milestones": len(milestones),
        "done": sum(one.done_on is not None for one in milestones),
        "late": sum(is_late(one, today) for one in milestones),
    }


# ── One plan ──────────────────────────────────────────────────────────────────────────────────────────────────────


def plan_of(pk):
    plans = WorkPlan.objects.select_related("department__parent", "store", "owner", "copied_from")
    return get_object_or_404(plans, pk=pk)


def crumbs(plan=None):
    found = [(_("Organisation"), reverse("admin:org_chart")), (_("Work plans"), reverse("admin:workplans"))]
    return [*found, (plan.title, reverse("admin:workplan", args=[plan.pk]))] if plan else found


@screen("org/plans/<int:pk>/", "workplan")
def workplan(request, pk, typed=None, told=""):
    """One plan: objectives against what is due today, milestones by week, the review; what came of a file.

    ``typed`` is a review that was refused because somebody has changed it meanwhile, ``told`` says so.
    """
    plan, job = plan_of(pk), asked_job(request, pk)
    if job and job.state != JobState.DONE:
        return redirect("admin:job", job.pk)
    today = timezone.localdate()
    day = min(today, plan.end - timedelta(days=1))
    objectives = []
    for objective in plan.objectives.select_related("owner").prefetch_related("measures"):
        found = standing(objective, plan, day)
        objectives.append(
            {"objective": objective, "standing": found, "bar": bar(found), "shown": figures(objective, found)}
        )
    drawing = weeks_of(plan, today)
    late = sum(row["kind"] == "late" for row in drawing["rows"])
    return page(
        request,
        "staffing/workplan.html",
        title=plan.title,
        crumbs=crumbs(),
        plan=plan,
        last_day=plan.end - timedelta(days=1),
        week=plan.week_of(today),
        objectives=objectives,
        behind=sum(row["standing"].late for row in objectives),
        drawing=drawing,
        late=late,
        tone={"draft": "info", "running": "accent", "closed": "ok"}[plan.state],
        may_edit=permissions.may_edit_plan(request.user, plan) and plan.state != PlanState.CLOSED,
        may_copy=permissions.may_edit_plan(request.user, plan),
        next_start=next_monday(plan.end),
        imported=job and {**job.result, "name": job.payload["name"]},
        seen=seen_digest(review_shown(plan)),
        review_told=told,
        words=typed or {name: getattr(plan, name) for name in REVIEW_FIELDS},
    )


def asked_job(request, plan_pk):
    """Return the account's own import into a plan that the address names, None where it names none."""
    pk = request.GET.get("job", "")
    if not pk:
        return None
    own = Job.objects.filter(kind=table.JOB, created_by=request.user, payload__plan=plan_pk)
    return get_object_or_404(own, pk=int(pk) if pk.isdecimal() and len(pk) < 19 else 0)


def review_shown(plan):
    """Return {field: (label, text)} of what is stored of a plan's review."""
    return {name: (plan._meta.get_field(name).verbose_name, getattr(plan, name)) for name in REVIEW_FIELDS}


def figures(objective, found):
    """Return the numbers of an objective as people write them: without zeros behind the last digit."""
    numbers = {"start": objective.start, "target": objective.target, "actual": objective.actual}
    numbers |= {"due": found.due, "behind": found.behind}
    return {
        name: "" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")
        for name, value in numbers.items()
    }


def next_monday(day):
    return day + timedelta(days=-day.weekday() % 7)


def refused(request, error):
    """Show what a service refused as a message."""
    said = error.messages if isinstance(error, ValidationError) else [str(error)]
    for sentence in said:
        messages.error(request, sentence)


def day_in(text, label):
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Refusal(
            _("%(field)s: “%(text)s” is no day: write it as 2026-01-31.")
            % {"field": label, "text": text[:20]}
        ) from error


def number_in(text, label):
    """Return a number with at most two places, or None for an empty field."""
    text = text.strip().replace(",", "")
    if not text:
        return None
    try:
        value = Decimal(text)
        right = value.is_finite() and abs(value) <= MOST and value == value.quantize(Decimal("0.01"))
    except InvalidOperation:
        right = False
    if not right:
        sentence = _("%(field)s: “%(text)s” is no number with at most two decimals.")
        raise Refusal(sentence % {"field": label, "text": text[:20]})
    return value


def whole_in(text, label):
    if not text.strip().isdecimal() or len(text.strip()) > 3:
        raise Refusal(_("%(field)s: “%(text)s” is no whole number.") % {"field": label, "text": text[:20]})
    return int(text)


# ── Progress ──────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("org/plans/<int:pk>/progress/", "workplan_progress", methods=("GET", "POST"))
def workplan_progress(request, pk):
    """Enter actual numbers and finished milestones, all of them or none."""
    plan = open_plan(request, pk)
    if request.method == "POST":
        try:
            with transaction.atomic():
                check_seen(request.POST, progress_shown(plan))
                enter_progress(request, plan)
            messages.success(request, _("Saved."))
            return redirect("admin:workplan", plan.pk)
        except (Refusal, ValidationError) as error:
            refused(request, error)
    return page(
        request,
        "staffing/workplan_progress.html",
        title=_("Enter progress"),
        crumbs=crumbs(plan),
        plan=plan,
        seen=seen_digest(progress_shown(plan)),
        objectives=with_posted(request, plan.objectives.select_related("owner"), "o", ("actual", "cause")),
        milestones=with_posted(request, plan.milestones.select_related("owner"), "m", ("done_on", "reason")),
        today=timezone.localdate(),
    )


def editable(request, pk):
    plan = plan_of(pk)
    if not permissions.may_edit_plan(request.user, plan):
        raise Http404
    return plan


def open_plan(request, pk):
    """Return a plan that may still be changed; Refusal for a closed one."""
    plan = editable(request, pk)
    if plan.state == PlanState.CLOSED:
        raise Refusal(_("This plan is closed: copy it for the next one."), code="state")
    return plan


def with_posted(request, rows, prefix, names):
    """Return [(row, {field: what stands in it})]: what was sent, else what is stored."""
    found = []
    for row in rows:
        fields = {}
        for name in names:
            stored = getattr(row, name)
            stored = "" if stored is None else stored.isoformat() if isinstance(stored, date) else str(stored)
            fields[name] = request.POST.get(f"{prefix}{row.pk}-{name}", stored)
        found.append((row, fields))
    return found


def progress_shown(plan):
    """Return {field: (label, text)} of what is stored of a plan's progress."""
    parts = (
        ("o", plan.objectives.all(), ("actual", "cause")),
        ("m", plan.milestones.all(), ("done_on", "reason")),
    )
    return {
        f"{prefix}{row.pk}-{name}": (
            f"{row.title} · {label_of(row, name)}",
            "" if getattr(row, name) is None else str(getattr(row, name)),
        )
        for prefix, rows, names in parts
        for row in rows
        for name in names
    }


def enter_progress(request, plan):
    sent = request.POST
    for row in (row for row in plan.objectives.all() if f"o{row.pk}-actual" in sent):
        actual = number_in(sent.get(f"o{row.pk}-actual", ""), row.title)
        cause = sent.get(f"o{row.pk}-cause", "").strip()
        if (actual, cause) != (row.actual, row.cause):
            services.save_objective(plan.pk, by=request.user, pk=row.pk, actual=actual, cause=cause)
    for row in (row for row in plan.milestones.all() if f"m{row.pk}-done_on" in sent):
        done = day_in(sent.get(f"m{row.pk}-done_on", ""), row.title)
        reason = sent.get(f"m{row.pk}-reason", "").strip()
        if (done, reason) != (row.done_on, row.reason):
            services.save_milestone(plan.pk, by=request.user, pk=row.pk, done_on=done, reason=reason)


# ── The plan itself ───────────────────────────────────────────────────────────────────────────────────────────────


@screen("org/plans/new/", "workplan_new", methods=("GET", "POST"), may=permissions.may_make_plans)
def workplan_new(request):
    if request.method == "POST":
        try:
            plan = services.create_plan(**header_in(request), by=request.user)
            return redirect("admin:workplan_edit", plan.pk)
        except (Refusal, ValidationError) as error:
            refused(request, error)
        except PermissionDenied:
            messages.error(request, _("You make plans for your own department only."))
    return header_page(request, None)


def header_in(request):
    """Return what a form says of a plan; Refusal where a field is wrong."""
    sent = request.POST
    department = Department.objects.without_tree_fields().filter(code=sent.get("department", "")).first()
    if department is None:
        raise Refusal(_("Choose a department."))
    owner = employee_in(sent.get("owner", ""))
    if owner is None:
        raise Refusal(_("Say who owns the plan."))
    start = day_in(sent.get("start", ""), _("First day"))
    if start is None:
        raise Refusal(_("Say on which day the plan begins."))
    return {
        "title": sent.get("title", "").strip(),
        "department": department,
        "owner": owner,
        "start": start,
        "weeks": whole_in(sent.get("weeks", ""), _("Weeks")),
        "store": Store.objects.visible_to(request.user).filter(code=sent.get("store", "")).first(),
    }


def owner_to_begin_with(request, plan):
    owner = plan.owner if plan else employee_of(request.user)
    return typed(owner) if owner else ""


def header_page(request, plan, **context):
    departments = Department.objects.without_tree_fields().exclude(status=OrgStatus.CLOSED)
    return page(
        request,
        "staffing/workplan_edit.html",
        title=pgettext("plan", "Change the plan") if plan else _("New work plan"),
        crumbs=crumbs(plan),
        plan=plan,
        departments=departments,
        stores=Store.objects.visible_to(request.user),
        sent=request.POST,
        next_start=next_monday(timezone.localdate()),
        owner=request.POST.get("owner") or owner_to_begin_with(request, plan),
        **context,
    )


@screen("org/plans/<int:pk>/edit/", "workplan_edit", methods=("GET", "POST"))
def workplan_edit(request, pk):
    """Change the plan's header, objectives and milestones in one form, all of it or nothing."""
    plan = open_plan(request, pk)
    if request.method == "POST":
        try:
            with transaction.atomic():
                check_seen(request.POST, plan_shown(plan))
                enter_plan(request, plan)
            messages.success(request, _("Saved."))
            return redirect("admin:workplan", plan.pk)
        except (Refusal, ValidationError) as error:
            refused(request, error)
            plan = plan_of(pk)
    objectives = list(plan.objectives.select_related("owner").prefetch_related("measures"))
    milestones = list(plan.milestones.select_related("owner"))
    return header_page(
        request,
        plan,
        seen=seen_digest(plan_shown(plan)),
        objectives=[objective_fields(request, row) for row in [*objectives, *range(1, NEW_ROWS + 1)]],
        milestones=[milestone_fields(request, row) for row in [*milestones, *range(1, NEW_ROWS + 1)]],
    )


def plan_shown(plan):
    """Return {field: (label, text)} of what is stored of a plan, its objectives and its milestones."""
    header = {"title": plan.title, "owner": typed(plan.owner), "start": plan.start, "weeks": plan.weeks}
    shown = {name: (label_of(plan, name), str(value)) for name, value in header.items()}
    rows = [*plan.objectives.select_related("owner").prefetch_related("measures")]
    for prefix, row in [*(("o", row) for row in rows), *(("m", row) for row in plan.milestones.all())]:
        stored = stored_objective(row) if prefix == "o" else stored_milestone(row)
        shown |= {
            f"{prefix}{row.pk}-{name}": (
                f"{row.title} · {label_of(row, name)}",
                "" if value is None else str(value),
            )
            for name, value in stored.items()
        }
    return shown


def label_of(row, name):
    """Return what a field is called on its page."""
    return _("Measures, one on each line") if name == "measures" else row._meta.get_field(name).verbose_name


def stored_objective(row):
    stored = {name: getattr(row, name) for name in ("title", "note", "unit", "start", "target")}
    stored |= {"owner": typed(row.owner) if row.owner else ""}
    return stored | {"measures": "\n".join(measure.text for measure in row.measures.all())}


def stored_milestone(row):
    stored = {"title": row.title, "first_week": row.first_week, "due": row.due.isoformat()}
    return stored | {"owner": typed(row.owner) if row.owner else ""}


def objective_fields(request, row):
    stored = {} if isinstance(row, int) else stored_objective(row)
    return row_fields(request, "o", row, stored)


def milestone_fields(request, row):
    stored = {} if isinstance(row, int) else stored_milestone(row)
    return row_fields(request, "m", row, stored)


def row_fields(request, prefix, row, stored):
    """Return the prefix of a row's fields and what stands in them: what was sent, else what is stored."""
    name = f"{prefix}new{row}" if isinstance(row, int) else f"{prefix}{row.pk}"
    sent = {key: value for key, value in request.POST.items() if key.startswith(f"{name}-")}
    return {"name": name, **stored, **{key.partition("-")[2]: value for key, value in sent.items()}}


def enter_plan(request, plan):
    header = header_in(request)
    del header["department"], header["store"]
    if request.POST.get("state") in (PlanState.DRAFT, PlanState.RUNNING):
        header["state"] = request.POST["state"]
    services.change_plan(plan.pk, by=request.user, **header)
    keys = [*plan.objectives.values_list("pk", flat=True), *[None] * NEW_ROWS]
    for place, pk in enumerate(keys):
        enter_objective(request, plan, pk, f"o{pk or f'new{place - len(keys) + NEW_ROWS + 1}'}")
    keys = [*plan.milestones.values_list("pk", flat=True), *[None] * NEW_ROWS]
    for place, pk in enumerate(keys):
        enter_milestone(request, plan, pk, f"m{pk or f'new{place - len(keys) + NEW_ROWS + 1}'}")


def enter_objective(request, plan, pk, name):
    sent = request.POST
    title = sent.get(f"{name}-title", "").strip()
    if not title and pk is None or f"{name}-title" not in sent:
        return
    start = number_in(sent.get(f"{name}-start", ""), f"{title} · {pgettext('objective', 'start')}")
    target = number_in(sent.get(f"{name}-target", ""), f"{title} · {pgettext('objective', 'target')}")
    if start is None or target is None:
        raise Refusal(_("“%(title)s”: say where it starts and which number it aims at.") % {"title": title})
    lines = [line.strip()[:120] for line in sent.get(f"{name}-measures", "").splitlines() if line.strip()]
    services.save_objective(
        plan.pk,
        by=request.user,
        pk=pk,
        title=title,
        note=sent.get(f"{name}-note", "").strip(),
        unit=sent.get(f"{name}-unit", "").strip(),
        start=start,
        target=target,
        owner=employee_in(sent.get(f"{name}-owner", "")),
        measures=lines,
    )


def enter_milestone(request, plan, pk, name):
    sent = request.POST
    title = sent.get(f"{name}-title", "").strip()
    if not title and pk is None or f"{name}-title" not in sent:
        return
    due = day_in(sent.get(f"{name}-due", ""), title)
    if due is None:
        raise Refusal(_("“%(title)s”: say by which day it is done.") % {"title": title})
    services.save_milestone(
        plan.pk,
        by=request.user,
        pk=pk,
        title=title,
        first_week=whole_in(sent.get(f"{name}-first_week", "") or "1", title),
        due=due,
        owner=employee_in(sent.get(f"{name}-owner", "")),
    )


# ── Review, copy, files ───────────────────────────────────────────────────────────────────────────────────────────


@screen("org/plans/<int:pk>/review/", "workplan_review", methods=("POST",))
def workplan_review(request, pk):
    plan = editable(request, pk)
    words = {name: request.POST.get(name, "").strip()[:5000] for name in REVIEW_FIELDS}
    try:
        check_seen(request.POST, review_shown(plan))
        services.review(plan.pk, by=request.user, close="close" in request.POST, **words)
        messages.success(request, _("Saved."))
    except (Refusal, ValidationError) as error:
        if getattr(error, "code", "") == "edited":
            return workplan(request, pk, typed=words, told=str(error))
        refused(request, error)
    return redirect("admin:workplan", plan.pk)


@screen("org/plans/<int:pk>/copy/", "workplan_copy", methods=("POST",))
def workplan_copy(request, pk):
    """Begin the next plan with the objectives and milestones of this one."""
    plan = editable(request, pk)
    try:
        start = day_in(request.POST.get("start", ""), _("First day")) or next_monday(plan.end)
        title = request.POST.get("title", "").strip() or plan.title
        made = services.copy_plan(plan.pk, start=start, title=title, by=request.user)
        messages.success(request, _("Copied as a draft."))
        return redirect("admin:workplan_edit", made.pk)
    except (Refusal, ValidationError) as error:
        refused(request, error)
    return redirect("admin:workplan", plan.pk)


@screen("org/plans/<int:pk>/export/", "workplan_export")
def workplan_export(request, pk):
    plan = plan_of(pk)
    return as_workbook(f"{plan.title}.xlsx", [table.sheet_of(plan)])


@screen("org/plans/<int:pk>/import/", "workplan_import", methods=("POST",))
def workplan_import(request, pk):
    """Have a file brought into the plan: everything, or nothing and every fault by row and column."""
    plan = open_plan(request, pk)
    uploaded = request.FILES.get("file")
    if uploaded is None:
        messages.error(request, _("Choose a file."))
        return redirect("admin:workplan", plan.pk)
    try:
        job = uploads.order(table.JOB, uploaded, {"plan": plan.pk}, by=request.user, limits=table.LIMITS)
    except Refusal as error:
        refused(request, error)
        return redirect("admin:workplan", plan.pk)
    return redirect("admin:job", job.pk)
