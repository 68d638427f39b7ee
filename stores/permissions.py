"""Who may do what with stores, goods and prices in force."""

from django.contrib.auth.models import Permission
from django.db.models import Q


def may_see_all_stores(user):
    return user.has_perm("stores.span_stores")


def may_see_costs(user):
    """Cost and floor are shown to those who set, judge or seal prices, not to those who apply them."""
    return user.has_perm("stores.view_costs")


def may_see_prices(user):
    return user.has_perm("stores.view_priceinforce")


def visible_stores_q(user):
    """Return the filter on Store for what a user may see: everything, or the stores in his or her charge.

    One subquery over django-guardian's grants to groups, so that a list costs one statement.
    """
    from stores.models import StoreGroupObjectPermission

    if not user.is_active:
        return Q(pk__in=[])
    if may_see_all_stores(user):
        return Q()
    # Asked for by themselves, grant and groups are not planned as two joins more: it takes a third less.
    serving = Permission.objects.order_by().filter(codename="serve_store").values("pk")[:1]
    groups = user.groups.through.objects.filter(user=user.pk).values("group")
    granted = StoreGroupObjectPermission.objects.filter(permission=serving, group__in=groups)
    return Q(pk__in=granted.values("content_object"))
