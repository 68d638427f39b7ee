"""What hiring requests put onto the boards of the organisation, which know no documents."""

from django.urls import reverse

from approvals import permissions
from approvals.kinds import HIRING_REQUEST
from approvals.models import Document, HiringRequest
from approvals.organisation import hiring
from orgchart.permissions import may_edit_structure
from staffing.hiring import Hiring, Wanted


def hiring_for(user):
    """Return the open requests of the company by position, and for which positions an account may ask."""
    requests = hiring.open_requests_of(HiringRequest.objects.all())
    shown = Document.objects.visible_to(user).filter(pk__in=[one.pk for one in requests])
    readable = set(shown.values_list("pk", flat=True))
    wanted = {}
    for request in requests:
        wanted.setdefault(request.position_id, []).append(
            Wanted(
                request.number,
                request.left,
                request.state in hiring.GIVEN,
                reverse("admin:document", args=[request.pk]) if request.pk in readable else "",
            )
        )
    return Hiring(wanted, may_ask(user), reverse("admin:hiring_request_new"))


def may_ask(user):
    """Return the question whether an account may ask people for a position; None where it may for none."""
    if not permissions.may_draft(user, HIRING_REQUEST.code):
        return None
    if may_edit_structure(user):
        return lambda position: True
    headed = hiring.departments_headed(user)
    return (lambda position: position.department_id in headed) if headed else None
