"""The limits of all guards: what holds, what is proposed, what held before, and by whom."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.guards import policy, words
from approvals.models import GuardPolicy, PolicyState
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.roles import BY_CODE

VERSIONS_SHOWN = 50


@screen("guard-policy/", "guard_policy", may=permissions.may_see_limits)
def guard_policy(request):
    """Show the limits in force beside those proposed, and the versions before."""
    versions = list(
        GuardPolicy.objects.select_related("proposed_by", "decided_by").order_by("-version")[:VERSIONS_SHOWN]
    )
    _version, limits = policy.limits_in_force()
    proposal = next((one for one in versions if one.state == PolicyState.PROPOSED), None)
    proposed = policy.completed(proposal.limits) if proposal else None
    mine = permissions.may_change_limits(request.user)
    return page(
        request,
        "approvals/guard_policy.html",
        title=_("Guard policy"),
        in_force=next((one for one in versions if one.state == PolicyState.IN_FORCE), None),
        groups=grouped(limits),
        proposal=proposal,
        proposal_changes=changes(limits, proposed) if proposal else [],
        may_propose=mine and proposal is None,
        may_confirm=mine and proposal is not None and may_confirm(proposal, request.user),
        may_dismiss=mine and proposal is not None,
        own_proposal=proposal is not None and proposal.proposed_by_id == request.user.pk,
        history=history(versions),
    )


def may_confirm(proposal, user):
    return policy.answering_role(proposal, user) is not None


def grouped(limits, typed=None, faults=None):
    """Return the guards with title and limits; each limit with its value, what was typed, and its fault."""
    groups = {}
    for limit in policy.LIMITS:
        value = limits[limit.code][limit.name]
        groups.setdefault(limit.code, []).append(
            {
                "limit": limit,
                "value": value,
                "typed": typed.get(limit.key, "") if typed is not None else value,
                "fault": (faults or {}).get(limit.key, ""),
            }
        )
    return [{"code": code, "title": words.title(code), "limits": rows} for code, rows in groups.items()]


def changes(before, after):
    """Return the limits that differ: [{limit, title of its guard, before, after}]."""
    return [
        {
            "limit": limit,
            "title": words.title(limit.code),
            "before": before[limit.code][limit.name],
            "after": after[limit.code][limit.name],
        }
        for limit in policy.LIMITS
        if before[limit.code][limit.name] != after[limit.code][limit.name]
    ]


def history(versions):
    """Give each version what it changed against the one that held when it was answered."""
    rows, held = [], None
    for one in reversed(versions):
        limits = policy.completed(one.limits)
        rows.append(
            {
                "version": one,
                "changes": changes(held, limits) if held else [],
                "proposed_role": role_name(one.proposed_role),
                "decided_role": role_name(one.decided_role),
            }
        )
        if one.state in (PolicyState.IN_FORCE, PolicyState.SUPERSEDED):
            held = limits
    return rows[::-1]


def role_name(code):
    return BY_CODE[code].name if code in BY_CODE else ""


@screen(
    "guard-policy/propose/",
    "guard_policy_propose",
    methods=("GET", "POST"),
    may=permissions.may_change_limits,
)
def propose(request):
    """Ask for all limits at once, as they are in force, with the reason of the change."""
    _version, limits = policy.limits_in_force()
    typed, faults, reason = None, {}, ""
    if request.method == "POST":
        typed = {limit.key: request.POST.get(limit.key, "")[:20] for limit in policy.LIMITS}
        reason = request.POST.get("reason", "")[:200]
        try:
            policy.propose(nested(typed), by=request.user, reason=reason)
        except Refusal as refusal:
            faults = refusal.data.get("faults", {})
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("Proposed. It takes effect once the other role has confirmed it."))
            return redirect("admin:guard_policy")
    return page(
        request,
        "approvals/guard_policy_propose.html",
        title=_("Propose new limits"),
        crumbs=[(_("Guard policy"), reverse("admin:guard_policy"))],
        groups=grouped(limits, typed=typed, faults=faults),
        reason=reason,
        reason_fault=faults.get("reason", ""),
    )


def nested(typed):
    """Return {guard: {name: text}} of what was typed per limit."""
    values = {}
    for limit in policy.LIMITS:
        values.setdefault(limit.code, {})[limit.name] = typed[limit.key]
    return values


@screen(
    "guard-policy/<int:pk>/answer/",
    "guard_policy_answer",
    methods=("POST",),
    may=permissions.may_change_limits,
)
def answer(request, pk):
    """Confirm or dismiss a proposal."""
    proposal = get_object_or_404(GuardPolicy, pk=pk)
    if request.POST.get("answer") == "confirm":
        policy.confirm(proposal.pk, by=request.user)
        messages.success(request, _("Confirmed. Every check from now on goes by the new limits."))
    else:
        policy.dismiss(proposal.pk, by=request.user)
        messages.success(request, _("Dismissed. The limits in force stay."))
    return redirect("admin:guard_policy")
