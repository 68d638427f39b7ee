"""Drafts: making documents and changing them before they are submitted."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.content import refresh_hash
from approvals.flow.record import write_event
from approvals.flow.transitions import locked
from approvals.kinds import KINDS
from approvals.models import DocumentAuthor, DocumentKind
from opsadmin.core.numbering import next_number
from opsadmin.core.refusals import Refusal


@transaction.atomic
def create_document(kind_code, *, by, **fields):
    """Make a draft of one kind with the next number of its series. Raises PermissionDenied or ValidationError."""
    if not permissions.may_draft(by, kind_code):
        raise PermissionDenied
    kind = KINDS[DocumentKind(kind_code)]
    document = kind.model(kind=kind.code, drafted_by=by, number=next_number(kind.prefix), **fields)
    document.full_clean()
    document.save()
    DocumentAuthor.objects.create(document=document, user=by)
    refresh_hash(document)
    write_event(document, "created", by=by)
    return document


def create_price_list(*, by, title, list_kind, effective_from, effective_to=None, note=""):
    """Make a draft price list (JG-2026-0001)."""
    return create_document(
        DocumentKind.PRICE_LIST,
        by=by,
        title=title,
        list_kind=list_kind,
        effective_from=effective_from,
        effective_to=effective_to,
        note=note,
    )


def create_promotion(*, by, title, promotion_kind, effective_from, effective_to, **fields):
    """Make a draft promotion (CX-2026-0001)."""
    return create_document(
        DocumentKind.PROMOTION,
        by=by,
        title=title,
        promotion_kind=promotion_kind,
        effective_from=effective_from,
        effective_to=effective_to,
        **fields,
    )


def locked_for_editing(pk, *, by):
    """Return the document, locked, for its drafter to change; the account becomes one of its authors."""
    document = locked(pk)
    if not permissions.may_draft(by, document.kind):
        raise PermissionDenied
    if not document.editable:
        raise Refusal(_("This document has been submitted; it cannot be changed now."), code="state")
    DocumentAuthor.objects.get_or_create(document=document, user=by)
    return document
