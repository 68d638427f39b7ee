"""Files that are there whole or not at all."""

import os
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from django.core.files.storage import FileSystemStorage, default_storage

PART = ".part"
PARTS_KEPT = 24 * 3600


class WholeFiles(FileSystemStorage):
    """A file takes its name, or another's place, only once all of it is on disk.

    A full disk or a killed process leaves no half file under a name that anybody reads.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"allow_overwrite": True, **kwargs})

    def _save(self, name, content):
        part = f"{name}.{uuid4().hex}{PART}"
        try:
            super()._save(part, content)
            put_on_disk(self.path(part))
            os.replace(self.path(part), self.path(name))
        except BaseException:
            with suppress(OSError):
                self.delete(part)
            raise
        return str(name).replace("\\", "/")


def put_on_disk(path):
    """Wait until the bytes of a file would outlive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def clear_parts():
    """Remove what processes that were killed have left of files they were writing, a day later."""
    root = getattr(default_storage, "location", None)
    for path in Path(root).rglob(f"*{PART}") if root else ():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - PARTS_KEPT:
                path.unlink()
