"""Counting only as far as a person reads: lists and badges never count a big table to its end."""

from dataclasses import dataclass

LIMIT = 99


@dataclass(frozen=True)
class UpTo:
    """A count that stops above 99 and is written "99+" then. No number, so that templates print its words."""

    n: int = 0

    def __str__(self):
        return f"{LIMIT}+" if self.n > LIMIT else str(self.n)

    def __bool__(self):
        return self.n > 0

    @property
    def complete(self):
        return self.n <= LIMIT


def count_up_to(queryset):
    """Return how many rows there are, looking at no more than 100 of them."""
    return UpTo(queryset.order_by()[: LIMIT + 1].count())
