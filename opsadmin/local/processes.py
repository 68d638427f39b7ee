"""Child processes with a name, a log, a clean end, and no orphans after a crash of their parent."""

import fcntl
import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LOG_BYTES = 5_000_000
CLOCK_SLACK = 2.0


class LocalError(Exception):
    """Something on this machine stops us; the text is a sentence for the person at the terminal."""


@dataclass
class Child:
    """A running process, the leader of its own group, so that a Ctrl-C reaches it only through us."""

    name: str
    process: subprocess.Popen
    log: Path
    log_start: int
    record: Path
    stop_signal: int

    def tail(self, lines=20):
        """Return the last lines that it has logged since this start."""
        with self.log.open("rb") as file:
            file.seek(self.log_start)
            text = file.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def has_ended(self):
        return self.process.poll() is not None

    def signal_group(self, number):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


def start(name, argv, *, home, environment, account=None, stop_signal=signal.SIGTERM, cwd=None):
    """Start a child whose output goes to ``home/log/NAME.log``; what killed runs left behind is ended first.

    ``account`` is a passwd entry to run as (root only). The child is recorded in ``home/run/NAME.json``.
    """
    log, record = folder(home / "log") / f"{name}.log", folder(home / "run") / f"{name}.json"
    stop_orphans(home)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        start_of_log = output.tell()
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=cwd,
            start_new_session=True,
            umask=0o077,
            **identity(account),
        )
    child = Child(name, process, log, start_of_log, record, stop_signal)
    noted = {"child": mark(process.pid), "parent": mark(os.getpid()), "signal": int(stop_signal)}
    # Another run may be looking for orphans right now: it must never read half a record.
    new = record.with_suffix(".new")
    new.write_text(json.dumps(noted))
    new.replace(record)
    return child


def identity(account):
    """Return what Popen needs to run as this passwd entry; nothing for None."""
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def stop(children, *, patience=10.0):
    """End children politely and together; what is still there after ``patience`` seconds is killed."""
    for child in children:
        if not child.has_ended():
            child.process.send_signal(child.stop_signal)
    deadline = time.monotonic() + patience
    for child in children:
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(max(deadline - time.monotonic(), 0.01))
        child.signal_group(signal.SIGKILL)
        child.process.wait()
        child.record.unlink(missing_ok=True)


def stop_orphans(home, *, patience=20.0):
    """End the children on record whose parent is gone, killed before it could stop them."""
    for record in (home / "run").glob("*.json"):
        try:
            noted = json.loads(record.read_text())
            if alive(noted["parent"]):
                continue
            child = alive(noted["child"])
        except (OSError, ValueError, KeyError, TypeError):
            child = None
        if child:
            end_process(child, noted["signal"], patience)
        record.unlink(missing_ok=True)


def mark(pid):
    """Return what tells a process from a later one with the same number: (number, time of birth)."""
    try:
        return pid, psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return pid, 0.0


def alive(marked):
    """Return the process that was marked, or None when it is gone."""
    pid, born = marked
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if abs(process.create_time() - born) <= CLOCK_SLACK and runs(process):
            return process
    return None


def end_process(process, number, patience):
    """Send a signal, wait, then kill the process with its descendants."""
    with suppress(psutil.NoSuchProcess):
        family = [*process.children(recursive=True), process]
        process.send_signal(number)
        if not wait_for_end(family, patience):
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            wait_for_end(family, 5)


def wait_for_end(family, seconds):
    """Return whether all processes end in time; one that only its parent has not yet noticed has ended."""
    deadline = time.monotonic() + seconds
    while any(runs(member) for member in family):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def runs(process):
    """Return whether a process still does something."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def folder(path):
    """Make a folder that other users cannot list; return it."""
    path.mkdir(mode=0o711, parents=True, exist_ok=True)
    return path


@contextmanager
def only_one(home, sentence):
    """Hold ``home/lock`` while the body runs; raise LocalError(sentence) if another process holds it.

    The lock belongs to the open file: it is gone with its process, however that ended.
    """
    descriptor = os.open(folder(home) / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalError(sentence) from None
        yield
    finally:
        os.close(descriptor)


def check_owner(home):
    """Raise LocalError when ``home`` was made by another user: files of two owners end in half a start."""
    try:
        owner = folder(home).stat().st_uid
    except PermissionError:
        owner = None
    if owner != os.geteuid():
        raise LocalError(
            f"{home} belongs to another user. Run this as that user, or remove the folder first."
        )


def kept_secret(path, make):
    """Return the secret kept in a file that only its owner reads; ``make()`` gives it the first time."""
    if not path.exists():
        new = path.with_name(path.name + ".new")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
        new.replace(path)
    return path.read_text().strip()
