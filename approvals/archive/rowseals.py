"""Row seals: what the rows of protected tables said when they became final, column by column.

The chain of archive records vouches for what a document says. The tables hold more: keys, addresses, events, the stores
by which a record is found, versions of the organisation. A seal keeps the text of up to a thousand rows in a chain of
its own, whose head stands in every signed checkpoint. Comparing it with the table names row and column of a change.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field

from django.db import connection, transaction
from django.db.models import F, Func, Sum
from django.utils.translation import gettext as _

from approvals.archive import protection
from approvals.models import RowSeal
from opsadmin.core import clock
from opsadmin.core.sealing import GENESIS, canonical_json, digest

ROWS_AT_A_TIME = 1000
SEALS_AT_A_TIME = 20
# Any number will do, as long as nothing else in this database locks it.
LOCK = 4_104_226_002
FIELDS = (
    "number",
    "part",
    "subject",
    "columns",
    "first_id",
    "last_id",
    "rows",
    "kept_sha256",
    "at",
    "previous",
)
KEPT_SHA256 = Func(F("kept"), template="encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')")
# One way to write a value as text, whatever the session is set to.
ONE_TEXT = (
    "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'iso_8601'; "
    "SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'"
)
FILED = "EXISTS (SELECT FROM approvals_document d WHERE d.id = t.{key} AND d.state IN ('filed', 'done'))"


@dataclass(frozen=True)
class Part:
    """Rows of one table that are final together.

    ``final`` is the SQL condition from which on a row ``t`` never changes; ``subject`` the column by which rows become
    final together, nothing where a row is final as soon as it is there. ``leave`` names the columns that still move,
    ``only`` the columns that are kept where another check compares the others; ``as_text`` gives SQL for a column.
    """

    name: str
    table: str
    subject: str = ""
    final: str = "true"
    leave: tuple = ()
    only: tuple = ()
    as_text: dict = field(default_factory=dict)


def of_documents(table, key):
    return Part(table, table, key, FILED.format(key=key))


def parts():
    """Return every part, in the order in which they are sealed."""
    closed_set = "SELECT FROM orgchart_changeset s WHERE s.id = t.change_set_id AND s.state IN ('applied', 'withdrawn')"
    in_use = "SELECT FROM approvals_flowversion v WHERE v.id = t.version_id AND v.state <> 'draft'"
    return [
        *(Part(table, table) for table in protection.APPEND_ONLY if table != RowSeal._meta.db_table),
        *(of_documents(table, "document_ptr_id") for table in protection.FILED_ROWS[1:]),
        *(of_documents(table, "document_id") for table in protection.FILED_PARTS),
        Part(
            "approvals_document while filed",
            "approvals_document",
            "id",
            "t.state IN ('filed', 'done')",
            leave=("state", "updated_at"),
        ),
        Part("approvals_document", "approvals_document", "id", "t.state = 'done'"),
        Part("approvals_flowstep", "approvals_flowstep", "version_id", f"EXISTS ({in_use})"),
        Part(
            "approvals_guardpolicy in force",
            "approvals_guardpolicy",
            "id",
            "t.state IN ('in_force', 'superseded')",
            leave=("state",),
        ),
        Part(
            "approvals_guardpolicy", "approvals_guardpolicy", "id", "t.state IN ('superseded', 'dismissed')"
        ),
        Part("orgchart_changeset", "orgchart_changeset", "id", "t.state IN ('applied', 'withdrawn')"),
        Part("orgchart_changeitem", "orgchart_changeitem", "change_set_id", f"EXISTS ({closed_set})"),
        # What they say is compared with the sealed lines; only their keys are not.
        Part("stores_priceinforce", "stores_priceinforce", only=("id",)),
        Part(
            "opening prices",
            "stores_priceinforce",
            final="t.document_number LIKE 'QC-%%'",
            as_text={"during": "lower(t.during)"},
        ),
    ]


class Shape:
    """The columns of the tables, as the database has them now: {table: (key, {column: type})}."""

    def __init__(self, cursor):
        cursor.execute(
            "SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.attnum = ANY(i.indkey::smallint[]) "
            "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary "
            "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY c.relname, a.attnum"
        )
        self.keys, self.types = {}, {}
        for table, column, kind, is_key in cursor.fetchall():
            self.types.setdefault(table, {})[column] = kind
            if is_key:
                self.keys[table] = column

    def columns(self, part):
        """Return the columns that are kept of a part, its key first."""
        key, known = self.keys[part.table], self.types[part.table]
        wanted = part.only or [name for name in known if name not in part.leave]
        return [key, *(name for name in wanted if name != key)]

    def texts(self, part, columns):
        """Return the SQL of each column's text; bytes are kept as their digest, a dropped column as nothing."""
        known = self.types[part.table]
        return [
            part.as_text.get(name)
            or (
                "NULL"
                if name not in known
                else f"sha256(t.{name})"
                if known[name] == "bytea"
                else f't."{name}"'
            )
            for name in columns
        ]


