"""Reorganisations: the document that brings a set of changes of the organisation before those who sign."""

from datetime import datetime, time

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from approvals import drafts, permissions
from approvals.kinds import specific
from approvals.models import (
    Document,
    DocumentKind,
    DocumentState,
    ProcessState,
    Reorganisation,
    ReorganisationLine,
)
from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from opsadmin.core.sealing import canonical_json
from orgchart import changes
from orgchart.changes.log import read_snapshot, version_hash
from orgchart.models import ChangeItem, ChangeOp, ChangeSet, SetKind, SetState
from staffing.changewords import Words
from staffing.chart.source import of_state
from staffing.chart.tree import POSITIONS
from staffing.chart.view import Chart

COPIED = ("entity", "key", "op", "before", "after", "words", "struck")


# ── The draft ─────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def document_for(change_set, *, by):
    """Return the draft document of a set of changes, checked as the set stands now; made where there is none.

    Raises PermissionDenied, or Refusal: no draft any more, a scenario, no day, another kind of set.
    """
    if not permissions.may_draft(by, DocumentKind.REORGANISATION):
        raise PermissionDenied
    change_set = ChangeSet.objects.select_for_update().get(pk=change_set.pk)
    document = Reorganisation.objects.filter(change_set=change_set).first()
    if document is None and change_set.state == SetState.REVIEW:
        # Closed for review on the chart, where nobody knows of documents.
        changes.reopen(change_set, by=by)
        change_set.refresh_from_db()
    refuse_unfit(change_set)
    if document is None:
        document = drafts.create_document(
            DocumentKind.REORGANISATION, by=by, change_set=change_set, **header_of(change_set)
        )
    document = drafts.locked_for_editing(document.pk, by=by)
    drafts.recheck(document)
    return document


def refuse_unfit(change_set):
    if change_set.kind != SetKind.REORGANISATION or change_set.state != SetState.DRAFT:
        raise Refusal(_("Only the draft of a reorganisation can be submitted."), code="state")
    if change_set.scenario:
        raise Refusal(_("This is a scenario: say first that it is meant."), code="scenario")
    if change_set.effective_on is None:
        raise Refusal(_("Say from which day on this holds."), code="no_day")


def header_of(change_set):
    """Return what the document says of its set: title, reason, the midnight of its day, the version behind it."""
    return {
        "title": change_set.title[:100],
        "note": change_set.reason,
        "effective_from": midnight(change_set.effective_on),
        "base_version": change_set.base_version,
    }


def midnight(day):
    return timezone.make_aware(datetime.combine(day, time()))


def copy_items(document):
    """Copy header and items of the set into the draft; a line keeps its key as long as its item stays."""
    own = specific(document)
    change_set = own.change_set
    refuse_unfit(change_set)
    header = header_of(change_set)
    own.base_version = header.pop("base_version")
    own.save(update_fields=["base_version"])
    for name, value in header.items():
        setattr(document, name, value)
    document.save(update_fields=[*header, "updated_at"])
    lines = lines_of(own, list(change_set.items.order_by("order")))
    own.lines.exclude(row_no__in=[line.row_no for line in lines]).delete()
    ReorganisationLine.objects.bulk_create(
        lines, update_conflicts=True, unique_fields=["document", "row_no"], update_fields=list(COPIED)
    )


def lines_of(own, items):
    """Return the lines that say what the items say, their words in the installation's language."""
    shown = shown_of(own.change_set)
    with translation.override(settings.LANGUAGE_CODE):
        words = Words(items, shown.before, shown.after)
        return [
            ReorganisationLine(document=own, words=words.sentence(item), **sealed_facts(item))
            for item in items
        ]


def sealed_facts(item):
    return {
        "row_no": item.order,
        "entity": item.entity,
        "key": item.key,
        "op": item.op,
        "before": as_text(item.before),
        "after": as_text(item.after),
        "struck": item.left_out,
    }


def as_text(values):
    return "" if values is None else canonical_json(values).decode()


# ── What it would mean ────────────────────────────────────────────────────────────────────────────────────────────


