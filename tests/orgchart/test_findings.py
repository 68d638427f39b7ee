"""Signs of a bad structure: every contradiction of the company's papers is found, a corrected copy gives none."""

import pytest

from opsadmin.company.models import full
from orgchart.changes import project, wanted
from orgchart.findings import RULES, Case, Limits, check
from orgchart.findings.similar import alike, cosine, grams
from orgchart.state import OrgState
from tests.orgchart.papers import MODELS, corrected, live_case, model_case

# rule, key, the paper's reference, words that the evidence must show
OF_THE_PAPERS = [
    ("two_superiors", ("oc-4-1-4", "oc-4-1-5"), "4.1.4, 4.1.5", ["市场策划专员", "媒介专员", "产品专员", "企划专员"]),
    ("two_superiors", ("oc-4-3-2", "oc-4-4-4"), "4.3.2, 4.4.4", ["销售(各组)主管", "区域主管", "销售助理"]),
    ("two_superiors", ("oc-4-3-3", "oc-4-3-6"), "4.3.3, 4.3.6", ["资深销售代表", "销售代表"]),
    ("described_twice", ("oc-business", "商务助理"), "4.2.8, 4.2.12, 4.2.13", ["商务助理"]),
    ("same_title_elsewhere", ("媒介专员",), "4.1.11, 4.2.4", ["媒介专员"]),
    ("undescribed_report", ("oc-market",), "4.1.3–4.1.5", ["市场分析师", "企划专员"]),
    ("undescribed_report", ("oc-relations",), "4.4.2", ["公关策划师", "公关媒介经理", "新闻发言人"]),
    ("reports_to_nobody", ("oc-market",), "4.1.7, 4.1.13–4.1.17", ["数据分析师", "策划文案", "SEO专员", "互动专员"]),
    ("reports_to_nobody", ("oc-business",), "4.2.4", ["媒介专员"]),
    ("rotates_to_itself", ("oc-market",), "4.1.4, 4.1.5, 4.1.10, 4.1.16",
     ["市场策划主管", "市场推广主管", "市场策划专员", "市场推广专员"]),
    ("promotes_into_nothing", ("oc-market",), "4.1.2–4.1.12",
     ["市场总监", "运营总监", "战略发展总监", "企划总监", "市场部下设主管职位", "产品主管", "项目主管", "项目经理"]),
    ("promotes_into_nothing", ("oc-business",), "4.2.2–4.2.14",
     ["资深媒体人", "资深(BD)商务拓展专员", "法律事务部经理", "总秘", "商务拓展部主管", "媒体合作主管"]),
    ("promotes_into_nothing", ("oc-sales",), "4.3.2, 4.3.7", ["市场总监", "运营总监", "总秘"]),
    ("promotes_into_nothing", ("oc-relations",), "4.4.2–4.4.4", ["公关总监", "资深公关策划师"]),
    ("rotates_into_nothing", ("oc-market",), "4.1.2", ["商务部经理", "产品(项目)经理"]),
    ("dead_end", ("oc-market",), "4.1.9–4.1.17", ["调研助理", "互动专员"]),
    ("unconfirmed_plan", ("ec-service",), "S0 二.5 客服主管", ["客服主管"]),
    ("unconfirmed_plan", ("ec-franchise",), "S0 二.5 加盟主管", ["加盟主管"]),
    ("unconfirmed_plan", ("ec-planning",), "S0 二.5 效果(图)", ["效果(图)"]),
    ("span_too_wide", ("ec-manager",), "S0 二.5", ["电子商务部经理"]),
    ("step_without_owner", ("price", "4"), "S0 二.5 售价", ["提交清单"]),
    ("lost_step", ("campaign", "4"), "S0 二.5 促销审批", []),
    ("power_without_duty", ("department", "oc"), "S0 运营中心", ["生产经营计划"]),
]  # fmt: skip
OF_THE_MODELS = [
    ("tmall-initial", "all_rounder", ("tmall-initial-p1",), "S0 天猫运营初期"),
    ("tmall-initial", "lost_duties", ("position", "tmall-initial-p7"), "理货 4, 6"),
    ("tmall-initial", "lost_duties", ("position", "tmall-initial-p8"), "售前客服 1"),
    ("tmall-initial", "lost_duties", ("position", "tmall-initial-p10"), "物流订单 4"),
    ("tmall-initial", "lost_duties", ("position", "tmall-initial-p11"), "打包 2"),
    ("tmall-initial", "lost_duties", ("position", "tmall-initial-p12"), "技术 4"),
    ("tmall-initial", "main_duty_overlap", ("campaigns",), "运营总监 7, 营销推广 4"),
    ("mall-classic", "part_of_two", ("mall-classic-d8",), "S2 前台收银部"),
    ("mall-classic", "total_unlike_parts", ("duties", "总经理"), "S2 总经理 7 and 11"),
    ("plaza", "part_of_two", ("plaza-d6",), "S2 财务"),
    ("plaza", "total_unlike_parts", ("departments", ""), "S2 seven departments, nine named"),
    ("ecommerce-early", "main_duty_overlap", ("channels",), "S2 网络分销部, 商务拓展部(BD)"),
]


