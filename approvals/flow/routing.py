"""Routing: which steps a document walks, who is asked in each, and why they.

The same function makes the preview before submission and the tasks at submission: what was shown is what happens.
"""

from dataclasses import dataclass, field
from itertools import groupby

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.kinds import kind_of, specific
from approvals.models import AssigneeKind, FlowStep, FlowVersion, Quorum, StepKind
from opsadmin.core import clock
from opsadmin.core.models import User
from opsadmin.core.refusals import Refusal
from opsadmin.core.workdays import workdays_before
from orgchart.models import Department, Position
from staffing import people
from staffing.models import Account
from stores.models import Store

DECIDING = (StepKind.REVIEW, StepKind.SIGN, StepKind.FILE)


@dataclass(frozen=True)
class PlannedTask:
    """One account to be asked: ``because`` says why, ``principal`` for whom it acts, ``store`` for which store."""

    user: User
    because: str
    principal: User | None = None
    store: Store | None = None
    order: int = 1


@dataclass
class PlannedStep:
    """A step as it would be walked now. ``problem`` is a sentence when nobody could be asked."""

    flow_step: FlowStep
    needed: bool
    because: str
    due_at: object
    tasks: list = field(default_factory=list)
    problem: str = ""

    @property
    def kind(self):
        return self.flow_step.kind

    @property
    def name(self):
        return self.flow_step.name

    @property
    def order(self):
        return self.flow_step.order


def version_for(document):
    """Return the flow version in use for the document's kind; Refusal if there is none."""
    version = FlowVersion.objects.filter(flow__kind=document.kind, state="in_use").first()
    if version is None:
        raise Refusal(
            _("There is no approval flow for this kind of document. Ask the administrator."), code="no_flow"
        )
    return version


def facts(document):
    """Return what conditions of steps may ask: numbers computed on stored data by the last check."""
    own = specific(document)
    summary = document.summary or {}
    return {
        "block": document.block_count,
        "sign": document.sign_count,
        "warn": document.warn_count,
        "money_at_risk": document.money_at_risk,
        "below_floor": summary.get("below_floor", 0),
        "below_cost": summary.get("below_cost", 0),
        "lines": document.line_count,
        "emergency": int(kind_of(own).emergency(own)),
    }


FACTS = ("block", "sign", "warn", "money_at_risk", "below_floor", "below_cost", "lines", "emergency")


def needed(condition, known):
    """Say whether a step with this condition is walked: ``{}`` always, ``{"fact": f, "above": n}`` if f > n."""
    return not condition or known[condition["fact"]] > condition["above"]


def condition_sentence(condition, known):
    """Return in words why a conditional step is walked."""
    if not condition:
        return ""
    count = known[condition["fact"]]
    sentences = {
        "sign": _("because of %(n)s hits that need a higher signature"),
        "money_at_risk": _("because %(n)s yuan are at risk"),
        "emergency": _("because the list is an emergency"),
    }
    return sentences.get(condition["fact"], _("because of %(n)s lines")) % {"n": count}


def barred_people(document):
    """Return (accounts, employees) that drafted or submitted the document: none of them decides on it."""
    users = set(document.authors.values_list("user_id", flat=True)) | {document.drafted_by_id}
    if document.submitted_by_id:
        users.add(document.submitted_by_id)
    return people_behind(users)


def is_barred(user, barred):
    """Say whether the account, or the person behind it, drafted or submitted the document."""
    users, employees = barred
    employee = people.employee_of(user)
    return user.pk in users or (employee is not None and employee.pk in employees)


def accounts_for(kind, which, *, level, document, store, chosen, day):
    """Return [(account, why)] for one way of saying who."""
    if kind == AssigneeKind.ROLE:
        from opsadmin.roles import BY_CODE

        why = _("role: %(name)s") % {"name": BY_CODE[which].name if which in BY_CODE else which}
        return [(user, why) for user in people.people_of_role(which)]
    if kind == AssigneeKind.POSITION:
        position = Position.objects.filter(code=which).first()
        why = _("position: %(name)s") % {"name": position.title if position else which}
        return [(user, why) for user in people.holders_of(which, day)]
    if kind == AssigneeKind.DEPARTMENT_HEAD:
        department = Department.objects.filter(code=which).first()
        why = _("head of %(name)s") % {"name": department.name if department else which}
        return [(user, why) for user in (people.head_of(department, day) if department else [])]
    if kind == AssigneeKind.SUPERIOR:
        employee = people.employee_of(document.submitted_by or document.drafted_by)
        why = _("superior of the submitter")
        return [(user, why) for user in (people.superior_of(employee, level, day) if employee else [])]
    if kind == AssigneeKind.STORE_CHARGE and store is not None:
        why = _("in charge of %(store)s") % {"store": store.name}
        return [(user, why) for user in people.in_charge_of(store, day)]
    if kind == AssigneeKind.PERSON:
        return [
            (user, _("named in the flow")) for user in User.objects.filter(username=which, is_active=True)
        ]
    if kind == AssigneeKind.CHOSEN:
        allowed = {user.pk: user for user in people.people_of_role(which)}
        picked = [allowed[pk] for pk in (chosen or []) if pk in allowed]
        return [(user, _("chosen by the submitter")) for user in picked]
    return []


