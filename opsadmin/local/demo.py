"""The whole product on one machine: ``python -m opsadmin.local.demo [--reset]``.

Starts PostgreSQL and Valkey where DATABASE_URL and REDIS_URL are not set, prepares the database, starts web,
worker and beat, prints the address and the accounts, and stops everything at Ctrl-C or SIGTERM.
What goes wrong is told in a sentence, with exit code 1.
"""

import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import unicodedata
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from opsadmin.local import processes, servers, services, translations
from opsadmin.local.prepare import APP_ROLE
from opsadmin.local.processes import LocalError

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = (
    "postgres",
    "valkey",
    "media",
    "anchor",
    "elsewhere",
    "static",
    "log",
    "run",
    "secret_key",
    "demo_password",
    "environment",
)


class Stop(BaseException):
    """The person or the system asked us to end."""


def main(arguments):
    """Run the demo until it is stopped; return the exit code."""
    home = Path(os.environ.get("VAR_DIR") or ROOT / "var").resolve()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask_to_stop)
    try:
        if arguments not in ([], ["--reset"]):
            raise LocalError("Write `python -m opsadmin.local.demo`, with --reset to start over.")
        processes.check_owner(home)
        with processes.only_one(home, f"The demo is already running with its data in {home}."):
            processes.stop_orphans(home)
            if arguments:
                reset(home)
            run(home, port_from(os.environ))
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    except Stop:
        return 0


def ask_to_stop(_number, _frame):
    """Leave what is going on; a second Ctrl-C must not break the stopping itself."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stop


def port_from(environment):
    """Return the port of the web server, PORT or 8000; raise LocalError if it is no port or is taken."""
    word = environment.get("PORT", "").strip() or "8000"
    if not (word.isascii() and word.isdigit() and 1 <= int(word) <= 65535):
        raise LocalError(f"PORT={word}: write a whole number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((services.HOST, int(word)))
        except OSError as error:
            other = int(word) % 65535 + 1
            raise LocalError(
                f"Port {word} cannot be used ({error.strerror}). Choose another: PORT={other} make demo"
            ) from None
    return int(word)


def reset(home):
    """Remove the data of the demo; refuse where the data is on a server that is not ours."""
    if os.environ.get("DATABASE_URL"):
        raise LocalError(
            "DATABASE_URL names a server of yours: empty that base yourself, then run `make demo`."
        )
    for name in OURS:
        path = home / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def run(home, port):
    """Start everything in order, say so, and stay until a child ends or we are asked to stop."""
    password = os.environ.get("DEMO_PASSWORD") or processes.kept_secret(
        home / "demo_password", lambda: secrets.token_urlsafe(12)
    )
    say("Starting the database and the broker.")
    with servers.running(home, say=say) as (addresses, children):
        # On http://localhost a browser sends no cookie that asks for https.
        environment = {"HTTPS": "0", **os.environ, **addresses}
        environment |= {"VAR_DIR": str(home), "PORT": str(port), "DEBUG": "0"}
        # An installation names a place that is not this machine; here a folder stands for it.
        environment.setdefault(
            "ANCHOR_COPIES", str(processes.folder(home / "elsewhere") / "checkpoints.jsonl")
        )
        say("Preparing the data and the pages; the first time takes a while.")
        translations.compile_all()
        app = app_role(environment)
        accounts = prepare(
            home, {**environment, "DEMO_PASSWORD": password, "APP_ROLE_PASSWORD": app.password}
        )
        with (
            programs(home, port, {**environment, "DATABASE_URL": app.url}) as started,
            shell_file(home / "environment", environment),
        ):
            if not services.wait_for_web(started[0], port):
                raise LocalError(
                    f"The web server does not answer. The end of {started[0].log}:\n{started[0].tail()}"
                )
            announce(home, port, accounts, password)
            watch([*children, *started])


class AppRole(NamedTuple):
    url: str
    password: str


def app_role(environment):
    """Return how programs sign in: on our own server as a role that owns nothing, on one of theirs as they said."""
    if os.environ.get("DATABASE_URL", "").strip():
        return AppRole(environment["DATABASE_URL"], "")
    owner, password = urlsplit(environment["DATABASE_URL"]), servers.new_password()
    place = owner.netloc.rpartition("@")[2]
    return AppRole(urlunsplit(owner._replace(netloc=f"{APP_ROLE}:{password}@{place}")), password)


def prepare(home, environment):
    """Run opsadmin.local.prepare; return its rows of [post, role, user name]."""
    log = processes.folder(home / "log") / "prepare.log"
    with log.open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "opsadmin.local.prepare"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            umask=0o077,
        )
        try:
            answer, _errors = child.communicate()
        except BaseException:
            child.kill()
            child.wait()
            raise
    if child.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise LocalError(f"The data cannot be prepared. The end of {log}:\n{tail}")
    return json.loads(answer)


@contextmanager
def programs(home, port, environment):
    """Start web, worker and beat; yield them in this order; stop them together."""
    environment = {**environment, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
    children = []
    try:
        for name, words in (
            ("web", services.web(port)),
            ("worker", services.worker("demo@localhost")),
            ("beat", services.beat()),
        ):
            children.append(processes.start(name, words, home=home, environment=environment, cwd=ROOT))
        yield children
    finally:
        say("Stopping.")
        processes.stop(children)


@contextmanager
def shell_file(path, environment):
    """Keep a file that a shell can read, so that manage.py works on the running demo; for its owner only."""
    names = ("DATABASE_URL", "REDIS_URL", "VAR_DIR", "PORT", "HTTPS", "DEBUG")
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"export {name}={shlex.quote(environment[name])}\n" for name in names)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def watch(children):
    """Return never; raise LocalError naming the first child that ends by itself."""
    while True:
        for child in children:
            if child.has_ended():
                code = child.process.returncode
                raise LocalError(
                    f"{child.name} ended by itself (code {code}). The end of {child.log}:\n{child.tail()}"
                )
        time.sleep(0.3)


def announce(home, port, accounts, password):
    rows = [("岗位", "role", "user name", "password")]
    rows += [(*account, password) for account in accounts]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(word + " " * (size - width(word)) for word, size in zip(row, widths, strict=True))
        for row in rows
    ]
    say("\n" + "\n".join(line.rstrip() for line in lines))
    say(f"\nReady: http://localhost:{port}/\nLogs are in {home / 'log'}. Ctrl-C stops everything.")


def width(text):
    """Return how many columns a text takes in a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def say(text):
    print(text, flush=True)


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")
    sys.exit(main(sys.argv[1:]))
