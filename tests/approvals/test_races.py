"""Two at once: one lock, one winner, a sentence for the loser. Real threads with connections of their own."""

import threading
from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections, transaction

from approvals.flow import transitions
from approvals.models import Decision, Document, DocumentState, LineChange, PriceLine, Process, Receipt, Task
from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState, NumberSeries
from opsadmin.core.numbering import next_number
from opsadmin.core.refusals import Refusal
from tests.approvals.carrying_out import executing, in_charge
from tests.approvals.world import (
    PASSWORD,
    draft_price_list,
    explain_all,
    make_flow,
    make_world,
    open_task,
    person,
    submitted,
)
from tests.factories import DepartmentFactory

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts):
    """Run the acts in threads that start together; returns what each returned, or its refusal's code, sorted.

    What is no refusal is named by its class: a loser must read a sentence, never an error.
    """
    barrier, outcomes = threading.Barrier(len(acts)), []

    def run(act):
        try:
            # The connection is there before the start, so that only the acts themselves take their time.
            connection.ensure_connection()
            barrier.wait(20)
            outcomes.append(act())
        except Refusal as refusal:
            outcomes.append(refusal.code)
        except Exception as error:
            outcomes.append(type(error).__name__)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return sorted(outcomes)


def signing(task, document):
    """Return the act of signing a task as its assignee."""

    def sign():
        transitions.decide(
            task.pk,
            by=task.assignee,
            verdict="sign",
            content_hash=document.content_hash,
            password=PASSWORD,
        )
        return "won"

    return sign


def looked_at(document):
    """Return the open tasks of a document, whose people have looked at everything."""
    tasks = list(Task.objects.filter(document=document, state="open").select_related("assignee"))
    for task in tasks:
        transitions.mark_looked(task.pk, by=task.assignee, lines=document.summary["bands"]["must"])
    return tasks


@pytest.fixture
def world():
    return make_world()


@pytest.fixture
def two_managers(world):
    """Two accounts that are asked for the same signature, of which one is enough."""
    person("colleague", ["ecommerce_manager"], DepartmentFactory())
    make_flow("price_list", with_campaign=True, assignee_kind="role", assignee="ecommerce_manager")
    return world


def test_of_two_deciders_at_once_one_decides_and_the_other_reads_who_did(two_managers):
    """Fails without the lock on the document's row."""
    document = submitted(two_managers)
    tasks = looked_at(document)
    assert len(tasks) == 2
    assert at_once(*(signing(task, document) for task in tasks)) == ["decided", "won"]
    assert Decision.objects.filter(document=document).count() == 1
    assert sorted(
        Task.objects.filter(pk__in=[task.pk for task in tasks]).values_list("state", flat=True)
    ) == [
        "closed",
        "done",
    ]


def test_a_decision_sent_twice_is_recorded_once(world):
    """Fails without the lock on the document's row."""
    document = submitted(world)
    (task,) = looked_at(document)
    assert at_once(signing(task, document), signing(task, document)) == ["decided", "won"]
    assert Decision.objects.filter(document=document).count() == 1


def test_a_draft_submitted_twice_at_once_starts_one_process(world):
    """Fails without the lock on the document's row."""
    document = draft_price_list(world, ("95", "100", "100", "100"))
    explain_all(document, by=world["product_strategy"])

    def submit():
        transitions.submit(document.pk, by=world["product_strategy"], content_hash=document.content_hash)
        return "won"

    assert at_once(submit, submit) == ["state", "won"]
    assert Process.objects.filter(document=document).count() == 1


def test_a_document_withdrawn_while_it_is_signed_is_either_withdrawn_or_signed(world):
    """Fails without the lock on the document's row."""
    document = submitted(world)
    (task,) = looked_at(document)

    def withdraw():
        transitions.withdraw(document.pk, by=world["product_strategy"])
        return "won"

    assert at_once(withdraw, signing(task, document)) == ["decided", "won"]
    state = Document.objects.get(pk=document.pk).state
    decided = Decision.objects.filter(document=document).exists()
    assert (state, decided) in {(DocumentState.DRAFT, False), (DocumentState.IN_APPROVAL, True)}


def test_of_two_changes_of_one_line_at_once_one_is_kept(two_managers):
    """Fails without the lock on the document's row."""
    document = submitted(two_managers)
    tasks = looked_at(document)
    line = PriceLine.objects.filter(document=document.pk).first()

    def changing(task, price):
        def change():
            transitions.change_line(
                task.pk, by=task.assignee, line_pk=line.pk, version=line.version, final_price=price
            )
            return "won"

        return change

    assert at_once(changing(tasks[0], 93), changing(tasks[1], 94)) == ["edited", "won"]
    assert LineChange.objects.filter(document=document).count() == 1


def test_a_signature_does_not_cover_a_price_that_changes_at_the_same_moment(two_managers):
    """Fails without the lock on the document's row."""
    document = submitted(two_managers)
    first, second = looked_at(document)
    line = PriceLine.objects.filter(document=document.pk).first()

    def change():
        transitions.change_line(
            second.pk, by=second.assignee, line_pk=line.pk, version=line.version, final_price=93
        )
        return "won"

    outcomes = at_once(signing(first, document), change)
    assert outcomes in (["decided", "won"], ["stale", "won"])
    decision = Decision.objects.filter(document=document).first()
    if decision is not None:
        assert decision.content_hash == Document.objects.get(pk=document.pk).content_hash


def test_numbers_drawn_at_once_run_without_gaps_and_none_is_given_twice():
    """Fails where the last number is read first and written afterwards, without the row's lock between."""

    def draw():
        with transaction.atomic():
            return next_number("TT")

    first = at_once(*[draw] * 4)
    second = at_once(*[draw] * 4)
    assert [number[-4:] for number in first + second] == [f"{n:04}" for n in range(1, 9)]
    assert NumberSeries.objects.get(prefix="TT").last == 8


def test_of_workers_that_take_a_job_at_once_one_has_it():
    """Fails without the lock on the job's row."""
    for _turn in range(8):
        job = Job.objects.create(kind="nothing", payload={})
        outcomes = at_once(*[partial(take, job.pk)] * 6)
        assert outcomes == ["none"] * 5 + ["taken"]
        job.refresh_from_db()
        assert (job.state, job.attempt) == (JobState.RUNNING, 1)


def take(pk):
    return "none" if jobs.claim(pk) is None else "taken"


def test_everybody_at_the_same_task_leaves_the_chain_of_decisions_whole(world):
    """Fails without the lock on the document's row."""
    document = submitted(world)
    task = open_task(document, world["ecommerce_manager"])
    looked_at(document)
    outcomes = at_once(*[signing(task, document)] * 4)
    assert outcomes == ["decided", "decided", "decided", "won"]


def test_of_two_receipts_for_one_store_at_once_one_is_kept_and_the_other_told_who_was_first(world):
    """Fails without the lock on the document's row."""
    colleague = person("colleague", ["customer_service"], world["hr"].account.employee.home_department)
    store = world.stores[0]
    in_charge(world, colleague, store)
    document = executing(world)
    tasks = list(Task.objects.filter(document=document, store=store).select_related("assignee"))
    barrier, outcomes = threading.Barrier(2), []

    def give(task):
        data = {"file": SimpleUploadedFile("结果.csv", b"ok"), "applied": 4}
        barrier.wait()
        try:
            transitions.decide(
                task.pk, by=task.assignee, verdict="execute", content_hash=document.content_hash, data=data
            )
            outcomes.append("kept")
        except Refusal as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=give, args=[task]) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["decided", "kept"]
    assert Receipt.objects.filter(document=document, store=store).count() == 1
