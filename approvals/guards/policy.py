"""The policy: all limits of all guards, in versions that finance and the e-commerce manager change together."""

from decimal import Decimal, InvalidOperation

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from approvals import permissions
from approvals.models import GuardPolicy, PolicyState
from opsadmin.core.refusals import Refusal

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

UNITS = {
    ("G04", "cost_days"): (gettext_lazy("days that a cost stays fresh"), 1, 3650),
    ("G07", "margin"): (gettext_lazy("lowest margin, %"), 0, 99),
    ("G08", "warn"): (gettext_lazy("change that needs a reason, %"), 0, 1000),
    ("G08", "sign"): (gettext_lazy("change that needs a higher signature, %"), 0, 1000),
    ("G08", "block"): (gettext_lazy("change that is blocked, %"), 0, 1000),
    ("G09", "tolerance"): (gettext_lazy("distance from 10 or 100 times, %"), 0, 90),
    ("G10", "change"): (gettext_lazy("smallest change of transposed digits, %"), 0, 100),
    ("G11", "deviation"): (gettext_lazy("distance from the reference price, %"), 0, 1000),
    ("G13", "difference"): (gettext_lazy("difference between brands, %"), 0, 1000),
    ("G14", "lead_hours"): (gettext_lazy("shortest lead time, hours"), 0, 720),
    ("G14", "longest_days"): (gettext_lazy("longest window, days"), 1, 3650),
    ("G22", "days"): (gettext_lazy("days looked back"), 1, 365),
    ("G28", "changed"): (gettext_lazy("part of lines that change, %"), 0, 100),
    ("G28", "median"): (gettext_lazy("median change, %"), 0, 1000),
    ("G29", "low"): (gettext_lazy("smallest factor between units"), 2, 1000),
    ("G29", "high"): (gettext_lazy("largest factor between units"), 2, 1000),
}

PARTNERS = ("finance", "ecommerce_manager")


def limits_in_force():
    """Return (version, limits) of the policy in force; the defaults as version 0 before there is one."""
    policy = GuardPolicy.objects.filter(state=PolicyState.IN_FORCE).first()
    if policy is None:
        return 0, DEFAULT_LIMITS
    return policy.version, {
        code: {**known, **policy.limits.get(code, {})} for code, known in DEFAULT_LIMITS.items()
    }


def partner_role(user):
    """Return which of the two roles the account speaks for; PermissionDenied for everybody else."""
    roles = set(user.groups.values_list("name", flat=True)) & set(PARTNERS)
    if not permissions.may_change_limits(user) or not roles:
        raise PermissionDenied
    return sorted(roles)[0]


def clean_limits(values):
    """Return the limits of a form's values {(code, name): text}, complete and in bounds.

    Raises Refusal (``invalid``) with ``faults`` {(code, name): sentence}.
    """
    limits, faults = {}, {}
    for (code, name), (label, low, high) in UNITS.items():
        try:
            number = Decimal(str(values.get((code, name), "")).strip())
            if not number.is_finite() or not low <= number <= high:
                raise InvalidOperation
        except InvalidOperation:
            faults[code, name] = _("%(label)s: write a number from %(low)s to %(high)s.") % {
                "label": label,
                "low": low,
                "high": high,
            }
            continue
        limits.setdefault(code, {})[name] = int(number) if number == int(number) else float(number)
    steps = limits.get("G08", {})
    if len(steps) == 3 and not steps["warn"] <= steps["sign"] <= steps["block"]:
        faults["G08", "sign"] = _("The limits must rise: reason, higher signature, block.")
    if faults:
        raise Refusal(_("Some limits are not right."), code="invalid", faults=faults)
    return limits


def locked_policies():
    """Return all versions, locked: proposing and deciding go one after the other."""
    return list(GuardPolicy.objects.select_for_update().order_by("version"))


@transaction.atomic
def propose(limits, *, by, reason):
    """Propose a new version. Raises PermissionDenied or Refusal: ``invalid``, ``waiting`` (another is not decided)."""
    role = partner_role(by)
    policies = locked_policies()
    if any(policy.state == PolicyState.PROPOSED for policy in policies):
        raise Refusal(_("Another proposal is still waiting for an answer."), code="waiting")
    if not reason.strip():
        raise Refusal(_("Say why the limits should change."), code="invalid")
    return GuardPolicy.objects.create(
        version=max((policy.version for policy in policies), default=0) + 1,
        limits=limits,
        reason=reason.strip(),
        proposed_by=by,
        proposed_role=role,
    )


def decidable(pk, by):
    """Return a waiting proposal that this account may answer: the other role, and another person."""
    role = partner_role(by)
    policy = next((policy for policy in locked_policies() if policy.pk == pk), None)
    if policy is None or policy.state != PolicyState.PROPOSED:
        raise Refusal(_("This proposal has already been answered."), code="decided")
    return policy, role


@transaction.atomic
def confirm(pk, *, by):
    """Put a proposal in force. Raises PermissionDenied or Refusal: ``decided``, ``own`` (needs the other role)."""
    policy, role = decidable(pk, by)
    if policy.proposed_by_id == by.pk or policy.proposed_role == role:
        raise Refusal(
            _("Finance and the e-commerce manager decide together: the other one confirms."), code="own"
        )
    GuardPolicy.objects.filter(state=PolicyState.IN_FORCE).update(state=PolicyState.SUPERSEDED)
    policy.state, policy.decided_by, policy.decided_at = PolicyState.IN_FORCE, by, timezone.now()
    policy.save(update_fields=["state", "decided_by", "decided_at"])
    return policy


@transaction.atomic
def dismiss(pk, *, by):
    """Refuse a proposal, or take one's own back. Raises PermissionDenied or Refusal (``decided``)."""
    policy, _role = decidable(pk, by)
    policy.state, policy.decided_by, policy.decided_at = PolicyState.DISMISSED, by, timezone.now()
    policy.save(update_fields=["state", "decided_by", "decided_at"])
    return policy
