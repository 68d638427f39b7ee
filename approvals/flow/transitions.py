"""The transitions of a document: each one function, one transaction, one lock on the document's row.

The order inside each is the same: lock, may they, does it fit, write, tell others after commit.
"""

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals import permissions
from approvals.content import content_hash as hash_content
from approvals.content import line_text_sql, refresh_hash
from approvals.flow import effects, routing
from approvals.flow.record import write_decision, write_event
from approvals.kinds import kind_of, specific
from approvals.models import (
    EDITABLE_STATES,
    Attachment,
    Comment,
    Decision,
    Document,
    DocumentAuthor,
    DocumentState,
    Event,
    LineChange,
    Process,
    ProcessState,
    Quorum,
    Step,
    StepKind,
    StepState,
    Task,
    TaskState,
    Verdict,
)
from opsadmin.core import clock
from opsadmin.core.files import store_file
from opsadmin.core.notices import tell
from opsadmin.core.refusals import Refusal
from staffing import people

WAITED_FOR = (TaskState.OPEN, TaskState.PLANNED)
VERDICTS = {
    StepKind.REVIEW: (Verdict.APPROVE, Verdict.SEND_BACK),
    StepKind.SIGN: (Verdict.SIGN, Verdict.SEND_BACK),
    StepKind.FILE: (Verdict.FILE, Verdict.SEND_BACK),
    StepKind.COMPLETE: (Verdict.COMPLETE,),
    StepKind.EXECUTE: (Verdict.EXECUTE,),
}


def locked(pk):
    """Return the document with its row locked: every transition begins here."""
    return Document.objects.select_for_update().get(pk=pk)


def open_process(document):
    return Process.objects.filter(document=document, state=ProcessState.OPEN).first()


# ── Submission ────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def submit(pk, *, by, content_hash, chosen=None, channel="web"):
    """Put a draft on its way: pin the flow's version, copy the people into tasks, open the first step.

    ``content_hash`` is the digest that was shown. Raises PermissionDenied, or Refusal: ``state``, ``stale`` (content
    or prices in force changed since), ``empty``, ``blocked``, ``unacknowledged``, ``route`` (a step without people).
    """
    from approvals import guards

    document = locked(pk)
    if not permissions.may_draft(by, document.kind):
        raise PermissionDenied
    if document.state not in EDITABLE_STATES:
        raise Refusal(_("Only a draft can be submitted."), code="state")
    kind_of(document).renew(document)
    if content_hash != refresh_hash(document):
        raise Refusal(
            _("The content has changed since you opened this page. Check again and submit then."),
            code="stale",
        )
    if not document.line_count:
        raise Refusal(_("There are no lines to submit."), code="empty")
    if document.block_count:
        raise Refusal(blocked_sentence(document), code="blocked")
    if guards.unacknowledged(document).exists():
        raise Refusal(_("Some warnings have no reason yet."), code="unacknowledged")
    return start_process(document, by=by, chosen=chosen, channel=channel)


def blocked_sentence(document):
    return ngettext(
        "Cannot be submitted yet: %(n)d blocking hit.",
        "Cannot be submitted yet: %(n)d blocking hits.",
        document.block_count,
    ) % {"n": document.block_count}


def start_process(document, *, by, chosen, channel):
    """Write process, steps and tasks for the route as it stands now, and open the first step."""
    now = clock.now()
    resubmitted = document.state == DocumentState.SENT_BACK or document.processes.exists()
    document.submitted_by, document.submitted_at = by, now
    document.state = DocumentState.IN_APPROVAL
    document.round = document.round + 1 if resubmitted else document.round
    document.save(update_fields=["submitted_by", "submitted_at", "state", "round", "updated_at"])
    DocumentAuthor.objects.get_or_create(document=document, user=by)
    version = routing.version_for(document)
    route = routing.preview(document, version=version, chosen=chosen)
    problem = next((step.problem for step in route if step.problem and step.needed), "")
    if problem:
        raise Refusal(_("The route is not complete: %(problem)s") % {"problem": problem}, code="route")
    name, position, department = people.post_of(by, clock.today())
    process = Process.objects.create(
        document=document,
        round=document.round,
        flow_version=version,
        submitted_by=by,
        submitter={"name": name, "position": position, "department": department},
        content_hash=document.content_hash,
        chosen=chosen or {},
        started_at=now,
    )
    write_event(
        document,
        "submitted",
        by=by,
        round=document.round,
        content_hash=document.content_hash,
        channel=channel,
    )
    for planned in route:
        copy_step(process, planned)
    kind_of(document).submitted(specific(document), by=by)
    advance(process, document)
    return process


