"""Words for moments and spans of time, as people say them. All moments are shown in Asia/Shanghai."""

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from opsadmin.core.workdays import is_workday

MINUTE, HOUR, DAY = 60, 3600, 86400


def day_word(moment, now):
    """Return today, tomorrow or yesterday as words, any other day as 11-26, or 2025-11-26 in another year."""
    day, today = timezone.localtime(moment).date(), timezone.localtime(now).date()
    words = {0: _("today"), 1: _("tomorrow"), -1: _("yesterday")}
    if (day - today).days in words:
        return words[(day - today).days]
    return day.strftime("%m-%d" if day.year == today.year else "%Y-%m-%d")


def when(moment, now=None):
    """Return day and time: "today 12:00", "11-26 18:00"."""
    return f"{day_word(moment, now or timezone.now())} {timezone.localtime(moment):%H:%M}"


def span(seconds):
    """Return a span in its two largest units: "38 minutes", "1 hour 36 minutes", "2 days" (above two days)."""
    seconds = max(0, int(seconds))
    days, hours, minutes = seconds // DAY, seconds % DAY // HOUR, seconds % HOUR // MINUTE
    if days >= 2 or (days and not hours):
        return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    if days:
        return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}
    if hours and minutes:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    if hours:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}


def waited(moment, now=None, added=None):
    """Return how long something has waited: minutes, hours, and from the day before yesterday on working days.

    ``added`` are the administrator's days, as from ``workdays.added_days``; a list reads them once for all rows.
    """
    now = now or timezone.now()
    first, today = timezone.localtime(moment).date(), timezone.localtime(now).date()
    if (today - first).days < 2:
        seconds = (now - moment).total_seconds()
        return span(seconds if seconds < HOUR else seconds // HOUR * HOUR)
    passed = range(1, min((today - first).days, 366) + 1)
    days = sum(is_workday(first + timedelta(days=n), added or {}) for n in passed)
    if not days:
        return span((now - moment).total_seconds())
    return ngettext("%(n)d working day", "%(n)d working days", days) % {"n": days}


def left(moment, now=None):
    """Return what is left until a moment, or by how much it has passed."""
    seconds = (moment - (now or timezone.now())).total_seconds()
    if seconds < 0:
        return _("overdue by %(span)s") % {"span": span(-seconds)}
    return pgettext("time", "%(span)s left") % {"span": span(seconds)}
