"""The headcount board: plan, filled, short, open, how long vacant and who covers."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.urls import reverse
from django.utils import timezone

from staffing.boards.headcount import board, narrowed, totals, vacant_since
from tests.factories import AssignmentFactory, DepartmentFactory, EmployeeFactory, PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
DAY = date(2030, 3, 1)


def day(text):
    return date.fromisoformat(f"2030-{text}")


def row_of(position, on=DAY):
    return next(row for row in board(on) if row.is_post and row.position.pk == position.pk)


def test_the_company_has_twenty_posts_for_its_stores_of_which_four_are_short(company):
    rows = {row.name: row for row in board(timezone.localdate()) if not row.is_post}
    team = rows["电子商务部"].seats
    assert (team.low, team.high, team.filled, team.short, team.open) == (20, 20, 16, 4, 0)
    assert rows["电子商务部"].vacant_days == 214


def test_a_department_counts_everything_below_it():
    above = DepartmentFactory()
    below = DepartmentFactory(parent=above)
    PositionFactory(department=above, plan_min=1, plan_max=2)
    AssignmentFactory(position=PositionFactory(department=below, plan_min=2, plan_max=3))
    seats = next(row.seats for row in board(DAY) if row.key == f"d{above.pk}")
    assert (seats.words, seats.filled, seats.short, seats.open) == ("3–5", 1, 2, 2)


def test_a_tentative_post_and_one_without_numbers_have_no_plan_and_their_holders_count_apart():
    department = DepartmentFactory()
    AssignmentFactory(position=PositionFactory(department=department, plan_min=1, plan_max=1, tentative=True))
    AssignmentFactory(position=PositionFactory(department=department))
    seats = next(row.seats for row in board(DAY) if row.key == f"d{department.pk}")
    assert (seats.filled, seats.short, seats.extra, seats.planned) == (0, 0, 2, False)


def test_a_concurrent_holder_takes_no_seat_and_is_marked_after_ninety_days():
    position = PositionFactory(plan_min=1, plan_max=1)
    AssignmentFactory(position=position, kind="concurrent", start=DAY - timedelta(days=90))
    row = row_of(position)
    assert row.seats.short == 1 and [cover.long for cover in row.covers] == [False]
    assert [cover.long for cover in row_of(position, DAY + timedelta(days=1)).covers] == [True]


@pytest.mark.parametrize(
    ("periods", "low", "expected"),
    [
        ([], 1, None),
        ([("01-01", "02-01")], 1, "02-01"),
        ([("01-01", "02-01"), ("02-10", "02-20")], 1, "02-20"),
        ([("01-01", "02-01"), ("02-01", None)], 1, None),
        ([("01-01", "02-01"), ("01-01", None)], 2, "02-01"),
        ([("01-01", None)], 2, None),
        ([("01-01", "04-01")], 1, None),
        ([("01-01", "02-01"), ("04-01", None)], 1, "02-01"),
    ],
)
def test_a_post_is_vacant_since_the_last_day_on_which_it_fell_below_its_plan(periods, low, expected):
    dated = [(day(start), end and day(end)) for start, end in periods]
    assert vacant_since(dated, low, DAY) == (expected and day(expected))


def test_a_filter_keeps_the_departments_above():
    above = DepartmentFactory(name="上")
    below = DepartmentFactory(name="下", parent=above)
    short = PositionFactory(title="缺人岗", department=below, plan_min=1, plan_max=1)
    PositionFactory(department=below, plan_min=0, plan_max=2)
    names = [row.name for row in narrowed(board(DAY), "short")]
    assert names == ["上", "下", short.title]
    assert [row.name for row in narrowed(board(DAY), "", "缺人")] == ["上", "下", short.title]
    assert narrowed(board(DAY), "short", "没有") == []


def test_the_totals_are_those_of_the_posts():
    PositionFactory(plan_min=2, plan_max=2)
    AssignmentFactory(position=PositionFactory(plan_min=1, plan_max=4), kind="concurrent")
    seats, covers, long = totals(board(DAY))
    assert (seats.low, seats.high, seats.short, covers, long) == (3, 6, 3, 1, 1)


def test_it_costs_as_many_statements_for_forty_posts_as_for_one(signed_in, django_assert_max_num_queries):
    client = signed_in(roles=["hr"])
    url = reverse("admin:headcount")

    def fill(number):
        for _n in range(number):
            position = PositionFactory(plan_min=2, plan_max=3)
            AssignmentFactory(position=position, employee=EmployeeFactory())
            AssignmentFactory(position=position, kind="concurrent")

    fill(1)
    client.get(url)
    with django_assert_max_num_queries(16) as few:
        client.get(url)
    asked = len(few)
    fill(40)
    client.get(url)
    with django_assert_max_num_queries(asked):
        client.get(url)


def test_everybody_signed_in_reads_the_board_and_only_hr_changes_the_plan(signed_in, company):
    page = signed_in(roles=["customer_service"]).get(reverse("admin:headcount")).content.decode()
    assert "电子商务部" in page and "Change the plan" not in page
    assert "Change the plan" in signed_in(roles=["hr"]).get(reverse("admin:headcount")).content.decode()


@pytest.mark.parametrize(
    "query", ["?show=short", "?show=nonsense&q=客服", "?q=%00", "?root=d999999", "?q=没有"]
)
def test_any_filter_gives_a_page(signed_in, company, query):
    assert signed_in(roles=["hr"]).get(reverse("admin:headcount") + query).status_code == 200


def test_a_company_without_posts_says_so(signed_in):
    assert "No positions yet" in signed_in(roles=["hr"]).get(reverse("admin:headcount")).content.decode()


def test_the_file_has_a_line_for_every_row_in_view(signed_in, company):
    import openpyxl

    client = signed_in(roles=["hr"])
    url = reverse("admin:headcount_export")
    shown = narrowed(board(timezone.localdate()), "short")
    book = openpyxl.load_workbook(BytesIO(client.get(url + "?show=short").getvalue()))
    assert book.active.max_row == len(shown) + 1
    text = client.get(url + "?show=short&format=csv").getvalue().decode("utf-8-sig")
    assert len(text.splitlines()) == len(shown) + 1 and "ec-designer" in text