# ── Sealing ───────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def seal_rows():
    """Seal every row that has become final since the last time; returns how many seals were added.

    A table that somebody is writing to right now waits for the next time: a row of theirs could get a lower key than
    one that is there already.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(ONE_TEXT)
        newest = RowSeal.objects.order_by("-number").values_list("number", "hash").first()
        first, previous = newest or (0, GENESIS)
        number, shape, at = first, Shape(cursor), clock.now()
        for part in parts():
            seals = []
            for found in new_rows(cursor, part, shape):
                number += 1
                seal = RowSeal(number=number, part=part.name, at=at, previous=previous, **found)
                seal.hash = previous = seal_hash(seal, digest(seal.kept.encode()))
                seals.append(seal)
            RowSeal.objects.bulk_create(seals, batch_size=SEALS_AT_A_TIME)
    return number - first


def new_rows(cursor, part, shape):
    """Return the final rows of a part that no seal holds yet, up to a thousand of one subject in each."""
    bounds = unsealed_by_subject(part) if part.subject else unsealed_by_key(cursor, part, shape)
    if bounds is None:
        return []
    condition, values = bounds
    columns = shape.columns(part)
    key, subject = shape.keys[part.table], f"t.{part.subject}" if part.subject else "0"
    cursor.execute(
        f"SELECT subject, min(key), max(key), count(*), string_agg(line, E'\\n' ORDER BY key) FROM ("
        f"SELECT {subject} AS subject, t.{key} AS key, ROW({', '.join(shape.texts(part, columns))})::text AS line, "
        f"(row_number() OVER (PARTITION BY {subject} ORDER BY t.{key}) - 1) / {ROWS_AT_A_TIME} AS place "
        f"FROM {part.table} t WHERE {part.final} AND {condition}) AS rows GROUP BY subject, place ORDER BY 1, 2",
        values,
    )
    names = ("subject", "first_id", "last_id", "rows", "kept")
    return [
        dict(zip(names, values, strict=True)) | {"columns": ",".join(columns)} for values in cursor.fetchall()
    ]


def unsealed_by_subject(part):
    """A document's rows, say, become final together: those of a subject with a seal have been sealed."""
    return (
        "NOT EXISTS (SELECT FROM approvals_rowseal s WHERE s.part = %s AND s.subject = t."
        + part.subject
        + ")",
        [part.name],
    )


def unsealed_by_key(cursor, part, shape):
    """Rows of a table that only grows, above the last sealed key; None while others are writing to it.

    The highest key is read first: whoever took a lower one held the table's lock by then.
    """
    key = shape.keys[part.table]
    cursor.execute(f"SELECT max({key}) FROM {part.table}")
    newest = cursor.fetchone()[0]
    cursor.execute(
        # The server tells of all its databases, and a copy of this one has tables of the same numbers.
        "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = %s::regclass AND mode = 'RowExclusiveLock' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND pid IS DISTINCT FROM pg_backend_pid())",
        [part.table],
    )
    if newest is None or cursor.fetchone()[0]:
        return None
    return f"t.{key} > %s AND t.{key} <= %s", [sealed_up_to(part), newest]


