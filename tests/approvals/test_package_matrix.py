"""Nothing in a package can be changed unseen: every file, every line, every field, and the ZIP around them."""

import io
import json
import random
import subprocess
import sys
import warnings
import zipfile

import pytest

from approvals.archive.package import write_package
from approvals.archive.verify_template import DIFFERS, Check, Zip, canonical, digest, readable
from opsadmin.core.sealing import Anchor, record_hash
from tests.approvals.filed_documents import EVIDENCE, a_file, a_record, filed_bytes
from tests.approvals.test_package import signed_anew, the_next, the_one_before, with_true_manifest

FILES = {"清仓说明.docx": EVIDENCE, "发票.pdf": b"%PDF-1.4 " + b"7" * 200}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The members of a package of a document with two attachments: {name: bytes}, as ``write_package`` orders them."""
    folder = tmp_path_factory.mktemp("package")
    data = with_files(filed_bytes())
    (folder / "form.pdf").write_bytes(b"%PDF-1.7 printed")
    target, before = io.BytesIO(), the_one_before()
    record = a_record(data, previous=before["hash"])
    write_package(
        target,
        filed_bytes=data,
        record=record,
        neighbours={"previous": before, "next": the_next(record)},
        pdf_path=folder / "form.pdf",
        xlsx_writer=lambda path: path.write_bytes(b"PK workbook"),
        attachments=[(name, [content], digest(content)) for name, content in FILES.items()],
        sign=Anchor(folder / "checkpoints.jsonl", folder / "key.pem").sign,
    )
    with zipfile.ZipFile(target) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert named(members) == []
    return members


def with_files(data):
    """The same document with both files sealed."""
    first = canonical(a_file())
    rows = b"\n".join(canonical(a_file(name, content)) for name, content in FILES.items())
    assert data.count(first) == 1
    return data.replace(first, rows)


def zipped(members):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


def named(members):
    """Return what the package's program names of these members."""
    return named_of(zipped(members))


def named_of(file):
    with zipfile.ZipFile(file) as archive:
        return [one.part for one in Check(Zip(archive)).run() if one.verdict == DIFFERS]


def about(parts, name):
    return any(part.startswith(name) for part in parts)


# ── A byte ────────────────────────────────────────────────────────────────────────────────────────────────────────


def a_byte_of_each_line(data, step):
    """Yield the data with one byte changed, in each line or in every ``step``-th."""
    place, chance = 0, random.Random(7)
    for number, line in enumerate(data.splitlines(keepends=True)):
        if number % step == 0:
            yield changed(data, place + chance.randrange(len(line)))
        place += len(line)


def changed(data, place):
    return data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]


def unseen_bytes(package, changes):
    return [name for name, data in changes if not about(named(package | {name: data}), name)]


def test_a_byte_changed_in_any_line_of_any_file_is_found_and_the_file_named(package):
    changes = [
        (name, other)
        for name, data in package.items()
        for other in a_byte_of_each_line(data, 40 if name == "verify.py" else 2)
    ]
    assert len(changes) > 100
    assert unseen_bytes(package, changes) == []


@pytest.mark.parametrize("name", ["signature", "public_key"])
def test_a_signature_written_in_other_letters_is_named(package, name):
    manifest = json.loads(package["manifest.json"])
    forged = readable({**manifest, name: manifest[name].upper()})
    assert named(package | {"manifest.json": forged}) == ["manifest.json signature"]


@pytest.mark.soak
def test_each_byte_changed_in_any_file_is_found_and_the_file_named(package):
    changes = (
        (name, changed(data, place))
        for name, data in package.items()
        for place in range(0, len(data), 10 if name == "verify.py" else 1)
    )
    assert unseen_bytes(package, changes) == []


# ── A field, by somebody who makes every digest anew and signs with a key of his own ──────────────────────────────


def other(value):
    """Return a value that differs as little as its kind lets."""
    if value is None:
        return "x"
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1
    return ("y" if value[:1] == "x" else "x") + value[1:]


def other_values(value):
    """Yield a JSON value with one leaf changed, one leaf after the other; empty lists and objects get one."""
    if isinstance(value, dict):
        yield from ({**value, key: one} for key, old in value.items() for one in other_values(old))
        yield {**value, "x": "x"}
    elif isinstance(value, list):
        yield from (
            [*value[:place], one, *value[place + 1 :]]
            for place, old in enumerate(value)
            for one in other_values(old)
        )
        yield [*value, "x"]
    else:
        yield other(value)


def of_the_same_kind(row):
    """Yield the row with another value of one field; a row of another kind would count among others."""
    return ({"t": row["t"], **other} for other in other_values({**row, "t": []}) if other.pop("t") == [])