def copy_step(process, planned):
    """Copy a planned step and its people into the process."""
    step = Step.objects.create(
        process=process,
        flow_step=planned.flow_step,
        order=planned.order,
        kind=planned.kind,
        name=planned.name,
        quorum=planned.flow_step.quorum,
        quorum_number=planned.flow_step.quorum_number,
        edits_lines=planned.flow_step.edits_lines,
        because=planned.because,
        due_at=planned.due_at,
    )
    Task.objects.bulk_create(new_task(step, process.document_id, task) for task in planned.tasks)


def new_task(step, document_id, planned):
    return Task(
        step=step,
        document_id=document_id,
        store=planned.store,
        assignee=planned.user,
        principal=planned.principal,
        order=planned.order,
        because=planned.because[:200],
        due_at=step.due_at,
    )


@transaction.atomic
def withdraw(pk, *, by):
    """Take a document back before anybody has decided on this round. Refusal: ``state`` or ``decided``."""
    document = locked(pk)
    if document.state != DocumentState.IN_APPROVAL:
        raise Refusal(_("This document is not in approval."), code="state")
    if document.submitted_by_id != by.pk:
        raise PermissionDenied
    decision = Decision.objects.filter(document=document, round=document.round).first()
    if decision is not None:
        raise Refusal(decided_sentence(decision), code="decided", decision=decision)
    process = open_process(document)
    close_process(process, ProcessState.WITHDRAWN)
    document.state = DocumentState.DRAFT
    document.save(update_fields=["state", "updated_at"])
    kind_of(document).reopened(specific(document))
    write_event(document, "withdrawn", by=by, round=document.round)
    return document


@transaction.atomic
def cancel(pk, *, by):
    """Give up a draft. Its number stays, so that the series has no gap. Refusal: ``state``."""
    document = locked(pk)
    if not permissions.may_draft(by, document.kind):
        raise PermissionDenied
    if document.state not in EDITABLE_STATES:
        raise Refusal(_("Only a draft can be given up."), code="state")
    document.state = DocumentState.CANCELLED
    document.save(update_fields=["state", "updated_at"])
    kind_of(document).cancelled(specific(document), by=by)
    write_event(document, "cancelled", by=by)
    return document


# ── Decisions ─────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def decide(
    task_pk,
    *,
    by,
    verdict,
    content_hash,
    comment="",
    password=None,
    data=None,
    channel="web",
    address=None,
):
    """Decide one task, once. The decision is bound to the digest of the content that was shown.

    Raises PermissionDenied (not this account's task, or its right is gone) or Refusal: ``decided`` (who and when),
    ``stale``, ``verdict``, ``comment``, ``password``, ``author``, ``blocked``, ``unacknowledged``, ``unseen``.
    """
    task = Task.objects.only("document_id").get(pk=task_pk)
    document = locked(task.document_id)
    task = Task.objects.select_related("step__process", "step__flow_step", "store", "principal").get(
        pk=task_pk
    )
    if task.assignee_id != by.pk or not permissions.may_take_part(by):
        raise PermissionDenied
    check_open(task, by)
    check_no_author(task, document, by=by)
    check_still_theirs(task, document)
    check_verdict(task, document, by=by, verdict=verdict, comment=comment, password=password)
    check_fresh(document, content_hash)
    if verdict == Verdict.SIGN or verdict == Verdict.APPROVE:
        check_ready_to_sign(task, document, by=by)
    decision = write_decision(
        task,
        document=document,
        by=by,
        verdict=verdict,
        comment=comment.strip(),
        content_hash=content_hash,
        channel=channel,
        address=address,
    )
    if verdict == Verdict.SEND_BACK:
        send_back(task, document, decision)
    else:
        effects.apply(document, task, decision, data)
        close_task(task, document)
    return decision


