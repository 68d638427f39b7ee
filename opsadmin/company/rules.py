"""Loading the flows and the first guard policy."""

from approvals.guards.policy import DEFAULT_LIMITS
from approvals.models import Flow, FlowStep, FlowVersion, GuardPolicy
from opsadmin.company.fixtures import read
from opsadmin.core import clock


def load_flows():
    """Make the missing flows, each with a first version in use."""
    made = 0
    for row in read("flows")["flows"]:
        flow, created = Flow.objects.get_or_create(
            code=row["code"], defaults={"name": row["name"], "kind": row["kind"]}
        )
        if created:
            version = FlowVersion.objects.create(flow=flow, number=1)
            for order, step in enumerate(row["steps"], start=1):
                FlowStep.objects.create(version=version, order=order, **step)
            version.state, version.published_at = "in_use", clock.now()
            version.save()
        made += created
    return made


def load_policy():
    """Put the default limits in force where there is no policy yet. Nobody proposed them."""
    if GuardPolicy.objects.exists():
        return 0
    GuardPolicy.objects.create(version=1, state="in_force", limits=DEFAULT_LIMITS, reason="初始限额")
    return 1
