"""Hostile files end in a refusal or in named faults; what is taken is exactly what the file says."""

import json
import os
import resource
import subprocess
import sys
import time

import pytest

from opsadmin.core.spreadsheets import Column, SpreadsheetRefused, read
from tests.hostile.corpus import AMOUNTS, FAULTY, REFUSED, TAKEN, Shape, corpus
from tests.servers import ROOT

COLUMNS = (
    Column("sku", ("商品编码",), required=True, kind="code", max_length=40),
    Column("price", ("执行价",), required=True, kind="money"),
    Column("name", ("商品名称",), max_length=160),
)
SHAPE = Shape(("商品编码", "执行价", "商品名称"), ("CS0001", "12.00", "保温杯"), 0, 1, 2)
GOOD = {"sku": "CS0001", "price": "12.00", "name": "保温杯"}
FILES = {one.name: one for one in corpus()}
SECONDS, MEGABYTES = 10, 300
STEPS = ("container", "entity", "xml", "text", "disguise", "value")
# Runs in a process of its own, so that its memory is measured, and a reader that dies is seen.
ALONE = """
import json, resource, sys, time
import django
django.setup()
from tests.hostile.test_reader import answer
before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
found = answer(sys.argv[1], sys.argv[2])
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10
print(json.dumps([found[0], time.monotonic() - began, grown]))
"""


def answer(path, filename):
    """Return (verdict, rows as texts or the sentence) of what the reader makes of a file."""
    try:
        table = read(path, filename, columns=COLUMNS)
        rows = list(table)
    except SpreadsheetRefused as refused:
        return REFUSED, str(refused)
    if table.faults:
        return (FAULTY if rows else REFUSED), [fault.message for fault in table.faults]
    return TAKEN, [{key: str(value) for key, value in row.values.items()} for row in rows]


def wrong(hostile, path):
    """Return what is wrong with the reader's answer to a file, nothing where it is right."""
    path.write_bytes(hostile.make(SHAPE))
    began = time.monotonic()
    verdict, found = answer(path, hostile.filename)
    if time.monotonic() - began > SECONDS:
        return "too slow"
    if hostile.verdict and verdict != hostile.verdict:
        return f"{verdict} instead of {hostile.verdict}"
    if verdict != TAKEN:
        return "" if found and all(found) else "says nothing"
    if hostile.kind != "value":
        return "" if all(row == GOOD for row in found) else f"other rows: {found}"
    amount = next((one for one in AMOUNTS if hostile.name.startswith(f"amount {one!r} ")), None)
    right = GOOD | {"price": AMOUNTS[amount]} if amount else None
    return "" if right is None or found == [right] else f"another value: {found}"


def test_the_corpus_has_300_files_of_every_kind():
    assert len(FILES) == len(corpus()) >= 300
    assert {one.kind for one in FILES.values()} == {*STEPS, "bomb"}


@pytest.mark.parametrize("kind", STEPS)
def test_each_hostile_file_is_refused_or_its_faults_are_named_and_nothing_is_guessed(kind, tmp_path):
    files = [one for one in FILES.values() if one.kind == kind]
    found = {one.name: wrong(one, tmp_path / "file") for one in files}
    assert {name: text for name, text in found.items() if text} == {}


def alone(hostile, path):
    path.write_bytes(hostile.make(SHAPE))
    words = [sys.executable, "-c", ALONE, str(path), hostile.filename]
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-500:]
    return json.loads(done.stdout)


@pytest.mark.soak
def test_a_bomb_is_refused_within_seconds_and_without_memory(tmp_path):
    for hostile in FILES.values():
        if hostile.kind == "bomb" or hostile.name in ("more rows than are read", "a line of ten megabytes"):
            verdict, seconds, grown = alone(hostile, tmp_path / "file")
            print(f"{hostile.name}: {verdict}, {seconds:.1f} s, {grown} MB")
            assert verdict == REFUSED
            assert seconds <= SECONDS
            assert grown <= MEGABYTES


def test_a_reader_that_reserves_what_a_file_claims_never_starts(tmp_path):
    """One such file of two kilobytes would end the process that reads it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name in FILES:
        if name.startswith("a table of"):
            assert wrong(FILES[name], tmp_path / "file") == ""
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10 < MEGABYTES
