from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from opsadmin.charts import bars, dots
from opsadmin.core import jobs
from opsadmin.core.models import Job
from opsadmin.dashboard.system import heartbeat_names
from tests.factories import ListingFactory, SkuFactory, StoreFactory, UserFactory
from tests.opsadmin.documents import open_task, price_list
from tests.opsadmin.pages import ROLES, home

LIMIT = 40


@pytest.fixture
def strategist(db):
    return UserFactory(roles=["product_strategy"])


def labels(response):
    return [str(figure["label"]) for figure in response.context_data["figures"]]


def card_titles(response):
    return [str(card["title"]) for card in response.context_data["cards"]]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_begins_with_figures_of_its_own_also_on_an_empty_system(db, signed_in, role):
    response = signed_in(roles=[role]).get(home())
    assert response.status_code == 200
    assert 3 <= len(labels(response)) <= 6
    assert card_titles(response)


def test_the_manager_sees_what_to_do_first_and_how_the_stores_stand(signed_in, strategist):
    client = signed_in(roles=["ecommerce_manager"])
    for n in range(6):
        document = price_list(f"JG-2026-{n:04}", by=strategist, title=f"表 {n}", money_at_risk=100 + n)
        open_task(document, client.user, due=timedelta(hours=n + 1))
    response = client.get(home())
    assert labels(response)[:2] == ["待我处理", "在险金额"]
    assert "¥615" in response.content.decode()
    first = response.context_data["cards"][0]
    assert [row["document"].title for row in first["rows"]] == ["表 0", "表 1", "表 2", "表 3"]
    assert "全部 6 件" in response.content.decode()


def test_finance_sees_the_chain_and_what_waits_for_filing(signed_in, db):
    response = signed_in(roles=["finance"]).get(home())
    assert labels(response)[0] == "待归档"
    assert "最近归档" in card_titles(response)
    assert "归档还从未校验过" in response.content.decode()


def test_a_drafter_sees_what_came_back(signed_in, strategist):
    price_list("JG-2026-0001", by=strategist, state="sent_back", title="要改的")
    response = signed_in(strategist).get(home())
    assert "退回给我" in labels(response)
    assert "要改的" in response.content.decode()


def test_somebody_of_two_offices_sees_both(signed_in, db):
    titles = card_titles(signed_in(roles=["hr", "administrator"]).get(home()))
    assert "缺编岗位" in titles
    assert "定时任务" in titles


def test_customer_service_counts_only_the_stores_in_its_charge(signed_in, db):
    StoreFactory.create_batch(3)
    response = signed_in(roles=["customer_service"]).get(home())
    mine = next(figure for figure in response.context_data["figures"] if figure["label"] == "我的店铺")
    assert mine["value"] == 0


def test_the_mix_of_a_store_outside_the_aim_is_named(signed_in, db):
    good, poor = StoreFactory(name="京东 cslr"), StoreFactory(name="拍拍 cslr")
    for store, common in ((good, 8), (poor, 6)):
        for n in range(10):
            ListingFactory(store=store, sku=SkuFactory(pool="common" if n < common else "campaign"))
    text = signed_in(roles=["ecommerce_manager"]).get(home()).content.decode()
    assert "不在目标内：拍拍 cslr" in text
    assert "80%" in text
    assert "60% 偏低" in text


@pytest.mark.parametrize("role", ["ecommerce_manager", "finance", "product_strategy", "customer_service"])
def test_the_dashboard_costs_the_same_for_few_and_for_many_documents(signed_in, strategist, role):
    client = signed_in(roles=[role])

    def count(first, last):
        for n in range(first, last):
            document = price_list(f"JG-2026-{n:04}", by=strategist, title=f"表 {n}")
            open_task(document, client.user)
            price_list(f"JG-2025-{n:04}", by=client.user, state="draft")
        with CaptureQueriesContext(connection) as captured:
            assert client.get(home()).status_code == 200
        return len(captured)

    few, many = count(0, 5), count(5, 40)
    assert few == many
    assert many <= LIMIT


def test_documents_are_counted_in_the_week_of_shanghai(signed_in, strategist):
    price_list("JG-2026-0001", by=strategist)
    response = signed_in(roles=["ecommerce_manager"]).get(home())
    weeks = next(card for card in response.context_data["cards"] if "bars" in card)
    assert [bar["count"] for bar in weeks["bars"]] == [0] * 7 + [1]
    assert weeks["bars"][-1]["label"] == "本周"
    assert timezone.now() > timezone.now() - timedelta(weeks=8)


def test_the_tallest_bar_reaches_the_top_and_none_is_no_bar():
    tall, none, low = bars([("a", 31), ("b", 0), ("c", 15)])
    assert (tall["y"], tall["height"]) == (32.0, 150.0)
    assert none["height"] == 0
    assert 0 < low["height"] < 150
    assert low["strong"]
    assert not tall["strong"]


def test_a_share_below_the_scale_stands_at_its_edge():
    chart = dots([("a", 81), ("b", 20)], 75, 85)
    inside, outside = chart["rows"]
    assert not inside["low"]
    assert outside["low"]
    assert outside["x"] == chart["ticks"][0]["x"]


def test_every_periodic_job_and_every_kind_of_work_is_called_by_a_name(settings):
    rung = {entry["task"].rpartition(".")[2] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert rung == set(heartbeat_names())
    assert set(jobs.HANDLERS) == set(jobs.PAGES) | set(jobs.NAMES)


def test_work_that_another_version_ordered_is_named_too(db, signed_in):
    Job.objects.create(kind="judge_rows_of_old", payload={})
    Job.objects.create(kind=next(iter(jobs.PAGES)), payload={})
    response = signed_in(roles=["administrator"]).get(home())
    assert response.content.decode().count("后台任务</th>") == 2
