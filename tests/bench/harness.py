"""Rows, arms, and how an arm is measured.

An arm is a function of N: it prepares, and returns the work, a function without arguments that is measured and
returns how many things it did, alone or as ``done`` among further figures.

Each arm runs in a process of its own on a database of its own.
"""

import os
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from django.db import connection
from psycopg2.extensions import cursor as plain_cursor

SIZES = (1_000, 10_000, 100_000)
ARMS = ("ours", "stock", "floor")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``bears`` is the largest N that an arm is asked for; ``scale`` lets sizes be so many times the largest that the
    person asks for; ``writes``: it needs a new copy of its scene each time; ``same``: all arms do as many things.
    """

    key: str
    title: str
    aim: str
    scene: str
    arms: dict[str, Callable]
    sizes: tuple = SIZES
    scale: int = 1
    bears: dict = field(default_factory=dict)
    writes: bool = False
    same: bool = True


class Statements:
    """Counts what the process asks the database for, COPY included; a fetch from an open cursor is none."""

    def __init__(self):
        self.count = 0
        counter = self

        class Counting(plain_cursor):
            def execute(self, *args):
                counter.count += 1
                return super().execute(*args)

            def copy_expert(self, *args, **options):
                counter.count += 1
                return super().copy_expert(*args, **options)

        connection.ensure_connection()
        connection.connection.cursor_factory = Counting


def server_seconds():
    """Return the CPU seconds of the database server so far: all its backends, those that have ended too."""
    server = psutil.Process(int(os.environ["BENCH_POSTGRES"]))
    total = sum(server.cpu_times()[:4])
    for child in server.children(recursive=True):
        try:
            total += sum(child.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


def own_seconds():
    return sum(psutil.Process().cpu_times()[:4])


def peak_megabytes():
    """Return the most memory that this process ever held; not, as getrusage would, that of its parent."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(work):
    """Run the work once and return what it did and what it cost."""
    statements = Statements()
    own, server, begun = own_seconds(), server_seconds(), time.perf_counter()
    done = work()
    cost = {
        "wall": time.perf_counter() - begun,
        "own": own_seconds() - own,
        "server": server_seconds() - server,
        "statements": statements.count,
        "memory": peak_megabytes(),
    }
    return cost | (done if isinstance(done, dict) else {"done": done})


@contextmanager
def rolled_back():
    """Do what is inside, and undo it: the next round finds the scene as it was."""
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)
