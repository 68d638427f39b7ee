"""Sets of changes: drafted, judged, applied on their day, taken back; a direct edit is a set of one."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from opsadmin.core.refusals import Refusal
from orgchart import changes
from orgchart.changes import apply_due, apply_now, wanted
from orgchart.changes.near import near
from orgchart.models import ChangeSet, Department, EditorScope, OrgSnapshot, OrgVersion, Position, SetState
from orgchart.state import live_state
from staffing.models import Assignment
from tests.factories import (
    AssignmentFactory,
    DepartmentFactory,
    EmployeeFactory,
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


def put(entity, row, **after):
    key = row if isinstance(row, str) else getattr(row, "code", None) or str(row.uid)
    return wanted(entity, key, "set", after)


def hold(employee, position, start, kind="primary", **more):
    values = {"employee": employee.number, "position": position.code, "kind": kind, "start": str(start)}
    return wanted("assignment", None, "create", values | more)


def test_a_direct_edit_is_a_set_of_one_with_a_version(hr):
    position = PositionFactory(title="alt")
    version = apply_now([put("position", position, title="neu")], by=hr, reason="spelling")
    position.refresh_from_db()
    assert position.title == "neu"
    item = version.change_set.items.get()
    assert (item.before, item.after) == ({"title": "alt"}, {"title": "neu"})
    assert (version.change_set.state, version.change_set.author) == (SetState.APPLIED, hr)
    assert version.change_set.title == "岗位 alt"
    written = position.history.latest()
    assert (written.history_user, written.history_change_reason) == (hr, "spelling")


def test_new_rows_may_stand_under_each_other_in_one_set(hr):
    items = [
        wanted("department", "new", "create", {"name": "N", "kind": "department"}),
        wanted("position", "lead", "create", {"title": "L", "department": "new", "head": True}),
        wanted("position", "clerk", "create", {"title": "C", "department": "new", "parent": "lead"}),
        wanted("link", None, "create", {"from": "clerk", "kind": "promotes_to", "to": "lead"}),
        wanted("duty", None, "create", {"position": "clerk", "number": 1, "text": "count"}),
    ]
    apply_now(items, by=hr)
    assert Position.objects.get(code="clerk").parent.code == "lead"
    state = live_state()
    assert set(state.links) == {"clerk>promotes_to>lead"} and set(state.duties) == {"p:clerk/1"}


def test_two_people_change_places_in_one_set(hr, today):
    one, other = AssignmentFactory(), AssignmentFactory()
    Position.objects.update(plan_max=1)
    items = [
        put("assignment", one, end=str(today)),
        put("assignment", other, end=str(today)),
        hold(one.employee, other.position, today),
        hold(other.employee, one.position, today),
    ]
    apply_now(items, by=hr)
    held = {(a.employee_id, a.position_id) for a in Assignment.objects.on(today)}
    assert held == {(one.employee_id, other.position_id), (other.employee_id, one.position_id)}


def test_two_heads_change_places_in_one_set(hr):
    head = PositionFactory(head=True)
    second = PositionFactory(department=head.department)
    apply_now([put("position", second, head=True), put("position", head, head=False)], by=hr)
    assert Position.objects.get(department=head.department, head=True) == second


def test_above_and_below_change_places_in_one_set(hr):
    above = DepartmentFactory()
    below = DepartmentFactory(parent=above)
    apply_now(
        [put("department", above, parent=below.code), put("department", below, parent=None)],
        by=hr,
    )
    above.refresh_from_db()
    assert above.parent == below


@pytest.mark.parametrize(
    ("entity", "factory"), [("department", DepartmentFactory), ("position", PositionFactory)]
)
def test_a_circle_is_refused_by_the_engine_and_by_the_database(hr, entity, factory):
    top = factory()
    middle = factory(parent=top)
    low = factory(parent=middle)
    with pytest.raises(Refusal, match="cannot stand below itself"):
        apply_now([put(entity, top, parent=low.code)], by=hr)
    top.parent = low
    with pytest.raises(IntegrityError), transaction.atomic():
        top.save()


def test_what_somebody_saw_before_and_is_no_more_is_a_conflict(hr):
    position = PositionFactory(title="alt")
    seen = wanted("position", position.code, "set", {"title": "mine"}, {"title": "alt"})
    apply_now([put("position", position, title="theirs")], by=hr)
    with pytest.raises(Refusal, match="Meanwhile") as refusal:
        apply_now([seen], by=hr)
    (conflict,) = refusal.value.data["conflicts"]
    assert conflict.fields == {"title": ("alt", "theirs", "mine")}


@pytest.mark.parametrize(
    ("after", "sentence"),
    [
        ({"title": ""}, "blank"),
        ({"title": "x" * 61}, "at most 60"),
        ({"plan_min": -1}, "greater than or equal"),
        ({"plan_min": "many"}, "integer"),
        ({"status": "asleep"}, "not a valid choice"),
        ({"code": "other"}, "cannot be changed"),
        ({"colour": "red"}, "cannot be changed"),
        ({"parent": "nobody"}, "nothing with the code"),
        ({"plan_min": 3, "plan_max": 2}, "below the smallest"),
    ],
)
def test_a_value_that_is_not_possible_is_refused_with_a_sentence(hr, after, sentence):
    position = PositionFactory()
    with pytest.raises(Refusal, match=sentence):
        apply_now([wanted("position", position.code, "set", after)], by=hr)
    assert not OrgVersion.objects.filter(change_set__kind="edit").exists()


def test_a_department_is_closed_only_when_nothing_open_is_left_in_it(hr):
    position = PositionFactory()
    department = position.department
    with pytest.raises(Refusal, match="while there is still"):
        apply_now([put("department", department, status="closed")], by=hr)
    with pytest.raises(IntegrityError), transaction.atomic():
        Department.objects.filter(pk=department.pk).update(status="closed")
    apply_now(
        [put("position", position, status="closed"), put("department", department, status="closed")], by=hr
    )


def test_a_held_position_is_closed_only_with_its_assignments(hr, today):
    held = AssignmentFactory()
    closing = put("position", held.position, status="closed")
    with pytest.raises(Refusal, match="still held by 1"):
        apply_now([closing], by=hr)
    with pytest.raises(IntegrityError), transaction.atomic():
        Position.objects.filter(pk=held.position.pk).update(status="closed")
    apply_now([put("assignment", held, end=str(today)), closing], by=hr)


def test_nobody_takes_a_seat_beyond_the_plan_without_a_reason(hr, today):
    held = AssignmentFactory(position=PositionFactory(plan_max=1))
    second = EmployeeFactory()
    with pytest.raises(Refusal, match="1 seats, 2 would be taken"):
        apply_now([hold(second, held.position, today)], by=hr)
    with pytest.raises(IntegrityError), transaction.atomic():
        AssignmentFactory(position=held.position, employee=second)
    apply_now([hold(second, held.position, today, beyond_plan="season")], by=hr)


def test_a_handover_takes_no_seat(hr, today):
    held = AssignmentFactory(position=PositionFactory(plan_max=1))
    apply_now([hold(EmployeeFactory(), held.position, today, handover=True)], by=hr)


def test_a_concurrent_holder_takes_no_seat_and_the_seat_is_free_from_the_day_it_is_left(hr, today):
    held = AssignmentFactory(position=PositionFactory(plan_max=1), end=today + timedelta(days=9))
    apply_now([hold(EmployeeFactory(), held.position, today, "concurrent")], by=hr)
    with pytest.raises(Refusal, match="would be taken"):
        apply_now([hold(EmployeeFactory(), held.position, today + timedelta(days=8))], by=hr)
    apply_now([hold(EmployeeFactory(), held.position, held.end)], by=hr)


def test_a_plan_does_not_sink_below_its_holders(hr):
    position = PositionFactory(plan_max=2)
    AssignmentFactory(position=position), AssignmentFactory(position=position)
    with pytest.raises(Refusal, match="1 seats, 2 would be taken"):
        apply_now([put("position", position, plan_max=1)], by=hr)


def test_somebody_is_seconded_from_another_department(hr, today):
    position, person = PositionFactory(), EmployeeFactory()
    with pytest.raises(Refusal, match="another department"):
        apply_now(
            [hold(person, position, today, "seconded", from_department=position.department.code)], by=hr
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        AssignmentFactory(position=position, kind="seconded", from_department=position.department)


def test_two_primary_positions_at_a_time_are_refused_before_the_database_has_to(hr, today):
    held = AssignmentFactory()
    with pytest.raises(Refusal, match="already has a primary"):
        apply_now([hold(held.employee, PositionFactory(), today)], by=hr)


def test_an_unknown_employee_is_refused_with_a_sentence(hr, today):
    with pytest.raises(Refusal, match="nothing with the code"):
        apply_now(
            [
                wanted(
                    "assignment",
                    None,
                    "create",
                    {
                        "employee": "X9",
                        "position": PositionFactory().code,
                        "kind": "primary",
                        "start": str(today),
                    },
                )
            ],
            by=hr,
        )


# Drafts


def test_a_draft_changes_nothing_until_its_day_and_then_once(hr, today):
    position, day = PositionFactory(title="alt"), today + timedelta(days=30)
    draft = changes.draft_set(by=hr, title="Spring", effective_on=day)
    changes.add_item(draft, "position", position.code, "set", {"title": "neu"}, by=hr)
    changes.schedule(draft, by=None)
    assert apply_due(day - timedelta(days=1)) == []
    assert changes.state_on(day).positions[position.code]["title"] == "neu"
    assert changes.state_on(day - timedelta(days=1)).positions[position.code]["title"] == "alt"
    assert len(apply_due(day)) == 1 and apply_due(day) == []
    position.refresh_from_db()
    assert position.title == "neu" and position.history.latest().history_user == hr
    assert OrgSnapshot.objects.filter(version__change_set=draft).count() == 1


def test_a_reorganisation_takes_effect_and_is_taken_back_by_nobody_alone(hr, today):
    position = PositionFactory(title="alt")
    draft = changes.draft_set(by=hr, title="Spring", effective_on=today + timedelta(days=1))
    changes.add_item(draft, "position", position.code, "set", {"title": "neu"}, by=hr)
    with pytest.raises(Refusal) as unsigned:
        changes.schedule(draft, by=hr)
    assert unsigned.value.code == "unsigned"
    changes.schedule(draft, by=None)
    for taken_back in (changes.reopen, changes.withdraw):
        with pytest.raises(Refusal) as signed:
            taken_back(draft, by=hr)
        assert signed.value.code == "signed"
    apply_now([put("position", position, title="anders")], by=hr)
    apply_due(today + timedelta(days=1))
    assert changes.withdraw(draft, by=hr).state == SetState.WITHDRAWN


def test_a_scheduled_set_that_no_longer_fits_is_not_applied_and_says_why(hr, today):
    position = PositionFactory(title="alt")
    draft = changes.draft_set(by=hr, title="Spring", effective_on=today + timedelta(days=1))
    changes.add_item(draft, "position", position.code, "set", {"title": "neu"}, by=hr)
    changes.schedule(draft, by=None)
    apply_now([put("position", position, title="anders")], by=hr)
    assert apply_due(today + timedelta(days=1)) == []
    draft.refresh_from_db()
    assert draft.state == SetState.SCHEDULED and position.code in draft.problem
    assert changes.state_on(today + timedelta(days=1)) == live_state()


def test_a_set_that_would_not_fit_is_not_foreseen_in_parts(hr, today):
    position, other, day = PositionFactory(title="alt"), PositionFactory(title="b"), today + timedelta(days=9)
    draft = changes.draft_set(by=hr, title="Spring", effective_on=day)
    changes.add_item(draft, "position", position.code, "set", {"title": "neu"}, by=hr)
    changes.add_item(draft, "position", other.code, "set", {"title": "B"}, by=hr)
    changes.schedule(draft, by=None)
    apply_now([put("position", position, title="anders")], by=hr)
    assert changes.state_on(day) == live_state()
    assert [conflict.item.key for conflict in changes.preview(draft).conflicts] == [position.code]


def test_a_conflict_stops_its_item_and_the_rest_is_published(hr, today):
    one, other = PositionFactory(title="a"), PositionFactory(title="b")
    draft = changes.draft_set(by=hr, title="x", effective_on=today)
    first = changes.add_item(draft, "position", one.code, "set", {"title": "A"}, by=hr)
    changes.add_item(draft, "position", other.code, "set", {"title": "B"}, by=hr)
    apply_now([put("position", one, title="live")], by=hr)
    assert [conflict.item for conflict in changes.conflicts_of(draft)] == [first]
    with pytest.raises(Refusal, match="Meanwhile"):
        changes.schedule(draft, by=None)
    changes.resolve(first, keep_live=True, by=hr)
    changes.schedule(draft, by=None)
    titles = set(Position.objects.filter(pk__in=[one.pk, other.pk]).values_list("title", flat=True))
    assert titles == {"live", "B"}


def test_a_conflict_may_be_settled_for_the_draft(hr, today):
    one = PositionFactory(title="a")
    draft = changes.draft_set(by=hr, title="x", effective_on=today)
    item = changes.add_item(draft, "position", one.code, "set", {"title": "A"}, by=hr)
    apply_now([put("position", one, title="live")], by=hr)
    changes.resolve(item, keep_live=False, by=hr)
    changes.schedule(draft, by=None)
    one.refresh_from_db()
    assert one.title == "A"


def test_the_same_change_made_by_both_is_no_conflict(hr, today):
    one = PositionFactory(title="a")
    draft = changes.draft_set(by=hr, title="x", effective_on=today)
    changes.add_item(draft, "position", one.code, "set", {"title": "A"}, by=hr)
    apply_now([put("position", one, title="A")], by=hr)
    assert changes.conflicts_of(draft) == []


def test_undo_names_what_needs_the_item(hr):
    draft = changes.draft_set(by=hr, title="x")
    made = changes.add_item(draft, "department", "new", "create", {"name": "N", "kind": "department"}, by=hr)
    changes.add_item(draft, "position", "lead", "create", {"title": "L", "department": "new"}, by=hr)
    with pytest.raises(Refusal, match="lead"):
        changes.remove_item(made, by=hr)
    assert changes.remove_item(made, by=hr, with_dependents=True) == []


def test_a_draft_refuses_a_circle_with_what_it_holds_already(hr):
    one, other = PositionFactory(), PositionFactory()
    draft = changes.draft_set(by=hr, title="x")
    changes.add_item(draft, "position", one.code, "set", {"parent": other.code}, by=hr)
    with pytest.raises(Refusal, match="below itself"):
        changes.add_item(draft, "position", other.code, "set", {"parent": one.code}, by=hr)


def test_a_preview_shows_before_and_after_and_writes_nothing(hr, today):
    top, below = PositionFactory(), PositionFactory()
    draft = changes.draft_set(by=hr, title="x", effective_on=today)
    changes.add_item(draft, "position", below.code, "set", {"parent": top.code}, by=hr)
    seen = changes.preview(draft)
    assert (changes.metrics(seen.before).layers, changes.metrics(seen.after).layers) == (1, 2)
    assert changes.span_of(seen.after, top.code) == 1
    assert (seen.conflicts, seen.faults) == ([], [])
    below.refresh_from_db()
    assert below.parent is None


def test_a_draft_in_review_does_not_change_until_it_is_opened_again(hr):
    position = PositionFactory()
    draft = changes.draft_set(by=hr, title="x", effective_on=timezone.localdate())
    changes.add_item(draft, "position", position.code, "set", {"title": "A"}, by=hr)
    changes.submit(draft, by=hr)
    with pytest.raises(Refusal, match="in review"):
        changes.add_item(draft, "position", position.code, "set", {"title": "B"}, by=hr)
    changes.reopen(draft, by=None)
    changes.add_item(draft, "position", position.code, "set", {"title": "B"}, by=hr)


@pytest.mark.parametrize("scenario", [True, False])
def test_a_scenario_or_an_empty_draft_is_never_applied(hr, today, scenario):
    draft = changes.draft_set(by=hr, title="x", effective_on=today, scenario=scenario)
    with pytest.raises(Refusal):
        changes.schedule(draft, by=None)


def test_a_withdrawn_set_is_over(hr, today):
    position = PositionFactory(title="a")
    draft = changes.draft_set(by=hr, title="x", effective_on=today + timedelta(days=1))
    changes.add_item(draft, "position", position.code, "set", {"title": "A"}, by=hr)
    changes.schedule(draft, by=None)
    changes.withdraw(draft, by=None)
    assert apply_due(today + timedelta(days=1)) == []
    with pytest.raises(Refusal, match="withdrawn"):
        changes.schedule(draft, by=None)


def test_a_department_moved_in_a_set_scheduled_before_is_there_for_the_next(hr, today):
    soon, later = today + timedelta(days=5), today + timedelta(days=9)
    first = changes.draft_set(by=hr, title="first", effective_on=soon)
    changes.add_item(first, "department", "new", "create", {"name": "N", "kind": "group"}, by=hr)
    changes.schedule(first, by=None)
    second = changes.draft_set(by=hr, title="second", effective_on=later)
    changes.add_item(second, "position", "lead", "create", {"title": "L", "department": "new"}, by=hr)
    changes.schedule(second, by=None)
    assert len(apply_due(later)) == 2
    assert Position.objects.get(code="lead").department.code == "new"


# The log


def test_the_log_vouches_for_every_version_and_nobody_rewrites_it(hr):
    position = PositionFactory()
    for title in ("a", "b", "c"):
        version = apply_now([put("position", position, title=title)], by=hr)
    assert changes.check_log() == []
    item = version.change_set.items.get()
    for row, field in ((version, "hash"), (item, "key"), (version.change_set, "title")):
        setattr(row, field, "x")
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save()
        with pytest.raises(IntegrityError), transaction.atomic():
            type(row)._base_manager.filter(pk=row.pk).update(**{field: "x"})
    with pytest.raises(IntegrityError), transaction.atomic():
        ChangeSet.objects.filter(pk=version.change_set.pk)._raw_delete("default")


def test_the_past_is_what_the_log_says(hr, today):
    position = PositionFactory(title="first")
    past = today - timedelta(days=10)
    apply_now([put("position", position, title="second")], by=hr, effective_on=past)
    apply_now([put("position", position, title="third")], by=hr)
    titles = [
        changes.state_on(day).positions[position.code]["title"]
        for day in (past - timedelta(days=1), past, today - timedelta(days=1), today)
    ]
    assert titles == ["first", "second", "second", "third"]


def test_a_change_is_not_put_before_what_was_recorded_since(hr, today):
    position = PositionFactory()
    apply_now([put("position", position, title="a")], by=hr)
    with pytest.raises(Refusal, match="correction"):
        apply_now([put("position", position, title="b")], by=hr, effective_on=today - timedelta(days=1))


def test_a_correction_holds_since_its_day_and_later_changes_stay(hr, today):
    position = PositionFactory(title="first", grade="1")
    day = today - timedelta(days=10)
    apply_now([put("position", position, title="second")], by=hr, effective_on=today - timedelta(days=5))
    version = changes.correct(
        [put("position", position, title="right", grade="2")], effective_on=day, by=hr, reason="typo"
    )
    assert version.corrected
    row = changes.state_on(day).positions[position.code]
    assert (row["title"], row["grade"]) == ("right", "2")
    position.refresh_from_db()
    assert (position.title, position.grade) == ("second", "2")
    assert changes.past_state(today) == live_state()
    assert changes.check_log() == []


def test_a_row_that_did_not_exist_yet_is_not_corrected(hr, today):
    apply_now([wanted("department", "new", "create", {"name": "N", "kind": "group"})], by=hr)
    with pytest.raises(Refusal, match="not yet: new"):
        changes.correct(
            [wanted("department", "new", "set", {"name": "M"})], effective_on=today - timedelta(days=1), by=hr
        )


def test_a_correction_that_a_later_version_cannot_follow_is_refused(hr, today):
    one, other = PositionFactory(), PositionFactory()
    apply_now([put("position", one, parent=other.code)], by=hr)
    with pytest.raises(Refusal, match="Version 2 .* no longer fit"):
        changes.correct(
            [put("position", other, parent=one.code)], effective_on=today - timedelta(days=3), by=hr
        )


# Who may


def test_only_hr_changes_the_structure(hr):
    position = PositionFactory()
    for role in ("auditor", "ecommerce_manager", "administrator"):
        with pytest.raises(PermissionDenied):
            apply_now([put("position", position, title="x")], by=UserFactory(roles=[role]))
    with pytest.raises(PermissionDenied):
        changes.draft_set(by=UserFactory(roles=["auditor"]), title="x")


def test_an_editor_with_a_part_changes_that_part_only(hr):
    mine = DepartmentFactory()
    inside, outside = PositionFactory(department=DepartmentFactory(parent=mine)), PositionFactory()
    EditorScope.objects.create(user=hr, department=mine)
    apply_now([put("position", inside, title="x")], by=hr)
    with pytest.raises(PermissionDenied):
        apply_now([put("position", outside, title="x")], by=hr)
    with pytest.raises(PermissionDenied):
        apply_now([put("position", inside, department=outside.department.code)], by=hr)


def test_a_direct_edit_reads_its_neighbourhood_only(hr, django_assert_max_num_queries):
    lead = PositionFactory()
    for _n in range(30):
        AssignmentFactory(position=PositionFactory(department=lead.department))
    apply_now([put("position", lead, title="x")], by=hr)
    state = near([put("position", lead, title="y")])
    assert set(state.positions) == {lead.code} and not state.assignments
    with django_assert_max_num_queries(45):
        apply_now([put("position", lead, title="y")], by=hr)


def test_what_the_log_calls_a_set_is_said_in_the_language_of_the_installation_and_whole(signed_in):
    one, other = PositionFactory(code="one", title="策划"), PositionFactory(code="other", title="总监")
    link = {"from": one.code, "kind": "promotes_to", "to": other.code}
    named = {"from": one.code, "kind": "rotates_to", "to_label": "总秘"}
    duty = {"position": one.code, "number": 3, "text": "x"}
    held = {"employee": EmployeeFactory(number="E9").number, "position": one.code, "kind": "primary"}
    held["start"] = str(timezone.localdate())
    items = [("link", link), ("link", named), ("duty", duty), ("assignment", held)]
    titles = [
        apply_now([wanted(entity, None, "create", values)]).change_set.title for entity, values in items
    ]
    assert titles == [
        "岗位关联 策划 晋升到 总监",
        "岗位关联 策划 轮岗到 总秘",
        "职责 策划 3",
        "任职 E9 · 策划",
    ]
    assert ChangeSet.objects.get(kind="opening").title == "期初"
    page = signed_in(roles=["hr"]).get(reverse("admin:position_page", args=["one"])).content.decode()
    assert "策划 promotes to 总监" in page and "策划 rotates to 总秘" in page and "策划 3" in page
