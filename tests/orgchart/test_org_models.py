"""The organisation models of the papers: all load, contradictions kept, and each can be the start of a department."""

import pytest

from opsadmin.company.papers import duty_rows, link_rows
from orgchart.changes import check_log, faults_of, preview
from orgchart.models import Department, HandoffFlow, OrgModel, PositionLink
from orgchart.org_models import own_model, start_from_model, state_of_model
from orgchart.state import live_state
from tests.factories import DepartmentFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def state(code):
    return state_of_model(OrgModel.objects.get(code=code))


def test_sixteen_models_load_and_one_is_the_companys_own(company):
    assert OrgModel.objects.count() == 16
    assert (own_model().code, own_model().stated_total) == ("own-store-team", 20)


def test_no_model_breaks_a_rule_that_would_keep_it_from_being_used(company):
    for model in OrgModel.objects.all():
        assert faults_of(state_of_model(model), day="2030-01-01") == [], model


def test_what_the_papers_contradict_guess_or_lost_is_kept(company):
    plaza = OrgModel.objects.get(code="plaza").payload
    names = {row["name"]: code for code, row in plaza["tables"]["department"].items()}
    assert plaza["also_in"] == {names["财务"]: "plaza"} and plaza["stated"]["departments"] == 7
    classic = OrgModel.objects.get(code="mall-classic").payload
    assert list(classic["also_in"]) and classic["stated"]["duties"]["总经理_公司法"] == 11
    duties = state("tmall-initial").duties.values()
    lost = [(row["position"], row["number"]) for row in duties if not row["text"]]
    assert len(lost) == 6
    assert any(row["guessed"] for row in state("shopping-centre").departments.values())


def test_the_own_model_is_planned_with_twenty_posts(company):
    rows = state("own-store-team").positions.values()
    assert sum(row["plan_max"] for row in rows) == 20


def test_links_lead_to_positions_or_keep_the_words_of_the_papers(company):
    links = PositionLink.objects.filter(source__code="oc-4-1-2")
    promoted = links.filter(kind="promotes_to").values_list("to_label", flat=True)
    assert set(promoted) == {"市场总监", "运营总监"}
    named = links.filter(kind="reports_named").values_list("target__title", flat=True)
    assert set(named) == {"市场调研主管", "市场策划主管", "市场推广主管", "市场助理"}
    to_itself = PositionLink.objects.get(source__code="oc-4-1-4", to_label="市场策划主管")
    assert to_itself.target is None


def test_a_title_means_the_post_of_the_same_department_or_the_only_one():
    rows = [
        {"code": "a", "title": "经理", "department": "x", "reports": ["专员", "助理", "经理", "总秘"]},
        {"code": "b", "title": "专(员)", "department": "x"},
        {"code": "c", "title": "专员", "department": "y"},
        {"code": "d", "title": "助理", "department": "y"},
        {"code": "e", "title": "助理", "department": "z"},
    ]
    found = {row["to"] or row["to_label"] for row in link_rows(rows)}
    assert found == {"b", "助理", "经理", "总秘"}


def test_a_lost_duty_keeps_its_number():
    rows = list(duty_rows({"position": "p"}, ["stock|count", None, "plain"], first=5))
    assert [(row["number"], row["area"], row["text"]) for row in rows] == [
        (5, "stock", "count"),
        (6, None, ""),
        (7, None, "plain"),
    ]


def test_the_centre_has_its_duties_and_powers_and_the_hand_offs_their_steps(company):
    live = live_state()
    assert len([key for key in live.duties if key.startswith("d:oc/")]) == 8
    assert {row["kind"] for row in live.authorities.values()} == {
        *("propose", "veto", "dispatch", "assess", "guide", "inspect")
    }
    steps = {flow.name: flow.steps.count() for flow in HandoffFlow.objects.all()}
    assert steps == {"售价": 7, "促销审批": 4}
    assert HandoffFlow.objects.get(code="campaign").steps.get(lost=True).order == 4


def test_the_company_is_entered_through_the_log(company):
    assert check_log() == []


def test_a_new_department_starts_from_any_model(company):
    hr, under = UserFactory(roles=["hr"]), DepartmentFactory()
    for model in OrgModel.objects.all():
        draft = start_from_model(model, under.code, by=hr)
        seen = preview(draft)
        assert (seen.conflicts, seen.faults) == ([], [])
        added = seen.after.departments.keys() - seen.before.departments.keys()
        assert len(added) == len(state_of_model(model).departments)
        tops = [key for key in added if seen.after.departments[key]["parent"] == under.code]
        assert len(tops) == 1
    assert not Department.objects.filter(parent=under).exists()
