"""What a change of the organisation means for people: old post → new post, old superior → new superior."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from opsadmin.core.models import Notice
from orgchart.models import SetKind
from staffing.models import Account
from staffing.people import KIND_RANK
from staffing.structure import holds_on


@dataclass(frozen=True)
class Move:
    """What changes for one employee (by number). Posts are codes of positions, the main one first.

    A superior is the position above the main post, "" where there is none.
    """

    employee: str
    posts_before: tuple
    posts_after: tuple
    superior_before: str
    superior_after: str


def affected_people(before, after, *, day_before, day_after=None):
    """Return a Move for each employee whose posts or superior differ between two states, by staff number.

    Pure. ``before`` is read on ``day_before``, ``after`` on ``day_after`` (the same day where none is given).
    """
    posts_before = posts_on(before, str(day_before))
    posts_after = posts_on(after, str(day_after or day_before))
    found = []
    for employee in sorted(posts_before.keys() | posts_after.keys()):
        old, new = posts_before.get(employee, ()), posts_after.get(employee, ())
        above = superior_in(before, old), superior_in(after, new)
        if old != new or above[0] != above[1]:
            found.append(Move(employee, old, new, *above))
    return found


def posts_on(state, day):
    """Return {employee: positions held on a day}, primary first, then seconded, acting, concurrent."""
    held = {}
    for row in state.assignments.values():
        if holds_on(row, day):
            held.setdefault(row["employee"], []).append((KIND_RANK.index(row["kind"]), row["position"]))
    return {employee: tuple(post for _rank, post in sorted(rows)) for employee, rows in held.items()}


def superior_in(state, posts):
    """Return the position above the main post, as staffing.people finds it: reports to, else the next head."""
    row = state.positions.get(posts[0]) if posts else None
    if row is None:
        return ""
    if row["parent"]:
        return row["parent"]
    for department in (row["department"], *state.above("department", row["department"])):
        head = head_in(state, department)
        if head and head != posts[0]:
            return head
    return ""


def head_in(state, department):
    keys = state.where("position", "department").get(department, ())
    heads = (key for key in keys if state.positions[key]["head"])
    return next((key for key in heads if state.positions[key]["status"] == "active"), "")


def tell_people(sender, version, before, after, touched, **kwargs):
    """Tell everybody whom a reorganisation moves, on commit. A direct edit is told by whoever made it."""
    change_set = version.change_set
    if change_set.kind != SetKind.REORGANISATION:
        return
    moves = affected_people(before, after, day_before=day_before(version), day_after=version.effective_on)
    transaction.on_commit(lambda: announce(change_set, moves, before, after), robust=True)


def day_before(version):
    """Return the day on which the state before a version is read: the last one before it took effect."""
    return version.effective_on - timedelta(days=1)


def announce(change_set, moves, before, after):
    """Leave each account of those who move a notice, once for each set; two statements however many they are."""
    known = {"employee__number__in": [move.employee for move in moves], "employee__active": True}
    users = defaultdict(list)
    accounts = Account.objects.filter(**known, user__is_active=True)
    for number, user in accounts.values_list("employee__number", "user"):
        users[number].append(user)
    notices = [
        Notice(user_id=user, text=text[:300], url=reverse("admin:index"), key=f"orgchange:{change_set.pk}")
        for move in moves
        for text in [f"{change_set}: {in_words(move, before, after)}"]
        for user in users[move.employee]
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True, batch_size=1_000)


def in_words(move, before, after):
    """Return a move as a sentence: old post → new post, old superior → new superior; only what differs."""
    parts = []
    if move.posts_before != move.posts_after:
        known = {"old": titles(before, move.posts_before), "new": titles(after, move.posts_after)}
        parts.append(_("post: %(old)s → %(new)s") % known)
    if move.superior_before != move.superior_after:
        known = {
            "old": titles(before, [move.superior_before]),
            "new": titles(after, [move.superior_after]),
        }
        parts.append(_("superior: %(old)s → %(new)s") % known)
    return "; ".join(parts)


def titles(state, posts):
    rows = [state.positions[post] for post in posts if post in state.positions]
    return "、".join(f"{department_of(state, row)}{row['title']}" for row in rows) or _("none")


def department_of(state, row):
    department = state.departments.get(row["department"])
    return f"{department['name']} · " if department else ""
