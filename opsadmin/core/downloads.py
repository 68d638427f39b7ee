"""Tables as downloads whose first bytes leave at once, however many rows follow.

Who may have them, what is left out of them and the audit log come before: from the first byte on the answer can only
be broken off. Then the connection is cut before its end, so that no browser takes what came for a whole file.
"""

from contextlib import ExitStack
from tempfile import TemporaryFile

from django.http import StreamingHttpResponse
from django.utils.translation import get_language, override

from opsadmin.core.spreadsheets import content_disposition, csv_pieces, workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"


def as_workbook(filename, sheets):
    """Return a download of sheets (SheetOut); ``filename`` ends in .xlsx. No cell of it is a formula."""
    return streamed(filename, XLSX, workbook(sheets))


def as_csv(filename, header, rows):
    """Return a download of a table; a cell that a program would take for a formula gets an apostrophe."""
    return streamed(filename, CSV, csv_pieces(header, rows))


def as_table(filename, sheet):
    """Return a sheet as what the name of the file ends in: .csv, else a workbook."""
    if filename.endswith(".csv"):
        return as_csv(filename, sheet.header, sheet.rows)
    return as_workbook(filename, [sheet])


def streamed(filename, content_type, pieces):
    response = StreamingHttpResponse(in_language(get_language(), pieces), content_type=content_type)
    response.headers["Content-Disposition"] = content_disposition(filename)
    # A proxy that waits for the whole answer would take the first byte back.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def in_language(language, pieces):
    """Yield the pieces in the language of the request, which is over by then."""
    with override(language):
        yield from pieces


class WholeFilesMiddleware:
    """Gather a file before it is sent where its end could not be told from an answer that broke off: HTTP/1.0."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if response.streaming and not response.has_header("Content-Length") and is_old(request):
            size, response.streaming_content = gathered(response.streaming_content)
            response.headers["Content-Length"] = str(size)
        return response


def is_old(request):
    return request.META.get("SERVER_PROTOCOL") == "HTTP/1.0"


def gathered(pieces):
    """Return how many bytes the pieces have, and the same bytes from a file that is closed behind them."""
    with ExitStack() as on_failure:
        file = on_failure.enter_context(TemporaryFile())
        file.writelines(pieces)
        on_failure.pop_all()
    return file.tell(), bytes_of(file)


def bytes_of(file):
    with file:
        file.seek(0)
        yield from iter(lambda: file.read(1 << 16), b"")