@pytest.fixture(scope="module")
def of_live():
    return {(one.rule, one.keys): one for one in check(live_case())}


def words_of(found):
    names = [subject["name"] for subject in found.evidence["subjects"]]
    return " ".join([*names, *(word for line in found.evidence["lines"] for word in line["marked"])])


@pytest.mark.parametrize(("rule", "keys", "paper", "words"), OF_THE_PAPERS)
def test_each_contradiction_of_the_papers_is_found(of_live, rule, keys, paper, words):
    found = of_live[rule, keys]
    assert [word for word in words if word not in words_of(found)] == [], paper
    assert found.evidence["lines"]


@pytest.mark.parametrize(("model", "rule", "keys", "paper"), OF_THE_MODELS)
def test_each_contradiction_of_the_models_is_found(model, rule, keys, paper):
    assert (rule, keys) in {(one.rule, one.keys) for one in check(model_case(model))}, paper


@pytest.mark.parametrize("code", MODELS)
def test_a_corrected_copy_of_a_model_gives_none(code):
    assert check(corrected(model_case(code))) == []


def test_a_corrected_copy_of_the_live_organisation_gives_none():
    assert check(corrected(live_case())) == []


def test_the_store_team_adds_up_to_its_stated_twenty():
    assert [one for one in check(model_case("own-store-team")) if one.rule == "total_unlike_parts"] == []


def test_the_operations_director_of_the_beginning_is_the_greatest_all_rounder():
    found = [one for one in check(model_case("tmall-initial")) if one.rule == "all_rounder"]
    assert found[0].keys == ("tmall-initial-p1",)
    assert found[0].measured == 10


def post(code, **values):
    return full(
        "position", {"code": code, "title": values.pop("title", code.upper()), "department": "d", **values}
    )


def duty(position, number, text, area=None, role="main"):
    row = {"position": position, "number": number, "text": text, "area": area, "role": role}
    return f"p:{position}/{number}", full("duty", row)


def org(*posts, links=(), duties=(), powers=()):
    return OrgState(
        departments={"d": full("department", {"code": "d", "name": "D", "kind": "department"})},
        positions={row["code"]: row for row in posts},
        links={f"{s}>{k}>{t}": full("link", {"from": s, "kind": k, **target(t, posts)}) for s, k, t in links},
        duties=dict(duties),
        authorities={
            f"p:{p}/1": full("authority", {"position": p, "number": 1, "area": a, "kind": "decide"})
            for p, a in powers
        },
    )


def target(name, posts):
    known = name in {row["code"] for row in posts}
    return {"to": name} if known else {"to_label": name}


def rules_of(state, **more):
    return {one.rule: one for one in check(Case(state, **more))}


def test_a_circle_is_found_once_and_does_not_hang():
    found = [
        one for one in check(Case(org(post("a", parent="b"), post("b", parent="a")))) if one.rule == "circle"
    ]
    assert [one.keys for one in found] == [("position", "a", "b")]


def test_a_report_that_its_superior_does_not_name():
    state = org(
        post("a", head=True),
        post("b", parent="a"),
        post("c", parent="a"),
        links=[("a", "reports_named", "b")],
    )
    assert rules_of(state)["not_named_back"].evidence["subjects"][0]["key"] == "c"


def test_a_chart_deeper_than_the_limit():
    posts = [post("p0", head=True), *(post(f"p{n}", parent=f"p{n - 1}") for n in range(1, 8))]
    assert rules_of(org(*posts))["too_many_layers"].measured == 8
    assert "too_many_layers" not in rules_of(org(*posts), limits=Limits(layers_max=8))


def test_a_superior_of_too_few():
    state = org(post("a", head=True), post("b", parent="a"))
    assert rules_of(state, limits=Limits(span_min=2))["span_too_wide"].measured == 1
    assert "span_too_wide" not in rules_of(state)


