#!/usr/bin/env python3
"""Check an archive package: nothing was changed, added or left out since it was sealed.

    python verify.py [PACKAGE] [--anchor CHECKPOINTS]

PACKAGE is the ZIP file or the folder it was unpacked into; without it, the folder of this script. CHECKPOINTS is
a copy of the file of signed checkpoints that is kept outside the database; without it the package is only
compared with itself. Needs Python 3.8 or newer and nothing else. Exit code 0: all agree; 1: something differs, and it
is named.
"""

import argparse
import hashlib
import json
import os
import re
import struct
import sys
import unicodedata
import zipfile
import zlib
from collections import Counter, namedtuple

FORMAT = "opsadmin-package/1"
GENESIS = "0" * 64
LARGEST_MANIFEST = 64 << 20
RECORD_FIELDS = ("sequence", "number", "kind", "document_number", "at", "payload_sha256", "previous")
CHECKPOINT_FIELDS = ("at", "sequence", "number", "hash", "count", "seals", "previous")
LEFT_BY_COMPUTERS = {".DS_Store", "Thumbs.db", "desktop.ini"}
REQUIRED = {"canonical.ndjson", "decisions.json", "verify.py", "README.txt"}
REQUIRED_OF_DOCUMENTS = {"form.pdf", "lines.xlsx"}
SAFE_NAME = re.compile(r"(attachments/)?[^/\\:\x00-\x1f]+\Z")
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RuntimeError,
    EOFError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)

Finding = namedtuple("Finding", "verdict part zh en")
AGREES, DIFFERS, NOTE = "agrees", "differs", "note"


def canonical(value):
    """The one way to write a value that was hashed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def readable(value):
    """The one way in which manifest.json and decisions.json are written."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


def digest(data):
    return hashlib.sha256(data).hexdigest()


def record_hash(record):
    return digest(canonical({field: record[field] for field in RECORD_FIELDS}))


def without(row, *names):
    return {key: value for key, value in row.items() if key not in names}


def says_nothing_else(manifest):
    """Whether a manifest has the fields that it should have, and no other."""
    records = [manifest["record"], *manifest["neighbours"].values()]
    named = {"format", "record", "neighbours", "members", "digest"}
    return (
        manifest["format"] == FORMAT
        and set(manifest) - {"signature", "public_key"} == named
        and set(manifest["neighbours"]) == {"previous", "next"}
        and all(set(record) == {*RECORD_FIELDS, "hash"} for record in records if record is not None)
        and all(
            set(member) - {"title"} == {"name", "size", "sha256"}
            and ("title" in member) == member["name"].startswith("attachments/")
            for member in manifest["members"]
        )
    )


class Folder:
    """A package that was unpacked."""

    def __init__(self, path):
        self.path = path

    def names(self):
        for folder, folders, files in os.walk(self.path):
            linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for name in files + linked:
                inside = os.path.relpath(os.path.join(folder, name), self.path).replace(os.sep, "/")
                if name not in LEFT_BY_COMPUTERS:
                    # Some systems keep é as two characters.
                    yield unicodedata.normalize("NFC", inside)

    def hidden(self):
        """A folder has nothing between its files."""
        return iter(())

    def open(self, name):
        path = os.path.join(self.path, *name.split("/"))
        if os.path.islink(path):
            raise ValueError("a link, not a file")
        return open(path, "rb")


