"""Who holds what on a day, as a flow asks it."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from staffing import people
from staffing.models import Delegation
from tests.factories import (
    AccountFactory,
    AssignmentFactory,
    DepartmentFactory,
    EmployeeFactory,
    PositionFactory,
    StoreChargeFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
DAY = date(2030, 3, 1)


def holder(position, **options):
    """Return the account of somebody who holds the position."""
    account = AccountFactory()
    AssignmentFactory(employee=account.employee, position=position, **options)
    return account.user


def test_a_position_is_held_from_its_first_day_to_before_its_last():
    position = PositionFactory()
    user = holder(position, start=DAY, end=DAY + timedelta(days=2))
    days = [DAY + timedelta(days=number) for number in (-1, 0, 1, 2)]
    assert [list(people.holders_of(position.code, day)) for day in days] == [[], [user], [user], []]


@pytest.mark.parametrize("kind", ["concurrent", "acting", "seconded"])
def test_whoever_holds_a_position_in_any_way_can_be_asked(kind):
    position = PositionFactory()
    user = holder(position, kind=kind, from_department=DepartmentFactory())
    assert list(people.holders_of(position.code, DAY)) == [user]


def test_somebody_who_left_or_whose_account_is_closed_is_not_asked():
    position = PositionFactory()
    gone, closed = holder(position), holder(position)
    gone.account.employee.active = False
    gone.account.employee.save()
    closed.is_active = False
    closed.save()
    assert not people.holders_of(position.code, DAY).exists()


def test_the_people_of_a_role_are_its_active_accounts():
    user = UserFactory(roles=["finance"])
    UserFactory(roles=["finance"], is_active=False)
    UserFactory(roles=["auditor"])
    assert list(people.people_of_role("finance")) == [user]


def test_the_head_of_a_department_holds_its_head_position():
    department = DepartmentFactory()
    user = holder(PositionFactory(department=department, head=True))
    holder(PositionFactory(department=department))
    assert list(people.head_of(department, DAY)) == [user]


def test_a_superior_is_the_position_above_and_the_one_above_that():
    top = PositionFactory()
    middle = PositionFactory(parent=top)
    users = [holder(top), holder(middle)]
    employee = holder(PositionFactory(parent=middle)).account.employee
    assert list(people.superior_of(employee, 1, DAY)) == [users[1]]
    assert list(people.superior_of(employee, 2, DAY)) == [users[0]]
    assert not people.superior_of(employee, 3, DAY).exists()


def test_without_a_superior_position_the_head_of_the_department_or_of_the_next_above_stands_over_somebody():
    above = DepartmentFactory()
    department = DepartmentFactory(parent=above)
    chief = holder(PositionFactory(department=above, head=True))
    head = holder(PositionFactory(department=department, head=True))
    clerk = holder(PositionFactory(department=department))
    assert list(people.superior_of(clerk.account.employee, 1, DAY)) == [head]
    assert list(people.superior_of(head.account.employee, 1, DAY)) == [chief]


def test_whoever_has_no_position_has_no_superior():
    assert not people.superior_of(EmployeeFactory(), 1, DAY).exists()


def test_those_in_charge_of_a_store_are_those_of_the_day():
    account = AccountFactory()
    charge = StoreChargeFactory(employee=account.employee, start=DAY, end=DAY + timedelta(days=1))
    assert list(people.in_charge_of(charge.store, DAY)) == [account.user]
    assert not people.in_charge_of(charge.store, DAY + timedelta(days=1)).exists()


def test_a_decision_carries_the_primary_post_of_the_day():
    position = PositionFactory(title="客服")
    user = holder(position)
    AssignmentFactory(employee=user.account.employee, kind="concurrent")
    expected = (user.account.employee.name, "客服", position.department.name)
    assert people.post_of(user, DAY) == expected


def test_somebody_without_a_post_is_named_with_the_home_department():
    account = AccountFactory()
    assert people.post_of(account.user, DAY) == (
        account.employee.name,
        "",
        account.employee.home_department.name,
    )


def test_an_account_of_nobody_is_named_as_it_is():
    user = UserFactory(name="接口")
    assert people.post_of(user, DAY) == ("接口", "", "")
    assert people.employee_of(user) is None


def test_a_delegate_acts_on_the_days_that_were_said():
    away, deputy = EmployeeFactory(), EmployeeFactory()
    Delegation.objects.create(principal=away, delegate=deputy, start=DAY, end=DAY + timedelta(days=7))
    assert people.delegate_of(away, DAY) == deputy
    assert people.delegate_of(away, DAY + timedelta(days=7)) is None
    deputy.active = False
    deputy.save()
    assert people.delegate_of(away, DAY) is None


def test_the_company_has_somebody_for_every_step_of_its_flows(company):
    today = timezone.localdate()
    assert [user.username for user in people.holders_of("ec-manager", today)] == ["manager"]
    assert [user.username for user in people.people_of_role("finance")] == ["finance"]
    manager = people.holders_of("ec-manager", today).get().account.employee
    assert [user.username for user in people.superior_of(manager, 1, today)] == ["general"]
