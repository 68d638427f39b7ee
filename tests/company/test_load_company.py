"""The fixtures are the company as BUSINESS describes it, and loading them twice changes nothing."""

from collections import Counter

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from approvals.models import FlowVersion, GuardPolicy
from opsadmin.company import load_company
from opsadmin.company.fixtures import read
from orgchart.models import Department, Position
from staffing import people
from staffing.headcount import by_department, with_headcount
from staffing.models import Assignment, Employee, StoreCharge
from stores.models import Listing, Platform, PriceInForce, Sku, Store

pytestmark = pytest.mark.django_db


def everything():
    """Return how many rows each table holds, and the state of every sequence: what a second run could change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        counts = {}
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM "{table}" t'
            )
            counts[table] = cursor.fetchone()
    return counts


def test_a_second_run_changes_not_one_row(company):
    before = everything()
    assert load_company() == 0
    assert everything() == before


def test_a_second_run_leaves_what_people_have_changed(company):
    Store.objects.filter(code="jd-cslr").update(lead_hours=12)
    Sku.objects.filter(code="CS-BP2204-BK").update(stock=7)
    load_company()
    assert Store.objects.get(code="jd-cslr").lead_hours == 12
    assert Sku.objects.get(code="CS-BP2204-BK").stock == 7


def test_the_command_says_what_it_did(db, capsys):
    call_command("load_company")
    call_command("load_company")
    assert "Nothing to do" in capsys.readouterr().out


def test_seven_stores_trade_with_prices_of_our_own(company):
    taking = Store.objects.taking_prices().unified()
    assert Counter(taking.values_list("platform__code", flat=True)) == {
        "jd": 2,
        "taobao": 2,
        "kaixintao": 2,
        "paipai": 1,
    }
    assert Platform.objects.count() == 6


def test_dangdang_is_consignment_and_amazon_only_planned(company):
    dangdang, amazon = Store.objects.get(code="dd-cslr"), Store.objects.get(code="az-cslr")
    assert (dangdang.mode, dangdang.planned_mode, dangdang.status) == (
        "consignment",
        "self_operated",
        "trading",
    )
    assert amazon.status == "planned"
    assert not Store.objects.taking_prices().filter(code__in=["dd-cslr", "az-cslr"]).exists()


def test_the_store_team_is_planned_with_twenty_posts_of_which_four_are_vacant(company):
    totals = by_department(timezone.localdate())
    team = totals[Department.objects.get(code="ec").pk]
    assert (team.plan, team.filled, team.short, team.concurrent) == (20, 16, 4, 2)


def test_each_group_of_the_team_has_the_plan_of_the_papers(company):
    totals = by_department(timezone.localdate())
    plans = {
        department.name: totals[department.pk].plan
        for department in Department.objects.filter(parent__code="ec")
    }
    assert plans == {"企划组": 4, "运营组": 3, "客服组": 7, "加盟组": 1, "物流组": 3, "财务": 1}


def test_the_vacant_posts_are_those_of_the_papers(company):
    team = Position.objects.filter(code__startswith="ec-")
    short = with_headcount(team, timezone.localdate()).filter(short__gt=0)
    assert set(short.values_list("title", flat=True)) == {"设计", "美编", "策划", "推广"}


def test_logistics_and_finance_are_seconded_by_their_departments(company):
    seconded = Assignment.objects.filter(kind="seconded")
    assert Counter(seconded.values_list("from_department__name", flat=True)) == {"仓库": 3, "财务部": 1}


def test_the_operations_centre_has_nine_departments_and_every_position_of_the_papers(company):
    centre = Department.objects.get(code="oc")
    assert centre.children.count() == 9
    described = Position.objects.filter(department__parent=centre, source_ref__startswith="4.")
    assert described.count() == 39
    assert described.filter(title="商务助理").count() == 3
    helper = Position.objects.get(source_ref="4.1.6")
    assert (helper.title, helper.plan_min, helper.plan_max) == ("市场助理", 1, 2)


def test_a_position_has_a_superior_only_where_the_papers_leave_one():
    rows = [row for row in read("positions")["operations_centre"] if row["source_ref"].startswith("4.")]
    by_code = {row["code"]: row for row in rows}

    def bare(title):
        return title.replace("(", "").replace(")", "")

    for row in rows:
        department = [other for other in rows if other["department"] == row["department"]]
        same = [other for other in department if bare(other["title"]) == bare(row["title"])]
        above = [
            other["code"]
            for other in department
            if bare(row["title"]) in [bare(title) for title in other.get("reports", [])]
        ]
        expected = above[0] if len(above) == 1 and len(same) == 1 else None
        assert row.get("parent") == expected, row["title"]
        assert expected is None or expected in by_code


def test_what_was_rebuilt_by_sense_is_marked(company):
    assert Position.objects.get(code="ec-service-lead").guessed
    assert not Position.objects.get(code="ec-copywriter").guessed
    assert Department.objects.get(code="oc-branch").guessed


def test_the_staff_have_no_names_but_their_posts(company):
    titles = set(Position.objects.values_list("title", flat=True))
    for name in Employee.objects.values_list("name", flat=True):
        post = name.rstrip("甲乙丙丁戊")
        assert any(post[:2] in title for title in titles) or post in ("电商经理", "人事", "审计员"), name


def test_one_person_answers_for_jd_and_two_for_each_other_store(company):
    charges = StoreCharge.objects.on(timezone.localdate()).as_a_whole().exclude(store__code="dd-cslr")
    count = Counter(charges.values_list("store__code", flat=True))
    alone, two = {"jd-cslr", "jd-theme"}, {"tb-cslr", "tb-theme", "kxt-cslr", "kxt-theme", "pp-cslr"}
    assert count == dict.fromkeys(alone, 1) | dict.fromkeys(two, 2)
    jd = charges.filter(store__platform__code="jd")
    assert set(jd.values_list("employee__name", flat=True)) == {"客服乙"}


def test_every_store_is_served_by_an_account_that_can_be_asked(company):
    for store in Store.objects.taking_prices():
        assert people.in_charge_of(store, timezone.localdate()).exists(), store


def test_there_are_at_least_320_goods_of_which_four_fifths_are_common(company):
    goods = Sku.objects.filter(active=True)
    assert goods.count() >= 320
    common = goods.filter(pool="common").count() / goods.count()
    assert 0.78 <= common <= 0.82


def test_every_store_carries_75_to_85_percent_common_goods(company):
    for store in Store.objects.taking_prices():
        pools = Counter(Listing.objects.filter(store=store).values_list("sku__pool", flat=True))
        assert 0.75 <= pools["common"] / pools.total() <= 0.85, store


def test_exclusive_goods_are_listed_in_one_store_only(company):
    for sku in Sku.objects.filter(pool="exclusive"):
        assert sku.listings.count() == 1


def test_some_products_exist_under_both_brands_at_one_price(company):
    shared = 0
    for sku in Sku.objects.filter(brand__code="cslr"):
        twin = Sku.objects.filter(code=sku.code.replace("CS-", "TH-"), product=sku.product).first()
        if twin:
            shared += 1
            amounts = PriceInForce.objects.filter(sku__in=[sku, twin]).values_list("amount", flat=True)
            assert len(set(amounts)) <= 1
    assert shared >= 20


def test_opening_prices_are_one_per_sku_in_every_store_and_above_cost_and_floor(company):
    moment = timezone.now()
    for store in Store.objects.taking_prices():
        listed = Sku.objects.filter(listings__store=store)
        prices = PriceInForce.objects.at(moment).filter(store=store, layer="base")
        assert prices.count() >= listed.count() - 2
    assert not PriceInForce.objects.filter(store__mode="consignment").exists()
    for price in PriceInForce.objects.select_related("sku"):
        assert price.amount > price.sku.cost and price.amount > price.sku.floor_price
        assert price.document_number.startswith("QC-")
        assert price.during.lower < moment and price.during.upper is None


def test_costs_are_fresh_but_for_three_and_missing_but_for_one(company):
    today = timezone.localdate()
    days = Sku.objects.exclude(cost_as_of=None).values_list("cost_as_of", flat=True)
    assert sum((today - day).days > 90 for day in days) == 3
    assert Sku.objects.filter(cost__isnull=True).count() == 1


def test_flows_are_in_use_with_the_steps_of_the_business(company):
    kinds = {
        version.flow.kind: list(version.steps.values_list("kind", flat=True))
        for version in FlowVersion.objects.filter(state="in_use")
    }
    assert kinds == {
        "price_list": ["sign", "sign", "file", "complete", "execute"],
        "promotion": ["sign", "sign", "file", "execute"],
        "reorganisation": ["sign"],
        "hiring_request": ["sign", "sign"],
    }


def test_the_first_guard_policy_is_in_force(company):
    policy = GuardPolicy.objects.get(state="in_force")
    assert policy.version == 1 and policy.limits["G08"] == {"warn": 10, "sign": 30, "block": 60}


def test_history_is_written_for_goods_too(company):
    sku = Sku.objects.first()
    assert sku.history.count() == 1 and sku.product.history.count() == 1
