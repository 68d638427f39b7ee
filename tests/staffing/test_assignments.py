"""What can never be false of assignments, delegations and charges, whoever writes them."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from staffing.models import Assignment, Delegation, StoreCharge
from tests.factories import (
    AssignmentFactory,
    DepartmentFactory,
    EmployeeFactory,
    PositionFactory,
    StoreFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
NEW_YEAR, MARCH, JUNE = date(2030, 1, 1), date(2030, 3, 1), date(2030, 6, 1)


def refused(row, sentence):
    """A form reads the sentence; the database refuses the row even where no form asked."""
    with pytest.raises(ValidationError, match=sentence):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_a_person_has_one_primary_position_on_any_day():
    held = AssignmentFactory(start=NEW_YEAR, end=JUNE)
    twice = Assignment(employee=held.employee, position=PositionFactory(), kind="primary", start=MARCH)
    refused(twice, "already has a primary position")


def test_a_primary_position_may_begin_on_the_day_on_which_the_last_one_ends():
    held = AssignmentFactory(start=NEW_YEAR, end=MARCH)
    AssignmentFactory(employee=held.employee, start=MARCH).full_clean()


def test_somebody_may_hold_further_positions_besides_the_primary_one():
    held = AssignmentFactory(start=NEW_YEAR)
    AssignmentFactory(employee=held.employee, kind="concurrent", start=NEW_YEAR).full_clean()


def test_nobody_holds_the_same_position_twice_at_a_time():
    held = AssignmentFactory(start=NEW_YEAR)
    twice = Assignment(employee=held.employee, position=held.position, kind="concurrent", start=MARCH)
    refused(twice, "already holds this position")


def test_a_secondment_says_which_department_seconds():
    seconded = Assignment(
        employee=EmployeeFactory(), position=PositionFactory(), kind="seconded", start=MARCH
    )
    refused(seconded, "which department seconds")
    AssignmentFactory(kind="seconded", from_department=DepartmentFactory()).full_clean()


@pytest.mark.parametrize("end", [NEW_YEAR, MARCH])
def test_an_assignment_ends_after_it_begins(end):
    refused(
        Assignment(
            employee=EmployeeFactory(), position=PositionFactory(), kind="primary", start=MARCH, end=end
        ),
        "ends before it begins",
    )


def test_nobody_is_in_charge_of_a_store_twice_at_a_time():
    first = StoreCharge.objects.create(employee=EmployeeFactory(), store=StoreFactory(), start=NEW_YEAR)
    refused(StoreCharge(employee=first.employee, store=first.store, start=MARCH), "already in charge")


def test_several_people_may_be_in_charge_of_one_store():
    first = StoreCharge.objects.create(employee=EmployeeFactory(), store=StoreFactory(), start=NEW_YEAR)
    StoreCharge.objects.create(employee=EmployeeFactory(), store=first.store, start=NEW_YEAR)


def test_nobody_is_his_own_delegate():
    somebody = EmployeeFactory()
    refused(Delegation(principal=somebody, delegate=somebody, start=NEW_YEAR, end=MARCH), "own delegate")


def test_a_person_has_one_delegate_at_a_time():
    somebody = EmployeeFactory()
    Delegation.objects.create(principal=somebody, delegate=EmployeeFactory(), start=NEW_YEAR, end=MARCH)
    refused(
        Delegation(principal=somebody, delegate=EmployeeFactory(), start=date(2030, 2, 1), end=JUNE),
        "already a delegate",
    )


@pytest.mark.parametrize("kind", ["", "unheard of"])
def test_an_unknown_kind_is_a_fault_of_its_field_not_an_error_page(kind):
    assignment = Assignment(employee=EmployeeFactory(), position=PositionFactory(), kind=kind, start=MARCH)
    with pytest.raises(ValidationError) as refusal:
        assignment.full_clean()
    assert list(refusal.value.message_dict) == ["kind"]
