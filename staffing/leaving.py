"""Somebody leaves: posts, charges and delegations end on one day, each through its own way."""

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from orgchart.changes import apply_now, wanted
from orgchart.lock import lock_structure
from staffing import permissions, services
from staffing.access import sync_store_access
from staffing.models import Assignment, Delegation, Employee, StoreCharge

# Functions of higher floors: ``count(accounts)`` returns {account: how many tasks still wait for it}.
OPEN_WORK = []


def what_ends(employees, day):
    """Return {employee: {what: how many}} of what still holds on a day or later; one statement for each kind."""
    found = {employee.pk: {} for employee in employees}

    def count(name, rows, field="employee"):
        for pk in rows.values_list(field, flat=True):
            if pk in found:
                found[pk][name] = found[pk].get(name, 0) + 1

    count("posts", Assignment.objects.filter(employee__in=employees).exclude(end__lte=day))
    count("charges", StoreCharge.objects.filter(employee__in=employees).exclude(end__lte=day))
    count("away", Delegation.objects.filter(principal__in=employees, end__gt=day), "principal")
    count("stands_in", Delegation.objects.filter(delegate__in=employees, end__gt=day), "delegate")
    return found


def open_tasks(employees):
    """Return {employee: tasks that wait for one of his or her accounts}."""
    accounts = dict(
        Employee.objects.filter(pk__in=[one.pk for one in employees], accounts__isnull=False).values_list(
            "accounts__user", "pk"
        )
    )
    found = {}
    for count in OPEN_WORK:
        for account, number in count(list(accounts)).items():
            found[accounts[account]] = found.get(accounts[account], 0) + number
    return found


@transaction.atomic
def leave(pk, *, last_day, by):
    """Let somebody leave: everything ends after ``last_day``; a day to come takes effect by itself.

    Posts end through the log of the organisation, what would begin later is taken out. Raises PermissionDenied, or
    Refusal (already gone, a day in the past, one's own leaving).
    """
    if not permissions.may_move_people(by):
        raise PermissionDenied
    lock_structure()
    employee = Employee.objects.select_for_update().get(pk=pk)
    today = clock.today()
    if not employee.active:
        raise Refusal(_("%(name)s is no longer active.") % {"name": employee})
    if last_day < today - timedelta(days=1):
        raise Refusal(_("The last day is yesterday at the earliest."))
    if employee.accounts.filter(user=by).exists():
        raise Refusal(_("Somebody else has to say when you leave."))
    end = last_day + timedelta(days=1)
    end_posts(employee, end, by)
    for charge in StoreCharge.objects.filter(employee=employee).exclude(end__lte=end).select_for_update():
        services.cut_off(charge, end)
    end_delegations(employee, end)
    employee.left_on = end
    employee.active = end > today
    employee.save(update_fields=["left_on", "active", "name_key"])
    sync_store_access(today)
    return employee


def end_posts(employee, end, by):
    items = []
    for held in Assignment.objects.filter(employee=employee).exclude(end__lte=end):
        key = str(held.uid)
        begun = held.start < end
        items.append(
            wanted("assignment", key, "set", {"end": end.isoformat()})
            if begun
            else wanted("assignment", key, "delete")
        )
    if items:
        apply_now(items, by=by, reason=_("%(name)s leaves") % {"name": employee})


def end_delegations(employee, end):
    held = Delegation.objects.filter(principal=employee) | Delegation.objects.filter(delegate=employee)
    for delegation in held.filter(end__gt=end):
        if delegation.start >= end:
            delegation.delete()
        else:
            delegation.end = end
            delegation.save(update_fields=["end"])


def end_employment(day):
    """Set inactive whose first day out has come; return how many."""
    gone = list(Employee.objects.filter(active=True, left_on__lte=day))
    for employee in gone:
        employee.active = False
        employee.save(update_fields=["active", "name_key"])
    return len(gone)
