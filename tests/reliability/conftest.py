"""The real site, with as many threads as people who press at once."""

import os

import pytest
from django.core.management import call_command

from opsadmin.local import servers, services

PEOPLE = 16


@pytest.fixture(scope="session")
def site_process(start_service):
    """gunicorn with two processes of eight threads; returns (child, address)."""
    call_command("collectstatic", interactive=False, verbosity=0)
    port = servers.free_port()
    address = f"http://{services.HOST}:{port}"
    words = services.web(port, workers=2, threads=PEOPLE // 2)
    child = start_service(f"site-{os.getpid()}", words, PUBLIC_URL=address)
    assert services.wait_for_web(child, port), child.tail()
    return child, address


@pytest.fixture
def site(site_process, transactional_db):
    """The address of the site on the test database."""
    return site_process[1]
