"""Changing the organisation: every structural write is a set of changes, a direct edit a set of one."""

from orgchart.changes.applying import applied, apply_due, apply_now, correct
from orgchart.changes.drafts import (
    Preview,
    add_item,
    add_items,
    conflicts_of,
    draft_set,
    preview,
    remove_item,
    reopen,
    resolve,
    schedule,
    submit,
    withdraw,
)
from orgchart.changes.faults import Fault, faults_of, new_faults
from orgchart.changes.items import Conflict, Item, differences, project, replay, touched_by
from orgchart.changes.log import check_log, past_state, state_on, version_number
from orgchart.changes.metrics import Metrics, layers_of, metrics, span_of
from orgchart.changes.wanted import wanted

__all__ = [
    "Conflict",
    "Fault",
    "Item",
    "Metrics",
    "Preview",
    "add_item",
    "add_items",
    "applied",
    "apply_due",
    "apply_now",
    "check_log",
    "conflicts_of",
    "correct",
    "differences",
    "draft_set",
    "faults_of",
    "layers_of",
    "metrics",
    "new_faults",
    "past_state",
    "preview",
    "project",
    "remove_item",
    "reopen",
    "replay",
    "resolve",
    "schedule",
    "span_of",
    "state_on",
    "submit",
    "touched_by",
    "version_number",
    "wanted",
    "withdraw",
]
