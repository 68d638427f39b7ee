"""The three programs of an installation on one machine, as the demo and the tests start them."""

import sys
import time
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

HOST = "127.0.0.1"


def web(port, *, workers=2, threads=4):
    """Return the words that start gunicorn on the loopback address."""
    return [
        *(sys.executable, "-m", "gunicorn", "opsadmin.wsgi"),
        *("--bind", f"{HOST}:{port}"),
        *("--workers", str(workers), "--threads", str(threads)),
        *("--timeout", "60", "--graceful-timeout", "3"),
        *("--access-logfile", "-", "--access-logformat", '%(t)s %(h)s "%(r)s" %(s)s %(b)s %(L)ss'),
        "--no-control-socket",
    ]


def worker(name, *, processes=2):
    """Return the words that start a Celery worker; it is alone, so it asks no other worker for news."""
    return [
        *(sys.executable, "-m", "celery", "-A", "opsadmin", "worker"),
        *("--hostname", name, "--concurrency", str(processes)),
        *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
    ]


def beat():
    """Return the words that start the scheduler, whose timetable is in the database."""
    return [
        *(sys.executable, "-m", "celery", "-A", "opsadmin", "beat"),
        *("--scheduler", "opsadmin.core.scheduler:Scheduler", "--pidfile", ""),
        *("--loglevel", "INFO"),
    ]


def wait_for_web(child, port, *, seconds=60):
    """Return whether the page for visitors answers before the child ends or the time is up."""
    request = Request(f"http://{HOST}:{port}/", method="HEAD")
    deadline = time.monotonic() + seconds
    while not child.has_ended() and time.monotonic() < deadline:
        try:
            with urlopen(request, timeout=10) as answer:
                return answer.status < 500
        except HTTPError as error:
            return error.code < 500
        except (URLError, HTTPException, OSError):
            time.sleep(0.1)
    return False
