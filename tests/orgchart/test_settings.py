"""Settings of the organisation: areas of work, hand-offs, models to start from, and who edits which part."""

import pytest
from django.urls import reverse
from django.utils import timezone

from orgchart import changes
from orgchart.models import (
    Area,
    ChangeSet,
    Department,
    Duty,
    EditorScope,
    HandoffFlow,
    HandoffStep,
    OrgModel,
    Position,
)
from tests.factories import DepartmentFactory, PositionFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def address(name, *args):
    return reverse(f"admin:{name}", args=args)


def text(response):
    return response.content.decode()


@pytest.fixture
def hr(signed_in):
    return signed_in(roles=["hr"])


# ── Areas ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("used", ["duty", "step", "recorded", ""])
def test_only_an_area_that_nothing_names_can_be_deleted(hr, used):
    area, post = Area.objects.create(code="listing", name="上架"), PositionFactory()
    if used == "duty":
        Duty.objects.create(position=post, number=1, area=area)
    elif used == "step":
        flow = HandoffFlow.objects.create(code="price", name="售价")
        HandoffStep.objects.create(flow=flow, order=1, area=area)
    elif used:
        values = {"position": post.code, "number": 1, "area": "listing"}
        (duty,) = [changes.wanted("duty", None, "create", values)]
        changes.apply_now([duty])
        changes.apply_now([changes.wanted("duty", duty.key, "delete")])
    page = address("orgchart_area_delete", area.pk)
    assert hr.post(page, {"post": "yes"}).status_code == (403 if used else 302)
    assert Area.objects.filter(code="listing").exists() == bool(used)


def test_the_code_of_an_area_stays_and_its_name_changes_with_a_history(hr):
    area = Area.objects.create(code="listing", name="上架")
    page = address("orgchart_area_change", area.pk)
    assert hr.post(page, {"code": "other", "name": "上下架", "order": 3}).status_code == 302
    area.refresh_from_db()
    assert (area.code, area.name, area.history.count()) == ("listing", "上下架", 2)


# ── Hand-offs ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def flow():
    flow = HandoffFlow.objects.create(code="price", name="售价")
    for number, word in enumerate(("draft", "check", "file"), 1):
        HandoffStep.objects.create(flow=flow, order=number, text=word)
    return flow


def steps_as(flow, *rows):
    """Return the form of a hand-off with its steps as (order, text, more)."""
    known = {step.text: step.pk for step in flow.steps.all()}
    data = {"code": flow.code, "name": flow.name, "steps-TOTAL_FORMS": len(rows), "steps-INITIAL_FORMS": 3}
    for number, (order, word, more) in enumerate(rows):
        row = {"order": order, "text": word, "flow": flow.pk, "id": known.get(word, ""), **more}
        data |= {f"steps-{number}-{name}": value for name, value in row.items()}
    return data


def post_steps(client, flow, *rows):
    return client.post(address("orgchart_handoffflow_change", flow.pk), steps_as(flow, *rows))


def words(flow):
    return [(step.order, step.text) for step in flow.steps.order_by("order")]


def test_steps_change_places_and_are_numbered_anew(hr, flow):
    rows = [(2, "draft", {}), (1, "check", {}), (3, "file", {}), (2, "sign", {})]
    assert post_steps(hr, flow, *rows).status_code == 302
    assert words(flow) == [(1, "check"), (2, "draft"), (3, "sign"), (4, "file")]


def test_a_step_is_taken_out_and_the_others_close_up(hr, flow):
    rows = [(1, "draft", {"DELETE": "on"}), (2, "check", {}), (3, "file", {})]
    assert post_steps(hr, flow, *rows).status_code == 302
    assert words(flow) == [(1, "check"), (2, "file")]


def test_a_step_says_something_unless_the_papers_lost_it(hr, flow):
    rows = [(1, "draft", {}), (2, "check", {}), (3, "file", {})]
    response = post_steps(hr, flow, *rows, ("", "", {}))
    assert response.status_code == 302 and flow.steps.count() == 3
    refused = post_steps(hr, flow, *rows, (4, "", {"department": DepartmentFactory().pk}))
    assert refused.status_code == 200 and "mark it as lost" in text(refused)
    assert post_steps(hr, flow, *rows, (4, "", {"lost": "on"})).status_code == 302
    assert flow.steps.get(lost=True).order == 4


