"""Two at once, on connections of their own: one wins, the other reads why."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone, translation

from opsadmin.core.refusals import Refusal
from orgchart.changes import add_item, apply_due, apply_now, check_log, draft_set, schedule, wanted
from orgchart.models import ChangeSet, Department, OrgVersion, Position
from staffing.models import Assignment
from tests.factories import AssignmentFactory, DepartmentFactory, EmployeeFactory, PositionFactory

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = [pytest.param(5, id="5"), pytest.param(50, id="50", marks=pytest.mark.soak)]


def at_once(*works):
    """Run each work in a thread of its own, all from the same moment; return what they raised."""
    barrier, raised = threading.Barrier(len(works)), []

    def run(work):
        try:
            with translation.override("en"):
                barrier.wait(10)
                work()
        except (Refusal, IntegrityError) as error:
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def move(entity, row, below):
    return lambda: apply_now([wanted(entity, row.code, "set", {"parent": below.code})])


def move_by_hand(row, below):
    """Write past the engine: the database alone has to find it out, however long the transaction lasts."""

    def work():
        with transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(parent=below)
            time.sleep(0.02)

    return work


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize(
    ("entity", "factory", "model"),
    [("department", DepartmentFactory, Department), ("position", PositionFactory, Position)],
)
def test_two_moves_that_make_a_circle_together_do_not_both_happen(rounds, entity, factory, model):
    for _round in range(rounds):
        one, other = factory(), factory()
        (error,) = at_once(move(entity, one, other), move(entity, other, one))
        assert "cannot stand below itself" in str(error)
        assert model.objects.filter(pk__in=[one.pk, other.pk], parent=None).count() == 1
    assert check_log() == []


@pytest.mark.parametrize("rounds", ROUNDS)
def test_nor_when_they_are_written_past_the_engine(rounds):
    for _round in range(rounds):
        one, other = PositionFactory(), PositionFactory()
        (error,) = at_once(move_by_hand(one, other), move_by_hand(other, one))
        assert "cannot stand below itself" in str(error)
        assert Position.objects.filter(pk__in=[one.pk, other.pk], parent=None).count() == 1


@pytest.mark.parametrize("rounds", ROUNDS)
def test_the_last_seat_is_taken_once(rounds):
    def take(employee, position):
        values = {"employee": employee.number, "position": position.code, "kind": "primary"}
        values["start"] = str(timezone.localdate())
        return lambda: apply_now([wanted("assignment", None, "create", values)])

    for _round in range(rounds):
        position = PositionFactory(plan_max=2)
        AssignmentFactory(position=position)
        works = [take(EmployeeFactory(), position) for _n in range(2)]
        (error,) = at_once(*works)
        assert "2 seats, 3 would be taken" in str(error)
        assert Assignment.objects.filter(position=position).count() == 2


@pytest.mark.parametrize("rounds", ROUNDS)
def test_nor_twice_when_it_is_taken_past_the_engine(rounds):
    for _round in range(rounds):
        position = PositionFactory(plan_max=1)
        people = [EmployeeFactory() for _n in range(2)]
        works = [lambda e=e, p=position: AssignmentFactory(employee=e, position=p) for e in people]
        (error,) = at_once(*works)
        assert "largest headcount" in str(error)
        assert Assignment.objects.filter(position=position).count() == 1


def test_a_due_set_is_applied_once_however_many_beats_there_are():
    today, position = timezone.localdate(), PositionFactory()
    draft = draft_set(by=None, title="x", effective_on=today + timedelta(days=1))
    add_item(draft, "position", position.code, "set", {"title": "new"}, by=None)
    schedule(draft, by=None)
    ChangeSet.objects.filter(pk=draft.pk).update(effective_on=today)
    assert at_once(*[lambda: apply_due(today)] * 4) == []
    assert OrgVersion.objects.filter(change_set=draft).count() == 1


def test_two_edits_of_different_rows_both_happen():
    one, other = PositionFactory(), PositionFactory()
    works = [
        lambda row=row: apply_now([wanted("position", row.code, "set", {"title": "new"})])
        for row in (one, other)
    ]
    assert at_once(*works) == []
    assert Position.objects.filter(title="new").count() == 2 and check_log() == []
