"""Downloads leave from their first byte on, and what breaks off is no whole file."""

import io
import zipfile

import openpyxl
import pytest
from django.db import connection
from django.http import HttpResponse
from django.utils.translation import gettext, override

from opsadmin.core.downloads import WholeFilesMiddleware, as_csv, as_table, as_workbook
from opsadmin.core.spreadsheets import SheetOut, neutral, neutral_sql, workbook

HEADER = ["a", "b"]


def counted(rows, seen):
    for number in range(rows):
        seen.append(number)
        yield [f"CS-{number}", number]


def breaking():
    yield from ([f"CS-{number}", number] for number in range(50_000))
    raise LookupError("gone")


def test_the_first_bytes_leave_before_the_first_row_is_read():
    seen = []
    pieces = iter(as_workbook("a.xlsx", [SheetOut("a", HEADER, counted(100_000, seen))]))
    assert next(pieces).startswith(b"PK") and seen == []
    next(pieces)
    assert len(seen) < 20_000
    assert next(iter(as_csv("a.csv", HEADER, counted(9, seen)))) == "\ufeffa,b\r\n".encode()


def test_a_workbook_that_breaks_off_is_no_whole_file():
    came = []
    with pytest.raises(LookupError, match="gone"):
        for piece in workbook([SheetOut("a", HEADER, breaking())]):
            came.append(piece)
    assert len(b"".join(came)) > 100_000
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(came)))


def test_the_same_rows_give_the_same_bytes():
    first, second = (b"".join(workbook([SheetOut("a", HEADER, [["x", 1.5]])])) for _once in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv"])
def test_who_could_not_tell_a_broken_answer_gets_a_gathered_one(rf, name):
    def answer(_request):
        return as_table(name, SheetOut("a", HEADER, [["x", 1]]))

    old = WholeFilesMiddleware(answer)(rf.get("/", SERVER_PROTOCOL="HTTP/1.0"))
    new = WholeFilesMiddleware(answer)(rf.get("/"))
    data = old.getvalue()
    assert int(old.headers["Content-Length"]) == len(data) > 0
    assert not new.has_header("Content-Length") and new.getvalue() == data
    with pytest.raises(LookupError):
        WholeFilesMiddleware(lambda _request: as_csv("a.csv", HEADER, breaking()))(
            rf.get("/", SERVER_PROTOCOL="HTTP/1.0")
        )
    assert WholeFilesMiddleware(lambda _request: HttpResponse("x"))(rf.get("/")).content == b"x"


def test_rows_are_said_in_the_language_of_the_request():
    def rows():
        yield [gettext("yes"), 1]

    with override("en"):
        answer = as_workbook("a.xlsx", [SheetOut("a", HEADER, rows())])
    with override("zh-hans"):
        sheet = openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active
        assert sheet["A2"].value == "yes" != gettext("yes")


def test_the_database_makes_the_same_cells_harmless_as_python(db):
    starts = [*"=+-@\t\r\n＝＋－＠", "'", "0", "包", "=-", "-.", " ", '"']
    ends = ["", "1", "5.00", "1\n", "a", ".", "1.", "1e5", "１"]
    texts = [start + end for start in starts for end in ends] + [""]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {neutral_sql('t')} FROM unnest(%s) WITH ORDINALITY x(t, n) ORDER BY n", [texts]
        )
        assert [text or "" for (text,) in cursor.fetchall()] == list(map(neutral, texts))
