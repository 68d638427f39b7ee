"""Uploads that a worker reads: the web process keeps their bytes after a cheap look, a job opens them.

A file lies under a random name until its job has ended, a week at most. Of the file the web process reads its size,
its first bytes and, in a workbook, the list of its parts.
"""

from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from opsadmin.core import jobs
from opsadmin.core.files import clean_name
from opsadmin.core.notices import tell
from opsadmin.core.refusals import Refusal
from opsadmin.core.spreadsheets import ROW_BY_ROW, SpreadsheetRefused, first_look

FOLDER = "incoming"
KEPT = timedelta(days=7)


def order(kind, uploaded, payload, *, by, limits=ROW_BY_ROW):
    """Keep an uploaded file and order the job that reads it; returns the job.

    Raises SpreadsheetRefused for a file that need not be opened to be refused; nothing is kept of it.
    """
    name = clean_name(uploaded.name)
    first_look(uploaded, name, limits)
    uploaded.seek(0)
    path = default_storage.save(f"{FOLDER}/{uuid4().hex}", File(uploaded))
    try:
        return again(kind, {**payload, "path": path, "name": name}, by=by)
    except BaseException:
        default_storage.delete(path)
        raise


def again(kind, payload, *, by):
    """Order a job for a file that is kept already; returns the job, which speaks the language that is active now."""
    with transaction.atomic():
        return jobs.enqueue(kind, {**payload, "language": translation.get_language()}, by=by)


@contextmanager
def opened(claim):
    """Yield the path of a job's file, in the language of whoever uploaded it.

    A file that turns out to be unreadable ends the job with the sentence as its result, and is forgotten.
    """
    path = claim.payload["path"]
    with translation.override(claim.payload["language"]):
        if not default_storage.exists(path):
            raise Refusal(_("This upload has been cleared away. Choose the file again."), code="gone")
        try:
            yield default_storage.path(path)
        except SpreadsheetRefused as refused:
            with claim.finishing() as result:
                result["refused"] = str(refused)
                tell_uploader(claim, _("%(file)s could not be read."))
            forget(claim)


def tell_read(claim, *, rows, faults):
    """Tell the uploader that a file has been read, of how many rows, and how many faults were found."""
    if faults:
        tell_uploader(
            claim, _("%(file)s has been read: %(rows)d rows, %(faults)d faults."), rows=rows, faults=faults
        )
    else:
        tell_uploader(claim, _("%(file)s has been read: %(read)d rows, none faulty."), read=rows)


def tell_uploader(claim, text, **known):
    """Leave a notice that leads to what came of the upload; ``%(file)s`` in the text is its name."""
    tell(
        [claim.job.created_by],
        text % {"file": claim.payload["name"], **known},
        url=reverse("admin:job", args=[claim.pk]),
        key=f"upload:{claim.pk}",
    )


def forget(claim):
    """Remove the file of a job that needs it no more."""
    default_storage.delete(claim.payload["path"])


def clear_uploads():
    """Remove what was uploaded more than a week ago and not used since."""
    if not default_storage.exists(FOLDER):
        return
    for name in default_storage.listdir(FOLDER)[1]:
        path = f"{FOLDER}/{name}"
        if default_storage.get_modified_time(path) < timezone.now() - KEPT:
            default_storage.delete(path)
