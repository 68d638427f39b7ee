"""A small company in which documents can walk their whole flow: two stores, a few goods, one person per role."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cache

from django.contrib.auth.hashers import get_hasher, make_password
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from approvals import drafts, guards
from approvals.content import refresh_hash
from approvals.execution.receipts import rows_for_store
from approvals.flow import transitions
from approvals.models import Document, Flow, FlowStep, FlowVersion, PriceLine, Task
from approvals.scopes import expand_scopes
from opsadmin.core import clock
from staffing.services import put_in_charge
from tests.factories import (
    AccountFactory,
    AssignmentFactory,
    BrandFactory,
    DepartmentFactory,
    EmployeeFactory,
    ListingFactory,
    PlatformFactory,
    PositionFactory,
    PriceInForceFactory,
    SkuFactory,
    StoreFactory,
    UserFactory,
)

PASSWORD = "a-long-enough-password"
ROLES = (
    "product_strategy",
    "ecommerce_manager",
    "general_manager",
    "finance",
    "promotion",
    "customer_service",
    "administrator",
    "auditor",
    "hr",
)


@dataclass
class World:
    """People by role, stores and goods; ``goods`` cost 40, have floor 60, ceiling 150 and a price of 100 in force."""

    people: dict = field(default_factory=dict)
    stores: list = field(default_factory=list)
    goods: list = field(default_factory=list)
    manager_position: object = None

    def __getitem__(self, role):
        return self.people[role]


def next_week():
    """Return midnight (Asia/Shanghai) some days ahead."""
    return (timezone.localtime() + timedelta(days=8)).replace(hour=0, minute=0, second=0, microsecond=0)


def make_world(goods=4):
    """Return a world with accounts, posts, stores, goods, prices in force and the price list flow in use."""
    world = World()
    department = DepartmentFactory(name="电子商务部")
    for role in ROLES:
        world.people[role] = person(role, [role], department)
    world.manager_position = PositionFactory(code="manager", title="电子商务部经理", department=department)
    AssignmentFactory(employee=world["ecommerce_manager"].account.employee, position=world.manager_position)
    platform, brand = PlatformFactory(fee_rate=Decimal("0.05")), BrandFactory()
    world.stores = [StoreFactory(platform=platform, brand=brand) for _number in range(2)]
    for store in world.stores:
        put_in_charge(
            employee=world["customer_service"].account.employee.pk,
            store=store.pk,
            start=clock.today(),
            by=world["hr"],
        )
    world.goods = [SkuFactory(brand=brand) for _number in range(goods)]
    for sku in world.goods:
        for store in world.stores:
            ListingFactory(sku=sku, store=store)
            PriceInForceFactory(sku=sku, store=store)
    make_flow("price_list", with_campaign=True)
    make_flow("promotion", with_campaign=False)
    return world


@cache
def hashed_password(algorithm):
    """Return the hash of PASSWORD, made once for each algorithm: making one is slow on purpose."""
    return make_password(PASSWORD, hasher=algorithm)


def person(username, roles, department):
    """Return an account with a password, and the employee behind it."""
    user = UserFactory(username=username, name=username, roles=roles)
    type(user).objects.filter(pk=user.pk).update(password=hashed_password(get_hasher().algorithm))
    user.refresh_from_db()
    AccountFactory(user=user, employee=EmployeeFactory(name=username, home_department=department))
    return user


def make_flow(kind, /, *, with_campaign, **manager_step):
    """Put a new version of the kind's flow in use; ``manager_step`` adds to what its first step says."""
    flow, _new = Flow.objects.get_or_create(code=kind, defaults={"name": kind, "kind": kind})
    flow.versions.update(state="retired")
    version = FlowVersion.objects.create(flow=flow, number=flow.versions.count() + 1)
    steps = [
        {
            "kind": "sign",
            "name": "审核签字",
            "assignee_kind": "position",
            "assignee": "manager",
            "edits_lines": True,
        },
        {
            "kind": "sign",
            "name": "升签",
            "assignee_kind": "role",
            "assignee": "general_manager",
            "condition": {"fact": "sign", "above": 0},
        },
        {"kind": "file", "name": "归档", "assignee_kind": "role", "assignee": "finance"},
    ]
    if with_campaign:
        steps.append(
            {"kind": "complete", "name": "活动信息", "assignee_kind": "role", "assignee": "promotion"}
        )
    steps.append({"kind": "execute", "name": "执行", "assignee_kind": "store_charge"})
    steps[0] |= manager_step
    FlowStep.objects.bulk_create(
        FlowStep(version=version, order=n, **step) for n, step in enumerate(steps, start=1)
    )
    version.state = "in_use"
    version.save()
    return version