def check_fresh(document, content_hash):
    """Refuse unless what was shown is what stands."""
    if content_hash != document.content_hash:
        raise Refusal(
            _("The content has changed; what you see is not the latest. Your signature was not recorded."),
            code="stale",
        )


def check_open(task, by):
    """Refuse unless the task is open, and say who was quicker."""
    if task.state == TaskState.OPEN:
        return
    decision = (
        Decision.objects.filter(task__step=task.step, task__store=task.store)
        .select_related("actor")
        .order_by("-pk")
        .first()
    )
    if decision is None:
        raise Refusal(_("This task is closed; the document has moved on."), code="decided")
    raise Refusal(decided_sentence(decision, reader=by), code="decided", decision=decision)


def decided_sentence(decision, reader=None):
    """Return who decided what and when, for somebody who came too late."""
    known = {
        "who": decision.actor_name,
        "verdict": Verdict(decision.verdict).label,
        "time": timezone.localtime(decision.at).strftime("%Y-%m-%d %H:%M:%S"),
    }
    if reader is not None and reader.pk == decision.actor_id:
        return _("You have already decided: %(verdict)s at %(time)s. Nothing was recorded twice.") % known
    return _("%(who)s decided at %(time)s: %(verdict)s. Nothing of yours was recorded.") % known


def check_no_author(task, document, *, by):
    """Refuse who submitted or drafted the document, by whatever account, post, delegation or right the task came."""
    if task.step.kind in routing.DECIDING and routing.is_barred(by, routing.barred_people(document)):
        raise Refusal(_("You cannot decide on what you submitted or drafted."), code="author")


def check_still_theirs(task, document):
    """Refuse when the account no longer holds what made the task its own: post, role, store or delegation."""
    planned, _problem = routing.people_for(
        task.step.flow_step,
        document,
        store=task.store,
        chosen=task.step.process.chosen.get(str(task.step.order)),
    )
    if task.assignee_id not in {item.user.pk for item in planned}:
        raise PermissionDenied


def check_verdict(task, document, *, by, verdict, comment, password):
    """Refuse a verdict that this step does not take, or whose conditions are missing."""
    if verdict not in VERDICTS.get(task.step.kind, ()):
        raise Refusal(_("This step does not take that decision."), code="verdict")
    if verdict == Verdict.SEND_BACK and not comment.strip():
        raise Refusal(_("Say why you send it back."), code="comment")
    if verdict == Verdict.SIGN and not (password and by.check_password(password)):
        raise Refusal(_("The password is wrong. Your signature was not recorded."), code="password")


def check_ready_to_sign(task, document, *, by):
    """Refuse a signature while something stops it: a block, a warning without reason, must-look lines not seen."""
    from approvals import guards

    if document.guarded_hash != document.content_hash:
        kind_of(document).judge(document)
    if document.block_count:
        raise Refusal(_("There are blocking hits; it cannot be signed."), code="blocked")
    if guards.unacknowledged(document).exists():
        raise Refusal(_("Some warnings have no reason yet."), code="unacknowledged")
    must_look = (document.summary or {}).get("bands", {}).get("must", 0)
    if must_look and not has_looked(task, by):
        raise Refusal(_("Look at the must-look lines first."), code="unseen")


def has_looked(task, by):
    """Say whether the account has had all must-look lines of this task on its screen."""
    return Event.objects.filter(
        document=task.document_id, kind="looked", actor=by, data__task=task.pk
    ).exists()


