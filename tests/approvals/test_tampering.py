"""Nothing that was archived can be changed unseen: not a byte of any column, not by somebody who owns the database."""

import re
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import TestCase, override_settings
from django.utils import translation
from psycopg2 import errorcodes

from approvals.archive import pricecheck, rowseals, verify
from approvals.models import ArchiveRecord
from tests.approvals import archived
from tests.approvals import filings as made
from tests.core.test_database_roles import acting_as

# Compared with the sealed lines, and named by line.
BY_LINE = "stores_priceinforce"
# A price ends where the next begins; a trigger watches over how.
MOVING = ("during",)


@contextmanager
def archive_of(count, folder):
    """An archive that was sealed and found whole; all of it is rolled back at the end."""
    places = {"ANCHOR_FILE": folder / "checkpoints.jsonl", "ANCHOR_KEY_FILE": folder / "key.pem"}
    with (
        override_settings(**places, MEDIA_ROOT=folder / "media"),
        pytest.MonkeyPatch.context() as patch,
        transaction.atomic(),
    ):
        patch.setattr(verify, "NAMED", 10_000)
        with TestCase.captureOnCommitCallbacks(execute=True):
            archived.archive_of_everything(count)
        for _time in "sealed", "compared":
            report = verify.verify_archive()
            assert report.differences == []
        assert report.rows > 20 * count
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def guarded(django_db_setup, django_db_blocker, tmp_path_factory):
    """The archive with its rules. Tests that want them come first: ``whole`` switches them off for good."""
    with django_db_blocker.unblock(), archive_of(2, tmp_path_factory.mktemp("archive")):
        yield


@pytest.fixture(scope="module")
def whole(guarded):
    archived.switch_off_the_rules()


class Undone(Exception):
    pass


def whole_check():
    return [one.text for one in verify.verify_archive().differences]


def check_of_prices():
    """Return what a whole check says of prices, without the rest of it."""
    with translation.override("zh-hans"):
        records = verify.verify_records(ArchiveRecord.objects.values_list("pk", flat=True))
        return [
            *(one.text for one in records.differences),
            *pricecheck.timeline_breaks(),
            *rowseals.breaks()[1],
        ]


def tampered(change, check=whole_check):
    """Return the sentences of a check after ``change(cursor)``, which is undone afterwards."""
    texts = []
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            change(cursor)
            texts = check()
            raise Undone
    except Undone:
        return texts


# A right that is missing, a trigger, and a change of one column that another rule needs with a second one.
REFUSED = (errorcodes.INSUFFICIENT_PRIVILEGE, errorcodes.RESTRICT_VIOLATION, errorcodes.CHECK_VIOLATION)


def is_refused(change, *words):
    """Return whether the database refuses a change, for lack of a right or by a trigger."""
    try:
        with transaction.atomic():
            change(*words)
            raise Undone
    except Undone:
        return False
    except DatabaseError as error:
        return error.__cause__.pgcode in REFUSED


def test_the_application_s_role_can_neither_change_nor_delete_a_protected_row(guarded, app_role):
    allowed, tried = [], 0
    with acting_as(app_role) as cursor:
        shape = archived.columns_of(cursor)
        for part in rowseals.parts():
            key_column, columns = shape[part.table]
            key = archived.archived_keys(cursor, part.table, key_column, 1, part=part)[0]
            for column in columns.keys() - {*part.leave, *(MOVING if part.table == BY_LINE else ())}:
                tried += 1
                if not is_refused(
                    archived.change_a_byte, cursor, part.table, key_column, key, column, columns[column]
                ):
                    allowed.append((part.name, column))
            if not is_refused(cursor.execute, f"DELETE FROM {part.table} WHERE {key_column} = %s", [key]):
                allowed.append((part.name, "deleted"))
    assert allowed == []
    assert tried > 200


def every_column(count):
    """Yield [(table, key column, key, column, type)]: one column of each row of each table at a time.

    Each row has another column changed than the row before it, and each of its columns once.
    """
    with connection.cursor() as cursor:
        shape = archived.columns_of(cursor)
        # Both are looked at by themselves.
        del shape["approvals_rowseal"], shape[BY_LINE]
        keys = {
            table: archived.archived_keys(cursor, table, key, count) for table, (key, _c) in shape.items()
        }
    assert {table for table, found in keys.items() if len(found) < count} == set()
    for place in range(max(len(columns) for _key, columns in shape.values())):
        yield [
            (table, key, found, *list(columns.items())[(place + row) % len(columns)])
            for table, (key, columns) in shape.items()
            if place < len(columns)
            for row, found in enumerate(keys[table])
        ]


