"""Filing: the moment from which nothing in a document can change, and the records that follow it.

A filing seals the document's canonical form (approvals.archive.canonical) into one blob and chains its digest to
the record before. Later facts (campaign details, receipts, the end) are further records in the same chain. All of
it happens inside the transaction of the decision that brings it about.
"""

import hashlib
import logging
import zlib
from datetime import date

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.archive import canonical, prelude, rowseals
from approvals.content import header_json, sealed_lines
from approvals.guards import words
from approvals.kinds import kind_of, specific
from approvals.models import (
    ArchiveFile,
    ArchiveKind,
    ArchiveRecord,
    ArchiveStore,
    Decision,
    DocumentState,
    GuardHit,
    Severity,
)
from opsadmin.core import clock
from opsadmin.core.jobs import enqueue
from opsadmin.core.numbering import next_number
from opsadmin.core.refusals import Refusal
from opsadmin.core.sealing import GENESIS, Anchor, ChainBroken, record_hash

logger = logging.getLogger(__name__)

PREFIX = "GD"
RETENTION_YEARS = 30
# Any number will do, as long as nothing else in this database locks it.
CHAIN_LOCK = 4_104_226_001


def file_document(document, task, decision):
    """File a document: bring its effect about, seal it, chain the record; all in the decision's transaction.

    Rule: one chain. Its lock comes before everything else that filing touches, so that two filings never wait for
    each other in a circle. The guards judge once more, since what is in force may have moved. Raises Refusal
    ``blocked``, ``overlap`` or ``unsound`` (what would be sealed is not what was signed). Returns the record; the
    checkpoint is written, and the package made, after commit.
    """
    kind = kind_of(document)
    lock_chain()
    kind.judge(document)
    if document.block_count:
        raise Refusal(blocked_sentence(document), code="blocked")
    own = specific(document)
    kind.take_effect(own)
    at = clock.now()
    number = next_number(PREFIX, at=at)
    kept_until = retained_until(at)
    rows = prelude.filing_rows(
        own, number=number, at=at, retained_until=kept_until, task=task, decision=decision
    )
    check_decisions(rows)
    count = own.lines.count()
    record = seal(
        canonical.build(rows, kind.sealed_columns, signed_lines(own), count=count),
        document=own,
        number=number,
        kind=ArchiveKind.FILING,
        at=at,
        retained_until=kept_until,
        line_count=count,
        filed_by=decision.actor,
        filed_by_name=decision.actor_name,
    )
    keep_beside(
        record, stores=prelude.stores_of(own), files=[one.file for one in prelude.attachments_of(own)]
    )
    document.archive_number, document.state = number, DocumentState.FILED
    document.save(update_fields=["archive_number", "state", "updated_at"])
    enqueue("make_package", {"records": [record.sequence]})
    return record


def add_record(kind, document, payload, *, by, files=(), stores=()):
    """Seal a fact that came after filing as ``GD-2026-0001/1``, ``/2`` …; returns the record.

    ``payload``: a dict that canonical_json takes. The decisions since the document's last record are sealed with
    it. ``by`` is an account, ``files`` are StoredFile rows, ``stores`` those that the fact is about. Call it inside a
    transaction that holds the document's lock.
    """
    lock_chain()
    before = ArchiveRecord.objects.filter(document=document.pk)
    filing, last = before.get(kind=ArchiveKind.FILING), before.latest("sequence")
    at = clock.now()
    number = f"{filing.number}/{before.count()}"
    signer = prelude.person(by, timezone.localdate(at))
    rows = prelude.later_rows(
        document,
        kind=kind,
        number=number,
        at=at,
        retained_until=filing.retained_until,
        by=signer,
        since=last.at,
        payload=payload,
        files=files,
        stores=stores,
    )
    record = seal(
        canonical.build(rows, [], [], count=0),
        document=document,
        number=number,
        kind=kind,
        at=at,
        retained_until=filing.retained_until,
        filed_by=by,
        filed_by_name=signer["name"],
    )
    keep_beside(record, stores=stores, files=files)
    return record


def close_document(document):
    """Seal the end of a filed document: every step has been walked, every store has its receipt."""
    last = Decision.objects.filter(document=document).select_related("actor").latest("pk")
    payload = {**kind_of(document).closing_facts(specific(document)), "decision": last.hash}
    return add_record(ArchiveKind.CLOSING, document, payload, by=last.actor)


