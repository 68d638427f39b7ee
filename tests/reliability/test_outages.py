"""The database goes away in the middle and comes back: all or nothing, a clear page meanwhile, no restart of ours."""

import os
import subprocess
import sys
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from opsadmin.local import processes, servers, services
from tests.reliability.machines import SHORT, Broker, Programs
from tests.reliability.outages import Proxy
from tests.reliability.walks import file_through_an_outage, import_through_an_outage
from tests.servers import ROOT


class ClosedDoor:
    """An outage made by cutting every connection; the server itself goes on for others."""

    def __init__(self, proxy):
        self.begin, self.end = proxy.close, proxy.open


@pytest.fixture
def behind_a_door(process_environment, start_service, transactional_db, tmp_path):
    """Site, worker and scheduler that reach the database through a door; returns (address, outage)."""
    proxy = Proxy(process_environment["DATABASE_URL"])
    proxy.open()
    broker = Broker(tmp_path)
    broker.start()
    changes = {"DATABASE_URL": proxy.url, "REDIS_URL": broker.url, **SHORT}
    programs = Programs(tmp_path, broker, {**process_environment, **changes})
    port = servers.free_port()
    child = start_service(f"behind-{port}", services.web(port, workers=1, threads=4), **changes)
    programs.start_worker()
    programs.start_beat()
    assert services.wait_for_web(child, port), child.tail()
    programs.wait_for_beat()
    yield f"http://{services.HOST}:{port}", ClosedDoor(proxy)
    programs.stop()
    proxy.close()


def test_stopped_in_the_middle_all_or_nothing_is_done_and_the_site_comes_back_by_itself(behind_a_door):
    site, outage = behind_a_door
    world, _visitor = file_through_an_outage(site, outage)
    import_through_an_outage(world, site, outage)


@pytest.mark.soak
def test_the_same_on_a_server_of_its_own_that_is_stopped_and_whose_disk_fills_up(tmp_path):
    """Run the walks of ``own_server.py`` in a test run whose database may be stopped."""
    with servers.running(tmp_path, durable=True, given={}) as (environment, _children):
        superuser = (tmp_path / "postgres" / "superuser_password").read_text()
        port = urlsplit(environment["DATABASE_URL"]).port
        with closing(servers.connect(port, superuser)) as connection, connection.cursor() as cursor:
            cursor.execute(f"ALTER ROLE {servers.ROLE} CREATEDB")
            connection.commit()
        words = [sys.executable, "-m", "pytest", "-q", "-s", "tests/reliability/own_server.py"]
        done = subprocess.run(
            words,
            cwd=ROOT,
            env={**os.environ, **environment, "OWN_SERVER": str(tmp_path), "OWN_SUPERUSER": superuser},
            timeout=900,
        )
        processes.stop_orphans(tmp_path)
    assert done.returncode == 0
