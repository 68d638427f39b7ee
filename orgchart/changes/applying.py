"""Applying sets of changes: at once, on their day, or as a correction of the past. Each is one transaction."""

from django.conf import settings
from django.db import transaction
from django.dispatch import Signal
from django.utils import translation
from django.utils.translation import gettext as _

from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from orgchart import permissions
from orgchart.changes.faults import faults_of, new_faults
from orgchart.changes.items import differences, project, replay, touched_by
from orgchart.changes.log import (
    ensure_opening,
    items_of,
    keep_snapshot,
    last_version,
    past_state,
    record,
    scheduled_until,
    version_number,
)
from orgchart.changes.near import near
from orgchart.changes.wanted import with_before
from orgchart.changes.write import write
from orgchart.entities import ENTITIES
from orgchart.lock import lock_structure
from orgchart.models import ChangeItem, ChangeOp, ChangeSet, OrgVersion, SetKind, SetState
from orgchart.state import live_state

# Sent inside the transaction after a set was applied: version, before, after (states; the whole organisation where the
# set is a reorganisation, else the part near its items) and touched ({kind: keys}).
applied = Signal()


@transaction.atomic
def apply_now(items, *, by=None, reason="", title="", effective_on=None):
    """Apply items as a set of their own, at once; return its version.

    ``items`` come from ``wanted``. ``effective_on`` is today, or an earlier day since which nothing else was recorded
    (``correct`` is for days before that). Raises PermissionDenied, or Refusal: ``conflict`` (a row is not what the
    asker saw), ``faults`` (a rule would be broken), ``invalid``.
    """
    lock_structure()
    today = clock.today()
    effective_on = effective_on or today
    apply_due(today)
    refuse_other_days(effective_on, today)
    state = near(items)
    items = with_before(state, items)
    permissions.refuse_outside(by, state, items)
    title = title or title_of(state, items)
    change_set = new_set(SetKind.EDIT, items, effective_on, by=by, reason=reason, title=title)
    return apply_items(change_set, items, state, day=effective_on, by=by)


def judge_now(items, *, by, day):
    """Raise what ``apply_now`` would refuse, without writing anything or waiting for the lock."""
    today = clock.today()
    if day <= today:
        refuse_other_days(day, today)
    state = near(items)
    items = with_before(state, items)
    permissions.refuse_outside(by, state, items)
    fit(state, items, day)


def refuse_other_days(day, today):
    last = last_version()
    if day > today:
        raise Refusal(_("A change of the future is scheduled, not applied at once."), code="invalid")
    if last and day < last.effective_on:
        raise Refusal(
            _("Changes were recorded since %(day)s: choose a correction.") % {"day": day.isoformat()},
            code="later_changes",
        )


def new_set(kind, items, day, *, by, reason, title):
    """Store a set with its items, to be applied in this transaction."""
    change_set = ChangeSet.objects.create(
        title=title[:120],
        reason=reason,
        kind=kind,
        effective_on=day,
        base_version=version_number(),
        author=by,
    )
    keep_items(change_set, items)
    return change_set


def title_of(state, items):
    """Return how a set without a title is called: its first row by its name, and how many more there are.

    Everybody reads it in the log, in the language of the installation.
    """
    item = items[0]
    kind = ENTITIES[item.entity]
    row = state.of(item.entity).get(item.key)
    if row is None and item.op == ChangeOp.CREATE:
        row = {**kind.blank, **item.after}
    more = f" +{len(items) - 1}" if len(items) > 1 else ""

    def called(entity, key):
        row = state.of(entity).get(key, {})
        return row.get("name") or row.get("title") or key

    with translation.override(settings.LANGUAGE_CODE):
        name = kind.title(row, called) if row else item.key
        return f"{kind.model._meta.verbose_name} {name}{more}"


def keep_items(change_set, items, start=0):
    """Store items as rows of a set, in their order."""
    return ChangeItem.objects.bulk_create(
        [
            ChangeItem(
                change_set=change_set,
                order=order,
                entity=item.entity,
                key=item.key,
                op=item.op,
                before=item.before,
                after=item.after,
                left_out=item.left_out,
            )
            for order, item in enumerate(items, start)
        ],
        batch_size=1_000,
    )


def apply_items(change_set, items, before, *, day, by):
    """Judge a set against the live rows around it, write it and enter it into the log. Called behind the lock."""
    ensure_opening()
    after, touched = fit(before, items, day)
    write(differences(before, after, touched), by=by, reason=change_set.reason or change_set.title)
    version = record(change_set, items, day=day)
    if change_set.kind == SetKind.REORGANISATION:
        keep_snapshot(version, day, after)
    applied.send(sender=ChangeSet, version=version, before=before, after=after, touched=touched)
    return version


def fit(before, items, day):
    """Return (the state with the items applied, the rows touched); Refusal for a conflict or a broken rule."""
    after, conflicts = project(before, items)
    refuse_conflicts(conflicts)
    touched = touched_by(items)
    refuse_faults(before, after, touched, day)
    return after, touched