def sealed_up_to(part):
    newest = RowSeal.objects.filter(part=part.name).order_by("-last_id").values_list("last_id", flat=True)
    return newest.first() or 0


def seal_hash(seal, kept_sha256):
    """Return what vouches for a seal and for all before it: SHA-256 over the canonical JSON of its fields."""
    fields = {name: getattr(seal, name) for name in FIELDS if name != "kept_sha256"}
    return digest(canonical_json(fields | {"kept_sha256": kept_sha256}))


def head():
    """Return ``number:hash`` of the newest seal, nothing before the first: what checkpoints say of the seals."""
    newest = RowSeal.objects.order_by("-number").values_list("number", "hash").first()
    return ":".join(map(str, newest)) if newest else ""


def hashes(numbers):
    """Return {number: hash} of some seals."""
    return dict(RowSeal.objects.filter(number__in=numbers).values_list("number", "hash"))


# ── Verifying ─────────────────────────────────────────────────────────────────────────────────────────────────────


def breaks():
    """Return (how many sealed rows, a sentence for each row or seal that is not what was sealed)."""
    broken = dict(chain_breaks())
    texts = list(broken.values())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ONE_TEXT)
        # To compile these statements takes longer than to run them.
        cursor.execute("SET LOCAL jit = off; SET LOCAL work_mem = '64MB'")
        shape = Shape(cursor)
        sealed = defaultdict(list)
        for name, columns in RowSeal.objects.order_by().values_list("part", "columns").distinct():
            sealed[name].append(columns.split(","))
        for part in parts():
            for columns in sealed[part.name]:
                texts += changed_rows(cursor, part, shape, columns, list(broken))
            if sealed[part.name] and not broken:
                texts += inserted_rows(cursor, part, shape)
    return RowSeal.objects.aggregate(rows=Sum("rows"))["rows"] or 0, texts


def chain_breaks():
    """Yield (number, sentence) of each seal that does not continue the chain: its rows are not compared with it."""
    previous, number = GENESIS, 0
    seals = RowSeal.objects.order_by("number").annotate(kept_sha256=KEPT_SHA256).defer("kept")
    for seal in seals.iterator(chunk_size=1000):
        number += 1
        if (seal.number, seal.previous, seal.hash) != (number, previous, seal_hash(seal, seal.kept_sha256)):
            text = _("Seal %(number)s of rows of %(table)s was changed, or one before it is missing.")
            yield seal.number, text % {"number": seal.number, "table": seal.part}
        number, previous = seal.number, seal.hash


def changed_rows(cursor, part, shape, columns, broken):
    """Yield a sentence for each sealed row whose text is another now, or that is gone or new among them."""
    key = shape.keys[part.table]
    cursor.execute(
        "SELECT s.number, s.first_id, s.last_id, s.subject FROM approvals_rowseal s "
        "WHERE s.part = %s AND s.columns = %s AND s.number <> ALL(%s::bigint[]) AND s.kept IS DISTINCT FROM ("
        f"SELECT string_agg(ROW({', '.join(shape.texts(part, columns))})::text, E'\\n' ORDER BY t.{key}) "
        f"FROM {part.table} t "
        f"WHERE {within(part, key)}) ORDER BY s.number",
        [part.name, ",".join(columns), broken],
    )
    for number, *place in cursor.fetchall():
        sealed = kept_rows(RowSeal.objects.get(pk=number).kept)
        yield from compared(part, columns, sealed, live_rows(cursor, part, shape, columns, place))


