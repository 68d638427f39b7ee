"""Many at once, over HTTP, at a server with processes and threads: one decides, the others read who did."""

import threading

import pytest
from django.db import connections
from django.urls import reverse

from approvals.flow import filing
from approvals.models import Decision, Document, DocumentState, Step, Task
from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState
from stores.models import PriceInForce
from tests.approvals import filings as made
from tests.approvals.test_races import at_once, looked_at
from tests.approvals.world import make_flow, make_world, person, submitted
from tests.factories import DepartmentFactory
from tests.reliability.conftest import PEOPLE
from tests.reliability.visiting import Visitor

ROUNDS = 50


def press_at_once(acts):
    """Run the acts in threads that start together; return what each returned, in their order."""
    barrier, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def press(place, act):
        barrier.wait(30)
        answers[place] = act()

    threads = [threading.Thread(target=press, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return answers


def pressing(visitor, task, verdict, document):
    """Return the act of pressing a button on the review page and reading what comes."""
    data = {"verdict": verdict, "content_hash": document.content_hash, "comment": "看过了"}
    path = reverse("admin:review_decide", args=[task.pk])

    def press():
        answer = visitor.post(path, data)
        return answer, visitor.follow(answer)

    return press


def reviewing_world():
    """A world in which one of sixteen managers reviews, without a password."""
    world = make_world()
    department = DepartmentFactory()
    people = [person(f"manager{n}", ["ecommerce_manager"], department) for n in range(PEOPLE - 1)]
    make_flow(
        "price_list", with_campaign=False, kind="review", assignee_kind="role", assignee="ecommerce_manager"
    )
    return world, [world["ecommerce_manager"], *people]


def one_round(world, sessions, number):
    """Let all sessions press at once on one document, and check that one of them decided."""
    document = submitted(world)
    tasks = {task.assignee_id: task for task in looked_at(document)}
    alone = number % 2
    visitors = sessions["one account"] if alone else sessions["sixteen accounts"]
    pressed = [
        pressing(visitor, tasks[visitor.user.pk], ("approve", "send_back")[place % 2], document)
        for place, visitor in enumerate(visitors)
    ]
    answers = press_at_once(pressed)
    decision = Decision.objects.get(document=document)
    told = [page.text for _answer, page in answers]
    assert not [answer.status for answer, page in answers if max(answer.status, page.status) >= 400]
    assert sum("Recorded:" in text for text in told) == 1
    named = "You have already decided" if alone else f"{decision.actor_name} decided at"
    assert sum(named in text for text in told) == len(visitors) - 1
    state = Document.objects.get(pk=document.pk).state
    sent_back = decision.verdict == "send_back"
    assert state == (DocumentState.SENT_BACK if sent_back else DocumentState.IN_APPROVAL)


def walk_rounds(site, rounds):
    world, people = reviewing_world()
    sessions = {
        "sixteen accounts": [Visitor(site, user) for user in people],
        "one account": [Visitor(site, people[0]) for _n in range(PEOPLE)],
    }
    for number in range(rounds):
        one_round(world, sessions, number)


def test_of_sixteen_sessions_that_press_at_once_one_decides_and_fifteen_read_who_did(site):
    """Fails without the lock on the document's row."""
    walk_rounds(site, 2)


@pytest.mark.soak
def test_fifty_rounds_of_sixteen_sessions_give_fifty_decisions(site):
    walk_rounds(site, ROUNDS)


# ── Two lists for the same prices ─────────────────────────────────────────────────────────────────────────────────


def waiting_for(finance, document):
    """Bring a signed document to the step at which finance files it; returns the task."""
    step = Step.objects.get(process__document=document, kind="file")
    task = Task.objects.create(step=step, document=document, assignee=finance, because="财务", state="open")
    made.decided(document, "sign", made.account("manager", "ecommerce_manager"), "sign")
    Step.objects.filter(process__document=document, kind="sign").update(state="done")
    return task


@pytest.fixture
def rivals(transactional_db):
    """Two signed lists with the same goods, stores and window; [(document, task)]."""
    made.some_stores("jd-cslr", "tb-cslr")
    skus, start = made.some_skus(5), made.next_monday()
    finance = made.account("finance", "finance", name="财务专员")
    lists = [made.price_list(skus, start=start) for _n in range(2)]
    return [(document, waiting_for(finance, document)) for document in lists]


def in_force():
    return set(PriceInForce.objects.values_list("document_number", flat=True))


def test_of_two_lists_filed_at_once_for_the_same_prices_the_second_is_told_of_the_first(site, rivals):
    """Fails without the exclusion constraint once the chain's lock is gone too."""
    pressed = [
        pressing(Visitor(site, task.assignee), task, "file", Document.objects.get(pk=document.pk))
        for document, task in rivals
    ]
    answers = press_at_once(pressed)
    [winner] = in_force()
    loser = next(place for place, (document, _task) in enumerate(rivals) if document.number != winner)
    assert "Recorded:" in answers[1 - loser][1].text
    answer, page = answers[loser]
    assert max(answer.status, page.status) < 500
    assert winner in page.text


def test_of_two_large_lists_filed_by_workers_at_once_the_second_is_told_of_the_first(site, rivals):
    ordered = [
        filing.order_filing(
            task, by=task.assignee, content_hash=document.content_hash, comment="", address=None
        )
        for document, task in rivals
    ]
    at_once(*(lambda pk=job.pk: str(jobs.run(pk)) for job in ordered))
    [winner] = in_force()
    done, failed = sorted(Job.objects.filter(pk__in=[job.pk for job in ordered]), key=lambda job: job.state)
    assert (done.state, failed.state) == (JobState.DONE, JobState.FAILED)
    assert winner in failed.error
    shown = Visitor(site, failed.created_by).get(reverse("admin:job", args=[failed.pk]))
    assert shown.status == 200 and winner in shown.text
    connections.close_all()
