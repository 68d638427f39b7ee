"""Prices in force: what every store should charge now, or will; each price leads to where it comes from."""

from itertools import groupby
from urllib.parse import urlencode

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from approvals import permissions
from approvals.admin.documentlists import clean_text
from approvals.models import Document
from opsadmin.core.screens import page, screen
from stores.models import PriceInForce, Sku, Store
from stores.permissions import may_see_prices

PAGE_SIZE = 50


@screen("prices/", "prices_in_force", may=may_see_prices)
def prices_in_force(request):
    """A page of goods with their prices, by SKU; the number of statements is the same for any number of prices."""
    stores = list(Store.objects.visible_to(request.user))
    wanted = next((one for one in stores if str(one.pk) == request.GET.get("store", "")), None)
    tab = "ahead" if request.GET.get("tab") == "ahead" else "now"
    search = clean_text(request.GET.get("q", ""))
    after = clean_text(request.GET.get("after", ""), 40)
    prices = standing(tab, [wanted] if wanted else stores)
    goods = Sku.objects.search(search).filter(Exists(prices.filter(sku=OuterRef("pk"))), code__gt=after)
    skus = list(goods.order_by("code")[: PAGE_SIZE + 1])
    following = skus[PAGE_SIZE - 1].code if len(skus) > PAGE_SIZE else None
    known = {"tab": tab, "q": search, "store": wanted.pk if wanted else ""}
    return page(
        request,
        "approvals/prices.html",
        title=_("Prices in force"),
        goods=rows_of(skus[:PAGE_SIZE], prices, stores, request.user),
        stores=stores,
        wanted=wanted,
        search=search,
        tab=tab,
        tabs=[
            {"name": pgettext("prices", "Now"), "url": address(known, tab="now"), "current": tab == "now"},
            {
                "name": pgettext("prices", "Ahead"),
                "url": address(known, tab="ahead"),
                "current": tab == "ahead",
            },
        ],
        may_trace=permissions.may_trace_prices(request.user),
        pager={
            "first": address(known) if after else None,
            "next": address(known, after=following) if following else None,
        },
    )


def address(known, **changes):
    values = {name: value for name, value in (known | changes).items() if value not in ("", None)}
    return f"{reverse('admin:prices_in_force')}?{urlencode(values)}"


def standing(tab, stores):
    """Return the prices of these stores that stand now, or that begin later."""
    prices = PriceInForce.objects.filter(store__in=[store.pk for store in stores])
    now = timezone.now()
    return prices.at(now) if tab == "now" else prices.filter(during__startswith__gt=now)


def rows_of(skus, prices, stores, user):
    """Return each SKU with its prices; stores that share price, window and document share a line."""
    names = {store.pk: store.name for store in stores}
    found = list(
        prices.filter(sku__in=[sku.pk for sku in skus]).order_by(
            "sku__code", "layer", "during", "store__order", "pk"
        )
    )
    numbers = {price.document_number for price in found}
    visible = dict(Document.objects.visible_to(user).filter(number__in=numbers).values_list("number", "pk"))
    by_sku = {key: list(group) for key, group in groupby(found, key=lambda price: price.sku_id)}
    codes = {store.pk: store.code for store in stores}
    return [{"sku": sku, "prices": merged(by_sku.get(sku.pk, []), names, codes, visible)} for sku in skus]


def merged(prices, names, codes, visible):
    lines = {}
    for price in prices:
        same = (price.layer, price.amount, price.during.lower, price.during.upper, price.document_number)
        line = lines.setdefault(same, {"price": price, "stores": [], "first": codes[price.store_id]})
        line["stores"].append(names[price.store_id])
        line["document"] = visible.get(price.document_number)
    for line in lines.values():
        line["everywhere"] = 2 < len(line["stores"]) == len(names)
    return list(lines.values())
