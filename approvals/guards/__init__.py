"""Guards: what a person must not have to notice. Set-based checks over a whole document."""

from approvals.guards.acknowledging import acknowledge, unacknowledged
from approvals.guards.running import run_guards
from approvals.guards.snapshots import refresh_snapshots

__all__ = ["acknowledge", "refresh_snapshots", "run_guards", "unacknowledged"]
