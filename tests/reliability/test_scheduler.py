"""The scheduler and a database that is away: it starts whole, and goes on ringing."""

import threading

import pytest
from django.conf import settings
from django.db import connection
from django_celery_beat.models import PeriodicTask

from opsadmin.celery import app
from opsadmin.core.scheduler import AN_HOUR, Scheduler
from opsadmin.local import servers

pytestmark = pytest.mark.django_db(transaction=True)


class Cut:
    """Connections of this process to the database: cut, and possible again."""

    def __init__(self, monkeypatch):
        self.right, self.patch = connection.settings_dict["PORT"], monkeypatch
        self.nobody = servers.free_port()

    def begin(self):
        self.patch.setitem(connection.settings_dict, "PORT", self.nobody)
        connection.close()

    def end(self):
        self.patch.setitem(connection.settings_dict, "PORT", self.right)


@pytest.fixture
def cut(monkeypatch):
    found = Cut(monkeypatch)
    yield found
    found.end()


def test_a_database_that_goes_away_costs_the_scheduler_no_task(cut, monkeypatch):
    """Fails with the library's: it ends, or goes on without the tasks that it could not enter, such as the sweeper."""
    entered = []

    def cut_in_the_middle(entry_class, name, **fields):
        entered.append(name)
        if len(entered) == 5:
            away_for_a_moment(cut)
        return enter(name, **fields)

    enter = Scheduler.Entry.from_entry
    monkeypatch.setattr(Scheduler.Entry, "from_entry", classmethod(cut_in_the_middle))
    away_for_a_moment(cut)
    scheduler = Scheduler(app)
    assert set(settings.CELERY_BEAT_SCHEDULE) <= set(scheduler.schedule) and len(entered) > 5
    known = set(scheduler.schedule)
    cut.begin()
    scheduler._last_full_sync -= AN_HOUR
    assert set(scheduler.schedule) == known
    assert scheduler.tick() <= scheduler.max_interval
    cut.end()
    PeriodicTask.objects.filter(name="clean imports").update(enabled=False)
    assert set(scheduler.schedule) == known - {"clean imports"}


def away_for_a_moment(cut):
    cut.begin()
    threading.Timer(0.3, cut.end).start()
