from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals import waiting
from approvals.models import Document, PriceList, Process, Step, Task
from tests.factories import StoreFactory, UserFactory
from tests.opsadmin.documents import flow_step, open_task, price_list
from tests.opsadmin.pages import home, read

LIMIT = 25


@pytest.fixture
def manager(db):
    return UserFactory(roles=["ecommerce_manager"])


@pytest.fixture
def strategist(db):
    return UserFactory(roles=["product_strategy"])


def many(count, *, by, assignee, start=1, done=False):
    """Write documents in approval with one task each, three statements per table whatever their number."""
    now = timezone.now()
    step_of_flow = flow_step()
    numbers = [f"JG-2026-{n:06}" for n in range(start, start + count)]
    Document.objects.bulk_create(
        Document(
            number=number,
            kind="price_list",
            title=f"价格表 {number}",
            state="in_approval",
            drafted_by=by,
            submitted_by=by,
            submitted_at=now,
            content_hash="0" * 64,
            effective_from=now + timedelta(days=9),
        )
        for number in numbers
    )
    documents = list(Document.objects.filter(number__in=numbers).order_by("number"))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO approvals_pricelist (document_ptr_id, list_kind) "
            "SELECT id, 'regular' FROM approvals_document WHERE number = ANY(%s)",
            [numbers],
        )
    processes = Process.objects.bulk_create(
        Process(
            document=document,
            round=1,
            flow_version=step_of_flow.version,
            submitted_by=by,
            submitter={"position": "产品策略专员"},
            content_hash="0" * 64,
            started_at=now,
        )
        for document in documents
    )
    steps = Step.objects.bulk_create(
        Step(
            process=process,
            flow_step=step_of_flow,
            order=step_of_flow.order,
            kind="sign",
            name="审核签字",
            quorum="any",
            state="active",
        )
        for process in processes
    )
    Task.objects.bulk_create(
        Task(
            step=step,
            document=step.process.document,
            assignee=assignee,
            because="岗位：电商经理",
            state="open",
            opened_at=now,
            due_at=now + timedelta(minutes=n),
        )
        for n, step in enumerate(steps)
    )


def titles(response):
    return [row["document"].title for row in response.context_data["rows"]]


def queries(client, address):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(address)
        assert response.status_code == 200
    return len(captured)


@pytest.mark.parametrize("tab", ["", "?tab=submitted", "?tab=decided"])
def test_the_inbox_costs_the_same_for_10_and_for_3000_documents(signed_in, strategist, manager, tab):
    many(10, by=strategist, assignee=manager)
    signed_in(strategist).get(home("inbox"))
    few = queries(signed_in(strategist if "submitted" in tab else manager), home("inbox") + tab)
    many(2990, by=strategist, assignee=manager, start=11)
    much = queries(signed_in(strategist if "submitted" in tab else manager), home("inbox") + tab)
    assert few == much
    assert much <= LIMIT


def test_above_99_nothing_is_counted_further_and_no_false_sum_is_shown(signed_in, strategist, manager):
    many(120, by=strategist, assignee=manager)
    response = signed_in(manager).get(home("inbox"))
    figures = response.context_data["figures"]
    assert str(figures.count) == "99+"
    assert figures.money is None
    assert "在险金额合计" not in response.content.decode()


def test_tasks_stand_by_their_latest_safe_moment_and_the_overdue_first(signed_in, strategist, manager):
    open_task(price_list("JG-2026-0001", by=strategist, title="明天"), manager, due=timedelta(days=1))
    open_task(price_list("JG-2026-0002", by=strategist, title="没有期限"), manager, due=None)
    open_task(price_list("JG-2026-0003", by=strategist, title="过期"), manager, due=-timedelta(hours=1))
    open_task(price_list("JG-2026-0004", by=strategist, title="马上"), manager, due=timedelta(hours=1))
    response = signed_in(manager).get(home("inbox"))
    assert titles(response) == ["过期", "马上", "明天", "没有期限"]
    assert response.content.decode().count("已超时") == 1


def test_a_row_says_from_whom_how_risky_how_long_and_why_me(signed_in, strategist, manager):
    document = price_list(
        "JG-2026-0001",
        by=strategist,
        title="保温杯跟价",
        kind="emergency",
        sign_count=1,
        warn_count=12,
        info_count=3,
        line_count=5000,
        money_at_risk=2140,
        store_label="全部 7 店",
    )
    open_task(document, manager, waited=timedelta(minutes=38))
    text = signed_in(manager).get(home("inbox")).content.decode()
    for words in (
        "保温杯跟价",
        "JG-2026-0001",
        "紧急价格表",
        "产品策略专员",
        "全部 7 店",
        "5,000",
        "升签 1",
        "警告 12",
        "¥2,140",
        "38 分钟",
        "岗位：电商经理",
    ):
        assert words in text, words
    assert "提示 3" not in text


