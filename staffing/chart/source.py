"""What a chart is drawn from: departments and positions as plain rows, and who is seated where on a day."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Max, Q
from django.utils import timezone

from orgchart.entities import ENTITIES
from orgchart.models import OrgStatus, Position, PositionLink
from staffing.headcount import SEATED
from staffing.models import Assignment, AssignmentKind, Employee

ALL_AT_ONCE = 5_000
POSITION_FIELDS = (
    "code",
    "title",
    "grade",
    "head",
    "order",
    "plan_min",
    "plan_max",
    "plan_note",
    "tentative",
    "status",
    "guessed",
)
RANK = {kind: rank for rank, kind in enumerate(AssignmentKind.values)}


@dataclass(frozen=True)
class Holder:
    number: str
    name: str
    kind: str
    start: str
    fte: str


@dataclass
class Source:
    """One moment of the organisation: open rows only, by code.

    ``counts`` is {position: {seated, concurrent, seconded}}, without the empty ones. ``holders_of(codes)`` and
    ``vacant_since(codes)`` are asked for the cards that are drawn, not for all.
    """

    on: date
    departments: dict
    positions: dict
    counts: dict
    holders_of: Callable
    vacant_since: Callable = field(default=lambda codes: {})
    dotted_of: Callable = field(default=lambda codes: {})

    def filled(self, code):
        return self.counts[code]["seated"] if code in self.counts else 0


def is_open(row):
    return row["status"] != OrgStatus.CLOSED


def live(day=None):
    """Return the organisation of today, in three statements; holders and links of what is drawn cost more."""
    day = day or timezone.localdate()
    departments = ENTITIES["department"].read(~Q(status=OrgStatus.CLOSED))
    positions, keys = live_positions()
    codes = {pk: code for code, pk in keys.items()}
    seats = Assignment.objects.on(day).order_by().values_list("position_id", "kind")
    counts = {}
    for pk, kind in seats:
        code = codes.get(pk)
        found = counts.get(code)
        if found is None:
            found = counts[code] = {"seated": 0, "concurrent": 0, "seconded": 0}
        if kind != "concurrent":
            found["seated"] += 1
        if kind in ("concurrent", "seconded"):
            found[kind] += 1
    counts.pop(None, None)
    return Source(
        day,
        departments,
        positions,
        counts,
        lambda wanted: live_holders(wanted, keys, codes, day),
        lambda wanted: live_vacancies(wanted, keys, codes, day),
        lambda wanted: live_dotted(wanted, keys, codes),
    )


def live_positions():
    """Return ({code: row}, {code: database key}) of the open positions."""
    rows = Position.objects.without_tree_fields().exclude(status=OrgStatus.CLOSED).order_by()
    found = list(rows.values_list(*POSITION_FIELDS, "parent_id", "department__code", "pk"))
    codes = {values[-1]: values[0] for values in found}
    names = (*POSITION_FIELDS, "parent", "department")
    positions = {}
    for *values, parent, department, _pk in found:
        positions[values[0]] = dict(zip(names, (*values, codes.get(parent), department), strict=True))
    return positions, {code: pk for pk, code in codes.items()}


def among(wanted, keys):
    """Return the condition for the positions that are drawn; none where nearly all are, or too many to list."""
    return (
        {} if len(wanted) > ALL_AT_ONCE else {"position__in": [keys[code] for code in wanted if code in keys]}
    )


def live_holders(wanted, keys, codes, day):
    """Return {position: holders}, in the order of kinds and staff numbers; one statement."""
    rows = Assignment.objects.on(day).filter(**among(wanted, keys)).order_by("employee__number")
    found = defaultdict(list)
    columns = ("position", "employee__number", "employee__name", "kind", "start", "fte")
    for pk, number, name, kind, start, fte in rows.values_list(*columns):
        if pk in codes:
            found[codes[pk]].append(Holder(number, name, kind, start.isoformat(), f"{fte:.2f}"))
    return {code: sorted(held, key=lambda one: RANK[one.kind]) for code, held in found.items()}


def live_vacancies(wanted, keys, codes, day):
    """Return {position: day on which its last seated holder left}; one statement."""
    rows = Assignment.objects.filter(kind__in=SEATED, end__lte=day, **among(wanted, keys))
    ends = rows.order_by().values_list("position").annotate(last=Max("end"))
    return {codes[pk]: last for pk, last in ends if pk in codes}


def live_dotted(wanted, keys, codes):
    """Return {position: [positions that it also reports to]}; one statement."""
    if len(wanted) > ALL_AT_ONCE:
        return {}
    links = PositionLink.objects.filter(
        kind="dotted_to", target__isnull=False, source__in=[keys[code] for code in wanted if code in keys]
    )
    found = defaultdict(list)
    for source, target in links.order_by("pk").values_list("source", "target"):
        if target in codes:
            found[codes[source]].append(codes[target])
    return found


def of_state(state, day):
    """Return the organisation of a state (a past or future day, a draft) as it will be, or was, on that day."""
    held = defaultdict(list)
    text = day.isoformat()
    for row in state.assignments.values():
        if row["start"] <= text and (row["end"] is None or row["end"] > text):
            held[row["position"]].append(row)
    counts = {code: counts_of([row["kind"] for row in rows]) for code, rows in held.items()}
    links = defaultdict(list)
    for link in state.links.values():
        if link["kind"] == "dotted_to" and link["to"]:
            links[link["from"]].append(link["to"])
    return Source(
        day,
        {code: row for code, row in state.departments.items() if is_open(row)},
        {code: row for code, row in state.positions.items() if is_open(row)},
        counts,
        lambda wanted: state_holders(wanted, held),
        lambda wanted: {},
        lambda wanted: {code: links[code] for code in wanted if code in links},
    )


def counts_of(kinds):
    return {
        "seated": sum(kind in SEATED for kind in kinds),
        "concurrent": kinds.count(AssignmentKind.CONCURRENT),
        "seconded": kinds.count(AssignmentKind.SECONDED),
    }


def in_order(positions):
    return dict(sorted(positions.items(), key=lambda entry: (entry[1]["order"], entry[0])))


def state_holders(wanted, held):
    numbers = {row["employee"] for code in wanted for row in held.get(code, ())}
    names = dict(Employee.objects.filter(number__in=numbers).values_list("number", "name"))
    return {
        code: sorted(
            (
                Holder(
                    row["employee"], names.get(row["employee"], "?"), row["kind"], row["start"], row["fte"]
                )
                for row in held[code]
            ),
            key=lambda one: (RANK[one.kind], one.number),
        )
        for code in wanted
        if code in held
    }
