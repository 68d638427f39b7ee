"""Changing a draft from the chart: what a drop means in rows, who may, and what the server refuses."""

import json

import pytest
from django.urls import reverse
from django.utils import timezone

from orgchart import changes
from orgchart.models import ChangeSet, Department, EditorScope, Position
from staffing.chart.moves import renumbered

pytestmark = pytest.mark.django_db


@pytest.fixture
def hr(company, signed_in, account):
    return signed_in(account("hr"))


@pytest.fixture
def draft(hr):
    answer = hr.post(
        reverse("admin:org_change_draft"), {"title": "二阶段分岗", "back": "root=p%3Aec-manager&depth=3"}
    )
    assert answer.status_code == 302
    assert "root=p%3Aec-manager" in answer.headers["Location"]
    return ChangeSet.objects.get(state="draft")


def add(client, draft, **data):
    return client.post(
        reverse("admin:org_change_item"), {"set": draft.pk, **data}, headers={"Accept": "application/json"}
    )


def move(client, draft, card, onto, lens="positions"):
    return add(client, draft, do="move", card=card, onto=onto, lens=lens)


def test_a_drop_is_one_change_of_the_draft_and_the_live_chart_stays(hr, draft):
    answer = move(hr, draft, "p:ec-data", "p:ec-service-lead").json()
    assert [item["op"] for item in answer["tray"]["items"]] == ["move"]
    assert answer["tray"]["people"] == 1 and answer["tray"]["names"] == ["数据甲"]
    item = draft.items.get()
    assert item.after == {"parent": "ec-service-lead", "department": "ec-service"}
    assert Position.objects.get(code="ec-data").parent.code == "ec-manager"


def order_of(titles):
    rows = Position.objects.filter(code__in=titles).order_by("order", "code")
    return list(rows.values_list("code", flat=True))


def test_a_drop_between_two_cards_puts_it_there_and_changes_as_few_rows_as_will_do(hr, draft):
    answer = add(hr, draft, do="move", card="p:ec-copywriter", onto="d:ec-planning", before="p:ec-designer")
    assert answer.status_code == 200
    ChangeSet.objects.filter(pk=draft.pk).update(effective_on=timezone.localdate())
    changes.schedule(draft, by=None)
    group = ["ec-designer", "ec-art-editor", "ec-copywriter", "ec-visual"]
    assert order_of(group) == ["ec-copywriter", "ec-designer", "ec-art-editor", "ec-visual"]


def test_a_drop_between_cards_elsewhere_moves_and_orders_in_one_change(hr, draft):
    answer = add(
        hr, draft, do="move", card="p:ec-data", onto="p:ec-service-lead", before="p:ec-service-agent"
    )
    assert answer.status_code == 200
    after = draft.items.get(key="ec-data").after
    assert after["parent"] == "ec-service-lead" and "order" in after


def test_a_drop_where_it_stands_already_is_refused(hr, draft):
    stays = {"onto": "d:ec-planning", "behind": "p:ec-designer"}
    assert add(hr, draft, do="move", card="p:ec-art-editor", **stays).status_code == 409
    assert not draft.items.exists()


@pytest.mark.parametrize(
    ("orders", "at", "own", "expected"),
    [
        ([1, 2, 3], 0, 9, {0: 0}),
        ([0, 1, 2], 0, 9, {0: 0, 1: 1, 2: 2, 3: 3}),
        ([1, 5], 1, 9, {1: 2}),
        ([1, 5], 1, 3, {}),
        ([1, 2], 2, 0, {2: 3}),
        ([0, 0, 0], 1, 0, {1: 1, 2: 2, 3: 3}),
        ([2, 3, 5], 1, 3, {2: 4}),
    ],
)
def test_as_few_orders_change_as_will_do(orders, at, own, expected):
    assert renumbered(orders, at, own) == expected


def test_below_itself_is_refused_with_a_sentence(hr, draft, english):
    answer = move(hr, draft, "p:ec-manager", "p:ec-service-agent")
    assert answer.status_code == 409
    assert "circle" in answer.json()["refused"]
    assert not draft.items.exists()


def test_two_drops_that_together_make_a_circle_are_refused(hr, draft):
    assert move(hr, draft, "p:ec-service-lead", "p:ec-logistics-lead").status_code == 200
    assert move(hr, draft, "p:ec-logistics-lead", "p:ec-service-agent").status_code == 409


def test_a_department_takes_its_head_along(hr, draft):
    answer = move(hr, draft, "d:ec-service", "d:finance", lens="departments")
    assert answer.status_code == 200
    found = {(item.entity, item.key): item.after for item in draft.items.all()}
    assert found["department", "ec-service"] == {"parent": "finance"}
    assert found["position", "ec-service-lead"] == {"parent": "finance-lead"}