def send_back(task, document, decision):
    """End the round; the submitter may change the document and submit it again."""
    task.state, task.closed_at = TaskState.DONE, decision.at
    task.save(update_fields=["state", "closed_at"])
    close_process(task.step.process, ProcessState.SENT_BACK)
    remember_decided(document)
    document.state = DocumentState.SENT_BACK
    document.save(update_fields=["state", "updated_at"])
    kind_of(document).reopened(specific(document))
    tell(
        [document.submitted_by],
        _("%(who)s sent %(number)s back: %(comment)s")
        % {"who": decision.actor_name, "number": document.number, "comment": decision.comment[:80]},
        url=reverse("admin:document", args=[document.pk]),
        key=f"sent_back:{decision.pk}",
    )


def remember_decided(document):
    """Note each line's digest as it was decided on, so that the next round shows only what changed since."""
    kind = kind_of(document)
    text = line_text_sql(kind)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {kind.line_table} l SET decided_digest = encode(sha256(convert_to({text}, 'UTF8')), 'hex') "
            "WHERE document_id = %s",
            [document.pk],
        )


def close_process(process, state):
    """End a process: what is still open or waiting stops without a decision."""
    now = clock.now()
    open_states = [TaskState.OPEN, TaskState.PLANNED]
    Task.objects.filter(step__process=process, state__in=open_states).update(
        state=TaskState.CLOSED, closed_at=now
    )
    process.steps.filter(state__in=[StepState.ACTIVE, StepState.WAITING]).update(
        state=StepState.STOPPED, closed_at=now
    )
    process.state, process.ended_at = state, now
    process.save(update_fields=["state", "ended_at"])


def close_task(task, document):
    """Close a decided task, and its step once as many have decided as the step asks for."""
    task.state, task.closed_at = TaskState.DONE, clock.now()
    task.save(update_fields=["state", "closed_at"])
    go_on(task.step, task.store, document, after=task)


def go_on(step, store, document, after=None):
    """Ask whose turn it is, or end the step (for this store) once as many have decided as it asks for."""
    now = clock.now()
    siblings = step.tasks.filter(store=store)
    if step.quorum == Quorum.IN_ORDER and ask_next(siblings, document):
        return
    if siblings.filter(state=TaskState.DONE).count() < votes_needed(step, siblings):
        return
    siblings.filter(state__in=WAITED_FOR).update(state=TaskState.CLOSED, closed_at=now)
    if step.tasks.filter(state__in=WAITED_FOR).exists():
        return
    step.state, step.closed_at = StepState.DONE, now
    step.save(update_fields=["state", "closed_at"])
    document.refresh_from_db()
    advance(step.process, document, after=after)


def ask_next(siblings, document):
    """Open the first planned task of a step walked one after the other; says whether somebody is waited for."""
    if siblings.filter(state=TaskState.OPEN).exists():
        return True
    following = siblings.filter(state=TaskState.PLANNED).order_by("order", "pk").first()
    if following is not None:
        open_tasks(Task.objects.filter(pk=following.pk), document)
    return following is not None


def votes_needed(step, siblings):
    """Return how many decisions a step needs, per store where it is carried out per store.

    Who left without deciding is not counted among all; but a number that was asked for stays that number.
    """
    everybody = siblings.exclude(state=TaskState.CLOSED).count()
    return {
        Quorum.ANY: 1,
        Quorum.ALL: everybody,
        Quorum.IN_ORDER: everybody,
        Quorum.SOME: step.quorum_number,
    }[Quorum(step.quorum)]


# ── Moving on ─────────────────────────────────────────────────────────────────────────────────────────────────────


