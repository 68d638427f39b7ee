"""A reorganisation tells each person what it means: old post → new post, old superior → new superior."""

from datetime import timedelta

import pytest
from django.utils import timezone

from opsadmin.core.models import Heartbeat, Notice
from orgchart import changes
from orgchart.changes import apply_now, draft_set, schedule, wanted
from orgchart.models import ChangeSet, SetState
from orgchart.state import live_state
from orgchart.tasks import apply_due_changes
from staffing.moves import affected_people
from tests.factories import (
    AccountFactory,
    AssignmentFactory,
    DepartmentFactory,
    PositionFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def hr():
    return UserFactory(roles=["hr"])


def moved(items):
    """Return what items would mean for people today."""
    today = timezone.localdate()
    before = live_state()
    after, _conflicts = changes.project(before, items)
    return affected_people(before, after, day_before=today - timedelta(days=1), day_after=today)


def test_whoever_gets_another_superior_is_affected_and_nobody_else():
    old, new = PositionFactory(), PositionFactory()
    held = AssignmentFactory(position=PositionFactory(parent=old))
    AssignmentFactory(position=PositionFactory(parent=old))
    (move,) = moved([wanted("position", held.position.code, "set", {"parent": new.code})])
    assert (move.employee, move.superior_before, move.superior_after) == (
        held.employee.number,
        old.code,
        new.code,
    )


def test_without_a_superior_position_the_head_of_the_department_counts():
    head = PositionFactory(head=True)
    held = AssignmentFactory(position=PositionFactory(department=head.department))
    other = PositionFactory(department=DepartmentFactory(), head=True)
    (move,) = moved([wanted("position", held.position.code, "set", {"department": other.department.code})])
    assert (move.superior_before, move.superior_after) == (head.code, other.code)


def test_whoever_leaves_a_post_that_day_has_another_one_after(today):
    held, post = AssignmentFactory(), PositionFactory()
    values = {"employee": held.employee.number, "position": post.code, "kind": "primary", "start": str(today)}
    items = [
        wanted("assignment", str(held.uid), "set", {"end": str(today)}),
        wanted("assignment", None, "create", values),
    ]
    (move,) = moved(items)
    assert (move.posts_before, move.posts_after) == ((held.position.code,), (post.code,))


def test_a_reorganisation_leaves_a_notice_once_and_a_direct_edit_none(
    hr, today, django_capture_on_commit_callbacks
):
    account = AccountFactory()
    old, new = PositionFactory(title="O"), PositionFactory(title="N")
    held = AssignmentFactory(employee=account.employee, position=PositionFactory(parent=old))
    draft = draft_set(by=hr, title="Spring", effective_on=today)
    changes.add_item(draft, "position", held.position.code, "set", {"parent": new.code}, by=hr)
    with django_capture_on_commit_callbacks(execute=True):
        schedule(draft, by=None)
        apply_now([wanted("position", held.position.code, "set", {"parent": old.code})], by=hr)
    notice = Notice.objects.get()
    assert notice.user == account.user
    assert notice.text.startswith("Spring: superior: ") and "O → " in notice.text


def test_the_periodic_task_applies_what_is_due_and_tells_of_what_does_not_fit(hr, today):
    position = PositionFactory()
    fits, not_fits = (draft_set(by=hr, title=title, effective_on=today + timedelta(days=1)) for title in "ab")
    changes.add_item(fits, "position", position.code, "set", {"grade": "1"}, by=hr)
    changes.add_item(not_fits, "position", position.code, "set", {"title": "x"}, by=hr)
    for draft in (fits, not_fits):
        schedule(draft, by=None)
    apply_now([wanted("position", position.code, "set", {"title": "y"})], by=hr)
    ChangeSet.objects.filter(state=SetState.SCHEDULED).update(effective_on=today)
    apply_due_changes()
    apply_due_changes()
    fits.refresh_from_db(), not_fits.refresh_from_db()
    assert (fits.state, not_fits.state) == (SetState.APPLIED, SetState.SCHEDULED)
    assert Notice.objects.get().user == hr and Heartbeat.objects.filter(name="apply_due_changes").exists()
