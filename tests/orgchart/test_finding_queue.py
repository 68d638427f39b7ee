"""The queue of findings: what is new appears, what is gone is fixed, what was accepted comes back."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from opsadmin.core.refusals import Refusal
from orgchart.changes import apply_now, wanted
from orgchart.findings.queue import accept, confirm, refresh_findings, reopen
from orgchart.models import Department, Finding, FindingCheck, FindingLimits, OrgModel, Position
from tests.factories import DepartmentFactory, PositionFactory, UserFactory
from tests.services import wait_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
REASON = "The papers copied one list twice; to be split."


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def hr():
    return UserFactory(roles=["hr"])


@pytest.fixture
def general():
    return UserFactory(roles=["general_manager"])


@pytest.fixture
def wide():
    """A superior with nine reports, one too many."""
    department = DepartmentFactory()
    head = PositionFactory(department=department, head=True)
    for _number in range(9):
        PositionFactory(department=department, parent=head)
    refresh_findings()
    return head


@pytest.fixture
def twice():
    """One post described twice in one department: a block."""
    department = DepartmentFactory()
    head = PositionFactory(department=department, head=True, title="Head")
    posts = [PositionFactory(department=department, parent=head, title="Clerk") for _number in range(2)]
    refresh_findings()
    return posts


def found(rule):
    return Finding.objects.get(rule=rule, org_model=None)


def test_a_worker_checks_every_change_of_the_organisation(worker):
    department = DepartmentFactory()
    head = PositionFactory(department=department, head=True)
    posts = [PositionFactory(department=department, parent=head) for _number in range(9)]
    version = apply_now([wanted("position", posts[0].code, "set", {"title": "Clerk"})])
    wait_for(lambda: FindingCheck.objects.filter(version=version.number).exists(), "no worker has checked")
    assert found("span_too_wide").measured == 9


def test_what_is_new_appears_and_what_is_gone_is_fixed(wide, hr):
    finding = found("span_too_wide")
    assert (finding.state, finding.measured, finding.limit) == ("open", 9, 8)
    leaf = Position.objects.filter(parent=wide).first()
    apply_now([wanted("position", leaf.code, "set", {"status": "closed"})], by=hr)
    refresh_findings()
    finding.refresh_from_db()
    assert finding.state == "fixed"
    assert finding.fixed_at


def test_a_second_check_changes_nothing_but_the_time(wide):
    before = list(Finding.objects.order_by("pk").values("pk", "state", "evidence", "first_seen"))
    refresh_findings()
    assert list(Finding.objects.order_by("pk").values("pk", "state", "evidence", "first_seen")) == before
    assert FindingCheck.objects.get().at


def test_what_was_fixed_and_stands_again_is_open_and_new(wide):
    Finding.objects.update(state="fixed", fixed_at=timezone.now(), first_seen=timezone.now() - timedelta(9))
    refresh_findings()
    assert found("span_too_wide").state == "open"
    assert found("span_too_wide").first_seen.date() == timezone.now().date()


def test_an_accepted_finding_comes_back_after_its_day(wide, hr, today):
    accept(found("span_too_wide"), by=hr, reason=REASON, until=today + timedelta(30))
    refresh_findings(day=today + timedelta(30))
    assert found("span_too_wide").state == "accepted"
    refresh_findings(day=today + timedelta(31))
    assert found("span_too_wide").state == "open"


def test_an_accepted_finding_comes_back_where_it_got_worse(wide, hr, today):
    accept(found("span_too_wide"), by=hr, reason=REASON, until=today + timedelta(30))
    PositionFactory(department=wide.department, parent=wide)
    refresh_findings()
    assert found("span_too_wide").state == "open"


def test_a_limit_that_is_raised_fixes_what_it_measured(wide):
    FindingLimits.objects.update_or_create(pk=1, defaults={"span_max": 9})
    refresh_findings()
    assert found("span_too_wide").state == "fixed"


@pytest.mark.parametrize("reason", ["", "too short", "  spaced   o "])
def test_a_reason_has_ten_characters(wide, hr, today, reason):
    with pytest.raises(Refusal):
        accept(found("span_too_wide"), by=hr, reason=reason, until=today + timedelta(1))


def test_an_acceptance_ends_on_a_day_to_come(wide, hr, today):
    for until in (None, today):
        with pytest.raises(Refusal):
            accept(found("span_too_wide"), by=hr, reason=REASON, until=until)


def test_only_hr_accepts(wide, general, today):
    with pytest.raises(PermissionDenied):
        accept(found("span_too_wide"), by=general, reason=REASON, until=today + timedelta(1))


def test_a_block_is_accepted_only_with_the_general_managers_yes(twice, hr, general, today):
    finding = accept(found("described_twice"), by=hr, reason=REASON, until=today + timedelta(1))
    assert finding.state == "asked"
    with pytest.raises(PermissionDenied):
        confirm(finding, by=hr, agreed=True)
    assert confirm(finding, by=general, agreed=True).state == "accepted"
    assert reopen(finding, by=hr).state == "open"


def test_a_no_opens_the_finding_again(twice, hr, general, today):
    finding = accept(found("described_twice"), by=hr, reason=REASON, until=today + timedelta(1))
    assert confirm(finding, by=general, agreed=False).state == "open"


@pytest.mark.parametrize(
    "values",
    [
        {"state": "accepted", "reason": "short"},
        {"state": "accepted", "reason": REASON, "accepted_until": "2030-01-01"},
        {"state": "fixed"},
        {"state": "lost"},
    ],
)
def test_the_database_keeps_what_an_acceptance_needs(twice, values):
    with pytest.raises(IntegrityError), transaction.atomic():
        Finding.objects.filter(rule="described_twice").update(**values)


def test_the_database_keeps_that_a_block_needs_a_second_person(twice, hr):
    values = {"state": "accepted", "reason": REASON, "accepted_until": "2030-01-01", "accepted_by": hr}
    for confirmed_by in (None, hr):
        with pytest.raises(IntegrityError), transaction.atomic():
            Finding.objects.filter(rule="described_twice").update(**values, confirmed_by=confirmed_by)


def test_models_are_checked_beside_the_live_organisation(company):
    refresh_findings()
    model = OrgModel.objects.get(code="tmall-initial")
    assert model.findings.filter(rule="all_rounder").exists()
    assert not OrgModel.objects.get(code="operations-centre").findings.exists()
    assert Finding.objects.filter(org_model=None, rule="two_superiors").count() == 3
    assert Department.objects.filter(code="oc").exists()
