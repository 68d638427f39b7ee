"""What can be done with charges of stores. Each write opens or closes the store at once."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from opsadmin.core.refusals import Refusal
from staffing import permissions
from staffing.access import sync_store_access
from staffing.models import Employee, StoreCharge
from stores.models import Store, StoreStatus


@transaction.atomic
def put_in_charge(*, employee, store, start, end=None, by):
    """Put an employee in charge of a store on the days ``[start, end)``; return the charge.

    Takes keys. The store's row is locked, so that two charges of one store are judged one after the other.
    Raises PermissionDenied, Refusal (store closed, employee gone) or ValidationError (already in charge then).
    """
    if not permissions.may_put_in_charge(by):
        raise PermissionDenied
    locked_store = Store.objects.select_for_update().get(pk=store)
    somebody = Employee.objects.get(pk=employee)
    if locked_store.status == StoreStatus.CLOSED:
        raise Refusal(_("%(store)s is closed; nobody can be in charge of it.") % {"store": locked_store})
    if not somebody.active:
        raise Refusal(_("%(name)s is no longer active.") % {"name": somebody})
    charge = StoreCharge(employee=somebody, store=locked_store, start=start, end=end)
    charge.full_clean()
    charge.save()
    sync_store_access(timezone.localdate())
    return charge


@transaction.atomic
def end_charge(pk, *, end, by):
    """End a charge: ``end`` is the first day on which it no longer holds. A past day is not taken back.

    Raises PermissionDenied, Refusal (already over, or an end in the past) or ValidationError (end before start).
    """
    if not permissions.may_put_in_charge(by):
        raise PermissionDenied
    charge = StoreCharge.objects.select_for_update(of=["self"]).select_related("employee", "store").get(pk=pk)
    today = timezone.localdate()
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