class Zip:
    """A package as it was downloaded."""

    def __init__(self, file):
        self.file = file

    LOCAL = struct.Struct("<4s5H3L2H")
    LISTED = struct.Struct("<4s6H3L5H2L")
    # What ends a ZIP: 22 bytes, or 98 where it has more than 65,535 members or four gigabytes.
    ENDS = (22, 98)

    def names(self):
        return [entry.filename for entry in self.file.infolist() if not entry.is_dir()]

    def open(self, name):
        return self.file.open(name)

    def hidden(self):
        """Yield each (member or "ZIP") where the file holds bytes that no member and no header accounts for."""
        end = 0
        for entry in sorted(self.file.infolist(), key=lambda entry: entry.header_offset):
            if entry.header_offset != end:
                yield "ZIP"
            size = self.size_of(entry)
            if size is None:
                yield entry.filename
                return
            end = entry.header_offset + size
        if end != self.file.start_dir or self.file.comment or self.length_of_the_end() not in self.ENDS:
            yield "ZIP"

    def size_of(self, entry):
        """How many bytes a member takes with its header, None where its header and the list at the end differ."""
        head = self.LOCAL.unpack(self.bytes_at(entry.header_offset, self.LOCAL.size))
        _mark, _version, flags, method, time, day, *sums, name, extra = head
        year, month, date, hour, minute, second = entry.date_time
        moment = (hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | date)
        if (method, time, day) != (entry.compress_type, *moment):
            return None
        known = [entry.CRC, entry.compress_size, entry.file_size]
        size = self.LOCAL.size + name + extra + entry.compress_size
        if not flags & 8:
            return size if sums == known or 0xFFFFFFFF in sums else None
        after = self.bytes_at(entry.header_offset + size, 24)
        for form in ("<4s3L", "<4sL2Q") if max(known) <= 0xFFFFFFFF else ("<4sL2Q",):
            trailer = struct.pack(form, b"PK\x07\x08", *known)
            for written in (trailer, trailer[4:]):
                if after.startswith(written):
                    return size + len(written)
        return None

    def length_of_the_end(self):
        """How many bytes follow the list of members."""
        place = self.file.start_dir
        for _entry in self.file.infolist():
            *_fields, name, extra, comment, _disk, _inside, _outside, _offset = self.LISTED.unpack(
                self.bytes_at(place, self.LISTED.size)
            )
            place += self.LISTED.size + name + extra + comment
        return self.file.fp.seek(0, os.SEEK_END) - place

    def bytes_at(self, place, size):
        self.file.fp.seek(place)
        return self.file.fp.read(size)


