"""What the chart costs in a company of 5,000 departments with 50,000 positions and 50,000 people (`make bench`)."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from orgchart.models import Department, Position
from staffing.models import Assignment, Employee
from tests.factories import LONG_AGO, UserFactory

pytestmark = [pytest.mark.bench, pytest.mark.django_db]

DEPARTMENTS, EACH = 5_000, 10
ROUNDS = 5


def big_company():
    """Make departments ten wide below each other, each with a head and nine below it; everybody has one post."""
    rows = [Department(code=f"d{n}", name=f"部门{n}", kind="department", order=n) for n in range(DEPARTMENTS)]
    departments = Department.objects.bulk_create(rows, batch_size=1_000)
    for number, row in enumerate(departments[1:], 1):
        row.parent = departments[(number - 1) // 10]
    Department.objects.bulk_update(departments, ["parent"], batch_size=1_000)
    posts = Position.objects.bulk_create(
        [
            Position(
                code=f"p{d}-{n}",
                title=f"岗位{n}",
                department=departments[d],
                head=n == 0,
                order=n,
                plan_min=1,
            )
            for d in range(DEPARTMENTS)
            for n in range(EACH)
        ],
        batch_size=2_000,
    )
    people = Employee.objects.bulk_create(
        [
            Employee(
                number=f"E{n}",
                name=f"员工{n}",
                name_key=f"yuangong{n} yg{n}",
                home_department=departments[n // EACH],
            )
            for n in range(DEPARTMENTS * EACH)
        ],
        batch_size=2_000,
    )
    Assignment.objects.bulk_create(
        [
            Assignment(employee=one, position=post, kind="primary", start=LONG_AGO)
            for one, post in zip(people, posts, strict=True)
        ],
        batch_size=2_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def floor():
    """Return the seconds of one flat select of the three tables, built into a tree in Python."""
    begun = time.perf_counter()
    departments = dict(Department.objects.without_tree_fields().values_list("pk", "parent_id"))
    fields = ("pk", "code", "title", "department_id", "parent_id", "head", "order", "plan_min", "plan_max")
    posts = list(
        Position.objects.without_tree_fields().values_list(*fields, "tentative", "guessed", "status")
    )
    held = list(
        Assignment.objects.on(timezone.localdate()).values_list(
            "position_id", "employee__number", "employee__name", "kind"
        )
    )
    below = {}
    for row in posts:
        below.setdefault(row[3], []).append(row)
    for department, parent in departments.items():
        below.setdefault(("d", parent), []).append(department)
    seats = {}
    for position, *holder in held:
        seats.setdefault(position, []).append(holder)
    return time.perf_counter() - begun


def test_the_first_view_of_fifty_thousand_positions(client, capsys):
    big_company()
    client.force_login(UserFactory(roles=["ecommerce_manager"]), backend="opsadmin.backends.AccountBackend")
    url = reverse("admin:org_chart_data")
    client.get(url)
    floors, views = [], []
    for _round in range(ROUNDS):
        floors.append(floor())
        with CaptureQueriesContext(connection) as asked:
            begun = time.perf_counter()
            answer = client.get(url)
            views.append(time.perf_counter() - begun)
    nodes = len(answer.json()["nodes"])
    with capsys.disabled():
        print(
            f"\nchart | 50,000 positions, first view of {nodes} cards | {len(asked)} statements | "
            f"{min(views):.2f} s, floor {min(floors):.2f} s"
        )
    assert len(asked) <= 10
    assert min(views) <= 2 * min(floors)
