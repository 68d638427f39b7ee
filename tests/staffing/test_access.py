"""Being in charge opens a store, and only that: at once, for the days that were said."""

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, connections
from django.utils import timezone

from opsadmin.core.refusals import Refusal
from staffing import services, tasks
from staffing.access import store_group, sync_store_access
from staffing.models import StoreCharge
from stores.models import Store, StoreGroupObjectPermission
from tests.factories import (
    AccountFactory,
    EmployeeFactory,
    StoreChargeFactory,
    StoreFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def hr():
    return UserFactory(roles=["hr"])


@pytest.fixture
def agent():
    """Somebody of customer service who is in charge of nothing yet."""
    return AccountFactory(user=UserFactory(roles=["customer_service"]))


def seen_by(account):
    return set(Store.objects.visible_to(account.user))


def test_being_put_in_charge_opens_the_store_at_once(hr, agent, today):
    store, _other = StoreFactory(), StoreFactory()
    services.put_in_charge(employee=agent.employee.pk, store=store.pk, start=today, by=hr)
    assert seen_by(agent) == {store}


def test_the_end_of_a_charge_closes_the_store_at_once(hr, agent, today):
    charge = services.put_in_charge(
        employee=agent.employee.pk, store=StoreFactory().pk, start=today - timedelta(days=3), by=hr
    )
    services.end_charge(charge.pk, end=today, by=hr)
    assert seen_by(agent) == set()


def test_a_charge_that_begins_tomorrow_opens_nothing_today(hr, agent, today):
    store, tomorrow = StoreFactory(), today + timedelta(days=1)
    services.put_in_charge(employee=agent.employee.pk, store=store.pk, start=tomorrow, by=hr)
    assert seen_by(agent) == set()
    sync_store_access(tomorrow)
    assert seen_by(agent) == {store}


def test_the_last_day_is_not_included(agent, today):
    StoreChargeFactory(employee=agent.employee, start=today - timedelta(days=2), end=today)
    sync_store_access(today)
    assert seen_by(agent) == set()
    sync_store_access(today - timedelta(days=1))
    assert len(seen_by(agent)) == 1


def test_the_periodic_task_catches_up_with_what_was_missed(agent):
    charge = StoreChargeFactory(employee=agent.employee)
    tasks.sync_store_access()
    assert seen_by(agent) == {charge.store}


def test_nobody_stays_in_a_group_of_a_store_by_hand(agent, today):
    agent.user.groups.add(store_group(StoreFactory()))
    sync_store_access(today)
    assert seen_by(agent) == set()


def test_roles_are_left_alone(agent, today):
    sync_store_access(today)
    assert list(agent.user.groups.values_list("name", flat=True)) == ["customer_service"]


@pytest.mark.parametrize("who", ["employee", "user"])
def test_somebody_inactive_sees_no_store(agent, today, who):
    StoreChargeFactory(employee=agent.employee)
    if who == "employee":
        agent.employee.active = False
        agent.employee.save()
    else:
        agent.user.is_active = False
        agent.user.save()
    sync_store_access(today)
    assert not agent.user.groups.filter(name__startswith="store:").exists()


def test_a_store_is_opened_by_a_grant_to_its_group_only(agent, today):
    charge = StoreChargeFactory(employee=agent.employee)
    sync_store_access(today)
    grants = StoreGroupObjectPermission.objects.filter(content_object=charge.store)
    assert [(grant.group.name, grant.permission.codename) for grant in grants] == [
        (f"store:{charge.store.code}", "serve_store")
    ]


def test_a_second_run_changes_nothing(agent, today):
    StoreChargeFactory(employee=agent.employee)
    assert sync_store_access(today) == 1
    assert sync_store_access(today) == 0


def test_it_costs_as_many_statements_for_forty_charges_as_for_one(today, django_assert_num_queries):
    def charged(number):
        for _n in range(number):
            StoreChargeFactory(employee=AccountFactory().employee)
        sync_store_access(today)

    charged(1)
    with django_assert_num_queries(6):
        sync_store_access(today)
    charged(40)
    with django_assert_num_queries(6):
        sync_store_access(today)


@pytest.mark.parametrize("role", ["customer_service", "ecommerce_manager", "administrator", "auditor"])
def test_only_hr_puts_somebody_in_charge(agent, today, role):
    by = UserFactory(roles=[role])
    with pytest.raises(PermissionDenied):
        services.put_in_charge(employee=agent.employee.pk, store=StoreFactory().pk, start=today, by=by)
    charge = StoreChargeFactory(employee=agent.employee)
    with pytest.raises(PermissionDenied):
        services.end_charge(charge.pk, end=today, by=by)


def test_nobody_is_put_in_charge_of_a_closed_store(hr, agent, today):
    with pytest.raises(Refusal, match="closed"):
        services.put_in_charge(
            employee=agent.employee.pk, store=StoreFactory(status="closed").pk, start=today, by=hr
        )


def test_nobody_who_left_is_put_in_charge(hr, today):
    gone = EmployeeFactory(active=False)
    with pytest.raises(Refusal, match="no longer active"):
        services.put_in_charge(employee=gone.pk, store=StoreFactory().pk, start=today, by=hr)


def test_the_same_charge_twice_is_refused_with_a_sentence(hr, agent, today):
    charge = StoreChargeFactory(employee=agent.employee)
    with pytest.raises(ValidationError, match="already in charge"):
        services.put_in_charge(employee=agent.employee.pk, store=charge.store.pk, start=today, by=hr)
    assert StoreCharge.objects.count() == 1


def test_a_charge_does_not_end_in_the_past(hr, agent, today):
    charge = StoreChargeFactory(employee=agent.employee)
    with pytest.raises(Refusal, match="cannot end in the past"):
        services.end_charge(charge.pk, end=today - timedelta(days=1), by=hr)


def test_a_charge_that_is_over_is_not_ended_again(hr, agent, today):
    charge = StoreChargeFactory(employee=agent.employee, end=today - timedelta(days=5))
    with pytest.raises(Refusal, match="ended on"):
        services.end_charge(charge.pk, end=today, by=hr)


@pytest.mark.django_db(transaction=True)
def test_two_charges_at_once_both_open_the_store():
    hr, store, today = UserFactory(roles=["hr"]), StoreFactory(), timezone.localdate()
    accounts = [AccountFactory(user=UserFactory(roles=["customer_service"])) for _n in range(4)]
    barrier, errors = threading.Barrier(len(accounts)), []

    def put(account):
        try:
            barrier.wait(10)
            services.put_in_charge(employee=account.employee_id, store=store.pk, start=today, by=hr)
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=put, args=[account]) for account in accounts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert connection.vendor == "postgresql"
    for account in accounts:
        assert seen_by(account) == {store}
