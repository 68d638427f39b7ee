"""Verifying the archive: is everything still what was sealed? All of it is read, a record at a time.

Compared are the chain, each sealed content with its columns, files, decisions, live document and prices in force, the
timeline of prices, the protection of the tables, and the checkpoints outside the database.
"""

import hashlib
import time
import zlib
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from approvals.archive import canonical, pricecheck, protection, rowseals
from approvals.archive.filing import anchor, head_facts, write_checkpoint
from approvals.content import content_hash
from approvals.flow.record import decision_row
from approvals.kinds import KINDS
from approvals.models import (
    ArchiveFile,
    ArchiveKind,
    ArchiveRecord,
    ArchiveStore,
    Decision,
    DocumentKind,
    DocumentState,
)
from opsadmin.core.sealing import GENESIS, ChainBroken, NotCanonical, check_chain, instant_text

AT_A_TIME = 16
NAMED = 50
CHUNK = 1 << 20
PARTS = (
    "chain",
    "content",
    "decisions",
    "document",
    "prices",
    "files",
    "search",
    "rows",
    "protection",
    "checkpoints",
)


@dataclass(frozen=True)
class Difference:
    """One place where something is not what was sealed: ``part`` says what, ``number`` of which record or document."""

    part: str
    text: str
    number: str = ""
    sequence: int = 0

    @property
    def filing(self):
        """The number of the filing to which the record belongs, nothing where no record is named."""
        return self.number.partition("/")[0] if self.sequence else ""


@dataclass
class Report:
    """What was verified, and where it differs, in the order of the chain; ``first`` names the first broken part."""

    records: int = 0
    files: int = 0
    decisions: int = 0
    lines: int = 0
    prices: int = 0
    rows: int = 0
    seconds: float = 0.0
    started_at: str = ""
    head: int = 0
    head_number: str = ""
    checkpoint_at: str = ""
    checkpoint_sequence: int = 0
    differing: int = 0
    differences: list = field(default_factory=list)
    broken: list = field(default_factory=list)

    @classmethod
    def of(cls, kept):
        """Return the report kept in a job's result."""
        known = {one.name for one in fields(cls)}
        report = cls(**{name: value for name, value in kept.items() if name in known})
        report.differences = [Difference(**one) for one in report.differences]
        return report

    @property
    def whole(self):
        return not self.differing

    @property
    def first(self):
        return self.differences[0] if self.differences else None

    @property
    def began(self):
        return datetime.fromisoformat(self.started_at)

    def differs_at(self, number):
        """Say whether something of this record or document differs, named among the first or not."""
        return number in self.broken

    def keep(self, found, began):
        """Take over what was found: the first differences whole, of the others whose they are."""
        self.differing = len(found)
        self.differences = in_order(found)[:NAMED]
        self.broken = sorted({one.number for one in found if one.number})
        self.seconds = round(time.monotonic() - began, 1)
        return self

    def differs_in(self, *parts):
        return [one for one in self.differences if one.part in parts]


def verify_archive(progress=None, *, copy=None):
    """Compare everything that was sealed with what is there now; returns a Report, whose sentences are Chinese.

    Reading is all it does, but for the checkpoint of a chain that was found whole. ``progress(done, total)`` is
    called after each group of records. ``copy`` is a file of checkpoints that was kept elsewhere.
    """
    began = time.monotonic()
    report = Report(started_at=timezone.now().isoformat())
    with translation.override(settings.LANGUAGE_CODE):
        check, rows = Check(report), aside(rowseals.breaks)
        check.records(progress)
        check.all_decisions()
        check.found += [Difference("prices", text) for text in pricecheck.timeline_breaks()]
        report.rows, texts = rows()
        check.found += [Difference("rows", text) for text in texts]
        check.found += [Difference("protection", text) for text in protection.breaks()]
        check.checkpoints(copy)
    return report.keep(check.found, began)


