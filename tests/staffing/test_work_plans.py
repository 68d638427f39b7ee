"""Work plans: progress against what is due, milestones, review, copies, files, notices, and who may."""

from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from opsadmin.core import jobs, uploads
from opsadmin.core.models import Notice
from opsadmin.core.refusals import Refusal
from staffing.models import Milestone, Objective, WorkPlan
from staffing.plans import services, table
from staffing.plans.notices import tell_of_milestones
from staffing.plans.progress import phases, standing, weeks_late
from tests.factories import (
    AccountFactory,
    AssignmentFactory,
    DepartmentFactory,
    EmployeeFactory,
    PositionFactory,
    UserFactory,
)
from tests.uploads import finished

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
START = date(2030, 1, 7)


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def hr():
    return UserFactory(roles=["hr"])


@pytest.fixture
def plan(hr, today):
    """A plan in its second week."""
    made = services.create_plan(
        title="第一季度",
        department=DepartmentFactory(),
        owner=EmployeeFactory(),
        start=today - timedelta(days=10),
        by=hr,
    )
    return services.change_plan(made.pk, state="running", by=hr)


def objective(plan, hr, **values):
    return services.save_objective(plan.pk, by=hr, **{"title": "销售额", "start": 0, "target": 100} | values)


def milestone(plan, hr, **values):
    return services.save_milestone(plan.pk, by=hr, **{"title": "装修", "due": plan.start} | values)


def head_of(department):
    """Return an account whose employee heads the department."""
    account = AccountFactory()
    AssignmentFactory(employee=account.employee, position=PositionFactory(department=department, head=True))
    return account.user


@pytest.mark.parametrize(
    ("start", "target", "actual", "day", "due", "behind"),
    [
        ("0", "84", "10", 6, "7.00", "0"),
        ("0", "84", "5", 6, "7.00", "2.00"),
        ("0", "84", None, 6, "7.00", "7.00"),
        ("10", "1.6", "9.5", 9, "9.00", "0.50"),
        ("10", "1.6", "8", 9, "9.00", "0"),
        ("0", "84", "84", 400, "84.00", "0"),
        ("0", "84", "0", -5, "0.00", "0"),
    ],
)
def test_what_is_due_grows_evenly_and_less_may_be_better(start, target, actual, day, due, behind):
    plan = WorkPlan(start=START, weeks=12)
    row = Objective(start=Decimal(start), target=Decimal(target), actual=actual and Decimal(actual))
    found = standing(row, plan, START + timedelta(days=day))
    assert (found.due, found.behind) == (Decimal(due), Decimal(behind))
    assert 0 <= found.share <= 1


def test_a_quarter_has_the_phases_of_the_papers():
    assert [(first, last) for _word, first, last in phases(12)] == [(1, 2), (3, 6), (7, 8), (9, 10), (11, 12)]
    assert phases(1)[-1][2] == 1 and phases(53)[-1][2] == 53


@pytest.mark.parametrize(("days", "weeks"), [(0, 0), (1, 1), (7, 1), (8, 2)])
def test_a_begun_week_counts_as_late(days, weeks):
    assert weeks_late(Milestone(due=START), START + timedelta(days=days)) == weeks


def test_the_fixtures_are_the_quarter_and_the_two_launches(company, today):
    plans = {row.store and row.store.code: row for row in WorkPlan.objects.exclude(state="closed")}
    assert set(plans) == {None, "dd-cslr", "az-cslr"}
    quarter = plans[None]
    assert quarter.week_of(today) == 8 and quarter.copied_from.state == "closed"
    assert quarter.objectives.count() == 4 and quarter.milestones.count() == 7


def test_the_page_shows_bars_weeks_and_what_is_late(company, signed_in):
    plan = WorkPlan.objects.get(state="running", store=None)
    answer = signed_in(roles=["customer_service"]).get(reverse("admin:workplan", args=[plan.pk]))
    page = answer.content.decode()
    assert answer.context["late"] == 1 and answer.context["behind"] >= 1
    assert "▲" in page and "ob-progress" in page and "Enter progress" not in page