def refuse_conflicts(conflicts):
    if conflicts:
        names = "、".join(sorted({conflict.item.key for conflict in conflicts})[:5])
        sentence = _("Meanwhile somebody else changed: %(rows)s. Choose for each which one holds.")
        raise Refusal(sentence % {"rows": names}, code="conflict", conflicts=conflicts)


def refuse_faults(before, after, touched, day):
    """Raise Refusal for rules that the touched rows break and did not break before."""
    found = faults_of(after, day=day, touched=touched)
    if found:
        found = new_faults(faults_of(before, day=day, touched=touched), found)
    if found:
        sentences = " ".join(fault.message for fault in found[:5])
        raise Refusal(sentences, code="faults", faults=found)


def apply_due(day):
    """Apply every scheduled set whose day has come, each once; return the versions made.

    A set that no longer fits stays scheduled and says why in ``problem``; nothing of it is applied.
    """
    return [version for pk in due(day) for version in [apply_scheduled(pk, day)] if version]


def due(day):
    return list(scheduled_until(day).values_list("pk", flat=True))


@transaction.atomic
def apply_scheduled(pk, day):
    """Apply one scheduled set; return its version, or None where it was applied before or does not fit."""
    lock_structure()
    change_set = ChangeSet.objects.filter(pk=pk, state=SetState.SCHEDULED, effective_on__lte=day).first()
    if change_set is None:
        return None
    try:
        with transaction.atomic():
            return apply_set(change_set)
    except Refusal as refusal:
        ChangeSet.objects.filter(pk=pk).update(problem=str(refusal)[:300])
        return None


def apply_set(change_set):
    """Apply a set that was scheduled, on its day or, where later changes are recorded already, after them."""
    last = last_version()
    day = max(change_set.effective_on, last.effective_on) if last else change_set.effective_on
    items = list(change_set.items.order_by("order"))
    whole = change_set.kind == SetKind.REORGANISATION
    return apply_items(
        change_set, items, live_state() if whole else near(items), day=day, by=change_set.author
    )


@transaction.atomic
def correct(items, *, effective_on, by=None, reason="", title=""):
    """Correct the record (更正): the items have held since an earlier day; return the version.

    What was recorded later is replayed on top, and stays. Raises PermissionDenied, or Refusal: the log begins later
    than that day, or a later version would no longer fit or break a rule.
    """
    lock_structure()
    today = clock.today()
    apply_due(today)
    ensure_opening()
    if effective_on < OrgVersion.objects.earliest("number").effective_on:
        raise Refusal(_("Nothing is recorded of that day."), code="invalid")
    if effective_on > today:
        raise Refusal(_("A correction is about the past."), code="invalid")
    base = past_state(effective_on)
    refuse_unrecorded(base, items)
    items = with_before(base, items)
    permissions.refuse_outside(by, near(items), items)
    after, touched = fit(base, items, effective_on)
    before, after = replay_later(base, after, touched, effective_on)
    title = title or title_of(after, items)
    change_set = new_set(SetKind.CORRECTION, items, effective_on, by=by, reason=reason, title=title)
    write(differences(before, after, touched), by=by, reason=reason)
    version = record(change_set, items, day=effective_on, corrected=True)
    keep_snapshot(version, today)
    applied.send(sender=ChangeSet, version=version, before=before, after=after, touched=touched)
    return version


def refuse_unrecorded(base, items):
    """Raise Refusal where the record of a day does not know a row that is to be corrected."""
    unknown = [
        item.key for item in items if item.op != ChangeOp.CREATE and item.key not in base.of(item.entity)
    ]
    new = {item.key for item in items if item.op == ChangeOp.CREATE}
    missing = [key for key in unknown if key not in new]
    if missing:
        sentence = _("On that day there was not yet: %(rows)s.")
        raise Refusal(sentence % {"rows": "、".join(missing[:5])}, code="invalid")


def replay_later(before, after, touched, day):
    """Carry the organisation as it was recorded, and as corrected, through all later versions to today.

    Raises Refusal naming the first version that the correction would spoil.
    """
    later = list(OrgVersion.objects.filter(effective_on__gt=day).order_by("effective_on", "number"))
    items = items_of(later)
    for version in later:
        before, lost_before = replay(before, items[version.pk])
        after, lost = replay(after, items[version.pk])
        judged = {
            name: touched.get(name, set()) | keys for name, keys in touched_by(items[version.pk]).items()
        }
        try:
            if len(lost) > len(lost_before):
                raise Refusal(_("A row that it changes would exist twice or not at all."))
            refuse_faults(before, after, {**touched, **judged}, version.effective_on)
        except Refusal as refusal:
            sentence = _("Version %(number)d of %(day)s would no longer fit: %(why)s")
            known = {"number": version.number, "day": version.effective_on.isoformat(), "why": refusal}
            raise Refusal(sentence % known, code="later_changes") from refusal
    return before, after
