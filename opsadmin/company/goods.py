"""Loading goods, listings and opening prices.

Opening prices (期初) are those that were charged before this software: they name no filed document but the number
QC-<year>-0001, and their line is the place of the SKU in the list of goods.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone
from simple_history.utils import bulk_create_with_history

from opsadmin.company.fixtures import read_goods
from stores.models import Brand, Listing, Product, Sku, Store

MONTHS_BEFORE = 6
LISTED_DAYS = 400
OPENING_PRICES = """
INSERT INTO stores_priceinforce (sku_id, store_id, layer, amount, currency, during, document_number, line_no)
SELECT sku.id, store.id, 'base', opening.amount, store.currency, tstzrange(%s, NULL, '[)'), %s, opening.line_no
FROM unnest(%s::text[], %s::numeric[], %s::int[]) AS opening(code, amount, line_no)
JOIN stores_sku sku ON sku.code = opening.code
JOIN stores_listing listing ON listing.sku_id = sku.id AND listing.state = 'listed'
JOIN stores_store store ON store.id = listing.store_id AND store.mode = 'self_operated' AND store.status = 'trading'
WHERE NOT EXISTS (
    SELECT FROM stores_priceinforce price
    WHERE price.sku_id = sku.id AND price.store_id = store.id AND price.layer = 'base'
)
"""


def load_goods(*, today):
    """Make the missing products, SKUs, listings and opening prices; costs are dated back from ``today``."""
    rows = read_goods()
    made = make_products(rows)
    new = make_skus(rows, today=today)
    made += len(new) + make_listings(rows, new, today=today)
    return made + put_opening_prices(rows, today=today)


def make_products(rows):
    known = set(Product.objects.values_list("code", flat=True))
    wanted = {row["product"]: row for row in rows if row["product"] not in known}
    products = [
        Product(code=code, name=row["product_name"], category=row["category"]) for code, row in wanted.items()
    ]
    bulk_create_with_history(products, Product)
    return len(products)


def amount(text):
    return Decimal(text) if text else None


def make_skus(rows, *, today):
    """Make the missing SKUs; return their codes."""
    known = set(Sku.objects.values_list("code", flat=True))
    products = {product.code: product for product in Product.objects.all()}
    brands = {brand.code: brand for brand in Brand.objects.all()}
    skus = [
        Sku(
            code=row["code"],
            product=products[row["product"]],
            brand=brands[row["brand"]],
            name=row["name"],
            barcode=row["barcode"],
            pool=row["pool"],
            active=row["active"] == "1",
            cost=amount(row["cost"]),
            cost_as_of=today - timedelta(days=int(row["cost_age_days"])) if row["cost"] else None,
            floor_price=amount(row["floor_price"]),
            ceiling_price=amount(row["ceiling_price"]),
            stock=int(row["stock"]),
        )
        for row in rows
        if row["code"] not in known
    ]
    bulk_create_with_history(skus, Sku)
    return {sku.code for sku in skus}


def stores_of(listed_in):
    """Return the codes of the stores of a cell: ``all`` means every store that takes prices, empty means none."""
    every = list(Store.objects.taking_prices().unified().values_list("code", flat=True))
    return [code for word in listed_in.split(";") if word for code in (every if word == "all" else [word])]


def item_ids(rows, store):
    """Return {SKU: (item id, SKU id)} of a mall, invented: the SKUs of one product stand under one item."""
    first = {}
    for number, row in enumerate(rows, start=1):
        first.setdefault(row["product"], number)
    return {
        row["code"]: (
            str(620_000_000_000 + store.order * 10_000_000 + first[row["product"]] * 37),
            str(4_610_000_000_000 + store.order * 10_000_000 + number * 53),
        )
        for number, row in enumerate(rows, start=1)
    }


def make_listings(rows, new, *, today):
    """List the new SKUs in their stores."""
    keys = dict(Sku.objects.filter(code__in=new).values_list("code", "pk"))
    stores = {store.code: store for store in Store.objects.all()}
    ids = {code: item_ids(rows, store) for code, store in stores.items()}
    in_stores = {cell: stores_of(cell) for cell in {row["listed_in"] for row in rows}}
    listings = [
        Listing(
            sku_id=keys[row["code"]],
            store=stores[code],
            platform_item_id=ids[code][row["code"]][0],
            platform_sku_id=ids[code][row["code"]][1],
            listed_at=today - timedelta(days=LISTED_DAYS),
        )
        for row in rows
        if row["code"] in keys
        for code in in_stores[row["listed_in"]]
    ]
    Listing.objects.bulk_create(listings)
    return len(listings)


def opening_moment(today):
    """Return midnight of the first day of a month, some months before ``today``."""
    months = today.year * 12 + today.month - 1 - MONTHS_BEFORE
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=timezone.get_default_timezone())


def put_opening_prices(rows, *, today):
    """Give every listed SKU its opening price in the stores where it has never had a base price."""
    start = opening_moment(today)
    priced = [
        (row["code"], Decimal(row["price"]), number)
        for number, row in enumerate(rows, start=1)
        if row["price"]
    ]
    columns = [list(column) for column in zip(*priced, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(OPENING_PRICES, [start, f"QC-{start.year}-0001", *columns])
        return cursor.rowcount
