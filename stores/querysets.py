"""What can be asked of stores, goods and prices in force."""

from django.db import models
from django.db.models import Q


class StoreQuerySet(models.QuerySet):
    def trading(self):
        return self.filter(status="trading")

    def taking_prices(self):
        """Stores whose prices this company sets itself: self-operated and trading."""
        return self.trading().filter(mode="self_operated")

    def unified(self):
        return self.filter(unified_price=True)

    def visible_to(self, user):
        from stores.permissions import visible_stores_q

        return self.filter(visible_stores_q(user))


class SkuQuerySet(models.QuerySet):
    def search(self, text):
        """Goods whose code starts with, or whose name contains, the text."""
        text = text.strip()
        return self.filter(Q(code__startswith=text.upper()) | Q(name__icontains=text)) if text else self


class PriceInForceQuerySet(models.QuerySet):
    def at(self, moment):
        return self.filter(during__contains=moment)

    def visible_to(self, user):
        from stores.models import Store

        return self.filter(store__in=Store.objects.visible_to(user))
