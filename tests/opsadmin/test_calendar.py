"""The working calendar of the administrator: days by hand or by file, and what is said where a year is missing."""

from datetime import UTC, date, datetime

import pytest
from django.core.checks import Tags, run_checks
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from approvals.models import Step
from opsadmin.core import workdays
from opsadmin.core.models import CalendarDay
from tests.factories import UserFactory
from tests.opsadmin.documents import open_task, price_list
from tests.opsadmin.pages import home
from tests.uploads import finished

pytestmark = pytest.mark.django_db

LIST = "admin:core_calendarday_changelist"
MISSING = "暂按周一至周五计"
UNKNOWN = workdays.last_built_in_year() + 1


def deadline_in(year):
    """Let an open step end in the year."""
    moment = datetime(year, 3, 3, 18, tzinfo=UTC)
    document = price_list("JG-2026-0001", by=UserFactory(), effective_from=moment)
    task = open_task(document, UserFactory())
    Step.objects.filter(pk=task.step_id).update(due_at=moment)


def warnings():
    return [found.id for found in run_checks(tags=[Tags.database], databases=["default"])]


def test_the_administrator_adds_a_day_in_chinese(signed_in):
    client = signed_in(roles=["administrator"])
    form = client.get(reverse("admin:core_calendarday_add")).content.decode()
    assert "上班" in form and "事由" in form
    day = {"date": f"{UNKNOWN}-10-01", "name": "国庆节"}
    assert client.post(reverse("admin:core_calendarday_add"), day).status_code == 302
    assert CalendarDay.objects.get(date=date(UNKNOWN, 10, 1)).working is False
    assert "国庆节" in client.get(reverse(LIST)).content.decode()


def test_a_day_that_is_there_already_is_refused_with_a_sentence(signed_in):
    CalendarDay.objects.create(date=date(UNKNOWN, 10, 1))
    client = signed_in(roles=["administrator"])
    answer = client.post(reverse("admin:core_calendarday_add"), {"date": f"{UNKNOWN}-10-01"})
    assert answer.status_code == 200
    assert answer.context["errors"]
    assert CalendarDay.objects.count() == 1


def test_a_year_of_days_comes_from_a_file(signed_in):
    client = signed_in(roles=["administrator"])
    text = f"日期,上班,事由\n{UNKNOWN}-10-01,否,国庆节\n{UNKNOWN}-10-09,是,调休\n"
    file = SimpleUploadedFile("days.csv", text.encode())
    judged = finished(client, client.post(reverse("admin:core_calendarday_import"), {"file": file}))
    address = reverse("admin:core_calendarday_process_import")
    finished(client, client.post(address, {"job": judged.context["job"].pk}))
    days = dict(CalendarDay.objects.values_list("date", "working"))
    assert days == {date(UNKNOWN, 10, 1): False, date(UNKNOWN, 10, 9): True}


@pytest.mark.parametrize("role", ["ecommerce_manager", "finance", "promotion", "hr", "auditor"])
def test_nobody_else_adds_a_day(signed_in, role):
    client = signed_in(roles=[role])
    assert client.get(reverse("admin:core_calendarday_add")).status_code == 403
    assert client.post(reverse("admin:core_calendarday_add"), {"date": "2027-01-01"}).status_code == 403
    assert not CalendarDay.objects.exists()


def test_a_deadline_in_a_year_that_nobody_covers_is_said_until_a_day_is_added(signed_in):
    client = signed_in(roles=["administrator"])
    assert MISSING not in client.get(reverse(LIST)).content.decode()
    assert "opsadmin.W001" not in warnings()
    deadline_in(UNKNOWN)
    assert f"有截止时刻落在 {UNKNOWN} 年" in client.get(reverse(LIST)).content.decode()
    assert MISSING in client.get(home()).content.decode()
    assert "opsadmin.W001" in warnings()
    CalendarDay.objects.create(date=date(UNKNOWN, 1, 1))
    assert MISSING not in client.get(reverse(LIST)).content.decode()
    assert MISSING not in client.get(home()).content.decode()
    assert "opsadmin.W001" not in warnings()


def test_a_deadline_in_a_built_in_year_needs_no_day(signed_in):
    deadline_in(UNKNOWN - 1)
    client = signed_in(roles=["administrator"])
    assert MISSING not in client.get(reverse(LIST)).content.decode()
    assert "opsadmin.W001" not in warnings()
