"""Departments and positions are trees: nothing stands above itself, however it is written."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, transaction

from opsadmin.core.refusals import Refusal
from orgchart.changes.rows import save_row
from orgchart.models import Department, Position
from tests.factories import DepartmentFactory, PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.mark.parametrize(
    ("factory", "sentence"),
    [(DepartmentFactory, "part of itself"), (PositionFactory, "cannot report to itself")],
)
def test_nothing_is_its_own_parent(factory, sentence):
    node = factory()
    node.parent = node
    with pytest.raises(ValidationError, match=sentence):
        node.validate_constraints()
    with pytest.raises(IntegrityError), transaction.atomic():
        node.save()


@pytest.mark.parametrize("factory", [DepartmentFactory, PositionFactory])
def test_nothing_stands_below_what_stands_below_it(factory):
    top = factory()
    middle = factory(parent=top)
    top.parent = factory(parent=middle)
    with pytest.raises(Refusal, match="cannot stand below itself"):
        save_row(top)


def test_a_subtree_moves_with_its_head():
    old, new = DepartmentFactory(), DepartmentFactory()
    moved = DepartmentFactory(parent=old)
    below = DepartmentFactory(parent=moved)
    moved.parent = new
    save_row(moved)
    assert list(below.ancestors()) == [new, moved]


def test_a_department_has_one_active_head_position():
    head = PositionFactory(head=True)
    with pytest.raises(ValidationError, match="already has a head"):
        Position(code="second", title="x", department=head.department, head=True).full_clean()
    PositionFactory(department=head.department, head=True, status="closed")


def test_the_largest_headcount_is_not_below_the_smallest():
    with pytest.raises(ValidationError, match="below the smallest"):
        PositionFactory.build(department=DepartmentFactory(), plan_min=3, plan_max=2).full_clean()


@pytest.mark.django_db(transaction=True)
def test_two_moves_at_once_that_would_make_a_circle_together_do_not_both_happen():
    one, other = DepartmentFactory(), DepartmentFactory()
    barrier, refused = threading.Barrier(2), []

    def put_below(node, parent):
        try:
            moved = Department.objects.get(pk=node.pk)
            moved.parent = parent
            barrier.wait(10)
            save_row(moved)
        except Refusal as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=put_below, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    parents = set(Department.objects.filter(pk__in=[one.pk, other.pk]).values_list("parent", flat=True))
    assert None in parents and len(parents) == 2
