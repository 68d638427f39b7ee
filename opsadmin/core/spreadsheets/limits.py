"""What a file may be before anybody opens it."""

import os
import re
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from opsadmin.core.refusals import Refusal
from opsadmin.core.spreadsheets import members

MB = 1024 * 1024
HEAD_BYTES = 1024
ZIP_MAGIC = b"PK\x03\x04"
# How an entry of the list of parts begins.
ENTRY = b"PK\x01\x02"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ARCHIVES = (ZIP_MAGIC, OLE_MAGIC, b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\x1f\x8b\x08")
PAPERS = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8")
XML_PARTS = (".xml", ".rels", ".vml")
# A ratio says little about small parts: an empty theme shrinks a hundredfold.
RATIO_FROM = MB
CLAIM = b"uniqueCount"
CLAIMED = re.compile(rb"""\s*=\s*["']([^"']{0,20})["']""")
LONGEST_CLAIM = 1024
DECLARED = re.compile(rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']""")


@dataclass(frozen=True)
class Limits:
    """The most that is read of one file.

    ``ratio`` is unpacked to packed size; ``cells`` counts those of the rectangle in which all filled ones lie, for
    which the reader of workbooks reserves memory; ``cell_chars`` is what one cell of Excel holds; ``faults`` bounds
    what a hopeless file can cost.
    """

    file_bytes: int = 20 * MB
    unpacked_bytes: int = 300 * MB
    members: int = 500
    ratio: int = 200
    rows: int = 200_000
    columns: int = 100
    cells: int = 6_000_000
    cell_chars: int = 32_767
    faults: int = 200_000


LIMITS = Limits()
# For what is judged row by row, at some twenty statements each: masters, the organisation, work plans.
ROW_BY_ROW = Limits(file_bytes=10 * MB, unpacked_bytes=50 * MB, rows=3_000, faults=3_000)


_filled = lazy(lambda message, params: str(message) % params, str)


class SpreadsheetRefused(Refusal):
    """The file as a whole cannot be read. The sentence is translated when it is shown."""

    def __init__(self, code, message, **params):
        super().__init__(_filled(message, params) if params else message, code=code, **params)


def first_look(file, filename, limits=LIMITS):
    """Refuse what size, first bytes or the list of parts rule out already; unpacks nothing.

    ``file`` is open and binary. Raises SpreadsheetRefused.
    """
    _check_bytes(file.seek(0, os.SEEK_END), limits)
    file.seek(0)
    if _kind_of_head(file.read(HEAD_BYTES), filename) == "xlsx":
        with _opened(file, limits):
            pass


def check_size(path, limits):
    """Refuse a file that is empty or has more bytes than are read."""
    _check_bytes(Path(path).stat().st_size, limits)


def _check_bytes(size, limits):
    if not size:
        raise SpreadsheetRefused("empty", _("The file is empty."))
    if size > limits.file_bytes:
        raise SpreadsheetRefused(
            "too_big",
            _("The file has %(size).1f MB; at most %(most)d MB are read. Split it, or take out pictures."),
            size=size / MB,
            most=limits.file_bytes // MB,
        )


def kind_of_file(path, filename):
    """Return ``xlsx`` or ``text``, judged by the content; refuses other kinds by their name or first bytes."""
    with open(path, "rb") as file:
        return _kind_of_head(file.read(HEAD_BYTES), filename)


def _kind_of_head(head, filename):
    suffix = PurePosixPath(str(filename).lower()).suffix
    if head.startswith(OLE_MAGIC):
        raise SpreadsheetRefused(
            "old_or_locked",
            _("The file is an old XLS workbook or is protected by a password. Save it as XLSX without one."),
        )
    if suffix in {".xlsm", ".xltm", ".xlam"}:
        raise _macros()
    if suffix in {".xlsb", ".ods", ".fods", ".numbers"}:
        raise _other_kind()
    if head.startswith(ZIP_MAGIC):
        return "xlsx"
    if head.startswith((*ARCHIVES, *PAPERS)):
        raise _other_kind()
    if re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|table|\?xml|meta|head|body)\b", head, re.IGNORECASE):
        raise SpreadsheetRefused(
            "web_page",
            _("The file is a web page or XML, whatever its name says. Open it in Excel and save it as XLSX."),
        )
    if suffix == ".xlsx":
        raise broken()
    return "text"


def check_container(path, limits):
    """Refuse a workbook that is dangerous or no XLSX, without trusting anything that it says of itself.

    Every part is unpacked once, without being kept. Raises SpreadsheetRefused.
    """
    check_size(path, limits)
    with open(path, "rb") as file, _opened(file, limits) as archive:
        for info in archive.infolist():
            _check_member(file, info)


@contextmanager
def _opened(file, limits):
    """Open a workbook whose listing is sound; whatever is damaged in it becomes one refusal."""
    # To list a file made of nothing but entries would take hundreds of megabytes.
    file.seek(0)
    if sum(chunk.count(ENTRY) for chunk in iter(partial(file.read, MB), b"")) > limits.members:
        raise _too_many_parts(limits)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_listing(archive.infolist(), limits)
            yield archive
    except (zipfile.BadZipFile, members.BadMember, NotImplementedError, ValueError, OverflowError) as error:
        raise broken() from error


def _check_listing(infos, limits):
    _check_amounts(infos, limits)
    names = [info.filename for info in infos]
    if any(info.flag_bits & 0x1 for info in infos):
        raise SpreadsheetRefused("locked", _("The workbook is encrypted. Save it without a password."))
    if not all(map(_safe, names)) or len({name.lower() for name in names}) != len(names):
        raise SpreadsheetRefused(
            "bad_names",
            _("The workbook has parts with unsafe names. Save it again in Excel and upload that."),
        )
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise _macros()
    if "mimetype" in names or "xl/workbook.bin" in names:
        raise _other_kind()
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise _other_kind()


def _check_amounts(infos, limits):
    if len(infos) > limits.members:
        raise _too_many_parts(limits)
    unpacked = sum(info.file_size for info in infos)
    ratios = [info.file_size / max(info.compress_size, 1) for info in infos if info.file_size > RATIO_FROM]
    if max(ratios, default=0) > limits.ratio:
        raise SpreadsheetRefused(
            "unpacks_too_big",
            _(
                "A part of the workbook unpacks to more than %(times)d times its size. "
                "Save it again in Excel and upload that."
            ),
            times=limits.ratio,
        )
    if unpacked > limits.unpacked_bytes:
        raise SpreadsheetRefused(
            "unpacks_too_big",
            _(
                "The workbook unpacks to %(size)d MB. Delete empty rows and columns behind the table, and save it."
            ),
            size=unpacked // MB,
        )


def _safe(name):
    folders = name.split("/")
    return (
        name.isprintable()
        and not name.startswith("/")
        and ".." not in folders
        and not set(name) & set('\\:"<>|')
    )


def _check_member(file, info):
    """Unpack one part: its size must be the one that was announced, and nothing hides in it."""
    is_xml = info.filename.lower().endswith(XML_PARTS)
    tail = claim = b""
    for number, chunk in enumerate(members.chunks(file, info)):
        if number == 0:
            _check_head(info, chunk, is_xml)
        claim = _check_claims(claim + chunk, info) if is_xml else b""
        if is_xml and (b"<!DOCTYPE" in tail + chunk or b"<!ENTITY" in tail + chunk):
            raise SpreadsheetRefused(
                "entities", _("The workbook defines XML entities. Save it again in Excel and upload that.")
            )
        tail = chunk[-16:]


def _check_claims(text, info):
    """Refuse a table of texts that claims more of them than its bytes can hold; returns what the next piece continues.

    The reader of workbooks reserves memory for as many as are claimed, and ends the process where there is none.
    """
    *whole, last = text.split(CLAIM)
    for piece in [*whole[1:], *([last] if whole else [])]:
        found = CLAIMED.match(piece)
        if found and (not found[1].isdigit() or int(found[1]) > info.file_size):
            raise broken()
        if found is None and piece is last:
            if len(last) > LONGEST_CLAIM:
                raise broken()
            return CLAIM + last
    return text[-len(CLAIM) :]


def _check_head(info, head, is_xml):
    if head.startswith(ARCHIVES):
        raise SpreadsheetRefused(
            "nested",
            _("The workbook contains another file (%(name)s). Take it out."),
            name=info.filename,
        )
    if info.filename == "[Content_Types].xml" and b"macroEnabled" in head:
        raise _macros()
    declared = DECLARED.match(head)
    odd_encoding = declared and declared[1].lower() not in {b"utf-8", b"us-ascii"}
    if is_xml and (odd_encoding or b"\0" in head[:64]):
        raise SpreadsheetRefused(
            "odd_xml", _("The workbook is not written in UTF-8. Save it again in Excel and upload that.")
        )


def _too_many_parts(limits):
    return SpreadsheetRefused(
        "too_many_parts",
        _("The workbook has more than %(most)d parts. Take out pictures and drawings."),
        most=limits.members,
    )


def _macros():
    return SpreadsheetRefused("macros", _("Workbooks with macros are not read. Save it as XLSX."))


def _other_kind():
    return SpreadsheetRefused(
        "not_a_workbook", _("The file is no XLSX workbook and no CSV. Save it as XLSX.")
    )


def broken():
    """Return the refusal of a workbook that cannot be opened."""
    return SpreadsheetRefused(
        "broken", _("The workbook is damaged and cannot be opened. Save it again in Excel and upload that.")
    )
