"""Who joins, moves and leaves; leaving ends everything on one day through its own way."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from opsadmin.core.refusals import Refusal
from orgchart.changes import check_log
from staffing import daily, leaving, posts
from staffing.boards.movements import movements
from staffing.models import Assignment, Delegation
from tests.factories import (
    AccountFactory,
    AssignmentFactory,
    EmployeeFactory,
    PositionFactory,
    StoreChargeFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def hr():
    return UserFactory(roles=["hr"])


def kinds(employee, today):
    found = movements(today - timedelta(days=30), today + timedelta(days=30))
    return [(row.kind, (row.day - today).days) for row in found if row.assignment.employee == employee]


def test_the_first_post_is_joining_a_later_one_moving_and_the_last_end_leaving(today):
    one = EmployeeFactory()
    AssignmentFactory(employee=one, start=today - timedelta(days=20), end=today - timedelta(days=5))
    AssignmentFactory(employee=one, start=today - timedelta(days=5), end=today + timedelta(days=10))
    assert kinds(one, today) == [("joins", -20), ("ends", -6), ("starts", -5), ("leaves", 9)]


def test_an_end_is_no_leaving_while_another_post_goes_on(today):
    one = EmployeeFactory()
    AssignmentFactory(employee=one)
    AssignmentFactory(employee=one, kind="concurrent", end=today + timedelta(days=3))
    assert kinds(one, today) == [("ends", 2)]


def test_leaving_ends_posts_charges_and_delegations_and_takes_the_role_away(hr, today):
    account, other = AccountFactory(), EmployeeFactory()
    held = AssignmentFactory(employee=account.employee)
    posts.map_role(position=held.position_id, role="auditor", by=UserFactory(roles=["administrator"]))
    future = AssignmentFactory(employee=account.employee, kind="concurrent", start=today + timedelta(days=9))
    charge = StoreChargeFactory(employee=account.employee)
    away = Delegation.objects.create(
        principal=account.employee,
        delegate=other,
        start=today - timedelta(days=2),
        end=today + timedelta(days=9),
    )
    leaving.leave(account.employee_id, last_day=today - timedelta(days=1), by=hr)
    for row in (held, charge, away, account.employee):
        row.refresh_from_db()
    assert (held.end, charge.end, away.end) == (today, today, today)
    assert not Assignment.objects.filter(pk=future.pk).exists()
    assert not account.employee.active and not account.user.groups.exists()


def test_leaving_on_a_day_to_come_takes_effect_by_itself(hr, today):
    account = AccountFactory()
    held = AssignmentFactory(employee=account.employee)
    last_day = today + timedelta(days=5)
    leaving.leave(account.employee_id, last_day=last_day, by=hr)
    account.employee.refresh_from_db()
    held.refresh_from_db()
    assert account.employee.active and held.end == last_day + timedelta(days=1)
    daily.settle(last_day)
    account.employee.refresh_from_db()
    assert account.employee.active
    daily.settle(last_day + timedelta(days=1))
    account.employee.refresh_from_db()
    assert not account.employee.active


def test_the_log_of_the_organisation_knows_who_left(company, account, today):
    leaver = Assignment.objects.get(employee__name="文案甲", kind="primary").employee
    leaving.leave(leaver.pk, last_day=today, by=account("hr"))
    assert not check_log()


def test_what_hangs_on_a_leaver_is_counted_with_open_tasks(company, today):
    employee = Assignment.objects.get(employee__number="E022", kind="primary").employee
    left = leaving.what_ends([employee], today)[employee.pk]
    assert left["posts"] == 1 and left["charges"] > 5
    assert leaving.open_tasks([employee]) == {}


@pytest.mark.parametrize("role", ["ecommerce_manager", "administrator", "auditor", "general_manager"])
def test_only_hr_lets_somebody_leave(role, today, signed_in):
    client, one = signed_in(roles=[role]), EmployeeFactory()
    with pytest.raises(PermissionDenied):
        leaving.leave(one.pk, last_day=today, by=client.user)
    assert client.post(reverse("admin:people_leave"), {"employee": one.number}).status_code == 404


def test_nobody_leaves_in_the_past_twice_or_by_his_or_her_own_hand(hr, today):
    one = EmployeeFactory()
    with pytest.raises(Refusal, match="yesterday at the earliest"):
        leaving.leave(one.pk, last_day=today - timedelta(days=2), by=hr)
    leaving.leave(one.pk, last_day=today - timedelta(days=1), by=hr)
    with pytest.raises(Refusal, match="no longer active"):
        leaving.leave(one.pk, last_day=today, by=hr)
    own = AccountFactory(user=hr)
    with pytest.raises(Refusal, match="Somebody else"):
        leaving.leave(own.employee_id, last_day=today, by=hr)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?show=leaves",
        "?show=x&from=soon&to=9",
        "?from=9999-12-31",
        "?from=0001-01-01&to=0001-01-01",
        "?to=9999-12-31",
    ],
)
def test_any_window_gives_a_page(company, signed_in, query):
    assert signed_in(roles=["hr"]).get(reverse("admin:movements") + query).status_code == 200


@pytest.mark.parametrize("data", [{"last_day": "soon"}, {"last_day": ""}, {}])
def test_a_wrong_last_day_is_a_sentence(signed_in, data):
    client, one = signed_in(roles=["hr"]), EmployeeFactory()
    answer = client.post(reverse("admin:people_leave"), {"employee": one.number, **data}, follow=True)
    assert list(answer.context["messages"])


def test_the_page_costs_as_many_statements_for_many_rows_as_for_one(
    signed_in, today, django_assert_max_num_queries
):
    client, position = signed_in(roles=["hr"]), PositionFactory()

    def fill(number):
        for _n in range(number):
            account = AccountFactory()
            AssignmentFactory(
                employee=account.employee, position=position, kind="concurrent", end=today + timedelta(days=3)
            )
            StoreChargeFactory(employee=account.employee)

    fill(1)
    url = reverse("admin:movements")
    client.get(url)
    with django_assert_max_num_queries(20) as few:
        client.get(url)
    fill(10)
    with django_assert_max_num_queries(len(few)):
        client.get(url)


def test_who_is_away_is_shown_with_who_stands_in(signed_in, today):
    row = Delegation.objects.create(
        principal=EmployeeFactory(), delegate=EmployeeFactory(), start=today, end=today + timedelta(days=2)
    )
    page = signed_in(roles=["hr"]).get(reverse("admin:movements")).content.decode()
    assert row.principal.name in page and row.delegate.name in page and "away now" in page


def test_an_employee_is_found_by_name_number_or_pinyin_and_only_by_who_chooses(signed_in):
    one = EmployeeFactory(name="王小明", number="E777")
    EmployeeFactory(name="王已离", active=False)
    client, address = signed_in(roles=["hr"]), reverse("admin:people_find")
    for text in ("小明", "e777", "wangxiao", "wxm", " 王 "):
        found = client.get(address, {"q": text}).json()["found"]
        assert [row["value"] for row in found] == ["E777 王小明"], text
    assert one.home_department.name in found[0]["label"]
    assert client.get(address, {"q": ""}).json() == client.get(address, {"q": "\x00"}).json() == {"found": []}
    assert signed_in(roles=["customer_service"]).get(address).status_code == 404