def other_rows(data):
    """Yield (kind of the row, the canonical form with one field of one row or line changed)."""
    lines = data.splitlines()
    for place, line in enumerate(lines):
        if line.startswith(b"{"):
            kind, variants = json.loads(line)["t"], map(canonical, of_the_same_kind(json.loads(line)))
        else:
            fields = line.split(b"\t")
            kind = "line"
            variants = (
                b"\t".join([*fields[:at], other(field.decode()).encode(), *fields[at + 1 :]])
                for at, field in enumerate(fields)
            )
        for variant in variants:
            yield kind, b"\n".join([*lines[:place], variant, *lines[place + 1 :]]) + b"\n"


def with_true_record(members):
    """The members with a record that seals the canonical form as it is now; the record after it cannot be changed."""
    manifest = json.loads(members["manifest.json"])
    record = {key: value for key, value in manifest["record"].items() if key != "hash"}
    record["payload_sha256"] = digest(members["canonical.ndjson"])
    manifest["record"] = record | {"hash": digest(canonical(record))}
    return members | {"manifest.json": readable(manifest)}


def test_the_record_s_digest_in_these_tests_is_the_archive_s(package):
    record = json.loads(package["manifest.json"])["record"]
    assert json.loads(with_true_record(package)["manifest.json"])["record"] == record
    assert record_hash(**{key: value for key, value in record.items() if key != "hash"}) == record["hash"]


def unseen_fields(package, step):
    """Return the kinds of rows of which some changed field, or every ``step``-th, was not found."""
    unseen = []
    for kind, data in list(other_rows(package["canonical.ndjson"]))[::step]:
        forged = package | {"canonical.ndjson": data}
        if not about(named(with_true_manifest(forged)), "canonical.ndjson"):
            unseen.append((kind, "sealed before"))
        if not about(named(with_true_manifest(with_true_record(forged))), NAMED_BY.get(kind, "")):
            unseen.append((kind, "sealed anew"))
    return unseen


NAMED_BY = {
    "decision": "canonical.ndjson decision",
    "content": "canonical.ndjson",
    "line": "canonical.ndjson",
}


def test_a_field_changed_in_a_sealed_row_or_line_is_found_with_all_digests_made_anew(package):
    assert unseen_fields(package, 5) == []


@pytest.mark.soak
def test_a_field_changed_in_any_sealed_row_or_line_is_found_with_all_digests_made_anew(package):
    assert unseen_fields(package, 1) == []


def test_a_field_changed_in_any_decision_of_the_list_is_found_and_the_list_named(package):
    for decisions in other_values(json.loads(package["decisions.json"])):
        forged = with_true_manifest(package | {"decisions.json": readable(decisions)})
        assert named(forged) == ["decisions.json"]


def test_a_field_changed_in_the_manifest_is_found_with_its_digest_made_anew(package):
    manifest = json.loads(package["manifest.json"])
    for name in ("format", "record", "neighbours", "members"):
        for value in other_values(manifest[name]):
            assert named(package | {"manifest.json": signed_anew({**manifest, name: value})}), (name, value)


# ── Files and the ZIP around them ─────────────────────────────────────────────────────────────────────────────────

FIRST, SECOND = "attachments/001-清仓说明.docx", "attachments/002-发票.pdf"


def decisions_of(members, change):
    """The members with other decisions sealed, every digest made anew."""
    lines = members["canonical.ndjson"].splitlines(keepends=True)
    decisions = [line for line in lines if b'"t":"decision"' in line]
    data = members["canonical.ndjson"].replace(b"".join(decisions), b"".join(change(decisions)))
    listed = readable([json.loads(line) for line in change(decisions)])
    return with_true_manifest(
        with_true_record(members | {"canonical.ndjson": data, "decisions.json": listed})
    )


def with_one_listed(members, name, data):
    """The members with one more, which a forger lists in a manifest of his own."""
    manifest = json.loads(members["manifest.json"])
    manifest["members"].append({"name": name, "size": len(data), "sha256": digest(data), "title": name})
    return {**members, name: data, "manifest.json": signed_anew(manifest)}


