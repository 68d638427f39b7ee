"""Requests a second over loopback: eight clients, one after the other each, against gunicorn as the demo starts it."""

import http.client
import os
import statistics
import sys
import threading
import time
from functools import partial
from importlib import import_module
from pathlib import Path

import psutil
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.urls import reverse

from approvals.models import Task
from opsadmin.local import processes, servers, services
from tests.bench.harness import Row

CLIENTS = 8
# Each process reads its templates before it is measured.
WARM = 20
ROOT = Path(__file__).resolve().parents[3]


def session_of(user, backend):
    """Return the key of a new session in which the account is signed in."""
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = backend
    session.create()
    return session.session_key


def ours(screen, n):
    user = finance()
    task = Task.objects.get(assignee=user, state="open")
    path = reverse(f"admin:{screen}", args=[task.pk] * (screen == "review"))
    return serve(path, user, "tests.bench.websettings", "opsadmin.backends.AccountBackend")


def stock(n):
    """Django's plain list of a thousand SKUs, its first page, as somebody who may do everything."""
    user = finance()
    user.is_staff = user.is_superuser = True
    user.save()
    return serve(STOCK, user, "tests.bench.stocksettings", "django.contrib.auth.backends.ModelBackend")


def floor(n):
    return serve("/bench/ok/", finance(), "tests.bench.websettings", "opsadmin.backends.AccountBackend")


def finance():
    return get_user_model().objects.get(username="finance")


def serve(path, user, settings_module, backend):
    """Return the work of asking for a page as somebody, under gunicorn with these settings."""
    headers = {
        "Cookie": f"{settings.SESSION_COOKIE_NAME}={session_of(user, backend)}",
        "Host": "localhost",
    }
    seconds = float(os.environ.get("BENCH_SECONDS", "15"))

    def work():
        port = servers.free_port()
        home = processes.folder(Path(os.environ["BENCH_FILES"]) / "web")
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings_module}
        child = processes.start("web", services.web(port), home=home, environment=environment, cwd=ROOT)
        try:
            assert services.wait_for_web(child, port), child.tail()
            for _time in range(WARM):
                asked(port, path, headers)
            return pressed(port, path, headers, seconds)
        finally:
            processes.stop([child])

    return work


def asked(port, path, headers):
    """Ask once on a connection of its own; the answer must be the page, not a way to the sign-in."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 200, (path, answer.status)


def pressed(port, path, headers, seconds):
    """Let the clients ask for so long; returns how many answers there were, and how long they took."""
    took, end = [], time.monotonic() + seconds

    def client():
        while (begun := time.monotonic()) < end:
            asked(port, path, headers)
            took.append(time.monotonic() - begun)

    threads = [threading.Thread(target=client) for _client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "done": len(took),
        "rate": len(took) / seconds,
        "p95": statistics.quantiles(took, n=20)[-1] * 1000,
    }


def start_up(n):
    """From the first process of gunicorn to the first answer, which is the page for visitors."""

    def work():
        port, begun = servers.free_port(), time.perf_counter()
        home = processes.folder(Path(os.environ["BENCH_FILES"]) / "web")
        child = processes.start("web", services.web(port), home=home, environment=dict(os.environ), cwd=ROOT)
        try:
            assert services.wait_for_web(child, port), child.tail()
            wall = time.perf_counter() - begun
            return {"done": 1, "wall": wall, "memory": sum(rss(one) for one in family(child.process.pid))}
        finally:
            processes.stop([child])

    return work


def demo_again(n):
    """The second start of the demo, until its first answer; the first one, which fills it, is not measured."""
    home = processes.folder(Path(os.environ["BENCH_FILES"]) / "demo")
    ours = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "CELERY_QUEUE"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}

    def start():
        port = servers.free_port()
        child = processes.start(
            "demo",
            [sys.executable, "-m", "opsadmin.local.demo"],
            home=home,
            environment={**environment, "VAR_DIR": str(home / "var"), "PORT": str(port)},
            cwd=ROOT,
        )
        try:
            assert services.wait_for_web(child, port, seconds=600), child.tail()
            return time.perf_counter()
        finally:
            processes.stop([child], patience=60)

    def work():
        begun = time.perf_counter()
        return {"done": 1, "wall": start() - begun}

    start()
    return work


def family(pid):
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def rss(process):
    return process.memory_info().rss / (1 << 20)


STOCK = "/stores/sku/"
ROWS = [
    Row(
        key=f"web: {name}",
        title=f"{CLIENTS} clients: {name}",
        aim="p95 ≤ that of the stock list of 1,000",
        scene="signed",
        arms={
            "ours": partial(ours, name),
            "stock": stock,
            "floor": floor,
        },
        sizes=(1_000,),
        same=False,
        writes=True,
    )
    for name in ("inbox", "review")
] + [
    Row(
        key="web: start",
        title="web start-up",
        aim="≤ 3 s",
        scene="",
        arms={"ours": start_up},
        sizes=(1,),
    ),
    Row(
        key="demo",
        title="demo, second start",
        aim="≤ 20 s",
        scene="",
        arms={"ours": demo_again},
        sizes=(1,),
    ),
]
