"""How many of those who are asked must decide: any, all, a number of them, one after the other."""

import pytest

from approvals.flow import routing, transitions
from approvals.models import Decision, Document, DocumentState, Event, Step, Task
from approvals.tasks import check_deadlines
from opsadmin.core.models import Notice
from opsadmin.core.refusals import Refusal
from tests.approvals.world import (
    draft_price_list,
    explain_all,
    file,
    make_flow,
    make_world,
    person,
    sign,
    submitted,
)
from tests.factories import DepartmentFactory

pytestmark = pytest.mark.django_db
SIGNERS = ("first", "second", "third")


@pytest.fixture(scope="module")
def made_world(rolled_back):
    """Three managers are asked for the first signature, in this order."""
    made = make_world()
    made["ecommerce_manager"].groups.clear()
    department = DepartmentFactory(name="审核部")
    for name in SIGNERS:
        made.people[name] = person(name, ["ecommerce_manager"], department)
    return made


def in_flow(world, **step):
    """Return a price list that waits for the signers, in a flow whose first step says this."""
    make_flow("price_list", with_campaign=True, assignee_kind="role", assignee="ecommerce_manager", **step)
    return submitted(world)


def states(world, document):
    """Return the states of the signers' tasks, in their order."""
    tasks = dict(
        Task.objects.filter(document=document, step__order=1).values_list("assignee__username", "state")
    )
    return [tasks[name] for name in SIGNERS]


def waits_for(document):
    """Return the kind of step that the document waits in."""
    return Step.objects.get(process__document=document, state="active").kind


def leave(world, name):
    """Take the role from somebody, and let the clock look for others."""
    world[name].groups.clear()
    check_deadlines()


class TestAny:
    def test_one_signature_is_enough_and_closes_the_tasks_of_the_others(self, world):
        document = in_flow(world, quorum="any")
        assert states(world, document) == ["open"] * 3
        sign(world, document, role="second")
        assert states(world, document) == ["closed", "done", "closed"]
        assert waits_for(document) == "file"


class TestAll:
    def test_the_step_ends_with_the_last_signature(self, world):
        document = in_flow(world, quorum="all")
        for name, after in (
            ("second", ["open", "done", "open"]),
            ("first", ["done", "done", "open"]),
        ):
            sign(world, document, role=name)
            assert states(world, document) == after
            assert waits_for(document) == "sign"
        sign(world, document, role="third")
        assert waits_for(document) == "file"
        file(world, document)
        assert Document.objects.get(pk=document.pk).state == DocumentState.FILED

    def test_each_signs_once(self, world):
        document = in_flow(world, quorum="all")
        task = Task.objects.get(document=document, assignee=world["first"])
        sign(world, document, role="first")
        with pytest.raises(Refusal) as refused:
            transitions.decide(
                task.pk, by=world["first"], verdict="sign", content_hash=document.content_hash, password="x"
            )
        assert refused.value.code == "decided"
        assert Decision.objects.filter(document=document).count() == 1

    def test_one_of_them_sends_the_document_back_whatever_others_signed(self, world):
        document = in_flow(world, quorum="all")
        sign(world, document, role="first")
        task = Task.objects.get(document=document, assignee=world["second"])
        transitions.decide(
            task.pk,
            by=world["second"],
            verdict="send_back",
            content_hash=Document.objects.get(pk=document.pk).content_hash,
            comment="请重核成本",
        )
        assert Document.objects.get(pk=document.pk).state == DocumentState.SENT_BACK
        assert states(world, document) == ["done", "done", "closed"]

    def test_somebody_who_lost_the_role_is_not_waited_for(self, world):
        document = in_flow(world, quorum="all")
        sign(world, document, role="first")
        leave(world, "third")
        assert states(world, document) == ["done", "open", "closed"]
        sign(world, document, role="second")
        assert waits_for(document) == "file"

    def test_when_the_only_one_still_waited_for_leaves_the_document_goes_on(self, world):
        document = in_flow(world, quorum="all")
        sign(world, document, role="first")
        sign(world, document, role="second")
        leave(world, "third")
        assert waits_for(document) == "file"
        assert Event.objects.filter(document=document, kind="rerouted").exists()

    def test_who_takes_over_the_role_is_asked_in_the_place_of_who_left(self, world):
        document = in_flow(world, quorum="all")
        sign(world, document, role="first")
        world.people["fourth"] = person("fourth", ["ecommerce_manager"], DepartmentFactory())
        leave(world, "third")
        sign(world, document, role="second")
        assert waits_for(document) == "sign"
        sign(world, document, role="fourth")
        assert waits_for(document) == "file"


