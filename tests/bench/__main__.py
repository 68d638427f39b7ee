"""``make bench``: run every row and print one table.

BENCH_N is the largest size (100000 unless told), BENCH_ROWS names some rows, BENCH_ROUNDS says how often each arm
runs. Servers of its own are started under var/bench; the scenes that are built there are kept for the next run.
"""

import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import django
import psutil
import psycopg2

from opsadmin.local import processes, servers, translations

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "var" / "bench"
SOURCES = ("tests/bench/scenes.py", "tests/approvals/bulk.py", "tests/approvals/world.py")
LINE = "{:38} {:>9} {:6} {:>8} {:>8} {:>8} {:>7} {:>5} {:>11} {:>12} {:>7}  {}"
HEAD = (
    "path",
    "N",
    "arm",
    "CPU s",
    "client s",
    "wall s",
    "asked",
    "MB",
    "ours/floor",
    "stock/ours",
    "growth",
    "",
)


class Bench:
    """The databases of a run, and the processes on them."""

    def __init__(self, environment):
        self.environment = environment
        self.server, _slash, self.base = environment["DATABASE_URL"].rpartition("/")
        self.mark = fingerprint()

    def sql(self, *statements, database=""):
        with closing(psycopg2.connect(f"{self.server}/{database or self.base}")) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def run(self, database, *words):
        """Run a program of Python on a database and return the last line that it prints."""
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=ROOT,
            env={**self.environment, "DATABASE_URL": f"{self.server}/{database}"},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{' '.join(map(str, words))} failed on {database}")
        return done.stdout.strip().rpartition("\n")[2]

    def clone(self, source, target):
        drop = f"DROP DATABASE IF EXISTS {target}"
        self.sql(drop, f"CREATE DATABASE {target} TEMPLATE {source} STRATEGY FILE_COPY")
        return target

    def databases(self):
        return {name for (name,) in self.sql("SELECT datname FROM pg_database")}

    def forget_old(self):
        """Drop what other migrations or other scenes made."""
        for name in self.databases():
            if name.startswith("scene_") and not name.endswith(self.mark):
                self.sql(f"DROP DATABASE {name}")

    def scene(self, name, size):
        """Return the database of a scene; it is made where it is not there. The scene of no name has empty tables."""
        from tests.bench.scenes import SCENES

        target = f"scene_{name}_{size}_{self.mark}" if name else f"scene_{self.mark}"
        if target in self.databases():
            return target
        if name:
            before = self.scene(SCENES[name].after, SCENES[name].within(size))
            self.clone(before, "being_made")
            self.run("being_made", "-m", "tests.bench.child", "scene", name, size)
        else:
            self.clone("template0", "being_made")
            self.run("being_made", "manage.py", "migrate", "-v0")
        self.sql("VACUUM ANALYZE", database="being_made")
        self.sql(f"ALTER DATABASE being_made RENAME TO {target}")
        return target

    def arm(self, module, row, arm, size):
        """Run one arm once and return what it cost."""
        database = self.scene(row.scene, size)
        if row.writes:
            database = self.clone(database, "measured")
        return json.loads(self.run(database, "-m", "tests.bench.child", "arm", module, row.key, arm, size))


def fingerprint():
    """Return a mark of everything that the scenes are made from."""
    migrations = sorted([*ROOT.glob("*/migrations/*.py"), *ROOT.glob("*/*/migrations/*.py")])
    paths = [*migrations, *(ROOT / name for name in SOURCES)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:8]


def medians(runs):
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def run_row(bench, module, row, *, largest, rounds):
    """Run the arms of a row in turn at every size and print them."""
    first = {}
    for size in row.sizes:
        if size > max(largest * row.scale, min(row.sizes)):
            continue
        arms = [arm for arm in row.arms if size <= row.bears.get(arm, size)]
        runs = {arm: [] for arm in arms}
        for _round in range(rounds):
            for arm in arms:
                runs[arm].append(bench.arm(module, row, arm, size))
        costs = {arm: medians(found) for arm, found in runs.items()}
        if row.same and len({cost["done"] for cost in costs.values()}) > 1:
            raise SystemExit(f"{row.key}: the arms did different things: {costs}")
        for arm in arms:
            first.setdefault(arm, (size, costs[arm]))
        for arm in arms:
            print_arm(row, size, arm, costs, first)


def total(cost):
    """Return the CPU seconds of client and database."""
    return cost["own"] + cost["server"]


def cpu_each(cost):
    return total(cost) / max(cost["done"], 1)


def print_arm(row, size, arm, costs, first):
    """Print one line: what the arm cost, and for ours how it compares.

    Growth is the cost of all against that at the smallest size. Where stock is not asked for this much, it is taken
    to cost as much for each thing as at the smallest size, and marked with ~.
    """
    cost, each = costs[arm], {name: cpu_each(one) for name, one in costs.items()}
    smallest, before = first[arm]
    floor = stock = ""
    if arm == "ours" and each.get("floor"):
        floor = f"{each[arm] / each['floor']:.2f}"
    if arm == "ours" and "stock" in first:
        about = "" if "stock" in each else "~"
        stock = f"{about}{each.get('stock', cpu_each(first['stock'][1])) / each[arm]:.1f}"
    # What costs less than a tick of the clock has no growth that could be told.
    growth = f"× {total(cost) / total(before):.1f}" if size > smallest and total(before) else ""
    figures = [total(cost), cost["own"], cost["wall"]]
    more = f"{cost['rate']:.0f}/s, p95 {cost['p95']:.0f} ms" if "p95" in cost else ""
    print(
        LINE.format(
            row.title if arm == "ours" else "",
            f"{size:,}",
            arm,
            *(f"{figure:.2f}" for figure in figures),
            f"{cost['statements']:.0f}",
            f"{cost['memory']:.0f}",
            floor,
            stock,
            growth,
            more,
        ),
        flush=True,
    )


def say_machine():
    model = next(
        (
            line.partition(": ")[2]
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    memory = psutil.virtual_memory().total >> 30
    now = datetime.now().astimezone()
    print(
        f"{now:%Y-%m-%d %H:%M}, {os.cpu_count()} × {model}, {memory} GB, Python {platform.python_version()}"
    )


def main():
    processes.check_owner(HOME)
    translations.compile_all()
    busy = f"Another run is using {HOME}: wait for its end."
    with (
        processes.only_one(HOME, busy),
        servers.running(HOME, durable=False, given={}) as (environment, children),
    ):
        processes.folder(HOME / "files" / "static")
        postgres = next(child for child in children if child.name == "postgres")
        os.environ |= {
            **environment,
            "BENCH_POSTGRES": str(postgres.process.pid),
            "BENCH_FILES": str(processes.folder(HOME / "files")),
            "VAR_DIR": str(processes.folder(HOME / "files")),
            "HTTPS": "0",
            "CELERY_QUEUE": "opsadmin-bench",
            "DJANGO_SETTINGS_MODULE": "opsadmin.settings",
        }
        django.setup()
        run_rows(Bench(dict(os.environ)))


def run_rows(bench):
    from tests.bench.rows import all_rows

    largest = int(os.environ.get("BENCH_N", "100000"))
    rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
    wanted = [key.strip() for key in os.environ.get("BENCH_ROWS", "").split(",") if key.strip()]
    bench.forget_old()
    say_machine()
    print(LINE.format(*HEAD))
    for key, (module, row) in all_rows().items():
        if not wanted or key in wanted:
            run_row(bench, module, row, largest=largest, rounds=rounds)


if __name__ == "__main__":
    main()
