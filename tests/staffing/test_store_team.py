"""Who answers for what in which store: gaps, one person alone, load, and assigning from a cell."""

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from opsadmin.core.refusals import Refusal
from staffing import people, services
from staffing.boards.storeteam import gaps, gaps_by_duty, team
from staffing.models import StoreCharge, StoreDuty
from stores.models import Store
from tests.factories import (
    AccountFactory,
    EmployeeFactory,
    PlatformFactory,
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
def listing():
    return StoreDuty.objects.create(code="listing", name="上架审核")


@pytest.fixture
def alone():
    """A store of a mall that wants one person to answer alone."""
    return StoreFactory(platform=PlatformFactory(needs_dedicated_person=True))


def cells(today):
    _duties, lines, _loads = team(Store.objects.all(), today)
    return {(cell.store, cell.duty): cell for line in lines for cell in line.cells}


def answers(store, duty=None, employee=None, **kwargs):
    return StoreChargeFactory(store=store, duty=duty, employee=employee or EmployeeFactory(), **kwargs)


def test_a_duty_without_anybody_is_a_gap_and_one_without_a_reserve_is_not(today, listing):
    store = StoreFactory()
    answers(store)
    found = cells(today)
    assert (found[store, None].state, found[store, listing].state) == ("no_reserve", "empty")
    assert [cell.gap for cell in found.values()] == [False, True]


def test_two_people_in_one_cell_are_against_the_rule_only_where_the_mall_wants_one(today, alone):
    other = StoreFactory()
    for store in (alone, other):
        answers(store)
        answers(store)
    found = cells(today)
    assert found[alone, None].state == "several" and found[alone, None].grave
    assert not found[other, None].gap


def test_a_store_that_is_planned_or_consigned_has_no_gaps(today, listing):
    StoreFactory(status="planned")
    StoreFactory(mode="consignment")
    assert not any(cell.gap for cell in cells(today).values())


def test_somebody_who_left_answers_for_nothing(today, listing):
    store = StoreFactory()
    gone = answers(store, listing).employee
    gone.active = False
    gone.save()
    assert cells(today)[store, listing].state == "empty"


def test_the_load_counts_cells_as_main_in_trading_stores(today, listing):
    store, planned, person = StoreFactory(), StoreFactory(status="planned"), EmployeeFactory()
    answers(store, None, person)
    answers(store, listing, person)
    answers(planned, None, person)
    answers(StoreFactory(), None, person, reserve=True)
    _duties, _lines, loads = team(Store.objects.all(), today)
    assert [(load.employee, load.cells, len(load.stores)) for load in loads] == [(person, 2, 1)]


def test_the_fixtures_have_the_gaps_of_the_store_team(company, today):
    duties, lines, loads = team(Store.objects.all(), today)
    named = dict(zip([duty and duty.name for duty in duties], gaps_by_duty(lines, duties), strict=True))
    assert named == {None: 0, "上架审核": 0, "库存修改": 0, "活动申报": 3, "页面装修": 2, "价格执行": 0} | {
        "在线客服": 1,
        "售后维权": 0,
    }
    found = gaps(lines, loads)
    assert [cell.grave for cell, _able in found] == [True, True, True, False, False, False]
    assert all(able for _cell, able in found)


def test_a_reserve_and_a_duty_open_the_store_but_leave_decisions_with_who_is_in_charge(today, hr, listing):
    store = StoreFactory()
    accounts = [AccountFactory(user=UserFactory(roles=["customer_service"])) for _n in range(3)]
    whole, reserve, duty = (account.employee_id for account in accounts)
    services.set_duty(store=store.pk, duty=None, mains=[whole], reserve=reserve, start=today, by=hr)
    services.set_duty(store=store.pk, duty=listing.pk, mains=[duty], reserve=None, start=today, by=hr)
    assert list(people.in_charge_of(store, today)) == [accounts[0].user]
    assert all(store in Store.objects.visible_to(account.user) for account in accounts)


def test_a_change_ends_who_is_no_longer_named_and_keeps_who_still_is(today, hr, listing):
    store, (one, two, three) = StoreFactory(), [EmployeeFactory() for _n in range(3)]
    kept = answers(store, listing, one)
    ended = answers(store, listing, two)
    services.set_duty(store=store.pk, duty=listing.pk, mains=[one.pk], reserve=three.pk, start=today, by=hr)
    ended.refresh_from_db()
    kept.refresh_from_db()
    assert (kept.end, ended.end) == (None, today)
    assert cells(today)[store, listing].reserves == [three]


def test_a_change_of_next_week_leaves_today_as_it_is(today, hr, listing):
    store, (one, two) = StoreFactory(), [EmployeeFactory() for _n in range(2)]
    answers(store, listing, one)
    later = today + timedelta(days=7)
    services.set_duty(store=store.pk, duty=listing.pk, mains=[two.pk], reserve=None, start=later, by=hr)
    assert cells(today)[store, listing].mains == [one]
    assert cells(later)[store, listing].mains == [two]


def test_where_one_must_answer_alone_a_second_one_is_refused_whatever_the_way(today, hr, alone):
    first, second = answers(alone).employee, EmployeeFactory()
    with pytest.raises(Refusal, match="answer alone"):
        services.put_in_charge(employee=second.pk, store=alone.pk, start=today, by=hr)
    with pytest.raises(Refusal, match="answer alone"):
        services.set_duty(
            store=alone.pk, duty=None, mains=[first.pk, second.pk], reserve=None, start=today, by=hr
        )
    services.put_in_charge(employee=second.pk, store=alone.pk, reserve=True, start=today, by=hr)
    assert cells(today)[alone, None].state == "full"


def test_past_days_and_somebody_twice_are_refused(today, hr, listing):
    store, one = StoreFactory(), EmployeeFactory()
    with pytest.raises(Refusal, match="not in the past"):
        services.set_duty(
            store=store.pk, duty=None, mains=[], reserve=None, start=today - timedelta(days=1), by=hr
        )
    with pytest.raises(Refusal, match="somebody else"):
        services.set_duty(store=store.pk, duty=None, mains=[one.pk], reserve=one.pk, start=today, by=hr)


@pytest.mark.parametrize("role", ["ecommerce_manager", "general_manager", "administrator", "auditor"])
def test_only_hr_assigns(role, today, signed_in):
    client, store = signed_in(roles=[role]), StoreFactory()
    with pytest.raises(PermissionDenied):
        services.set_duty(store=store.pk, duty=None, mains=[], reserve=None, start=today, by=client.user)
    assert client.post(reverse("admin:storeteam_assign"), {"cell": f"{store.pk}-0"}).status_code == 404
    assert "ob-assign" not in client.get(reverse("admin:storeteam")).content.decode()


def test_hr_assigns_from_a_cell(today, signed_in, listing):
    store, one, two = StoreFactory(), EmployeeFactory(), EmployeeFactory()
    client = signed_in(roles=["hr"])
    data = {
        "cell": f"{store.pk}-{listing.pk}",
        "main": one.number,
        "reserve": f"{two.number} {two.name}",
        "start": today.isoformat(),
    }
    assert client.post(reverse("admin:storeteam_assign"), data).status_code == 302
    cell = cells(today)[store, listing]
    assert (cell.mains, cell.reserves) == ([one], [two])
    page = client.get(reverse("admin:storeteam")).content.decode()
    assert f'data-cell="{store.pk}-{listing.pk}"' in page


@pytest.mark.parametrize(
    "data", [{"cell": "x"}, {"cell": "99999999-0"}, {"cell": f"1-{'9' * 30}"}, {}, {"cell": "-1-0"}]
)
def test_a_cell_that_does_not_exist_is_not_found(data, signed_in):
    assert signed_in(roles=["hr"]).post(reverse("admin:storeteam_assign"), data).status_code == 404


@pytest.mark.parametrize(
    "data", [{"main": "x"}, {"main": "999999"}, {"start": "soon"}, {"start": "2026-02-30"}]
)
def test_a_wrong_choice_is_a_sentence_and_changes_nothing(data, signed_in):
    client, store = signed_in(roles=["hr"]), StoreFactory()
    answer = client.post(reverse("admin:storeteam_assign"), {"cell": f"{store.pk}-0", **data}, follow=True)
    assert answer.status_code == 200 and not StoreCharge.objects.exists()
    assert list(answer.context["messages"])


def test_customer_service_sees_only_the_stores_in_its_charge(company, account, signed_in):
    page = signed_in(account("service")).get(reverse("admin:storeteam"))
    assert {line.store.platform.code for line in page.context["lines"]} == {"taobao", "kaixintao"}


def test_the_page_and_its_file_cost_as_many_statements_for_twenty_stores_as_for_one(
    signed_in, django_assert_max_num_queries, listing
):
    client = signed_in(roles=["hr"])

    def fill(number):
        for _n in range(number):
            store = StoreFactory()
            answers(store)
            answers(store, listing)

    fill(1)
    client.get(reverse("admin:storeteam"))
    with django_assert_max_num_queries(14) as few:
        client.get(reverse("admin:storeteam"))
    fill(20)
    with django_assert_max_num_queries(len(few)):
        client.get(reverse("admin:storeteam"))
    assert client.get(reverse("admin:storeteam_export")).status_code == 200


def test_no_stores_are_said_in_words(signed_in):
    assert "No stores yet" in signed_in(roles=["hr"]).get(reverse("admin:storeteam")).content.decode()


@pytest.mark.django_db(transaction=True)
def test_of_two_people_put_in_charge_at_once_one_answers_alone():
    hr, today = UserFactory(roles=["hr"]), timezone.localdate()
    store = StoreFactory(platform=PlatformFactory(needs_dedicated_person=True))
    employees = [EmployeeFactory() for _n in range(4)]
    barrier, refused = threading.Barrier(len(employees)), []

    def put(employee):
        try:
            barrier.wait(10)
            services.put_in_charge(employee=employee.pk, store=store.pk, start=today, by=hr)
        except Refusal as refusal:
            refused.append(str(refusal))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=put, args=[employee]) for employee in employees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert StoreCharge.objects.count() == 1 and len(refused) == 3
