"""What the archive package promises: whatever is changed, added or left out is found and named, by Python alone."""

import ast
import io
import json
import subprocess
import sys
import zipfile
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from approvals.archive import verify_template
from approvals.archive.canonical import build
from approvals.archive.package import safe_name, write_package
from approvals.archive.verify_template import DIFFERS, NOTE, canonical, check_package, digest, readable
from opsadmin.core.sealing import GENESIS, Anchor, record_hash
from tests.approvals.filed_documents import (
    EVIDENCE,
    FILED_AT,
    a_file,
    a_record,
    chained,
    filed_bytes,
    some_decisions,
)

ATTACHMENT = "attachments/001-清仓说明.docx"
MEMBERS = [
    "canonical.ndjson",
    "form.pdf",
    "lines.xlsx",
    "decisions.json",
    ATTACHMENT,
    "verify.py",
    "README.txt",
    "manifest.json",
]


FORGER = Ed25519PrivateKey.generate()


def signed_by_a_forger(data):
    """What somebody signs with a key of his own: valid in itself, and not the archive's."""
    return {
        "signature": FORGER.sign(data).hex(),
        "public_key": FORGER.public_key().public_bytes_raw().hex(),
    }


def the_next(record):
    following = {
        "sequence": record["sequence"] + 1,
        "number": "GD-2026-0410",
        "kind": "filing",
        "document_number": "JG-2026-0143",
        "at": record["at"] + timedelta(hours=2),
        "payload_sha256": digest(b"next"),
        "previous": record["hash"],
    }
    return following | {"hash": record_hash(**following)}


def the_one_before():
    before = {
        "sequence": 1171,
        "number": "GD-2026-0408",
        "kind": "filing",
        "document_number": "JG-2026-0141",
        "at": FILED_AT - timedelta(days=1),
        "payload_sha256": digest(b"before"),
        "previous": GENESIS,
    }
    return before | {"hash": record_hash(**before)}


@pytest.fixture
def anchor(tmp_path):
    return Anchor(tmp_path / "checkpoints.jsonl", tmp_path / "signing_key.pem")


