"""A page costs the same number of statements, and at most 25, for ten lines or documents as for 100,000.

Each case is measured with ten and again with many; `make soak` takes 100,000 and prints what the database took, too.
"""

import time

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.urls import reverse

from approvals.flow import transitions
from approvals.models import Document, DocumentState, FlowVersion, LineBand
from opsadmin.core.files import store_file
from tests.approvals import bulk, crowd
from tests.approvals.world import check, explain_all, make_world, next_week, open_task

FEW, MOST_STATEMENTS = 10, 25
MANY = [1_000, *(pytest.param(many, marks=pytest.mark.soak) for many in (5_000, 100_000))]

pytestmark = pytest.mark.django_db


class Asked:
    """Counts the statements of a block and the time that the database takes for them."""

    def __init__(self):
        self.statements, self.seconds, self.slowest = 0, 0.0, (0.0, "")

    def __call__(self, execute, sql, params, many, context):
        began = time.monotonic()
        try:
            return execute(sql, params, many, context)
        finally:
            took = time.monotonic() - began
            self.statements += 1
            self.seconds += took
            self.slowest = max(self.slowest, (took, sql[:3000]))


def asked(client, address):
    """Open a page and return what it asked."""
    client.get(address)
    found = Asked()
    with connection.execute_wrapper(found):
        answer = client.get(address)
    assert answer.status_code == 200, address
    return found


def measured(signed_in, pages):
    """Return {(role, address): Asked} of every page."""
    return {(role, address): asked(signed_in(user), address) for role, user, address in pages}


def assert_the_same(few, many, size):
    for page, cost in sorted(many.items(), key=lambda item: -item[1].seconds):
        print(f"{size:7,} {cost.statements:3} {cost.seconds * 1000:7.0f} ms {page}")
        if cost.slowest[0] > 0.1:
            print("        ", round(cost.slowest[0] * 1000), "ms", cost.slowest[1])
    for page, cost in many.items():
        assert cost.statements <= few[page].statements <= MOST_STATEMENTS, page


# ── Lists of documents ────────────────────────────────────────────────────────────────────────────────────────────


def list_pages(world):
    """Return (role, account, address) of each list, as those who use it open it."""
    pages = {
        "ecommerce_manager": [
            "inbox",
            "inbox?tab=submitted",
            "inbox?tab=decided",
            "pricelists?tab=all",
            "index",
        ],
        "product_strategy": [
            "inbox?tab=submitted",
            "pricelists",
            "pricelists?tab=running",
            "pricelists?tab=filed",
            "pricelists?q=单据 7",
            "pricelists?q=XX-7",
            "index",
        ],
        "promotion": ["promotions", "promotions?tab=all", "execution", "index"],
        "customer_service": [
            "inbox",
            "inbox?tab=decided",
            "execution",
            "execution?tab=done",
            "index",
        ],
        "finance": [
            "archive",
            "archive?q=GD-2025-7",
            "archive?q=单据 7",
            f"archive?sku={world.goods[0].code}",
            f"archive?store={world.stores[0].pk}",
            "archive?signer=电商经理",
            "archive?kind=promotion",
            "archive?first=2020-01-01&last=2040-01-01",
            "archive?before=5",
            "index",
        ],
        "auditor": ["archive", "pricelists?tab=all", "promotions?tab=done", "execution", "index"],
        "administrator": ["index"],
        "general_manager": ["index", "inbox"],
    }
    for role, addresses in pages.items():
        for address in addresses:
            name, question, query = address.partition("?")
            yield role, world[role], reverse(f"admin:{name}") + question + query


@pytest.mark.parametrize("many", MANY)
def test_lists_of_documents_and_records_cost_the_same_however_many_there_are(many, signed_in):
    world = make_world(goods=1)
    version = FlowVersion.objects.get(flow__kind="price_list", state="in_use")
    file = store_file(ContentFile(b"sku,ok\n", name="回执.csv"), name="回执.csv", by=world["finance"])
    crowd.add_documents(1, FEW, world=world, version=version, file=file)
    few = measured(signed_in, list_pages(world))
    crowd.add_documents(FEW + 1, many, world=world, version=version, file=file)
    assert_the_same(few, measured(signed_in, list_pages(world)), many)


