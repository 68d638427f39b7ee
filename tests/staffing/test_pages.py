"""HR's pages: assignments, charges and the organisation, through the forms that HR uses."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from staffing.models import Assignment, StoreCharge
from stores.models import Store
from tests.factories import (
    AccountFactory,
    AssignmentFactory,
    DepartmentFactory,
    EmployeeFactory,
    PositionFactory,
    StoreChargeFactory,
    StoreFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def hr(signed_in):
    return signed_in(roles=["hr"])


def add(client, model, **values):
    return client.post(reverse(f"admin:staffing_{model}_add"), values)


def test_an_assignment_is_made_with_its_history(hr, today):
    employee, position = EmployeeFactory(), PositionFactory()
    add(hr, "assignment", employee=employee.pk, position=position.pk, kind="primary", start=today)
    made = Assignment.objects.get()
    assert (made.employee, made.position) == (employee, position)
    assert made.history.get().history_user == hr.user


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"kind": "primary"}, "already has a primary position"),
        ({"kind": "seconded"}, "which department seconds"),
        ({"kind": "concurrent", "end": "2020-01-01"}, "ends before it begins"),
        ({"kind": ""}, "required"),
        ({"kind": "concurrent", "start": "someday"}, "valid date"),
    ],
)
def test_a_wrong_assignment_is_refused_with_a_sentence(hr, today, values, sentence):
    held = AssignmentFactory()
    data = {"employee": held.employee.pk, "position": PositionFactory().pk, "start": today, **values}
    response = add(hr, "assignment", **data)
    assert response.status_code == 200 and sentence in response.content.decode()
    assert Assignment.objects.count() == 1


def test_ending_an_assignment_leaves_the_past_as_it_was(hr, today):
    held = AssignmentFactory()
    page = reverse("admin:staffing_assignment_change", args=[held.pk])
    hr.post(page, {"kind": "primary", "end": today, "start": "1999-01-01"})
    held.refresh_from_db()
    assert held.end == today and held.start.year == 2024


def test_a_charge_made_on_the_page_opens_the_store_at_once(hr, today):
    account = AccountFactory(user=UserFactory(roles=["customer_service"]))
    store = StoreFactory()
    assert (
        add(hr, "storecharge", employee=account.employee.pk, store=store.pk, start=today).status_code == 302
    )
    assert list(Store.objects.visible_to(account.user)) == [store]
    assert StoreCharge.objects.get().history.get().history_user == hr.user


def test_a_charge_ended_on_the_page_closes_the_store_at_once(hr, today):
    account = AccountFactory(user=UserFactory(roles=["customer_service"]))
    charge = StoreChargeFactory(employee=account.employee)
    page = reverse("admin:staffing_storecharge_change", args=[charge.pk])
    assert hr.post(page, {"end": today}).status_code == 302
    assert not Store.objects.visible_to(account.user).exists()


@pytest.mark.parametrize(("days", "sentence"), [(-1, "cannot end in the past"), (None, "from which day on")])
def test_a_charge_needs_an_end_that_is_not_past(hr, today, days, sentence):
    charge = StoreChargeFactory()
    end = "" if days is None else today + timedelta(days=days)
    response = hr.post(reverse("admin:staffing_storecharge_change", args=[charge.pk]), {"end": end})
    assert response.status_code == 200 and sentence in response.content.decode()


def test_a_charge_that_is_over_is_read_only(hr, today):
    charge = StoreChargeFactory(end=today - timedelta(days=1))
    page = reverse("admin:staffing_storecharge_change", args=[charge.pk])
    assert hr.get(page).status_code == 200
    assert hr.post(page, {"end": today}).status_code == 403


def test_a_charge_of_a_closed_store_is_refused_with_a_sentence(hr, today):
    response = hr.post(
        reverse("admin:staffing_storecharge_add"),
        {"employee": EmployeeFactory().pk, "store": StoreFactory(status="closed").pk, "start": today},
        follow=True,
    )
    assert "nobody can be in charge of it" in response.content.decode()
    assert not StoreCharge.objects.exists()


def test_an_employee_who_leaves_loses_the_stores_at_once(hr):
    account = AccountFactory(user=UserFactory(roles=["customer_service"]))
    StoreChargeFactory(employee=account.employee)
    employee = account.employee
    page = reverse("admin:staffing_employee_change", args=[employee.pk])
    hr.post(page, {"name": employee.name, "home_department": employee.home_department.pk, "active": "on"})
    assert Store.objects.visible_to(account.user).exists()
    hr.post(page, {"name": employee.name, "home_department": employee.home_department.pk})
    assert not Store.objects.visible_to(account.user).exists()


def test_people_are_found_by_the_initials_of_their_names(hr):
    EmployeeFactory(name="客服甲"), EmployeeFactory(name="文案甲")
    text = hr.get(reverse("admin:staffing_employee_changelist") + "?q=kf").content.decode()
    assert "客服甲" in text and "文案甲" not in text


def test_the_tree_of_departments_shows_headcounts_with_what_is_below(hr):
    top = DepartmentFactory(name="上层", order=1)
    DepartmentFactory(name="别处", order=2)
    group = DepartmentFactory(name="下层", parent=top)
    PositionFactory(department=group, plan_min=3)
    rows = hr.get(reverse("admin:orgchart_department_changelist")).context["cl"].result_list
    assert [row.name for row in rows] == ["上层", "下层", "别处"]
    assert [row.headcount.short for row in rows] == [3, 3, 0]


def test_vacant_positions_can_be_listed(hr):
    PositionFactory(title="缺人岗", plan_min=1)
    AssignmentFactory(position=PositionFactory(title="满员岗", plan_min=1))
    text = hr.get(reverse("admin:orgchart_position_changelist") + "?vacant=yes").content.decode()
    assert "缺人岗" in text and "满员岗" not in text


def test_a_department_cannot_be_put_below_itself_on_its_page(hr):
    top = DepartmentFactory()
    below = DepartmentFactory(parent=top)
    data = {"name": top.name, "kind": top.kind, "parent": below.pk, "order": 0, "status": "active"}
    response = hr.post(reverse("admin:orgchart_department_change", args=[top.pk]), data)
    assert response.status_code == 200 and "descendant of itself" in response.content.decode()
    top.refresh_from_db()
    assert top.parent is None


def test_whoever_only_reads_the_organisation_changes_nothing(signed_in):
    top = DepartmentFactory()
    client = signed_in(roles=["ecommerce_manager"])
    page = reverse("admin:orgchart_department_change", args=[top.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"name": "anders"}).status_code == 403
