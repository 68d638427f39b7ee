"""Drafts: making documents and changing them before they are submitted.

Every function that writes a header or lines ends with ``recheck``: what follows from them is never older than they.
"""

import unicodedata
from datetime import datetime, time, timedelta

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals import permissions, scopes
from approvals.content import content_hash, refresh_hash
from approvals.flow.record import write_event
from approvals.flow.transitions import locked
from approvals.kinds import KINDS, kind_of, specific
from approvals.models import (
    Document,
    DocumentAuthor,
    DocumentKind,
    DocumentState,
    FlowStep,
    FlowVersionState,
    GuardAck,
)
from opsadmin.core import clock
from opsadmin.core.numbering import next_number
from opsadmin.core.refusals import Refusal
from opsadmin.core.workdays import workdays_before
from stores.models import Sku

COMMON_FIELDS = ("title", "effective_from", "effective_to", "note")
HEADER_FIELDS = {
    DocumentKind.PRICE_LIST: (*COMMON_FIELDS, "list_kind"),
    DocumentKind.PROMOTION: (
        *COMMON_FIELDS,
        "promotion_kind",
        "theme",
        "per_user_cap",
        "total_quantity",
        "budget",
    ),
}
COMMON_LINE_FIELDS = ("final_price", "reason", "scope_key", "exception_reason", "struck", "strike_reason")
LINE_FIELDS = {
    DocumentKind.PRICE_LIST: (
        *COMMON_LINE_FIELDS,
        "reference_price",
        "cost",
        "floor_price",
        "ceiling_price",
        "compare_at_price",
        "reason_code",
    ),
    DocumentKind.PROMOTION: (*COMMON_LINE_FIELDS, "discount", "quantity_limit"),
}


# ── Documents ─────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def create_document(kind_code, *, by, **fields):
    """Make a draft of one kind with the next number of its series. Raises PermissionDenied or ValidationError."""
    if not permissions.may_draft(by, kind_code):
        raise PermissionDenied
    kind = KINDS[DocumentKind(kind_code)]
    document = kind.model(kind=kind.code, drafted_by=by, **fields)
    document.full_clean(exclude=["number"])
    document.number = next_number(kind.prefix)
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


def usual_start(kind, now=None):
    """Return the midnight (Asia/Shanghai) at which a new document begins unless its drafter says otherwise.

    It lies at least a whole day ahead: less is an emergency, which takes a further signature (G14). Nor has anybody
    on the route of this kind of document (a code) less than a day until the latest safe moment.
    """
    now = now or clock.now()
    steps = FlowStep.objects.filter(version__flow__kind=kind, version__state=FlowVersionState.IN_USE)
    days = steps.aggregate(most=Max("days_before"))["most"] or 0
    start = midnight(timezone.localtime(now).date() + timedelta(days=2))
    while days and workdays_before(start, days) < now + timedelta(days=1):
        start = midnight(timezone.localtime(start).date() + timedelta(days=1))
    return start


def midnight(day):
    return timezone.make_aware(datetime.combine(day, time()))


def locked_for_editing(pk, *, by):
    """Return the document, locked, for its drafter to change; the account becomes one of its authors.

    Raises PermissionDenied, or Refusal ``state`` once it has been submitted.
    """
    document = locked(pk)
    if not permissions.may_draft(by, document.kind):
        raise PermissionDenied
    if not document.editable:
        raise Refusal(_("This document has been submitted; it cannot be changed now."), code="state")
    DocumentAuthor.objects.get_or_create(document=document, user=by)
    return document


def recheck(document, *, touched=None):
    """Bring what is copied, guard hits and digest in line with header and lines, in one transaction.

    ``touched``: keys of the lines that changed, where it was nothing else.
    """
    kind = kind_of(document)
    kind.renew(document, touched=touched)
    document.content_hash = document.guarded_hash = content_hash(document)
    document.save(update_fields=["content_hash", "guarded_hash", "updated_at"])


@transaction.atomic
def edit_header(pk, *, by, **fields):
    """Change header fields of a draft (HEADER_FIELDS of its kind) and return the document of its own kind."""
    document = specific(locked_for_editing(pk, by=by))
    set_fields(document, fields, allowed=HEADER_FIELDS[DocumentKind(document.kind)])
    document.full_clean()
    document.save()
    recheck(document)
    return document


def set_fields(row, fields, *, allowed):
    """Set the fields on the row and return the names of those that changed."""
    unknown = set(fields) - set(allowed)
    if unknown:
        raise TypeError(f"cannot be edited: {', '.join(sorted(unknown))}")
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, fields[name])
    return changed