def test_the_same_area_and_main_role_is_a_conflict_and_assisting_is_none():
    duties = [duty("a", 1, "直通车日常优化", "train"), duty("b", 1, "写报告", "train")]
    assert rules_of(org(post("a"), post("b"), duties=duties))["main_duty_overlap"].severity == "sign"
    duties[1] = duty("b", 1, "写报告", "train", "assist")
    assert "main_duty_overlap" not in rules_of(org(post("a"), post("b"), duties=duties))


def test_a_departments_duty_that_its_own_post_carries_is_no_overlap():
    state = org(post("a"), duties=[duty("a", 1, "管理直通车", "train")])
    state.duties["d:d/1"] = full("duty", {"department": "d", "number": 1, "text": "直通车", "area": "train"})
    assert "main_duty_overlap" not in rules_of(state)


def test_a_power_for_nothing_and_a_duty_without_power():
    state = org(post("a"), duties=[duty("a", 1, "定价", "price")], powers=[("a", "stock")])
    found = rules_of(state)
    assert found["power_without_duty"].keys == ("position", "a")
    assert found["duty_without_power"].severity == "warn"


def test_a_tentative_post_in_the_plan_is_graver_than_a_guessed_one():
    found = rules_of(org(post("a", tentative=True, plan_min=1, plan_max=1)))
    assert found["unconfirmed_plan"].severity == "warn"


def test_a_group_whose_posts_do_not_add_up():
    state = org(post("a", plan_min=1), post("b", plan_min=1))
    found = rules_of(state, stated={"groups": {"D": 3}})["total_unlike_parts"]
    assert (found.measured, found.limit) == (2, 3)


def test_what_a_draft_would_bring_about_is_judged_like_the_live_organisation():
    state = org(post("a", head=True), *(post(f"b{n}", parent="a") for n in range(8)))
    drafted, _conflicts = project(
        state, [wanted("position", "c", "create", {"title": "C", "department": "d", "parent": "a"})]
    )
    assert "span_too_wide" not in rules_of(state)
    assert rules_of(drafted)["span_too_wide"].measured == 9


def test_what_is_closed_is_not_judged():
    assert check(Case(org(post("a", status="closed", tentative=True, plan_min=1)))) == []


PLANTED = [
    ("直通车日常优化与标题关键词 SEO", "直通车的日常优化、标题关键词SEO"),
    ("线上日常活动专题与广告创意策划", "策划线上日常活动专题和广告创意"),
    ("每日订单整理备份", "每日对订单进行整理、备份"),
    ("解答在线售后问题", "在线解答客户的售后问题"),
    ("培训员工产品知识", "给员工培训产品知识"),
    ("店铺装修设计制作", "负责店铺装修设计与制作"),
]


def test_planted_overlaps_are_found_and_little_else(capsys):
    """Precision on the company's own duties, six rewordings planted; very short ones share too few sequences."""
    texts = {key: row["text"] for key, row in model_case("tmall-initial").state.duties.items() if row["text"]}
    originals = {text: key for key, text in texts.items()}
    texts |= {f"planted-{number}": other for number, (_text, other) in enumerate(PLANTED)}
    truth = {frozenset((originals[text], f"planted-{n}")) for n, (text, _other) in enumerate(PLANTED)}
    pairs = {frozenset(pair[:2]) for pair in alike(texts, Limits().similarity)}
    recall = len(truth & pairs) / len(truth)
    precision = len(truth & pairs) / len(pairs)
    with capsys.disabled():
        print(f"\nplanted overlaps: precision {precision:.2f}, recall {recall:.2f}, {len(texts)} duties")
    assert recall >= 0.5
    assert precision >= 0.9


def test_likeness_is_one_for_the_same_and_none_for_strangers():
    assert cosine(grams("每日订单整理"), grams("每日订单整理")) == pytest.approx(1)
    assert cosine(grams("每日订单整理"), grams("直通车优化")) == 0


def test_every_rule_is_proven_here(of_live):
    of_models = {one.rule for code in MODELS for one in check(model_case(code))}
    elsewhere = {"circle", "not_named_back", "too_many_layers", "similar_duties", "copy_drifted"}
    assert {rule for rule, _keys in of_live} | of_models | elsewhere >= RULES.keys()


def test_similar_wording_in_two_posts_is_a_suggestion():
    duties = [duty("a", 1, PLANTED[0][0], "one"), duty("b", 1, PLANTED[0][1], "two")]
    found = rules_of(org(post("a"), post("b"), duties=duties))["similar_duties"]
    assert found.severity == "info"
    assert "日常优化" in found.evidence["lines"][0]["marked"]
