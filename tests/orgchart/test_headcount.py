"""Plan, filled and short are computed for the day, concurrent holders counted apart."""

from datetime import date, timedelta

import pytest

from orgchart.admin import plan_in_words
from orgchart.models import Position
from staffing.headcount import Headcount, by_department, with_headcount
from tests.factories import AssignmentFactory, DepartmentFactory, PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
DAY = date(2030, 3, 1)


def counted(position):
    found = with_headcount(Position.objects.filter(pk=position.pk), DAY).get()
    return found.filled, found.short, found.concurrent


def test_a_seat_is_filled_by_primary_seconded_and_acting_holders_but_not_by_a_concurrent_one():
    position = PositionFactory(plan_min=4, plan_max=4)
    AssignmentFactory(position=position)
    AssignmentFactory(position=position, kind="seconded", from_department=DepartmentFactory())
    AssignmentFactory(position=position, kind="acting")
    AssignmentFactory(position=position, kind="concurrent")
    assert counted(position) == (3, 1, 1)


def test_only_who_holds_the_position_on_the_day_counts():
    position = PositionFactory(plan_min=2)
    AssignmentFactory(position=position, start=DAY + timedelta(days=1))
    AssignmentFactory(position=position, start=date(2029, 1, 1), end=DAY)
    assert counted(position) == (0, 2, 0)


def test_more_holders_than_planned_are_never_a_negative_vacancy():
    position = PositionFactory(plan_min=1)
    AssignmentFactory(position=position)
    AssignmentFactory(position=position)
    assert counted(position) == (2, 0, 0)


def test_a_department_counts_what_is_below_it_but_not_closed_positions():
    top = DepartmentFactory()
    group = DepartmentFactory(parent=top)
    PositionFactory(department=top, plan_min=1)
    AssignmentFactory(position=PositionFactory(department=group, plan_min=2))
    PositionFactory(department=group, plan_min=9, status="closed")
    totals = by_department(DAY)
    assert totals[top.pk] == Headcount(plan=3, filled=1, short=2)
    assert totals[group.pk] == Headcount(plan=2, filled=1, short=1)


@pytest.mark.parametrize(
    ("low", "high", "note", "words"),
    [
        *((1, 1, "", "1"), (1, 2, "", "1–2"), (None, 4, "", "0–4"), (2, None, "", "2 or more")),
        *((None, None, "", "—"), (0, 4, "不超过4名", "不超过4名")),
    ],
)
def test_a_plan_is_told_in_words(low, high, note, words):
    assert plan_in_words(Position(plan_min=low, plan_max=high, plan_note=note)) == words