def test_everybody_reads_and_heads_and_hr_edit(plan, hr, signed_in):
    url, edit = (reverse(f"admin:{name}", args=[plan.pk]) for name in ("workplan", "workplan_edit"))
    assert signed_in(roles=["customer_service"]).get(url).status_code == 200
    assert signed_in(roles=["ecommerce_manager"]).get(edit).status_code == 404
    assert signed_in(hr).get(edit).status_code == 200
    assert signed_in(head_of(plan.department)).get(edit).status_code == 200
    other = head_of(DepartmentFactory())
    assert signed_in(other).get(edit).status_code == 404
    with pytest.raises(PermissionDenied):
        services.change_plan(plan.pk, title="x", by=other)


def test_the_head_of_a_department_above_edits_too_and_no_longer_once_the_post_ends(plan, today):
    above = DepartmentFactory()
    plan.department.parent = above
    plan.department.save()
    user = head_of(above)
    services.change_plan(plan.pk, title="neu", by=user)
    user.account.employee.assignments.update(end=today)
    with pytest.raises(PermissionDenied):
        services.change_plan(plan.pk, title="neuer", by=user)


def test_a_past_milestone_is_finished_or_given_a_reason_but_not_moved(plan, hr, today):
    late = milestone(plan, hr)
    with pytest.raises(Refusal, match="cannot be moved"):
        services.save_milestone(plan.pk, by=hr, pk=late.pk, due=today)
    services.save_milestone(plan.pk, by=hr, pk=late.pk, reason="设计空缺")
    services.save_milestone(plan.pk, by=hr, pk=late.pk, done_on=today)
    late.refresh_from_db()
    assert (late.reason, late.done_on) == ("设计空缺", today)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"due": date(2031, 1, 1)}, "outside the plan"),
        ({"first_week": 3}, "begins after"),
        ({"done_on": date(2099, 1, 1)}, "to come"),
    ],
)
def test_a_milestone_lies_in_the_plan_and_is_not_done_in_the_future(plan, hr, values, sentence):
    with pytest.raises(Refusal, match=sentence):
        milestone(plan, hr, **values)


def test_an_objective_moves(plan, hr):
    with pytest.raises(ValidationError, match="nothing would have to happen"):
        objective(plan, hr, target=0)


def test_a_plan_closes_with_its_review_and_never_changes_again(plan, hr):
    row = objective(plan, hr)
    with pytest.raises(Refusal, match="Say what was done"):
        services.review(plan.pk, achieved="", missed="", changes="x", by=hr, close=True)
    with pytest.raises(Refusal, match="closed with its review"):
        services.change_plan(plan.pk, state="closed", by=hr)
    services.review(plan.pk, achieved="做成了", missed="", changes="", by=hr, close=True)
    with pytest.raises(Refusal, match="does not change any more"):
        services.save_objective(plan.pk, by=hr, pk=row.pk, actual=5)


def test_a_copy_begins_where_the_last_plan_stands_and_leaves_what_was_done(plan, hr, today):
    objective(plan, hr, actual=40, measures=["一", "二"])
    milestone(plan, hr, done_on=today)
    start = plan.start + timedelta(weeks=12)
    made = services.copy_plan(plan.pk, start=start, title="第二季度", by=hr)
    row, point = made.objectives.get(), made.milestones.get()
    assert (row.start, row.actual, [measure.text for measure in row.measures.all()]) == (
        40,
        None,
        ["一", "二"],
    )
    assert (point.due, point.done_on, made.state) == (start, None, "draft")


def file_of(plan):
    book = BytesIO()
    from opsadmin.core import spreadsheets

    spreadsheets.write_xlsx(book, [table.sheet_of(plan)])
    book.seek(0)
    return book


def everything(plan):
    fields = ("title", "note", "unit", "start", "target", "actual", "cause", "owner", "measures__text")
    return [
        list(plan.objectives.order_by("pk", "measures__order").values_list(*fields)),
        list(
            plan.milestones.order_by("pk").values_list(
                "title", "first_week", "due", "done_on", "reason", "owner"
            )
        ),
    ]


