"""Assignments as a kind of row in the log of the organisation, with the rules that they must keep."""

from collections import defaultdict
from itertools import accumulate, combinations

from django.db.models import Q
from django.utils.translation import gettext as _

from orgchart.changes.faults import Fault, rows_of, rule
from orgchart.entities import Column, Entity, day, plain, register, share
from orgchart.lock import JUDGED_AT_THE_END
from orgchart.models import OrgStatus
from staffing.models import Assignment, AssignmentKind

SEATED = (AssignmentKind.PRIMARY, AssignmentKind.SECONDED, AssignmentKind.ACTING)


def judged_with(named):
    """Return which assignments a change is judged with: those of the positions and of the people that it names."""
    people = Assignment.objects.filter(uid__in=named["assignment"]).values("employee")
    if not (named["assignment"] or named["position"] or named["employee"]):
        return None
    return (
        Q(position__code__in=named["position"])
        | Q(employee__in=people)
        | Q(employee__number__in=named["employee"])
    )


ASSIGNMENT = Entity(
    "assignment",
    Assignment,
    (
        Column("uid", out=str),
        Column("employee", "employee__number", "employee"),
        Column("position", "position__code", "position"),
        Column("kind"),
        day("start"),
        day("end"),
        Column("from_department", "from_department__code", "department"),
        share("fte"),
        *plain("handover", "beyond_plan", "note"),
    ),
    key=lambda row: row["uid"],
    find=lambda keys: Q(uid__in=keys),
    fixed=("uid", "employee"),
    around=judged_with,
    title=lambda row, called: f"{row['employee']} · {called('position', row['position'])}",
)


def join_the_log():
    """Make assignments part of the log, its rules and its lock; called once, when the app is ready."""
    register(ASSIGNMENT)
    for check in (dates_in_order, one_primary, seats_free, seconded_from_elsewhere, open_positions):
        rule(check)
    JUDGED_AT_THE_END.extend(
        [
            "assignment_one_primary_per_day",
            "assignment_once_per_position_and_day",
            *(
                f"{table}_{name}"
                for table in ("assignment", "holders")
                for name in ("has_a_seat", "seconded_from_elsewhere", "position_open")
            ),
        ]
    )


def holds_on(row, on):
    return row["start"] <= on and (row["end"] is None or row["end"] > on)


def takes_seat(row):
    """Whether an assignment counts towards the largest headcount of its position."""
    return row["kind"] in SEATED and not row["handover"] and not row["beyond_plan"]


def holders_on(state, on):
    """Return {position: [assignment rows]} of a state for one day (text or date), in the order of staff numbers."""
    found = defaultdict(list)
    for row in sorted(state.assignments.values(), key=lambda row: row["employee"]):
        if holds_on(row, str(on)):
            found[row["position"]].append(row)
    return found


def positions_judged(state, touched):
    """Return the positions touched, with those of touched assignments."""
    held = {row["position"] for _key, row in rows_of(state, touched, "assignment")}
    return sorted((held | touched["position"]) & state.positions.keys())


def held_rows(state, position):
    return [state.assignments[key] for key in state.where("assignment", "position").get(position, ())]


def dates_in_order(state, touched, on):
    for key, row in rows_of(state, touched, "assignment"):
        if row["end"] is not None and row["end"] <= row["start"]:
            yield Fault("dates", "assignment", key, _("The assignment ends before it begins."))


def overlap(one, other):
    return one["start"] < (other["end"] or "9999") and other["start"] < (one["end"] or "9999")


def one_primary(state, touched, on):
    """A person has one primary position on any day, and holds no position twice."""
    people = {row["employee"] for _key, row in rows_of(state, touched, "assignment")}
    for employee in sorted(people):
        rows = [state.assignments[key] for key in state.where("assignment", "employee")[employee]]
        for one, other in combinations(rows, 2):
            if not overlap(one, other):
                continue
            if one["kind"] == other["kind"] == AssignmentKind.PRIMARY:
                sentence = _("This person already has a primary position in that time.")
                yield Fault("two_primaries", "employee", employee, sentence)
            if one["position"] == other["position"]:
                sentence = _("This person already holds this position in that time.")
                yield Fault("held_twice", "employee", employee, sentence)


def most_seats(rows, on):
    """Return the largest number of seats that the assignments of one position take on any day from ``on``."""
    steps = []
    for row in rows:
        if takes_seat(row) and (row["end"] is None or row["end"] > on):
            steps += [(max(row["start"], on), 1), (row["end"] or "9999", -1)]
    return max(accumulate(step for _day, step in sorted(steps)), default=0)


def seats_free(state, touched, on):
    """No more holders than the largest headcount on any day to come."""
    for position in positions_judged(state, touched):
        highest = state.positions[position]["plan_max"]
        if highest is None:
            continue
        most = most_seats(held_rows(state, position), on)
        if most > highest:
            sentence = _(
                "“%(title)s” has %(plan)d seats, %(held)d would be taken: mark a handover, or say why it goes "
                "beyond the plan."
            )
            known = {"title": state.positions[position]["title"], "plan": highest, "held": most}
            yield Fault("seats", "position", position, sentence % known, most)


def seconded_from_elsewhere(state, touched, on):
    for position in positions_judged(state, touched):
        for row in held_rows(state, position):
            if row["kind"] != AssignmentKind.SECONDED:
                continue
            if row["from_department"] in (None, state.positions[position]["department"]):
                sentence = _("Somebody is seconded by another department than that of the position.")
                yield Fault("seconded", "assignment", row["uid"], sentence)


def open_positions(state, touched, on):
    """A closed position is held by nobody from that day on."""
    for position in positions_judged(state, touched):
        row = state.positions[position]
        if row["status"] != OrgStatus.CLOSED:
            continue
        held = [held for held in held_rows(state, position) if held["end"] is None or held["end"] > on]
        if held:
            sentence = _("“%(title)s” is still held by %(n)d people: end their assignments, or move them.")
            known = {"title": row["title"], "n": len(held)}
            yield Fault("held", "position", position, sentence % known, len(held))
