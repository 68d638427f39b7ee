"""Whatever is changed in whatever order: the log says of any day what was, the tables hold today, nobody is lost."""

from collections import Counter
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsadmin.core.refusals import Refusal
from orgchart import changes
from orgchart.changes import faults_of, past_state, state_on, wanted
from orgchart.changes.applying import fit
from orgchart.changes.log import read_snapshot
from orgchart.changes.wanted import with_before
from orgchart.models import ChangeSet, OrgSnapshot, OrgVersion, SetState
from orgchart.state import live_state
from tests.factories import AssignmentFactory, DepartmentFactory, EmployeeFactory, PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
DAYS = 60

departments = st.sampled_from(["d0", "d1", "d2", "d3", "d0", "d2", "n0"])
positions = st.sampled_from(["p0", "p1", "p2", "p3", "p4", "p1", "p3", "q0"])
people = st.sampled_from(["E0", "E1", "E2", "E3"])
offsets = st.integers(-20, 20)


def either(value):
    return st.one_of(st.none(), value)


def fields(**choices):
    return st.fixed_dictionaries({}, optional=choices).filter(bool)


ITEMS = st.one_of(
    st.tuples(
        st.just("department"),
        st.just("set"),
        departments,
        fields(
            name=st.sampled_from("ABC"),
            parent=either(departments),
            copied_from=either(departments),
        ),
    ),
    st.tuples(
        st.just("department"),
        st.just("set"),
        departments,
        fields(
            status=st.sampled_from(["active", "closed"]),
        ),
    ),
    st.tuples(
        st.just("position"),
        st.just("set"),
        positions,
        fields(
            title=st.sampled_from("ABC"),
            grade=st.sampled_from("123"),
            parent=either(positions),
            department=departments,
        ),
    ),
    st.tuples(
        st.just("position"),
        st.just("set"),
        positions,
        fields(
            head=st.booleans(),
            plan_max=either(st.integers(0, 2)),
            status=st.sampled_from(["active", "closed"]),
        ),
    ),
    st.tuples(
        st.just("department"),
        st.just("create"),
        st.sampled_from(["n0", "n1"]),
        st.fixed_dictionaries(
            {"name": st.just("N"), "kind": st.just("group"), "parent": either(departments)},
            optional={"copied_from": either(departments)},
        ),
    ),
    st.tuples(
        st.just("position"),
        st.just("create"),
        st.sampled_from(["q0", "q1"]),
        st.fixed_dictionaries(
            {"title": st.just("Q"), "department": departments, "parent": either(positions)}
        ),
    ),
    st.tuples(
        st.just("link"),
        st.sampled_from(["create", "delete"]),
        st.none(),
        st.fixed_dictionaries({"from": positions, "kind": st.just("promotes_to"), "to": positions}),
    ),
    st.tuples(
        st.just("duty"),
        st.sampled_from(["create", "delete"]),
        st.none(),
        st.fixed_dictionaries({"position": positions, "number": st.integers(1, 2)}),
    ),
    st.tuples(
        st.just("assignment"),
        st.just("create"),
        st.uuids(version=4),
        st.fixed_dictionaries(
            {
                "employee": people,
                "position": positions,
                "kind": st.sampled_from(["primary", "concurrent", "acting"]),
                "start": offsets,
                "end": either(offsets),
            }
        ),
    ),
    st.tuples(st.just("assignment"), st.just("set"), st.integers(0, 9), fields(end=either(offsets))),
)
SETS = st.lists(ITEMS, min_size=1, max_size=2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), SETS),
        st.tuples(st.just("swap"), people, people),
        st.tuples(st.just("schedule"), SETS, st.integers(1, 15)),
        st.tuples(st.just("rebase"), SETS, SETS, st.booleans()),
        st.tuples(st.just("correct"), SETS, st.integers(0, 30)),
        st.tuples(
            st.just("withdraw"),
        ),
        st.tuples(st.just("pass"), st.integers(1, 10)),
    ),
    min_size=4,
    max_size=12,
)


