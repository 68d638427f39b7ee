"""Walks on a PostgreSQL of this run's own, which may be stopped and filled up; test_outages.py runs them."""

import json
import os
import signal
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg2
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from approvals.models import Comment, ImportRow, LineImport
from approvals.pricelists import importing
from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState
from opsadmin.local import processes, servers
from tests.approvals.world import draft_price_list, make_world
from tests.reliability.disks import filled, small_disk
from tests.reliability.machines import Broker, Programs
from tests.reliability.visiting import Visitor
from tests.reliability.walks import file_through_an_outage, import_through_an_outage
from tests.services import wait_for

HOME = Path(os.environ["OWN_SERVER"])
PORT = urlsplit(os.environ["DATABASE_URL"]).port


class Stopped:
    """An outage made by stopping the server with ``immediate``, as a power cut would, and starting it again."""

    def __init__(self):
        self.again = None

    def begin(self):
        noted = json.loads((HOME / "run" / "postgres.json").read_text())
        server = psutil.Process(self.again.process.pid if self.again else noted["child"][0])
        server.send_signal(signal.SIGQUIT)
        wait_for(lambda: not processes.runs(server), "PostgreSQL does not stop")

    def end(self):
        let_the_server_in()
        self.again = processes.start(
            "postgres-again",
            [
                servers.POSTGRES / "pginstall/bin/postgres",
                *("-D", HOME / "postgres" / "data"),
                *servers.postgres_options(PORT, durable=True),
            ],
            home=HOME,
            environment=servers.plain_environment(),
            account=servers.account(),
            stop_signal=signal.SIGINT,
        )
        wait_for(answers, "PostgreSQL does not come back")


def let_the_server_in():
    """Open the folders above the data again: a test run closes those of its temporary files to others."""
    if servers.account():
        servers.open_for_others(servers.POSTGRES, HOME / "postgres", HOME, say=print)


def answers():
    try:
        superuser().close()
    except psycopg2.OperationalError:
        return False
    return True


def superuser(base="postgres"):
    return psycopg2.connect(
        host=servers.HOST,
        port=PORT,
        user=servers.SUPERUSER,
        password=os.environ["OWN_SUPERUSER"],
        dbname=base,
    )


@pytest.fixture(scope="module")
def outage():
    """Who started this run ends the server that was started again, once nothing here needs it."""
    return Stopped()


@pytest.fixture
def programs(process_environment, transactional_db, tmp_path):
    """A worker and a scheduler with the settings of an installation."""
    broker = Broker(tmp_path)
    broker.start()
    found = Programs(tmp_path, broker, process_environment)
    found.start_worker()
    found.start_beat()
    found.wait_for_beat()
    yield found
    found.stop()


def test_stopped_in_the_middle_of_a_filing_and_of_an_import(site, programs, outage):
    world, _visitor = file_through_an_outage(site, outage)
    import_through_an_outage(world, site, outage)


@pytest.fixture
def full_tables(transactional_db, tmp_path):
    """Imports and comments on a disk of 32 MB of their own; yields its folder."""
    with small_disk(HOME / "small") as folder:
        let_the_server_in()
        os.chown(folder, *account_numbers())
        with closing(superuser(connection.settings_dict["NAME"])) as other:
            other.autocommit = True
            cursor = other.cursor()
            cursor.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
            for table in ("approvals_importrow", "approvals_comment"):
                cursor.execute(f"ALTER TABLE {table} SET TABLESPACE small")
        yield folder
        with closing(superuser(connection.settings_dict["NAME"])) as other:
            other.autocommit = True
            cursor = other.cursor()
            for table in ("approvals_importrow", "approvals_comment"):
                cursor.execute(f"ALTER TABLE {table} SET TABLESPACE pg_default")
            cursor.execute("CHECKPOINT")
            cursor.execute("DROP TABLESPACE small")


def account_numbers():
    account = servers.account()
    return (account.pw_uid, account.pw_gid) if account else (os.getuid(), os.getgid())


def test_with_the_databases_disk_full_nothing_is_half_written_and_later_it_works(site, full_tables):
    world = make_world(goods=400)
    draft = draft_price_list(world, ("95",))
    rows = "".join(f"{sku.code},100,99\n" for sku in world.goods)
    upload = SimpleUploadedFile("a.csv", f"商品编码,参考价,执行价\n{rows}".encode())
    imported = importing.start_import(draft.pk, by=world["product_strategy"], uploaded=upload)
    visitor = Visitor(site, world["product_strategy"])
    comment = reverse("admin:document_comment", args=[draft.pk])
    with filled(full_tables):
        jobs.run(imported.job_id)
        job = Job.objects.get(pk=imported.job_id)
        assert job.state == JobState.FAILED and job.error
        print("job:", job.error)
        assert not ImportRow.objects.exists()
        answers = [visitor.post(comment, {"text": "满" * 1900}) for _n in range(40)]
        refused = [answer for answer in answers if answer.status != 302]
        assert refused and {answer.status for answer in refused} == {507}
        assert "no room" in refused[0].text
        assert Comment.objects.count() == len(answers) - len(refused)
    jobs.retry(imported.job_id, by=world["product_strategy"])
    jobs.run(imported.job_id)
    assert LineImport.objects.get(pk=imported.pk).state == "ready"
    assert ImportRow.objects.count() == len(world.goods)
    assert visitor.post(comment, {"text": "又有空间了"}).status == 302
    assert settings.DATABASES["default"]["OPTIONS"]
