"""Sealing: one way to write facts as bytes, a chain of hashes over them, signed checkpoints of the chain.

The chain shows any change inside it. It cannot show that its end was cut off, or that somebody wrote all
of it anew; the checkpoints can, because they are kept outside the database.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.utils.translation import gettext_lazy as _

GENESIS = "0" * 64
TWO_PLACES = Decimal("0.01")


class NotCanonical(ValueError):
    """A value that has no single canonical form, so it cannot be sealed."""


def canonical_json(value) -> bytes:
    """The one way to write a value that is going to be hashed: UTF-8, sorted keys, no blanks.

    Takes None, bool, int, str, Decimal (text with two places), aware datetimes (UTC, microseconds, Z), dates,
    lists, tuples and dicts with text keys. Raises NotCanonical for anything else: floats, naive datetimes,
    decimals that two places would change, translated text whose language is not settled.
    """
    text = json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical("text with half a character (a lone surrogate)") from error


def _plain(value):
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Decimal):
        return money_text(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    raise NotCanonical(f"a value of type {type(value).__name__} has no canonical form")


def _key(key):
    if not isinstance(key, str):
        raise NotCanonical(f"a key of type {type(key).__name__} has no canonical form")
    return key


def money_text(value: Decimal) -> str:
    """An amount with exactly two places, plain digits. Raises NotCanonical where rounding would be needed."""
    if not value.is_finite() or value.adjusted() > 24:
        raise NotCanonical("an amount that is no finite number of a sane size")
    fixed = value.quantize(TWO_PLACES)
    if fixed != value:
        raise NotCanonical("an amount with more than two decimals")
    return f"{fixed if fixed else abs(fixed):f}"


def instant_text(value: datetime) -> str:
    """A moment in UTC with six digits of microseconds and a Z. Raises NotCanonical without a time zone."""
    if value.utcoffset() is None:
        raise NotCanonical("a date and time without a time zone")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


RECORD_FIELDS = ("sequence", "number", "kind", "document_number", "at", "payload_sha256", "previous")

GAP = "gap"
PREVIOUS = "previous"
HASH = "hash"
PAYLOAD = "payload"
TRUNCATED = "truncated"
FORGED = "forged"
SEALS = "seals"
COPY = "copy"
ANCHOR_TAMPERED = "anchor_tampered"
ANCHOR_MISSING = "anchor_missing"

_SENTENCES = {
    GAP: _("Record %(sequence)s is missing or out of order; %(found)s stands in its place."),
    PREVIOUS: _("Record %(sequence)s (%(number)s) does not continue the record before it."),
    HASH: _("The header of record %(sequence)s (%(number)s) differs from its sealed digest."),
    PAYLOAD: _("The content of record %(sequence)s (%(number)s) differs from its sealed digest."),
    TRUNCATED: _("The archive ends before record %(sequence)s (%(number)s), which a checkpoint confirms."),
    FORGED: _("Record %(sequence)s (%(number)s) differs from its checkpoint: the chain was written anew."),
    SEALS: _(
        "The seals of rows are not those that the checkpoint of %(number)s confirms: seal %(sequence)s."
    ),
    COPY: _(
        "The checkpoint file here does not hold line %(found)s of the copy: it was cut off or written anew."
    ),
    ANCHOR_TAMPERED: _("Line %(found)s of the checkpoint file was changed, moved or signed by another key."),
    ANCHOR_MISSING: _(
        "The checkpoint file or its key is missing or unreadable, although records were sealed."
    ),
}


@dataclass(frozen=True)
class Break:
    """One place where the archive is not what was sealed.

    ``kind`` is one of the constants above; ``sequence`` and ``number`` name the record.
    ``expected`` and ``found`` are digests or numbers, as text. ``str()`` is a sentence for the reader.
    """

    kind: str
    sequence: int | None = None
    number: str = ""
    expected: str = ""
    found: str = ""

    def __str__(self):
        return str(_SENTENCES[self.kind]) % asdict(self)


class ChainBroken(Exception):
    """What was asked would build on an archive that is not what was sealed; ``found`` is the Break."""

    def __init__(self, found: Break):
        super().__init__(str(found))
        self.found = found


def record_hash(
    *,
    sequence: int,
    number: str,
    kind: str,
    document_number: str,
    at: datetime,
    payload_sha256: str,
    previous: str,
) -> str:
    """The hash of an archive record: SHA-256 over the canonical JSON of exactly these seven fields.

    ``previous`` is the hash of the record before it, GENESIS for the first: each hash vouches for all before.
    """
    return digest(
        canonical_json(
            {
                "sequence": sequence,
                "number": number,
                "kind": kind,
                "document_number": document_number,
                "at": at,
                "payload_sha256": payload_sha256,
                "previous": previous,
            }
        )
    )


def check_chain(records: Iterable[Mapping], *, sequence: int = 0, previous: str = GENESIS) -> list[Break]:
    """Where the chain breaks, first break first; an empty list means that it is whole.

    ``records``: mappings in order of sequence, with the seven fields of record_hash and ``hash``; where one
    also has ``measured_sha256`` (the digest of the content as stored now), that is compared with the sealed
    digest. ``sequence`` and ``previous`` name the last record already checked. Checking goes on from what is
    stored, so the breaks name each damaged place and not everything after it.
    """
    breaks = []
    for record in records:
        breaks += _record_breaks(record, sequence + 1, previous)
        sequence, previous = record["sequence"], record["hash"]
    return breaks


def _record_breaks(record, sequence, previous):
    named = {"sequence": record["sequence"], "number": record["number"]}
    if record["sequence"] != sequence:
        yield Break(GAP, sequence, "", str(sequence), str(record["sequence"]))
    elif record["previous"] != previous:
        yield Break(PREVIOUS, **named, expected=previous, found=record["previous"])
    expected = _hash_or_nothing(record)
    if record["hash"] != expected:
        yield Break(HASH, **named, expected=expected, found=record["hash"])
    measured = record.get("measured_sha256")
    if measured is not None and measured != record["payload_sha256"]:
        yield Break(PAYLOAD, **named, expected=record["payload_sha256"], found=measured)


def _hash_or_nothing(record):
    try:
        return record_hash(**{field: record[field] for field in RECORD_FIELDS})
    except NotCanonical:
        return ""


_SIGNED = ("at", "sequence", "number", "hash", "count", "seals", "previous")


@dataclass(frozen=True)
class Checkpoint:
    """A line of the checkpoint file: at this moment the chain had ``count`` records and ended with this one.

    ``at`` is a moment in UTC as text; ``seals`` names the newest seal of rows as ``number:hash``, "" before the first;
    ``previous`` the digest of the line before (GENESIS for the first); ``signature`` and ``public_key`` are Ed25519,
    in hexadecimal.
    """

    at: str
    sequence: int
    number: str
    hash: str
    count: int
    seals: str
    previous: str
    signature: str
    public_key: str

    @property
    def seal(self) -> tuple[int, str]:
        """(number, hash) of the newest seal of rows, (0, "") before the first."""
        number, _colon, found = self.seals.partition(":")
        return (int(number), found) if number.isascii() and number.isdigit() else (0, "")

    def signed_bytes(self) -> bytes:
        return canonical_json({field: getattr(self, field) for field in _SIGNED})

    def line(self) -> bytes:
        return canonical_json(asdict(self)) + b"\n"

    def is_genuine(self, public_key: str) -> bool:
        """Whether the line was signed by this key and not changed since."""
        if self.public_key != public_key:
            return False
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
            key.verify(bytes.fromhex(self.signature), self.signed_bytes())
        except (ValueError, InvalidSignature):
            return False
        return True


class Anchor:
    """The file of signed checkpoints: one line each, only ever appended to, kept outside the database.

    ``path`` is the file, ``key_path`` the Ed25519 key in PEM, both readable by their owner only and made at
    first use. Whoever can write both can forge both: keep copies of the file on another machine.
    """

    def __init__(self, path, key_path):
        self.path = Path(path)
        self.key_path = Path(key_path)

    def append(self, head: Mapping, *, at: datetime, begin: bool = False) -> Checkpoint:
        """Write a checkpoint of the chain's head (``sequence``, ``number``, ``hash``, ``count``); return it.

        ``seals``, where the head has it, is the newest seal of rows as Checkpoint names it.

        It is on disk when this returns. A head that is not newer than the last checkpoint adds no line (two
        filings may arrive here in either order): the last checkpoint is returned. Raises ChainBroken where
        the head contradicts it, where it is damaged, or where the key that signed it is gone. A new file
        begins only with the first record, or where ``begin`` says that an older chain is to be trusted from
        here on: otherwise the next filing would hide that somebody had removed the file.
        """
        with self._locked() as file:
            last = self._last(file)
            if last and not _is_newer(last, head):
                return _confirmed(last, head)
            if last is None and head["count"] > 1 and not begin:
                raise ChainBroken(Break(ANCHOR_MISSING))
            checkpoint = self._signed(head, at, digest(last.line()) if last else GENESIS)
            file.write(checkpoint.line())
            file.flush()
            os.fsync(file.fileno())
        return checkpoint

    def latest(self) -> Checkpoint | None:
        """The last checkpoint, or None before the first. Raises ChainBroken where that line is damaged."""
        try:
            with self.path.open("rb") as file:
                return self._last(file)
        except FileNotFoundError:
            return None

    def sign(self, data: bytes) -> dict:
        """``{"signature", "public_key"}`` in hexadecimal over the data, by the key of the checkpoints.

        Raises ChainBroken where there are checkpoints and the key that signed them is gone.
        """
        with self._locked():
            key = self._key()
        return {"signature": key.sign(data).hex(), "public_key": _public_hex(key)}

    def verify(
        self,
        hashes: Callable[[list[int]], Mapping[int, str]],
        head: Mapping | None,
        seals: Callable[[list[int]], Mapping[int, str]] | None = None,
        *,
        copy: Path | None = None,
    ) -> list[Break]:
        """What the checkpoints say against the database, first break first; an empty list means nothing.

        ``head`` is the newest record in the database (``sequence``, ``count``) or None if there is none;
        ``hashes`` looks up the stored hashes of some sequences at once, ``seals`` those of seals of rows. Finds
        records cut off the end, a chain written anew, checkpoint lines changed, moved or foreign, and a file or key
        that is gone. ``copy`` is a file of checkpoints kept elsewhere: it is believed before the file here, which
        must go on from it; a key that is gone here is read from it.
        """
        lines = self._lines()
        if copy is not None:
            return self._against_copy(lines, _whole_lines(Path(copy)), hashes, head, seals)
        if not lines:
            return [Break(ANCHOR_MISSING)] if head else []
        try:
            public_key = _public_hex(self._key())
        except ChainBroken as error:
            return [error.found]
        checkpoints, breaks = _genuine(lines, public_key)
        return breaks + _against_database(checkpoints, hashes, head, seals)

    def _against_copy(self, lines, copied, hashes, head, seals):
        first = _read_line(copied[0]) if copied else None
        if first is None:
            return [Break(ANCHOR_MISSING)]
        checkpoints, breaks = _genuine(copied, first.public_key)
        for number, line in enumerate(copied, 1):
            if lines[number - 1 : number] != [line]:
                breaks.append(Break(COPY, found=str(number)))
                break
        breaks += _against_database(checkpoints, hashes, head, seals)
        if breaks:
            return breaks
        newer, breaks = _genuine(lines, first.public_key)
        return breaks + _against_database(newer, hashes, head, seals)

    @contextmanager
    def _locked(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _sync_folder(self.path.parent)
            yield file

    def _last(self, file):
        """The last whole line; half a line after it, left by a machine that stopped meanwhile, is cut off."""
        *lines, torn = file.read().split(b"\n")
        if torn and file.writable():
            file.truncate(file.tell() - len(torn))
        checkpoint = _read_line(lines[-1]) if lines else None
        if lines and checkpoint is None:
            raise ChainBroken(Break(ANCHOR_TAMPERED, found=str(len(lines))))
        return checkpoint

    def _lines(self):
        return _whole_lines(self.path)

    def copy_to(self, path) -> int:
        """Bring a copy of the file up to date, whose lines must be the first ones here; returns how many it has.

        The copy is only ever added to. Raises ChainBroken where it holds a line that is not here: then one of the two
        was cut off or written anew, and the copy is the evidence.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked() as file:
            lines = file.read().split(b"\n")[:-1]
        copied = _whole_lines(path)
        for number, line in enumerate(copied, 1):
            if lines[number - 1 : number] != [line]:
                raise ChainBroken(Break(COPY, found=str(number)))
        new = path.with_name(path.name + ".new")
        with new.open("wb") as file:
            file.write(b"".join(line + b"\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        _sync_folder(path.parent)
        return len(lines)

    def _signed(self, head, at, previous):
        key = self._key()
        fields = {name: head[name] for name in ("sequence", "number", "hash", "count")}
        fields["seals"] = head.get("seals", "")
        blank = Checkpoint(
            **fields, at=instant_text(at), previous=previous, signature="", public_key=_public_hex(key)
        )
        return Checkpoint(**{**asdict(blank), "signature": key.sign(blank.signed_bytes()).hex()})

    def _key(self):
        try:
            key = serialization.load_pem_private_key(self.key_path.read_bytes(), password=None)
        except FileNotFoundError:
            if self._lines():
                raise ChainBroken(Break(ANCHOR_MISSING)) from None
            return self._new_key()
        except ValueError as error:
            raise ChainBroken(Break(ANCHOR_MISSING)) from error
        return key

    def _new_key(self):
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.key_path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self.key_path.parent)
        return key


def _public_hex(key):
    raw = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    return key.public_key().public_bytes(*raw).hex()


def _whole_lines(path):
    """The lines of a file of checkpoints; half a line at its end is none."""
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def _is_newer(last, head):
    """Whether the head has a record, or a seal of rows, that the last checkpoint does not confirm."""
    if head["sequence"] != last.sequence:
        return head["sequence"] > last.sequence
    number = head.get("seals", "").partition(":")[0]
    return head["hash"] == last.hash and int(number or 0) > last.seal[0]


def _read_line(line):
    try:
        checkpoint = Checkpoint(**json.loads(line))
        return checkpoint if checkpoint.line() == line + b"\n" else None
    except (ValueError, TypeError):
        return None


def _genuine(lines, public_key):
    """(the checkpoints that are what was signed, a break for each line that is not)."""
    checkpoints, breaks = [], []
    for number, (before, line) in enumerate(pairwise([None, *lines]), 1):
        checkpoint = _read_line(line)
        previous = GENESIS if before is None else digest(before + b"\n")
        if checkpoint and checkpoint.previous == previous and checkpoint.is_genuine(public_key):
            checkpoints.append(checkpoint)
        else:
            breaks.append(Break(ANCHOR_TAMPERED, found=str(number)))
    return checkpoints, breaks


def _confirmed(last, head):
    if last.sequence == head["sequence"] and last.hash != head["hash"]:
        raise ChainBroken(Break(FORGED, last.sequence, last.number, last.hash, head["hash"]))
    return last


def _against_database(checkpoints, hashes, head, seals=None):
    newest = head["sequence"] if head else 0
    kept = [point for point in checkpoints if point.sequence <= newest]
    stored = hashes([point.sequence for point in kept]) if kept else {}
    breaks = [
        Break(FORGED, point.sequence, point.number, point.hash, stored.get(point.sequence, ""))
        for point in kept
        if stored.get(point.sequence) != point.hash
    ]
    last = checkpoints[-1] if checkpoints else None
    if last and (newest < last.sequence or head["count"] < last.count):
        breaks.append(Break(TRUNCATED, last.sequence, last.number, last.hash, str(newest)))
    return breaks + (_seals_against_database(checkpoints, seals) if seals else [])


def _seals_against_database(checkpoints, seals):
    """The first checkpoint whose seal of rows is another one now, or gone."""
    confirmed = {point.seal[0]: point for point in checkpoints if point.seal[0]}
    stored = seals(list(confirmed)) if confirmed else {}
    for number, point in sorted(confirmed.items()):
        if stored.get(number) != point.seal[1]:
            return [Break(SEALS, number, point.number, point.seal[1], stored.get(number, ""))]
    return []


def _sync_folder(folder):
    """Make a new file's name durable too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