class TestSome:
    def test_two_of_three_are_enough(self, world):
        document = in_flow(world, quorum="some", quorum_number=2)
        sign(world, document, role="third")
        assert waits_for(document) == "sign"
        sign(world, document, role="first")
        assert states(world, document) == ["done", "closed", "done"]
        assert waits_for(document) == "file"

    def test_fewer_people_than_needed_are_reported_before_submitting(self, world):
        make_flow(
            "price_list",
            with_campaign=True,
            assignee_kind="role",
            assignee="ecommerce_manager",
            quorum="some",
            quorum_number=4,
        )
        document = draft_price_list(world, ("95", "100", "100", "100"))
        explain_all(document, by=world["product_strategy"])
        assert "4" in routing.preview(document)[0].problem
        with pytest.raises(Refusal) as refused:
            transitions.submit(document.pk, by=world["product_strategy"], content_hash=document.content_hash)
        assert refused.value.code == "route"

    def test_a_departure_does_not_lower_how_many_must_sign(self, world):
        document = in_flow(world, quorum="some", quorum_number=2)
        sign(world, document, role="first")
        leave(world, "third")
        assert states(world, document) == ["done", "open", "closed"]
        assert waits_for(document) == "sign"
        sign(world, document, role="second")
        assert waits_for(document) == "file"


class TestInOrder:
    def test_each_is_asked_when_the_one_before_has_signed(self, world):
        document = in_flow(world, quorum="in_order")
        assert states(world, document) == ["open", "planned", "planned"]
        assert asked(world, document) == ["first"]
        sign(world, document, role="first")
        assert states(world, document) == ["done", "open", "planned"]
        assert asked(world, document) == ["first", "second"]
        sign(world, document, role="second")
        assert waits_for(document) == "sign"
        sign(world, document, role="third")
        assert waits_for(document) == "file"

    def test_nobody_signs_before_the_turn(self, world):
        document = in_flow(world, quorum="in_order")
        task = Task.objects.get(document=document, assignee=world["second"])
        with pytest.raises(Refusal):
            transitions.decide(
                task.pk,
                by=world["second"],
                verdict="sign",
                content_hash=document.content_hash,
                password="a-long-enough-password",
            )
        assert not Decision.objects.filter(document=document).exists()

    def test_when_the_one_whose_turn_it_is_leaves_the_next_is_asked(self, world):
        document = in_flow(world, quorum="in_order")
        sign(world, document, role="first")
        leave(world, "second")
        assert states(world, document) == ["done", "closed", "open"]
        sign(world, document, role="third")
        assert waits_for(document) == "file"

    def test_somebody_who_left_before_the_turn_is_passed_over(self, world):
        document = in_flow(world, quorum="in_order")
        leave(world, "second")
        sign(world, document, role="first")
        assert states(world, document) == ["done", "closed", "open"]

    def test_new_people_are_asked_one_after_the_other_too(self, world):
        document = in_flow(world, quorum="in_order")
        for name in ("fourth", "fifth"):
            world.people[name] = person(name, ["ecommerce_manager"], DepartmentFactory())
        for name in SIGNERS:
            world[name].groups.clear()
        check_deadlines()
        tasks = Task.objects.filter(document=document, step__order=1, state__in=["open", "planned"])
        assert list(tasks.order_by("order").values_list("state", flat=True)) == ["open", "planned"]


def asked(world, document):
    """Return which signers were told of their task, in their order."""
    keys = {f"task:{task.pk}": task.assignee.username for task in Task.objects.filter(document=document)}
    told = {keys[key] for key in Notice.objects.filter(key__in=keys).values_list("key", flat=True)}
    return [name for name in SIGNERS if name in told]
