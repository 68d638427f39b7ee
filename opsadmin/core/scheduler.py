"""The scheduler. It rings by the timetable in the database, and goes on ringing while the database is away.

Whose turn it is, the database decides when the task runs (``tasks.take_turn``): a ring too many does no harm, one too
few leaves lost work lying.
"""

import logging
import time
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connection
from django_celery_beat.schedulers import DatabaseScheduler

logger = logging.getLogger(__name__)

AWAY = (DatabaseError, InterfaceError)
RETRY_SECONDS = 1
AN_HOUR = timedelta(hours=1)


class Scheduler(DatabaseScheduler):
    """The library's scheduler ends when the database goes away while it reads, and starts with half a timetable where
    it goes away while that is written. This one waits at its start, and later keeps the timetable that it knows."""

    def setup_schedule(self):
        while True:
            try:
                return super().setup_schedule()
            except AWAY:
                logger.warning("database away, the scheduler waits for it")
                self._initial_read = True
                connection.close()
                time.sleep(RETRY_SECONDS)

    def update_from_dict(self, mapping):
        """Enter every task of the mapping, or raise."""
        for name, fields in mapping.items():
            entry = self.Entry.from_entry(name, app=self.app, **fields)
            if entry.model.enabled:
                self.schedule[name] = entry

    @property
    def schedule(self):
        known = self._schedule
        try:
            return super().schedule
        except AWAY:
            if known is None:
                raise
            logger.warning("database away, the scheduler goes on with the timetable that it knows")
            self._last_full_sync -= AN_HOUR
            connection.close()
            return known
