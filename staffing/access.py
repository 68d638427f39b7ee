"""Being in charge of a store is what opens it to an account: each store's group follows its charges.

Each store has a group ``store:<code>`` that django-guardian lets serve that store. Nobody is put into such a
group by hand; its members are written anew from the charges.
"""

from django.contrib.auth.models import Group
from django.db import connection, transaction
from guardian.shortcuts import assign_perm

from stores.models import Store, StoreGroupObjectPermission

PREFIX = "store:"
ACCESS_LOCK = 71_001

# Charges of the day, as (account, store's group).
WANTED = """
SELECT DISTINCT account.user_id, grp.id AS group_id
FROM staffing_storecharge charge
JOIN stores_store store ON store.id = charge.store_id
JOIN auth_group grp ON grp.name = %(prefix)s || store.code
JOIN staffing_employee employee ON employee.id = charge.employee_id AND employee.active
JOIN staffing_account account ON account.employee_id = employee.id
JOIN core_user usr ON usr.id = account.user_id AND usr.is_active
WHERE charge.start <= %(day)s AND (charge."end" IS NULL OR charge."end" > %(day)s)
"""
TAKE_AWAY = f"""
DELETE FROM core_user_groups member USING auth_group grp
WHERE grp.id = member.group_id AND starts_with(grp.name, %(prefix)s)
  AND (member.user_id, member.group_id) NOT IN ({WANTED})
"""
GIVE = f"""
INSERT INTO core_user_groups (user_id, group_id)
SELECT wanted.user_id, wanted.group_id FROM ({WANTED}) wanted
ON CONFLICT DO NOTHING
"""


def store_group(store):
    """Return the group of a store, made and granted to serve it where it does not exist yet."""
    group, created = Group.objects.get_or_create(name=f"{PREFIX}{store.code}")
    if created:
        assign_perm("stores.serve_store", group, store)
    return group


def ensure_store_groups():
    """Make the missing groups; costs one statement when none is missing."""
    granted = StoreGroupObjectPermission.objects.filter(permission__codename="serve_store")
    for store in Store.objects.exclude(pk__in=granted.values("content_object")):
        store_group(store)


def is_store_group(group):
    return group.name.startswith(PREFIX)


@transaction.atomic
def sync_store_access(day):
    """Make the members of all stores' groups equal to the charges of that day; return how many rows changed.

    Two runs wait for each other, so that the later one sees all charges of the earlier one.
    """
    values = {"prefix": PREFIX, "day": day}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ACCESS_LOCK])
        ensure_store_groups()
        cursor.execute(TAKE_AWAY, values)
        changed = cursor.rowcount
        cursor.execute(GIVE, values)
        return changed + cursor.rowcount
