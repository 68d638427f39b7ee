"""A real Celery worker and a real gunicorn, processes of their own that see the test database."""

import os
import secrets
import time
from urllib.parse import quote, urlsplit, urlunsplit

import pytest
from django.core.management import call_command
from django.db import connection

from opsadmin.celery import app
from opsadmin.core import databaseroles
from opsadmin.local import processes, servers, services
from tests.servers import HOME, ROOT

WAIT_SECONDS = 40
LOGS = pytest.StashKey[dict]()


@pytest.fixture(scope="session")
def process_environment(django_db_setup):
    """The environment in which another process sees this run's test database and queue."""
    url = urlsplit(os.environ["DATABASE_URL"])
    base = urlunsplit(url._replace(path="/" + quote(connection.settings_dict["NAME"])))
    return {**os.environ, "DATABASE_URL": base, "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="session")
def app_role(process_environment, django_db_blocker):
    """The address of this run's database for a role that owns nothing, as programs should run (databaseroles)."""
    role, password = f"app_{connection.settings_dict['NAME']}"[:60], secrets.token_hex(16)
    with django_db_blocker.unblock():
        databaseroles.create(role, password)
        with connection.cursor() as cursor:
            # Who is no superuser must be a member to take away again what the role was given.
            cursor.execute(f'GRANT "{role}" TO CURRENT_USER')
        databaseroles.restrict(role)
    url = urlsplit(process_environment["DATABASE_URL"])
    place = url.netloc.rpartition("@")[2]
    yield urlunsplit(url._replace(netloc=f"{quote(role)}:{password}@{place}"))
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')


@pytest.fixture(scope="session")
def start_service(process_environment, app_role, request):
    """A function (name, words, **environment) that starts a program of ours; all end with the session."""
    children = request.config.stash.setdefault(LOGS, {})

    def start(name, words, **changes):
        environment = {**process_environment, "DATABASE_URL": app_role, **changes}
        children[name] = processes.start(name, words, home=HOME, environment=environment, cwd=ROOT)
        return children[name]

    yield start
    processes.stop(children.values())
    for child in children.values():
        child.log.unlink()


@pytest.fixture(scope="session")
def launch_worker(start_service):
    """A function that starts a Celery worker, waits until it takes tasks, and returns its process."""

    def launch(*, processes=2, **environment):
        name = f"worker-{os.getpid()}-{time.monotonic_ns()}"
        words = services.worker(hostname(name), processes=processes)
        child = start_service(name, words, **environment)
        wait_for(lambda: child.has_ended() or answers(name), "the worker does not answer")
        assert not child.has_ended(), child.tail()
        return child

    return launch


@pytest.fixture
def start_worker(launch_worker):
    """A function that starts one more Celery worker; each ends with the test, so that no other test meets it."""
    children = []

    def start(**options):
        children.append(launch_worker(**options))
        return children[-1]

    yield start
    processes.stop(children)


@pytest.fixture(scope="session")
def worker_process(launch_worker):
    """A worker that reads no queue yet: what tests without a worker order stays where it is."""
    app.control.purge()
    child = launch_worker()
    stop_reading(child.name)
    return child


@pytest.fixture
def worker(worker_process, transactional_db):
    """A Celery worker on the test database; it reads the queue until the test ends and nothing is left to do."""
    app.control.purge()
    start_reading(worker_process.name)
    yield worker_process
    stop_reading(worker_process.name)
    app.control.purge()
    wait_for(lambda: is_idle(worker_process.name), "the worker is still busy after the test")


@pytest.fixture(scope="session")
def web_process(start_service):
    """gunicorn with the static files of this run; returns (child, address without a slash at its end)."""
    call_command("collectstatic", interactive=False, verbosity=0)
    port = servers.free_port()
    address = f"http://{services.HOST}:{port}"
    child = start_service(f"web-{os.getpid()}", services.web(port, workers=1, threads=8), PUBLIC_URL=address)
    assert services.wait_for_web(child, port), child.tail()
    return child, address


@pytest.fixture
def web(web_process, transactional_db):
    """The address of the real site on the test database."""
    return web_process[1]


def hostname(name):
    return f"{name}@localhost"


def answers(name):
    return bool(app.control.inspect(destination=[hostname(name)], timeout=1).ping())


def start_reading(name):
    reads(app.control.add_consumer, name)


def stop_reading(name):
    reads(app.control.cancel_consumer, name)


def reads(control, name):
    """Let a worker begin or end to read the queue of this run, and wait until it says so."""
    told = control(
        app.conf.task_default_queue, destination=[hostname(name)], reply=True, timeout=WAIT_SECONDS
    )
    assert told, "the worker does not answer"


def is_idle(name):
    """Return whether the worker says that it has no task in hand and none set aside."""
    inspect = app.control.inspect(destination=[hostname(name)], timeout=2)
    return [inspect.active(), inspect.reserved()] == [{hostname(name): []}] * 2


def wait_for(condition, sentence, *, seconds=WAIT_SECONDS):
    """Return what ``condition()`` gives as soon as it is true; fail with the sentence when the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    pytest.fail(sentence)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Show what worker and web have logged beside a test that failed with them."""
    report = yield
    if report.failed and {"worker", "web", "start_worker"} & set(item.fixturenames):
        for name, child in item.config.stash.get(LOGS, {}).items():
            report.sections.append((f"log of {name}", child.tail(40)))
    return report
