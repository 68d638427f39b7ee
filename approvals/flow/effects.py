"""What a decision brings about outside the engine, in the same transaction. One entry per kind of step."""

from approvals.models import StepKind


def file(document, task, decision, data):
    from approvals.archive.filing import file_document

    return file_document(document, task, decision)


def complete(document, task, decision, data):
    from approvals.campaigns import complete_campaign

    return complete_campaign(document, task, decision, data or {})


def execute(document, task, decision, data):
    from approvals.execution.receipts import record_receipt

    return record_receipt(document, task, decision, data or {})


EFFECTS = {StepKind.FILE: file, StepKind.COMPLETE: complete, StepKind.EXECUTE: execute}


def apply(document, task, decision, data):
    """Bring about what a decision in this kind of step means; nothing for reviews and signatures."""
    effect = EFFECTS.get(task.step.kind)
    if effect is not None:
        effect(document, task, decision, data)
