"""Versions of flows. A version that has been in use never changes; what shall change is drafted as the next one."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals import permissions
from approvals.flow.routing import FACTS
from approvals.kinds import KINDS
from approvals.models import (
    AssigneeKind,
    DocumentKind,
    Flow,
    FlowStep,
    FlowVersion,
    FlowVersionState,
    StepKind,
)
from opsadmin.core import clock
from opsadmin.core.models import User
from opsadmin.core.refusals import Refusal
from orgchart.models import Department, OrgStatus, Position

FACT_WORDS = {
    "block": gettext_lazy("lines blocked"),
    "sign": gettext_lazy("hits that need a higher signature"),
    "warn": gettext_lazy("warnings"),
    "money_at_risk": gettext_lazy("money at risk in yuan"),
    "below_floor": gettext_lazy("lines below the floor price"),
    "below_cost": gettext_lazy("lines below cost"),
    "lines": gettext_lazy("lines"),
    "emergency": gettext_lazy("emergency (1 or 0)"),
}
AFTER_FILING = (StepKind.COMPLETE, StepKind.EXECUTE)
COPIED = [
    *("order", "kind", "name", "assignee_kind", "assignee", "level", "quorum", "quorum_number", "condition"),
    *("edits_lines", "fields", "days_before", "fallback_kind", "fallback"),
]


@transaction.atomic
def new_version(flow_pk, *, by):
    """Draft the next version of a flow as a copy of the one in use; return it.

    Raises PermissionDenied, or Refusal if a draft is there already. The flow's row is locked.
    """
    if not permissions.may_change_flows(by):
        raise PermissionDenied
    flow = Flow.objects.select_for_update().get(pk=flow_pk)
    versions = list(flow.versions.order_by("-number"))
    if any(version.state == FlowVersionState.DRAFT for version in versions):
        raise Refusal(_("There is already a draft of the next version. Publish it or change it."))
    model = next((version for version in versions if version.state == FlowVersionState.IN_USE), None)
    version = FlowVersion.objects.create(flow=flow, number=versions[0].number + 1 if versions else 1)
    for step in model.steps.values(*COPIED) if model else ():
        FlowStep.objects.create(version=version, **step)
    return version


@transaction.atomic
def publish(pk, *, by):
    """Put a drafted version in use and retire the one before. Documents on their way keep theirs.

    Raises PermissionDenied, or Refusal naming what is wrong with the steps. Publishing twice changes nothing.
    """
    if not permissions.may_change_flows(by):
        raise PermissionDenied
    flow = Flow.objects.select_for_update().get(versions=pk)
    version = FlowVersion.objects.select_for_update().get(pk=pk)
    if version.state == FlowVersionState.IN_USE:
        return version
    if version.state != FlowVersionState.DRAFT:
        raise Refusal(_("Version %(n)d has been retired; draft a new one.") % {"n": version.number})
    wrong = problems(version)
    if wrong:
        raise Refusal(" ".join(wrong))
    flow.versions.filter(state=FlowVersionState.IN_USE).update(state=FlowVersionState.RETIRED)
    version.state, version.published_by, version.published_at = FlowVersionState.IN_USE, by, clock.now()
    version.save(update_fields=["state", "published_by", "published_at"])
    return version


def problems(version):
    """Return sentences saying why the version cannot be used; empty if it can."""
    steps = list(version.steps.all())
    kinds = [step.kind for step in steps]
    itself = KINDS[DocumentKind(version.flow.kind)].files_itself
    found = signing_problems(kinds) if itself else order_problems(kinds)
    for step in steps:
        ways = [(step.assignee_kind, step.assignee), (step.fallback_kind, step.fallback)]
        for kind, which in ways:
            if kind and not exists(kind, which):
                names = {"step": step.name, "which": which or "—"}
                found.append(_("Step “%(step)s”: “%(which)s” does not exist.") % names)
        if step.condition and step.condition.get("fact") not in FACTS:
            found.append(
                _("Step “%(step)s”: its condition asks for something unknown.") % {"step": step.name}
            )
    return found


def order_problems(kinds):
    """Return what is wrong with the order of the kinds of steps."""
    if kinds.count(StepKind.FILE) != 1:
        return [_("A flow needs exactly one step that files.")]
    filing = kinds.index(StepKind.FILE)
    found = []
    if not {StepKind.REVIEW, StepKind.SIGN} & set(kinds[:filing]):
        found.append(_("Somebody has to review or sign before the filing."))
    if set(AFTER_FILING) & set(kinds[:filing]) or {StepKind.REVIEW, StepKind.SIGN} & set(kinds[filing:]):
        found.append(
            _("Reviews and signatures come before the filing, campaign details and stores after it.")
        )
    if kinds.count(StepKind.EXECUTE) > 1 or (StepKind.EXECUTE in kinds and kinds[-1] != StepKind.EXECUTE):
        found.append(_("The stores come once, and last."))
    return found


def signing_problems(kinds):
    """Return what is wrong with the steps of a document that is filed by its last signature."""
    if StepKind.SIGN not in kinds or set(kinds) - {StepKind.REVIEW, StepKind.SIGN, StepKind.INFORM}:
        return [
            _("Such a document is filed by its last signature: only reviews, signatures and information.")
        ]
    return []


def exists(kind, which):
    """Say whether whoever a step names is there at all."""
    from opsadmin.roles import BY_CODE

    tests = {
        AssigneeKind.ROLE: lambda: which in BY_CODE,
        AssigneeKind.CHOSEN: lambda: which in BY_CODE,
        AssigneeKind.POSITION: lambda: Position.objects.filter(code=which, status=OrgStatus.ACTIVE).exists(),
        AssigneeKind.DEPARTMENT_HEAD: lambda: Department.objects.filter(code=which).exists(),
        AssigneeKind.PERSON: lambda: User.objects.filter(username=which, is_active=True).exists(),
    }
    return tests[kind]() if kind in tests else True
