"""What can be done with charges of stores. Each write opens or closes the store at once."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from staffing import permissions
from staffing.access import sync_store_access
from staffing.models import Employee, StoreCharge
from stores.models import Store, StoreStatus


@transaction.atomic
def put_in_charge(*, employee, store, start, end=None, by, duty=None, reserve=False):
    """Put an employee in charge of a store, or of one duty in it, on the days ``[start, end)``; return the charge.

    Takes keys. The store's row is locked, so that two charges of one store are judged one after the other.
    Raises PermissionDenied, Refusal (store closed, employee gone) or ValidationError (already in charge then).
    """
    if not permissions.may_put_in_charge(by):
        raise PermissionDenied
    locked_store = Store.objects.select_for_update(of=["self"]).select_related("platform").get(pk=store)
    somebody = Employee.objects.get(pk=employee)
    if locked_store.status == StoreStatus.CLOSED:
        raise Refusal(_("%(store)s is closed; nobody can be in charge of it.") % {"store": locked_store})
    if not somebody.active:
        raise Refusal(_("%(name)s is no longer active.") % {"name": somebody})
    charge = StoreCharge(
        employee=somebody, store=locked_store, duty_id=duty, reserve=reserve, start=start, end=end
    )
    charge.full_clean()
    if not reserve:
        refuse_second_person(charge)
    charge.save()
    sync_store_access(clock.today())
    return charge


def refuse_second_person(charge):
    """Raise Refusal where a platform wants one person alone and somebody else answers already, on any of the days."""
    if not charge.store.platform.needs_dedicated_person:
        return
    others = StoreCharge.objects.filter(store=charge.store, duty=charge.duty, reserve=False)
    others = others.exclude(employee=charge.employee).exclude(end__lte=charge.start)
    if charge.end:
        others = others.filter(start__lt=charge.end)
    other = others.select_related("employee").first()
    if other is not None:
        words = {"store": charge.store, "name": other.employee}
        raise Refusal(_("%(store)s: one person must answer alone, and %(name)s does already.") % words)


@transaction.atomic
def set_duty(*, store, duty, mains, reserve, start, by):
    """Say who answers for a duty of a store (None: for the store as a whole) from a day on, and who stands in.

    Takes keys: ``mains`` of employees, ``reserve`` of one or None. Whoever is named already stays untouched, others
    end on that day. Raises PermissionDenied, Refusal (a day in the past, two people where one must answer alone,
    somebody main and reserve at once) or ValidationError.
    """
    if not permissions.may_put_in_charge(by):
        raise PermissionDenied
    locked = Store.objects.select_for_update(of=["self"]).select_related("platform").get(pk=store)
    if start < clock.today():
        raise Refusal(_("Duties change from today on, or later: not in the past."))
    if reserve is not None and reserve in mains:
        raise Refusal(_("The reserve is somebody else than who answers."))
    if len(mains) > 1 and locked.platform.needs_dedicated_person:
        raise Refusal(_("%(platform)s: one person must answer alone.") % {"platform": locked.platform})
    wanted = {(pk, False) for pk in mains} | ({(reserve, True)} if reserve is not None else set())
    held = StoreCharge.objects.filter(store=locked, duty=duty).exclude(end__lte=start).select_for_update()
    for charge in held:
        key = (charge.employee_id, charge.reserve)
        if key in wanted and charge.start <= start and charge.end is None:
            wanted.discard(key)
        else:
            cut_off(charge, start)
    for employee, is_reserve in sorted(wanted):
        put_in_charge(employee=employee, store=store, duty=duty, reserve=is_reserve, start=start, by=by)
    sync_store_access(clock.today())


def cut_off(charge, day):
    """Let a charge end on a day; one that begins on that day or later never holds."""
    if charge.start >= day:
        charge.delete()
    else:
        charge.end = day
        charge.save(update_fields=["end"])


@transaction.atomic
def end_charge(pk, *, end, by):
    """End a charge: ``end`` is the first day on which it no longer holds. A past day is not taken back.

    Raises PermissionDenied, Refusal (already over, or an end in the past) or ValidationError (end before start).
    """
    if not permissions.may_put_in_charge(by):
        raise PermissionDenied
    charge = StoreCharge.objects.select_for_update(of=["self"]).select_related("employee", "store").get(pk=pk)
    today = clock.today()
    if charge.end and charge.end <= today:
        raise Refusal(_("This charge ended on %(day)s.") % {"day": charge.end.isoformat()})
    if end < today:
        raise Refusal(
            _("A charge cannot end in the past; the earliest is %(day)s.") % {"day": today.isoformat()}
        )
    charge.end = end
    charge.full_clean()
    charge.save(update_fields=["end"])
    sync_store_access(today)
    return charge
