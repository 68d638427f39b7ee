"""The policy: all limits of all guards, in versions that finance and the e-commerce manager change together."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from approvals import permissions
from approvals.models import GuardPolicy, PolicyState
from opsadmin.core import clock
from opsadmin.core.models import User
from opsadmin.core.notices import tell
from opsadmin.core.refusals import Refusal
from staffing import people

# The defaults are those of the company's pricing paper, calibrated on real catalogues.
DEFAULT_LIMITS = {
    "G04": {"cost_days": 90},
    "G07": {"margin": 8},
    "G08": {"warn": 10, "sign": 30, "block": 60},
    "G09": {"tolerance": 25},
    "G10": {"change": 5},
    "G11": {"deviation": 15},
    "G13": {"difference": 5},
    "G14": {"lead_hours": 24, "longest_days": 90},
    "G22": {"days": 7},
    "G28": {"changed": 30, "median": 20, "lines": 20},
    "G29": {"low": 80, "high": 120},
    "G31": {"share": 0.5},
}
PERCENT, DAYS, HOURS = "%", pgettext_lazy("unit", "days"), pgettext_lazy("unit", "hours")
TIMES, LINES = pgettext_lazy("unit", "times"), pgettext_lazy("unit", "lines")


@dataclass(frozen=True)
class Limit:
    """One number of the policy: what it limits in words, its unit, and the bounds within which it makes sense."""

    code: str
    name: str
    words: str
    unit: str
    low: int
    high: int

    @property
    def key(self):
        return f"{self.code}_{self.name}"


LIMITS = (
    Limit("G04", "cost_days", _("A cost older than this needs a reason"), DAYS, 1, 3650),
    Limit("G07", "margin", _("A margin below this needs a reason"), PERCENT, 0, 99),
    Limit("G08", "warn", _("A change above this needs a reason"), PERCENT, 0, 1000),
    Limit("G08", "sign", _("A change above this needs a higher signature"), PERCENT, 0, 1000),
    Limit("G08", "block", _("A change above this is blocked"), PERCENT, 0, 1000),
    Limit("G09", "tolerance", _("How near to 10 or 100 times counts as a slip"), PERCENT, 0, 50),
    Limit("G10", "change", _("Transposed digits count above this change"), PERCENT, 0, 100),
    Limit("G11", "deviation", _("Farther from the reference price needs a reason"), PERCENT, 0, 1000),
    Limit("G13", "difference", _("A larger difference between brands needs a reason"), PERCENT, 0, 1000),
    Limit("G14", "lead_hours", _("A start sooner than this is an emergency"), HOURS, 0, 720),
    Limit(
        "G14",
        "longest_days",
        _("A start farther ahead, or a longer window, needs a reason"),
        DAYS,
        1,
        3650,
    ),
    Limit("G22", "days", _("Days before the start whose lowest price counts"), DAYS, 1, 365),
    Limit("G28", "changed", _("More lines changed than this need a higher signature"), PERCENT, 0, 100),
    Limit("G28", "median", _("A median change above this needs a higher signature"), PERCENT, 0, 1000),
    Limit("G28", "lines", _("Shorter lists are not judged as a whole"), LINES, 2, 10000),
    Limit("G29", "low", _("Fen for yuan: the median is at least"), TIMES, 2, 1000),
    Limit("G29", "high", _("Fen for yuan: the median is at most"), TIMES, 2, 1000),
    Limit("G31", "share", _("Cents that fewer prices end in are odd"), PERCENT, 0, 50),
)
PARTNERS = ("finance", "ecommerce_manager")
# Any number will do, as long as nothing else in this database locks it.
POLICY_LOCK = 4_104_226_002


def limits_in_force():
    """Return (version, limits) of the policy in force; the defaults as version 0 before there is one."""
    policy = GuardPolicy.objects.filter(state=PolicyState.IN_FORCE).first()
    return (0, DEFAULT_LIMITS) if policy is None else (policy.version, completed(policy.limits))


def completed(limits):
    """Return a version's limits; one that came after it stands at its default."""
    return {code: {**known, **limits.get(code, {})} for code, known in DEFAULT_LIMITS.items()}


def partner_roles(user):
    """Return for which of the two roles the account speaks; PermissionDenied for everybody else."""
    roles = set(user.groups.filter(name__in=PARTNERS).values_list("name", flat=True))
    if not permissions.may_change_limits(user) or not roles:
        raise PermissionDenied
    return roles


def clean_limits(values):
    """Return all limits as numbers. ``values``: {guard: {name: what was typed}}.

    Raises Refusal (``invalid``); its data ``faults`` says {key of the Limit: sentence}.
    """
    limits, faults = {}, {}
    for limit in LIMITS:
        typed = str(values.get(limit.code, {}).get(limit.name, "")).strip()
        try:
            number = Decimal(typed)
            if not (number.is_finite() and limit.low <= number <= limit.high and number == round(number, 1)):
                raise InvalidOperation
        except InvalidOperation:
            faults[limit.key] = gettext(
                "Write a number from %(low)s to %(high)s, with at most one decimal."
            ) % {
                "low": limit.low,
                "high": limit.high,
            }
        else:
            limits.setdefault(limit.code, {})[limit.name] = (
                int(number) if number == int(number) else float(number)
            )
    faults |= order_faults(limits)
    if faults:
        raise Refusal(gettext("Some limits are not right."), code="invalid", faults=faults)
    return limits