@pytest.fixture
def packed(tmp_path, anchor):
    """A function that writes a package and returns its path; by default one that agrees with itself."""

    def packed(name="package.zip", *, data=None, attachments=None, **changes):
        data = filed_bytes() if data is None else data
        before = the_one_before()
        record = a_record(data, previous=before["hash"])
        pdf = tmp_path / "form.pdf"
        pdf.write_bytes(b"%PDF-1.7 printed")
        arguments = {
            "filed_bytes": data,
            "record": record,
            "neighbours": {"previous": before, "next": the_next(record)},
            "pdf_path": pdf,
            "xlsx_writer": lambda path: path.write_bytes(b"PK workbook"),
            "attachments": [("清仓说明.docx", [EVIDENCE], digest(EVIDENCE))]
            if attachments is None
            else attachments,
            "sign": anchor.sign,
        }
        with (tmp_path / name).open("wb") as file:
            write_package(file, **arguments | changes)
        return tmp_path / name

    return packed


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(path, members):
    """The same ZIP with other members, as somebody who tampers would write it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def with_true_manifest(members):
    """The members with a manifest that lists them as they are now, signed: what a careful forger would do."""
    manifest = json.loads(members["manifest.json"])
    for member in manifest["members"]:
        data = members[member["name"]]
        member |= {"size": len(data), "sha256": digest(data)}
    return members | {"manifest.json": signed_anew(manifest)}


def signed_anew(manifest):
    manifest = {
        key: value for key, value in manifest.items() if key not in ("digest", "signature", "public_key")
    }
    manifest["digest"] = digest(canonical(manifest))
    return readable(manifest | signed_by_a_forger(manifest["digest"].encode()))


def differing(findings):
    return [finding.part for finding in findings if finding.verdict == DIFFERS]


def test_an_untouched_package_agrees_in_every_part(packed):
    path = packed()
    assert list(members_of(path)) == MEMBERS
    assert differing(check_package(path)) == []


def test_an_unpacked_package_agrees_too(packed, tmp_path):
    with zipfile.ZipFile(packed()) as archive:
        archive.extractall(tmp_path / "unpacked")
    (tmp_path / "unpacked" / ".DS_Store").touch()
    assert differing(check_package(tmp_path / "unpacked")) == []


@pytest.mark.parametrize("name", MEMBERS)
def test_one_flipped_bit_in_a_member_is_found_and_the_member_named(packed, name):
    path = packed()
    intact = members_of(path)
    size = len(intact[name])
    for place in {0, 1, size // 3, size // 2, size - 2, size - 1}:
        spoiled = bytearray(intact[name])
        spoiled[place] ^= 0x10
        found = differing(check_package(repacked(path, intact | {name: bytes(spoiled)})))
        assert any(part.startswith(name) for part in found), place


def test_every_flipped_bit_of_the_manifest_is_found(packed):
    path = packed()
    intact = members_of(path)
    for place in range(0, len(intact["manifest.json"]), 31):
        spoiled = bytearray(intact["manifest.json"])
        spoiled[place] ^= 0x01
        assert differing(check_package(repacked(path, intact | {"manifest.json": bytes(spoiled)}))), place


def test_a_damaged_zip_is_a_finding_and_no_crash(packed):
    path = packed()
    data = path.read_bytes()
    for end in (0, 10, len(data) // 2, len(data) - 5):
        path.write_bytes(data[:end])
        assert differing(check_package(path))


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_is_named(packed, name):
    path = packed()
    members = members_of(path)
    del members[name]
    assert name in differing(check_package(repacked(path, members)))


@pytest.mark.parametrize("name", [name for name in MEMBERS if name != "manifest.json"])
def test_a_member_taken_out_of_the_manifest_too_is_named(packed, name):
    path = packed()
    members = members_of(path)
    del members[name]
    manifest = json.loads(members["manifest.json"])
    manifest["members"] = [member for member in manifest["members"] if member["name"] != name]
    members = with_true_manifest(members | {"manifest.json": readable(manifest)})
    title = name.split("-")[-1]
    assert any(title in part for part in differing(check_package(repacked(path, members))))


def test_an_added_member_is_named(packed):
    path = packed()
    assert differing(check_package(repacked(path, members_of(path) | {"说明.exe": b"MZ"}))) == ["说明.exe"]


def test_a_member_that_is_there_twice_is_named(packed):
    path = packed()
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("form.pdf", b"%PDF another")
    assert "form.pdf" in differing(check_package(path))


def test_a_name_that_leads_out_of_the_package_is_refused_and_not_read(packed, tmp_path):
    with zipfile.ZipFile(packed()) as archive:
        archive.extractall(tmp_path / "unpacked")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    path = tmp_path / "unpacked" / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["members"].append({"name": "../secret", "size": 6, "sha256": digest(b"secret")})
    path.write_bytes(readable(manifest))
    findings = check_package(tmp_path / "unpacked")
    assert [one.zh for one in findings if one.part == "../secret"] == ["文件名不安全"]


def test_a_link_instead_of_a_file_is_found(packed, tmp_path):
    with zipfile.ZipFile(packed()) as archive:
        archive.extractall(tmp_path / "unpacked")
    form = tmp_path / "unpacked" / "form.pdf"
    form.rename(tmp_path / "elsewhere.pdf")
    form.symlink_to(tmp_path / "elsewhere.pdf")
    assert "form.pdf" in differing(check_package(tmp_path / "unpacked"))


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (lambda rows: rows[:1] + rows[2:], "decision 2"),
        (lambda rows: [rows[0], rows[2], rows[1], rows[3]], "decision 2"),
        (lambda rows: [rows[0], rows[0] | {"id": 12}, *rows[1:]], "decision 2"),
        (lambda rows: [rows[0], rows[1] | {"comment": "别的"}, *rows[2:]], "decision 2"),
        (lambda rows: [rows[0], rows[1] | {"verdict": "send_back"}, *rows[2:]], "decision 2"),
        (lambda rows: rows[1:], "decision 1"),
    ],
    ids=["deleted", "swapped", "inserted", "comment", "verdict", "first deleted"],
)
def test_a_tampered_decision_is_named_even_where_all_digests_were_made_anew(packed, tamper, named):
    data = filed_bytes()
    decisions = [line for line in data.split(b"\n") if b'"t":"decision"' in line]
    tampered = map(canonical, tamper([json.loads(line) for line in decisions]))
    forged = data.replace(b"\n".join(decisions), b"\n".join(tampered))
    assert forged != data
    assert any(named in part for part in differing(check_package(packed(data=forged))))


def test_a_deleted_last_decision_breaks_the_seal(packed):
    data = filed_bytes()
    last = next(line for line in reversed(data.split(b"\n")) if b'"t":"decision"' in line)
    path = packed()
    members = members_of(path)
    members["canonical.ndjson"] = data.replace(last + b"\n", b"")
    found = differing(check_package(repacked(path, with_true_manifest(members))))
    assert found == ["canonical.ndjson", "decisions.json"]


def test_decisions_that_are_not_the_sealed_ones_are_named(packed):
    path = packed()
    members = members_of(path)
    decisions = json.loads(members["decisions.json"])
    decisions[2]["comment"] = "别的"
    members["decisions.json"] = readable(decisions)
    findings = check_package(repacked(path, with_true_manifest(members)))
    assert differing(findings) == ["decisions.json"]
    assert "第 3 条" in next(one.zh for one in findings if one.verdict == DIFFERS)


def test_a_changed_price_is_found_even_with_a_new_manifest_and_record(packed):
    data = filed_bytes().replace(b"\t108.00\t", b"\t208.00\t", 1)
    assert differing(check_package(packed(data=data))) == ["canonical.ndjson"]


def test_a_record_that_does_not_continue_the_one_before_is_found(packed):
    data = filed_bytes()
    stray = a_record(data, previous=digest(b"stray"))
    found = differing(check_package(packed(record=stray)))
    assert found == ["neighbours.previous", "neighbours.next"]


def test_the_first_and_last_record_of_the_chain_agree(packed):
    first = a_record(filed_bytes(), sequence=1, previous=GENESIS)
    findings = check_package(packed(record=first, neighbours={"previous": None, "next": None}))
    assert differing(findings) == []
    assert "neighbours.next" in [finding.part for finding in findings if finding.verdict == NOTE]


def test_a_record_in_the_middle_cannot_pass_as_the_first(packed):
    found = differing(check_package(packed(neighbours={"previous": None, "next": None})))
    assert found == ["neighbours.previous"]


def test_a_changed_attachment_is_packed_and_named(packed):
    changed = [("清仓说明.docx", [EVIDENCE[:-1] + b"!"], digest(EVIDENCE))]
    assert differing(check_package(packed(attachments=changed))) == [ATTACHMENT]


def test_the_writer_names_attachments_that_are_gone_or_changed(tmp_path):
    data = filed_bytes()
    gone = ("清仓说明.docx", tmp_path / "gone", digest(EVIDENCE))
    named = write_package(
        io.BytesIO(), filed_bytes=data, record=a_record(data), neighbours={}, attachments=[gone]
    )
    assert named == ["清仓说明.docx"]


def test_a_sealed_attachment_that_was_left_out_is_named(packed):
    assert differing(check_package(packed(attachments=[]))) == ["attachments/ 清仓说明.docx"]


def test_an_attachment_that_was_never_sealed_is_named(packed):
    both = [("清仓说明.docx", [EVIDENCE], digest(EVIDENCE)), ("later.txt", [b"later"], digest(b"later"))]
    assert differing(check_package(packed(attachments=both))) == ["attachments/ later.txt"]


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\a.txt", "a.txt"),
        ("a\x00b\n\u202ec.txt", "abc.txt"),
        ('a<b>:"c|d?*.txt', "a_b___c_d__.txt"),
        ("..", "file"),
        ("", "file"),
        ("价" * 300 + ".xlsx", "价" * 55 + ".xlsx"),
        ("清仓说明.docx", "清仓说明.docx"),
    ],
)
def test_attachments_get_names_that_every_system_can_unpack(given, safe):
    assert safe_name(given) == safe


def test_a_record_of_what_came_after_filing_is_packed_without_form_and_lines(packed):
    later = chained(some_decisions())[2:]
    archive = {"t": "archive", "number": "GD-2026-0409", "document": "JG-2026-0142", "filed_at": FILED_AT}
    rows = [archive, {"t": "document", "title": "全店冬季价格表"}, *later, a_file(), {"t": "receipt"}]
    path = packed(data=b"".join(build(rows, [], [])), pdf_path=None, xlsx_writer=None)
    assert differing(check_package(path)) == []


def test_the_checkpoint_confirms_record_and_manifest(packed, anchor):
    record = a_record(filed_bytes(), previous=the_one_before()["hash"])
    anchor.append(record | {"count": 1172}, at=FILED_AT, begin=True)
    findings = check_package(packed(), anchor.path)
    assert differing(findings) == []
    assert {"checkpoints signature", "manifest.json signature"} <= {finding.part for finding in findings}


def test_the_checkpoint_of_the_next_record_confirms_this_one(packed, anchor):
    record = a_record(filed_bytes(), previous=the_one_before()["hash"])
    anchor.append(the_next(record) | {"count": 1173}, at=FILED_AT, begin=True)
    assert differing(check_package(packed(), anchor.path)) == []


def test_a_package_forged_as_a_whole_is_found_by_the_checkpoint(packed, anchor):
    record = a_record(filed_bytes(), previous=the_one_before()["hash"])
    anchor.append(record | {"count": 1172}, at=FILED_AT, begin=True)
    forged = packed(data=filed_bytes(title="别的价格表"))
    assert differing(check_package(forged)) == []
    assert "checkpoints line 1" in differing(check_package(forged, anchor.path))


def test_a_doctored_workbook_with_a_new_manifest_is_found_by_the_signature(packed, anchor):
    record = a_record(filed_bytes(), previous=the_one_before()["hash"])
    anchor.append(record | {"count": 1172}, at=FILED_AT, begin=True)
    path = packed()
    members = with_true_manifest(members_of(path) | {"lines.xlsx": b"PK doctored"})
    found = differing(check_package(repacked(path, members), anchor.path))
    assert "manifest.json signature" in found


def test_a_manifest_that_nobody_signed_is_named(packed):
    assert differing(check_package(packed(sign=None))) == ["manifest.json signature"]


def test_a_checkpoint_file_that_does_not_know_the_record_proves_nothing(packed, anchor):
    anchor.append(the_one_before() | {"count": 1171}, at=FILED_AT, begin=True)
    assert differing(check_package(packed(), anchor.path)) == ["checkpoints"]
    assert differing(check_package(packed(), anchor.path.with_name("no such file"))) == ["checkpoints"]


def test_a_forged_checkpoint_is_found_by_its_signature(packed, anchor, tmp_path):
    data = filed_bytes(title="别的价格表")
    anchor.append(a_record(data, previous=the_one_before()["hash"]) | {"count": 1}, at=FILED_AT)
    line = json.loads(anchor.path.read_bytes())
    anchor.path.write_bytes(canonical(line | {"count": 2}) + b"\n")
    assert differing(check_package(packed(data=data), anchor.path)) == ["checkpoints signature"]


def run_alone(*arguments, cwd):
    """The package's own verify.py with bare Python: no site packages, no environment."""
    command = [sys.executable, "-I", "-S", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env={}, capture_output=True, timeout=60, check=False)


