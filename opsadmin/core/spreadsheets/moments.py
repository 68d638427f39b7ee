"""Dates and times of a workbook: read strictly, meant in Asia/Shanghai."""

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
YEARS = range(1990, 2200)
MOMENT = re.compile(
    r"(?P<year>[0-9]{4})(?:(?P<sep>[-/.])(?P<month>[0-9]{1,2})(?P=sep)(?P<day>[0-9]{1,2})"
    r"|年(?P<month2>[0-9]{1,2})月(?P<day2>[0-9]{1,2})日)"
    r"(?:[T ]*(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.0+)?)?)?"
)


def local(year, month, day, hour=0, minute=0, second=0):
    """Return the moment of a clock in Shanghai; 24:00 is the beginning of the next day."""
    moment = datetime(year, month, day, tzinfo=SHANGHAI)
    if hour == 24 and not (minute or second):
        return moment + timedelta(days=1)
    return moment.replace(hour=hour, minute=minute, second=second)


@lru_cache(maxsize=4096)
def moment_of_text(text):
    """Return the aware datetime that a text names, midnight where it names no time. Raises ValueError.

    Read are 2026-12-01, 2026/12/1, 2026.12.1 and 2026年12月1日, each with HH:MM or HH:MM:SS behind it.
    """
    found = MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(text)
    month, day = found["month"] or found["month2"], found["day"] or found["day2"]
    clock = [int(found[part] or 0) for part in ("hour", "minute", "second")]
    return in_range(local(int(found["year"]), int(month), int(day), *clock))


@lru_cache(maxsize=4096)
def moment_of_cell(cell):
    """Return the aware datetime of a date cell, to the second. Raises ValueError."""
    if not isinstance(cell, datetime):
        return in_range(local(cell.year, cell.month, cell.day))
    # Days are kept as fractions: 10:20 may come as 10:19:59.999.
    rounded = (cell + timedelta(microseconds=500_000)).replace(microsecond=0)
    return in_range(rounded.replace(tzinfo=SHANGHAI))


def in_range(moment):
    """Return the moment; raises ValueError outside the years that a document can mean."""
    if moment.year not in YEARS:
        raise ValueError(moment)
    return moment


def day_of(moment) -> date:
    """Return the day of a moment at midnight. Raises ValueError for any other time of the day."""
    if moment.hour or moment.minute or moment.second:
        raise ValueError(moment)
    return moment.date()
