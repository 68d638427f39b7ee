"""What is sealed of a document besides its lines: the rows of the prelude (approvals.archive.canonical).

Words are sealed in the installation's language, whoever files; names and posts are those of their day.
"""

from django.conf import settings
from django.db import connection
from django.utils import timezone, translation

from approvals.flow.record import decision_row
from approvals.kinds import common_header, kind_of
from approvals.models import (
    ArchiveKind,
    Attachment,
    Decision,
    LineChange,
    Process,
    ScopeStore,
    StepState,
)
from staffing import people
from stores.models import Store

HITS = """
SELECT h.code, h.severity, h.row_no, h.sku_code, s.code, h.measured, h.limit, a.reason, u.name
FROM approvals_guardhit h
LEFT JOIN stores_store s ON s.id = h.store_id
LEFT JOIN approvals_guardack a ON a.document_id = h.document_id AND a.code = h.code
    AND a.line_id IS NOT DISTINCT FROM h.line_id AND a.measured = h.measured
LEFT JOIN core_user u ON u.id = a.by_id
WHERE h.document_id = %s ORDER BY h.id
"""


def filing_rows(own, *, number, at, retained_until, task, decision):
    """Return the prelude of a filing: everything but the lines. ``own`` is the row of the document's own kind.

    Rows that grow with the lines (changes, hits) come last, so that a reader of the others can stop early.
    """
    with translation.override(settings.LANGUAGE_CODE):
        return [
            archive_row(own, number, ArchiveKind.FILING, at, retained_until, signer_of(decision)),
            document_row(own),
            *(store_row(store) for store in stores_of(own)),
            *scope_rows(own),
            *step_rows(task),
            *(submission_row(process) for process in Process.objects.filter(document=own.pk)),
            *(decision_row(one) for one in Decision.objects.filter(document=own.pk).order_by("pk")),
            *(comment_row(comment) for comment in own.comments.order_by("pk")),
            *(file_row(one.file, one.kind) for one in attachments_of(own)),
            {"t": "content", **kind_of(own).header(own)},
            *(change_row(change) for change in LineChange.objects.filter(document=own.pk).order_by("pk")),
            *hit_rows(own),
        ]


def later_rows(document, *, kind, number, at, retained_until, by, since, payload, files, stores):
    """Return the prelude of a later record: the fact, and the decisions taken since the record before it."""
    with translation.override(settings.LANGUAGE_CODE):
        decisions = Decision.objects.filter(document=document.pk, at__gt=since).order_by("pk")
        return [
            archive_row(document, number, kind, at, retained_until, by),
            {"t": "document", **head_of(document)},
            *(store_row(store) for store in stores),
            *(decision_row(one) for one in decisions),
            *(file_row(file, kind) for file in files),
            {"t": kind, **payload},
        ]


def archive_row(document, number, kind, at, retained_until, by):
    return {
        "t": "archive",
        "number": number,
        "document": document.number,
        "kind": kind,
        "filed_at": at,
        "filed_by": by,
        "retained_until": retained_until,
    }


def head_of(document):
    """Return the facts of a document that its archive records repeat for the search."""
    return {
        "number": document.number,
        "kind": document.kind,
        "kind_label": document.get_kind_display(),
        "title": document.title,
        "currency": document.currency,
        "effective_from": document.effective_from,
        "effective_to": document.effective_to,
    }


def document_row(own):
    return {
        "t": "document",
        **head_of(own),
        "round": own.round,
        "content_hash": own.content_hash,
        "drafted_by": person(own.drafted_by, timezone.localtime(own.created_at).date()),
        "submitted_by": Process.objects.get(document=own.pk, round=own.round).submitter,
        "submitted_at": own.submitted_at,
        "header": header_in_words(own),
    }


def header_in_words(own):
    """Return {label: value} of the header's fields that the kind adds, and the note; empty ones are left out."""
    shown = [name for name in kind_of(own).header(own) if name == "note" or name not in common_header(own)]
    words = {}
    for name in shown:
        field = own._meta.get_field(name)
        value = getattr(own, f"get_{name}_display")() if field.choices else getattr(own, name)
        if value not in (None, ""):
            words[str(field.verbose_name)] = str(value)
    return words


def person(user, day):
    """Return an account's name, position and department on a day."""
    name, position, department = people.post_of(user, day)
    return {"name": name, "position": position, "department": department}


def signer_of(decision):
    return {
        "name": decision.actor_name,
        "position": decision.actor_position,
        "department": decision.actor_department,
    }


def stores_of(own):
    return Store.objects.filter(pk__in=own.scope_stores.values("store"))


def store_row(store):
    return {"t": "store", "id": store.pk, "code": store.code, "name": store.name}


def scope_rows(own):
    """Return each scope of the lines with the stores that it meant when it was filed."""
    scopes = {}
    pairs = ScopeStore.objects.filter(document=own.pk).order_by("scope_key", "store__code")
    for key, code in pairs.values_list("scope_key", "store__code"):
        scopes.setdefault(key, []).append(code)
    return [{"t": "scope", "key": key, "stores": codes} for key, codes in scopes.items()]


def step_rows(task):
    """Return the steps of the round that is being filed; the filing's own step is done with it."""
    return [
        {
            "t": "step",
            "order": step.order,
            "name": step.name,
            "kind": step.kind,
            "state": StepState.DONE if step.pk == task.step_id else step.state,
        }
        for step in task.step.process.steps.order_by("order")
    ]


def submission_row(process):
    return {
        "t": "submission",
        "round": process.round,
        "by": process.submitter,
        "at": process.started_at,
        "content_hash": process.content_hash,
        "state": process.state,
    }


def comment_row(comment):
    return {"t": "comment", "by": comment.author_name, "at": comment.at, "text": comment.text}


def attachments_of(own):
    return Attachment.objects.filter(document=own.pk).select_related("file").order_by("pk")


def file_row(file, kind):
    return {"t": "file", "name": file.name, "sha256": file.sha256, "size": file.size, "kind": kind}


def change_row(change):
    return {
        "t": "change",
        "line_key": f"{change.sku_code} {change.scope_key}",
        "round": change.round,
        "task": change.task_id,
        "field": change.field,
        "old": change.old,
        "new": change.new,
        "by": change.actor_name,
        "at": change.at,
    }


def hit_rows(own):
    """Yield the guards' hits with the reasons that were given and still hold."""
    names = ("code", "severity", "row", "sku", "store", "measured", "limit", "ack_reason", "ack_by")
    with connection.cursor() as cursor:
        cursor.execute(HITS, [own.pk])
        for values in cursor:
            yield {"t": "hit", **dict(zip(names, values, strict=True))}
