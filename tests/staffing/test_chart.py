"""The organisation chart's data: which cards there are, what they say, who may ask, what it costs."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from orgchart import changes
from orgchart.models import Department, Position
from orgchart.state import live_state
from staffing.chart import source
from staffing.chart.tree import DEPARTMENTS, POSITIONS, tree_of
from staffing.chart.view import Chart, nodes_of, view
from tests.factories import DepartmentFactory, PositionFactory, UserFactory

pytestmark = pytest.mark.django_db


def shown(client, **query):
    answer = client.get(reverse("admin:org_chart_data"), query)
    assert answer.status_code == 200
    return answer.json()


def cards(data):
    return {node["id"]: node for node in data["nodes"]}


@pytest.fixture
def reader(company, signed_in, account):
    return signed_in(account("service"))


@pytest.fixture
def hr(company, signed_in, account):
    return signed_in(account("hr"))


def test_every_role_reads_the_chart(company, signed_in, account):
    for username in (
        "strategy",
        "manager",
        "finance",
        "promotion",
        "service",
        "hr",
        "general",
        "admin",
        "auditor",
    ):
        client = signed_in(account(username))
        assert client.get(reverse("admin:org_chart")).status_code == 200
        assert cards(shown(client))["c:"]["children"] > 0


def test_nobody_reads_it_unsigned(client, db):
    assert client.get(reverse("admin:org_chart_data")).status_code == 302


def test_the_store_team_has_twenty_places_and_four_are_short(reader):
    figures = shown(reader, root="ec", depth="3")["figures"]
    assert (figures["plan_min"], figures["filled"], figures["short"]) == (20, 16, 4)
    assert figures["span_max"] == 11


def test_a_group_without_a_head_hangs_where_its_people_report(reader):
    found = cards(shown(reader, root="ec", depth="3"))
    assert found["d:ec-planning"]["parent"] == "p:ec-manager"
    assert found["p:ec-designer"]["parent"] == "d:ec-planning"
    assert found["d:ec-planning"]["short"] == 2


def test_a_covered_seat_stays_short_and_the_cover_is_marked(reader):
    card = cards(shown(reader, root="ec", depth="3"))["p:ec-promoter"]
    assert card["short"] == 1
    assert [holder["kind"] for holder in card["holders"]] == ["concurrent"]


def test_cards_below_the_depth_are_counted(reader):
    whole = shown(reader, root="ec", depth="all")
    one = shown(reader, root="ec", depth="1")
    assert len(one["nodes"]) < len(whole["nodes"])
    positions = [node for node in whole["nodes"] if node["kind"] == "position"]
    assert cards(one)["p:ec-manager"]["below"] == len(positions) - 1


def test_the_view_says_what_lies_outside_it(reader):
    outside = shown(reader, root="ec")["outside"]
    inside = shown(reader, root="ec", depth="all")["nodes"]
    positions = sum(node["kind"] == "position" for node in inside)
    assert outside["above"]["id"] == "p:general-manager"
    assert outside["count"] == Position.objects.exclude(status="closed").count() - positions


def test_departments_are_a_lens_of_their_own(reader):
    found = cards(shown(reader, lens="departments", depth="all"))
    assert {card for card in found if card != "c:"} == {f"d:{d.code}" for d in Department.objects.all()}
    assert found["d:ec"]["short"] == 4


def test_a_tentative_position_approves_no_headcount(company):
    Position.objects.filter(code="ec-designer").update(tentative=True)
    chart = Chart(source.live(), POSITIONS)
    assert chart.by_department["ec"].plan_min == 19
    assert chart.by_department["ec"].short == 3


def test_every_open_position_is_on_the_chart_once(company):
    tree = tree_of(source.live(), POSITIONS)
    drawn = [card for card in tree.below("c:") if card.startswith("p:")]
    assert sorted(drawn) == sorted(f"p:{code}" for code in Position.objects.values_list("code", flat=True))


def test_a_state_gives_the_same_chart_as_the_tables(company):
    today = timezone.localdate()
    live = Chart(source.live(today), POSITIONS)
    kept = Chart(source.of_state(live_state(), today), POSITIONS)
    known = view(live, "c:", None), view(kept, "c:", None)
    for one in known:
        for node in one["nodes"]:
            node.pop("vacant_days", None)
    assert known[0] == known[1]


def of_rows(departments, positions):
    blank = {"order": 0, "status": "active", "kind": "department", "name": "部", "parent": None}
    blank |= {"supporting": False, "cloneable": False, "tentative": False, "guessed": False}
    post = {"title": "岗", "head": False, "plan_min": 1, "plan_max": 1, "plan_note": "", "order": 0}
    post |= {"tentative": False, "guessed": False, "status": "active", "parent": None}
    return source.Source(
        timezone.localdate(),
        {code: blank | row for code, row in departments.items()},
        {code: post | row for code, row in positions.items()},
        {},
        lambda codes: {},
    )


@pytest.mark.parametrize("lens", [POSITIONS, DEPARTMENTS])
def test_circles_and_lost_superiors_never_lose_a_card(lens):
    found = of_rows(
        {"a": {"parent": "b"}, "b": {"parent": "a"}, "c": {"parent": "gone"}},
        {
            "x": {"department": "a", "parent": "y"},
            "y": {"department": "a", "parent": "x"},
            "z": {"department": "c", "parent": "lost"},
            "w": {"department": "nowhere"},
        },
    )
    chart = Chart(found, lens)
    seen = view(chart, "c:", None)
    drawn = {node["id"] for node in seen["nodes"]}
    wanted = {"d:a", "d:b", "d:c"} | ({"p:x", "p:y", "p:z", "p:w"} if lens == POSITIONS else set())
    assert drawn == wanted | {"c:"}
    assert seen["broken"] == (4 if lens == POSITIONS else 2)


def test_more_cards_than_can_be_read_lower_the_depth():
    found = of_rows(
        {"a": {}},
        {"top": {"department": "a", "head": True}}
        | {f"p{n}": {"department": "a", "parent": "top"} for n in range(50)}
        | {f"q{n}": {"department": "a", "parent": f"p{n % 50}"} for n in range(3_200)},
    )
    seen = view(Chart(found, POSITIONS), "c:", None)
    assert seen["lowered"]
    assert len(seen["nodes"]) == 52


def test_the_first_view_costs_at_most_ten_statements(reader, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        few = shown(reader)
    top = PositionFactory(code="extra-top", head=True)
    for _number in range(20):
        PositionFactory(parent=top, department=top.department)
    with django_assert_max_num_queries(10):
        many = shown(reader, depth="all")
    assert len(many["nodes"]) > len(few["nodes"])


@pytest.mark.parametrize(
    ("text", "code"),
    [("推广", "p:ec-promoter"), ("kfzg", "p:ec-service-lead"), ("客服戊", "p:ec-service-agent")],
)
def test_search_finds_positions_and_people_by_name_and_initials(reader, text, code):
    found = reader.get(reverse("admin:org_chart_search"), {"q": text, "root": "ec"}).json()
    assert code in [hit["id"] for hit in found["hits"]]
    assert found["hits"][0]["inside"]


def test_search_offers_what_lies_outside_the_view(reader):
    found = reader.get(reverse("admin:org_chart_search"), {"q": "市场", "root": "ec"}).json()
    assert found["total"] and not found["hits"][0]["inside"]


@pytest.mark.parametrize("query", [{"root": "nobody"}, {"set": "99999"}, {"set": "x"}, {"root": "\x00"}])
def test_what_is_not_there_is_not_found(reader, query):
    assert reader.get(reverse("admin:org_chart_data"), query).status_code in (200, 404)
    if query != {"root": "\x00"}:
        assert reader.get(reverse("admin:org_chart_data"), query).status_code == 404


def test_a_day_that_is_none_is_a_sentence(reader, english):
    answer = reader.get(
        reverse("admin:org_chart_data"), {"on": "tomorrow"}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 409
    assert "no day" in answer.json()["refused"]


def test_another_day_shows_what_was_scheduled_for_it(hr):
    day = timezone.localdate() + timedelta(days=30)
    change_set = changes.draft_set(by=hr.user, title="改名", effective_on=day)
    changes.add_item(change_set, "position", "ec-data", "set", {"title": "数据分析"}, by=hr.user)
    changes.schedule(change_set, by=None)
    later = cards(shown(hr, root="ec", depth="3", on=day.isoformat()))
    assert later["p:ec-data"]["title"] == "数据分析"
    assert cards(shown(hr, root="ec", depth="3"))["p:ec-data"]["title"] == "数据"


def test_the_panel_says_who_really_is_the_superior(reader):
    html = reader.get(reverse("admin:org_chart_post"), {"id": "p:ec-designer"}).content.decode()
    assert "电子商务部经理" in html


def test_a_second_superior_is_told(company):
    made = PositionFactory()
    changes.apply_now(
        [changes.wanted("link", None, "create", {"from": made.code, "kind": "dotted_to", "to": "ec-manager"})]
    )
    chart = Chart(source.live(), POSITIONS)
    assert nodes_of(chart, [f"p:{made.code}"])[0]["dotted"] == ["p:ec-manager"]


def test_paths_tell_missing_targets_and_loops(hr):
    for one, to in (("ec-data", "ec-planner"), ("ec-planner", "ec-data")):
        changes.apply_now(
            [changes.wanted("link", None, "create", {"from": one, "kind": "promotes_to", "to": to})]
        )
    named = {"from": "ec-data", "kind": "promotes_to", "to_label": "总秘"}
    changes.apply_now([changes.wanted("link", None, "create", named)])
    html = hr.get(reverse("admin:org_paths"), {"from": "ec-data"}).content.decode()
    assert "总秘" in html and "绕回来" in html
    answer = hr.get(reverse("admin:org_paths"), {"from": "nobody"})
    assert answer.status_code == 200 and "nobody" in answer.content.decode()


def test_a_draft_is_read_by_those_who_edit(company, signed_in, account):
    change_set = changes.draft_set(by=account("hr"), title="草稿")
    assert (
        signed_in(account("service")).get(reverse("admin:org_chart_data"), {"set": change_set.pk}).status_code
        == 404
    )
    assert (
        signed_in(account("hr")).get(reverse("admin:org_chart_data"), {"set": change_set.pk}).status_code
        == 200
    )


def test_a_company_without_positions_shows_an_empty_chart(db, signed_in):
    DepartmentFactory()
    client = signed_in(UserFactory(roles=["hr"]))
    assert [node["kind"] for node in shown(client)["nodes"]] == ["company", "department"]
