"""Drafting a set of changes: items one by one, what they would bring about, and the way to its day.

draft → review → scheduled → applied; withdrawn from any of the first three. Items change in a draft only.
"""

from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from orgchart import permissions
from orgchart.changes.applying import apply_due, apply_set, fit, keep_items
from orgchart.changes.faults import faults_of, new_faults
from orgchart.changes.items import conflict_of, names_in, project, touched_by
from orgchart.changes.log import scheduled_until, version_number, with_scheduled
from orgchart.changes.near import near
from orgchart.changes.wanted import wanted, with_before
from orgchart.lock import lock_structure
from orgchart.models import ChangeOp, ChangeSet, SetKind, SetState
from orgchart.state import OrgState, live_state

DRAFTED = {SetState.DRAFT}
OPEN = {SetState.DRAFT, SetState.REVIEW, SetState.SCHEDULED}


@dataclass(frozen=True)
class Preview:
    """What a set would bring about on its day: the whole organisation before and after it, and what is in the way."""

    before: OrgState
    after: OrgState
    conflicts: list
    faults: list
    touched: dict


def draft_set(*, by, title, effective_on=None, reason="", scenario=False, kind=SetKind.REORGANISATION):
    """Begin a draft; return the set. A reorganisation keeps a snapshot when it is applied, an edit does not.

    Raises PermissionDenied, or Refusal without a title.
    """
    if by is not None and not permissions.may_edit_structure(by):
        raise PermissionDenied
    if not title.strip():
        raise Refusal(_("Give the change a title."), code="invalid")
    return ChangeSet.objects.create(
        title=title.strip()[:120],
        reason=reason,
        kind=kind,
        scenario=scenario,
        effective_on=effective_on,
        base_version=version_number(),
        author=by,
    )


@transaction.atomic
def edit_set(change_set, *, by, title, effective_on, reason, scenario):
    """Change what a draft says of itself; return it. Raises PermissionDenied, or Refusal without a title."""
    refuse_stranger(by)
    change_set = locked(change_set.pk, DRAFTED)
    if not title.strip():
        raise Refusal(_("Give the change a title."), code="invalid")
    change_set.title, change_set.reason = title.strip()[:120], reason
    change_set.effective_on, change_set.scenario = effective_on, scenario
    change_set.save(update_fields=["title", "reason", "effective_on", "scenario"])
    return change_set


def locked(pk, states):
    """Return a set with its row locked; Refusal where it is in another state."""
    change_set = ChangeSet.objects.select_for_update().get(pk=pk)
    if change_set.state not in states:
        words = {"title": change_set, "state": change_set.get_state_display()}
        raise Refusal(_("“%(title)s” is %(state)s; this can no longer be done.") % words, code="state")
    return change_set


def day_of(change_set):
    today = clock.today()
    return max(change_set.effective_on or today, today)


def earlier_sets(change_set):
    """Return the sets that are scheduled to take effect before this one."""
    day = day_of(change_set)
    before = Q(effective_on__lt=day) | Q(effective_on=day, pk__lt=change_set.pk)
    return scheduled_until(day).filter(before, problem="").exclude(pk=change_set.pk)


def near_future(change_set, items):
    """Return the rows near a set's items as they will be on its day, the set itself not applied."""
    earlier = earlier_sets(change_set)
    theirs = [item for other in earlier for item in other.items.all() if not item.left_out]
    return with_scheduled(near([*theirs, *items]), earlier)


def add_item(change_set, entity, key, op, after=None, *, by, before=None):
    """Add one change to a draft; return the item. See ``wanted`` for the values and ``add_items`` for errors."""
    return add_items(change_set, [wanted(entity, key, op, after, before)], by=by)[0]


@transaction.atomic
def add_items(change_set, items, *, by):
    """Add changes to a draft, judged one after the other; return the items as stored.

    Raises PermissionDenied, or Refusal: no draft any more, ``conflict`` (a new row's key is taken, a changed one's is
    not there), ``faults`` (a rule would be broken).
    """
    change_set = locked(change_set.pk, DRAFTED)
    old = list(change_set.items.order_by("order"))
    base = near_future(change_set, [*old, *items])
    state, _conflicts = project(base, old)
    items = with_before(state, items)
    permissions.refuse_outside(by, state, items)
    fit(state, items, day_of(change_set))
    return keep_items(change_set, items, (change_set.items.aggregate(last=Max("order"))["last"] or 0) + 1)


@transaction.atomic
def remove_item(item, *, by, with_dependents=False):
    """Take an item back (undo), with those that need it if that is said; return the items that stay.

    Raises PermissionDenied, or Refusal ``dependents`` naming them in its data.
    """
    change_set = locked(item.change_set_id, DRAFTED)
    items = list(change_set.items.order_by("order"))
    permissions.refuse_outside(by, near_future(change_set, items), [item])
    needing = dependents_of(item, items)
    if needing and not with_dependents:
        names = "、".join(dict.fromkeys(other.key for other in needing))
        sentence = _("Other changes need this one: %(names)s. Take them back first, or all together.")
        raise Refusal(sentence % {"names": names}, code="dependents", dependents=needing)
    gone = {item.pk, *(other.pk for other in needing)}
    change_set.items.filter(pk__in=gone).delete()
    return [other for other in items if other.pk not in gone]