def test_nobody_finds_what_waits_for_another(signed_in, strategist, manager):
    open_task(price_list("JG-2026-0001", by=strategist), manager)
    response = signed_in(roles=["ecommerce_manager"]).get(home("inbox"))
    assert response.context_data["rows"] == []
    assert "没有等你处理的单据" in response.content.decode()


def test_the_inbox_does_not_exist_for_those_who_are_never_given_tasks(db, signed_in):
    for role in ("administrator", "auditor"):
        assert signed_in(roles=[role]).get(home("inbox")).status_code == 404


def test_a_store_task_names_its_store(signed_in, strategist, manager):
    document = price_list("JG-2026-0001", by=strategist, state="filed", store_label="全部 7 店")
    open_task(document, manager, kind="execute", store=StoreFactory(name="拍拍 cslr"))
    text = signed_in(manager).get(home("inbox")).content.decode()
    assert "拍拍 cslr" in text
    assert "全部 7 店" not in text


def test_the_pages_hold_every_task_once_also_those_without_a_deadline(signed_in, strategist, manager):
    many(60, by=strategist, assignee=manager)
    Task.objects.filter(document__number__gt="JG-2026-000040").update(due_at=None)
    same = timezone.now() + timedelta(hours=2)
    Task.objects.filter(document__number__lte="JG-2026-000020").update(due_at=same)
    client, seen, address = signed_in(manager), [], home("inbox")
    while address:
        response = client.get(address)
        seen += titles(response)
        address = response.context_data["pager"]["next"]
    assert len(seen) == len(set(seen)) == 60


@pytest.mark.parametrize(
    "query",
    [
        "tab=nonsense",
        "kind=nonsense",
        "after=nonsense",
        "after=none_x",
        "after=2026-13-45_1",
        "after=2026-11-22T10:00:00_1",
        "after=none_99999999999999999999999",
        "tab=submitted&after=99999999999999999999999",
        "tab=decided&after=none_1",
        "tab=submitted&after=%00",
    ],
)
def test_an_address_that_was_never_given_out_is_no_error(signed_in, manager, query):
    assert signed_in(manager).get(f"{home('inbox')}?{query}").status_code == 200


def test_the_kinds_can_be_told_apart(signed_in, strategist, manager):
    open_task(price_list("JG-2026-0001", by=strategist), manager)
    client = signed_in(manager)
    assert len(client.get(f"{home('inbox')}?kind=price_list").context_data["rows"]) == 1
    response = client.get(f"{home('inbox')}?kind=promotion")
    assert response.context_data["rows"] == []
    assert "没有等你处理的这类单据" in response.content.decode()


def test_what_i_started_says_where_it_is_and_who_has_it(signed_in, strategist, manager):
    open_task(price_list("JG-2026-0001", by=strategist, title="在审"), manager)
    price_list("JG-2026-0002", by=strategist, title="草稿", state="draft")
    price_list("JG-2026-0003", by=strategist, title="作废", state="cancelled")
    response = signed_in(strategist).get(f"{home('inbox')}?tab=submitted")
    assert titles(response) == ["草稿", "在审"]
    text = response.content.decode()
    assert "审核签字" in text
    assert str(manager) in text
    assert "在我这里" in text


def test_an_empty_inbox_says_what_was_last_done_and_what_is_coming(signed_in, strategist, manager):
    done = open_task(price_list("JG-2026-0001", by=strategist), manager)
    Task.objects.filter(pk=done.pk).update(state="done", closed_at=timezone.now())
    coming = open_task(price_list("JG-2026-0002", by=strategist, title="下一份"), manager)
    Task.objects.filter(pk=coming.pk).update(state="planned")
    Step.objects.filter(pk=coming.step_id).update(state="waiting")
    text = signed_in(manager).get(home("inbox")).content.decode()
    assert "JG-2026-0001" in text
    assert "今天共处理 1 件" in text
    assert "即将到你" in text
    assert "下一份" in text


def test_rows_can_be_walked_by_keys_and_opened_by_one_link_each(signed_in, strategist, manager):
    open_task(price_list("JG-2026-0001", by=strategist), manager)
    page = read(signed_in(manager).get(home("inbox")))
    rows = [attrs for tag, attrs in page.tags if "data-row" in attrs]
    assert rows == [{"data-row": None, "tabindex": "-1"}]


def test_the_money_of_a_document_counts_once_however_many_tasks_it_has(strategist, manager):
    document = price_list("JG-2026-0001", by=strategist, state="filed", money_at_risk=100)
    for _n in range(3):
        open_task(document, manager, kind="execute", store=StoreFactory())
    found = waiting.figures(manager)
    assert (found.count.n, found.money, found.largest) == (3, 100, 100)
    assert PriceList.objects.count() == 1