def aside(function):
    """Start something on a database connection of its own; returns how to wait for its result.

    Inside a transaction, whose rows no other connection sees, it runs only then.
    """
    if connection.in_atomic_block:
        return function

    def run():
        try:
            with translation.override(settings.LANGUAGE_CODE):
                return function()
        finally:
            connection.close()

    with_one = ThreadPoolExecutor(1)
    started = with_one.submit(run)
    with_one.shutdown(wait=False)
    return started.result


def verify_records(sequences, *, prices=True):
    """Compare some records and what was sealed with them; returns a Report of these only.

    Without ``prices`` nothing is asked that takes longer the more stores a document has.
    """
    began = time.monotonic()
    report = Report(started_at=timezone.now().isoformat())
    with translation.override(settings.LANGUAGE_CODE):
        check = Check(report, prices=prices)
        for record in ArchiveRecord.objects.filter(sequence__in=sequences).order_by("sequence"):
            before = ArchiveRecord.objects.filter(sequence=record.sequence - 1).first()
            previous = before.hash if before else GENESIS
            check.chain([record], sequence=record.sequence - 1, previous=previous)
    return report.keep(check.found, began)


def in_order(found):
    """Return differences in the order of the chain, the gravest of a record first; those of no record come last."""
    return sorted(found, key=lambda one: (not one.sequence, one.sequence, PARTS.index(one.part)))


def unpacked(record):
    """Return the sealed bytes of a record, b"" if they cannot be read back."""
    squeezed = zlib.decompressobj()
    try:
        return squeezed.decompress(bytes(record.payload), record.payload_size + 1)
    except zlib.error:
        return b""


def unpacked_pieces(record):
    """Yield the sealed bytes of a record piece by piece; they end early where they cannot be read back."""
    squeezed, rest, left = zlib.decompressobj(), bytes(record.payload), record.payload_size
    try:
        while left >= 0 and (piece := squeezed.decompress(rest, CHUNK)):
            rest, left = squeezed.unconsumed_tail, left - len(piece)
            yield piece
    except zlib.error:
        return


def measured(pieces):
    """Return (SHA-256 in hex, size) of bytes that come in pieces."""
    total, size = hashlib.sha256(), 0
    for piece in pieces:
        total.update(piece)
        size += len(piece)
    return total.hexdigest(), size