class World:
    """A small company on a clock of its own, that plays random steps; a refused step changes nothing."""

    def __init__(self):
        self.first = self.today = timezone.localdate() - timedelta(days=DAYS)
        self.outcomes = Counter()

    @contextmanager
    def clock(self):
        now = datetime.combine(self.today, time(12), timezone.get_default_timezone())
        with patch("django.utils.timezone.now", lambda: now), patch("opsadmin.core.clock.now", lambda: now):
            yield

    def items(self, drawn):
        return [item for parts in drawn for item in [self.item(*parts)] if item]

    def item(self, entity, op, key, values):
        values = {
            name: str(self.today + timedelta(days=value))
            if isinstance(value, int) and name in DATED
            else value
            for name, value in values.items()
        }
        if entity in ("link", "duty") and op == "delete":
            made = wanted(entity, None, "create", values)
            return wanted(entity, made.key, "delete")
        if isinstance(key, int):
            keys = sorted(live_state().assignments)
            key = keys[key % len(keys)]
        return wanted(entity, str(key) if isinstance(key, UUID) else key, op, values)

    def play(self, step, *parts):
        with self.clock():
            try:
                with transaction.atomic():
                    self.outcomes[step, getattr(self, f"do_{step}")(*parts) or "done"] += 1
            except Refusal as refusal:
                self.outcomes[step, refusal.code] += 1

    def do_edit(self, drawn):
        items = self.items(drawn)
        judged = refusal_of(lambda: fit(live_state(), with_before(live_state(), items), self.today))
        done = refusal_of(lambda: changes.apply_now(items))
        assert judged == done
        return done

    def do_swap(self, one, other):
        state, day = live_state(), str(self.today)
        held = {
            row["employee"]: row
            for row in state.assignments.values()
            if row["kind"] == "primary" and row["start"] < day and row["end"] is None
        }
        if one == other or not {one, other} <= held.keys():
            return "nothing to swap"
        ends = [wanted("assignment", held[who]["uid"], "set", {"end": day}) for who in (one, other)]
        starts = [
            wanted("assignment", None, "create", {**own(held[to]), "employee": who, "start": day})
            for who, to in ((one, other), (other, one))
        ]
        changes.apply_now([*ends, *starts])
        return "done"

    def draft(self, drawn, days):
        draft = changes.draft_set(by=None, title="draft", effective_on=self.today + timedelta(days=days))
        changes.add_items(draft, self.items(drawn), by=None)
        return draft

    def do_schedule(self, drawn, days):
        changes.schedule(self.draft(drawn, days), by=None)

    def do_rebase(self, drawn, meanwhile, keep_live):
        draft = self.draft(drawn, 0)
        changes.apply_now(self.items(meanwhile))
        for _round in range(5):
            conflicts = changes.conflicts_of(draft)
            if not conflicts:
                break
            gone = conflicts[0].kind != "moved_on"
            changes.resolve(conflicts[0].item, keep_live=keep_live or gone, by=None)
        changes.schedule(draft, by=None)

    def do_correct(self, drawn, days):
        changes.correct(self.items(drawn), effective_on=max(self.first, self.today - timedelta(days=days)))

    def do_withdraw(self):
        draft = ChangeSet.objects.filter(state=SetState.SCHEDULED).first()
        if draft:
            changes.withdraw(draft, by=None)

    def do_pass(self, days):
        """What is scheduled is foreseen, and comes about so unless a set no longer fits."""
        day = min(self.today + timedelta(days=days), self.first + timedelta(days=DAYS))
        foreseen = state_on(day)
        self.today = day
        with self.clock():
            changes.apply_due(day)
        if not ChangeSet.objects.filter(state=SetState.SCHEDULED, effective_on__lte=day).exists():
            assert live_state() == foreseen


DATED = ("start", "end")


def own(row):
    """Return an assignment without its key: another one gets its own."""
    return {name: value for name, value in row.items() if name != "uid"}


def refusal_of(work):
    """Return the code of the refusal, None where the work is done; a constraint is a fault found late."""
    try:
        with transaction.atomic():
            work()
    except Refusal as refusal:
        return refusal.code


def from_the_start(day):
    """Return the organisation of a day from the opening and every version since, without later snapshots."""
    state = read_snapshot(OrgSnapshot.objects.get(version__number=1))
    versions = OrgVersion.objects.filter(number__gt=1, effective_on__lte=day)
    for version in versions.order_by("effective_on", "number"):
        state, _lost = changes.replay(
            state, version.change_set.items.filter(left_out=False).order_by("order")
        )
    return state


def check(world, people):
    with world.clock():
        live = live_state()
        assert live == past_state(world.today) == from_the_start(world.today)
        for days in range(0, DAYS, 3):
            day = world.first + timedelta(days=days)
            if day <= world.today:
                assert past_state(day) == from_the_start(day)
        assert faults_of(live, day=world.today) == []
        assert people <= live.assignments.keys()
        assert changes.check_log() == []


def small_company():
    tops = [DepartmentFactory(code=f"d{n}") for n in range(4)]
    tops[1].parent = tops[0]
    tops[1].save()
    posts = [PositionFactory(code=f"p{n}", department=tops[n % 3], head=n < 2) for n in range(5)]
    people = [EmployeeFactory(number=f"E{n}", home_department=tops[0]) for n in range(4)]
    return {str(AssignmentFactory(employee=e, position=p).uid) for e, p in zip(people, posts, strict=False)}


CASES = [pytest.param(20, id="20"), pytest.param(2000, id="2000", marks=pytest.mark.soak)]


@pytest.mark.parametrize("cases", CASES)
def test_any_day_is_what_the_log_replays_and_nobody_is_lost(cases):
    people = small_company()
    outcomes = Counter()

    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(STEPS)
    def random_history(steps):
        with transaction.atomic():
            world = World()
            with world.clock():
                changes.apply_now([wanted("position", "p0", "set", {"grade": "1"})])
            for step in steps:
                world.play(*step)
            check(world, people)
            outcomes.update(world.outcomes)
            transaction.set_rollback(True)

    random_history()
    print(f"{cases} histories:", *sorted(outcomes.items()), sep="\n")
    assert {step for step, outcome in outcomes if outcome == "done"} >= {
        "edit",
        "schedule",
        "correct",
        "pass",
    }