def advance(process, document, after=None):
    """Open the next step that is needed on the data as it is stored now; end the process after the last.

    A conditional step that is not needed is skipped; so is a review or signature whose only possible decider has
    just decided the step before. Both are events of their own kind, never decisions.
    """
    for step in process.steps.filter(state=StepState.WAITING).select_related("flow_step"):
        known = routing.facts(document)
        if not routing.needed(step.flow_step.condition, known):
            skip(step, document, reason="not_needed")
        elif after is not None and repeats(step, after):
            skip(step, document, reason="same_person", decision=after.decision.pk)
        elif open_step(step, document, known):
            return
    end_process(process, document)


def skip(step, document, **data):
    step.state, step.closed_at = StepState.SKIPPED, clock.now()
    step.save(update_fields=["state", "closed_at"])
    step.tasks.update(state=TaskState.CLOSED, closed_at=step.closed_at)
    write_event(document, "skipped", step=step.name, **data)


def repeats(step, after):
    """Say whether the account that has just signed is the only one whom this signature step asks."""
    deciding = (StepKind.REVIEW, StepKind.SIGN)
    if step.kind not in deciding or after.step.kind not in deciding:
        return False
    return set(step.tasks.values_list("assignee", flat=True)) == {after.assignee_id}


def open_step(step, document, known):
    """Open a step's tasks. Returns False for a step that only informs: the next one is opened at once."""
    now = clock.now()
    step.because = routing.condition_sentence(step.flow_step.condition, known)
    step.state, step.opened_at = StepState.ACTIVE, now
    step.save(update_fields=["because", "state", "opened_at"])
    if not step.tasks.exists():
        reroute(step, document)
    if step.kind == StepKind.EXECUTE:
        close_idle_stores(step, document)
    tasks = step.tasks.all()
    if step.kind == StepKind.INFORM:
        inform(step, document)
        return False
    if step.quorum != Quorum.IN_ORDER:
        open_tasks(tasks, document)
        return True
    for store in stores_of(step):
        ask_next(tasks.filter(store=store), document)
    return True


def close_idle_stores(step, document):
    """Ask no store whose lines have all been struck since the submission: it has nothing to carry out."""
    idle = step.tasks.exclude(store__in=routing.document_stores(document))
    idle.update(state=TaskState.CLOSED, closed_at=clock.now())


def inform(step, document):
    """Tell the people of a step that only informs, and close it."""
    now = clock.now()
    readers = [task.assignee for task in step.tasks.select_related("assignee")]
    tell(
        readers,
        _("For your information: %(number)s %(title)s")
        % {"number": document.number, "title": document.title},
        url=reverse("admin:document", args=[document.pk]),
        key=f"inform:{step.pk}",
    )
    step.tasks.update(state=TaskState.CLOSED, closed_at=now)
    step.state, step.closed_at = StepState.DONE, now
    step.save(update_fields=["state", "closed_at"])


def open_tasks(tasks, document):
    """Open tasks and tell their people, once per task."""
    waiting = list(tasks.filter(state=TaskState.PLANNED).select_related("assignee", "step", "store"))
    Task.objects.filter(pk__in=[task.pk for task in waiting]).update(
        state=TaskState.OPEN, opened_at=clock.now()
    )
    for task in waiting:
        tell(
            [task.assignee],
            _("%(step)s: %(number)s %(title)s")
            % {"step": task.step.name, "number": document.number, "title": document.title},
            url=reverse("admin:review", args=[task.pk]),
            key=f"task:{task.pk}",
        )


def stores_of(step):
    """Return the stores of a step's tasks; [None] for a step that is not carried out per store."""
    return list(step.tasks.order_by("store").values_list("store", flat=True).distinct())


def reroute(step, document):
    """Ask the people who hold the posts today in the place of those who no longer do.

    Kept as an event; those who were asked before keep their closed tasks. Returns the stores where somebody left or
    came ([None] for a step that is not carried out per store).
    """
    stores = routing.document_stores(document) if step.kind == StepKind.EXECUTE else [None]
    touched, came = [], []
    for store in stores:
        departed, new = replace_departed(step, document, store)
        came += new
        if departed or new:
            touched.append(store)
    if touched:
        write_event(document, "rerouted", step=step.name, people=[str(task.assignee) for task in came])
    return touched