class Check:
    """One walk through the archive; ``found`` collects the differences."""

    def __init__(self, report, *, prices=True):
        self.report = report
        self.with_prices = prices
        self.found = []
        self.sealed_decisions = defaultdict(list)
        self.measured = {}

    def records(self, progress=None):
        """Walk the whole chain in order."""
        newest = ArchiveRecord.objects.order_by("-sequence").first()
        if newest is None:
            return
        self.report.head, self.report.head_number = newest.sequence, newest.number
        last, previous = 0, GENESIS
        while group := self.next_records(last):
            self.chain(group, sequence=last, previous=previous)
            last, previous = group[-1].sequence, group[-1].hash
            if progress:
                progress(self.report.records, newest.sequence)

    def next_records(self, last):
        following = ArchiveRecord.objects.filter(sequence__gt=last, sequence__lte=self.report.head)
        return list(following.select_related("document").order_by("sequence")[:AT_A_TIME])

    def chain(self, records, *, sequence, previous):
        """Check some records that follow each other: their links, and each with all that was sealed with it."""
        sides = Beside(records)
        links = (self.link(record, sides) for record in records)
        for broken in check_chain(links, sequence=sequence, previous=previous):
            self.found.append(Difference("chain", str(broken), broken.number, broken.sequence or 0))

    def link(self, record, sides):
        """Return the record as the chain's check takes it, once its content has been looked through."""
        digest, size = measured(unpacked_pieces(record))
        self.report.records += 1
        if digest == record.payload_sha256:
            self.content(record, size, sides)
        return {
            "sequence": record.sequence,
            "number": record.number,
            "kind": record.kind,
            "document_number": record.document_number,
            "at": record.at,
            "payload_sha256": record.payload_sha256,
            "previous": record.previous,
            "hash": record.hash,
            "measured_sha256": digest,
        }

    def differs(self, record, part, sentence, **words):
        words |= {"number": record.number}
        self.found.append(Difference(part, sentence % words, record.number, record.sequence))

    def content(self, record, size, sides):
        try:
            filed, sealed_hash = canonical.read_through(unpacked_pieces(record))
            self.columns(record, filed, size, sides)
            self.files(record, filed, sides)
            self.decisions(record, filed)
            if record.kind == ArchiveKind.FILING:
                unchanged = self.document(record, filed, sealed_hash)
                if self.with_prices:
                    self.prices(record, filed, unchanged)
        except ObjectDoesNotExist:
            self.differs(
                record,
                "document",
                _("%(number)s: document %(document)s differs from the sealed content."),
                document=record.document_number,
            )
        except (NotCanonical, KeyError, ValueError, TypeError, DatabaseError) as error:
            self.differs(
                record, "content", _("%(number)s: the sealed content cannot be read (%(why)s)."), why=error
            )

    def columns(self, record, filed, size, sides):
        """The columns by which a record is found must say what its content says."""
        stored, sealed = stored_columns(record), sealed_columns(filed, size)
        for name, value in sealed.items():
            if stored[name] != value:
                self.differs(
                    record,
                    "search",
                    _("%(number)s: the column “%(column)s” differs from the sealed content."),
                    column=record._meta.get_field(name).verbose_name,
                )
        if sides.stores[record.pk] != {row["id"] for row in filed.rows("store")}:
            self.differs(record, "search", _("%(number)s: the stores by which it is found differ."))

    def files(self, record, filed, sides):
        """Each sealed file must be there, byte for byte."""
        kept = sides.files[record.pk]
        sealed = Counter((row["name"], row["sha256"], row["size"]) for row in filed.rows("file"))
        if Counter((one.name, one.sha256, one.size) for one in kept) != sealed:
            self.differs(
                record, "search", _("%(number)s: the list of its files differs from the sealed content.")
            )
        for one in kept:
            if self.measure(one.file) != (one.size, one.sha256):
                self.differs(
                    record,
                    "files",
                    _("%(number)s: the file “%(name)s” is missing or was changed."),
                    name=one.name,
                )

    def measure(self, stored):
        """Return (size, SHA-256) of a stored file's bytes, each file read once."""
        if stored.pk not in self.measured:
            total, size = hashlib.sha256(), 0
            try:
                with stored.file.open("rb") as file:
                    for chunk in file.chunks(CHUNK):
                        total.update(chunk)
                        size += len(chunk)
            except OSError:
                size = -1
            self.measured[stored.pk] = size, total.hexdigest()
            self.report.files += 1
        return self.measured[stored.pk]

    def decisions(self, record, filed):
        """The decisions sealed with a record must continue those sealed before."""
        known = self.sealed_decisions[record.document_id]
        for row in filed.rows("decision"):
            previous = known[-1] if known else row["previous"]
            if row["previous"] != previous or canonical.decision_hash(row) != row["hash"]:
                self.differs(
                    record, "decisions", _("%(number)s: the sealed decisions do not follow each other.")
                )
            known.append(row["hash"])

    def document(self, record, filed, sealed_hash):
        """The live document must still be the one that was signed and sealed; returns whether its lines are."""
        signed = filed.row("document")["content_hash"]
        self.report.lines += filed.count
        if sealed_hash != signed:
            self.differs(record, "content", _("%(number)s: the sealed lines are not those that were signed."))
        live = record.document
        sealed_state = live.state in (DocumentState.FILED, DocumentState.DONE)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(pricecheck.WHOLE_TABLES)
            same = content_hash(live) == signed
        if live.archive_number != record.number or not sealed_state or not same:
            self.differs(
                record,
                "document",
                _("%(number)s: document %(document)s differs from the sealed content."),
                document=record.document_number,
            )
        return same and sealed_hash == signed

    def prices(self, record, filed, unchanged):
        """What was brought about must be what was sealed; lines that are no longer that are read from the seal."""
        kind = KINDS[DocumentKind(record.document_kind)]
        if not (kind.priced and unchanged):
            filed = canonical.parse(unpacked(record))
        count, texts = kind.breaks(record, filed)
        self.report.prices += count
        for text in texts:
            self.differs(record, "prices", "%(number)s: %(text)s", text=text)

    def all_decisions(self):
        """Every decision in the database must hang on the one before, and begin with those that were sealed."""
        documents = defaultdict(list)
        rows = Decision.objects.select_related("document").order_by("document", "pk")
        for decision in rows.iterator(chunk_size=2000):
            chain = documents[decision.document_id]
            previous = chain[-1] if chain else GENESIS
            if decision.previous != previous or recomputed_hash(decision) != decision.hash:
                number = decision.document.number
                text = _("A decision on %(number)s was changed, inserted or removed.") % {"number": number}
                self.found.append(Difference("decisions", text, number))
            chain.append(decision.hash)
            self.report.decisions += 1
        for document_id, sealed in self.sealed_decisions.items():
            if documents[document_id][: len(sealed)] != sealed:
                number = (
                    ArchiveRecord.objects.filter(document=document_id).earliest("sequence").document_number
                )
                text = _("The decisions on %(number)s are not those that were sealed.") % {"number": number}
                self.found.append(Difference("decisions", text, number))

    def checkpoints(self, copy=None):
        """The newest record must be the one that the checkpoints confirm; a whole chain gets a new checkpoint."""
        newest = ArchiveRecord.objects.order_by("-sequence").first()
        head = newest and {**head_facts(newest), "count": ArchiveRecord.objects.count()}
        for broken in anchor().verify(stored_hashes, head, rowseals.hashes, copy=copy):
            self.found.append(Difference("checkpoints", str(broken), broken.number, broken.sequence or 0))
        if newest and not self.found:
            rowseals.seal_rows()
            write_checkpoint(head_facts(newest))
        try:
            point = anchor().latest()
        except ChainBroken:
            point = None
        if point:
            self.report.checkpoint_at, self.report.checkpoint_sequence = point.at, point.sequence


