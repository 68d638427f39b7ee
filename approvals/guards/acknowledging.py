"""Reasons for hits: kept beside the hits, valid while the measured value stays what it was."""

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.models import Document, DocumentAuthor, GuardAck, GuardHit, Severity, Task
from opsadmin.core.refusals import Refusal

ASKS_REASON = (Severity.SIGN, Severity.WARN)


def unacknowledged(document):
    """Return the hits of the document that need a reason and have none that still holds."""
    given = GuardAck.objects.filter(
        document=OuterRef("document"), code=OuterRef("code"), measured=OuterRef("measured")
    )
    on_line = Exists(given.filter(line_id=OuterRef("line_id")))
    on_document = Exists(given.filter(line_id__isnull=True))
    return (
        GuardHit.objects.filter(document=document, severity__in=ASKS_REASON)
        .exclude(Q(line_id__isnull=False) & on_line)
        .exclude(Q(line_id__isnull=True) & on_document)
    )


def may_acknowledge(user, document):
    """Drafters give reasons while they draft; a decider gives them for what he or she changed, in an own open task."""
    if document.editable:
        return permissions.may_draft(user, document.kind)
    return Task.objects.waiting_for(user).filter(document=document, step__edits_lines=True).exists()


@transaction.atomic
def acknowledge(pk, *, by, code, line_ids=None, reason):
    """Store one reason for a guard's hits on these lines, or for all of its hits that have none (``line_ids=None``).

    ``[None]`` means the hit of the whole document. A drafter may replace a reason; a decider only adds what is
    missing. Returns how many reasons were stored. Raises PermissionDenied, or Refusal (``invalid``) without a reason.
    """
    document = Document.objects.select_for_update().get(pk=pk)
    if not may_acknowledge(by, document):
        raise PermissionDenied
    reason = reason.strip()
    if not reason:
        raise Refusal(_("Give a reason."), code="invalid")
    drafting = document.editable
    if drafting:
        DocumentAuthor.objects.get_or_create(document=document, user=by)
    replaces = drafting and line_ids is not None
    hits = GuardHit.objects.filter(document=document) if replaces else unacknowledged(document)
    hits = hits.filter(code=code, severity__in=ASKS_REASON)
    if line_ids == [None]:
        hits = hits.filter(line_id__isnull=True)
    elif line_ids is not None:
        hits = hits.filter(line_id__in=line_ids)
    return store_reason(hits, by=by, reason=reason[:200])


def store_reason(hits, *, by, reason):
    """Write the reason beside every hit of the queryset, in one statement; return how many."""
    chosen, params = hits.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO approvals_guardack (document_id, code, line_id, measured, reason, by_id, at)
                SELECT DISTINCT ON (h.line_id) h.document_id, h.code, h.line_id, h.measured, %s, %s, now()
                FROM approvals_guardhit h WHERE h.id IN ({chosen}) ORDER BY h.line_id, h.id
                ON CONFLICT (document_id, code, line_id)
                DO UPDATE SET measured = excluded.measured, reason = excluded.reason, by_id = excluded.by_id, at = now()
            """,
            [reason, by.pk, *params],
        )
        return cursor.rowcount