def test_verify_py_needs_only_python_and_tells_by_its_exit_code(packed, anchor, tmp_path):
    record = a_record(filed_bytes(), previous=the_one_before()["hash"])
    anchor.append(record | {"count": 1172}, at=FILED_AT, begin=True)
    path = packed()
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    good = run_alone("verify.py", "--anchor", anchor.path, cwd=folder)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "完整，未被改动".encode() in good.stdout
    assert "签名有效".encode() in good.stdout
    assert run_alone(folder / "verify.py", path, cwd=tmp_path).returncode == 0
    (folder / "form.pdf").write_bytes(b"%PDF-1.7 doctored")
    bad = run_alone("verify.py", cwd=folder)
    assert bad.returncode == 1
    assert "首处：form.pdf".encode() in bad.stdout


def test_verify_py_runs_on_python_3_8():
    with open(verify_template.__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= set(sys.stdlib_module_names)


class Pipe(io.RawIOBase):
    """A stream that cannot be sought, as a response to a browser is; it keeps the largest piece's size."""

    largest = 0

    def writable(self):
        return True

    def write(self, data):
        self.largest = max(self.largest, len(data))
        return len(data)


def test_large_attachments_pass_through_in_pieces():
    data = filed_bytes()
    pieces = (bytes(1 << 16) for _ in range(1000))
    pipe = Pipe()
    write_package(
        pipe,
        filed_bytes=data,
        record=a_record(data),
        neighbours={},
        attachments=[("large.bin", pieces, digest(b""))],
    )
    assert 0 < pipe.largest < 1 << 20


def test_the_same_input_gives_the_same_package(packed):
    assert packed("a.zip").read_bytes() == packed("b.zip").read_bytes()
