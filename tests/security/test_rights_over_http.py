"""Rights over HTTP beyond reading: forged forms, rows of other people, and values that a role may not see."""

import copy
import functools
import os
import re
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.test import Client, TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import Decision, Document, PriceLine, Task
from opsadmin.core.models import AuditEntry, Notice, User
from opsadmin.roles import ROLES
from staffing.models import Account
from stores.models import Listing, PriceInForce, Sku, Store
from tests.factories import UserFactory
from tests.opsadmin.test_urls_by_role import (
    USERS,
    addresses,
    all_patterns,
    changes_of_the_organisation,
    signed_in_as,
)
from tests.opsadmin.test_urls_by_role import kept as statuses
from tests.opsadmin.walked import walked_company
from tests.security.reading import found_in, readable

pytestmark = pytest.mark.django_db

TABLE = Path(__file__).with_name("posts_by_role.tsv")
CODES = [role.code for role in ROLES]
BLIND = [role.code for role in ROLES if "stores.view_costs" not in role.permissions]
JSON = {"HTTP_ACCEPT": "application/json"}
# Written whoever asks, and about nothing: the log itself, sessions, failed sign-ins, forms that were sent.
ABOUT_NOTHING = ("core_auditentry", "django_session", "axes_", "core_sentform", "django_cache")
WRITES = re.compile(r'^(?:INSERT INTO|UPDATE|DELETE FROM) "?(\w+)')


def prices_with_canaries():
    """Give each SKU a cost and a floor whose decimals stand nowhere else, and each shelf a number of its own."""
    now = {}
    for price in PriceInForce.objects.filter(layer="base").select_related("sku"):
        now[price.sku] = price.amount
    for sku, amount in now.items():
        sku.cost = (amount * Decimal("0.45")).quantize(Decimal(1)) + Decimal("0.13")
        sku.floor_price = (amount * Decimal("0.6")).quantize(Decimal(1)) + Decimal("0.29")
    Sku.objects.bulk_update(now, ["cost", "floor_price"])
    for store in Store.objects.all():
        store.listings.update(platform_item_id=f"canary-item-{store.code}")
        Store.objects.filter(pk=store.pk).update(note=f"canary-note-{store.code}")


@pytest.fixture(scope="module")
def world(rolled_back):
    with TestCase.captureOnCommitCallbacks(execute=True):
        document = walked_company(before=prices_with_canaries)
        changes_of_the_organisation()
    known.cache_clear()
    return document


@functools.cache
def known():
    """Return {name: URL} of the world's addresses; looking for something that each can name takes a second."""
    return dict(addresses())


@pytest.fixture(scope="module")
def seen(world):
    """Return the texts that a role gets at every address that opens for it, fetched once per role."""
    return functools.cache(lambda asker: seen_by(asker))


def seen_by(asker):
    client = signed_in_as(asker)
    return {url: readable(client.get(url)) for url in [*opened_by(asker), *more_addresses()]}


@pytest.fixture
def undone(world):
    """The world as it was made, whatever the test does to it."""
    with transaction.atomic():
        yield world
        transaction.set_rollback(True)


def taking_posts():
    """Return {name: URL} of every address that takes a POST: screens of ours say so, the stock admin's all may."""
    reading = {
        name
        for name, pattern in all_patterns()
        if "POST" not in getattr(pattern.callback, "methods", ["POST"])
    }
    return {
        name: url
        for name, url in known().items()
        if name not in reading and not name.endswith(("_history", "_export", "app_list", ":index", ":search"))
    }


def worth_asking(asker):
    """Return our screens, and the forms of the stock admin that open for the role.

    The stock admin refuses a form before it looks at the method, so that the table of GETs says the rest.
    """
    ours = {name for name, pattern in all_patterns() if hasattr(pattern.callback, "methods")}
    rows = statuses()
    return {
        name: url
        for name, url in taking_posts().items()
        if name in ours
        or (
            name.endswith(("_change", "_add"))
            and rows.get(name, {}).get(asker) not in ("403", "404", "login")
        )
    }


def opened_by(asker):
    """Return the addresses that answer a role with a page or a file; the others tell nobody anything."""
    opened = {name for name, row in statuses().items() if row[asker] == "200"}
    return [url for name, url in known().items() if name in opened]