def is_named(texts, table, key, column, key_column):
    """Return whether some sentence names table, row and column; a row that has left its place is named as missing."""
    row = re.compile(rf"(?<![0-9]){key}(?![0-9])")
    about = [text for text in texts if table in text and row.search(text)]
    moves = {key_column, *(part.subject for part in rowseals.parts() if part.table == table)}
    return bool(about) if column in moves else any(re.search(rf"\b{column}\b", text) for text in about)


def unseen_changes(count):
    """Return every change of one byte that no sentence named."""
    unseen = []
    for changes in every_column(count):

        def change(cursor, changes=changes):
            for table, key_column, key, column, kind in changes:
                archived.change_a_byte(cursor, table, key_column, key, column, kind)

        texts = tampered(change)
        for table, key_column, key, column, _kind in changes:
            if not is_named(texts, table, key, column, key_column):
                unseen.append((table, key, column))
    return unseen


def unseen_seal_changes(count):
    """Return the changed columns of the seals that no sentence named; each seal has another column changed."""
    with connection.cursor() as cursor:
        key_column, columns = archived.columns_of(cursor)["approvals_rowseal"]
    unseen = []
    for first in range(1, count + 1):
        # The key last: the seal after it is named in its place.
        numbers = dict(enumerate([*columns][1:] + [key_column], first))

        def change(cursor, numbers=numbers):
            for number, column in numbers.items():
                archived.change_a_byte(
                    cursor, "approvals_rowseal", key_column, number, column, columns[column]
                )

        texts = "".join(tampered(change))
        unseen += [
            (number, column)
            for number, column in numbers.items()
            if not re.search(rf"{number + (column == key_column)}\b", texts)
        ]
    return unseen


def test_a_byte_changed_in_any_column_of_any_protected_table_is_named(whole):
    assert unseen_changes(1) == []
    assert unseen_price_changes(1) == []
    assert unseen_seal_changes(1) == []


@pytest.mark.soak
def test_a_byte_changed_in_20_rows_of_every_column_is_named(db, tmp_path):
    with archive_of(20, tmp_path):
        archived.switch_off_the_rules()
        assert unseen_changes(20) == []
        assert unseen_price_changes(20) == []
        assert unseen_seal_changes(20) == []


def unseen_price_changes(count):
    """Return the changed columns of prices in force that no sentence named, by document or by row.

    A price of each of ``count`` documents has another column changed than the one before, and each column once.
    """
    unseen, prices = [], archived.filed_prices(count)
    with connection.cursor() as cursor:
        key_column, columns = archived.columns_of(cursor)[BY_LINE]
    for place in range(len(columns)):
        changes = [
            (price, *list(columns.items())[(place + row) % len(columns)]) for row, price in enumerate(prices)
        ]

        def change(cursor, changes=changes):
            for (key, *_names), column, kind in changes:
                archived.change_a_byte(cursor, BY_LINE, key_column, key, column, kind)

        texts = tampered(change, check=check_of_prices)
        for (key, *names), column, _kind in changes:
            row = re.compile(rf"{BY_LINE}\b.*(?<![0-9]){key}(?![0-9])|(?<![0-9]){key}(?![0-9]).*{BY_LINE}\b")
            if not any(row.search(text) or any(name in text for name in names) for text in texts):
                unseen.append((key, column))
    return unseen


# ── Rows, decisions, seals ────────────────────────────────────────────────────────────────────────────────────────


def first_of(table, column="id"):
    return f"(SELECT min({column}) FROM {table})"


