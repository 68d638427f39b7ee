"""A role follows the post: held from the first day to the last, seen on the very next request."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from opsadmin.core.refusals import Refusal
from orgchart.changes import apply_now, wanted
from staffing import daily, posts
from staffing.models import Assignment, PositionRole, RoleGrant
from tests.factories import (
    AccountFactory,
    AssignmentFactory,
    EmployeeFactory,
    PositionFactory,
    UserFactory,
    role_group,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

# Until the end of the transaction, PostgreSQL finds this clock before its own.
TOMORROW = """
CREATE SCHEMA later;
CREATE FUNCTION later.clock_timestamp() RETURNS timestamptz LANGUAGE sql
AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 day' $$;
SET LOCAL search_path = later, pg_catalog, public
"""


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def administrator():
    return UserFactory(roles=["administrator"])


@pytest.fixture
def post(administrator):
    """A position that carries the role of the auditor."""
    position = PositionFactory()
    posts.map_role(position=position.pk, role="auditor", by=administrator)
    return position


@pytest.fixture
def person(signed_in, settings):
    """An account without roles, signed in; ``opens()`` asks for a page that auditors may read."""
    settings.SESSION_COOKIE_AGE = 7 * 86_400
    account = AccountFactory()
    client = signed_in(account.user)
    statuses = {200: True, 403: False}
    account.opens = lambda: statuses[client.get(reverse("admin:staffing_employee_changelist")).status_code]
    return account


@pytest.fixture
def pass_a_day(db, monkeypatch):
    """A function after which it is tomorrow, by this machine's clock and by the database's."""

    def pass_on():
        later = timezone.now() + timedelta(days=1)
        monkeypatch.setattr(timezone, "now", lambda: later)
        with connection.cursor() as cursor:
            cursor.execute(TOMORROW)

    return pass_on


def roles_of(account):
    return set(account.user.groups.values_list("name", flat=True))


def test_assigning_grants_the_role_and_its_end_takes_it_away_on_the_very_next_request(person, post, today):
    assert not person.opens()
    held = AssignmentFactory(employee=person.employee, position=post)
    assert person.opens()
    held.end = today
    held.save()
    assert not person.opens()


def test_a_direct_edit_through_the_log_grants_and_withdraws_at_once(person, post, today):
    hr = UserFactory(roles=["hr"])
    row = {"employee": person.employee.number, "position": post.code, "kind": "primary", "start": str(today)}
    apply_now([wanted("assignment", None, "create", row)], by=hr)
    assert person.opens()
    held = Assignment.objects.get(employee=person.employee)
    Assignment.objects.filter(pk=held.pk).update(start=today - timedelta(days=9), end=today)
    assert not person.opens()


def test_an_assignment_of_tomorrow_grants_nothing_today_and_the_first_request_of_its_day_grants_it(
    person, post, today, pass_a_day
):
    AssignmentFactory(employee=person.employee, position=post, start=today + timedelta(days=1))
    assert not person.opens()
    pass_a_day()
    assert person.opens()


def test_the_first_request_after_midnight_withdraws_what_ended(person, post, today, pass_a_day):
    AssignmentFactory(employee=person.employee, position=post, end=today + timedelta(days=1))
    assert person.opens()
    pass_a_day()
    assert not person.opens()


def test_a_changed_mapping_reaches_the_holders_at_once(person, post, administrator):
    AssignmentFactory(employee=person.employee, position=post)
    posts.map_role(position=post.pk, role="promotion", by=administrator)
    assert roles_of(person) == {"promotion"} and not person.opens()
    posts.map_role(position=post.pk, role="", by=administrator)
    assert roles_of(person) == set()
    assert [carried.role for carried in PositionRole.history.all()] == ["", "promotion", "auditor"]


def test_somebody_deactivated_holds_no_role_of_a_post(person, post):
    AssignmentFactory(employee=person.employee, position=post)
    person.employee.active = False
    person.employee.save()
    assert roles_of(person) == set()
    person.employee.active = True
    person.employee.save()
    assert roles_of(person) == {"auditor"}
    person.user.is_active = False
    person.user.save()
    assert roles_of(person) == set()


def test_of_two_posts_with_one_role_the_last_one_takes_it_away(person, post, administrator, today):
    other = PositionFactory()
    posts.map_role(position=other.pk, role="auditor", by=administrator)
    first = AssignmentFactory(employee=person.employee, position=post)
    second = AssignmentFactory(employee=person.employee, position=other, kind="concurrent")
    for held, left in ((first, {"auditor"}), (second, set())):
        held.end = today
        held.save()
        assert roles_of(person) == left


def test_a_role_given_by_hand_stays_when_the_post_ends(person, post, today):
    person.user.groups.add(role_group("auditor"))
    held = AssignmentFactory(employee=person.employee, position=post)
    assert not RoleGrant.objects.exists()
    held.end = today
    held.save()
    assert person.opens()


def test_each_account_of_a_person_follows_and_a_new_one_at_once(person, post):
    AssignmentFactory(employee=person.employee, position=post)
    second = AccountFactory(employee=person.employee)
    assert roles_of(second) == {"auditor"}
    second.employee = EmployeeFactory()
    second.save()
    assert roles_of(second) == set()


def test_saving_an_account_by_hand_takes_no_role_of_a_post_away_and_makes_none_lasting(
    person, post, today, signed_in, administrator
):
    held = AssignmentFactory(employee=person.employee, position=post)
    client = signed_in(administrator)
    url = reverse("admin:core_user_change", args=[person.user.pk])
    page = client.get(url)
    assert "With posts: auditor" in page.content.decode()
    data = {"name": "x", "is_active": "on", "employee": person.employee.pk}
    assert client.post(url, data).status_code == 302
    assert roles_of(person) == {"auditor"}
    held.end = today
    held.save()
    assert roles_of(person) == set()


@pytest.mark.parametrize("role", ["hr", "general_manager", "ecommerce_manager", "auditor"])
def test_only_the_administrator_says_which_position_carries_which_role(role, signed_in):
    client = signed_in(roles=[role])
    with pytest.raises(PermissionDenied):
        posts.map_role(position=PositionFactory().pk, role="auditor", by=client.user)
    assert client.get(reverse("admin:staffing_positionrole_add")).status_code == 403


def test_the_administrator_maps_a_role_in_the_admin(signed_in, administrator):
    position = PositionFactory()
    client = signed_in(administrator)
    answer = client.post(
        reverse("admin:staffing_positionrole_add"), {"position": position.pk, "role": "finance"}
    )
    assert answer.status_code == 302
    assert (position.carried.role, position.carried.mapped_by) == ("finance", administrator)


def test_nobody_maps_a_role_to_a_position_of_his_or_her_own(administrator):
    mine = AccountFactory(user=administrator)
    held = AssignmentFactory(employee=mine.employee)
    with pytest.raises(Refusal, match="somebody else"):
        posts.map_role(position=held.position_id, role="general_manager", by=administrator)


def test_a_role_that_does_not_exist_is_refused_and_a_stores_group_is_none(administrator):
    for code in ("king", "store:jd"):
        with pytest.raises(Refusal, match="no role"):
            posts.map_role(position=PositionFactory().pk, role=code, by=administrator)


def test_hr_does_not_take_a_post_that_carries_a_role(post, today):
    hr = AccountFactory(user=UserFactory(roles=["hr"]))
    row = {"employee": hr.employee.number, "position": post.code, "kind": "concurrent", "start": str(today)}
    with pytest.raises(Refusal, match="somebody else has to assign you"):
        apply_now([wanted("assignment", None, "create", row)], by=hr.user)
    assert roles_of(hr) == {"hr"}


def test_settling_a_day_twice_changes_nothing(person, post, today):
    AssignmentFactory(employee=person.employee, position=post)
    daily.settle(today)
    assert posts.follow_posts(today) == 0


def test_groups_of_stores_are_left_alone(person, post, administrator):
    from staffing.access import store_group
    from tests.factories import StoreFactory

    group = store_group(StoreFactory())
    person.user.groups.add(group)
    AssignmentFactory(employee=person.employee, position=post)
    assert roles_of(person) == {"auditor", group.name}
