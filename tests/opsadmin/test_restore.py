"""The commands that docs/operations.md names bring everything back on a machine that has nothing."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings

from approvals.models import ArchiveRecord
from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState
from opsadmin.local import processes, servers
from tests.opsadmin.walked import walk
from tests.servers import HOME, ROOT

pytestmark = pytest.mark.django_db(transaction=True)

TOOLS = servers.POSTGRES / "pginstall" / "bin"
APP = "opsadmin_app"
NIGHT = ("media.tar.gz", "anchor.tar.gz", "opsadmin.dump", "rows.txt")


@pytest.fixture
def machine(tmp_path):
    """The environment of a machine with an empty PostgreSQL of its own and no file of ours."""
    home = HOME / f"restored-{os.getpid()}"
    child, owner = servers.start_postgres(home, durable=False)
    password, files = servers.new_password(), tmp_path / "machine"
    with closing(psycopg2.connect(owner)) as made, made, made.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {APP} LOGIN PASSWORD '{password}'")
    address = f"postgres://{APP}:{password}@{owner.rpartition('@')[2]}"
    yield environment_of(owner, address, media=files / "media", anchor=files / "anchor")
    processes.stop([child])
    shutil.rmtree(home)


def environment_of(owner, address, *, media, anchor):
    return {
        **os.environ,
        "PATH": f"{TOOLS}:{os.environ['PATH']}",
        "OWNER": owner,
        "DATABASE_URL": address,
        "MEDIA_DIR": str(media),
        "ANCHOR_FILE": str(anchor / "checkpoints.jsonl"),
        "ANCHOR_KEY_FILE": str(anchor / "signing_key.pem"),
    }


def documented(heading):
    """Return the commands below a heading of docs/operations.md, for this run's Python."""
    text = (ROOT / "docs" / "operations.md").read_text()
    block = re.search(rf"^## {heading}\n.*?```sh\n(.*?)```", text, re.MULTILINE | re.DOTALL)[1]
    return block.replace(".venv/bin/python manage.py", f"{sys.executable} {ROOT / 'manage.py'}")


def run(commands, environment, folder):
    done = subprocess.run(
        ["sh", "-e", "-c", commands], env=environment, cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_dump_restored_on_an_empty_machine_has_every_row_and_verifies(
    machine, process_environment, app_role, company, tmp_path
):
    walk(lines=8)
    for pk in Job.objects.filter(kind="make_package", state=JobState.QUEUED).values_list("pk", flat=True):
        jobs.run(pk)
    here = environment_of(
        process_environment["DATABASE_URL"],
        app_role,
        media=settings.MEDIA_ROOT,
        anchor=Path(settings.ANCHOR_FILE).parent,
    )
    run(documented("Back-up"), here, tmp_path)
    rows = dict(line.split() for line in (tmp_path / "rows.txt").read_text().splitlines())
    assert int(rows["approvals_archiverecord"]) == ArchiveRecord.objects.count() > 0
    assert {path.name for path in tmp_path.iterdir()} == {*NIGHT}

    restore = documented("Restore")
    assert restore.startswith("createdb ")
    told = run(restore.partition("\n")[2], machine, tmp_path)
    assert "Everything is what was sealed." in told
    assert f"{ArchiveRecord.objects.count()} records" in told
    files = [
        path.relative_to(settings.MEDIA_ROOT) for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()
    ]
    assert files
    for path in files:
        assert (Path(machine["MEDIA_DIR"]) / path).read_bytes() == (settings.MEDIA_ROOT / path).read_bytes()
