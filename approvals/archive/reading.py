"""Reading what was sealed for a page: the first rows of a record, never its lines."""

import json
import zlib
from collections import defaultdict

from django.db import connection

from approvals.models import ArchiveKind, ArchiveRecord

SLICE = 1 << 16
# These rows grow with the lines of a document; they come last.
LATE = {"change", "hit", "lines"}


def sealed_rows(sequence):
    """Return ({kind: [row]}, whole) of a record's prelude up to the rows that grow with its lines.

    The content is fetched in slices, as far as it is needed. ``whole`` is False where it cannot be read.
    """
    rows, squeezed, text, start = defaultdict(list), zlib.decompressobj(), b"", 1
    try:
        while piece := slice_of(sequence, start):
            start += SLICE
            text += squeezed.decompress(piece)
            *lines, text = text.split(b"\n")
            for line in lines:
                row = json.loads(line)
                if row["t"] in LATE:
                    return rows, True
                rows[row["t"]].append(row)
    except (zlib.error, ValueError, KeyError, TypeError):
        return rows, False
    return rows, False


def slice_of(sequence, start):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT substring(payload FROM %s FOR %s) FROM approvals_archiverecord WHERE sequence = %s",
            [start, SLICE, sequence],
        )
        return bytes(cursor.fetchone()[0])


def later_records(filing):
    """Return the records after a filing in order, each with its sealed rows as ``rows``. They are small."""
    records = list(
        ArchiveRecord.objects.filter(document=filing.document_id)
        .exclude(kind=ArchiveKind.FILING)
        .order_by("sequence")[:200]
    )
    for record in records:
        record.rows = small_rows(record)
    return records


def small_rows(record):
    """Return {kind: [row]} of a record that has no lines; empty where it cannot be read."""
    rows = defaultdict(list)
    try:
        for line in zlib.decompress(bytes(record.payload)).splitlines():
            row = json.loads(line)
            rows[row["t"]].append(row)
    except (zlib.error, ValueError, KeyError, TypeError):
        return defaultdict(list)
    return rows
