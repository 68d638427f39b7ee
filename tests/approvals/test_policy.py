"""The limits of the guards: versions that finance and the e-commerce manager make together."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, connections, transaction
from django.urls import reverse
from django.utils import timezone

from approvals.guards import policy
from approvals.models import GuardPolicy
from opsadmin.core.models import Notice
from opsadmin.core.refusals import Refusal
from opsadmin.roles import BY_CODE
from tests.approvals.guarding import Shop, found, line
from tests.factories import AccountFactory, EmployeeFactory, UserFactory


def limits(**changes):
    """Return the default limits with changes such as ``G08_warn=12``."""
    changed = {code: dict(values) for code, values in policy.DEFAULT_LIMITS.items()}
    for key, value in changes.items():
        code, _line, name = key.partition("_")
        changed[code][name] = value
    return changed


@pytest.fixture
def finance(db):
    return UserFactory(roles=["finance"])


@pytest.fixture
def manager(db):
    return UserFactory(roles=["ecommerce_manager"])


def proposed_by(user, **changes):
    return policy.propose(limits(**(changes or {"G08_warn": 12})), by=user, reason="双12 前收紧")


# ── Two people, two roles ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("first", ["finance", "ecommerce_manager"])
def test_one_proposes_and_the_other_role_confirms(db, first):
    second = next(role for role in policy.PARTNERS if role != first)
    proposal = proposed_by(UserFactory(roles=[first]))
    assert policy.limits_in_force()[0] == 0
    policy.confirm(proposal.pk, by=UserFactory(roles=[second]))
    version, in_force = policy.limits_in_force()
    assert (version, in_force["G08"]["warn"]) == (1, 12)


def test_nobody_confirms_an_own_proposal_nor_one_of_the_own_role(finance):
    proposal = proposed_by(finance)
    for user in (finance, UserFactory(roles=["finance"])):
        with pytest.raises(Refusal) as refusal:
            policy.confirm(proposal.pk, by=user)
        assert refusal.value.code == "own"


def test_one_person_with_both_roles_or_two_accounts_is_still_one_person(finance):
    both = UserFactory(roles=policy.PARTNERS)
    proposal = proposed_by(both)
    with pytest.raises(Refusal, match="together|共同"):
        policy.confirm(proposal.pk, by=both)
    policy.dismiss(proposal.pk, by=both)

    person = EmployeeFactory()
    second_account = UserFactory(roles=["ecommerce_manager"])
    AccountFactory(user=finance, employee=person)
    AccountFactory(user=second_account, employee=person)
    proposal = proposed_by(finance)
    with pytest.raises(Refusal, match="together|共同"):
        policy.confirm(proposal.pk, by=second_account)


@pytest.mark.parametrize("role", sorted(set(BY_CODE) - set(policy.PARTNERS)))
def test_no_other_role_proposes_confirms_or_dismisses(finance, role):
    proposal, other = proposed_by(finance), UserFactory(roles=[role])
    for act in (policy.confirm, policy.dismiss):
        with pytest.raises(PermissionDenied):
            act(proposal.pk, by=other)
    with pytest.raises(PermissionDenied):
        proposed_by(other)


@pytest.mark.parametrize(
    ("decided_by", "decided_role"), [(None, ""), ("finance", "ecommerce_manager"), ("manager", "finance")]
)
def test_the_database_itself_asks_for_two_people_and_two_roles(finance, manager, decided_by, decided_role):
    deciders = {None: None, "finance": finance, "manager": manager}
    with pytest.raises(IntegrityError, match="guard_policy_needs_two"), transaction.atomic():
        GuardPolicy.objects.create(
            version=1,
            limits=limits(),
            reason="-",
            state="in_force",
            proposed_by=finance,
            proposed_role="finance",
            decided_by=deciders[decided_by],
            decided_role=decided_role,
        )


# ── One at a time ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_proposal_waits_until_the_first_is_answered(finance, manager):
    first = proposed_by(finance)
    with pytest.raises(Refusal) as refusal:
        proposed_by(manager)
    assert refusal.value.code == "waiting"
    policy.dismiss(first.pk, by=manager)
    assert proposed_by(manager).version == 2


def test_an_answered_proposal_cannot_be_answered_again(finance, manager):
    proposal = proposed_by(finance)
    policy.dismiss(proposal.pk, by=manager)
    for act in (policy.confirm, policy.dismiss):
        with pytest.raises(Refusal, match=str(manager)):
            act(proposal.pk, by=manager)


def test_the_version_before_is_superseded(finance, manager):
    for warn in (11, 12):
        policy.confirm(proposed_by(finance, G08_warn=warn).pk, by=manager)
    states = dict(GuardPolicy.objects.values_list("version", "state"))
    assert states == {1: "superseded", 2: "in_force"}


def test_what_was_proposed_cannot_be_changed_nor_deleted(finance, manager):
    proposal = proposed_by(finance)
    policy.confirm(proposal.pk, by=manager)
    rows = GuardPolicy.objects.filter(pk=proposal.pk)
    for change in (
        lambda: rows.update(limits=limits(G08_warn=50)),
        lambda: rows.update(decided_by=finance),
        rows.delete,
    ):
        with pytest.raises(IntegrityError, match="stays as it was proposed"), transaction.atomic():
            change()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["confirm", "propose"])
def test_of_two_at_once_one_wins_and_the_other_reads_a_sentence(act):
    finance = UserFactory(roles=["finance"])
    others = [UserFactory(roles=["ecommerce_manager"]) for _number in range(2)]
    proposal = proposed_by(finance) if act == "confirm" else None
    start, outcomes = threading.Barrier(2), []

    def attempt(user):
        start.wait()
        try:
            if act == "confirm":
                policy.confirm(proposal.pk, by=user)
            else:
                proposed_by(user)
            outcomes.append("won")
        except Refusal as refusal:
            outcomes.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=attempt, args=(user,)) for user in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted(["won", "decided" if act == "confirm" else "waiting"])
    assert connection.vendor == "postgresql"


# ── What is typed ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("typed", ["", "ten", "-1", "1e9", "NaN", "10.25", "1,5", "10000"])
def test_a_limit_is_a_number_within_its_bounds(finance, typed):
    with pytest.raises(Refusal) as refusal:
        proposed_by(finance, G08_warn=typed)
    assert set(refusal.value.data["faults"]) == {"G08_warn"}
    assert not GuardPolicy.objects.exists()


def test_the_limits_of_a_change_must_rise(finance):
    with pytest.raises(Refusal) as refusal:
        proposed_by(finance, G08_warn=40)
    assert set(refusal.value.data["faults"]) == {"G08_sign"}


def test_a_proposal_says_why_and_changes_something(finance):
    with pytest.raises(Refusal) as refusal:
        policy.propose(limits(G08_warn=12), by=finance, reason="  ")
    assert "reason" in refusal.value.data["faults"]
    with pytest.raises(Refusal) as refusal:
        policy.propose(limits(), by=finance, reason="原样")
    assert refusal.value.code == "same"


# A limit that is moved there, and the guard that then finds what it did not find before.
EFFECTS = {
    "G04_cost_days": (30, "G04"),
    "G07_margin": (60, "G07"),
    "G08_warn": (5, "G08"),
    "G11_deviation": (5, "G11"),
    "G14_lead_hours": (720, "G14"),
}


def test_each_limit_of_the_policy_is_one_that_a_guard_reads():
    sources = "".join(path.read_text() for path in Path(policy.__file__).parent.glob("*.py"))
    steps = {f"G08_{step}": "G08_{step}" for step in ("warn", "sign", "block")}
    for limit in policy.LIMITS:
        assert f"%({limit.key})s" in sources or f"%({steps.get(limit.key)})s" in sources, limit.key
    assert {limit.key for limit in policy.LIMITS} == {
        f"{code}_{name}" for code, values in policy.DEFAULT_LIMITS.items() for name in values
    }


@pytest.mark.parametrize("key", EFFECTS)
def test_a_confirmed_limit_judges_the_next_check(finance, manager, key):
    value, code = EFFECTS[key]
    shop = Shop()
    document = shop.price_list()
    sku = shop.sku(cost_as_of=timezone.localdate() - timedelta(days=60))
    line(document, sku, "107.00", reference_price="100.00")
    assert found(document, code) == []
    policy.confirm(proposed_by(finance, **{key: value}).pk, by=manager)
    assert [severity for severity, _variant in found(document, code)] in (["warn"], ["sign"])


# ── The screen ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_other_role_is_told_and_so_is_the_proposer(finance, manager):
    proposal = proposed_by(finance)
    assert list(Notice.objects.values_list("user", flat=True)) == [manager.pk]
    policy.confirm(proposal.pk, by=manager)
    assert Notice.objects.filter(user=finance).count() == 1


def test_the_page_shows_every_limit_with_its_value_and_unit(db, signed_in):
    body = signed_in(roles=["auditor"]).get(reverse("admin:guard_policy")).content.decode()
    for limit in policy.LIMITS:
        assert str(limit.words) in body
    assert reverse("admin:guard_policy_propose") not in body


def test_who_may_not_see_the_limits_finds_no_page(db, signed_in):
    client = signed_in(roles=["customer_service"])
    assert client.get(reverse("admin:guard_policy")).status_code == 404
    assert client.get(reverse("admin:guard_policy_propose")).status_code == 404


def test_who_may_only_see_the_limits_cannot_propose_or_answer(signed_in, finance):
    proposal = proposed_by(finance)
    client = signed_in(roles=["general_manager"])
    assert client.get(reverse("admin:guard_policy_propose")).status_code == 404
    assert client.post(reverse("admin:guard_policy_answer", args=[proposal.pk])).status_code == 404


def typed(**changes):
    return {limit.key: limits(**changes)[limit.code][limit.name] for limit in policy.LIMITS}


def test_a_proposal_and_its_confirmation_through_the_screen(signed_in, manager):
    client = signed_in(roles=["finance"])
    page = client.post(
        reverse("admin:guard_policy_propose"), {**typed(G08_warn=12), "reason": "收紧"}, follow=True
    )
    proposal = GuardPolicy.objects.get()
    assert (proposal.limits["G08"]["warn"], proposal.state) == (12, "proposed")
    answer = reverse("admin:guard_policy_answer", args=[proposal.pk])
    assert 'value="confirm"' not in page.content.decode()

    client = signed_in(manager)
    assert 'value="confirm"' in client.get(reverse("admin:guard_policy")).content.decode()
    assert client.get(answer).status_code == 405
    client.post(answer, {"answer": "confirm"})
    proposal.refresh_from_db()
    assert (proposal.state, proposal.decided_by) == ("in_force", manager)


def test_a_fault_stands_at_its_field_and_what_was_typed_stays(db, signed_in):
    client = signed_in(roles=["finance"])
    page = client.post(
        reverse("admin:guard_policy_propose"), {**typed(), "G08_warn": "zehn", "reason": "收紧"}
    )
    body = page.content.decode()
    assert 'id="G08_warn-fault"' in body and 'value="zehn"' in body and 'value="收紧"' in body
