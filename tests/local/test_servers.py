import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from opsadmin.local import processes, servers
from opsadmin.local.processes import LocalError
from tests.services import wait_for

ROOT = Path(__file__).resolve().parent.parent.parent
HOLD = """
import sys, time
from pathlib import Path
from opsadmin.local import servers
with servers.running(Path(sys.argv[1]), given={}, say=lambda text: None) as (environment, _):
    print(*environment.values(), flush=True)
    time.sleep(600)
"""


def start(home):
    return servers.running(home, durable=False, given={}, say=lambda text: None)


def ask(address, statement, *values):
    with closing(psycopg2.connect(address)) as base, base, base.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


def test_data_stays_between_two_starts(home):
    with start(home) as (environment, _children):
        ask(environment["DATABASE_URL"], "CREATE TABLE kept AS SELECT 7 AS n")
    with start(home) as (environment, _children):
        assert ask(environment["DATABASE_URL"], "SELECT n FROM kept") == [(7,)]


@pytest.mark.parametrize("server_too", [False, True])
def test_a_start_after_a_killed_run_finds_its_data_and_leaves_no_orphan(home, server_too):
    run = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    address = run.stdout.readline().split()[0]
    ask(address, "CREATE TABLE kept AS SELECT 7 AS n")
    orphans = psutil.Process(run.pid).children()
    assert {orphan.name() for orphan in orphans} >= {"postgres"}
    run.kill()
    run.wait()
    for orphan in orphans if server_too else []:
        orphan.kill()

    with start(home) as (environment, children):
        assert ask(environment["DATABASE_URL"], "SELECT n FROM kept") == [(7,)]
        assert not any(processes.runs(orphan) for orphan in orphans)
        numbers = [child.process.pid for child in children]
    assert not any(psutil.pid_exists(number) for number in numbers)


def test_a_process_number_that_now_belongs_to_someone_else_does_not_stop_a_start(home):
    with start(home):
        pass
    pid_file = home / "postgres/data/postmaster.pid"
    stranger = subprocess.Popen(["sleep", "60"])
    pid_file.write_text(f"{stranger.pid}\n{home}\n")
    servers.give_away(pid_file)
    with start(home):
        assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_the_servers_listen_on_the_loopback_address_only_and_ask_for_a_password(home):
    with start(home) as (environment, children):
        for child in children:
            heard = psutil.Process(child.process.pid).net_connections(kind="inet")
            assert {connection.laddr.ip for connection in heard} == {"127.0.0.1"}
        with pytest.raises(psycopg2.OperationalError, match="password|no pg_hba"):
            ask(with_password(environment["DATABASE_URL"], "guess"), "SELECT 1")
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(with_password(environment["REDIS_URL"], "guess")).ping()


def with_password(address, password):
    head, _at, tail = address.rpartition("@")
    return f"{head.rpartition(':')[0]}:{password}@{tail}"


def test_the_applications_role_is_no_superuser_and_can_create_its_extensions(home):
    with start(home) as (environment, _children):
        address = environment["DATABASE_URL"]
        assert ask(address, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
        for extension in ("btree_gist", "pg_trgm"):
            ask(address, f"CREATE EXTENSION {extension}")
        assert ask(address, "SELECT '店铺客服部' LIKE '%%客服%%', similarity('客服部', '客服') > 0.3") == [
            (True, True)
        ]


def test_passwords_lie_in_files_that_only_their_owner_reads(home):
    with start(home):
        for name in ("postgres/superuser_password", "valkey/valkey.conf"):
            assert (home / name).stat().st_mode & 0o077 == 0


def test_servers_that_are_given_are_used_as_they_are(home):
    given = {"DATABASE_URL": "postgres://a@b/c", "REDIS_URL": "redis://d"}
    with servers.running(home, given=given) as (environment, children):
        assert (environment, children) == (given, [])


def test_data_of_another_postgresql_release_is_refused_with_a_sentence(home):
    with start(home):
        pass
    (home / "postgres/data/PG_VERSION").write_text("15\n")
    with pytest.raises(LocalError, match="made by PostgreSQL 15"), start(home):
        pass


def test_a_second_run_on_the_same_folder_is_refused_while_the_first_lives(home):
    again = processes.only_one(home, "busy")
    with processes.only_one(home, "busy"), pytest.raises(LocalError, match="busy"), again:
        pass
    with processes.only_one(home, "busy"):
        pass


def test_a_secret_is_made_once_and_kept_for_its_owner(home):
    words = iter(["first", "second"])
    assert processes.kept_secret(home / "word", lambda: next(words)) == "first"
    assert processes.kept_secret(home / "word", lambda: next(words)) == "first"
    assert (home / "word").stat().st_mode & 0o777 == 0o600


def test_a_child_that_does_not_listen_is_killed_when_patience_ends(home):
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    child = processes.start("deaf", [sys.executable, "-c", deaf], home=home, environment=os.environ)
    wait_for(lambda: "deaf" in child.tail(), "the child did not start")
    before = time.monotonic()
    processes.stop([child], patience=0.5)
    assert time.monotonic() - before < 5
    assert child.process.returncode == -signal.SIGKILL
    assert not child.record.exists()
