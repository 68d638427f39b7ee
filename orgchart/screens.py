"""Settings of the organisation in one place, the organisation models, and copying a department."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from orgchart.copies import copies_of, draft_copy, drift
from orgchart.findings import words
from orgchart.findings.limits import limits
from orgchart.findings.plans import figures
from orgchart.findings.queue import areas, model_case
from orgchart.models import (
    Area,
    Department,
    EditorScope,
    Finding,
    FindingState,
    HandoffFlow,
    OrgModel,
    OrgStatus,
)
from orgchart.org_models import described, start_from_model, state_of_model, tree_of
from orgchart.permissions import may_edit_structure, may_see_models, may_see_settings
from orgchart.state import live_state

INDENT = "\N{IDEOGRAPHIC SPACE}"
OPEN = (FindingState.OPEN, FindingState.ASKED)
SETTINGS = (
    (
        "orgchart.orgmodel",
        "org_models",
        "org",
        OrgModel._meta.verbose_name_plural,
        gettext_lazy(
            "How the papers organise a store, a department, a centre; a new one can start from each."
        ),
        OrgModel,
    ),
    (
        "orgchart.area",
        "orgchart_area_changelist",
        "list",
        Area._meta.verbose_name_plural,
        gettext_lazy("The list that duties, powers and hand-offs choose from."),
        Area,
    ),
    (
        "orgchart.handoffflow",
        "orgchart_handoffflow_changelist",
        "flow",
        HandoffFlow._meta.verbose_name_plural,
        gettext_lazy("Work that passes through several hands, step by step: setting a price, a promotion."),
        HandoffFlow,
    ),
    (
        "orgchart.editorscope",
        "orgchart_editorscope_changelist",
        "key",
        gettext_lazy("Who edits what"),
        gettext_lazy(
            "Who changes only one part of the organisation; everybody else with the right edits all."
        ),
        EditorScope,
    ),
    (
        "orgchart.findinglimits",
        "orgchart_findinglimits_changelist",
        "gear",
        gettext_lazy("Limits of findings"),
        gettext_lazy(
            "Direct reports, layers, areas of one post, days of cover: from where on it is a finding."
        ),
        None,
    ),
)


def up():
    """Return the crumbs above the pages here."""
    return [
        (_("Organisation"), reverse("admin:org_chart")),
        (_("Organisation settings"), reverse("admin:org_settings")),
    ]


@screen("org/settings/", "org_settings", may=may_see_settings)
def org_settings(request):
    """What the organisation is described and measured by, each for whoever may see it."""
    cards = [
        {
            "address": reverse(f"admin:{address}"),
            "icon": icon,
            "title": title,
            "sentence": sentence,
            "count": kind and kind.objects.count(),
        }
        for right, address, icon, title, sentence, kind in SETTINGS
        if request.user.has_perm(right.replace(".", ".view_"))
    ]
    return page(
        request, "orgchart/settings.html", title=_("Organisation settings"), crumbs=up()[:1], cards=cards
    )


# ── Models ────────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("org/settings/models/", "org_models", may=may_see_models)
def org_models(request):
    """All models: how large each is, what it states of itself, and what is odd about it."""
    standing = Count("findings", filter=Q(findings__state__in=OPEN))
    models = OrgModel.objects.annotate(standing=standing).order_by("order")
    rows = [{"model": model, "size": size_of(model)} for model in models]
    return page(request, "orgchart/models.html", title=_("Organisation models"), crumbs=up(), rows=rows)


def size_of(model):
    """Return how many departments, posts and planned people a model has; the top only carries its name."""
    positions = model.payload["tables"]["position"].values()
    return {
        "departments": len(model.payload["tables"]["department"]),
        "positions": len(positions),
        "planned": sum(row["plan_min"] or 0 for row in positions),
    }


@screen("org/settings/models/<int:pk>/", "org_model", may=may_see_models)
def org_model(request, pk):
    """One model, to be read: its tree, its figures against what it states, its words, and what was found in it."""
    model = get_object_or_404(OrgModel, pk=pk if pk < 2**31 else 0)
    case = model_case(model, limits(), areas())
    found = Finding.objects.filter(org_model=model, state__in=OPEN)
    return page(
        request,
        "orgchart/model.html",
        title=model.name,
        crumbs=[*up(), (_("Organisation models"), reverse("admin:org_models"))],
        model=model,
        size=size_of(model),
        tree=tree_of(state_of_model(model)),
        figures=[
            {"what": name or words.WHAT.get(what, what), "stated": stated, "counted": counted}
            for what, name, stated, counted in figures(case)
        ],
        described=described(model),
        findings=[
            {"row": row, "name": words.name_of_rule(row.rule), "subjects": words.subjects(row.evidence)}
            for row in found
        ],
        departments=choices_below() if may_edit_structure(request.user) else None,
        today=timezone.localdate(),
    )


def open_departments():
    """Return the departments that are open, in the order of the tree."""
    return Department.objects.with_tree_fields().exclude(status=OrgStatus.CLOSED)


def choices_below():
    """Return [(code, name indented by its depth)] of the open departments."""
    return [(row.code, INDENT * row.tree_depth + row.name) for row in open_departments()]


@screen("org/settings/models/<int:pk>/start/", "org_model_start", methods=("POST",), may=may_edit_structure)
def org_model_start(request, pk):
    """Draft a new department after a model, and open the draft."""
    model = get_object_or_404(OrgModel, pk=pk if pk < 2**31 else 0)
    under = request.POST.get("under", "")
    if under and not open_departments().filter(code=under).exists():
        raise Refusal(_("Choose a department that is open."), code="invalid")
    draft = start_from_model(
        model,
        under or None,
        by=request.user,
        title=request.POST.get("title", ""),
        effective_on=day_to_come(request.POST.get("effective_on", "")),
    )
    return opened(request, draft)


def day_to_come(text):
    """Return the day that was typed, None for nothing; Refusal for what is no day, or is over."""
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if text and (day is None or day < timezone.localdate()):
        raise Refusal(_("Say a day from today on, like 2027-01-01."), code="invalid")
    return day


def opened(request, draft):
    count = draft.items.count()
    messages.success(
        request,
        ngettext(
            "Drafted with %(n)d change; nothing live has changed.",
            "Drafted with %(n)d changes; nothing live has changed.",
            count,
        )
        % {"n": count},
    )
    return redirect("admin:org_change_set", draft.pk)


# ── Copies ────────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("org/departments/<int:pk>/copy/", "department_copy", methods=("GET", "POST"), may=may_edit_structure)
def department_copy(request, pk):
    """Copy a department that can be multiplied, and see how far its copies have drifted."""
    department = get_object_or_404(Department, pk=pk if pk < 2**31 else 0)
    typed = {name: request.POST.get(name, "")[:60] for name in ("name", "effective_on")}
    refused = ""
    if request.method == "POST":
        try:
            day = day_to_come(typed["effective_on"])
            return opened(
                request, draft_copy(department, by=request.user, name=typed["name"], effective_on=day)
            )
        except PermissionDenied:
            refused = _("Somebody else looks after this part of the organisation.")
        except Refusal as refusal:
            refused = str(refusal)
    return page(
        request,
        "orgchart/copy.html",
        title=_("Copy: %(name)s") % {"name": department},
        crumbs=[
            (_("Organisation"), reverse("admin:org_chart")),
            (department.name, reverse("admin:orgchart_department_change", args=[pk])),
        ],
        department=department,
        copies=copies_beside(department),
        typed=typed,
        refused=refused,
        status=422 if refused else 200,
    )


def copies_beside(department):
    """Return [(copy, number of differences)] of a department."""
    state = live_state()
    codes = [copy for copy, original in copies_of(state).items() if original == department.code]
    rows = {row.code: row for row in Department.objects.filter(code__in=codes)}
    return [(rows[code], len(drift(state, code))) for code in codes if code in rows]
