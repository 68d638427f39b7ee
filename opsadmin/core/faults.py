"""What kind of trouble an error is: the database is away, or there is no room; all else is a fault of ours."""

import errno

from django.db import InterfaceError, OperationalError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DISK_FULL = "53100"
# Connection gone, server shutting down or starting up, and a quarrel of transactions that the next attempt settles.
PASSING = ("08", "57P", "40")


def causes(error):
    """Yield the error and what it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def sqlstate(error):
    """Return PostgreSQL's code of a database error, or "" where the server sent none."""
    return getattr(error.__cause__, "pgcode", None) or ""


def no_room(error):
    """Say whether a disk is full: for files, for temporary files, or for the database."""
    return any(
        getattr(cause, "pgcode", None) == DISK_FULL or (isinstance(cause, OSError) and cause.errno in NO_ROOM)
        for cause in causes(error)
    )


def database_away(error):
    """Say whether the database was stopped, restarts, or cannot be reached: later the same may succeed."""
    return any(
        isinstance(cause, InterfaceError)
        or (
            isinstance(cause, OperationalError)
            and (not sqlstate(cause) or sqlstate(cause).startswith(PASSING))
        )
        for cause in causes(error)
    )
