"""Writing down what happened: decisions with their chain, and events."""

from datetime import timedelta

from django.utils import timezone

from approvals.archive.canonical import decision_hash
from approvals.models import Decision, Event, Verdict
from opsadmin.core import clock
from opsadmin.core.sealing import GENESIS
from staffing import people

# Sealed with each decision and part of its hash: a better translation must never make old decisions look forged.
SEALED_WORDS = {
    Verdict.APPROVE: "通过",
    Verdict.SIGN: "通过并签字",
    Verdict.SEND_BACK: "退回",
    Verdict.FILE: "归档",
    Verdict.COMPLETE: "已补充",
    Verdict.EXECUTE: "已执行",
    Verdict.NOTED: "已阅",
}


def decision_row(decision):
    """Return a decision as it is sealed and hashed (approvals.archive.canonical.decision_hash)."""
    return {
        "t": "decision",
        "id": decision.task_id,
        "round": decision.round,
        "step": decision.step_name,
        "verdict": decision.verdict,
        "verdict_label": SEALED_WORDS[Verdict(decision.verdict)],
        "comment": decision.comment,
        "actor": {
            "name": decision.actor_name,
            "position": decision.actor_position,
            "department": decision.actor_department,
        },
        "acting_for": decision.acting_for or None,
        "at": decision.at,
        "content_hash": decision.content_hash,
        "previous": decision.previous,
        "hash": decision.hash,
    }


def write_decision(task, *, document, by, verdict, comment, content_hash, channel, address):
    """Insert a decision at the end of the document's chain. The caller holds the document's lock."""
    last = Decision.objects.filter(document=document).order_by("-pk").first()
    at = moment_after(last)
    name, position, department = people.post_of(by, timezone.localdate(at))
    decision = Decision(
        task=task,
        document=document,
        round=document.round,
        step_name=task.step.name,
        verdict=verdict,
        comment=comment,
        actor=by,
        actor_name=name,
        actor_position=position,
        actor_department=department,
        acting_for=str(task.principal) if task.principal_id else "",
        content_hash=content_hash,
        at=at,
        channel=channel,
        address=address,
        previous=last.hash if last else GENESIS,
    )
    decision.hash = decision_hash(decision_row(decision))
    decision.save(force_insert=True)
    return decision


def moment_after(last):
    """Return this moment by the database's clock; always after the last decision, should that clock be put back."""
    now = clock.now()
    return now if last is None or now > last.at else last.at + timedelta(microseconds=1)


def write_event(document, kind, *, by=None, **data):
    """Insert an event: anything that happened to a document and is no decision."""
    return Event.objects.create(
        document=document,
        kind=kind,
        actor=by,
        actor_name=str(by) if by else "",
        data=data,
        at=clock.now(),
    )
