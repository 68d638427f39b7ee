"""Masters in the admin: who sees which, at what cost, and that nothing is deleted."""

import pytest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from staffing.access import sync_store_access
from stores.models import Sku
from tests.factories import (
    AccountFactory,
    AssignmentFactory,
    BrandFactory,
    DepartmentFactory,
    EmployeeFactory,
    ListingFactory,
    PlatformFactory,
    PositionFactory,
    ProductFactory,
    SkuFactory,
    StoreChargeFactory,
    StoreFactory,
    UserFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

LISTS = {
    "stores_platform": (PlatformFactory, "administrator"),
    "stores_brand": (BrandFactory, "administrator"),
    "stores_store": (StoreFactory, "administrator"),
    "stores_product": (ProductFactory, "product_strategy"),
    "stores_sku": (SkuFactory, "product_strategy"),
    "stores_listing": (ListingFactory, "administrator"),
    "orgchart_department": (DepartmentFactory, "hr"),
    "orgchart_position": (PositionFactory, "hr"),
    "staffing_employee": (EmployeeFactory, "hr"),
    "staffing_assignment": (AssignmentFactory, "hr"),
    "staffing_storecharge": (StoreChargeFactory, "hr"),
    "core_user": (UserFactory, "administrator"),
}


def address(name, *args):
    return reverse(f"admin:{name}", args=args)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_costs_as_many_statements_for_thirty_rows_as_for_two(
    name, signed_in, django_assert_max_num_queries
):
    factory, role = LISTS[name]
    client = signed_in(roles=[role])
    factory.create_batch(2)
    client.get(address(f"{name}_changelist"))
    with django_assert_max_num_queries(25) as few:
        assert client.get(address(f"{name}_changelist")).status_code == 200
    factory.create_batch(28)
    with django_assert_max_num_queries(25) as many:
        assert client.get(address(f"{name}_changelist")).status_code == 200
    # Filters leave themselves out where there is nothing to choose; nothing may grow with the rows.
    assert len(many) <= len(few) + 1


@pytest.mark.parametrize("name", LISTS)
def test_nothing_is_deleted_in_the_admin(name, signed_in):
    factory, role = LISTS[name]
    row = factory()
    client = signed_in(roles=[role])
    assert client.post(address(f"{name}_delete", row.pk), {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("name", LISTS)
def test_an_old_version_cannot_be_put_back_by_posting_it(name):
    with pytest.raises(NoReverseMatch):
        address(f"{name}_simple_history", 1, 1)


@pytest.mark.parametrize("role", ["customer_service", "promotion"])
def test_cost_and_floor_are_not_shown_to_those_who_apply_prices(role, signed_in):
    sku = SkuFactory(cost="41.37", floor_price="61.73")
    client = signed_in(roles=[role])
    for page in (address("stores_sku_changelist"), address("stores_sku_change", sku.pk)):
        text = client.get(page).content.decode()
        assert sku.code in text and "41.37" not in text and "61.73" not in text


def test_cost_and_floor_are_shown_to_those_who_judge_prices(signed_in):
    sku = SkuFactory(cost="41.37", floor_price="61.73")
    client = signed_in(roles=["ecommerce_manager"])
    for page in (address("stores_sku_changelist"), address("stores_sku_change", sku.pk)):
        text = client.get(page).content.decode()
        assert "41.37" in text and "61.73" in text


@pytest.mark.parametrize(
    "lookup", ["cost__gt=1", "floor_price__lt=99", "cost__isnull=0", "cost_as_of__year=2026"]
)
def test_a_cost_cannot_be_found_out_by_filtering(lookup, signed_in):
    SkuFactory()
    client = signed_in(roles=["customer_service"])
    assert client.get(address("stores_sku_changelist") + f"?{lookup}").status_code in (302, 400)


def test_the_history_of_a_sku_is_kept_from_those_who_do_not_see_costs(signed_in):
    sku = SkuFactory()
    sku.cost = "39.00"
    sku.save()
    page = address("stores_sku_history", sku.pk)
    assert signed_in(roles=["customer_service"]).get(page).status_code == 403
    text = signed_in(roles=["product_strategy"]).get(page).content.decode()
    assert "40.00" in text and "39.00" in text


def test_the_history_says_who_changed_what(signed_in):
    sku = SkuFactory(stock=5)
    client = signed_in(UserFactory(name="策略甲", roles=["product_strategy"]))
    form = client.get(address("stores_sku_change", sku.pk)).context["adminform"].form
    values = {name: value for name, value in form.initial.items() if value is not None}
    client.post(address("stores_sku_change", sku.pk), {**values, "stock": 9, "pool": "campaign"})
    text = client.get(address("stores_sku_history", sku.pk)).content.decode()
    assert "策略甲" in text and "5 → 9" in text and "common → campaign" in text


def test_customer_service_sees_listings_and_stores_in_its_charge_only(signed_in):
    charge = StoreChargeFactory(
        employee=AccountFactory(user=UserFactory(roles=["customer_service"])).employee
    )
    own, other = ListingFactory(store=charge.store), ListingFactory()
    sync_store_access(timezone.localdate())
    client = signed_in(charge.employee.accounts.get().user)
    text = client.get(address("stores_listing_changelist")).content.decode()
    assert own.sku.code in text and other.sku.code not in text
    for name, mine, not_mine in (
        ("stores_listing", own.pk, other.pk),
        ("stores_store", own.store.pk, other.store.pk),
    ):
        assert client.get(address(f"{name}_change", mine)).status_code == 200
        assert client.get(address(f"{name}_change", not_mine)).status_code == 302
    assert client.get(address("stores_store_history", other.store.pk)).status_code == 404


def test_a_code_is_fixed_once_the_record_is_made(signed_in):
    store = StoreFactory(code="fixed")
    client = signed_in(roles=["administrator"])
    form = client.get(address("stores_store_change", store.pk)).context["adminform"].form
    assert "code" not in form.fields
    client.post(address("stores_store_change", store.pk), {**form.initial, "code": "other", "note": "x"})
    store.refresh_from_db()
    assert (store.code, store.note) == ("fixed", "x")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"code": "cs bag"}, "capitals and without blanks"),
        ({"floor_price": "160.00"}, "below the floor price"),
        ({"cost": "0"}, "The cost must be above 0"),
        ({"cost": "1.234"}, "2 decimal"),
    ],
)
def test_a_wrong_sku_is_refused_with_a_sentence(values, sentence, signed_in):
    product, brand = ProductFactory(), BrandFactory()
    right = {
        "code": "CS-NEW-BK",
        "name": "新包",
        "product": product.pk,
        "brand": brand.pk,
        "pool": "common",
        "cost": "40.00",
        "floor_price": "60.00",
        "ceiling_price": "150.00",
        "stock": "3",
        "active": "on",
    }
    client = signed_in(roles=["product_strategy"])
    response = client.post(address("stores_sku_add"), {**right, **values})
    assert response.status_code == 200 and sentence in response.content.decode()
    assert not Sku.objects.exists()
    assert client.post(address("stores_sku_add"), right).status_code == 302
    assert Sku.objects.get().history.get().history_user == client.user
