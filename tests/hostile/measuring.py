"""Jobs run in a process of their own, as a worker's child runs them, and what a piece of work costs."""

import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass

from opsadmin.core import jobs

MB = 1 << 10


@dataclass
class Cost:
    """Seconds, and megabytes by which the process grew at its highest."""

    seconds: float = 0.0
    megabytes: int = 0


def resident(name):
    """Return a figure of this process in KB: VmRSS is now, VmHWM the highest since ``forget_highest``."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(name))


def forget_highest():
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")


@contextmanager
def measured(cost):
    """Write into ``cost`` what the block took."""
    forget_highest()
    before, began = resident("VmRSS"), time.monotonic()
    yield cost
    cost.seconds, cost.megabytes = time.monotonic() - began, (resident("VmHWM") - before) // MB


def run_in_child(pk):
    """Run a job in a child of this process, within its transaction; returns the Cost. A child that dies is an error."""
    receiver, sender = os.pipe()
    child = os.fork()
    if not child:
        try:
            with measured(Cost()) as cost:
                jobs.run(pk)
            os.write(sender, json.dumps([cost.seconds, cost.megabytes]).encode())
        finally:
            os._exit(0)
    os.close(sender)
    with os.fdopen(receiver) as told:
        said = told.read()
    os.waitpid(child, 0)
    assert said, "the worker's child died"
    return Cost(*json.loads(said))