def replace_departed(step, document, store):
    """Close the tasks of those who lost what made them asked, and plan tasks for others; returns both.

    Where one decision is enough, nothing changes while anybody can still make it. Where more are needed, each who
    left is replaced by one who came, and simply not waited for if nobody came.
    """
    planned, problem = routing.people_for(
        step.flow_step, document, store=store, chosen=step.process.chosen.get(str(step.order))
    )
    tasks = list(step.tasks.filter(store=store).order_by("order", "pk"))
    waiting = [task for task in tasks if task.state in WAITED_FOR]
    holders = {item.user.pk for item in planned}
    departed = [task for task in waiting if task.assignee_id not in holders]
    one_is_enough = step.quorum == Quorum.ANY
    if problem or (tasks and not departed) or (one_is_enough and len(departed) < len(waiting)):
        return [], []
    asked = {task.assignee_id for task in tasks if task.state != TaskState.CLOSED}
    newcomers = [item for item in planned if item.user.pk not in asked]
    if departed and not one_is_enough:
        newcomers = newcomers[: len(departed)]
    step.tasks.filter(pk__in=[task.pk for task in departed]).update(
        state=TaskState.CLOSED, closed_at=clock.now()
    )
    places = [task.order for task in departed]
    return departed, [
        plan_task(step, document, store, item, places[at] if at < len(places) else at + 1)
        for at, item in enumerate(newcomers)
    ]


def plan_task(step, document, store, item, order):
    """Return a planned task for somebody; who was asked before and has come back gets the old task again."""
    planned = new_task(
        step, document.pk, routing.PlannedTask(item.user, item.because, item.principal, store, order)
    )
    known = step.tasks.filter(store=store, assignee=item.user).first()
    if known is not None:
        planned.pk = known.pk
    planned.save()
    return planned


def reroute_and_go_on(step, document):
    """Replace who left an active step, ask who came, and end the step where only those who left were waited for."""
    for store in reroute(step, document):
        if step.quorum != Quorum.IN_ORDER:
            open_tasks(step.tasks.filter(store=store), document)
        go_on(step, store, document)


def end_process(process, document):
    """The last step is done: the process has passed, and a filed document is done.

    A kind that files itself is filed by the last signature; it may have to wait for its day until it is done.
    """
    process.state, process.ended_at = ProcessState.PASSED, clock.now()
    process.save(update_fields=["state", "ended_at"])
    if kind_of(document).files_itself:
        from approvals.archive.filing import file_document

        last = Decision.objects.filter(document=document).select_related("actor", "task__step").latest("pk")
        file_document(document, last.task, last)
    if document.state == DocumentState.FILED and kind_of(document).settled(specific(document)):
        finish(document)
    write_event(document, "ended")


def finish(document):
    """Nothing of a filed document is left to come: it is done, and its end is sealed."""
    from approvals.archive.filing import close_document

    document.state = DocumentState.DONE
    document.save(update_fields=["state", "updated_at"])
    close_document(document)


# ── Beside the decision ───────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def change_line(task_pk, *, by, line_pk, version, final_price=None, struck=None, strike_reason=""):
    """Change the final price of a line, or strike or keep it, inside a decider's own step; guards judge at once.

    Returns (line, document). Refusal: ``decided``, ``not_here`` (the step does not allow it), ``edited`` (the line has
    another version by now; data: line), ``invalid``.
    """
    task = Task.objects.only("document_id").get(pk=task_pk)
    document = locked(task.document_id)
    task = Task.objects.select_related("step__process", "step__flow_step", "store").get(pk=task_pk)
    if task.assignee_id != by.pk or not permissions.may_take_part(by):
        raise PermissionDenied
    check_open(task, by)
    check_still_theirs(task, document)
    if not (task.step.edits_lines and kind_of(document).priced):
        raise Refusal(_("Lines cannot be changed in this step."), code="not_here")
    line = specific(document).lines.get(pk=line_pk)
    if line.version != version:
        raise Refusal(
            _("Somebody else has changed this line; both versions are shown."), code="edited", line=line
        )
    changes = line_changes(line, final_price=final_price, struck=struck, strike_reason=strike_reason)
    if changes:
        line.version += 1
        line.full_clean(validate_unique=False)
        line.save(update_fields=[*changes, "version"])
        write_line_changes(line, changes, document=document, task=task, by=by)
        kind_of(document).judge(document, touched=[line.pk])
        refresh_guarded_hash(document)
        line.refresh_from_db()
    return line, document