class Check:
    """One run over one package; ``findings`` is what it found."""

    def __init__(self, place, anchor=None):
        self.place = place
        self.anchor = anchor
        self.findings = []
        self.manifest = self.record = None
        self.prelude = {}

    def run(self):
        """Take every step; what cannot be read is a finding, and the steps after it still run."""
        for part, step in (
            ("manifest.json", self.read_manifest),
            ("manifest.json", self.check_members),
            ("ZIP", self.check_container),
            ("manifest.json", self.check_record),
            ("canonical.ndjson", self.check_content),
            ("canonical.ndjson", self.check_decisions),
            ("decisions.json", self.check_decisions_file),
            ("attachments/", self.check_attachments),
            ("manifest.json signature", self.check_signature),
            ("checkpoints", self.check_anchor),
        ):
            try:
                step()
            except UNREADABLE as error:
                self.differs(part, f"缺失或读不出（{error}）", f"missing or unreadable ({error})")
            if self.record is None:
                break
        return self.findings

    def agrees(self, part, zh, en):
        self.findings.append(Finding(AGREES, part, zh, en))

    def differs(self, part, zh, en):
        self.findings.append(Finding(DIFFERS, part, zh, en))

    def note(self, part, zh, en):
        self.findings.append(Finding(NOTE, part, zh, en))

    def judge(self, right, part, good, bad):
        """Record one of two (Chinese, English) sentences."""
        (self.agrees if right else self.differs)(part, *(good if right else bad))

    def read_manifest(self):
        with self.place.open("manifest.json") as file:
            data = file.read(LARGEST_MANIFEST)
        self.manifest = json.loads(data)
        self.record = dict(self.manifest["record"])
        sealed = digest(canonical(without(self.manifest, "digest", "signature", "public_key")))
        self.judge(
            data == readable(self.manifest)
            and sealed == self.manifest["digest"]
            and says_nothing_else(self.manifest),
            "manifest.json",
            ("清单与自身摘要一致", "the manifest agrees with its own digest"),
            ("清单被改动", "the manifest was changed"),
        )

    def check_members(self):
        listed = {member["name"]: member for member in self.manifest["members"]}
        times = Counter(member["name"] for member in self.manifest["members"])
        found = Counter(self.place.names())
        self.require(REQUIRED)
        for name in sorted(set(found) - set(listed) - {"manifest.json"}):
            self.differs(name, "清单里没有这个文件", "is not in the manifest")
        for name in sorted(name for name in found | times if max(found[name], times[name]) > 1):
            self.differs(name, "同名文件不止一个", "is there more than once")
        for name, member in listed.items():
            if not SAFE_NAME.match(name) or name.split("/")[-1] in (".", ".."):
                self.differs(name, "文件名不安全", "is not a safe name")
            elif not (name.startswith("attachments/") or name in REQUIRED | REQUIRED_OF_DOCUMENTS):
                self.differs(name, "不属于归档包", "does not belong into a package")
            elif name not in found:
                self.differs(name, "文件缺失", "is missing")
            else:
                self.check_member(name, member)

    def check_container(self):
        hidden = sorted(set(self.place.hidden()))
        for part in hidden:
            zh = "ZIP 里有不属于任何文件的数据，或文件头与目录不同"
            self.differs(part, zh, "the ZIP holds bytes of no member, or a header that differs from its list")

    def require(self, names):
        for name in sorted(names - {member["name"] for member in self.manifest["members"]}):
            self.differs(name, "清单里没有列出", "is not listed in the manifest")

    def check_member(self, name, member):
        try:
            same = self.measured(name, member["size"]) == (member["size"], member["sha256"])
        except UNREADABLE:
            same = False
        self.judge(
            same,
            name,
            ("与清单的摘要一致", "agrees with the manifest's digest"),
            ("与清单的摘要不同", "differs from the manifest's digest"),
        )

    def measured(self, name, limit):
        """(size, SHA-256) of a member; reading stops when it is larger than the manifest says."""
        total, size = hashlib.sha256(), 0
        with self.place.open(name) as file:
            for chunk in iter(lambda: file.read(1 << 16), b""):
                total.update(chunk)
                size += len(chunk)
                if size > limit:
                    break
        return size, total.hexdigest()

    def check_record(self):
        self.judge(
            record_hash(self.record) == self.record["hash"],
            "record",
            ("归档要素与本条摘要一致", "the record agrees with its hash"),
            ("归档要素与本条摘要不同", "the record differs from its hash"),
        )
        before, after = self.manifest["neighbours"]["previous"], self.manifest["neighbours"]["next"]
        first = self.record["sequence"] == 1 and self.record["previous"] == GENESIS
        self.judge(
            first if before is None else self.follows(before, self.record),
            "neighbours.previous",
            ("接续上一条归档记录", "continues the record before it"),
            ("没有接续上一条归档记录", "does not continue the record before it"),
        )
        if after is None:
            self.note("neighbours.next", "制作归档包时本条是最后一条", "was the last record at that time")
        else:
            self.judge(
                self.follows(self.record, after),
                "neighbours.next",
                ("下一条归档记录接续本条", "the next record continues this one"),
                ("下一条归档记录没有接续本条", "the next record does not continue this one"),
            )

    @staticmethod
    def follows(before, after):
        whole = all(record_hash(record) == record["hash"] for record in (before, after))
        return whole and after["previous"] == before["hash"] and after["sequence"] == before["sequence"] + 1

    def check_content(self):
        total, lines, announced, well_formed = hashlib.sha256(), 0, None, True
        content_hash = hashlib.sha256()
        with self.place.open("canonical.ndjson") as file:
            for raw in file:
                total.update(raw)
                row = json.loads(raw)
                well_formed = well_formed and canonical(row) + b"\n" == raw
                if row["t"] == "lines":
                    announced = row["count"]
                    break
                self.prelude.setdefault(row["t"], []).append(row)
            for row in self.prelude.get("content", []):
                content_hash.update(canonical(row) + b"\n")
            for raw in file:
                total.update(raw)
                content_hash.update(raw)
                lines += 1
        self.judge_payload(total.hexdigest(), well_formed and lines == announced)
        if lines or "content" in self.prelude:
            self.judge_content(content_hash.hexdigest())

    def judge_payload(self, measured, well_formed):
        archive = self.prelude["archive"][0]
        named = (archive["number"], archive["document"], archive["filed_at"])
        self.judge(
            well_formed and measured == self.record["payload_sha256"],
            "canonical.ndjson",
            ("封存内容与归档记录的摘要一致", "the sealed content agrees with the record's digest"),
            ("封存内容与归档记录的摘要不同", "the sealed content differs from the record's digest"),
        )
        self.judge(
            named == (self.record["number"], self.record["document_number"], self.record["at"]),
            "record",
            ("编号与时间和封存内容一致", "numbers and time agree with the sealed content"),
            ("编号或时间和封存内容不同", "numbers or time differ from the sealed content"),
        )

    def judge_content(self, measured):
        """Only a document has content; the records of what came after its filing have none."""
        self.require(REQUIRED_OF_DOCUMENTS)
        (document,) = self.prelude["document"]
        self.judge(
            len(self.prelude["content"]) == 1 and document["content_hash"] == measured,
            "canonical.ndjson",
            ("价格行与所签内容的摘要一致", "the lines agree with the digest that was signed"),
            ("价格行与所签内容的摘要不同", "the lines differ from the digest that was signed"),
        )

    def check_decisions(self):
        decisions, faults = self.prelude.get("decision", []), 0
        # A record of what came after filing holds only the decisions since then.
        whole = "content" in self.prelude or not decisions
        previous = GENESIS if whole else decisions[0]["previous"]
        for number, decision in enumerate(decisions, 1):
            part = f"canonical.ndjson decision {number} (id {decision['id']})"
            if decision["previous"] != previous:
                faults += 1
                zh = f"第 {number} 条意见没有接续上一条：有意见被插入、删除或调换"
                self.differs(part, zh, "does not continue the one before: inserted, deleted or swapped")
            if digest(canonical(without(decision, "hash"))) != decision["hash"]:
                faults += 1
                self.differs(part, f"第 {number} 条意见被改动", "was changed")
            previous = decision["hash"]
        if not faults:
            self.agrees("canonical.ndjson", "审批意见链完整", "the chain of decisions is whole")

    def check_decisions_file(self):
        sealed = self.prelude.get("decision", [])
        written = readable(sealed)
        with self.place.open("decisions.json") as file:
            data = file.read(len(written) + LARGEST_MANIFEST)
        decisions = json.loads(data)
        length = max(len(decisions), len(sealed))
        differing = [n + 1 for n in range(length) if decisions[n : n + 1] != sealed[n : n + 1]]
        first = differing[0] if differing else 1
        self.judge(
            data == written,
            "decisions.json",
            ("与封存的审批意见一致", "agrees with the sealed decisions"),
            (
                f"从第 {first} 条起与封存的审批意见不同",
                f"differs from the sealed decisions from no. {first} on",
            ),
        )

    def check_attachments(self):
        given = Counter(
            (member["title"], member["sha256"], member["size"])
            for member in self.manifest["members"]
            if member["name"].startswith("attachments/")
        )
        sealed = Counter((row["name"], row["sha256"], row["size"]) for row in self.prelude.get("file", []))
        for name, _sha256, _size in sealed - given:
            self.differs(f"attachments/ {name}", "封存的附件不在包内", "was sealed and is not in the package")
        for name, _sha256, _size in given - sealed:
            self.differs(f"attachments/ {name}", "包内附件没有封存过", "is in the package and was not sealed")
        if given == sealed:
            self.agrees("attachments/", "附件与封存的一致", "the attachments are those that were sealed")

    def check_anchor(self):
        if self.anchor is None:
            zh = "没有对照库外检查点；用 --anchor 指定检查点文件才能发现整体伪造"
            self.note("checkpoints", zh, "not compared; only --anchor FILE finds a package forged as a whole")
            return
        point = self.anchored_checkpoint()
        if point is None:
            zh = f"检查点文件没有证明本条（序号 {self.record['sequence']}），请取更新的一份"
            self.differs("checkpoints", zh, "the file does not confirm this record; get a newer copy")
            return
        self.agrees("checkpoints", "与库外检查点一致", "agrees with the checkpoint outside the database")
        self.judge(
            is_signed_by(point, canonical({field: point[field] for field in CHECKPOINT_FIELDS})),
            "checkpoints signature",
            ("签名有效", "the signature is valid"),
            ("签名无效", "the signature is not valid"),
        )
        self.judge(
            self.manifest.get("public_key") == point["public_key"],
            "manifest.json signature",
            ("由签检查点的同一密钥签名", "was made with the key that signed the checkpoint"),
            ("不是由签检查点的密钥签名", "was not made with the key that signed the checkpoint"),
        )

    def anchored_checkpoint(self):
        """The checkpoint that confirms this record, itself or through the record after it."""
        after = self.manifest["neighbours"]["next"]
        candidates = [self.record]
        if after is not None and self.follows(self.record, after):
            candidates.append(after)
        known = {record["sequence"]: record for record in candidates if record_hash(record) == record["hash"]}
        confirmed, previous = None, GENESIS
        with open(self.anchor, "rb") as file:
            for number, line in enumerate(file, 1):
                point = json.loads(line)
                part = f"checkpoints line {number}"
                if point["previous"] != previous:
                    self.differs(part, "没有接续上一行", "does not continue the line before")
                previous = digest(line)
                record = known.get(point["sequence"])
                if record and (record["hash"], record["number"]) != (point["hash"], point["number"]):
                    self.differs(
                        part, f"归档记录 {record['number']} 与检查点不同", "the record differs from it"
                    )
                elif record:
                    confirmed = confirmed or point
        return confirmed

    def check_signature(self):
        """The manifest's signature vouches for what is not sealed itself: printed form, workbook, this program."""
        self.judge(
            "signature" in self.manifest and is_signed_by(self.manifest, self.manifest["digest"].encode()),
            "manifest.json signature",
            ("签名有效", "the signature is valid"),
            ("没有签名或签名无效", "is missing or not valid"),
        )


