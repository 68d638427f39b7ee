"""Choosing an employee or a position in a form: by number or code, found while one types a name or pinyin."""

from django.db.models import Q
from django.http import JsonResponse
from django.utils.translation import gettext as _

from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import screen
from orgchart.models import OrgStatus, Position
from staffing import permissions
from staffing.models import Employee
from staffing.people import people_matching

MOST_HITS = 20


def may_choose(user):
    return (
        permissions.may_move_people(user)
        or permissions.may_make_plans(user)
        or permissions.may_put_in_charge(user)
    )


@screen("org/people/find/", "people_find", may=may_choose)
def people_find(request):
    """Return the active employees that fit ``q``, at most twenty: {value, label}."""
    text = text_asked_for(request)
    found = people_matching(text).filter(active=True).select_related("home_department") if text else ()
    return JsonResponse({"found": [option(one) for one in found[:MOST_HITS]]})


def option(employee):
    """Return an employee as a choice: the field holds number and name, the list says the department too."""
    return {
        "value": typed(employee),
        "label": f"{employee.name} · {employee.home_department.name} · {employee.number}",
    }


def typed(employee):
    """Return what stands in a field for an employee."""
    return f"{employee.number} {employee.name}"


def employee_in(text):
    """Return the active employee whose number a field begins with, None for an empty field. Raises Refusal."""
    number = text.strip().partition(" ")[0]
    if not number:
        return None
    found = Employee.objects.filter(number=number.replace("\x00", ""), active=True).first()
    if found is None:
        raise Refusal(
            _("There is no active employee with the number “%(number)s”.") % {"number": number[:20]}
        )
    return found


@screen("org/positions/find/", "position_find")
def position_find(request):
    """Return the open positions whose title, code or department fits ``q``, at most twenty: {value, label}."""
    text = text_asked_for(request)
    named = Q(title__icontains=text) | Q(code__istartswith=text) | Q(department__name__icontains=text)
    rows = Position.objects.without_tree_fields().filter(named).exclude(status=OrgStatus.CLOSED)
    rows = rows.select_related("department").order_by("title", "code") if text else ()
    return JsonResponse({"found": [position_option(one) for one in rows[:MOST_HITS]]})


def position_option(position):
    return {
        "value": f"{position.code} {position.title}",
        "label": f"{position.title} · {position.department.name} · {position.code}",
    }


def text_asked_for(request):
    return " ".join(request.GET.get("q", "").replace("\x00", "").split())[:60]
