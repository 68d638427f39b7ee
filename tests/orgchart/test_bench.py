"""What changes cost in a company of 5,000 departments, 50,000 positions and 50,000 people (`make bench`)."""

import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from orgchart import changes
from orgchart.changes import apply_now, draft_set, past_state, schedule, wanted
from orgchart.changes.log import ensure_opening
from orgchart.models import Department, Position
from orgchart.state import live_state

pytestmark = [pytest.mark.bench, pytest.mark.django_db]

# Eight departments below each other department; ten positions in each, the first its head; everybody has one post.
COMPANY = """
INSERT INTO orgchart_department (id, code, name, kind, parent_id, "order", supporting, cloneable, tentative, status,
                                 source_ref, guessed)
SELECT n, 'd' || n, '部门' || n, 'department', CASE WHEN n > 1 THEN (n - 2) / 8 + 1 END, n % 100, false, false, false,
       'active', '', false
FROM generate_series(1, 5000) n;
INSERT INTO orgchart_position (id, code, title, grade, department_id, parent_id, head, "order", plan_min, plan_max,
                               plan_note, tentative, status, source_ref, guessed)
SELECT n, 'p' || n, '岗位' || n, '', (n - 1) % 5000 + 1, CASE WHEN n > 5000 THEN (n - 1) % 5000 + 1 END, n <= 5000,
       n % 100, 1, 1, '', false, 'active', '', false
FROM generate_series(1, 50000) n;
INSERT INTO staffing_employee (id, number, name, name_key, active, home_department_id)
SELECT n, 'E' || n, '员工' || n, '', true, (n - 1) % 5000 + 1 FROM generate_series(1, 50000) n;
INSERT INTO staffing_assignment (uid, employee_id, position_id, kind, start, fte, handover, beyond_plan, note)
SELECT gen_random_uuid(), n, n, 'primary', '2024-01-01', 1, false, '', '' FROM generate_series(1, 50000) n;
ANALYZE orgchart_department, orgchart_position, staffing_employee, staffing_assignment;
"""


@contextmanager
def measured(what, floor=None):
    with CaptureQueriesContext(connection) as statements:
        start = time.perf_counter()
        yield statements
        taken = time.perf_counter() - start
    ratio = f", {taken / floor:.1f} × the floor" if floor else ""
    print(f"{what}: {taken * 1000:.0f} ms, {len(statements)} statements{ratio}")
    statements.taken = taken


def flat_select(model):
    """The floor: one flat select, its rows built in Python."""
    fields = [field.attname for field in model._meta.concrete_fields]
    return [dict(zip(fields, values, strict=True)) for values in model.objects.values_list(*fields)]


def test_changes_in_a_big_company(signed_in):
    with connection.cursor() as cursor:
        cursor.execute(COMPANY)
    with measured("floor: positions by one flat select") as floor:
        flat_select(Position)
    with measured("the whole organisation as a state", floor.taken):
        live_state()
    with measured("the log begins, with a snapshot of all"):
        ensure_opening()
    with measured("floor: one row saved by the ORM, with history") as floor:
        Position.objects.get(code="p7").save()
    apply_now([wanted("position", "p777", "set", {"title": "first"})])
    with measured("a direct edit", floor.taken) as edit:
        apply_now([wanted("position", "p777", "set", {"title": "second"})])
    assert len(edit) <= 30
    subtree = [department.pk for department in Department.objects.get(code="d4").descendants()]
    assert len(subtree) >= 500
    with measured(f"a subtree of {len(subtree)} departments moves") as move:
        apply_now([wanted("department", "d4", "set", {"parent": "d2"})])
    changed = [sql["sql"] for sql in move if sql["sql"].startswith('UPDATE "orgchart_department"')]
    assert len(changed) == 1 and len(move) <= 30
    assert Department.history.filter(history_type="~").count() == 1
    draft = draft_set(by=None, title="bench", effective_on=timezone.localdate())
    with measured("an item into a draft"):
        changes.add_item(draft, "position", "p9000", "set", {"parent": "p1"}, by=None)
    with measured("a preview with figures before and after"):
        seen = changes.preview(draft)
        changes.metrics(seen.before), changes.metrics(seen.after)
    client, page = signed_in(roles=["hr"]), reverse("admin:org_change_set", args=[draft.pk])
    with measured("the page of a reorganisation: both trees, people, figures, what stops it"):
        assert client.get(page).status_code == 200
    with measured("a reorganisation takes effect, with snapshot and notices"):
        schedule(draft, by=None)
    with measured("the organisation of yesterday"):
        past_state(timezone.localdate() - timedelta(days=1))
    with measured("a correction of last month"):
        day = timezone.localdate() - timedelta(days=30)
        changes.correct([wanted("position", "p9001", "set", {"grade": "2"})], effective_on=day)
    assert changes.check_log() == []
