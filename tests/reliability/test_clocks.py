"""Clocks that are wrong, schedulers that are two, and the turn of day and year in Asia/Shanghai."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from approvals.archive import filing
from approvals.flow import record
from approvals.models import Decision
from opsadmin.core import clock, jobs, tasks
from opsadmin.core.models import Heartbeat, Job
from opsadmin.core.numbering import next_number
from opsadmin.local import services
from orgchart import changes
from staffing import daily
from stores.models import PriceInForce
from tests.approvals.world import file, make_world, sign, submitted
from tests.factories import PositionFactory, PriceInForceFactory, UserFactory
from tests.reliability.machines import SHORT

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NEW_YEAR = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


@pytest.fixture(params=[HOUR, -HOUR, DAY], ids=["an hour fast", "an hour slow", "a day fast"])
def wrong_clock(request, monkeypatch):
    """The clock of this machine is wrong; the database's is right. Returns by how much.

    An hour is another day only in one hour of the day; a day is one always.
    """
    right, right_seconds = timezone.now, time.time
    monkeypatch.setattr(timezone, "now", lambda: right() + request.param)
    monkeypatch.setattr(time, "time", lambda: right_seconds() + request.param.total_seconds())
    return request.param


def near(moment):
    return abs(moment - clock.now()) < timedelta(minutes=5)


def test_a_machine_with_a_wrong_clock_takes_no_running_job_from_others_and_loses_none(db, wrong_clock):
    job = Job.objects.create(kind="nothing")
    assert jobs.claim(job.pk) is not None
    assert jobs.claim(job.pk) is None
    job.refresh_from_db()
    assert near(job.created_at) and near(job.lease_until)
    Job.objects.filter(pk=job.pk).update(lease_until=clock.now() - MOMENT)
    assert jobs.claim(job.pk).attempt == 2


def test_decisions_and_records_carry_the_time_of_the_database_in_their_order(db, wrong_clock):
    world = make_world()
    document = submitted(world)
    sign(world, document)
    file(world, document)
    times = list(Decision.objects.filter(document=document).order_by("pk").values_list("at", flat=True))
    assert times == sorted(times) and all(map(near, times))
    assert near(document.archive_records.get(kind="filing").at)


def test_a_decision_is_dated_after_the_one_before_even_if_the_databases_clock_is_put_back(db):
    last = Decision(at=clock.now() + HOUR)
    assert record.moment_after(last) == last.at + MOMENT
    assert near(record.moment_after(None))


def test_a_day_begins_by_the_databases_clock(rf, db, monkeypatch):
    """Fails where the machine's own date is believed: then the roles of tomorrow hold an hour early."""
    settled = []
    monkeypatch.setattr(daily, "settle", settled.append)
    monkeypatch.setitem(daily.settled, "day", clock.today())
    fast = timezone.now() + timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: fast)
    daily.NewDayMiddleware(lambda request: None)(rf.get("/"))
    assert settled == []
    monkeypatch.setitem(daily.settled, "day", clock.today() - timedelta(days=1))
    daily.NewDayMiddleware(lambda request: None)(rf.get("/"))
    assert settled == [clock.today()]


def test_a_machine_a_day_ahead_brings_no_change_of_the_organisation_forward(db, monkeypatch):
    """Fails where the machine's own date is believed: an edit late in the evening would apply tomorrow's set."""
    position, other, hr = PositionFactory(title="old"), PositionFactory(), UserFactory(roles=["hr"])
    draft = changes.draft_set(by=hr, title="Spring", effective_on=clock.today() + timedelta(days=1))
    changes.add_item(draft, "position", position.code, "set", {"title": "new"}, by=hr)
    changes.schedule(draft, by=None)
    fast = timezone.now() + timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: fast)
    version = changes.apply_now([changes.wanted("position", other.code, "set", {"title": "other"})], by=hr)
    position.refresh_from_db()
    assert (position.title, version.effective_on) == ("old", clock.today())


def test_numbers_of_the_new_year_begin_at_midnight_in_shanghai(db):
    with transaction.atomic():
        assert next_number("TT", at=NEW_YEAR - MOMENT) == "TT-2026-0001"
        assert next_number("TT", at=NEW_YEAR) == "TT-2027-0001"
        assert next_number("TT", at=NEW_YEAR - MOMENT) == "TT-2026-0002"
    assert filing.retained_until(NEW_YEAR - MOMENT).year + 1 == filing.retained_until(NEW_YEAR).year


def test_a_price_holds_from_midnight_of_new_year_and_not_a_moment_earlier(db):
    old = PriceInForceFactory(during=(NEW_YEAR - timedelta(days=30), NEW_YEAR), amount=100)
    PriceInForceFactory(sku=old.sku, store=old.store, during=(NEW_YEAR, None), amount=90)

    def amounts(at):
        found = PriceInForce.objects.filter(sku=old.sku, store=old.store, during__contains=at)
        return [int(price.amount) for price in found]

    assert (amounts(NEW_YEAR - MOMENT), amounts(NEW_YEAR)) == ([100], [90])


# ── Two schedulers ────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_schedulers_that_ring_at_once_one_has_the_turn(transactional_db):
    """Fails where the last run is read first and written afterwards."""
    barrier, turns = threading.Barrier(8), []

    def ring():
        barrier.wait(20)
        turns.append(tasks.take_turn("twice", 3600) is not None)
        connections.close_all()

    threads = [threading.Thread(target=ring) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(turns) == [False] * 7 + [True]
    tasks.heartbeat("twice")
    assert tasks.take_turn("twice", 3600) is None
    Heartbeat.objects.filter(name="twice").update(due_at=clock.now() - 2 * HOUR)
    assert tasks.take_turn("twice", 3600)


@pytest.mark.soak
def test_two_schedulers_at_once_give_one_run_for_each_due_time(start_service, start_worker, transactional_db):
    """Counts, in a table of its own, how often the sweeper's heartbeat was written within a minute and a half."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE beats (due timestamptz)")
        cursor.execute("GRANT ALL ON beats TO PUBLIC")
        cursor.execute(
            "CREATE FUNCTION note_beat() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO beats VALUES (NEW.due_at); RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER note_beat AFTER INSERT OR UPDATE OF due_at ON core_heartbeat FOR EACH ROW "
            "WHEN (NEW.name = 'sweep_jobs') EXECUTE FUNCTION note_beat()"
        )
    try:
        start_worker(**SHORT)
        for number in range(2):
            start_service(f"beat-{os.getpid()}-{number}", services.beat(), **SHORT)
        time.sleep(90)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), count(DISTINCT due) FROM beats")
            runs, due_times = cursor.fetchone()
        print("runs", runs, "due times", due_times)
        assert runs == due_times >= 50
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE beats CASCADE")
            cursor.execute("DROP FUNCTION note_beat() CASCADE")