# ── Models ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_model_shows_its_tree_its_figures_and_what_is_odd_about_it(company, signed_in, account):
    client = signed_in(account("manager"))
    model = OrgModel.objects.get(code="plaza")
    assert "购物广场" in text(client.get(address("org_models")))
    shown = text(client.get(address("org_model", model.pk)))
    assert "Stated and counted" in shown and "differs" in shown and "Part of two" in shown
    assert "财务: 购物广场" in shown
    assert "Start from this model</h2>" not in shown
    assert client.post(address("org_model_start", model.pk)).status_code == 404


def test_hr_starts_a_department_from_a_model_and_lands_on_the_draft(company, signed_in, account):
    client = signed_in(account("hr"))
    model = OrgModel.objects.get(code="tmall-initial")
    assert "Start from this model</h2>" in text(client.get(address("org_model", model.pk)))
    day = str(timezone.localdate())
    response = client.post(address("org_model_start", model.pk), {"under": "oc", "effective_on": day})
    draft = ChangeSet.objects.latest("pk")
    assert response.headers["Location"] == address("org_change_set", draft.pk)
    (top,) = [item for item in draft.items.all() if (item.after or {}).get("parent") == "oc"]
    assert (draft.state, top.after["name"]) == ("draft", "天猫运营初期")
    refused = client.post(address("org_model_start", model.pk), {"under": "none"}, follow=True)
    assert "Choose a department that is open." in text(refused)


# ── Who edits what ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_administrator_says_who_edits_which_part_and_it_holds_at_once(signed_in):
    hr, inside = UserFactory(roles=["hr"]), DepartmentFactory()
    outside = PositionFactory()
    page = address("orgchart_editorscope_add")
    assert signed_in(hr).get(page).status_code == 403
    admin = signed_in(roles=["administrator"])
    both = {"user": hr.pk, "group": hr.groups.get().pk, "department": inside.pk}
    assert "not both" in text(admin.post(page, both))
    assert admin.post(page, {"user": hr.pk, "department": inside.pk}).status_code == 302
    assert "This is said already." in text(admin.post(page, {"user": hr.pk, "department": inside.pk}))
    change = address("orgchart_position_change", outside.pk)
    values = {"code": outside.code, "title": "new", "department": outside.department_id, "order": 0}
    refused = signed_in(hr).post(change, values | {"status": "active"})
    assert "Somebody else looks after this part" in text(refused)
    scope = EditorScope.objects.get()
    signed_in(roles=["administrator"]).post(address("orgchart_editorscope_delete", scope.pk), {"post": "yes"})
    assert signed_in(hr).post(change, values | {"status": "active"}).status_code == 302
    assert Position.objects.get(pk=outside.pk).title == "new"
    assert scope.history.model.objects.filter(history_type="-").count() == 1


def test_only_those_who_edit_at_all_can_be_chosen(signed_in):
    hr, clerk = UserFactory(roles=["hr"]), UserFactory(roles=["customer_service"])
    form = text(signed_in(roles=["administrator"]).get(address("orgchart_editorscope_add")))
    assert hr.name in form and clerk.name not in form


# ── Copies, and the page that leads to all of it ──────────────────────────────────────────────────────────────────


def test_hr_copies_a_department_from_its_page(hr):
    department = DepartmentFactory(name="产品1部", cloneable=True)
    assert "Copy this department" in text(hr.get(address("orgchart_department_change", department.pk)))
    page = address("department_copy", department.pk)
    refused = hr.post(page, {"name": "产品1部"})
    assert refused.status_code == 422 and 'value="产品1部"' in text(refused)
    response = hr.post(page, {"name": "产品2部"})
    draft = ChangeSet.objects.get()
    assert response.headers["Location"] == address("org_change_set", draft.pk)
    changes.apply_now([changes.wanted(i.entity, i.key, i.op, i.after) for i in draft.items.all()])
    assert Department.objects.get(name="产品2部").copied_from == department
    assert "the same" in text(hr.get(page))


@pytest.mark.parametrize(
    ("role", "shown"),
    [("hr", 5), ("administrator", 5), ("auditor", 5), ("general_manager", 3), ("finance", None)],
)
def test_the_settings_page_leads_to_what_the_role_may_see(signed_in, role, shown):
    response = signed_in(roles=[role]).get(address("org_settings"))
    if shown is None:
        assert response.status_code == 404
    else:
        assert text(response).count('aria-labelledby="set-') == shown
