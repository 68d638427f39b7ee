"""A few stores and goods, and price lists that are checked without walking a flow: what tests of guards stand on."""

from datetime import timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from approvals import guards
from approvals.content import refresh_hash
from approvals.models import Document, GuardHit, PriceLine, PriceList, Promotion, PromotionLine
from approvals.scopes import expand_scopes
from opsadmin.core.numbering import next_number
from stores.models import Listing, PriceInForce, Sku
from tests.factories import (
    BrandFactory,
    ListingFactory,
    PlatformFactory,
    PriceInForceFactory,
    ProductFactory,
    SkuFactory,
    StoreFactory,
    UserFactory,
)


class Shop:
    """Three stores on one platform whose fee is 5 %: two of the brand ``cslr``, one of ``theme``."""

    def __init__(self):
        self.platform = PlatformFactory(fee_rate=Decimal("0.05"))
        self.cslr, self.theme = BrandFactory(code="cslr"), BrandFactory(code="theme")
        self.stores = [
            StoreFactory(platform=self.platform, brand=brand, code=code, order=order)
            for order, (code, brand) in enumerate(
                [("jd-cslr", self.cslr), ("tb-cslr", self.cslr), ("jd-theme", self.theme)]
            )
        ]
        self.drafter = UserFactory(roles=["product_strategy"])

    def sku(self, price="100.00", *, stores=None, listed=None, since=100, **facts):
        """A SKU that is listed, and has a base price since so many days, in these stores (else in all)."""
        facts.setdefault("brand", self.cslr)
        sku = SkuFactory(**facts)
        for store in self.stores if listed is None else listed:
            ListingFactory(sku=sku, store=store)
        if price is not None:
            for store in self.stores if stores is None else stores:
                self.price(sku, store, price, start=timezone.now() - timedelta(days=since))
        return sku

    def price(self, sku, store, amount, *, start, end=None, layer="base", number="QC-2024-0001", line_no=1):
        return PriceInForceFactory(
            sku=sku,
            store=store,
            amount=Decimal(amount),
            during=(start, end),
            layer=layer,
            document_number=number,
            line_no=line_no,
        )

    def price_list(self, *, start=None, end=None, **fields):
        return PriceList.objects.create(
            kind="price_list",
            number=next_number("JG"),
            title="冬季价格表",
            effective_from=start or timezone.now() + timedelta(days=10),
            effective_to=end,
            drafted_by=self.drafter,
            **fields,
        )

    def promotion(self, *, start=None, end=None, **fields):
        start = start or timezone.now() + timedelta(days=10)
        limits = {"per_user_cap": 2, "total_quantity": 500, "budget": Decimal("5000"), **fields}
        return Promotion.objects.create(
            kind="promotion",
            number=next_number("CX"),
            title="会员日",
            promotion_kind="markdown",
            effective_from=start,
            effective_to=end or start + timedelta(days=2),
            drafted_by=self.drafter,
            **limits,
        )


def line(document, sku, price, **fields):
    """Add a line; the reference price is the final price unless said otherwise."""
    model = PriceLine if isinstance(document, PriceList) else PromotionLine
    if model is PriceLine:
        fields.setdefault("reference_price", Decimal(price))
    fields = {
        name: Decimal(value) if name.endswith("_price") or name in ("cost", "discount") else value
        for name, value in fields.items()
    }
    fields.setdefault("row_no", document.lines.count() + 1)
    return model.objects.create(
        document=document,
        sku=sku,
        sku_code=sku.code,
        sku_name=sku.name,
        final_price=Decimal(price),
        **fields,
    )


def check(document, *, snapshots=True):
    """Do what every writer of lines does: expand scopes, copy masters, run the guards; returns the document."""
    base = Document.objects.get(pk=document.pk)
    expand_scopes(base)
    if snapshots:
        guards.refresh_snapshots(base)
    guards.run_guards(base)
    refresh_hash(base)
    return base


def hits(document, code, *, snapshots=True):
    """Check a document and return what one guard found, in the order of its lines."""
    check(document, snapshots=snapshots)
    return list(GuardHit.objects.filter(document=document.pk, code=code).order_by("row_no", "variant", "pk"))


def found(document, code, **how):
    """Check a document and return [(severity, variant)] of one guard."""
    return [(hit.severity, hit.variant) for hit in hits(document, code, **how)]


def season(shop, lines):
    """Return a price list of so many lines as a season makes it, and {line number: line}; it is not checked yet.

    Three lines in four keep their price, the others take the reference price, most within ten percent. In every
    thousand some ten need a reason or a signature, each for a cause of its own.
    """
    products = [ProductFactory() for _number in range(lines // 20 + 1)]
    skus = Sku.objects.bulk_create(
        Sku(
            code=f"SEA-{number:05}",
            product=products[number // 20],
            brand=shop.cslr,
            name=f"商品 {number}",
            cost=old_price(number) * (Decimal("0.88") if number % 1250 == 7 else Decimal("0.55")),
            cost_as_of=timezone.localdate() - timedelta(days=120 if number % 2500 == 11 else 20),
            floor_price=old_price(number) * Decimal("0.4"),
            stock=100,
        )
        for number in range(lines)
    )
    Listing.objects.bulk_create(Listing(sku=sku, store=store) for sku in skus for store in shop.stores)
    since = timezone.now() - timedelta(days=100)
    PriceInForce.objects.bulk_create(
        PriceInForce(
            sku=sku,
            store=store,
            layer="base",
            amount=old_price(number),
            during=(since, None),
            document_number="QC-2024-0001",
            line_no=number,
        )
        for number, sku in enumerate(skus)
        for store in shop.stores
    )
    document = shop.price_list()
    rows = PriceLine.objects.bulk_create(
        PriceLine(
            document=document,
            row_no=number,
            sku=sku,
            sku_code=sku.code,
            sku_name=sku.name,
            final_price=new_price(number),
            reference_price=reference_price(number),
        )
        for number, sku in enumerate(skus)
    )
    with connection.cursor() as cursor:
        # An installation has statistics of its tables; a transaction that has just filled them has none.
        cursor.execute("ANALYZE stores_sku, stores_listing, stores_priceinforce, approvals_priceline")
    return document, dict(enumerate(rows))


def old_price(number):
    """Return whole yuan between 59 and 299, the same for the same line."""
    return Decimal(59 + number * 37 % 241)


def new_price(number):
    """Return the price in force, or in every fourth line one within ten percent of it, rarely more."""
    share = Decimal((number * 7919) % 19 - 9) / 100
    if number % 180 == 4:
        share = Decimal("0.13")
    if number % 1250 == 8:
        share = Decimal("-0.34")
    changes = number % 4 == 0
    return (old_price(number) * (1 + share)).quantize(Decimal(1)) if changes else old_price(number)


def reference_price(number):
    """Return the new price; once in five hundred lines one that lies a fifth above it."""
    return new_price(number) * (Decimal("1.2") if number % 500 == 3 else 1)
