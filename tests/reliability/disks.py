"""A disk of 32 MB that a test may fill up."""

import os
import subprocess
from contextlib import contextmanager

MEGABYTE = 1 << 20
SIZE = 32


@contextmanager
def small_disk(folder):
    """Mount a disk of 32 MB at a folder; needs root and the right to mount. Yields the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def can_mount(folder):
    """Say whether this run may mount a disk."""
    try:
        with small_disk(folder):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def filled(folder, *, but=0):
    """Leave no room on the disk of a folder but some bytes; yields nothing, and makes room again."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            os.ftruncate(file.fileno(), max(0, file.tell() - but))
    try:
        yield
    finally:
        ballast.unlink()