def order_faults(limits):
    """Return what is wrong between limits of one guard."""
    change, unit = limits.get("G08", {}), limits.get("G29", {})
    faults = {}
    if len(change) == 3 and not change["warn"] <= change["sign"] <= change["block"]:
        faults["G08_sign"] = gettext("The limits must rise: reason, higher signature, block.")
    if len(unit) == 2 and not unit["low"] < unit["high"]:
        faults["G29_high"] = gettext("It must be above the lowest.")
    return faults


def one_at_a_time():
    """Take the lock of all who propose or answer, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [POLICY_LOCK])


@transaction.atomic
def propose(limits, *, by, reason):
    """Propose a new version of all limits ({guard: {name: number}}); it waits for the other role.

    Raises PermissionDenied, or Refusal: ``invalid`` (data: faults by limit, or no reason), ``same`` (nothing would
    change), ``waiting`` (another proposal has no answer yet).
    """
    role = min(partner_roles(by))
    one_at_a_time()
    if GuardPolicy.objects.filter(state=PolicyState.PROPOSED).exists():
        raise Refusal(gettext("Another proposal is still waiting for an answer."), code="waiting")
    limits = clean_limits(limits)
    if not reason.strip():
        raise Refusal(
            gettext("Say why the limits should change."),
            code="invalid",
            faults={"reason": gettext("Say why.")},
        )
    if limits == limits_in_force()[1]:
        raise Refusal(gettext("These are the limits in force; nothing would change."), code="same")
    last = GuardPolicy.objects.order_by("-version").values_list("version", flat=True).first()
    policy = GuardPolicy.objects.create(
        version=(last or 0) + 1,
        limits=limits,
        reason=reason.strip()[:200],
        proposed_by=by,
        proposed_role=role,
    )
    others = User.objects.filter(is_active=True, groups__name__in=set(PARTNERS) - {role}).exclude(pk=by.pk)
    tell_of(
        policy,
        others.distinct(),
        gettext("%(who)s proposes new limits of the guards; they wait for your answer."),
        by,
    )
    return policy


def tell_of(policy, users, sentence, by):
    tell(
        users,
        sentence % {"who": by},
        url=reverse("admin:guard_policy"),
        key=f"guard_policy:{policy.pk}:{policy.state}",
    )


def waiting_proposal(pk):
    """Return a proposal that has no answer yet, after everybody who came before. Refusal: ``decided``."""
    one_at_a_time()
    policy = GuardPolicy.objects.select_related("proposed_by", "decided_by").get(pk=pk)
    if policy.state != PolicyState.PROPOSED:
        raise Refusal(
            gettext("%(who)s has already answered this proposal: %(state)s.")
            % {"who": policy.decided_by, "state": policy.get_state_display()},
            code="decided",
        )
    return policy


def answering_role(policy, by):
    """Return the role for which an account may confirm a proposal, or None: another role and another person."""
    others = partner_roles(by) - {policy.proposed_role}
    proposer, answerer = people.employee_of(policy.proposed_by), people.employee_of(by)
    same_person = policy.proposed_by_id == by.pk or (proposer is not None and proposer == answerer)
    return None if same_person or not others else min(others)


@transaction.atomic
def confirm(pk, *, by):
    """Put a proposal in force in place of the version before; checks from now on go by it.

    Rule: one of finance and one e-commerce manager, two people. Raises PermissionDenied, or Refusal: ``decided``,
    ``own`` (needs the other role and another person).
    """
    partner_roles(by)
    policy = waiting_proposal(pk)
    role = answering_role(policy, by)
    if role is None:
        raise Refusal(
            gettext("Finance and the e-commerce manager decide together: the other one confirms."), code="own"
        )
    GuardPolicy.objects.filter(state=PolicyState.IN_FORCE).update(state=PolicyState.SUPERSEDED)
    answer(policy, PolicyState.IN_FORCE, by=by, role=role)
    tell_of(policy, [policy.proposed_by], gettext("%(who)s has confirmed your proposal of new limits."), by)
    return policy


@transaction.atomic
def dismiss(pk, *, by):
    """Refuse a proposal, or take one's own back. Raises PermissionDenied or Refusal (``decided``)."""
    role = min(partner_roles(by))
    policy = waiting_proposal(pk)
    answer(policy, PolicyState.DISMISSED, by=by, role=role)
    if policy.proposed_by_id != by.pk:
        tell_of(
            policy, [policy.proposed_by], gettext("%(who)s has dismissed your proposal of new limits."), by
        )
    return policy


def answer(policy, state, *, by, role):
    policy.state, policy.decided_by, policy.decided_role, policy.decided_at = state, by, role, clock.now()
    policy.save(update_fields=["state", "decided_by", "decided_role", "decided_at"])
