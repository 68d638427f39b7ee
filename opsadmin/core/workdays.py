"""Working days of mainland China: weekends, statutory holidays and the days worked in their stead (调休).

The holidays of a year are announced in the November before it. What the built-in calendar does not know yet, the
administrator adds day by day; an added day always comes first.
"""

from datetime import date, datetime, time, timedelta

import chinese_calendar
from django.utils import timezone

from opsadmin.core.models import CalendarDay

END_OF_DAY = time(18, 0)
REACH = timedelta(days=400)


def added_days(until):
    """Return {date: whether people work} as the administrator added them, for the 400 days up to ``until``."""
    near = CalendarDay.objects.filter(date__lte=until, date__gt=until - REACH)
    return dict(near.values_list("date", "working"))


def is_workday(day, added):
    """Say whether people work on the day: as added, as built in, and where neither speaks Monday to Friday."""
    if day in added:
        return added[day]
    return chinese_calendar.is_workday(day) if built_in(day) else day.weekday() < 5


def built_in(day):
    """Say whether the built-in calendar knows the holidays of the day's year."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def last_built_in_year():
    """Return the last year whose holidays are built in."""
    return max(chinese_calendar.holidays).year


def unknown_years(years):
    """Return those of the years for which no holiday is built in and no day was added, in order."""
    missing = {year for year in years if not built_in(date(year, 1, 1))}
    added = CalendarDay.objects.filter(date__year__in=missing).values_list("date__year", flat=True)
    return sorted(missing - set(added))


def workdays_before(moment, days):
    """Return 18:00 (Asia/Shanghai) of the working day that lies ``days`` working days before the moment."""
    day = timezone.localtime(moment).date()
    added = added_days(day)
    while days > 0:
        day -= timedelta(days=1)
        if is_workday(day, added):
            days -= 1
    return timezone.make_aware(datetime.combine(day, END_OF_DAY))
