"""Every address of the site, asked for by every role and by nobody, answers as the table beside this test says.

A new address without a row fails. ``WRITE_URL_TABLE=1`` writes the table anew; read the difference before you keep it.
"""

import os
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client, TestCase
from django.urls import NoReverseMatch, URLPattern, get_resolver, reverse
from django.utils import timezone

from approvals.models import (
    ArchiveRecord,
    Attachment,
    Document,
    GuardPolicy,
    HiringRequest,
    LineImport,
    Receipt,
    Reorganisation,
    Task,
)
from approvals.organisation import hiring, reorganising
from opsadmin.core.models import Job, Notice, User
from opsadmin.roles import ROLES
from orgchart import changes
from orgchart.findings.queue import refresh_findings
from orgchart.models import ChangeSet, Department, Finding, OrgModel, Position
from staffing.models import WorkPlan
from stores.models import Sku, Store
from tests.opsadmin.walked import walked_company

pytestmark = pytest.mark.django_db

TABLE = Path(__file__).with_name("urls_by_role.tsv")
ASKING = ["anonymous", *(role.code for role in ROLES)]
USERS = {
    "product_strategy": "strategy",
    "ecommerce_manager": "manager",
    "finance": "finance",
    "promotion": "promotion",
    "customer_service": "service",
    "hr": "hr",
    "general_manager": "general",
    "administrator": "admin",
    "auditor": "auditor",
}
# Answered by views of django, unfold or their packages that take free text, or that end the session.
NOT_ASKED = {"logout", "static", "r", "view_on_site", "jsi18n"}


def all_patterns(patterns=None, namespace=""):
    """Yield (name with namespace, pattern) of every address in the resolver."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(entry, URLPattern):
            yield (f"{namespace}:{entry.name}" if namespace else entry.name), entry
        else:
            inner = ":".join(part for part in (namespace, entry.namespace) if part)
            yield from all_patterns(entry.url_patterns, inner)


def sample_arguments(name, pattern):
    """Return arguments that name something which exists, and which the demo's customer service may not see."""
    names = pattern.pattern.converters or pattern.pattern.regex.groupindex
    return {key: sample(name.split(":")[-1], key) for key in names}


def sample(name, key):
    document = Document.objects.order_by("pk").first()
    fixed = {
        "number": ArchiveRecord.objects.order_by("pk").first().number,
        "app_label": "stores",
        "line_pk": document.specific.lines.first().pk,
        "content_type_id": 1,
        "name": "lines.xlsx",
        "part": "lines.xlsx",
        "sequence": ArchiveRecord.objects.order_by("-pk").first().pk,
        "other_pk": ChangeSet.objects.get(title="样例调整").pk,
        "code": "ec-manager",
    }
    if key in fixed:
        return fixed[key]
    if key in {"object_id", "id"} or name.rsplit("_", 1)[-1] in {"change", "delete", "history"}:
        return sample_of_model(name)
    return by_screen(name, document)


# The beginning of a screen's name → the row that its key names; every other key is the document's.
ROWS = {
    "account": lambda: User.objects.get(username="service"),
    "attachment": lambda: Attachment.objects.first(),
    "department_copy": lambda: Department.objects.first(),
    "execute": lambda: Task.objects.filter(step__kind="execute", assignee__username="service2").first(),
    "finding": lambda: Finding.objects.first(),
    "guard_policy": lambda: GuardPolicy.objects.first(),
    "hiring_request": lambda: HiringRequest.objects.get(),
    "import_": lambda: LineImport.objects.order_by("pk").first(),
    "job": lambda: Job.objects.first(),
    "notice_open": lambda: Notice.objects.filter(user__username="manager").first(),
    "org_change": lambda: ChangeSet.objects.get(title="样例调整"),
    "org_model": lambda: OrgModel.objects.first(),
    "receipt": lambda: Receipt.objects.first(),
    "reorganisation": lambda: Reorganisation.objects.get(),
    "review": lambda: Task.objects.filter(assignee__username="manager").first(),
    "role": lambda: Group.objects.get(name="finance"),
    "workplan": lambda: WorkPlan.objects.first(),
}
OF_THE_DOCUMENT = {"import_new"}


def by_screen(name, document):
    """Return the key that a screen of ours takes: a task, a document, an import …"""
    found = next((row for beginning, row in ROWS.items() if name.startswith(beginning)), None)
    return document.pk if found is None or name in OF_THE_DOCUMENT else found().pk