def line_changes(line, *, final_price, struck, strike_reason):
    """Set what changes on the line and return {field: (before, after)}."""
    changes = {}
    if final_price is not None and final_price != line.final_price:
        changes["final_price"] = (line.final_price, final_price)
        line.final_price = final_price
    if struck is not None and struck != line.struck:
        if struck and not strike_reason.strip():
            raise Refusal(_("Say why the line is struck."), code="invalid")
        reason = strike_reason.strip() if struck else ""
        changes["struck"] = (line.struck, struck)
        changes["strike_reason"] = (line.strike_reason, reason)
        line.struck, line.strike_reason = struck, reason
    return changes


def write_line_changes(line, changes, *, document, task, by):
    now = clock.now()
    LineChange.objects.bulk_create(
        LineChange(
            document=document,
            task=task,
            round=document.round,
            line_id=line.pk,
            sku_code=line.sku_code,
            scope_key=line.scope_key,
            field=field,
            old=str(old),
            new=str(new),
            actor=by,
            actor_name=str(by),
            at=now,
        )
        for field, (old, new) in changes.items()
    )


def refresh_guarded_hash(document):
    """Note that the last check saw the content as it stands now."""
    document.content_hash = document.guarded_hash = hash_content(document)
    document.save(update_fields=["content_hash", "guarded_hash", "updated_at"])


@transaction.atomic
def mark_seen(task_pk, *, by):
    """Note when an assignee first opened the document; it counts nothing and decides nothing."""
    Task.objects.filter(pk=task_pk, assignee=by, first_seen_at__isnull=True).update(first_seen_at=clock.now())


@transaction.atomic
def mark_looked(task_pk, *, by, lines):
    """Note that all must-look lines of a task have been on its assignee's screen."""
    task = (
        Task.objects.select_related("document").filter(pk=task_pk, assignee=by, state=TaskState.OPEN).first()
    )
    if task is None:
        raise PermissionDenied
    must_look = (task.document.summary or {}).get("bands", {}).get("must", 0)
    if lines < must_look:
        raise Refusal(_("Look at the must-look lines first."), code="unseen")
    if not has_looked(task, by):
        write_event(task.document, "looked", by=by, task=task.pk, lines=lines)


@transaction.atomic
def add_comment(pk, *, by, text, files=()):
    """Add a comment with its files; who takes part and sees the document may do so, before and after filing."""
    document = locked(pk)
    if not permissions.may_comment(by) or not Document.objects.visible_to(by).filter(pk=pk).exists():
        raise PermissionDenied
    text = text.strip()
    if not text and not files:
        raise Refusal(_("Write something, or add a file."), code="invalid")
    comment = Comment.objects.create(document=document, author=by, author_name=str(by), text=text)
    for upload in files:
        Attachment.objects.create(
            document=document, comment=comment, file=store_file(upload, name=upload.name, by=by), added_by=by
        )
    readers = {document.drafted_by, document.submitted_by} | {
        task.assignee for task in document.tasks.filter(state=TaskState.OPEN).select_related("assignee")
    }
    tell(
        [user for user in readers if user and user != by],
        _("%(who)s commented on %(number)s") % {"who": by, "number": document.number},
        url=reverse("admin:document", args=[document.pk]),
        key=f"comment:{comment.pk}",
    )
    return comment
