"""Judging the rows of a workbook against goods and draft, as sets: no row passes through Python here.

``import_read`` is a temporary table with the rows as read. ``import_judged`` adds to each its SKU, the line of the
draft that it means, the price in force, and the values that would be written. From it come faults, notes and
verdicts.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q

from approvals.guards.policy import limits_in_force
from approvals.kinds import kind_of
from approvals.models import ImportFault, RowVerdict
from approvals.pricelists.columns import columns_of, stored_columns
from opsadmin.core import databaseroles

SQL_TYPES = {"money": "numeric(14,2)", "int": "bigint"}

# What a row says besides the stored columns: where it means, what it says of masters, which version it was made from.
EXTRA_COLUMNS = {
    "row_no": "integer",
    "sku_code": "text",
    "raw_code": "text",
    "scope_key": "text",
    "sku_name": "text",
    "brand": "text",
    "line_version": "integer",
}
# What the masters know where the workbook says nothing; the first two must be known.
MASTERS = ("cost", "floor_price", "ceiling_price")
NEEDED = ("cost", "floor_price")


@dataclass(frozen=True)
class Check:
    """A fault (or only a note) of the rows of ``import_judged j`` for which ``when`` holds.

    ``column`` is where it is shown; ``value`` and ``params`` are SQL over the same row.
    """

    code: str
    column: str
    when: str
    value: str = "''"
    params: str = "'{}'::jsonb"
    note: bool = False


def checks_for(document, limits):
    """Return the checks of a document's kind, in the order in which they are shown.

    ``limits`` is the guard policy: an amount within the factors of G29 is taken for fen.
    """
    keys = {column.key for column in columns_of(document)}
    found = [
        Check("unknown_sku", "sku_code", "j.sku_id IS NULL AND j.sku_code <> ''", "j.raw_code"),
        Check("inactive_sku", "sku_code", "NOT j.sku_active", "j.raw_code"),
        Check(
            "duplicate_sku",
            "sku_code",
            "j.first_row < j.row_no AND j.raw_code = j.first_code",
            "j.raw_code",
            "jsonb_build_object('row', j.first_row)",
        ),
        Check(
            "duplicate_sku_other_spelling",
            "sku_code",
            "j.first_row < j.row_no AND j.raw_code <> j.first_code",
            "j.raw_code",
            "jsonb_build_object('row', j.first_row)",
        ),
        Check("no_cost", "cost", "j.sku_id IS NOT NULL AND j.n_cost IS NULL"),
        Check("no_floor", "floor_price", "j.sku_id IS NOT NULL AND j.n_floor_price IS NULL"),
        Check(
            "unit_fen",
            "final_price",
            f"j.n_final_price / j.base_price BETWEEN {limits['G29']['low']:d} AND {limits['G29']['high']:d}",
            "j.n_final_price::text",
            "jsonb_build_object('in_force', j.base_price::text, 'meant', round(j.n_final_price / 100, 2)::text)",
        ),
        Check(
            "exception_missing",
            "exception_reason",
            "j.scope_key LIKE 'stores:%%' AND j.n_exception_reason = ''",
        ),
        Check(
            "line_changed_since",
            "line_version",
            "j.line_version <> j.version_now AND j.differs",
            "j.line_version::text",
            "jsonb_build_object('version', j.version_now)",
        ),
    ]
    notes = [
        Check(
            f"other_{name}",
            name,
            f"j.{name} <> '' AND lower(j.{name}) NOT IN ({same})",
            f"j.{name}",
            f"jsonb_build_object('known', {shown})",
            note=True,
        )
        for name, same, shown in (
            ("sku_name", "lower(j.known_name)", "j.known_name"),
            ("brand", "lower(j.brand_code), lower(j.brand_name)", "j.brand_name"),
        )
        if name in keys
    ]
    return found + notes


def create_read_table(cursor, document):
    """Make the temporary table that the rows are copied into, and return its columns."""
    columns = dict(EXTRA_COLUMNS)
    for column in stored_columns(document):
        columns[column.key] = SQL_TYPES.get(column.kind, "text")
    cursor.execute("DROP TABLE IF EXISTS import_read, import_judged")
    shape = ", ".join(f"{name} {sort}" for name, sort in columns.items())
    cursor.execute(f"CREATE TEMP TABLE import_read ({shape}) ON COMMIT DROP")
    return tuple(columns)


def new_value(column, present):
    """Return the SQL of the value that a row would give its line.

    A column that the workbook does not have changes nothing; in one that it has, an empty cell empties the value.
    """
    if column.key in MASTERS:
        given = f"coalesce(r.{column.key}, s.{column.key})"
    else:
        given = f"coalesce(r.{column.key}, {column.default})"
    if column.key in present:
        return given
    return f"CASE WHEN l.id IS NULL THEN {given} ELSE l.{column.key} END"


def judge(document, imported, present):
    """Judge the rows of ``import_read``; write ImportRow and ImportFault rows, and return the counts.

    ``present`` maps the keys of the columns that the workbook has to (letter, header). Faults of reading are already
    in ImportFault. Needs a transaction.
    """
    _version, limits = limits_in_force()
    with connection.cursor() as cursor:
        create_judged_table(cursor, document, present)
        for check in checks_for(document, limits):
            insert_faults(cursor, imported, check, present)
        # Without statistics the planner takes new rows for none and compares each with each.
        cursor.execute("ANALYZE import_judged (row_no)")
        databaseroles.refresh_statistics(cursor, "approvals_importfault")
        insert_rows(cursor, imported, document)
        databaseroles.refresh_statistics(cursor, "approvals_importrow")
    return count_rows(imported, limits["G08"]["warn"])


# Where stores differ: the price that most of them have.
USUAL_PRICE = """(SELECT mode() WITHIN GROUP (ORDER BY q.amount) FROM stores_priceinforce q
                  WHERE q.sku_id = s.id AND q.layer = 'base' AND q.during @> %(start)s::timestamptz)"""


def create_judged_table(cursor, document, present):
    kind = kind_of(document)
    stored = stored_columns(document)
    values = {column.key: new_value(column, present) for column in stored}
    for name in NEEDED:
        values.setdefault(name, f"s.{name}")
    new = ", ".join(f"{sql} AS n_{key}" for key, sql in values.items())
    now = ", ".join(f"l.{key}" for key in values)
    fresh = ", ".join(values.values())
    cursor.execute("CREATE INDEX ON import_read (sku_code)")
    cursor.execute("ANALYZE import_read (sku_code, scope_key)")
    cursor.execute(
        "CREATE TEMP TABLE import_judged ON COMMIT DROP AS "
        "SELECT r.row_no, r.sku_code, r.raw_code, r.scope_key, r.sku_name, r.brand, r.line_version, "
        "s.id AS sku_id, s.active AS sku_active, s.name AS known_name, b.code AS brand_code, b.name AS brand_name, "
        "l.id AS line_id, l.version AS version_now, p.version AS base_version, "
        f"CASE WHEN p.low = p.high THEN p.low ELSE {USUAL_PRICE} END AS base_price, "
        "CASE WHEN r.sku_code <> '' AND r.scope_key IS NOT NULL THEN "
        "first_value(r.row_no) OVER same END AS first_row, first_value(r.raw_code) OVER same AS first_code, "
        f"({fresh}) IS DISTINCT FROM ({now}) AS differs, {new} "
        "FROM import_read r "
        "LEFT JOIN stores_sku s ON s.code = r.sku_code "
        "LEFT JOIN stores_brand b ON b.id = s.brand_id "
        f"LEFT JOIN {kind.line_table} l ON l.document_id = %(doc)s AND l.sku_code = r.sku_code "
        "AND l.scope_key = r.scope_key "
        "LEFT JOIN (SELECT sku_id, min(amount) AS low, max(amount) AS high, max(id) AS version "
        "FROM stores_priceinforce WHERE layer = 'base' AND during @> %(start)s::timestamptz AND sku_id IN "
        "(SELECT k.id FROM stores_sku k JOIN import_read i ON i.sku_code = k.code) GROUP BY sku_id) p "
        "ON p.sku_id = s.id "
        "WINDOW same AS (PARTITION BY r.sku_code, r.scope_key ORDER BY r.row_no)",
        {"doc": document.pk, "start": document.effective_from},
    )


def insert_faults(cursor, imported, check, present):
    letter, header = present.get(check.column, ("", ""))
    header = header or header_of(imported.document, check.column)
    cursor.execute(
        f"INSERT INTO {ImportFault._meta.db_table} "
        '(imported_id, sheet, row_no, "column", header, value, code, params, note) '
        f"SELECT %s, %s, j.row_no, %s, %s, left(coalesce({check.value}, ''), 80), %s, {check.params}, %s "
        f"FROM import_judged j WHERE {check.when} ORDER BY j.row_no",
        [imported.pk, imported.sheet[:60], letter, header[:60], check.code, check.note],
    )


def header_of(document, key):
    """Return how our own workbooks head a column, for one that this workbook lacks."""
    return next((column.header for column in columns_of(document) if column.key == key), "")


def insert_rows(cursor, imported, document):
    keys = [column.key for column in stored_columns(document)]
    names = ", ".join(keys)
    values = ", ".join(f"j.n_{key}" for key in keys)
    cursor.execute(
        "INSERT INTO approvals_importrow (imported_id, row_no, sku_code, sku_id, line_id, scope_key, base_price, "
        "base_version, "
        f"{blank_columns(keys)}{names}, verdict) "
        "SELECT %s, j.row_no, left(j.sku_code, 60), j.sku_id, j.line_id, coalesce(j.scope_key, ''), j.base_price, "
        "j.base_version, "
        f"{blank_values(keys)}{values}, CASE WHEN f.row_no IS NOT NULL THEN 'faulty' "
        "WHEN j.line_id IS NULL THEN 'new' WHEN j.differs THEN 'changed' ELSE 'same' END "
        "FROM import_judged j LEFT JOIN (SELECT DISTINCT row_no FROM approvals_importfault "
        "WHERE imported_id = %s AND NOT note) f ON f.row_no = j.row_no ORDER BY j.row_no",
        [imported.pk, imported.pk],
    )


TEXT_COLUMNS = ("exception_reason", "reason_code", "reason")


def blank_columns(keys):
    """Return the text columns of ImportRow that this kind does not have; they take an empty text, never NULL."""
    return "".join(f"{name}, " for name in TEXT_COLUMNS if name not in keys)


def blank_values(keys):
    return "".join("'', " for name in TEXT_COLUMNS if name not in keys)


def vanishing_lines(imported):
    """Return the lines of the draft that no row means: replacing removes them.

    A faulty row that names a SKU keeps its lines, whatever scope it says.
    """
    kind = kind_of(imported.document)
    rows = imported.rows.filter(sku_code=OuterRef("sku_code"))
    meant = rows.filter(Q(scope_key=OuterRef("scope_key")) | Q(verdict=RowVerdict.FAULTY))
    return kind.line_model.objects.filter(document=imported.document_id).exclude(Exists(meant))


def count_rows(imported, limit):
    """Return the figures of the preview: read = new + changed + same + faulty.

    ``over_new`` and ``over_changed`` of them depart from the price in force by more than ``limit`` percent.
    """
    part = Decimal(str(limit)) / 100
    departs = Q(base_price__gt=0) & (
        Q(final_price__gt=F("base_price") * (1 + part)) | Q(final_price__lt=F("base_price") * (1 - part))
    )
    counts = imported.rows.aggregate(
        read=Count("pk"),
        over_new=Count("pk", filter=departs & Q(verdict=RowVerdict.NEW)),
        over_changed=Count("pk", filter=departs & Q(verdict=RowVerdict.CHANGED)),
        **{verdict: Count("pk", filter=Q(verdict=verdict)) for verdict in RowVerdict.values},
    )
    counts |= imported.faults.aggregate(
        faults=Count("pk", filter=Q(note=False)), notes=Count("pk", filter=Q(note=True))
    )
    return counts | {"vanishing": vanishing_lines(imported).count(), "limit": limit}