def within(part, key):
    """Return the SQL condition that a row stands where a seal ``s`` says."""
    subject = f" AND t.{part.subject} = s.subject" if part.subject else ""
    mine = f" AND {part.final}" if not part.subject else ""
    return f"t.{key} BETWEEN s.first_id AND s.last_id{subject}{mine}"


def live_rows(cursor, part, shape, columns, place):
    key = shape.keys[part.table]
    cursor.execute(
        f"SELECT ROW({', '.join(shape.texts(part, columns))})::text FROM {part.table} t, "
        f"(SELECT %s::bigint AS first_id, %s::bigint AS last_id, %s::bigint AS subject) s "
        f"WHERE {within(part, key)} ORDER BY t.{key}",
        place,
    )
    return kept_rows("\n".join(text for (text,) in cursor.fetchall()))


def compared(part, columns, sealed, live):
    for key in sorted(sealed.keys() | live.keys(), key=int):
        named = {"table": part.table, "row": key}
        if key not in live:
            yield _("Row %(row)s of table %(table)s is missing.") % named
        elif key not in sealed:
            yield inserted(part, key)
        elif sealed[key] != live[key]:
            changed = [
                name
                for name, before, now in zip(columns, sealed[key], live[key], strict=True)
                if before != now
            ]
            yield _("Row %(row)s of table %(table)s was changed: %(columns)s.") % {
                **named,
                "columns": ", ".join(changed),
            }


def inserted(part, key):
    return _("Row %(row)s of table %(table)s was put in afterwards.") % {"row": key, "table": part.table}


def inserted_rows(cursor, part, shape):
    """Yield a sentence for each row that stands outside all seals although its subject, or a later key, is sealed."""
    key = shape.keys[part.table]
    subject = f"t.{part.subject}" if part.subject else "0"
    reach = (
        f"t.{part.subject} = s.subject" if part.subject else "t." + key + " <= s.last_id AND " + part.final
    )
    cursor.execute(
        f"SELECT s.subject FROM (SELECT subject, sum(rows) AS rows, max(last_id) AS last_id FROM approvals_rowseal "
        f"WHERE part = %s GROUP BY subject) s WHERE s.rows < (SELECT count(*) FROM {part.table} t WHERE {reach})",
        [part.name],
    )
    for (number,) in cursor.fetchall():
        cursor.execute(
            f"SELECT t.{key} FROM {part.table} t WHERE {subject} = %s AND {part.final} AND NOT EXISTS (SELECT FROM "
            f"approvals_rowseal s WHERE s.part = %s AND s.subject = %s AND t.{key} BETWEEN s.first_id AND s.last_id)"
            + ("" if part.subject else f" AND t.{key} < %s")
            + f" ORDER BY t.{key} LIMIT 50",
            [number, part.name, number, *([] if part.subject else [sealed_up_to(part)])],
        )
        for (row,) in cursor.fetchall():
            yield inserted(part, row)


# ── The text of a row ─────────────────────────────────────────────────────────────────────────────────────────────

# PostgreSQL writes a row as (1,,"a ""b"" \\ c"): nothing for NULL, quotes where they are needed, both doubled inside.
VALUE = re.compile(r'(?:"((?:[^"\\]|""|\\.)*)"|([^",()\\]*))([,)])', re.DOTALL)
DOUBLED = re.compile(r'""|\\(.)', re.DOTALL)


def kept_rows(text):
    """Return {key: [value or None]} of rows as PostgreSQL writes them, one after the other; the key comes first."""
    rows, place = {}, 0
    while place < len(text):
        values, place = [], place + 1
        while True:
            match = VALUE.match(text, place)
            if match is None:
                return rows
            quoted, plain, end = match.groups()
            values.append(
                DOUBLED.sub(lambda one: one[1] or '"', quoted) if quoted is not None else plain or None
            )
            place = match.end()
            if end == ")":
                break
        rows[values[0]] = values
        place += 1
    return rows
