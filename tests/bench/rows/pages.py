"""Pages over a base of N lines: what a page costs must not grow with the base. Each work is ten requests."""

from functools import partial

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse

from approvals.models import Document, PriceLine, Task
from stores.models import Store
from tests.bench.harness import Row

TIMES = 10
SIZES = (1_000, 1_000_000)


def review():
    return "finance", reverse(
        "admin:review", args=[Task.objects.get(assignee__username="finance", state="open").pk]
    )


def big_draft():
    return Document.objects.filter(title="Copy").earliest("pk")


def grid(query="", *, page=1):
    """The lines of a draft: the first page, or the page of that number, or the last but one where it has fewer."""
    draft = big_draft()
    lines = PriceLine.objects.filter(document=draft.pk).order_by("row_no")
    if page > 1:
        row = min((page - 1) * 50, lines.count() - 100)
        query = f"?after={row}~{lines.get(row_no=row).pk}"
    return "product_strategy", reverse("admin:pricelist", args=[draft.pk]) + query


def prices():
    return "ecommerce_manager", f"{reverse('admin:prices_in_force')}?store={Store.objects.latest('pk').pk}"


def archive():
    return "finance", f"{reverse('admin:archive')}?sku=BENCH-000123"


def ours(find, n):
    username, address = find()
    client = Client(headers={"host": "localhost"})
    user = get_user_model().objects.get(username=username)
    client.force_login(user, backend="opsadmin.backends.AccountBackend")

    def work():
        for _time in range(TIMES):
            answer = client.get(address)
            assert answer.status_code == 200, (address, answer.status_code)
        return TIMES

    work()
    return work


def floor(n):
    """One page of lines by key, and how many lines there are about."""
    draft = big_draft()

    def work():
        with connection.cursor() as cursor:
            for _time in range(TIMES):
                cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'approvals_priceline'")
                list(
                    PriceLine.objects.filter(document=draft.pk, row_no__gt=100).order_by("row_no", "pk")[:50]
                )
        return TIMES

    work()
    return work


PAGES = {
    "review page": review,
    "line grid page 1": grid,
    "line grid page 1000": partial(grid, page=1_000),
    "SKU search": partial(grid, "?q=BENCH-000123"),
    "prices of one store": prices,
    "archive search": archive,
}
ROWS = [
    Row(
        key=f"page: {title}",
        title=f"{TIMES} × {title}",
        aim="same statements, ≤ 1.3 × the time at 1,000",
        scene="crowd",
        arms={"ours": partial(ours, find), "floor": floor},
        sizes=SIZES,
        scale=10,
    )
    for title, find in PAGES.items()
]
