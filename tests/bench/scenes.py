"""Databases that rows begin with. A scene is made once, after another one, and cloned for each arm that writes."""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone

STORES = 10
LINES = """
INSERT INTO approvals_priceline (document_id, row_no, sku_id, sku_code, sku_name, scope_key, exception_reason,
    reference_price, final_price, reason_code, reason, struck, strike_reason, band, risk, version, decided_digest)
SELECT %(document)s, n, k.id, k.code, k.name, 'all', '', p.price, p.price, '', '', false, '', 2, 0, 1, ''
FROM generate_series(1, %(many)s) n
JOIN stores_sku k ON k.code = 'BENCH-' || lpad(n::text, 6, '0'),
LATERAL (SELECT CASE WHEN n %% 10 = 0 THEN 100 WHEN {far} THEN 70 ELSE 100 - n %% 6 END AS price) p
"""


@dataclass(frozen=True)
class Scene:
    """``make(n)`` builds it in the database of the scene ``after``, of size ``within(n)``."""

    make: Callable
    after: str = ""
    within: Callable = lambda n: n


def goods(n):
    """Ten stores and n SKUs, each with a price of 100 in force and a listing in every store."""
    from staffing.services import put_in_charge
    from tests.approvals.bulk import many_goods
    from tests.approvals.world import make_world
    from tests.factories import StoreFactory

    world = make_world(goods=0)
    first = world.stores[0]
    stores = world.stores + [
        StoreFactory(platform=first.platform, brand=first.brand) for _number in range(STORES - 2)
    ]
    for store in stores[2:]:
        put_in_charge(
            employee=world["customer_service"].account.employee.pk,
            store=store.pk,
            start=timezone.localdate(),
            by=world["hr"],
        )
    many_goods("BENCH-", n, stores=stores, brand=first.brand)


def drafted(n, far="n %% 1000 = 7"):
    """A draft of n lines for all stores, checked; a few lines, which ``far`` says, lie far off the price in force."""
    from approvals import drafts
    from opsadmin.core.models import User
    from tests.approvals.world import check, explain_all, next_week

    by = User.objects.get(username="product_strategy")
    document = drafts.create_price_list(by=by, title="Bench", list_kind="regular", effective_from=next_week())
    with connection.cursor() as cursor:
        cursor.execute(LINES.format(far=far), {"document": document.pk, "many": n})
        cursor.execute("ANALYZE approvals_priceline")
    explain_all(check(document), by=by)


def signed(n):
    """The draft, submitted and signed by everybody: it waits for finance."""
    from approvals.flow import transitions
    from approvals.models import Document
    from opsadmin.core.models import User
    from tests.approvals.world import sign

    world = {user.username: user for user in User.objects.all()}
    document = Document.objects.get()
    transitions.submit(document.pk, by=world["product_strategy"], content_hash=document.content_hash)
    sign(world, document)
    if Document.objects.get().sign_count:
        sign(world, document, role="general_manager")


MOST_LINES = 100_000
COPY = """
INSERT INTO approvals_priceline (document_id, {columns})
SELECT d.copy, {columns} FROM approvals_priceline, (SELECT id AS copy FROM approvals_document WHERE title = 'Copy') d
"""


