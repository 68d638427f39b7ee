"""Keeping files as they came, and giving them out so that no browser runs them."""

import hashlib
import mimetypes

from django.core.files import File
from django.db import transaction
from django.http import FileResponse

from opsadmin.core.models import StoredFile
from opsadmin.core.spreadsheets import content_disposition

SAFE_NAME_CHARS = 200


def clean_name(name):
    """Return a file name without folders or control characters, at most 200 characters long."""
    base = str(name).replace("\\", "/").rsplit("/", 1)[-1]
    base = "".join(char for char in base if char.isprintable()).strip(" .") or "file"
    return base[-SAFE_NAME_CHARS:]


def store_file(source, *, name, by, content_type=""):
    """Store a file byte for byte and return its row.

    ``source`` is an open binary file or an uploaded file. The bytes are removed again when the row cannot be
    written.
    """
    digest, size = hashlib.sha256(), 0
    source.seek(0)
    for chunk in iter(lambda: source.read(1 << 20), b""):
        digest.update(chunk)
        size += len(chunk)
    source.seek(0)
    name = clean_name(name)
    stored = StoredFile(
        name=name,
        size=size,
        sha256=digest.hexdigest(),
        content_type=content_type or mimetypes.guess_type(name)[0] or "application/octet-stream",
        stored_by=by,
    )
    stored.file.save(name, File(source), save=False)
    try:
        with transaction.atomic():
            stored.save()
    except BaseException:
        stored.file.storage.delete(stored.file.name)
        raise
    return stored


def download(stored):
    """Return the file as an attachment: never inline, never with a type that a browser would run."""
    response = FileResponse(stored.file.open("rb"), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = content_disposition(stored.name)
    response.headers["Content-Length"] = stored.size
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
