"""Shares of full time: nobody works more than one whole day a day. Pure."""

from decimal import Decimal

FULL = Decimal(1)


def peak_share(rows, day):
    """Return (largest sum of shares on one day from ``day`` on, that day, its rows) of one person's assignments.

    ``rows`` are rows of the log, days as text. The day is the first with that sum; (0, "", []) for nobody's.
    """
    day = str(day)
    found = Decimal(0), "", []
    for on in sorted({max(row["start"], day) for row in rows}):
        held = [row for row in rows if row["start"] <= on and (row["end"] or "9999") > on]
        share = sum((Decimal(row["fte"]) for row in held), Decimal(0))
        if share > found[0]:
            found = share, on, held
    return found


def overworked(state, day, people=None):
    """Return [(employee, share, day, rows)] of those with more than a full time on one day from ``day`` on.

    ``people`` are staff numbers, everybody where nothing is said.
    """
    held = state.where("assignment", "employee")
    found = []
    for employee in sorted(held if people is None else people & held.keys()):
        if len(held[employee]) > 1:
            share, on, rows = peak_share([state.assignments[key] for key in held[employee]], day)
            if share > FULL:
                found.append((employee, share, on, rows))
    return found


def overworked_by(before, after, touched, day):
    """Return of ``overworked`` those who get more by a change of these assignments ({kind: keys}) than they had."""
    keys = touched.get("assignment", ())
    rows = [state.assignments[key] for state in (before, after) for key in keys if key in state.assignments]
    people = {row["employee"] for row in rows}
    known = {employee: share for employee, share, _on, _rows in overworked(before, day, people)}
    return [one for one in overworked(after, day, people) if one[1] > known.get(one[0], 0)]