class Beside:
    """What stands beside some records in the database: stores and files, fetched for all of them at once."""

    def __init__(self, records):
        keys = [record.pk for record in records]
        self.stores, self.files = defaultdict(set), defaultdict(list)
        for record, store in ArchiveStore.objects.filter(record__in=keys).values_list("record", "store"):
            self.stores[record].add(store)
        for one in ArchiveFile.objects.filter(record__in=keys).select_related("file").order_by("pk"):
            self.files[one.record_id].append(one)


def recomputed_hash(decision):
    """Return the hash of a decision as it stands in the database, "" where it says what no decision can say."""
    try:
        return canonical.decision_hash(decision_row(decision))
    except ValueError:
        return ""


def stored_hashes(sequences):
    return dict(ArchiveRecord.objects.filter(sequence__in=sequences).values_list("sequence", "hash"))


def stored_columns(record):
    """Return the columns for the search, as text."""
    names = ("number", "kind", "document_number", "document_kind", "title", "line_count", "filed_by_name")
    return {
        **{name: getattr(record, name) for name in names},
        "payload_size": record.payload_size,
        "retained_until": record.retained_until and record.retained_until.isoformat(),
        **{name: moment_text(getattr(record, name)) for name in ("at", "effective_from", "effective_to")},
    }


def sealed_columns(filed, size):
    """Return the same from the sealed content, which has so many bytes."""
    archive, document = filed.row("archive"), filed.row("document")
    return {
        "number": archive["number"],
        "kind": archive["kind"],
        "document_number": archive["document"],
        "document_kind": document["kind"],
        "title": document["title"],
        "line_count": filed.count,
        "filed_by_name": archive["filed_by"]["name"],
        "payload_size": size,
        "retained_until": archive["retained_until"],
        "at": archive["filed_at"],
        "effective_from": document["effective_from"],
        "effective_to": document["effective_to"],
    }


def moment_text(moment):
    return instant_text(moment) if moment else None


def as_result(report):
    """Return a report as a job keeps it."""
    return asdict(report)
