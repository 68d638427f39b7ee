import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from opsadmin.demo import ACCOUNTS
from opsadmin.local import demo, install, processes, servers
from opsadmin.local.processes import LocalError

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 180


@pytest.fixture
def start_demo(home, tmp_path):
    """A function that starts the demo with servers of its own; returns (process, its output so far, port).

    Between finding a free port and using it another process may take it: then another port is tried.
    """
    runs = []

    def launch(**changes):
        port = servers.free_port()
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {"VAR_DIR": str(home), "PORT": str(port), **changes}
        output = tmp_path / f"output-{len(runs)}"
        with output.open("wb") as file:
            run = subprocess.Popen(
                [sys.executable, "-m", "opsadmin.local.demo"],
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        runs.append(run)
        return run, output, port

    def start(**changes):
        for _attempt in range(3):
            run, output, port = launch(**changes)
            if becomes_ready(run, output):
                return run, output, port
            said = output.read_text()
            assert f"Port {port}" in said or "in use" in said, said
        pytest.fail(said)

    yield start
    for run in runs:
        if run.poll() is None:
            run.terminate()
            run.wait(60)


def becomes_ready(run, output):
    """Wait until the demo answers; returns False if it ended before."""
    deadline = time.monotonic() + START_SECONDS
    while "Ready:" not in output.read_text():
        if run.poll() is not None:
            return False
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.1)
    return True


def test_the_demo_starts_goes_on_with_its_data_and_leaves_nothing_running(start_demo):
    run, output, port = start_demo(DEMO_PASSWORD="plain-words-only")
    assert output.read_text().count("plain-words-only") == len(ACCOUNTS)
    with urlopen(f"http://localhost:{port}/", timeout=20) as page:
        assert page.status == 200
        assert "zh-hans" in page.read().decode()
    family = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGINT)
    assert run.wait(30) == 0, output.read_text()
    assert not any(processes.runs(member) for member in family)

    run, output, port = start_demo()
    assert "plain-words-only" not in output.read_text()

    family = psutil.Process(run.pid).children()
    worker = next(child for child in family if "worker" in child.cmdline())
    worker.kill()
    assert run.wait(30) == 1
    assert "worker ended by itself" in output.read_text()
    assert not any(processes.runs(member) for member in family)


@pytest.mark.parametrize("word", ["0", "65536", "80 80", "-1", "八千"])
def test_a_port_that_is_none_is_refused(word):
    with pytest.raises(LocalError, match="whole number from 1 to 65535"):
        demo.port_from({"PORT": word})


def test_a_port_that_is_taken_is_refused_with_another_to_choose():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(LocalError, match=f"Port {port} cannot be used"):
            demo.port_from({"PORT": str(port)})


def test_starting_over_never_touches_a_server_of_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://someone@server/base")
    (tmp_path / "media").mkdir()
    with pytest.raises(LocalError, match="a server of yours"):
        demo.reset(tmp_path)
    assert (tmp_path / "media").exists()


def test_starting_over_removes_the_demos_data_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.delenv("DATABASE_URL")
    (tmp_path / "media/2026").mkdir(parents=True)
    (tmp_path / "secret_key").touch()
    (tmp_path / "letter.txt").touch()
    demo.reset(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_child_that_ends_by_itself_is_named_with_the_end_of_its_log(tmp_path):
    child = processes.start(
        "web", [sys.executable, "-c", "print('no such thing')"], home=tmp_path, environment=os.environ
    )
    with pytest.raises(LocalError, match=r"(?s)web ended by itself \(code 0\).*no such thing"):
        demo.watch([child])
    processes.stop([child])


def test_requirements_are_installed_again_when_an_included_file_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(install, "ROOT", tmp_path)
    (tmp_path / "base.txt").write_text("a==1\n")
    (tmp_path / "dev.txt").write_text("-r base.txt\nb==1\n")
    before = install.fingerprint("dev.txt")
    (tmp_path / "base.txt").write_text("a==2\n")
    assert install.fingerprint("dev.txt") != before