ROWS = {
    "an event taken out": (
        f"DELETE FROM approvals_event WHERE id = {first_of('approvals_event')}",
        "approvals_event",
    ),
    "a comment put in between": (
        (
            "INSERT INTO approvals_comment (id, document_id, author_id, author_name, text, at) "
            "SELECT -id, document_id, author_id, author_name, text, at FROM approvals_comment ORDER BY id LIMIT 1"
        ),
        "approvals_comment",
    ),
    "a line of a filed document put in": (
        (
            "INSERT INTO approvals_hiringline (document_id, row_no, text, struck, decided_digest) "
            "SELECT document_id, 9, text, struck, '' FROM approvals_hiringline LIMIT 1"
        ),
        "approvals_hiringline",
    ),
    "a decision taken out": (
        f"DELETE FROM approvals_decision WHERE id = {first_of('approvals_decision')}",
        "approvals_decision",
    ),
    "two decisions swapped": (
        (
            "UPDATE approvals_decision d SET (comment, actor_id, actor_name, verdict, hash, previous, task_id, at) = "
            "(SELECT comment, actor_id, actor_name, verdict, hash, previous, task_id, at FROM approvals_decision o "
            "WHERE o.document_id = d.document_id AND o.id <> d.id ORDER BY id LIMIT 1) "
            "WHERE document_id = (SELECT min(document_id) FROM approvals_decision)"
        ),
        "approvals_decision",
    ),
    "the tail of a log cut off": (
        "DELETE FROM approvals_storefile WHERE id = (SELECT max(id) FROM approvals_storefile)",
        "approvals_storefile",
    ),
    "a seal taken out": ("DELETE FROM approvals_rowseal WHERE number = 3", "4"),
    "a snapshot written anew with its digest": (
        "UPDATE orgchart_orgsnapshot SET payload = 'x'::bytea, sha256 = encode(sha256('x'::bytea), 'hex')",
        "orgchart_orgsnapshot",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_put_in_taken_out_or_swapped_is_named(whole, name):
    statement, named = ROWS[name]

    def change(cursor):
        cursor.execute(statement)
        assert cursor.rowcount

    assert any(named in text for text in tampered(change))


def test_what_was_sealed_cannot_be_sealed_anew_with_its_chain(whole):
    """The row and every seal from there on are written anew, as by somebody who knows the code: the anchor knows."""

    def change(cursor):
        cursor.execute("UPDATE approvals_event SET actor_name = '某人'")
        cursor.execute("DELETE FROM approvals_rowseal")
        rowseals.seal_rows()
        assert rowseals.breaks()[1] == []

    texts = tampered(change)
    assert any("封" in text or "seals of rows" in text for text in texts), texts


def test_seals_cut_off_at_their_end_are_found_by_the_checkpoints(whole):
    assert tampered(lambda cursor: cursor.execute("DELETE FROM approvals_rowseal WHERE number > 2"))


def test_the_last_record_deleted_with_all_that_hangs_on_it_is_found(whole):
    last = ArchiveRecord.objects.latest("sequence")

    def change(cursor):
        cursor.execute("DELETE FROM approvals_archivestore WHERE record_id = %s", [last.pk])
        cursor.execute("DELETE FROM approvals_archivefile WHERE record_id = %s", [last.pk])
        cursor.execute("DELETE FROM approvals_archiverecord WHERE sequence = %s", [last.pk])

    texts = tampered(change)
    assert any(last.number in text for text in texts)
    assert any("approvals_archiverecord" in text for text in texts)


def test_rows_are_sealed_once_and_before_they_are_final_they_may_change(whole):
    def change(cursor):
        assert rowseals.seal_rows() == 0
        made.price_list(made.some_skus(2, "N"))
        rowseals.seal_rows()
        cursor.execute("UPDATE approvals_priceline SET reason = 'x' WHERE sku_code LIKE 'N%'")
        assert cursor.rowcount == 2

    assert not [text for text in tampered(change) if "approvals_priceline " in text]


def test_a_column_that_a_later_version_adds_leaves_the_seals_whole(whole):
    def change(cursor):
        cursor.execute("ALTER TABLE approvals_comment ADD COLUMN later text NOT NULL DEFAULT 'x'")

    assert not [
        text for text in tampered(change) if "approvals_comment " in text or "approvals_comment：" in text
    ]


def test_text_of_every_kind_is_read_back_from_a_kept_row(db):
    values = ["1", "", None, 'a"b', "a,b", "(x)", "a\\b", "a\nb", " ", "中文", "\\", '""']
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ROW({', '.join(['%s::text'] * len(values))})::text", values)
        text = cursor.fetchone()[0]
    assert rowseals.kept_rows(f"{text}\n{text.replace('(1', '(2', 1)}") == {
        "1": values,
        "2": ["2", *values[1:]],
    }
