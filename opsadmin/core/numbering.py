"""Numbers of documents and archive records: JG-2026-0001, without gaps per prefix and year."""

from django.db import connection
from django.utils import timezone

from opsadmin.core import clock


def next_number(prefix, *, at=None):
    """Return the next number of the series for the year (Asia/Shanghai) of ``at``.

    Call it inside the transaction that stores the numbered thing: the row stays locked until then, and a
    rollback gives the number back.
    """
    year = timezone.localtime(at or clock.now()).year
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_numberseries (prefix, year, last) VALUES (%s, %s, 1) "
            "ON CONFLICT (prefix, year) DO UPDATE SET last = core_numberseries.last + 1 RETURNING last",
            [prefix, year],
        )
        return f"{prefix}-{year}-{cursor.fetchone()[0]:04d}"
