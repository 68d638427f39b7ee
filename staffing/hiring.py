"""Hiring as the boards show it. Who keeps requests for people stands on a higher floor and registers here."""

from collections import defaultdict
from dataclasses import dataclass, field

# Functions (user) -> Hiring. Apps add theirs.
SOURCES = []


@dataclass(frozen=True)
class Wanted:
    """An open request for people on one post: ``left`` are still to come, ``granted`` says whether it was signed.

    ``address`` is empty for who may not read it.
    """

    number: str
    left: int
    granted: bool
    address: str


@dataclass
class Hiring:
    """Open requests by position, and for which positions an account may ask; ``form`` is where it does so."""

    wanted: dict = field(default_factory=dict)
    may_ask: object = None
    form: str = ""

    def ask_for(self, position):
        """Return the address of a new request for a position; empty where the account may not ask."""
        return f"{self.form}?position={position.code}" if self.may_ask and self.may_ask(position) else ""


def hiring_for(user):
    """Return what every source knows, as an account may see it."""
    whole = Hiring(defaultdict(list))
    for source in SOURCES:
        part = source(user)
        for position, requests in part.wanted.items():
            whole.wanted[position] += requests
        if part.may_ask:
            whole.may_ask, whole.form = part.may_ask, part.form
    return whole
