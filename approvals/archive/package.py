"""The archive package: a ZIP from which anybody can prove, without an account, what was decided and sealed."""

import hashlib
import logging
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from approvals.archive.canonical import parse
from approvals.archive.verify_template import readable
from opsadmin.core.sealing import RECORD_FIELDS, canonical_json, digest, instant_text

FORMAT = "opsadmin-package/1"
HERE = Path(__file__).parent
SHANGHAI = ZoneInfo("Asia/Shanghai")
CHUNK = 1 << 16
LONGEST_NAME = 60

logger = logging.getLogger(__name__)


def write_package(
    out_file,
    *,
    filed_bytes: bytes,
    record: Mapping,
    neighbours: Mapping[str, Mapping | None],
    pdf_path=None,
    xlsx_writer: Callable[[Path], object] | None = None,
    attachments: Iterable[tuple[str, object, str]],
    sign: Callable[[bytes], Mapping] | None = None,
) -> list[str]:
    """Write the package of one archive record to ``out_file``, a binary stream that need not be seekable.

    ``filed_bytes``: the canonical form. ``record`` and ``neighbours`` (``previous``, ``next``, either may be
    None): mappings with the fields of sealing.record_hash and ``hash``. ``pdf_path``: the printed form.
    ``xlsx_writer`` writes the workbook of lines to the path it is given. A document has both; a record of what
    came after its filing has neither. ``attachments``: (name, path or iterable of bytes, sealed SHA-256); files pass
    through in pieces. ``sign``: Anchor.sign, so that the manifest can be told from a forged one.

    An attachment that is gone or no longer what was sealed does not stop the package: verify.py will name it.
    Returns the names of those attachments. The same input gives the same bytes.
    """
    filed = parse(filed_bytes)
    with zipfile.ZipFile(out_file, "w", zipfile.ZIP_DEFLATED) as archive:
        package = _Package(archive, record["at"])
        package.add("canonical.ndjson", [filed_bytes])
        if pdf_path:
            package.add("form.pdf", _pieces(pdf_path))
        if xlsx_writer:
            package.add_workbook(xlsx_writer)
        package.add("decisions.json", [readable(filed.rows("decision"))])
        sizes = {file["sha256"]: file["size"] for file in filed.rows("file")}
        differing = [
            name
            for number, (name, source, sha256) in enumerate(attachments, 1)
            if not package.add_attachment(number, name, source, sha256, sizes.get(sha256))
        ]
        package.add("verify.py", _pieces(HERE / "verify_template.py"))
        package.add("README.txt", [_readme(record["number"])])
        package.write("manifest.json", [_manifest(record, neighbours, package.members, sign)])
    if differing:
        logger.error(
            "attachments differ from what was sealed",
            extra={"number": record["number"], "count": len(differing)},
        )
    return differing


class _Package:
    """A ZIP being written; ``members`` lists what it holds, for the manifest."""

    def __init__(self, archive, at):
        self.archive = archive
        self.time = at.astimezone(SHANGHAI).timetuple()[:6]
        self.members = []

    def add(self, name, chunks):
        size, sha256 = self.write(name, chunks)
        self.members.append({"name": name, "size": size, "sha256": sha256})

    def add_workbook(self, xlsx_writer):
        with tempfile.TemporaryDirectory() as folder:
            workbook = Path(folder) / "lines.xlsx"
            xlsx_writer(workbook)
            self.add("lines.xlsx", _pieces(workbook))

    def add_attachment(self, number, title, source, sealed_sha256, sealed_size):
        """Add what is there, list what was sealed; whether the two are the same."""
        name = attachment_name(number, title)
        measured = self.write_if_there(name, _pieces(source))
        size = measured[0] if sealed_size is None else sealed_size
        member = {"name": name, "size": size, "sha256": sealed_sha256, "title": title}
        self.members.append(member)
        return measured == (size, sealed_sha256)

    def write_if_there(self, name, chunks):
        """(size, SHA-256) of what could be read; a file that is gone leaves no member."""
        try:
            first = next(chunks, b"")
        except OSError:
            return 0, ""
        return self.write(name, _until_unreadable(first, chunks))

    def write(self, name, chunks):
        entry = zipfile.ZipInfo(name, self.time)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        total, size = hashlib.sha256(), 0
        with self.archive.open(entry, "w") as member:
            for chunk in chunks:
                member.write(chunk)
                total.update(chunk)
                size += len(chunk)
        return size, total.hexdigest()


def _until_unreadable(first, chunks):
    yield first
    try:
        yield from chunks
    except OSError:
        logger.exception("an attachment could not be read to its end")


def _pieces(source) -> Iterator[bytes]:
    """The bytes of a file, or of an iterable, in pieces."""
    if not isinstance(source, str | Path):
        yield from source
        return
    with open(source, "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _manifest(record, neighbours, members, sign):
    """manifest.json; its own digest covers all of it but the digest and its signature."""
    manifest = {
        "format": FORMAT,
        "record": _sealed_fields(record),
        "neighbours": {side: _sealed_fields(neighbours.get(side)) for side in ("previous", "next")},
        "members": members,
    }
    manifest["digest"] = digest(canonical_json(manifest))
    if sign:
        manifest |= sign(manifest["digest"].encode())
    return readable(manifest)


def _sealed_fields(record):
    if record is None:
        return None
    fields = {field: record[field] for field in (*RECORD_FIELDS, "hash")}
    return fields | {"at": instant_text(record["at"])}


def _readme(number):
    # Notepad shows UTF-8 rightly only with a byte order mark.
    text = (HERE / "README_template.txt").read_text("utf-8").format(number=number)
    return text.replace("\n", "\r\n").encode("utf-8-sig")


def attachment_name(number: int, title: str) -> str:
    """What the n-th attachment is called in a package, whatever name its sender gave it."""
    return f"attachments/{number:03}-{safe_name(title)}"


def safe_name(name: str) -> str:
    """A file name that every system can unpack: no path, no control or hidden characters, not too long."""
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    name = "".join(one for one in name if unicodedata.category(one)[0] != "C")
    name = re.sub(r'[<>:"|?*]', "_", name).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if dot and len(suffix) <= 10:
        return f"{stem[: LONGEST_NAME - len(suffix) - 1]}.{suffix}"
    return name[:LONGEST_NAME] or "file"