# ── Forged forms ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_address_takes_a_post_without_its_token(undone):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(User.objects.get(username="admin"), backend="opsadmin.backends.AccountBackend")
    urls = {**taking_posts(), "admin:logout": reverse("admin:logout")}
    taken = {name: client.post(url, {"x": "1"}, **JSON).status_code for name, url in urls.items()}
    assert len(taken) > 150
    assert {name: status for name, status in taken.items() if status != 403} == {}
    assert client.get("/profile/").status_code == 200
    refused = AuditEntry.objects.filter(who="admin", method="POST", status=403)
    assert refused.count() == len(urls)


# ── Other people's rows ───────────────────────────────────────────────────────────────────────────────────────────


def posted(client, url):
    """Return the status of a POST with nothing in it, and whether it wrote; that, and the session, is taken back."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        response = client.post(url, {}, **JSON)
        transaction.set_rollback(True)
    client.cookies = cookies
    tables = {found[1] for query in asked.captured_queries if (found := WRITES.match(query["sql"]))}
    written = any(not table.startswith(ABOUT_NOTHING) for table in tables)
    to_login = response.status_code == 302 and "/login/" in response.headers["Location"]
    return f"{'login' if to_login else response.status_code}{' wrote' if written else ''}"


def kept():
    head, *lines = [line.split("\t") for line in TABLE.read_text().splitlines()]
    return {name: dict(zip(head[1:], found, strict=True)) for name, *found in lines}


def write(asker, measured):
    """Put one asker's column into the table; an address that nobody may ask for any more has no row."""
    rows = kept() if TABLE.exists() else {}
    rows = {
        name: rows.get(name, {}) | {asker: measured.get(name, "")} for name in rows.keys() | measured.keys()
    }
    askers = ["anonymous", *CODES]
    body = [
        "\t".join([name, *(row.get(one, "") for one in askers)])
        for name, row in sorted(rows.items())
        if any(row.values())
    ]
    TABLE.write_text("\n".join(["\t".join(["address", *askers]), *body]) + "\n")


@pytest.mark.parametrize("asker", ["anonymous", *CODES])
def test_a_post_about_other_peoples_rows_answers_each_role_as_the_table_says(world, asker):
    client = signed_in_as(asker)
    measured = {name: posted(client, url) for name, url in worth_asking(asker).items()}
    measured = {name: found for name, found in measured.items() if found != "405"}
    if os.environ.get("WRITE_URL_TABLE"):
        write(asker, measured)
    assert measured == {name: row[asker] for name, row in kept().items() if row[asker]}
    assert not [name for name, found in measured.items() if found.startswith("5")]


# ── Values that a role may not see ────────────────────────────────────────────────────────────────────────────────


def secrets_of(document):
    """Return the costs and floors of the goods on a document, as text."""
    goods = Sku.objects.filter(pk__in=document.specific.lines.values("sku"))
    return [str(value) for pair in goods.values_list("cost", "floor_price") for value in pair]


def more_addresses():
    """Addresses with queries: searches, filters, exports, completions, other pages of the same."""
    sku = Sku.objects.filter(cost__isnull=False).order_by("code").first()
    store = Store.objects.order_by("pk").first()
    exports = ("stores_sku", "stores_product", "stores_listing", "stores_store")
    yield from (
        reverse(f"admin:{name}_export") + f"?format={kind}" for name in exports for kind in ("xlsx", "csv")
    )
    yield reverse("admin:search") + f"?q={sku.code}"
    yield reverse("admin:price_trace") + f"?sku={sku.code}&store={store.code}"
    yield reverse("admin:prices_in_force") + f"?q={sku.code}"
    for model, field in (("listing", "sku"), ("sku", "product")):
        yield (
            reverse("admin:autocomplete") + f"?app_label=stores&model_name={model}&field_name={field}&term=CS"
        )


@pytest.mark.parametrize("asker", BLIND)
def test_cost_and_floor_are_in_nothing_that_a_role_without_that_right_gets(world, seen, asker):
    tokens = secrets_of(world)
    assert len(tokens) == 16
    told = {url: found for url, text in seen(asker).items() if (found := found_in(text, tokens))}
    assert told == {}
    notices = Notice.objects.filter(user__username=USERS[asker])
    assert not [notice.text for notice in notices if any(token in notice.text for token in tokens)]


def test_the_canaries_sing_for_a_role_that_may_see_them(world):
    client, tokens = signed_in_as("finance"), secrets_of(world)
    singing = (url for url in opened_by("finance") if found_in(readable(client.get(url)), tokens))
    assert len(list(islice(singing, 3))) == 3


