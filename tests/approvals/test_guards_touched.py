"""A check of the lines that changed finds what a check of the whole document would."""

import random
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals import guards
from approvals.models import Document, GuardHit, PriceLine
from stores.models import Sku
from tests.approvals.guarding import Shop, check, line, season
from tests.factories import ProductFactory

FACTORS = [Decimal(text) for text in ("0.1", "0.55", "0.8", "0.97", "1", "1.04", "1.2", "1.6", "10")]


@pytest.fixture
def shop(db):
    return Shop()


def several_products(shop, rows):
    """Part the season's goods into products of three, the third of each under the other brand."""
    for number, row in rows.items():
        if number % 3 == 0:
            product = ProductFactory()
        brand = shop.theme if number % 3 == 2 else shop.cslr
        Sku.objects.filter(pk=row.sku_id).update(product=product, brand=brand)


def standing(document):
    """Everything that a check leaves behind, without keys and times."""
    hits = GuardHit.objects.filter(document=document.pk).values_list(
        "code", "severity", "line_id", "row_no", "store_id", "variant", "measured", "limit", "witness"
    )
    lines = PriceLine.objects.filter(document=document.pk).values_list("pk", "band", "risk")
    document = Document.objects.get(pk=document.pk)
    figures = {name: value for name, value in document.summary.items() if name != "checked_at"}
    return sorted(map(str, hits)), sorted(lines), figures


def both_checks(document, touched):
    """What the check of the touched lines leaves, and what a whole check leaves after it."""
    guards.run_guards(Document.objects.get(pk=document.pk), touched=touched)
    near = standing(document)
    guards.run_guards(Document.objects.get(pk=document.pk))
    return near, standing(document)


def test_random_changes_leave_the_same_hits_ranks_and_figures(shop):
    chance = random.Random(20261122)
    document, rows = season(shop, 300)
    several_products(shop, rows)
    check(document)
    keys = list(PriceLine.objects.filter(document=document).values_list("pk", flat=True))
    for _turn in range(25):
        touched = chance.sample(keys, chance.choice([1, 1, 1, 3]))
        for row in PriceLine.objects.filter(pk__in=touched):
            if chance.random() < 0.2:
                row.struck, row.strike_reason = not row.struck, "" if row.struck else "不上架"
            row.final_price = max(row.final_price * chance.choice(FACTORS), Decimal("0.01")).quantize(
                Decimal("0.01")
            )
            row.save()
        near, whole = both_checks(document, touched)
        assert near == whole


def test_the_other_brands_line_of_the_product_is_judged_too(shop):
    one = shop.sku(brand=shop.cslr)
    other = shop.sku(brand=shop.theme, product=one.product)
    document = shop.price_list()
    changed, beside = line(document, one, "100.00"), line(document, other, "100.00")
    check(document)
    PriceLine.objects.filter(pk=changed.pk).update(final_price=Decimal("140.00"))
    near, whole = both_checks(document, [changed.pk])
    assert near == whole
    assert GuardHit.objects.filter(document=document.pk, code="G13", line_id=beside.pk).exists()


def test_striking_the_last_line_says_that_nothing_is_kept(shop):
    document = shop.price_list()
    only = line(document, shop.sku(), "100.00")
    check(document)
    PriceLine.objects.filter(pk=only.pk).update(struck=True, strike_reason="不上架")
    near, whole = both_checks(document, [only.pk])
    assert near == whole
    assert [hit.variant for hit in GuardHit.objects.filter(document=document.pk, code="G01")] == [
        "nothing_kept"
    ]


def test_a_changed_line_takes_the_same_statements_whatever_the_length(shop):
    counts = []
    document, _rows = season(shop, 400)
    for kept in (400, 20):
        PriceLine.objects.filter(document=document, row_no__gte=kept).delete()
        check(document)
        touched = [PriceLine.objects.filter(document=document).first().pk]
        with CaptureQueriesContext(connection) as queries:
            guards.run_guards(Document.objects.get(pk=document.pk), touched=touched)
        counts.append(len(queries))
    assert counts[0] == counts[1]
