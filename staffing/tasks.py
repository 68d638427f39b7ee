from opsadmin.core import clock
from opsadmin.core.tasks import periodic
from staffing import daily
from staffing.plans import notices


@periodic(every=300)
def sync_store_access():
    """Follow what begins or ends today: roles, charges, changes; runs often, to catch up a missed midnight."""
    daily.settle(clock.today())


@periodic(every=3600)
def tell_of_milestones():
    """Tell owners of milestones that are due; each once."""
    notices.tell_of_milestones(clock.today())
