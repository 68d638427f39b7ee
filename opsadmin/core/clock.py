"""The one clock: the database's. Machines may disagree on the time; what is decided, leased or due must not."""

from django.db import connection
from django.db.models.functions import Now, TruncDate
from django.utils import timezone

# The day in Asia/Shanghai as a query asks for it: it costs no statement of its own.
TODAY = TruncDate(Now())


def now():
    """Return this moment by the database's clock, in UTC; it goes on within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def today():
    """Return the day in Asia/Shanghai by the database's clock."""
    return timezone.localdate(now())
