"""Hiring requests: how many people one position shall get, from when, why, and for which duties."""

from collections import defaultdict

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from approvals import drafts
from approvals.kinds import specific
from approvals.models import DocumentKind, DocumentState, HiringLine, HiringRequest
from approvals.organisation.hits import Hit, keep_hits
from opsadmin.core import clock
from opsadmin.core.notices import tell
from opsadmin.core.refusals import Refusal
from orgchart.models import Department, Duty, OrgStatus, Position
from orgchart.permissions import may_edit_structure
from staffing.headcount import SEATED, with_headcount
from staffing.models import Assignment
from staffing.people import employee_of, people_of_role

GIVEN = (DocumentState.FILED, DocumentState.DONE)
MOST_DUTIES = 40


def positions_for(user):
    """Return the open positions that somebody may ask people for: HR for all, a head for the own departments."""
    posts = Position.objects.exclude(status=OrgStatus.CLOSED).select_related("department")
    if may_edit_structure(user):
        return posts
    return posts.filter(department__in=departments_headed(user))


def departments_headed(user):
    """Return the keys of the departments that somebody heads today, with everything below them."""
    employee = employee_of(user)
    if employee is None:
        return set()
    held = Assignment.objects.on(clock.TODAY).filter(employee=employee, position__head=True)
    below = dict(Department.objects.without_tree_fields().values_list("pk", "parent"))
    found = set(held.values_list("position__department", flat=True))
    while more := {pk for pk, parent in below.items() if parent in found} - found:
        found |= more
    return found


@transaction.atomic
def create_request(*, by, position, wanted, effective_from, note="", duties=()):
    """Make a draft (ZP-2026-0001) for a position; ``duties`` are texts, those of the position where none is given.

    Raises PermissionDenied (not a position of the asker's), ValidationError or Refusal.
    """
    refuse_stranger(by, position)
    document = drafts.create_document(
        DocumentKind.HIRING_REQUEST,
        by=by,
        title=title_of(position, wanted),
        position=position,
        wanted=wanted,
        effective_from=effective_from,
        note=note,
    )
    write_duties(document, duties or duties_of(position))
    drafts.recheck(document)
    return document


@transaction.atomic
def edit_request(pk, *, by, wanted, effective_from, note, duties):
    """Change a draft; returns it. Raises PermissionDenied, ValidationError or Refusal."""
    document = specific(drafts.locked_for_editing(pk, by=by))
    refuse_stranger(by, document.position)
    document.title = title_of(document.position, wanted)
    document.wanted, document.effective_from, document.note = wanted, effective_from, note
    document.full_clean()
    document.save()
    write_duties(document, duties)
    drafts.recheck(document)
    return document


def refuse_stranger(user, position):
    if not positions_for(user).filter(pk=position.pk).exists():
        raise PermissionDenied


def title_of(position, wanted):
    words = {"post": position.title, "department": position.department, "n": wanted}
    with translation.override(settings.LANGUAGE_CODE):
        return (_("Hire %(n)s: %(department)s %(post)s") % words)[:100]


def duties_of(position):
    """Return the texts of a position's duties, to begin with."""
    return list(Duty.objects.filter(position=position).order_by("number").values_list("text", flat=True))


def write_duties(document, duties):
    """Make the lines what the texts say; Refusal without any."""
    texts = [text.strip()[:300] for text in duties if text.strip()][:MOST_DUTIES]
    if not texts:
        raise Refusal(_("Say what the people wanted shall do: one duty on each line."), code="duties")
    document.lines.filter(row_no__gt=len(texts)).delete()
    HiringLine.objects.bulk_create(
        [HiringLine(document=document, row_no=number, text=text) for number, text in enumerate(texts, 1)],
        update_conflicts=True,
        unique_fields=["document", "row_no"],
        update_fields=["text"],
    )


def copy_headcount(document):
    """Write plan, filled and short of the position, as they are today, into the draft."""
    own = specific(document)
    post = with_headcount(Position.objects.filter(pk=own.position_id), clock.today()).get()
    names = ("plan_min", "plan_max", "filled", "short")
    for name in names:
        setattr(own, name, getattr(post, name))
    own.save(update_fields=names)


# ── Guards ────────────────────────────────────────────────────────────────────────────────────────────────────────


def judge(document):
    """Write the hits of a request: a closed post blocks; more than the plan leaves open needs a higher signature."""
    own = HiringRequest.objects.select_related("position").get(pk=document.pk)
    hits = [*post_hits(own.position), *plan_hits(own)]
    keep_hits(document, hits, lines=own.lines.count())


def post_hits(position):
    if position.status == OrgStatus.CLOSED:
        yield Hit("H01", "block", "closed", position.title)
    elif position.tentative:
        yield Hit("H03", "sign", "tentative", position.title)


def plan_hits(own):
    """Ask for the higher signature where the request, with those open for the same post, goes beyond the plan."""
    others = sum(request.left for request in open_requests(own.position) if request.pk != own.pk)
    if own.position.plan_max is None or own.position.tentative:
        return
    free = own.position.plan_max - filled_now(own.position) - others
    if own.wanted > free:
        witness = {
            "wanted": own.wanted,
            "free": max(free, 0),
            "others": others,
            "plan": own.position.plan_max,
        }
        yield Hit("H02", "sign", "beyond_plan", str(own.wanted), str(max(free, 0)), witness=witness)


def filled_now(position):
    return with_headcount(Position.objects.filter(pk=position.pk), clock.today()).get().filled


# ── What is open ──────────────────────────────────────────────────────────────────────────────────────────────────


def open_requests(position):
    """Return the open requests for a position; see ``open_requests_of``."""
    return open_requests_of(HiringRequest.objects.filter(position=position))


def open_requests_of(asked):
    """Return those of the given requests that are on their way, or granted and not filled, oldest first.

    Each has ``left``: how many people are still wanted. Whoever takes a seat after the request was submitted counts
    for the oldest of the requests for that post. Two statements.
    """
    asked = asked.filter(state__in=[DocumentState.IN_APPROVAL, *GIVEN])
    requests = list(asked.order_by("submitted_at", "pk"))
    joined = seats_since_asked([request for request in requests if request.state in GIVEN])
    for request in requests:
        request.left = request.wanted
        if request.state in GIVEN:
            since = timezone.localtime(request.submitted_at).date()
            seats = joined[request.position_id]
            fitting = [seat for seat in seats if seat[0] >= since][: request.wanted]
            joined[request.position_id] = [seat for seat in seats if seat not in fitting]
            request.left -= len(fitting)
    return [request for request in requests if request.left]


def seats_since_asked(requests):
    """Return {position: [(first day, assignment)]} of the seats taken since the oldest request was submitted."""
    found = defaultdict(list)
    if not requests:
        return found
    since = timezone.localtime(min(request.submitted_at for request in requests)).date()
    rows = Assignment.objects.filter(
        position__in={request.position_id for request in requests}, kind__in=SEATED, start__gte=since
    )
    for position, start, pk in rows.order_by("start", "pk").values_list("position", "start", "pk"):
        found[position].append((start, pk))
    return found


def tell_hr(own):
    """Tell HR that a request was granted, inside the transaction that files it."""
    tell(
        people_of_role("hr"),
        _("Granted: %(number)s %(title)s") % {"number": own.number, "title": own.title},
        url=reverse("admin:document", args=[own.pk]),
        key=f"hire:{own.pk}",
    )