def brought_in(plan, file, *, by):
    """Let a job bring a file into a plan and return its result."""
    upload = SimpleUploadedFile("plan.xlsx", file.getvalue())
    job = uploads.order(table.JOB, upload, {"plan": plan.pk}, by=by, limits=table.LIMITS)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == "done", job.error
    return job.result


def test_what_is_exported_comes_in_again_without_a_change(company, hr):
    plan = WorkPlan.objects.get(state="running", store=None)
    before = everything(plan)
    result = brought_in(plan, file_of(plan), by=hr)
    assert result == {"rows": 4 + 4 + 7, "faults": []}
    assert everything(plan) == before


def test_a_file_brings_in_new_rows(plan, hr):
    book = openpyxl.load_workbook(file_of(plan))
    book.active.append(["Objective", "退货率", "", "%", 5, 3, None, None, None, None, None, None])
    book.active.append(["Measure", "包装改进"])
    book.active.append(["Milestone", "上线", *[None] * 5, 1, plan.start + timedelta(days=13)])
    target = BytesIO()
    book.save(target)
    assert brought_in(plan, target, by=hr) == {"rows": 3, "faults": []}
    assert plan.objectives.get().measures.get().text == "包装改进" and plan.milestones.get().title == "上线"


def test_faults_name_sheet_row_and_column_and_nothing_is_stored(plan, hr, signed_in):
    rows = [
        ["Measure", "ohne Ziel"],
        ["Objective", "退货率", "", "%", 5, None],
        ["Objective", "好评率", "", "%", 5, 6, None, None, None, "E999999"],
        ["Milestone", "上线", *[None] * 5, 1, date(2001, 1, 1)],
        ["Objective", "毛利", "", "%", 5, 6],
    ]
    book = openpyxl.load_workbook(file_of(plan))
    for row in rows:
        book.active.append(row)
    target = BytesIO()
    book.save(target)
    upload = SimpleUploadedFile("plan.xlsx", target.getvalue())
    client = signed_in(hr)
    answer = finished(client, client.post(reverse("admin:workplan_import", args=[plan.pk]), {"file": upload}))
    assert "Nothing was brought in" in answer.content.decode() and not plan.objectives.exists()
    faults = answer.context["imported"]["faults"]
    assert [(fault["row"], fault["column"]) for fault in faults] == [
        (2, "Kind"),
        (3, "Target value"),
        (4, "Owner's staff number"),
        (5, ""),
    ]
    assert all(fault["sheet"] for fault in faults)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nonsense", b"\xff\xfe\x00"])
def test_an_unreadable_file_is_a_sentence(plan, hr, signed_in, content):
    upload = SimpleUploadedFile("plan.xlsx", content)
    url = reverse("admin:workplan_import", args=[plan.pk])
    client = signed_in(hr)
    answer = finished(client, client.post(url, {"file": upload}))
    told = [str(message) for message in get_messages(answer.wsgi_request)]
    assert answer.status_code in (200, 302) and (told or answer.context["imported"]["refused"])


def test_owners_are_told_once_before_a_milestone_is_due_and_once_when_it_is_late(plan, hr, today):
    owner = AccountFactory()
    milestone(plan, hr, due=today + timedelta(days=2), owner=owner.employee)
    for _n in range(2):
        tell_of_milestones(today)
    assert Notice.objects.filter(user=owner.user).count() == 1
    for _n in range(2):
        tell_of_milestones(today + timedelta(days=3))
    texts = Notice.objects.filter(user=owner.user).order_by("pk").values_list("text", flat=True)
    assert len(texts) == 2 and "is due on" in texts[0] and "was due on" in texts[1]


def test_nobody_is_told_of_drafts_done_or_distant_milestones(plan, hr, today):
    owner = AccountFactory()
    milestone(plan, hr, owner=owner.employee, done_on=today)
    milestone(plan, hr, title="spät", due=today + timedelta(days=4), owner=owner.employee)
    tell_of_milestones(today)
    assert not Notice.objects.exists()


