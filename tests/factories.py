"""Rows for tests. A factory fills in what does not matter; the test states what does."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import factory
from django.contrib.auth.models import Group
from django.utils import timezone
from factory.django import DjangoModelFactory

from opsadmin.core.models import User
from opsadmin.roles import BY_CODE, sync_roles
from orgchart.models import Department, Position
from staffing.models import Account, Assignment, Employee, StoreCharge
from stores.models import Brand, Listing, Platform, PriceInForce, Product, Sku, Store

LONG_AGO = date(2024, 1, 1)


def moment(text):
    """Return a time of the shop floor (Asia/Shanghai): ``moment("2030-01-01 09:00")``."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.get_default_timezone())


def role_group(code):
    """Return the group of a role with its permissions."""
    if Group.objects.filter(name__in=BY_CODE).count() != len(BY_CODE):
        sync_roles()
    return Group.objects.get(name=code)


class UserFactory(DjangoModelFactory):
    """``UserFactory(roles=["finance"])``; without a usable password, tests sign in by force."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence("user{}".format)
    name = factory.Sequence("用户{}".format)
    is_staff = True
    password = "!"

    @factory.post_generation
    def roles(self, create, codes, **kwargs):
        for code in codes or ():
            self.groups.add(role_group(code))


class PlatformFactory(DjangoModelFactory):
    class Meta:
        model = Platform

    code = factory.Sequence("platform{}".format)
    name = factory.Sequence("平台{}".format)


class BrandFactory(DjangoModelFactory):
    class Meta:
        model = Brand

    code = factory.Sequence("brand{}".format)
    name = factory.Sequence("品牌{}".format)


class StoreFactory(DjangoModelFactory):
    """A self-operated store that trades and has the unified price."""

    class Meta:
        model = Store

    code = factory.Sequence("store{}".format)
    name = factory.Sequence("店铺{}".format)
    platform = factory.SubFactory(PlatformFactory)
    brand = factory.SubFactory(BrandFactory)
    mode = "self_operated"
    status = "trading"


class ProductFactory(DjangoModelFactory):
    class Meta:
        model = Product

    code = factory.Sequence("P{:05}".format)
    name = factory.Sequence("商品{}".format)


class SkuFactory(DjangoModelFactory):
    """Cost 40, floor 60, ceiling 150, cost of today."""

    class Meta:
        model = Sku

    code = factory.Sequence("CS-{:05}-BK".format)
    product = factory.SubFactory(ProductFactory)
    brand = factory.SubFactory(BrandFactory)
    name = factory.Sequence("商品{} 墨黑".format)
    cost = Decimal("40.00")
    cost_as_of = factory.LazyFunction(timezone.localdate)
    floor_price = Decimal("60.00")
    ceiling_price = Decimal("150.00")
    stock = 100


class ListingFactory(DjangoModelFactory):
    class Meta:
        model = Listing

    sku = factory.SubFactory(SkuFactory)
    store = factory.SubFactory(StoreFactory)
    platform_item_id = factory.Sequence("62{:010}".format)
    platform_sku_id = factory.Sequence("46{:011}".format)


class PriceInForceFactory(DjangoModelFactory):
    """A base price of 100 that began a hundred days ago and has no end."""

    class Meta:
        model = PriceInForce

    sku = factory.SubFactory(SkuFactory)
    store = factory.SubFactory(StoreFactory)
    layer = "base"
    amount = Decimal("100.00")
    during = factory.LazyFunction(lambda: (timezone.now() - timedelta(days=100), None))
    document_number = "QC-2024-0001"
    line_no = factory.Sequence(int)


class DepartmentFactory(DjangoModelFactory):
    class Meta:
        model = Department

    code = factory.Sequence("department{}".format)
    name = factory.Sequence("部门{}".format)
    kind = "department"


class PositionFactory(DjangoModelFactory):
    class Meta:
        model = Position

    code = factory.Sequence("position{}".format)
    title = factory.Sequence("岗位{}".format)
    department = factory.SubFactory(DepartmentFactory)


class EmployeeFactory(DjangoModelFactory):
    class Meta:
        model = Employee

    number = factory.Sequence("T{:04}".format)
    name = factory.Sequence("员工{}".format)
    home_department = factory.SubFactory(DepartmentFactory)


class AccountFactory(DjangoModelFactory):
    class Meta:
        model = Account

    user = factory.SubFactory(UserFactory)
    employee = factory.SubFactory(EmployeeFactory)


class AssignmentFactory(DjangoModelFactory):
    class Meta:
        model = Assignment

    employee = factory.SubFactory(EmployeeFactory)
    position = factory.SubFactory(PositionFactory)
    kind = "primary"
    start = LONG_AGO


class StoreChargeFactory(DjangoModelFactory):
    """The row alone: access follows by staffing.services or staffing.access.sync_store_access."""

    class Meta:
        model = StoreCharge

    employee = factory.SubFactory(EmployeeFactory)
    store = factory.SubFactory(StoreFactory)
    start = LONG_AGO
