from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from opsadmin.core import moments, workdays
from opsadmin.core.models import CalendarDay

SHANGHAI = ZoneInfo("Asia/Shanghai")
pytestmark = pytest.mark.django_db


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_a_holiday_and_its_make_up_day_are_built_in():
    assert not workdays.is_workday(date(2026, 10, 1), {})
    assert workdays.is_workday(date(2026, 10, 10), {})


def test_an_added_day_comes_before_the_built_in_calendar():
    CalendarDay.objects.create(date=date(2026, 11, 24), working=False, name="年会")
    CalendarDay.objects.create(date=date(2026, 11, 22), working=True)
    assert workdays.workdays_before(at("2026-11-25 10:00"), 2) == at("2026-11-22 18:00")


def test_beyond_the_built_in_years_monday_to_friday_counts_until_days_are_added():
    assert workdays.workdays_before(at("2028-10-04 00:00"), 2) == at("2028-10-02 18:00")
    for day in range(1, 4):
        CalendarDay.objects.create(date=date(2028, 10, day), working=False, name="国庆节")
    CalendarDay.objects.create(date=date(2028, 9, 30), working=True, name="调休")
    assert workdays.workdays_before(at("2028-10-04 00:00"), 2) == at("2028-09-29 18:00")


def test_a_year_is_known_when_it_is_built_in_or_a_day_of_it_was_added():
    last = workdays.last_built_in_year()
    assert workdays.unknown_years({last, last + 1, last + 2}) == [last + 1, last + 2]
    CalendarDay.objects.create(date=date(last + 1, 1, 1), working=False)
    assert workdays.unknown_years({last, last + 1, last + 2}) == [last + 2]


def test_a_day_is_added_once():
    CalendarDay.objects.create(date=date(2027, 1, 1), working=False)
    with pytest.raises(IntegrityError):
        CalendarDay.objects.create(date=date(2027, 1, 1), working=True)


def test_waiting_counts_added_days_without_a_query_per_row():
    CalendarDay.objects.create(date=date(2026, 11, 23), working=False)
    added = workdays.added_days(date(2026, 11, 24))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert moments.waited(at("2026-11-20 14:12"), at("2026-11-24 10:24"), added) == "1 个工作日"
    assert not len(queries)