def dependents_of(item, items):
    """Return the later items that need one: they name the row that it makes, or change what it changes."""
    rows, found = {(item.entity, item.key)} if item.op == ChangeOp.CREATE else set(), []
    for other in (other for other in items if other.order > item.order):
        named = set(names_in(other.entity, other.before)) | set(names_in(other.entity, other.after))
        if rows & {(other.entity, other.key), *named} or same_fields(item, other):
            found.append(other)
            if other.op == ChangeOp.CREATE:
                rows.add((other.entity, other.key))
    return found


def same_fields(item, other):
    """Whether two items change the same field of the same row."""
    if (item.entity, item.key) != (other.entity, other.key):
        return False
    either = ChangeOp.SET not in (item.op, other.op)
    return (
        either or bool((item.after or {}).keys() & (other.after or {}).keys()) or other.op == ChangeOp.DELETE
    )


def preview(change_set):
    """Return what a set would bring about on its day. Reads the whole organisation; writes nothing.

    Sets that are scheduled to take effect before it are taken as applied.
    """
    items = list(change_set.items.order_by("order"))
    before = with_scheduled(live_state(), earlier_sets(change_set))
    after, conflicts = project(before, items)
    touched = touched_by(items)
    found = faults_of(after, day=day_of(change_set), touched=touched)
    known = faults_of(before, day=day_of(change_set), touched=touched)
    return Preview(before, after, conflicts, new_faults(known, found), touched)


def conflicts_of(change_set):
    """Return the conflicts of a set with what is live or scheduled before it; reads only what is near its items."""
    items = list(change_set.items.order_by("order"))
    return project(near_future(change_set, items), items)[1]


@transaction.atomic
def resolve(item, *, keep_live, by):
    """Settle a conflict of one item: leave the live row as it is, or take the draft's values all the same.

    Raises PermissionDenied, or Refusal where the draft cannot win: its row is gone, or exists already.
    """
    change_set = locked(item.change_set_id, DRAFTED)
    items = list(change_set.items.order_by("order"))
    base = near_future(change_set, items)
    permissions.refuse_outside(by, base, [item])
    item = next(other for other in items if other.pk == item.pk)
    state, _conflicts = project(base, [other for other in items if other.order < item.order])
    row = state.of(item.entity).get(item.key)
    if keep_live:
        item.left_out = True
    elif conflict_of(item, row) and (row is None or item.op == ChangeOp.CREATE):
        raise Refusal(_("This can only be left out: its row exists no longer, or already."), code="conflict")
    else:
        item.left_out = False
        item.before = with_before(state, [wanted(item.entity, item.key, item.op, item.after)])[0].before
    item.save(update_fields=["left_out", "before"])
    return item


@transaction.atomic
def submit(change_set, *, by):
    """Close a draft for review: its items no longer change. Raises PermissionDenied or Refusal."""
    refuse_stranger(by)
    change_set = locked(change_set.pk, DRAFTED)
    judge_all(change_set)
    return moved(change_set, SetState.REVIEW)


@transaction.atomic
def reopen(change_set, *, by):
    """Make a set that is in review or scheduled a draft again; one that was signed stays."""
    refuse_stranger(by)
    lock_structure()
    change_set = locked(change_set.pk, {SetState.REVIEW, SetState.SCHEDULED})
    refuse_signed(change_set, by)
    return moved(change_set, SetState.DRAFT)


@transaction.atomic
def withdraw(change_set, *, by):
    """Give a set up before it is applied or signed; it is kept, and never changes again."""
    refuse_stranger(by)
    lock_structure()
    change_set = locked(change_set.pk, OPEN)
    refuse_signed(change_set, by)
    return moved(change_set, SetState.WITHDRAWN)


@transaction.atomic
def schedule(change_set, *, by):
    """Let a draft, or a set in review, take effect on its day; at once where that day has come.

    ``by`` is None where a signature brings it about; nobody else lets a reorganisation take effect. Raises
    PermissionDenied, or Refusal: ``unsigned``, no day, a scenario, nothing in it, ``conflict``, ``faults``.
    """
    refuse_stranger(by)
    lock_structure()
    change_set = locked(change_set.pk, {SetState.DRAFT, SetState.REVIEW})
    if by is not None and change_set.kind == SetKind.REORGANISATION:
        raise Refusal(_("A reorganisation takes effect when it is signed: submit it."), code="unsigned")
    if change_set.scenario or change_set.effective_on is None:
        raise Refusal(_("Say from which day on this holds; a scenario is never applied."), code="invalid")
    apply_due(clock.today())
    judge_all(change_set)
    moved(change_set, SetState.SCHEDULED)
    if change_set.effective_on <= clock.today():
        apply_set(change_set)
        change_set.refresh_from_db()
    return change_set


def judge_all(change_set):
    """Raise Refusal unless a set could be applied on its day."""
    items = list(change_set.items.order_by("order"))
    if not any(not item.left_out for item in items):
        raise Refusal(_("There is no change in it yet."), code="invalid")
    fit(near_future(change_set, items), items, day_of(change_set))


def refuse_stranger(user):
    if user is not None and not permissions.may_edit_structure(user):
        raise PermissionDenied


def refuse_signed(change_set, by):
    """A reorganisation that waits for its day was signed; only one that no longer fits can be taken back."""
    waits = change_set.state == SetState.SCHEDULED and not change_set.problem
    if by is not None and waits and change_set.kind == SetKind.REORGANISATION:
        raise Refusal(
            _("This reorganisation is signed and waits for its day. Draft a further change."), code="signed"
        )


def moved(change_set, state):
    change_set.state = state
    change_set.problem = ""
    change_set.save(update_fields=["state", "problem"])
    return change_set