def changes_of_the_organisation():
    """Draft a reorganisation, with its document, and a hiring request; check the organisation."""
    refresh_findings()
    hr = User.objects.get(username="hr")
    change_set = changes.draft_set(by=hr, title="样例调整", effective_on=date(2030, 1, 1))
    changes.add_item(change_set, "position", "ec-data", "set", {"plan_max": 2}, by=hr)
    reorganising.document_for(change_set, by=hr)
    hiring.create_request(
        by=hr,
        position=Position.objects.get(code="ec-designer"),
        wanted=1,
        effective_from=timezone.now() + timedelta(days=30),
        note="空缺",
        duties=["主图"],
    )


def sample_of_model(name):
    """Return the key of some row of the model that an admin page is about."""
    labels = {f"{model._meta.app_label}_{model._meta.model_name}_": model for model in apps.get_models()}
    labels["auth_user_"] = User
    about = max((label for label in labels if name.startswith(label)), key=len, default=None)
    found = labels[about]._default_manager.first() if about else None
    return found.pk if found else 1


def addresses():
    """Yield (name, URL) of every address that can be asked for."""
    for name, pattern in all_patterns():
        if pattern.name is None or pattern.name in NOT_ASKED:
            continue
        with suppress(NoReverseMatch):
            yield name, reverse(name, kwargs=sample_arguments(name, pattern))


def signed_in_as(asker):
    client = Client(raise_request_exception=False)
    if asker != "anonymous":
        client.force_login(
            User.objects.get(username=USERS[asker]), backend="opsadmin.backends.AccountBackend"
        )
    return client


def status(client, url):
    response = client.get(url)
    if response.status_code == 302 and "/login/" in response.headers["Location"]:
        return "login"
    return str(response.status_code)


def kept():
    """Return {address: {asker: status}} as the table beside this test has it."""
    head, *lines = [line.split("\t") for line in TABLE.read_text().splitlines()]
    return {name: dict(zip(head[1:], found, strict=True)) for name, *found in lines}


def write(asker, measured):
    """Put one asker's column into the table."""
    rows = kept()
    rows = {name: rows.get(name, {}) | {asker: found} for name, found in measured.items()}
    body = ["\t".join([name, *(row.get(one, "") for one in ASKING)]) for name, row in sorted(rows.items())]
    TABLE.write_text("\n".join(["\t".join(["address", *ASKING]), *body]) + "\n")


@pytest.fixture(scope="module")
def world(rolled_back):
    with TestCase.captureOnCommitCallbacks(execute=True):
        document = walked_company()
        changes_of_the_organisation()
    return document


@pytest.mark.parametrize("asker", ASKING)
def test_every_address_answers_each_role_as_the_table_says(world, asker):
    client = signed_in_as(asker)
    measured = {name: status(client, url) for name, url in addresses()}
    if os.environ.get("WRITE_URL_TABLE"):
        write(asker, measured)
    expected = {name: row[asker] for name, row in kept().items()}
    assert measured == expected
    assert not [name for name, found in measured.items() if found.startswith("5")]


def test_another_stores_rows_do_not_exist_for_who_is_not_in_charge(world):
    service = User.objects.get(username="service")
    hidden = Store.objects.exclude(pk__in=Store.objects.visible_to(service))
    client = signed_in_as("customer_service")
    assert hidden.exists()
    for store in hidden:
        gone = (302, 404)
        assert client.get(reverse("admin:stores_store_change", args=[store.pk])).status_code in gone
        for task in Task.objects.filter(store=store):
            assert client.get(reverse("admin:execute", args=[task.pk])).status_code == 404
            assert client.post(reverse("admin:execute_file", args=[task.pk])).status_code == 404
        listing = store.listings.first()
        if listing:
            assert client.get(reverse("admin:stores_listing_change", args=[listing.pk])).status_code in gone
            traced = {"sku": listing.sku.code, "store": store.code}
            assert not client.get(reverse("admin:price_trace"), traced).context.get("price")


def test_cost_and_floor_are_not_on_any_page_of_customer_service(world):
    Sku.objects.filter(pk__in=world.specific.lines.values("sku")).update(
        cost="31415.92", floor_price="27182.81", ceiling_price="99999.99"
    )
    client = signed_in_as("customer_service")
    for _name, url in addresses():
        response = client.get(url)
        content = b"" if response.streaming else response.content
        for shown in (b"31415.92", b"31,415.92", b"27182.81", b"27,182.81"):
            assert shown not in content, url