# ── Lines of one document ─────────────────────────────────────────────────────────────────────────────────────────

LINES = """
INSERT INTO approvals_priceline (document_id, row_no, sku_id, sku_code, sku_name, scope_key, exception_reason,
    reference_price, final_price, reason, reason_code, struck, strike_reason, band, risk, version, decided_digest)
SELECT %s, row_number() OVER (ORDER BY k.code), k.id, k.code, k.name, 'all', '', 100 - k.id %% 7, 100 - k.id %% 7,
    '', '', false, '', 2, 0, 1, '' FROM stores_sku k WHERE k.code LIKE %s
"""

EXCEPTION = """
WITH line AS (
    UPDATE approvals_priceline SET scope_key = %s, exception_reason = '只在这家店', final_price = 97
    WHERE document_id = %s AND row_no = 1 RETURNING sku_id)
UPDATE stores_sku SET pool = 'exclusive' WHERE id IN (SELECT sku_id FROM line)
"""


def draft_with(world, lines):
    """Return a checked draft with so many lines, each with its own goods."""
    from approvals import drafts

    prefix = f"L{lines:06}-"
    bulk.many_goods(prefix, lines, stores=world.stores, brand=world.stores[0].brand)
    draft = drafts.create_price_list(
        by=world["product_strategy"], title=f"{lines} 行", list_kind="regular", effective_from=next_week()
    )
    with connection.cursor() as cursor:
        cursor.execute(LINES, [draft.pk, prefix + "%"])
        cursor.execute(EXCEPTION, [f"stores:{world.stores[0].code}", draft.pk])
        cursor.execute("ANALYZE approvals_priceline")
    return check(draft)


def grid_pages(world, draft):
    """Return the pages that show a draft's lines."""
    page = reverse("admin:pricelist", args=[draft.pk])
    queries = [
        "",
        "?sort=risk",
        "?sort=cut",
        "?sort=rise",
        "?sort=sku",
        "?show=hits",
        "?show=struck",
        "?q=L",
        "?q=商品",
    ]
    return [("product_strategy", world["product_strategy"], page + query) for query in queries]


def review_pages(world, document):
    """Return the pages that show the lines of a document in approval."""
    task = open_task(document, world["ecommerce_manager"])
    page, lines = reverse("admin:review", args=[task.pk]), reverse("admin:review_lines", args=[task.pk])
    found = [page, page + "?q=L", page + "?low=-5&high=-2"]
    found += [f"{lines}?band={band}&after=start" for band in LineBand.values]
    shown = [("ecommerce_manager", world["ecommerce_manager"], address) for address in found]
    reading = reverse("admin:document", args=[document.pk])
    return [*shown, ("auditor", world["auditor"], reading)]


def line_pages(world, signed_in, lines):
    """Walk a document of so many lines up to the review and return what its pages cost, by place."""
    document = draft_with(world, lines)
    costs = measured(signed_in, grid_pages(world, document))
    explain_all(document, by=world["product_strategy"])
    transitions.submit(document.pk, by=world["product_strategy"], content_hash=document.content_hash)
    document = Document.objects.get(pk=document.pk)
    assert document.state == DocumentState.IN_APPROVAL
    picture = ContentFile(b"\x89PNG", name="说明.png")
    transitions.add_comment(document.pk, by=world["ecommerce_manager"], text="请看第 3 行。", files=[picture])
    costs |= measured(signed_in, review_pages(world, document))
    return {f"{number} {role}": cost for number, ((role, _page), cost) in enumerate(costs.items())}


@pytest.mark.parametrize("many", MANY)
def test_grid_submission_and_review_cost_the_same_however_many_lines_there_are(many, signed_in):
    world = make_world(goods=0)
    few = line_pages(world, signed_in, FEW)
    assert_the_same(few, line_pages(world, signed_in, many), many)
