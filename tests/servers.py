"""What the tests run against: a real PostgreSQL, a real broker.

A `-p` plugin, not a conftest: the servers must answer before Django reads its settings.
With DATABASE_URL or REDIS_URL set, that server is used; the other is started under var/test.
"""

import os
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from opsadmin.local import processes, servers, translations

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "test"


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config):
    """Start the servers in the process that the person started; xdist's workers inherit the addresses."""
    stack = ExitStack()
    early_config.add_cleanup(stack.close)
    xdist_worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    try:
        processes.check_owner(HOME)
        if not xdist_worker:
            stack.enter_context(needed_servers())
            translations.compile_all()
    except processes.LocalError as error:
        raise pytest.UsageError(str(error)) from error
    files = stack.enter_context(tempfile.TemporaryDirectory(prefix="opsadmin-test-"))
    os.environ |= {
        "VAR_DIR": files,
        "HTTPS": "0",
        # Tests are quicker than people; those of the limits set them.
        "RATE_LIMITS": "0",
        # A task must not meet the worker of another run, which has another database.
        "CELERY_QUEUE": f"opsadmin-test-{xdist_worker}-{os.getpid()}",
    }
    return (yield)


@contextmanager
def needed_servers():
    """Run the servers that the environment does not name, and name them in it."""
    with ExitStack() as stack:
        if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
            busy = f"Another test run is using {HOME}: wait for its end."
            stack.enter_context(processes.only_one(HOME, busy))
            environment, _children = stack.enter_context(servers.running(HOME, durable=False))
            os.environ.update(environment)
        yield


def pytest_configure(config):
    """Bring in the fixtures late, so that they stand before those of the same name in other plugins."""
    for name in ("tests.database", "tests.services", "tests.browser"):
        config.pluginmanager.import_plugin(name)