# ── Lines ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def add_line(pk, *, by, sku_code, scope_key=scopes.ALL, **fields):
    """Add a line for a SKU to a draft; an absent final price starts as the reference price. Returns the line.

    Raises Refusal ``unknown_sku``, or ValidationError (a price is missing, the SKU is already there …).
    """
    document = locked_for_editing(pk, by=by)
    kind = kind_of(document)
    sku = Sku.objects.filter(code=normal_code(sku_code), active=True).first()
    if sku is None:
        raise Refusal(
            _("“%(code)s” is not among the goods that are sold.") % {"code": sku_code.strip()},
            code="unknown_sku",
        )
    line = kind.line_model(
        document_id=document.pk,
        row_no=last_row(document) + 1,
        sku=sku,
        sku_code=sku.code,
        sku_name=sku.name,
        scope_key=scope_key,
    )
    set_fields(line, fields, allowed=LINE_FIELDS[kind.code])
    if line.final_price is None:
        line.final_price = getattr(line, "reference_price", None)
    line.full_clean()
    line.save()
    recheck(document, touched=[line.pk])
    return line


def normal_code(text):
    """Return a SKU as it is kept: half width, capitals, no blanks around it."""
    return unicodedata.normalize("NFKC", text or "").strip().upper()


def last_row(document):
    """Return the highest line number of the document, 0 without lines."""
    return (
        kind_of(document)
        .line_model.objects.filter(document=document.pk)
        .order_by("-row_no")
        .values_list("row_no", flat=True)
        .first()
        or 0
    )


@transaction.atomic
def edit_line(line_pk, *, kind, by, version, **fields):
    """Change a line of a draft (LINE_FIELDS of its kind) and return (line, document).

    ``version`` is the line's version that was shown. Raises Refusal ``edited`` (somebody else was quicker; data:
    line as it is now) or ``gone``, or ValidationError.
    """
    found = kind.line_model.objects.filter(pk=line_pk).values_list("document_id", flat=True).first()
    if found is None:
        raise Refusal(_("This line is no longer in the document."), code="gone")
    document = locked_for_editing(found, by=by)
    line = kind.line_model.objects.filter(pk=line_pk).first()
    if line is None:
        raise Refusal(_("This line is no longer in the document."), code="gone")
    if line.version != version:
        raise Refusal(
            _("Somebody else has changed this line; both versions are shown."), code="edited", line=line
        )
    if fields.get("struck") is False:
        fields["strike_reason"] = ""
    changed = set_fields(line, fields, allowed=LINE_FIELDS[kind.code])
    if changed:
        line.version += 1
        line.full_clean()
        line.save(update_fields=[*changed, "version"])
        recheck(document, touched=[line.pk])
        line.refresh_from_db()
    return line, document


@transaction.atomic
def remove_lines(pk, *, by, line_pks):
    """Take lines out of a draft for good and return how many. A struck line stays on record; a removed one does not."""
    document = locked_for_editing(pk, by=by)
    lines = kind_of(document).line_model.objects.filter(document=document.pk, pk__in=line_pks)
    GuardAck.objects.filter(document=document.pk, line_id__in=lines.values("pk")).delete()
    removed, _per_model = lines.delete()
    if removed:
        recheck(document)
    return removed


# ── Follow-up ─────────────────────────────────────────────────────────────────────────────────────────────────────

NOT_COPIED = {
    "id",
    "document_id",
    "row_no",
    "struck",
    "strike_reason",
    "band",
    "risk",
    "version",
    "decided_digest",
}


@transaction.atomic
def follow_up(pk, *, by):
    """Make a new draft with the struck lines of a filed document, in their order; returns the draft.

    A window that would begin too early is moved, with its length, to the usual start.
    Raises PermissionDenied, or Refusal ``state`` (not filed), ``empty`` (no struck line) or ``again`` (it already
    has an open follow-up; data: document).
    """
    document = specific(locked(pk))
    if document.state not in {DocumentState.FILED, DocumentState.DONE}:
        raise Refusal(_("Only a filed document can have a follow-up."), code="state")
    if not document.lines.filter(struck=True).exists():
        raise Refusal(_("No line of this document was struck."), code="empty")
    earlier = Document.objects.filter(follows=document).exclude(state=DocumentState.CANCELLED).first()
    if earlier is not None:
        raise Refusal(
            _("%(number)s already follows this document.") % {"number": earlier.number},
            code="again",
            document=earlier,
        )
    kind = kind_of(document)
    header = {name: getattr(document, name) for name in HEADER_FIELDS[kind.code]}
    header |= follow_up_window(document)
    header["title"] = (_("%(title)s (follow-up)") % {"title": document.title})[:100]
    draft = create_document(kind.code, by=by, **header, follows_id=document.pk)
    copy_struck_lines(kind, document, draft)
    recheck(draft)
    return draft


def follow_up_window(document):
    """Return the document's own window while it still lies ahead, else one as long from the usual start."""
    start, end = document.effective_from, document.effective_to
    moved = max(start, usual_start(document.kind))
    return {"effective_from": moved, "effective_to": end and end + (moved - start)}


def copy_struck_lines(kind, document, draft):
    columns = [
        field.column for field in kind.line_model._meta.concrete_fields if field.column not in NOT_COPIED
    ]
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {kind.line_table} (document_id, row_no, struck, strike_reason, band, risk, version, "
            f"decided_digest, {names}) SELECT %s, row_number() OVER (ORDER BY row_no, id), false, '', 2, 0, 1, '', "
            f"{names} FROM {kind.line_table} WHERE document_id = %s AND struck",
            [draft.pk, document.pk],
        )
