"""The log: versions in a chain of hashes, snapshots, and the organisation on any day.

The state on a day is the last snapshot that still holds, and the items of the versions after it in the order of
(effective_on, number). The tables always equal the state of today.
"""

import json
import zlib
from collections import defaultdict
from datetime import date

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import pgettext

from opsadmin.core import clock
from opsadmin.core.sealing import GENESIS, canonical_json, digest
from orgchart.changes.items import Item, project, replay
from orgchart.lock import lock_structure
from orgchart.models import ChangeItem, ChangeSet, OrgSnapshot, OrgVersion, SetKind, SetState
from orgchart.state import OrgState, live_state, state_from

# The organisation as it was found when the log began is taken to have been so before.
EVER_SINCE = date(1900, 1, 1)
VERSIONS_BETWEEN_SNAPSHOTS = 200


def last_version():
    return OrgVersion.objects.order_by("-number").first()


def version_number():
    """Return the number of the newest version, 0 before the first."""
    return OrgVersion.objects.order_by("-number").values_list("number", flat=True).first() or 0


def ensure_opening(day=EVER_SINCE):
    """Begin the log with what is in the tables now, as it has been since ``day``. Called behind the lock."""
    if OrgVersion.objects.exists():
        return
    with translation.override(settings.LANGUAGE_CODE):
        title = pgettext("change set", "Opening")
    opening = ChangeSet.objects.create(title=title, kind=SetKind.OPENING, effective_on=day)
    version = record(opening, [], day=day)
    keep_snapshot(version, day)


def record(change_set, items, *, day, corrected=False):
    """Enter a set that was written into the log: its next version, then the set itself as applied.

    ``items`` are all items of the set, those left out included. Called behind the lock.
    """
    last = last_version()
    version = OrgVersion(
        number=last.number + 1 if last else 1,
        effective_on=day,
        change_set=change_set,
        corrected=corrected,
        recorded_at=clock.now(),
        previous_hash=last.hash if last else GENESIS,
    )
    version.hash = version_hash(version, items)
    version.save()
    change_set.state, change_set.applied_at = SetState.APPLIED, version.recorded_at
    change_set.effective_on, change_set.problem = day, ""
    change_set.save()
    return version


def version_hash(version, items):
    """Return what vouches for a version: SHA-256 over its day, its set, its items and the hash before."""
    change_set = version.change_set
    content = {
        "number": version.number,
        "effective_on": version.effective_on,
        "recorded_at": version.recorded_at,
        "corrected": version.corrected,
        "title": change_set.title,
        "reason": change_set.reason,
        "kind": str(change_set.kind),
        "author": change_set.author_id,
        "items": [[i.entity, i.key, str(i.op), i.before, i.after, i.left_out] for i in items],
        "previous": version.previous_hash,
    }
    return digest(canonical_json(content))


def check_log():
    """Return the numbers of the versions whose hash, place in the chain or snapshot is not what was recorded."""
    broken, previous = [], GENESIS
    for number, version in enumerate(OrgVersion.objects.order_by("number").select_related("change_set"), 1):
        right = version_hash(version, version.change_set.items.order_by("order"))
        whole = all(digest(bytes(kept.payload)) == kept.sha256 for kept in version.snapshots.all())
        if (version.number, version.previous_hash, version.hash) != (number, previous, right) or not whole:
            broken.append(version.number)
        previous = version.hash
    return broken


def keep_snapshot(version, day, state=None):
    """Keep the whole organisation as it is at the end of ``day``; the live one where no state is given."""
    # The rows are JSON values already: what canonical_json writes, in a tenth of the time.
    tables = (state or live_state()).as_tables()
    text = json.dumps(tables, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    payload = zlib.compress(text.encode(), 3)
    return OrgSnapshot.objects.create(version=version, day=day, payload=payload, sha256=digest(payload))


@transaction.atomic
def keep_snapshot_if_long(day):
    """Keep a snapshot where the last one that holds lies so many versions back; return it, or None."""
    lock_structure()
    number, snapshot = version_number(), snapshot_for(day)
    if snapshot is None or number - snapshot.version.number < VERSIONS_BETWEEN_SNAPSHOTS:
        return None
    return keep_snapshot(last_version(), day)


def read_snapshot(snapshot):
    return state_from(json.loads(zlib.decompress(bytes(snapshot.payload))))


def holds(snapshot):
    """Whether no correction was recorded later for a day before the snapshot's."""
    later = OrgVersion.objects.filter(number__gt=snapshot.version.number, effective_on__lt=snapshot.day)
    return not later.exists()


def snapshot_for(day):
    kept = OrgSnapshot.objects.filter(day__lte=day).select_related("version").defer("payload")
    return next((found for found in kept.order_by("-day", "-version__number") if holds(found)), None)


def versions_after(snapshot, until):
    """Return the versions that come after a snapshot, up to the end of a day, in their order."""
    versions = OrgVersion.objects.filter(effective_on__lte=until).order_by("effective_on", "number")
    if snapshot:
        same_day = Q(effective_on=snapshot.day, number__gt=snapshot.version.number)
        versions = versions.filter(same_day | Q(effective_on__gt=snapshot.day))
    return versions


def items_of(versions):
    """Return {version's key: [items]} of versions, without what was left out; one statement."""
    items = defaultdict(list)
    rows = ChangeItem.objects.filter(change_set__version__in=versions, left_out=False)
    columns = ("change_set__version", "entity", "key", "op", "before", "after")
    for pk, *values in rows.order_by("change_set", "order").values_list(*columns):
        items[pk].append(Item(*values))
    return items


def past_state(day):
    """Return the organisation at the end of a day, as the log knows it today."""
    snapshot = snapshot_for(day)
    state = read_snapshot(snapshot) if snapshot else OrgState()
    versions = list(versions_after(snapshot, day))
    items = items_of(versions)
    return replay(state, [item for version in versions for item in items[version.pk]])[0]


def state_on(day, *, today=None):
    """Return the organisation on a day: from the log for a past one, else with what is scheduled until then."""
    today = today or clock.today()
    if day < today and OrgVersion.objects.exists():
        return past_state(day)
    return with_scheduled(live_state(), scheduled_until(day).filter(problem=""))


def with_scheduled(state, change_sets):
    """Return a state with scheduled sets applied in their order; one that would not fit is left out as a whole."""
    for change_set in change_sets:
        made, conflicts = project(state, change_set.items.all())
        state = state if conflicts else made
    return state


def scheduled_until(day):
    """Return the scheduled sets that take effect up to a day, in the order in which they will."""
    waiting = ChangeSet.objects.filter(state=SetState.SCHEDULED, effective_on__lte=day)
    return waiting.order_by("effective_on", "pk").prefetch_related("items")
