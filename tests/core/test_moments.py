from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from opsadmin.core import moments

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


NOW = at("2026-11-24 10:24")


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-24 12:00", "今天 12:00"),
        ("2026-11-24 00:00", "今天 00:00"),
        ("2026-11-25 18:00", "明天 18:00"),
        ("2026-11-23 23:59", "昨天 23:59"),
        ("2026-11-26 18:00", "11-26 18:00"),
        ("2025-11-26 18:00", "2025-11-26 18:00"),
    ],
)
def test_a_moment_is_said_as_people_say_it(moment, words):
    assert moments.when(at(moment), NOW) == words


def test_the_day_is_that_of_shanghai_not_of_utc():
    late = datetime(2026, 11, 24, 17, 30, tzinfo=ZoneInfo("UTC"))
    assert moments.when(late, NOW) == "明天 01:30"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 分钟"),
        (59, "0 分钟"),
        (38 * 60, "38 分钟"),
        (3600, "1 小时"),
        (3600 + 36 * 60, "1 小时 36 分"),
        (86400, "1 天"),
        (31 * 3600, "1 天 7 小时"),
        (86400 * 2 + 3600, "2 天"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(seconds, words):
    assert moments.span(seconds) == words


@pytest.mark.parametrize(
    ("since", "words"),
    [
        ("2026-11-24 09:46", "38 分钟"),
        ("2026-11-23 17:20", "17 小时"),
        ("2026-11-20 14:12", "2 个工作日"),
        ("2026-11-19 16:50", "3 个工作日"),
    ],
)
def test_waiting_counts_working_days_from_the_day_before_yesterday_on(since, words):
    assert moments.waited(at(since), NOW) == words


def test_waiting_over_a_weekend_alone_counts_days():
    assert moments.waited(at("2026-11-20 23:00"), at("2026-11-22 10:00")) == "1 天 11 小时"


def test_what_is_left_turns_into_what_is_overdue():
    assert moments.left(at("2026-11-24 12:00"), NOW) == "剩 1 小时 36 分"
    assert moments.left(at("2026-11-24 05:24"), NOW) == "已超时 5 小时"