def test_progress_is_entered_on_one_page_all_of_it_or_nothing(plan, hr, signed_in, today):
    row, point = objective(plan, hr), milestone(plan, hr)
    client, url = signed_in(hr), reverse("admin:workplan_progress", args=[plan.pk])
    data = {f"o{row.pk}-actual": "41.5", f"o{row.pk}-cause": ""}
    data |= {f"m{point.pk}-done_on": "nonsense", f"m{point.pk}-reason": ""}
    answer = client.post(url, data)
    row.refresh_from_db()
    assert answer.status_code == 200 and row.actual is None and "41.5" in answer.content.decode()
    data[f"m{point.pk}-done_on"] = today.isoformat()
    assert client.post(url, data).status_code == 302
    row.refresh_from_db()
    point.refresh_from_db()
    assert (row.actual, point.done_on) == (Decimal("41.50"), today)


def test_a_plan_is_made_and_filled_on_its_pages(hr, signed_in, today):
    client, department, owner = signed_in(hr), DepartmentFactory(), EmployeeFactory()
    data = {
        "title": "开店",
        "department": department.code,
        "owner": owner.number,
        "start": today.isoformat(),
        "weeks": "12",
    }
    assert client.post(reverse("admin:workplan_new"), data).status_code == 302
    plan = WorkPlan.objects.get()
    data |= {
        "state": "running",
        "onew1-title": "销售额",
        "onew1-start": "0",
        "onew1-target": "9",
        "onew1-measures": "一\n二",
    }
    data |= {"mnew1-title": "上线", "mnew1-due": today.isoformat(), "mnew1-first_week": "1"}
    assert client.post(reverse("admin:workplan_edit", args=[plan.pk]), data).status_code == 302
    plan.refresh_from_db()
    assert (
        plan.state == "running" and plan.objectives.get().measures.count() == 2 and plan.milestones.exists()
    )


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            {"owner": "nobody"},
            {"owner": ""},
            {"start": "soon"},
            {"weeks": "0"},
            {"weeks": "x"},
            {"title": ""},
        ),
        *({"department": "none"}, {"weeks": "54"}, {"title": "长" * 81}),
    ],
)
def test_a_wrong_field_of_a_new_plan_is_a_sentence(hr, signed_in, today, wrong):
    data = {
        "title": "开店",
        "department": DepartmentFactory().code,
        "owner": EmployeeFactory().number,
        "start": today.isoformat(),
        "weeks": "12",
    }
    answer = signed_in(hr).post(reverse("admin:workplan_new"), data | wrong)
    assert answer.status_code == 200 and list(answer.context["messages"]) and not WorkPlan.objects.exists()


def test_a_head_makes_plans_for_the_own_department_only(signed_in, today):
    mine, other, owner = DepartmentFactory(), DepartmentFactory(), EmployeeFactory()
    client = signed_in(head_of(mine))
    data = {"title": "x", "owner": owner.number, "start": today.isoformat(), "weeks": "12"}
    client.post(reverse("admin:workplan_new"), data | {"department": other.code})
    assert not WorkPlan.objects.exists()
    client.post(reverse("admin:workplan_new"), data | {"department": mine.code})
    assert WorkPlan.objects.get().department == mine


def test_lists_and_pages_cost_as_many_statements_for_many_rows_as_for_one(
    hr, plan, signed_in, django_assert_max_num_queries
):
    client = signed_in(hr)
    urls = [reverse("admin:workplans"), reverse("admin:workplan", args=[plan.pk])]

    def fill(numbers):
        for number in numbers:
            objective(plan, hr, title=f"z{number}", owner=EmployeeFactory())
            milestone(plan, hr, title=f"z{number}", owner=EmployeeFactory())

    fill([0])
    for url in urls:
        client.get(url)
    counts = []
    for url in urls:
        with django_assert_max_num_queries(20) as few:
            client.get(url)
        counts.append(len(few))
    fill(range(1, 9))
    for url, count in zip(urls, counts, strict=True):
        with django_assert_max_num_queries(count):
            client.get(url)


def test_an_empty_list_and_an_empty_plan_say_so(hr, plan, signed_in):
    client = signed_in(hr)
    assert "No objectives yet" in client.get(reverse("admin:workplan", args=[plan.pk])).content.decode()
    assert "No work plans here" in client.get(reverse("admin:workplans") + "?state=closed").content.decode()