def stand_in(user, why, *, barred, day):
    """Return the planned task for an account, or for its delegate while it is away; None if neither may decide."""
    employee = people.employee_of(user)
    substitute = people.delegate_of(employee, day) if employee else None
    delegate = people.account_of(substitute) if substitute else None
    if delegate and permissions.may_take_part(delegate) and not (barred and is_barred(delegate, barred)):
        return PlannedTask(delegate, _("acts for %(name)s") % {"name": user}, principal=user)
    if permissions.may_take_part(user) and not (barred and is_barred(user, barred)):
        return PlannedTask(user, why)
    return None


def people_for(flow_step, document, *, store=None, chosen=None, day=None, barred=None):
    """Return ([PlannedTask], problem): those who can be asked, the fallback if there is nobody, or a sentence."""
    day = day or clock.today()
    if barred is None and flow_step.kind in DECIDING:
        barred = barred_people(document)
    ways = [(flow_step.assignee_kind, flow_step.assignee, "")]
    if flow_step.fallback_kind:
        ways.append((flow_step.fallback_kind, flow_step.fallback, _("stands in: nobody else can be asked")))
    for kind, which, note in ways:
        found = accounts_for(
            kind, which, level=flow_step.level, document=document, store=store, chosen=chosen, day=day
        )
        tasks = {}
        for user, why in found:
            task = stand_in(user, note or why, barred=barred, day=day)
            if task is not None:
                tasks.setdefault(task.user.pk, task)
        if tasks:
            return list(tasks.values()), ""
    where = _("%(store)s: ") % {"store": store.name} if store else ""
    return [], where + _("nobody can be asked in the step “%(step)s”.") % {"step": flow_step.name}


def document_stores(document):
    """Return the stores that the document's kept lines mean, as they were last expanded."""
    kept = kind_of(document).line_model.objects.filter(document=document.pk, struck=False)
    meant = document.scope_stores.filter(scope_key__in=kept.values("scope_key"))
    return Store.objects.filter(pk__in=meant.values("store")).select_related("platform")


def plan_step(flow_step, document, known, *, chosen, day, barred):
    """Return the step with its tasks, or with the sentence that says why nobody can be asked."""
    step = PlannedStep(
        flow_step=flow_step,
        needed=needed(flow_step.condition, known),
        because=condition_sentence(flow_step.condition, known),
        due_at=workdays_before(document.effective_from, flow_step.days_before),
    )
    stores = document_stores(document) if flow_step.kind == StepKind.EXECUTE else [None]
    for store in stores:
        tasks, problem = people_for(
            flow_step,
            document,
            store=store,
            chosen=(chosen or {}).get(str(flow_step.order)),
            day=day,
            barred=barred if flow_step.kind in DECIDING else None,
        )
        step.problem = step.problem or problem or too_few(flow_step, tasks)
        step.tasks += [
            PlannedTask(task.user, task.because, task.principal, store, number)
            for number, task in enumerate(tasks, start=1)
        ]
    return step


def too_few(flow_step, tasks):
    """Return the sentence for a step that needs more decisions than there are people to make them."""
    if flow_step.quorum != Quorum.SOME or len(tasks) >= flow_step.quorum_number:
        return ""
    return _("The step “%(step)s” needs %(n)d people to decide; only %(m)d can be asked.") % {
        "step": flow_step.name,
        "n": flow_step.quorum_number,
        "m": len(tasks),
    }


def people_behind(users):
    """Return (accounts, employees) of some accounts, as barred_people does for those of a document."""
    return users, set(Account.objects.filter(user__in=users).values_list("employee", flat=True))


def preview(document, *, version=None, chosen=None, barred=None):
    """Return the route as it would be walked now: [PlannedStep] in order, conditional ones included.

    The sentences are written in the installation's language, because they are stored with the tasks. ``barred`` is
    asked for of a document that is not stored yet.
    """
    version = version or version_for(document)
    known, day = facts(document), clock.today()
    barred = barred or barred_people(document)
    with translation.override(settings.LANGUAGE_CODE):
        return [
            plan_step(flow_step, document, known, chosen=chosen, day=day, barred=barred)
            for flow_step in version.steps.all()
        ]


def by_person(step):
    """Return [(names of stores, PlannedTask)] of an execute step, one row per person, for display."""
    tasks = sorted(step.tasks, key=lambda task: task.user.pk)
    return [
        ([task.store.name for task in group if task.store], first)
        for _pk, members in groupby(tasks, key=lambda task: task.user.pk)
        for group in [list(members)]
        for first in group[:1]
    ]
