"""HR's forms and files write through the log: each save is a set of one, each file one set."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from orgchart.changes import apply_due, check_log, past_state, state_on
from orgchart.changes.rows import ImportedRows
from orgchart.models import ChangeSet, Department, EditorScope, OrgVersion, Position
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
def hr(signed_in):
    return signed_in(roles=["hr"])


def save(client, row, **values):
    opts = row._meta
    values_now = {field.name: field.value_from_object(row) for field in opts.fields if field.editable}
    data = {name: value for name, value in values_now.items() if value is not None and value is not False}
    page = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    return client.post(page, data | values)


def test_a_form_makes_a_set_of_one_with_its_reason(hr):
    position = PositionFactory(title="alt")
    assert save(hr, position, title="neu", reason="clearer").status_code == 302
    made = ChangeSet.objects.get(kind="edit")
    assert (made.reason, made.author, made.items.get().after) == ("clearer", hr.user, {"title": "neu"})


def test_saving_a_form_unchanged_makes_no_version(hr):
    position = PositionFactory()
    assert save(hr, position).status_code == 302
    assert not OrgVersion.objects.exists()


def test_a_new_row_is_made_by_a_set_too(hr):
    page = reverse("admin:orgchart_department_add")
    response = hr.post(page, {"code": "new", "name": "N", "kind": "group", "order": 0, "status": "active"})
    assert response.status_code == 302
    made = Department.objects.get()
    assert ChangeSet.objects.get(kind="edit").items.get().key == "new"
    assert made.history.get().history_user == hr.user


def test_a_form_with_a_day_to_come_takes_effect_on_that_day(hr, today):
    position, day = PositionFactory(title="alt"), today + timedelta(days=3)
    response = hr.get(reverse("admin:orgchart_position_change", args=[position.pk]))
    assert "Correction" in response.content.decode()
    assert save(hr, position, title="neu", effective_on=str(day)).status_code == 302
    position.refresh_from_db()
    assert position.title == "alt"
    assert state_on(day).positions[position.code]["title"] == "neu"
    apply_due(day)
    position.refresh_from_db()
    assert position.title == "neu"


def test_a_form_corrects_the_record_since_a_day(hr, today):
    position, day = PositionFactory(title="alt"), today - timedelta(days=20)
    save(hr, position, title="neu")
    position.refresh_from_db()
    assert save(hr, position, grade="7", way="correction", effective_on=str(day)).status_code == 302
    row = past_state(day).positions[position.code]
    assert (row["title"], row["grade"]) == ("alt", "7")
    assert OrgVersion.objects.filter(corrected=True).count() == 1 and check_log() == []
    assert past_state(today) == live_state()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"way": "correction"}, "since which day"),
        ({"way": "correction", "effective_on": "2999-01-01"}, "about the past"),
        ({"effective_on": "someday"}, "valid date"),
        ({"status": "closed"}, "while there is still"),
    ],
)
def test_a_form_says_beside_the_fields_what_is_wrong(hr, values, sentence):
    below = PositionFactory(parent=PositionFactory())
    response = save(hr, below.parent, **values)
    assert response.status_code == 200 and sentence in response.content.decode()
    assert not OrgVersion.objects.exists()


def test_a_change_before_what_was_recorded_since_is_refused_on_the_form(hr, today):
    position = PositionFactory(title="alt")
    save(hr, position, title="neu")
    position.refresh_from_db()
    response = save(hr, position, title="neuer", effective_on=str(today - timedelta(days=2)))
    assert response.status_code == 200 and "choose a correction" in response.content.decode()


def test_a_correction_that_is_refused_comes_back_as_it_was_typed(hr, today):
    position, day = PositionFactory(title="alt"), today - timedelta(days=20)
    AssignmentFactory(position=position)
    save(hr, position, title="neu")
    known = OrgVersion.objects.count()
    typed = {"status": "closed", "grade": "7", "reason": "typed by hand"}
    position.refresh_from_db()
    response = save(hr, position, way="correction", effective_on=str(day), **typed)
    text = response.content.decode()
    assert response.status_code == 200 and "is still held by 1 people" in text
    assert 'value="typed by hand"' in text and 'value="7"' in text and str(day) in text
    assert 'value="closed" selected' in text and 'value="correction"' in text
    assert OrgVersion.objects.count() == known


def test_whoever_edits_another_part_reads_so_beside_what_was_typed(hr):
    EditorScope.objects.create(user=hr.user, department=DepartmentFactory())
    position = PositionFactory(title="alt")
    response = save(hr, position, title="neu", reason="typed by hand")
    text = response.content.decode()
    assert response.status_code == 200 and "Somebody else looks after this part" in text
    assert 'value="typed by hand"' in text


def test_the_last_seat_is_refused_on_the_form_with_a_sentence(hr, today):
    held = AssignmentFactory(position=PositionFactory(plan_max=1))
    data = {"employee": EmployeeFactory().pk, "position": held.position.pk, "kind": "primary", "start": today}
    page = reverse("admin:staffing_assignment_add")
    response = hr.post(page, data)
    assert response.status_code == 200 and "would be taken" in response.content.decode()
    assert hr.post(page, data | {"beyond_plan": "season"}).status_code == 302
    assert Assignment.objects.filter(beyond_plan="season").count() == 1


def test_whoever_only_reads_sees_no_fields_of_a_change(signed_in):
    position = PositionFactory()
    page = reverse("admin:orgchart_position_change", args=[position.pk])
    text = signed_in(roles=["auditor"]).get(page).content.decode()
    assert "effective_on" not in text


def test_a_file_makes_one_set_of_all_its_rows():
    department, by = DepartmentFactory(), UserFactory(roles=["hr"])
    rows = ImportedRows(by=by)
    lead = Position(code="lead", title="L", department=department)
    rows.save(lead)
    rows.save(Position(code="clerk", title="C", department=department, parent=lead))
    rows.record("positions")
    assert [item.key for item in ChangeSet.objects.get(kind="edit").items.all()] == ["lead", "clerk"]
    assert past_state(timezone.localdate()) == live_state()
