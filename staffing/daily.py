"""A new day: assignments, charges and scheduled changes begin and end at midnight without anybody's request."""

from django.utils import timezone

from opsadmin.core import clock
from orgchart.changes import apply_due
from staffing.access import sync_store_access
from staffing.leaving import end_employment
from staffing.posts import follow_posts

settled = {"day": None}


def settle(day):
    """Bring roles, stores and scheduled changes of the organisation to that day; a second time changes nothing."""
    end_employment(day)
    follow_posts(day)
    sync_store_access(day)
    apply_due(day)


class NewDayMiddleware:
    """Settle the day before the first request of it is answered, once in each process.

    This machine's clock only says when to look at the database's: a day begins for all at the same moment.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if settled["day"] != timezone.localdate():
            today = clock.today()
            if settled["day"] != today:
                settle(today)
                settled["day"] = today
        return self.get_response(request)
