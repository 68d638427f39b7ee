"""Who may do what with stores, goods and prices in force."""

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
    granted = StoreGroupObjectPermission.objects.filter(
        permission__codename="serve_store", group__user=user.pk
    )
    return Q(pk__in=granted.values("content_object"))
