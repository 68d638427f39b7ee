"""A small company whose price lists are filed without walking the whole flow: what archive tests stand on."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils import timezone

from approvals.archive.filing import file_document
from approvals.content import refresh_hash
from approvals.flow.record import write_decision
from approvals.models import (
    Document,
    DocumentState,
    Flow,
    FlowStep,
    FlowVersion,
    PriceLine,
    PriceList,
    Process,
    Promotion,
    PromotionLine,
    Step,
    Task,
)
from approvals.scopes import expand_scopes
from opsadmin.core.models import User
from opsadmin.core.numbering import next_number
from opsadmin.roles import sync_roles
from stores.models import Brand, Platform, PriceInForce, Product, Sku, Store

NEXT_WEEK = timedelta(days=7)


def next_monday():
    """Return a start some days ahead, at midnight in Shanghai, whatever the day of the test."""
    return (timezone.localtime() + NEXT_WEEK).replace(hour=0, minute=0, second=0, microsecond=0)


def account(username, *roles, name=""):
    """Return an account with the rights of these roles."""
    if not Group.objects.filter(name="finance").exists():
        sync_roles()
    user, _created = User.objects.get_or_create(username=username, defaults={"name": name or username})
    user.groups.set(Group.objects.filter(name__in=roles))
    return User.objects.get(pk=user.pk)


def some_stores(*codes, brand="cslr"):
    """Return trading, self-operated stores of one brand."""
    platform, _new = Platform.objects.get_or_create(code="mall", defaults={"name": "商城"})
    owner, _new = Brand.objects.get_or_create(code=brand, defaults={"name": brand})
    return [
        Store.objects.get_or_create(
            code=code,
            defaults={
                "name": f"{code} 店",
                "platform": platform,
                "brand": owner,
                "mode": "self_operated",
                "status": "trading",
            },
        )[0]
        for code in codes
    ]


def some_skus(count, prefix="CS"):
    """Return goods with cost 40, floor 60 and no price yet."""
    product, _new = Product.objects.get_or_create(code="P-1", defaults={"name": "保温杯"})
    brand, _new = Brand.objects.get_or_create(code="cslr", defaults={"name": "cslr"})
    return [
        Sku.objects.get_or_create(
            code=f"{prefix}{number:04}",
            defaults={
                "product": product,
                "brand": brand,
                "name": f"保温杯 {number}",
                "cost": 40,
                "cost_as_of": timezone.localdate(),
                "floor_price": 60,
                "stock": 5,
            },
        )[0]
        for number in range(1, count + 1)
    ]


def a_price(sku, store, amount, *, start, end=None, layer="base", number="QC-2026-0001", line_no=1):
    """Put an opening price in force."""
    return PriceInForce.objects.create(
        sku=sku,
        store=store,
        layer=layer,
        amount=Decimal(amount),
        during=(start, end),
        document_number=number,
        line_no=line_no,
    )


def price_list(
    skus,
    *,
    price="99.00",
    start=None,
    end=None,
    list_kind="regular",
    scope="all",
    title="冬季价格表",
    narrow=None,
):
    """Return a price list in approval, with one line per SKU, submitted by product strategy.

    ``narrow``: (SKU, scope, price) of one more line, with its written exception.
    """
    drafter = account("strategy", "product_strategy", name="产品策略专员")
    document = PriceList.objects.create(
        kind="price_list",
        number=next_number("JG"),
        title=title,
        list_kind=list_kind,
        effective_from=start or next_monday(),
        effective_to=end,
        drafted_by=drafter,
    )
    PriceLine.objects.bulk_create(
        PriceLine(
            document=document,
            row_no=row,
            scope_key=scope,
            exception_reason="单独定价" if scope.startswith("stores:") else "",
            reference_price=Decimal(price) + 3,
            final_price=Decimal(price),
            **copied(sku),
        )
        for row, sku in enumerate(skus, 1)
    )
    if narrow:
        sku, scope, amount = narrow
        PriceLine.objects.create(
            document=document,
            row_no=len(skus) + 1,
            scope_key=scope,
            exception_reason="平台专享",
            reference_price=Decimal(amount),
            final_price=Decimal(amount),
            **copied(sku),
        )
    return submitted(document)


def promotion(skus, *, price="80.00", start=None, end=None):
    """Return a promotion in approval, with one line per SKU."""
    start = start or next_monday()
    document = Promotion.objects.create(
        kind="promotion",
        number=next_number("CX"),
        title="会员日",
        promotion_kind="markdown",
        effective_from=start,
        effective_to=end or start + timedelta(days=2),
        drafted_by=account("promotion", "promotion", name="推广专员"),
        per_user_cap=2,
        total_quantity=500,
        budget=Decimal("5000"),
    )
    PromotionLine.objects.bulk_create(
        PromotionLine(document=document, row_no=row, final_price=Decimal(price), **copied(sku))
        for row, sku in enumerate(skus, 1)
    )
    return submitted(document)


def copied(sku):
    return {
        "sku": sku,
        "sku_code": sku.code,
        "sku_name": sku.name,
        "cost": sku.cost,
        "floor_price": sku.floor_price,
    }


def submitted(document):
    """Put a document into approval, with its steps: the manager signs, finance files."""
    from approvals import guards

    base = Document.objects.get(pk=document.pk)
    expand_scopes(base)
    guards.refresh_snapshots(base)
    guards.run_guards(base)
    refresh_hash(base)
    base.state, base.submitted_by, base.submitted_at = "in_approval", base.drafted_by, timezone.now()
    base.save()
    version = a_flow(base.kind)
    process = Process.objects.create(
        document=base,
        round=1,
        flow_version=version,
        submitted_by=base.drafted_by,
        submitter={"name": base.drafted_by.name, "position": "产品策略专员", "department": "产品策略部"},
        content_hash=base.content_hash,
        started_at=timezone.now(),
    )
    for flow_step in version.steps.all():
        Step.objects.create(
            process=process,
            flow_step=flow_step,
            order=flow_step.order,
            kind=flow_step.kind,
            name=flow_step.name,
            quorum=flow_step.quorum,
            edits_lines=flow_step.edits_lines,
            state="active",
        )
    return Document.objects.get(pk=document.pk)


def a_flow(kind):
    """Return the flow in use for a kind of document: sign, then file."""
    flow, new = Flow.objects.get_or_create(kind=kind, defaults={"code": kind, "name": kind})
    if new:
        version = FlowVersion.objects.create(flow=flow, number=1, state="draft")
        for order, (step, name) in enumerate([("sign", "经理审核签字"), ("file", "财务归档")], 1):
            FlowStep.objects.create(
                version=version,
                order=order,
                kind=step,
                name=name,
                assignee_kind="role",
                assignee={"sign": "ecommerce_manager", "file": "finance"}[step],
                edits_lines=step == "sign",
            )
        version.state = "in_use"
        version.save()
    return flow.versions.get(state="in_use")


def decided(document, step_kind, by, verdict, comment=""):
    """Write somebody's decision in a step of the document's round; returns (task, decision)."""
    step = Step.objects.get(process__document=document, process__round=document.round, kind=step_kind)
    task = Task.objects.create(step=step, document=document, assignee=by, because="岗位", state="open")
    decision = write_decision(
        task,
        document=document,
        by=by,
        verdict=verdict,
        comment=comment,
        content_hash=document.content_hash,
        channel="test",
        address=None,
    )
    task.state, task.closed_at = "done", decision.at
    task.save()
    return task, decision


def filed(document, *, comment="", signed=True):
    """Sign and file a document in approval; returns its archive record."""
    manager = account("manager", "ecommerce_manager", name="电商经理")
    finance = account("finance", "finance", name="财务专员")
    with transaction.atomic():
        locked = Document.objects.select_for_update().get(pk=document.pk)
        if signed:
            decided(locked, "sign", manager, "sign", comment)
        task, decision = decided(locked, "file", finance, "file")
        record = file_document(locked, task, decision)
    document.refresh_from_db()
    return record


def hashed_again(document):
    """Take over what was changed behind a document's back, as if it had been signed so."""
    base = Document.objects.get(pk=document.pk)
    refresh_hash(base)
    document.refresh_from_db()


@contextmanager
def tampering(*tables):
    """Give a cursor to somebody who owns the database and switches its protection off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield cursor
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def done(document):
    """Mark a filed document as carried out."""
    Document.objects.filter(pk=document.pk).update(state=DocumentState.DONE)
    document.refresh_from_db()