FORGERIES = {
    "a decision inserted": (
        lambda members: decisions_of(members, lambda rows: [rows[0], rows[0], *rows[1:]]),
        "canonical.ndjson decision 2",
    ),
    "a decision deleted": (
        lambda members: decisions_of(members, lambda rows: [rows[0], *rows[2:]]),
        "canonical.ndjson decision 2",
    ),
    "two decisions swapped": (
        lambda members: decisions_of(members, lambda rows: [rows[0], rows[2], rows[1], *rows[3:]]),
        "canonical.ndjson decision 2",
    ),
    "the last decision deleted": (
        lambda members: decisions_of(members, lambda rows: rows[:-1]),
        "neighbours.next",
    ),
    "two files swapped": (
        lambda members: with_true_manifest(members | {FIRST: members[SECOND], SECOND: members[FIRST]}),
        "attachments/ 清仓说明.docx",
    ),
    "two files swapped and nothing else": (
        lambda members: members | {FIRST: members[SECOND], SECOND: members[FIRST]},
        FIRST,
    ),
    "a file added": (lambda members: members | {"attachments/003-x.txt": b"x"}, "attachments/003-x.txt"),
    "a file added and listed": (
        lambda members: with_one_listed(members, "attachments/003-x.txt", b"x"),
        "attachments/ attachments/003-x.txt",
    ),
    "a file of no kind added and listed": (
        lambda members: with_one_listed(members, "说明.exe", b"MZ"),
        "说明.exe",
    ),
    "a file taken out": (
        lambda members: {name: data for name, data in members.items() if name != SECOND},
        SECOND,
    ),
    "the printed form changed": (lambda members: members | {"form.pdf": b"%PDF-1.7 doctored"}, "form.pdf"),
    "a price changed": (
        lambda members: with_true_manifest(
            members
            | {"canonical.ndjson": members["canonical.ndjson"].replace(b"\t108.00\t", b"\t208.00\t", 1)}
        ),
        "canonical.ndjson",
    ),
}


def alone(*arguments, cwd):
    """Run the package's own program with bare Python: no site packages, an empty environment."""
    command = [sys.executable, "-I", "-S", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env={}, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_named_by_the_package_s_own_program_with_python_alone(package, name, tmp_path):
    forge, expected = FORGERIES[name]
    target = zipped(forge(package))
    (tmp_path / "package.zip").write_bytes(target.getvalue())
    with zipfile.ZipFile(target) as archive:
        archive.extractall(tmp_path / "unpacked")
    for told in (
        alone("verify.py", cwd=tmp_path / "unpacked"),
        alone("unpacked/verify.py", "package.zip", cwd=tmp_path),
    ):
        assert told[0] == 1
        assert f"[不符 DIFFERS] {expected}" in told[1]


def twice(file, name):
    with zipfile.ZipFile(file, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(name, archive.read(name))
    return file.getvalue()


def hidden(file, name):
    """A member that is in the file and not in its list."""
    with zipfile.ZipFile(file, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(name, b"hidden")
        archive.filelist.pop()
        del archive.NameToInfo[name]
    return file.getvalue()


def with_a_comment(file):
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"see the other price list"
    return file.getvalue()


CONTAINERS = {
    "a member twice": (lambda file: twice(file, "form.pdf"), "form.pdf"),
    "a member that is not listed": (lambda file: hidden(file, "form.pdf"), "ZIP"),
    "something before": (lambda file: b"#!/bin/sh\n" + file.getvalue(), "ZIP"),
    "something after": (lambda file: file.getvalue() + b"more", "ZIP"),
    "a comment": (with_a_comment, "ZIP"),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_what_is_hidden_in_the_zip_is_named(package, name):
    change, expected = CONTAINERS[name]
    assert expected in named_of(io.BytesIO(change(zipped(package))))


def test_a_package_written_as_a_stream_has_nothing_hidden(package):
    class Stream(io.BytesIO):
        def seekable(self):
            return False

        def tell(self):
            raise OSError

    target = Stream()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in package.items():
            archive.writestr(name, data)
    assert named_of(io.BytesIO(target.getvalue())) == []


def unseen_of_container(data, places):
    """Return the places at which a changed byte was not seen although something else can be read."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        intact = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    unseen = []
    for place in places:
        file = io.BytesIO(changed(data, place))
        try:
            if named_of(file):
                continue
            with zipfile.ZipFile(file) as archive:
                if [(entry.filename, archive.read(entry)) for entry in archive.infolist()] == intact:
                    continue
        except (zipfile.BadZipFile, NotImplementedError, ValueError):
            continue
        unseen.append(place)
    return unseen


def test_a_byte_changed_in_the_zip_is_found_or_changes_nothing_that_is_read(package):
    data = zipped(package).getvalue()
    assert unseen_of_container(data, range(5, len(data), 499)) == []


@pytest.mark.soak
def test_bytes_changed_all_over_the_zip_are_found_or_change_nothing_that_is_read(package):
    data = zipped(package).getvalue()
    assert unseen_of_container(data, range(0, len(data), 7)) == []
