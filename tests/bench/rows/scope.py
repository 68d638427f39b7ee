"""Lists for a person in charge of 100 of 1,000 stores."""

from functools import partial

from django.contrib.auth import get_user_model
from django.db import connection

from stores.models import PriceInForce, Store
from tests.bench.harness import Row

TIMES = 200


def somebody():
    return get_user_model().objects.get(username="customer_service")


def stores(user):
    return Store.objects.visible_to(user)


def prices(user):
    return PriceInForce.objects.visible_to(user).order_by("pk")[:100]


def ours(listed, n):
    user = somebody()
    user.has_perm("stores.span_stores")

    def work():
        return sum(len(listed(user)) for _time in range(TIMES))

    return work


def stock(listed, n):
    """django-guardian's shortcut, as its documentation shows."""
    from guardian.shortcuts import get_objects_for_user

    user = somebody()

    def work():
        found = 0
        for _time in range(TIMES):
            mine = get_objects_for_user(user, "stores.serve_store", Store, accept_global_perms=False)
            if listed is prices:
                mine = PriceInForce.objects.filter(store__in=mine).order_by("pk")[:100]
            found += len(mine)
        return found

    return work


MINE = """EXISTS (SELECT FROM stores_storegroupobjectpermission g JOIN core_user_groups m ON m.group_id = g.group_id
               WHERE g.content_object_id = {store} AND m.user_id = %s)"""
FLOORS = {
    stores: f"SELECT s.* FROM stores_store s WHERE {MINE.format(store='s.id')}",
    prices: f"SELECT p.* FROM stores_priceinforce p WHERE {MINE.format(store='p.store_id')} ORDER BY p.id LIMIT 100",
}


def floor(listed, n):
    """One SELECT with one EXISTS."""
    user = somebody()

    def work():
        found = 0
        with connection.cursor() as cursor:
            for _time in range(TIMES):
                cursor.execute(FLOORS[listed], [user.pk])
                found += len(cursor.fetchall())
        return found

    return work


ROWS = [
    Row(
        key=f"scope: {title}",
        title=f"{TIMES} × {title}, 100 of N stores",
        aim="≤ 5 × floor",
        scene="charges",
        arms={
            "ours": partial(ours, listed),
            "stock": partial(stock, listed),
            "floor": partial(floor, listed),
        },
        sizes=(1_000,),
    )
    for title, listed in (("stores", stores), ("prices", prices))
]