def shown_of(change_set):
    """Return the Preview of a set: on its day as long as it waits; once applied, what it did."""
    if change_set.state != SetState.APPLIED:
        return changes.preview(change_set)
    items = list(change_set.items.order_by("order"))
    after = state_after(change_set)
    return changes.Preview(undone(after, items), after, [], [], changes.touched_by(items))


def state_after(change_set):
    """Return the organisation as the applied set left it."""
    snapshot = change_set.version.snapshots.order_by("pk").first()
    return read_snapshot(snapshot) if snapshot else changes.past_state(change_set.effective_on)


def undone(state, items):
    """Return the state without the items."""
    made = state.copy()
    for item in (item for item in reversed(items) if not item.left_out):
        rows = made.of(item.entity)
        if item.op == ChangeOp.CREATE:
            rows.pop(item.key, None)
        elif item.op == ChangeOp.DELETE:
            rows[item.key] = item.before
        elif item.key in rows:
            rows[item.key] = {**rows[item.key], **(item.before or {})}
    return made


def chart_on(state, day):
    return Chart(of_state(state, day), POSITIONS)


def day_of(change_set):
    """Return the day on which a set is looked at: its own, today where it has none or that has passed."""
    if change_set.state == SetState.APPLIED:
        return change_set.effective_on
    today = clock.today()
    return max(change_set.effective_on or today, today)


# ── After filing ──────────────────────────────────────────────────────────────────────────────────────────────────


def is_applied(own):
    return ChangeSet.objects.filter(pk=own.change_set_id, state=SetState.APPLIED).exists()


def version_facts(own):
    """Return which version of the organisation a reorganisation became, and the hash that vouches for it."""
    change_set = ChangeSet.objects.select_related("version").get(pk=own.change_set_id)
    return {
        "applied_on": change_set.effective_on,
        "version": change_set.version.number,
        "version_hash": change_set.version.hash,
    }


def end_when_applied(sender, version, **kwargs):
    """Hears ``orgchart.changes.applied``: what was filed for this day is done once that transaction stands."""
    if version.change_set.kind == SetKind.REORGANISATION:
        transaction.on_commit(lambda: end_applied(version.change_set_id), robust=True)


def end_applied(change_set=None):
    """End the filed reorganisations whose set has been applied, or one of them; return how many."""
    waiting = Reorganisation.objects.filter(state=DocumentState.FILED, change_set__state=SetState.APPLIED)
    if change_set is not None:
        waiting = waiting.filter(change_set=change_set)
    return sum(end_one(pk) for pk in list(waiting.values_list("pk", flat=True)))


@transaction.atomic
def end_one(pk):
    from approvals.flow.transitions import finish, locked

    document = locked(pk)
    passed = document.processes.filter(state=ProcessState.PASSED).exists()
    if document.state == DocumentState.FILED and passed:
        finish(document)
        return 1
    return 0


def breaks(record, filed):
    """Return sentences where the set of changes, or the version it became, is not what was sealed."""
    own = Reorganisation.objects.select_related("change_set").get(pk=record.document_id)
    change_set = own.change_set
    items = list(ChangeItem.objects.filter(change_set=change_set).order_by("order"))
    found = []
    if [sealed_texts(item) for item in items] != [
        {name: value for name, value in line.items() if name != "words"} for line in filed.lines()
    ]:
        found.append(_("the set of changes differs from the sealed lines."))
    if change_set.state not in (SetState.SCHEDULED, SetState.APPLIED):
        found.append(_("its set of changes is %(state)s.") % {"state": change_set.get_state_display()})
    if change_set.state == SetState.APPLIED and change_set.version.hash != version_hash(
        change_set.version, items
    ):
        found.append(_("the version of the organisation differs from its hash."))
    return found


def sealed_texts(item):
    facts = sealed_facts(item)
    return facts | {"row_no": str(facts["row_no"]), "struck": "true" if facts["struck"] else "false"}


def documents_of(change_sets):
    """Return {set's key: document} of the sets that have one; one statement."""
    found = Document.objects.filter(reorganisation__change_set__in=change_sets)
    return {
        document.reorganisation.change_set_id: document for document in found.select_related("reorganisation")
    }