def test_a_group_without_a_head_takes_its_people_along(hr, draft):
    assert move(hr, draft, "d:ec-planning", "p:finance-lead").status_code == 200
    moved = draft.items.filter(entity="position")
    assert {item.after["parent"] for item in moved} == {"finance-lead"}
    assert moved.count() == 4


def test_a_new_position_stands_below_the_card(hr, draft):
    answer = add(hr, draft, do="new", onto="d:ec-operations", title="运营主管", plan_min="1", plan_max="1")
    assert answer.json()["tray"]["items"][0]["title"] == "运营主管"
    item = draft.items.get()
    assert item.after["department"] == "ec-operations" and item.after["parent"] == "ec-manager"
    data = hr.get(reverse("admin:org_chart_data"), {"set": draft.pk, "root": "ec", "depth": "3"}).json()
    assert "运营主管" in [node["title"] for node in data["nodes"]]


@pytest.mark.parametrize(
    "data",
    [
        {"do": "new", "onto": "d:ec", "title": " "},
        {"do": "new", "onto": "d:ec", "title": "岗", "plan_min": "-1"},
        {"do": "new", "onto": "d:ec", "title": "岗", "plan_min": "3", "plan_max": "2"},
        {"do": "new", "onto": "c:", "title": "岗"},
        {"do": "rename", "card": "p:nobody", "title": "岗"},
        {"do": "rename", "card": "p:ec-data", "title": "岗" * 61},
        {"do": "close", "card": "p:ec-manager"},
        {"do": "plan", "card": "d:ec", "plan_min": "1"},
        {"do": "grow"},
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(hr, draft, data):
    answer = add(hr, draft, **data)
    assert answer.status_code == 409
    assert answer.json()["refused"]
    assert not draft.items.exists()


def test_a_change_is_taken_back_and_names_what_needs_it(hr, draft):
    add(hr, draft, do="new", onto="d:ec-operations", title="运营主管", plan_min="1", plan_max="1")
    made = draft.items.get()
    assert move(hr, draft, "p:ec-data", f"p:{made.key}").status_code == 200
    undo = reverse("admin:org_change_undo")
    refused = hr.post(undo, {"item": made.pk}, headers={"Accept": "application/json"})
    assert refused.status_code == 409 and refused.json()["code"] == "dependents"
    assert "ec-data" in refused.json()["refused"]
    hr.post(undo, {"item": made.pk, "all": "1"})
    assert not draft.items.exists()


def test_the_tray_tells_totals_before_and_after(hr, draft):
    answer = add(hr, draft, do="plan", card="p:ec-data", plan_min="2", plan_max="2").json()
    totals = {total["name"]: (total["old"], total["new"]) for total in answer["tray"]["totals"]}
    assert totals["f_short"][1] == totals["f_short"][0] + 1


def test_the_tray_tells_what_changed_meanwhile(hr, draft):
    move(hr, draft, "p:ec-data", "p:ec-service-lead")
    changes.apply_now([changes.wanted("position", "ec-data", "set", {"parent": "ec-logistics-lead"})])
    tray = hr.get(reverse("admin:org_change_tray"), {"set": draft.pk}).json()
    assert tray["behind"] == 1 and len(tray["conflicts"]) == 1


def test_a_draft_is_submitted_where_documents_are_approved(hr, draft):
    answer = move(hr, draft, "p:ec-data", "p:ec-service-lead").json()
    assert answer["tray"]["submit"] == reverse("admin:org_change_set_approval", args=[draft.pk])


def test_only_those_who_edit_change_a_draft(draft, signed_in, account):
    for username in ("service", "manager", "general", "admin"):
        client = signed_in(account(username))
        assert move(client, draft, "p:ec-data", "p:ec-service-lead").status_code == 404
    assert not draft.items.exists()


def test_a_scope_of_somebody_else_is_a_sentence(hr, draft):
    EditorScope.objects.create(user=hr.user, department=Department.objects.get(code="oc"))
    answer = move(hr, draft, "p:ec-data", "p:ec-service-lead")
    assert answer.status_code == 409 and answer.json()["code"] == "scope"


def test_a_get_changes_nothing(hr, draft):
    for name in ("org_change_item", "org_change_undo", "org_change_draft"):
        assert hr.get(reverse(f"admin:{name}")).status_code == 405


def test_a_draft_that_is_closed_takes_no_change(hr, draft):
    move(hr, draft, "p:ec-data", "p:ec-service-lead")
    changes.submit(draft, by=hr.user)
    answer = move(hr, draft, "p:ec-planner", "p:ec-service-lead")
    assert answer.status_code == 409
    assert json.loads(answer.content)["code"] == "state"
