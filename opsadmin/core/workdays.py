"""Working days of mainland China: weekends, statutory holidays and the days worked in their stead (调休)."""

from datetime import datetime, time, timedelta

import chinese_calendar
from django.utils import timezone

END_OF_DAY = time(18, 0)


def is_workday(day):
    """Say whether people work on the day; outside the calendar's years, Monday to Friday count."""
    try:
        return chinese_calendar.is_workday(day)
    except NotImplementedError:
        return day.weekday() < 5


def known(day):
    """Say whether the holidays of the day's year have been published to us."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def workdays_before(moment, days):
    """Return 18:00 (Asia/Shanghai) of the working day that lies ``days`` working days before the moment."""
    day = timezone.localtime(moment).date()
    while days > 0:
        day -= timedelta(days=1)
        if is_workday(day):
            days -= 1
    return timezone.make_aware(datetime.combine(day, END_OF_DAY))
