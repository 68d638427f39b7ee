"""Every address of the site, asked for by every role and by nobody, answers as the table beside this test says.

A new address without a row fails. ``WRITE_URL_TABLE=1`` writes the table anew; read the difference before you keep it.
Each role walks once: what its answers carry in headers, and what they tell, is read from the same walk.
"""

import functools
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client, TestCase
from django.urls import NoReverseMatch, URLPattern, get_resolver, reverse
from django.utils import timezone

from approvals.archive.anchors import send_checkpoints
from approvals.models import (
    ArchiveRecord,
    Attachment,
    Document,
    Event,
    Flow,
    FlowVersion,
    GuardPolicy,
    HiringRequest,
    LineImport,
    Receipt,
    Reorganisation,
    Task,
)
from approvals.organisation import hiring, reorganising
from opsadmin.core.models import AuditEntry, Job, Notice, User
from opsadmin.roles import ROLES
from orgchart import changes
from orgchart.findings.queue import refresh_findings
from orgchart.models import ChangeSet, Department, Finding, OrgModel, Position
from staffing.models import WorkPlan
from stores.models import Listing, PriceInForce, Sku, Store
from tests.opsadmin.walked import walked_company
from tests.security.reading import found_in, readable

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
BLIND = [role.code for role in ROLES if "stores.view_costs" not in role.permissions]
# Who may see costs hears the canaries sing: on pages, in workbooks, in packages.
SINGING = {
    "finance": {"admin:stores_sku_changelist", "admin:archive_package", "admin:archive_part"},
    "product_strategy": {"export stores_sku xlsx", "export stores_sku csv", "admin:stores_sku_change"},
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


# What the key of an address names, whatever the address is called.
NAMED = {
    "number": lambda: ArchiveRecord.objects.order_by("pk").first().number,
    "app_label": lambda: "stores",
    "line_pk": lambda: some_document().specific.lines.first().pk,
    "content_type_id": lambda: 1,
    "name": lambda: "lines.xlsx",
    "part": lambda: "lines.xlsx",
    "sequence": lambda: ArchiveRecord.objects.order_by("-pk").first().pk,
    "other_pk": lambda: ChangeSet.objects.get(title="样例调整").pk,
    "code": lambda: "ec-manager",
    "digest": lambda: "0" * 16,
}


def some_document():
    return Document.objects.order_by("pk").first()


def sample(name, key):
    if key in NAMED:
        return NAMED[key]()
    if key in {"object_id", "id"} or name.rsplit("_", 1)[-1] in {"change", "delete", "history"}:
        return sample_of_model(name)
    return by_screen(name)


# The beginning of a screen's name → the row that its key names; every other key is the document's.
ROWS = {
    "account": lambda: User.objects.get(username="service"),
    "approvals_flow_": lambda: Flow.objects.first(),
    "approvals_flowversion_": lambda: FlowVersion.objects.first(),
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


def by_screen(name):
    """Return the key that a screen of ours takes: a task, a document, an import …"""
    found = next((row for beginning, row in ROWS.items() if name.startswith(beginning)), None)
    return some_document().pk if found is None or name in OF_THE_DOCUMENT else found().pk


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
    """Yield (name, URL) of every address that can be asked for; looking for what each can name takes a second."""
    for name, pattern in all_patterns():
        if pattern.name is None or pattern.name in NOT_ASKED:
            continue
        with suppress(NoReverseMatch):
            yield name, reverse(name, kwargs=sample_arguments(name, pattern))


def signed_in_as(asker, **options):
    client = Client(raise_request_exception=False, **options)
    if asker != "anonymous":
        client.force_login(
            User.objects.get(username=USERS[asker]), backend="opsadmin.backends.AccountBackend"
        )
    return client


def status(response):
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


# ── What must not be told ─────────────────────────────────────────────────────────────────────────────────────────


def canaries():
    """Give each SKU a cost and a floor whose decimals stand nowhere else, and each store and shelf words of its own."""
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


def secrets_of(document):
    """Return the costs and floors of the goods on a document, as text."""
    goods = Sku.objects.filter(pk__in=document.specific.lines.values("sku"))
    return [str(value) for pair in goods.values_list("cost", "floor_price") for value in pair]


def hidden_stores():
    """Return the codes of the stores that the demo's customer service is not in charge of."""
    service = User.objects.get(username="service")
    return list(
        Store.objects.exclude(pk__in=Store.objects.visible_to(service)).values_list("code", flat=True)
    )


def words_of(stores):
    return [f"canary-{kind}-{code}" for kind in ("item", "note") for code in stores]


def more_addresses():
    """Return {name: URL} of addresses with queries: searches, filters, exports, completions, charts, refusals."""
    sku = Sku.objects.filter(cost__isnull=False).order_by("code").first()
    store = Store.objects.order_by("pk").first()
    hidden = hidden_stores()[0]
    document = Document.objects.order_by("pk").first()
    asked = {
        f"export {name} {kind}": (f"{name}_export", {"format": kind})
        for name in ("stores_sku", "stores_product", "stores_listing", "stores_store")
        for kind in ("xlsx", "csv")
    }
    asked |= {
        "search": ("search", {"q": sku.code}),
        "search in words": ("search", {"q": "canary"}),
        "trace": ("price_trace", {"sku": sku.code, "store": store.code}),
        "trace elsewhere": ("price_trace", {"sku": sku.code, "store": hidden}),
        "prices": ("prices_in_force", {"q": sku.code}),
        "archive": ("archive", {"q": sku.code}),
        "counted by cost": ("stores_sku_changelist", {"cost__gte": "1"}),
        "sorted by cost": ("stores_sku_changelist", {"o": "-5"}),
    }
    for model, field in (("listing", "sku"), ("sku", "product"), ("listing", "store")):
        query = {"app_label": "stores", "model_name": model, "field_name": field, "term": ""}
        asked[f"completion {model} {field}"] = ("autocomplete", query)
    found = {words: reverse(f"admin:{name}", query=query) for words, (name, query) in asked.items()}
    lines = reverse("admin:document_lines", args=[document.pk])
    return found | {f"lines {band}": f"{lines}?band={band}&after=start" for band in "123"}


# ── The walk ──────────────────────────────────────────────────────────────────────────────────────────────────────

ALWAYS = {
    "Content-Security-Policy": re.compile(r"(?=.*default-src 'self'(;|$))(?=.*frame-ancestors 'none'(;|$))"),
    "Cross-Origin-Opener-Policy": re.compile("same-origin"),
    "Cross-Origin-Resource-Policy": re.compile("same-origin"),
    "Permissions-Policy": re.compile(r"camera=\(\)"),
    "Referrer-Policy": re.compile("same-origin"),
    "X-Content-Type-Options": re.compile("nosniff"),
    "X-Frame-Options": re.compile("DENY"),
}
JSON = {"accept": "application/json, text/html"}
# Drawn by the theme, whose scripts evaluate their expressions; every other page may run files of ours only.
OF_THE_THEME = re.compile("<html[^>]* x-data=")


@dataclass(frozen=True)
class Answer:
    """What one address said to one asker: status, what is wrong with its headers, and which canaries it sang."""

    status: str
    faults: tuple
    told: tuple


def faults_of(response, text, signed_in):
    """Return what is missing in the headers of an answer, or wider than it has to be."""
    headers = response.headers
    wrong = [name for name, value in ALWAYS.items() if not value.search(headers.get(name, ""))]
    wrong += ["no-store"] if signed_in and "no-store" not in headers.get("Cache-Control", "") else []
    policy = headers.get("Content-Security-Policy", "")
    wide = "'unsafe-eval'" in policy or "'unsafe-inline'" in policy
    wrong += ["a wide policy"] if wide and not OF_THE_THEME.search(text) else []
    if "text/html" in headers.get("Content-Type", "") and re.search(
        r"<[^>]+\son(click|load|error|submit)=", text
    ):
        wrong.append("a script in the page")
    if "attachment" in headers.get("Content-Disposition", "") and "html" in headers["Content-Type"]:
        wrong.append("a file that a browser runs")
    return tuple(wrong)


def answer_to(asker, client, url, tokens):
    # One role is refused as a browser is; for the others a refusal in JSON says the same, and needs no page.
    response = client.get(url) if asker == "customer_service" else client.get(url, headers=JSON)
    text = readable(response)
    return Answer(
        status(response), faults_of(response, text, asker != "anonymous"), tuple(found_in(text, tokens))
    )


def tokens_for(asker, document):
    """Return what an asker must not be told, or, being allowed to, is expected to be told."""
    costs = secrets_of(document) if asker in {*BLIND, *SINGING, "anonymous"} else []
    return costs + (words_of(hidden_stores()) if asker == "customer_service" else [])


@functools.cache
def known():
    """Return {name: URL} of the world's addresses."""
    return dict(addresses())


@pytest.fixture(scope="module")
def world(rolled_back):
    with TestCase.captureOnCommitCallbacks(execute=True):
        document = walked_company(before=canaries)
        changes_of_the_organisation()
    known.cache_clear()
    return document


@pytest.fixture(scope="module")
def walk(world):
    """Return a function that gives {name: Answer} of an asker, who walks once."""

    @functools.cache
    def walked_by(asker):
        client, tokens = signed_in_as(asker), tokens_for(asker, world)
        urls = known() | (more_addresses() if asker in {*BLIND, *SINGING} else {})
        return {name: answer_to(asker, client, url, tokens) for name, url in urls.items()}

    return walked_by


@pytest.mark.parametrize("asker", ASKING)
def test_every_address_answers_each_role_as_the_table_says(walk, asker):
    measured = {name: answer.status for name, answer in walk(asker).items() if name in known()}
    if os.environ.get("WRITE_URL_TABLE"):
        write(asker, measured)
    assert measured == {name: row[asker] for name, row in kept().items()}
    assert not [name for name, answer in walk(asker).items() if answer.status.startswith("5")]


@pytest.mark.parametrize("asker", ASKING)
def test_every_answer_to_every_role_carries_all_headers_and_no_wider_policy_than_it_needs(walk, asker):
    assert {name: answer.faults for name, answer in walk(asker).items() if answer.faults} == {}


@pytest.mark.parametrize("asker", ["anonymous", *BLIND])
def test_no_answer_tells_a_cost_a_floor_or_another_stores_shelf_to_who_may_not_see_it(world, walk, asker):
    assert len(secrets_of(world)) == 16
    assert {name: answer.told for name, answer in walk(asker).items() if answer.told} == {}


@pytest.mark.parametrize("asker", SINGING)
def test_the_canaries_sing_for_a_role_that_may_see_them(walk, asker):
    assert {name for name, answer in walk(asker).items() if answer.told} >= SINGING[asker]


def test_no_notice_job_event_or_entry_of_the_audit_log_holds_a_cost_or_a_floor(world, walk):
    walk("customer_service")
    signed_in_as("customer_service").post(reverse("admin:notices_read"))
    tokens, models = secrets_of(world), (Notice, Job, Event, AuditEntry)
    held = {model.__name__: str(list(model.objects.values())) for model in models}
    assert [name for name, text in held.items() if text == "[]"] == []
    assert {name: found for name, text in held.items() if (found := found_in(text, tokens))} == {}


def test_the_mail_with_the_checkpoints_holds_no_cost_no_floor_and_no_stores_words(
    world, settings, mailoutbox
):
    """The only mail that leaves the system; of the attached file as it is read, not as it is encoded."""
    settings.ANCHOR_COPIES, settings.ANCHOR_URLS, settings.ANCHOR_MAIL = (), (), ("keeper@example.com",)
    assert send_checkpoints() == []
    (mail,) = mailoutbox
    attached = [content.decode() for _name, content, _type in mail.attachments]
    assert len(attached) == 1 and attached[0].count("\n") >= 1
    text = "\n".join([mail.subject, mail.body, str(mail.message()), *attached])
    assert found_in(text, [*secrets_of(world), *words_of(hidden_stores())]) == []


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


def test_another_stores_rows_do_not_exist_for_who_is_not_in_charge(world):
    hidden = Store.objects.filter(code__in=hidden_stores())
    client = signed_in_as("customer_service")
    assert hidden.exists() and Listing.objects.filter(store__in=hidden).exists()
    for store in hidden:
        gone = (302, 404)
        assert client.get(reverse("admin:stores_store_change", args=[store.pk])).status_code in gone
        for task in Task.objects.filter(store=store):
            assert client.get(reverse("admin:execute", args=[task.pk])).status_code == 404
            assert client.post(reverse("admin:execute_file", args=[task.pk])).status_code == 404
        found = client.get(reverse("admin:stores_listing_changelist"), {"q": f"canary-item-{store.code}"})
        assert not found.context["cl"].result_list
        listing = store.listings.first()
        if listing:
            assert client.get(reverse("admin:stores_listing_change", args=[listing.pk])).status_code in gone
            traced = {"sku": listing.sku.code, "store": store.code}
            assert not client.get(reverse("admin:price_trace"), traced).context.get("price")
