"""The queue of findings: a check writes what is new, what is gone is fixed, what was accepted comes back in time."""

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils.translation import gettext as _

from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from orgchart import permissions
from orgchart.changes import version_number
from orgchart.findings import ORDER, check
from orgchart.findings.found import Case
from orgchart.findings.limits import limits
from orgchart.models import (
    Area,
    Finding,
    FindingCheck,
    FindingSeverity,
    FindingState,
    HandoffStep,
    OrgModel,
)
from orgchart.models.findings import LEAST_REASON
from orgchart.org_models import state_of_model
from orgchart.state import live_state

LOCK = 731_004
TOTALS = ("total_unlike_parts", "part_of_two")
# What else is found in the live organisation: functions (state, limits, day) that yield Found. Apps add theirs.
SOURCES = []
WRITTEN = ["severity", "rank", "evidence", "measured", "limit", "last_seen"]
BACK = {
    "state": FindingState.OPEN,
    "accepted_until": None,
    "accepted_by": None,
    "accepted_measured": None,
    "confirmed_by": None,
}


def areas():
    return dict(Area.objects.values_list("code", "name"))


def live_case():
    """Return the live organisation with its hand-offs, ready to be checked."""
    names = ("flow__code", "flow__name", "order", "text", "area__code", "department__code", "lost")
    keys = ("flow", "flow_name", "order", "text", "area", "department", "lost")
    steps = tuple(
        dict(zip(keys, row, strict=True))
        for row in HandoffStep.objects.order_by("flow", "order").values_list(*names)
    )
    return Case(live_state(), limits(), steps=steps, areas=areas())


def model_case(org_model, within, names):
    payload = org_model.payload
    return Case(
        state_of_model(org_model),
        within,
        stated=payload.get("stated", {}),
        also_in=payload.get("also_in", {}),
        areas=names,
    )


def all_found(day):
    """Return {model's key or None: findings}; a model that stands in the live organisation is asked for its totals."""
    case = live_case()
    found = {None: check(case)}
    for source in SOURCES:
        found[None] += source(case.state, case.limits, day)
    for org_model in OrgModel.objects.all():
        judged = model_case(org_model, case.limits, case.areas)
        part = (
            bool(judged.state.departments)
            and judged.state.departments.keys() <= case.state.departments.keys()
        )
        found[org_model.pk] = check(judged, TOTALS if part else None)
    return found


@transaction.atomic
def refresh_findings(day=None):
    """Check everything and bring the queue up to date; return how many findings stand.

    One check at a time. New ones appear, those that are gone become fixed; an accepted one comes back after its day, or
    where it got worse than it was when it was accepted.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    day, now, version = day or clock.today(), clock.now(), version_number()
    rows = [row_of(one, model, now) for model, found in all_found(day).items() for one in distinct(found)]
    bring_back(rows, day)
    Finding.objects.bulk_create(
        rows,
        batch_size=1_000,
        update_conflicts=True,
        unique_fields=["org_model", "rule", "identity"],
        update_fields=WRITTEN,
    )
    standing = Finding.objects.filter(last_seen=now)
    standing.filter(state=FindingState.FIXED).update(fixed_at=None, first_seen=now, reason="", **BACK)
    gone = Finding.objects.filter(last_seen__lt=now).exclude(state=FindingState.FIXED)
    gone.update(state=FindingState.FIXED, fixed_at=now)
    FindingCheck.objects.update_or_create(pk=1, defaults={"at": now, "version": version})
    return len(rows)


def distinct(found):
    return {one.identity: one for one in found}.values()


def row_of(one, model, now):
    return Finding(
        rule=one.rule,
        identity=one.identity,
        org_model_id=model,
        severity=one.severity,
        rank=ORDER[one.severity],
        evidence={**one.evidence, "keys": list(one.keys)},
        measured=one.measured,
        limit=one.limit,
        first_seen=now,
        last_seen=now,
    )


def bring_back(rows, day):
    """Reopen what was accepted and is over, or is graver or larger now than what was accepted."""
    now = {(row.org_model_id, row.rule, row.identity): row for row in rows}
    kept = Finding.objects.filter(state__in=[FindingState.ACCEPTED, FindingState.ASKED]).defer("evidence")
    back = []
    for old in kept:
        new = now.get((old.org_model_id, old.rule, old.identity))
        over = old.accepted_until < day
        worse = new and (new.rank < old.rank or (new.measured or 0) > (old.accepted_measured or 0))
        if over or worse:
            back.append(old.pk)
    Finding.objects.filter(pk__in=back).update(**BACK)


def check_later(version=None):
    """Let a worker check after this transaction; a lost message is made up for by the daily check."""
    from orgchart.tasks import check_findings

    transaction.on_commit(lambda: check_findings.delay(version), robust=True)


def check_applied(sender, version, **kwargs):
    check_later(version.number)


def checked(version):
    """Whether a check has seen this version: of a burst of changes only the last is checked."""
    return FindingCheck.objects.filter(version__gte=version).exists()


def locked(pk, *states):
    """Return a finding with its row locked; Refusal where it is in another state."""
    found = Finding.objects.select_for_update().get(pk=pk)
    if found.state not in states:
        raise Refusal(_("This finding changed meanwhile; please read it again."), code="state")
    return found


@transaction.atomic
def accept(finding, *, by, reason, until):
    """Leave a finding as it is until a day, for a reason of at least ten characters; a block then waits for a yes.

    Raises PermissionDenied, or Refusal: the reason is too short, the day is not to come, or the finding moved on.
    """
    if not permissions.may_edit_structure(by):
        raise PermissionDenied
    found = locked(finding.pk, FindingState.OPEN, FindingState.ASKED)
    reason = " ".join(reason.split())
    if len(reason) < LEAST_REASON:
        raise Refusal(_("Give a reason of at least %(n)d characters.") % {"n": LEAST_REASON}, code="reason")
    if until is None or until <= clock.today():
        raise Refusal(_("Say until which day to come this holds."), code="until")
    found.reason, found.accepted_until, found.accepted_by = reason[:300], until, by
    found.accepted_measured, found.confirmed_by = found.measured, None
    blocking = found.severity == FindingSeverity.BLOCK
    found.state = FindingState.ASKED if blocking else FindingState.ACCEPTED
    found.save()
    return found


@transaction.atomic
def confirm(finding, *, by, agreed):
    """Say yes or no to accepting a blocking finding; only the general manager does, never whoever asked.

    Raises PermissionDenied, or Refusal where nobody asks any more (or ``own``).
    """
    if not permissions.may_confirm_finding(by):
        raise PermissionDenied
    found = locked(finding.pk, FindingState.ASKED)
    if permissions.is_same_person(found.accepted_by, by):
        raise Refusal(_("You asked for this yourself: somebody else has to agree."), code="own")
    if agreed:
        found.state, found.confirmed_by = FindingState.ACCEPTED, by
    else:
        for name, value in BACK.items():
            setattr(found, name, value)
    found.save()
    return found


@transaction.atomic
def reopen(finding, *, by):
    """Take an acceptance back before its day. Raises PermissionDenied or Refusal."""
    if not permissions.may_edit_structure(by):
        raise PermissionDenied
    found = locked(finding.pk, FindingState.ACCEPTED, FindingState.ASKED)
    for name, value in BACK.items():
        setattr(found, name, value)
    found.save()
    return found