def blocked_sentence(document):
    """Return what has come up since the signatures; the hits themselves go with the transaction that is refused."""
    hit = (
        GuardHit.objects.filter(document=document.pk, severity=Severity.BLOCK)
        .order_by("row_no", "pk")
        .first()
    )
    found = " · ".join(filter(None, (hit.sku_code, str(words.title(hit.code)), words.detail(hit))))
    return _("Cannot be filed any more: %(found)s. Send the document back.") % {"found": found}


# ── What is sealed ────────────────────────────────────────────────────────────────────────────────────────────────


def signed_lines(own):
    """Yield the lines to be sealed; refuse at their end if they are not what the digest was signed for."""
    total = hashlib.sha256(header_json(own) + b"\n")
    for line in sealed_lines(own):
        total.update(line.encode() + b"\n")
        yield line
    if total.hexdigest() != own.content_hash:
        raise Refusal(
            _("The lines are not those that were signed. Nothing was filed; call the administrator."),
            code="unsound",
        )


def check_decisions(rows):
    """Refuse to seal decisions whose own chain does not hold."""
    previous = GENESIS
    for row in (row for row in rows if row["t"] == "decision"):
        if row["previous"] != previous or canonical.decision_hash(row) != row["hash"]:
            raise Refusal(
                _("The decisions are not what was recorded. Nothing was filed; call the administrator."),
                code="unsound",
            )
        previous = row["hash"]


def retained_until(at):
    """Return the last day of keeping: 30 years, counted from the day after the fiscal year (calendar year) ends."""
    return date(timezone.localtime(at).year + RETENTION_YEARS, 12, 31)


# ── The chain ─────────────────────────────────────────────────────────────────────────────────────────────────────


def lock_chain():
    """Let one transaction at a time add to the chain; the lock is held until it ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])


def seal(pieces, *, document, number, kind, at, **columns):
    """Write a record at the end of the chain, which the caller has locked; its checkpoint follows the commit."""
    payload, size, digest = pack(pieces)
    head = ArchiveRecord.objects.order_by("-sequence").values("sequence", "hash").first()
    sealed = {
        "sequence": head["sequence"] + 1 if head else 1,
        "number": number,
        "kind": str(kind),
        "document_number": document.number,
        "at": at,
        "payload_sha256": digest,
        "previous": head["hash"] if head else GENESIS,
    }
    record = ArchiveRecord.objects.create(
        **sealed,
        **columns,
        hash=record_hash(**sealed),
        payload=payload,
        payload_size=size,
        document_id=document.pk,
        document_kind=document.kind,
        title=document.title,
        effective_from=document.effective_from,
        effective_to=document.effective_to,
    )
    head = head_facts(record)
    # Django names a hook that fails, and a partial has no name.
    transaction.on_commit(lambda: write_checkpoint(head), robust=True)
    return record


def pack(pieces):
    """Return (compressed bytes, size, SHA-256) of the sealed content, made in one pass."""
    total, squeeze, size, packed = hashlib.sha256(), zlib.compressobj(6), 0, bytearray()
    for piece in pieces:
        total.update(piece)
        packed += squeeze.compress(piece)
        size += len(piece)
    packed += squeeze.flush()
    return bytes(packed), size, total.hexdigest()


def keep_beside(record, *, stores, files):
    """Write the rows by which a record is found, and its files are checked."""
    ArchiveStore.objects.bulk_create(ArchiveStore(record=record, store=store) for store in stores)
    ArchiveFile.objects.bulk_create(
        ArchiveFile(record=record, file=file, name=file.name, sha256=file.sha256, size=file.size)
        for file in files
    )


# ── The anchor ────────────────────────────────────────────────────────────────────────────────────────────────────


def anchor():
    """Return the file of signed checkpoints, which is kept outside the database."""
    return Anchor(settings.ANCHOR_FILE, settings.ANCHOR_KEY_FILE)


def head_facts(record):
    """Return what a checkpoint says of the newest record; the chain has no gaps, so its place is their number."""
    return {
        "sequence": record.sequence,
        "number": record.number,
        "hash": record.hash,
        "count": record.sequence,
    }


def write_checkpoint(head, *, begin=False):
    """Confirm the chain's head outside the database. A filing stands even where this fails: the check names it."""
    try:
        return anchor().append({**head, "seals": rowseals.head()}, at=clock.now(), begin=begin)
    except (ChainBroken, OSError):
        logger.exception("checkpoint not written", extra={"sequence": head["sequence"]})
        return None