# ── Ed25519 (RFC 8032), to check signatures with ──────────────────────────────────────────────────────────────────

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME


def point_of(data):
    """The point that 32 bytes stand for, as (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z; ValueError if none."""
    if len(data) != 32:
        raise ValueError("a point has 32 bytes")
    number = int.from_bytes(data, "little")
    y, odd = number & (1 << 255) - 1, number >> 255
    square = (y * y - 1) * pow(CURVE * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if y >= PRIME or (x * x - square) % PRIME or (odd and not x):
        raise ValueError("no point of the curve")
    if x % 2 != odd:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def added(one, other):
    """The sum of two points."""
    a = (one[1] - one[0]) * (other[1] - other[0]) % PRIME
    b = (one[1] + one[0]) * (other[1] + other[0]) % PRIME
    c = 2 * CURVE * one[3] * other[3] % PRIME
    d = 2 * one[2] * other[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def multiplied(number, point):
    """A point added to itself so many times."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = added(total, point)
        point, number = added(point, point), number >> 1
    return total


BASE = point_of((4 * pow(5, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little"))


def is_signed_by(row, data):
    """Whether ``signature`` and ``public_key`` of a row are those of these bytes."""
    try:
        signature, key = bytes.fromhex(row["signature"]), bytes.fromhex(row["public_key"])
        stated, owner, factor = (
            point_of(signature[:32]),
            point_of(key),
            int.from_bytes(signature[32:], "little"),
        )
    except (ValueError, KeyError, TypeError):
        return False
    as_written = (signature.hex(), key.hex()) == (row["signature"], row["public_key"])
    if not as_written or len(signature) != 64 or factor >= ORDER:
        return False
    hashed = int.from_bytes(hashlib.sha512(signature[:32] + key + data).digest(), "little") % ORDER
    left, right = multiplied(factor, BASE), added(stated, multiplied(hashed, owner))
    return all((left[axis] * right[2] - right[axis] * left[2]) % PRIME == 0 for axis in (0, 1))


def check_package(path, anchor=None):
    """Every Finding about the package at ``path`` (ZIP file or folder)."""
    if os.path.isdir(path):
        return Check(Folder(path), anchor).run()
    try:
        with zipfile.ZipFile(path) as file:
            return Check(Zip(file), anchor).run()
    except UNREADABLE as error:
        return [Finding(DIFFERS, path, f"不是可读的 ZIP（{error}）", f"is no readable ZIP ({error})")]


def report(findings):
    """Print what was found; returns the exit code."""
    marks = {AGREES: "[一致 agrees ]", DIFFERS: "[不符 DIFFERS]", NOTE: "[注意 note   ]"}
    for finding in findings:
        print(f"{marks[finding.verdict]} {finding.part}：{finding.zh} / {finding.en}")
    first = next((finding for finding in findings if finding.verdict == DIFFERS), None)
    if first is None:
        print("结论：完整，未被改动。 / Result: complete and unchanged.")
        return 0
    print(f"结论：校验不符，首处：{first.part}。 / Result: MISMATCH, first at: {first.part}.")
    return 1


def main(arguments=None):
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    parser = argparse.ArgumentParser(description="校验归档包 / Check an archive package.")
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument(
        "package", nargs="?", default=here, help="ZIP 文件或解开的文件夹 / ZIP file or folder"
    )
    parser.add_argument("--anchor", metavar="FILE", help="库外检查点文件 / file of signed checkpoints")
    given = parser.parse_args(arguments)
    return report(check_package(given.package, given.anchor))


if __name__ == "__main__":
    sys.exit(main())