def crowd(n):
    """n lines in all: a signed list of at most 100,000 and drafts with the same lines; and filings beside them.

    As many lines have to be looked at, and as many filings are found by one SKU, whatever n is: a page shows as much.
    """
    from approvals import drafts
    from approvals.models import PriceLine
    from opsadmin.core.models import User

    few = min(n, MOST_LINES)
    drafted(few, far="n <= 20")
    signed(few)
    by = User.objects.get(username="product_strategy")
    for _number in range(max(n // MOST_LINES - 1, 1)):
        drafts.create_price_list(
            by=by, title="Copy", list_kind="regular", effective_from=drafts.usual_start("price_list")
        )
    with connection.cursor() as cursor:
        cursor.execute(COPY.format(columns=columns_of(PriceLine, but={"id", "document_id"})))
    file_many(max(n // 1000, 100))


def file_many(n):
    """Add n documents at all stages of their work, most of them filed; each filing has one price of one SKU."""
    from approvals.models import FlowVersion
    from opsadmin.core.files import store_file
    from opsadmin.core.models import User
    from stores.models import Sku, Store
    from tests.approvals.crowd import add_documents
    from tests.approvals.world import World

    people = {user.username: user for user in User.objects.all()}
    world = World(people, list(Store.objects.order_by("pk")[:2]), [Sku.objects.get(code="BENCH-000123")])
    version = FlowVersion.objects.get(flow__kind="price_list", state="in_use")
    with transaction.atomic():
        file = store_file(
            ContentFile(b"sku,ok\n", name="receipt.csv"), name="receipt.csv", by=people["finance"]
        )
        add_documents(1, n, world=world, version=version, file=file)


GRANTS = """
INSERT INTO stores_storegroupobjectpermission (permission_id, group_id, content_object_id)
SELECT p.id, {group}, s.id FROM auth_permission p, stores_store s
WHERE p.codename = 'serve_store' AND s.code LIKE 'many%%' ORDER BY s.id LIMIT 90
"""


def charges(n):
    """n stores with some prices, and a person who serves a hundred of them."""
    from opsadmin.core.models import User
    from stores.models import Store, StoreGroupObjectPermission

    goods(100)
    first = Store.objects.earliest("pk")
    known = {"platform": first.platform, "brand": first.brand, "mode": first.mode, "status": first.status}
    Store.objects.bulk_create(
        Store(code=f"many{number}", name=f"店铺{number}", order=number, **known)
        for number in range(n - STORES)
    )
    user = User.objects.get(username="customer_service")
    group = StoreGroupObjectPermission.objects.filter(group__user=user).first().group
    with connection.cursor() as cursor:
        cursor.execute(GRANTS.format(group=group.pk))


DOCUMENTS = """
INSERT INTO approvals_document (number, archive_number, {columns})
SELECT 'JG-9999-' || n, 'GD-9999-' || n, {columns} FROM approvals_document, generate_series(2, %(many)s) n
"""
RECORDS = """
INSERT INTO approvals_archiverecord (sequence, number, document_id, hash, {columns})
SELECT d.n, d.archive_number, d.id, encode(sha256(d.n::text::bytea), 'hex'), r.*
FROM (SELECT {columns} FROM approvals_archiverecord WHERE sequence = 1) r, (
    SELECT id, archive_number, split_part(archive_number, '-', 3)::int AS n
    FROM approvals_document WHERE archive_number LIKE 'GD-9999-%%') d
"""


def columns_of(model, *, but):
    return ", ".join(field.column for field in model._meta.concrete_fields if field.column not in but)


def year(n):
    """An archive of n filings of 200 lines, each with its package kept: one that was filed, and its likes."""
    from django.core.files.base import File
    from django.core.files.storage import default_storage

    from approvals.archive import packaging
    from approvals.flow import transitions
    from approvals.models import ArchiveRecord, Document, Task
    from opsadmin.core.models import User

    for make in (goods, drafted, signed):
        make(200)
    document, by = Document.objects.get(), User.objects.get(username="finance")
    task = Task.objects.get(document=document, assignee=by, state="open")
    transitions.decide(task.pk, by=by, verdict="file", content_hash=document.content_hash)
    first = ArchiveRecord.objects.get()
    packaging.keep(first)
    documents = columns_of(Document, but={"id", "number", "archive_number"})
    records = columns_of(ArchiveRecord, but={"sequence", "number", "document_id", "hash"})
    with connection.cursor() as cursor:
        cursor.execute(DOCUMENTS.format(columns=documents), {"many": n})
        cursor.execute(RECORDS.format(columns=records), {"many": n})
    source = packaging.kept_path(first)
    for record in ArchiveRecord.objects.defer("payload").filter(sequence__gt=1):
        for suffix in ("", ".json"):
            with default_storage.open(source + suffix) as file:
                default_storage.save(packaging.kept_path(record) + suffix, File(file))


SCENES = {
    "year": Scene(year),
    "charges": Scene(charges),
    "goods": Scene(goods),
    "drafted": Scene(drafted, after="goods"),
    "signed": Scene(signed, after="drafted"),
    "crowd": Scene(crowd, after="goods", within=lambda n: min(n, MOST_LINES)),
}