@pytest.mark.parametrize("asker", BLIND)
@pytest.mark.parametrize("field", ["cost", "floor_price"])
def test_nobody_learns_a_cost_by_counting_what_a_filter_finds(world, asker, field):
    client = signed_in_as(asker)
    asked = (
        ("stores_sku", f"{field}__gte"),
        ("stores_sku", f"{field}__in"),
        ("stores_product", f"skus__{field}__gte"),
        ("stores_listing", f"sku__{field}__gte"),
    )
    for model, lookup in asked:
        answers = [
            client.get(reverse(f"admin:{model}_changelist"), {lookup: value}) for value in ("0.01", "999999")
        ]
        assert {answer.status_code for answer in answers} <= {302, 400, 403, 404}, lookup


def test_another_stores_shelf_is_in_nothing_that_customer_service_gets(world, seen):
    service = User.objects.get(username="service")
    own = set(Store.objects.visible_to(service).values_list("code", flat=True))
    hidden = [code for code in Store.objects.values_list("code", flat=True) if code not in own]
    tokens = [f"canary-{kind}-{code}" for kind in ("item", "note") for code in hidden]
    assert own and Listing.objects.filter(store__code__in=hidden).exists()
    told = {url: found for url, text in seen("customer_service").items() if (found := found_in(text, tokens))}
    assert told == {}
    client = signed_in_as("customer_service")
    for code in hidden:
        answer = client.get(reverse("admin:stores_listing_changelist"), {"q": f"canary-item-{code}"})
        assert not answer.context["cl"].result_list, code


# ── Who wrote does not decide ─────────────────────────────────────────────────────────────────────────────────────


def waiting_task():
    return Task.objects.get(document__state="in_approval", state="open", assignee__username="manager")


def decide(user, task, **extra):
    client = Client()
    client.force_login(user, backend="opsadmin.backends.AccountBackend")
    data = {
        "verdict": "sign",
        "content_hash": task.document.content_hash,
        "password": "one-password-1",
        **extra,
    }
    client.post(reverse("admin:review_decide", args=[task.pk]), data)
    task.refresh_from_db()
    return task.state


def with_password(user):
    user.set_password("one-password-1")
    user.save()
    return user


def second_account(task):
    """Another account of the submitter's employee, with the manager's role."""
    user = UserFactory(username="second", roles=["ecommerce_manager"])
    Account.objects.create(user=user, employee=task.document.submitted_by.account.employee)
    return user


def role_by_the_administrator(task):
    """The submitter's own account, which the administrator has given the manager's role."""
    user = task.document.submitted_by
    user.groups.add(Group.objects.get(name="ecommerce_manager"))
    return User.objects.get(pk=user.pk)


def moved_to_the_post(task):
    """The submitter's employee, whose account is now that of the manager's post too."""
    manager = User.objects.get(username="manager")
    manager.account.employee = task.document.submitted_by.account.employee
    manager.account.save()
    return User.objects.get(pk=manager.pk)


def co_author(task):
    """The manager, who has also drafted lines of the document."""
    manager = User.objects.get(username="manager")
    task.document.authors.get_or_create(user=manager)
    return manager


@pytest.mark.parametrize("way", [second_account, role_by_the_administrator, moved_to_the_post, co_author])
def test_whoever_wrote_a_document_decides_on_it_by_no_way(undone, settings, way):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    task = waiting_task()
    user = with_password(way(task))
    Task.objects.filter(pk=task.pk).update(assignee=user)
    before = Document.objects.filter(pk=task.document_id).values_list("state", flat=True).get()
    for verdict in ("sign", "approve", "send_back"):
        assert decide(user, task, verdict=verdict, comment="x") == "open", verdict
    assert Document.objects.get(pk=task.document_id).state == before
    assert not Decision.objects.filter(task=task).exists()


@pytest.mark.parametrize("role", ["administrator", "auditor", "general_manager", "finance"])
def test_nobody_else_decides_a_task_that_is_not_theirs(undone, role):
    task = waiting_task()
    assert decide(User.objects.get(username=USERS[role]), task) == "open"


def test_lines_of_a_filed_document_take_no_change_over_http(undone):
    line = PriceLine.objects.filter(document=undone.specific).first()
    client = signed_in_as("ecommerce_manager")
    task = Task.objects.filter(document=undone, assignee__username="manager").first()
    client.post(
        reverse("admin:review_line", args=[task.pk, line.pk]), {"price": "1.00", "version": line.version}
    )
    assert PriceLine.objects.get(pk=line.pk).final_price == line.final_price
