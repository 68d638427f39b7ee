"""One lock for everything structural: two changes that are each right can make a circle together."""

from contextlib import contextmanager

from django.db import connection

STRUCTURE_LOCK = 71_002
# Constraints that are judged at the end of a set of changes, not after each of its rows; other apps add theirs.
JUDGED_AT_THE_END = [
    "department_makes_no_circle",
    "department_in_order",
    "position_makes_no_circle",
    "position_in_order",
    "position_one_head_per_department",
]


def lock_structure():
    """Wait for other writers of the structure; the lock goes with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [STRUCTURE_LOCK])


@contextmanager
def judged_at_the_end(constraints):
    """Let the rows of one set of changes be written in any order; at the end the database judges all of them."""
    names = ", ".join(constraints)
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS {names} DEFERRED")
        yield
        cursor.execute(f"SET CONSTRAINTS {names} IMMEDIATE")
