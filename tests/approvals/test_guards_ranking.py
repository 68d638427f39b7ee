"""What a person sees first: the groups, the order by risk, and what a later round leaves out."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.flow.transitions import remember_decided
from approvals.guards import run_guards
from approvals.models import Event, GuardHit, LineBand, PriceLine
from stores.models import Sku
from tests.approvals.guarding import Shop, check, line, old_price, season


@pytest.fixture
def shop(db):
    return Shop()


def change(row, **values):
    PriceLine.objects.filter(pk=row.pk).update(**values)
    return row.pk


def price_of(number, factor):
    return (old_price(number) * Decimal(str(factor))).quantize(Decimal("0.01"))


def too_many_digits(shop, rows):
    return change(rows[101], final_price=price_of(101, 10))


def first_digit_lost(shop, rows):
    return change(rows[199], final_price=price_of(199, 0.48))


def digits_swapped(shop, rows):
    number = next(n for n in range(301, 5000, 4) if old_price(n) == 176)
    return change(rows[number], final_price=Decimal("167.00"))


def neighbours_swapped(shop, rows):
    change(rows[402], final_price=old_price(401))
    return change(rows[401], final_price=old_price(402))


def below_the_floor(shop, rows):
    return change(
        rows[501],
        floor_price=price_of(501, 0.98),
        final_price=price_of(501, 0.97),
        reference_price=price_of(501, 0.97),
    )


def below_cost_with_a_reason(shop, rows):
    return change(rows[601], cost=price_of(601, 1), reason_code="clearance")


def old_cost(shop, rows):
    Sku.objects.filter(pk=rows[701].sku_id).update(cost_as_of=timezone.localdate() - timedelta(days=200))
    return rows[701].pk


def odd_cents(shop, rows):
    return change(rows[801], final_price=old_price(801) - Decimal("1.63"))


def struck_through_price_too_high(shop, rows):
    return change(rows[901], compare_at_price=price_of(901, 1.5))


def brands_apart(shop, rows):
    ours, theirs = rows[1001].sku, rows[1002].sku
    product = shop.sku(None, listed=[]).product
    Sku.objects.filter(pk__in=[ours.pk, theirs.pk]).update(product=product)
    Sku.objects.filter(pk=theirs.pk).update(brand=shop.theme)
    return rows[1001].pk


def kept_although_the_reference_moved(shop, rows):
    return change(rows[1101], reference_price=price_of(1101, 0.75))


def for_one_brand_only(shop, rows):
    return change(
        rows[1201],
        scope_key="brand:cslr",
        final_price=price_of(1201, 0.97),
        reference_price=price_of(1201, 0.97),
    )


PLANTED = (
    too_many_digits,
    first_digit_lost,
    digits_swapped,
    neighbours_swapped,
    below_the_floor,
    below_cost_with_a_reason,
    old_cost,
    odd_cents,
    struck_through_price_too_high,
    brands_apart,
    kept_although_the_reference_moved,
    for_one_brand_only,
)


def by_risk(document):
    return PriceLine.objects.filter(document=document).order_by("band", "-risk", "id")


def test_twelve_faults_of_twelve_kinds_in_5000_lines_are_among_the_first_30(shop):
    document, rows = season(shop, 5000)
    check(document)
    usual = by_risk(document).filter(band=LineBand.MUST_LOOK).count()
    assert usual >= 30, "without faults there would be nothing to rank them against"
    planted = {plant.__name__: plant(shop, rows) for plant in PLANTED}
    check(document)
    order = {pk: place for place, pk in enumerate(by_risk(document).values_list("pk", flat=True), start=1)}
    late = {name: order[pk] for name, pk in planted.items() if order[pk] > 30}
    assert not late


def test_a_check_takes_the_same_statements_for_10_lines_and_for_1000(shop):
    statements = []
    document, _rows = season(shop, 1000)
    for kept in (1000, 10):
        PriceLine.objects.filter(document=document, row_no__gte=kept).delete()
        check(document)
        with CaptureQueriesContext(connection) as queries:
            run_guards(document)
        statements.append(len(queries))
    assert statements[0] == statements[1]


def bands(document):
    check(document)
    return {row.row_no: row.band for row in document.lines.all()}


def test_the_three_groups_are_must_look_changed_and_unchanged(shop):
    document = shop.price_list()
    line(document, shop.sku(), "100.00")
    line(document, shop.sku(), "105.00")
    line(document, shop.sku(), "115.00")
    line(document, shop.sku(None), "100.00")
    line(document, shop.sku(pool="exclusive"), "95.00", scope_key="stores:jd-cslr", exception_reason="专供")
    line(document, shop.sku(pool="exclusive"), "100.00", scope_key="stores:jd-cslr", exception_reason="专供")
    assert bands(document) == {1: 3, 2: 2, 3: 1, 4: 1, 5: 1, 6: 3}
    document.refresh_from_db()
    assert document.summary["bands"] == {"must": 3, "changed": 1, "unchanged": 2}


def test_a_struck_line_stays_where_it_was(shop):
    document = shop.price_list()
    row = line(document, shop.sku(), "115.00")
    check(document)
    change(row, struck=True, strike_reason="停售")
    assert bands(document) == {1: LineBand.MUST_LOOK}
    assert not GuardHit.objects.filter(document=document, line_id=row.pk).exists()


def test_lines_whose_rank_has_not_moved_are_not_written_again(shop):
    document, _rows = season(shop, 50)
    check(document)
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(ctid) FROM approvals_priceline")
        before = cursor.fetchone()
        check(document)
        cursor.execute("SELECT max(ctid) FROM approvals_priceline")
        assert cursor.fetchone() == before


# ── A later round ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def decided_once(shop):
    """A list with two warned lines and an unchanged one, sent back once; nobody had all of it on the screen."""
    document = shop.price_list()
    for price in ("115.00", "115.00", "100.00"):
        line(document, shop.sku(), price)
    document = check(document)
    remember_decided(document)
    return document


@pytest.fixture
def sent_back(decided_once):
    """The same list, sent back after its must-look lines had been seen."""
    Event.objects.create(document=decided_once, kind="looked", at=timezone.now())
    return decided_once


def test_a_later_round_shows_first_what_changed_since_the_last_decision(sent_back):
    first, second, third = sent_back.pricelist.lines.order_by("row_no")
    change(third, final_price=Decimal("104.00"))
    sent_back = check(sent_back)
    assert bands(sent_back.pricelist) == {1: 2, 2: 2, 3: 1}
    assert sent_back.summary["round"] == {"changed": 1, "same": 2}
    third.refresh_from_db()
    first.refresh_from_db()
    assert third.risk > first.risk


def test_a_line_carried_over_that_needs_a_higher_signature_must_be_looked_at_again(sent_back):
    first = sent_back.pricelist.lines.get(row_no=1)
    change(first, final_price=Decimal("131.00"))
    check(sent_back)
    remember_decided(sent_back)
    assert bands(sent_back.pricelist) == {1: 1, 2: 2, 3: 3}


def test_what_nobody_had_looked_at_is_not_carried_over(decided_once):
    assert bands(decided_once.pricelist) == {1: 1, 2: 1, 3: 3}
