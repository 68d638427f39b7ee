"""Answering a request with a workbook."""

from tempfile import TemporaryFile

from django.http import HttpResponse

from opsadmin.core import spreadsheets
from opsadmin.core.transfer import XLSX


def workbook(filename, sheets):
    """Return a download of the given sheets; ``filename`` ends in .xlsx. No cell of it is a formula."""
    response = HttpResponse(content_type=XLSX)
    response.headers["Content-Disposition"] = spreadsheets.content_disposition(filename)
    with TemporaryFile() as file:
        spreadsheets.write_xlsx(file, sheets)
        file.seek(0)
        response.write(file.read())
    return response
