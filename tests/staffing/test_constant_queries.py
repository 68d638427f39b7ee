"""A list of the organisation costs the same number of statements for one row and for a thousand."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from orgchart.models import Finding, Position
from staffing.models import Assignment, Employee, PlanState, WorkPlan
from tests.factories import DepartmentFactory, EmployeeFactory, PositionFactory

pytestmark = pytest.mark.django_db

MANY, MOST_STATEMENTS = 1_000, 25
LISTS = (
    "headcount",
    "headcount?show=short",
    "movements",
    "findings",
    "workplans",
    "storeteam",
    "org_paths",
    "org_chart_data",
    "people_find?q=员工",
    "position_find?q=岗位",
)


def fill(number, first):
    """Make so many posts, each held by one who came today, so many findings and work plans."""
    today, now = timezone.localdate(), timezone.now()
    department, owner = DepartmentFactory(), EmployeeFactory()
    names = range(first, first + number)
    posts = Position.objects.bulk_create(
        Position(code=f"many-{n}", title=f"岗位{n}", department=department, plan_min=2, plan_max=3)
        for n in names
    )
    people = Employee.objects.bulk_create(
        Employee(number=f"M{n}", name=f"员工{n}", home_department=department) for n in names
    )
    kinds = ("primary", "concurrent")
    Assignment.objects.bulk_create(
        Assignment(employee=one, position=post, kind=kinds[place % 2], start=today)
        for place, (one, post) in enumerate(zip(people, posts, strict=True))
    )
    evidence = {
        "keys": [posts[0].code],
        "guessed": False,
        "subjects": [{"entity": "position", "key": posts[0].code, "name": "岗位"}],
        "lines": [],
    }
    Finding.objects.bulk_create(
        Finding(
            rule="dead_end",
            identity=f"{n}",
            severity="info",
            evidence=evidence,
            first_seen=now,
            last_seen=now,
        )
        for n in names
    )
    WorkPlan.objects.bulk_create(
        WorkPlan(
            title=f"规划{n}",
            department=department,
            owner=owner,
            start=today - timedelta(days=today.weekday()),
            weeks=4,
            state=PlanState.RUNNING,
        )
        for n in names
    )


def costs(client):
    """Return {list: statements}."""
    found = {}
    for one in LISTS:
        name, question, query = one.partition("?")
        address = reverse(f"admin:{name}") + question + query
        client.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200, one
        found[one] = len(asked)
    return found


def test_lists_of_the_organisation_cost_the_same_however_many_rows_there_are(signed_in):
    client = signed_in(roles=["hr"])
    PositionFactory()
    fill(1, first=1)
    few = costs(client)
    fill(MANY, first=2)
    many = costs(client)
    for name, number in many.items():
        assert number <= few[name] <= MOST_STATEMENTS, name