def draft_price_list(world, prices, *, by=None, **fields):
    """Return a checked draft with one line per price over the world's goods."""
    fields = {"title": "测试价格表", "list_kind": "regular", "effective_from": next_week(), **fields}
    price_list = drafts.create_price_list(by=by or world["product_strategy"], **fields)
    lines = [
        PriceLine(
            document=price_list,
            row_no=number,
            sku=sku,
            sku_code=sku.code,
            sku_name=sku.name,
            reference_price=Decimal(price),
            final_price=Decimal(price),
        )
        for number, (sku, price) in enumerate(zip(world.goods, prices, strict=False), start=1)
    ]
    PriceLine.objects.bulk_create(lines)
    return check(price_list)


def check(draft):
    """Run the guards over a draft and return it as a Document, read anew."""
    document = Document.objects.get(pk=draft.pk)
    with transaction.atomic():
        expand_scopes(document)
        guards.refresh_snapshots(document)
        refresh_hash(document)
        guards.run_guards(document)
    return Document.objects.get(pk=document.pk)


def explain_all(document, *, by):
    """Give a reason for every hit that asks for one."""
    for code in set(guards.unacknowledged(document).values_list("code", flat=True)):
        guards.acknowledge(document.pk, by=by, code=code, reason="已核对")


def submitted(world, prices=("95", "100", "100", "100"), **fields):
    """Return a price list that waits for the manager."""
    document = draft_price_list(world, prices, **fields)
    explain_all(document, by=world["product_strategy"])
    transitions.submit(document.pk, by=world["product_strategy"], content_hash=document.content_hash)
    return Document.objects.get(pk=document.pk)


def open_task(document, user=None):
    tasks = Task.objects.filter(document=document, state="open")
    return (tasks.filter(assignee=user) if user else tasks).order_by("pk").first()


def sign(world, document, *, role="ecommerce_manager", comment="", **kwargs):
    """Look at everything and sign, as the page would."""
    document = Document.objects.get(pk=document.pk)
    task = open_task(document, world[role])
    transitions.mark_looked(task.pk, by=world[role], lines=document.summary["bands"]["must"])
    return transitions.decide(
        task.pk,
        by=world[role],
        verdict="sign",
        content_hash=document.content_hash,
        password=PASSWORD,
        comment=comment,
        **kwargs,
    )


def file(world, document):
    task = open_task(document, world["finance"])
    return transitions.decide(
        task.pk,
        by=world["finance"],
        verdict="file",
        content_hash=Document.objects.get(pk=document.pk).content_hash,
    )


def complete(world, document, **data):
    task = open_task(document, world["promotion"])
    start = document.effective_from
    details = {
        "theme": "暖冬",
        "copy": "暖冬焕新",
        "starts_at": start,
        "ends_at": start + timedelta(days=3),
        **data,
    }
    content = Document.objects.get(pk=document.pk).content_hash
    return transitions.decide(
        task.pk, by=world["promotion"], verdict="complete", content_hash=content, data=details
    )


def carry_out(world, document, store, **data):
    """Give the receipt of one store."""
    task = Task.objects.get(document=document, store=store, assignee=world["customer_service"])
    document = Document.objects.get(pk=document.pk)
    receipt = {
        "file": SimpleUploadedFile("结果.csv", b"sku,ok\n"),
        "applied": rows_for_store(document, store),
        **data,
    }
    return transitions.decide(
        task.pk,
        by=world["customer_service"],
        verdict="execute",
        content_hash=document.content_hash,
        data=receipt,
    )


__all__ = [
    "PASSWORD",
    "World",
    "carry_out",
    "check",
    "complete",
    "draft_price_list",
    "explain_all",
    "file",
    "make_flow",
    "make_world",
    "next_week",
    "open_task",
    "person",
    "sign",
    "submitted",
]
