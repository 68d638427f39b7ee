"""An organisation in a few figures, to be compared before and after a change. Pure."""

from collections import Counter
from dataclasses import dataclass

from orgchart.changes.faults import is_open


@dataclass(frozen=True)
class Metrics:
    """``span_max`` is the largest number of positions that report to one; ``layers`` counts from the top as 1."""

    departments: int
    positions: int
    plan_min: int
    plan_max: int
    unbounded: int
    layers: int
    span_max: int
    span_mean: float


def metrics(state):
    """Return the figures of the open departments and positions."""
    positions = {key: row for key, row in state.positions.items() if is_open(row)}
    spans = Counter(row["parent"] for row in positions.values() if row["parent"] in positions)
    return Metrics(
        departments=sum(is_open(row) for row in state.departments.values()),
        positions=len(positions),
        plan_min=sum(row["plan_min"] or 0 for row in positions.values()),
        plan_max=sum(row["plan_max"] or 0 for row in positions.values()),
        unbounded=sum(row["plan_max"] is None for row in positions.values()),
        layers=max(layers_of(positions).values(), default=0),
        span_max=max(spans.values(), default=0),
        span_mean=round(spans.total() / len(spans), 1) if spans else 0.0,
    )


def layers_of(rows):
    """Return {key: layer}, 1 at the top; each row is visited once, a circle ends where it began."""
    layers = {}
    for key in rows:
        path = []
        while key in rows and key not in layers and key not in path:
            path.append(key)
            key = rows[key]["parent"]
        layer = layers.get(key, 0)
        for found in reversed(path):
            layer += 1
            layers[found] = layer
    return layers


def span_of(state, key):
    """Return how many open positions report to a position."""
    rows = state.positions
    return sum(is_open(rows[child]) for child in state.where("position", "parent").get(key, ()))
