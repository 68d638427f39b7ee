"""Rights over HTTP beyond reading: forged forms, rows of other people, and decisions on what is one's own."""

import copy
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.db import connection, transaction
from django.test import Client, TestCase
from django.urls import reverse
from django.utils import timezone, translation

from approvals.flow import filing
from approvals.guards import policy
from approvals.models import Decision, Document, PriceLine, Step, StoreFile, Task
from approvals.tasks import check_deadlines
from opsadmin.core.models import AuditEntry, User
from opsadmin.core.refusals import Refusal
from opsadmin.roles import ROLES
from orgchart.findings.queue import accept, confirm
from orgchart.models import Finding, Position
from staffing.models import Account, Assignment, Delegation
from tests.factories import AssignmentFactory, UserFactory
from tests.opsadmin.test_urls_by_role import (
    ASKING,
    USERS,
    all_patterns,
    changes_of_the_organisation,
    known,
    signed_in_as,
)
from tests.opsadmin.walked import walked_company

pytestmark = pytest.mark.django_db

TABLE = Path(__file__).with_name("posts_by_role.tsv")
CODES = [role.code for role in ROLES]
JSON = {"HTTP_ACCEPT": "application/json"}
# Written whoever asks, and about nothing: the log itself, sessions, failed sign-ins, forms that were sent.
ABOUT_NOTHING = ("core_auditentry", "django_session", "axes_", "core_sentform", "core_cache")
EVERY_ROW = {"action": "delete_selected", "_selected_action": "1", "post": "yes"}


@pytest.fixture(scope="module")
def world(rolled_back):
    with TestCase.captureOnCommitCallbacks(execute=True):
        document = walked_company()
        changes_of_the_organisation()
    known.cache_clear()
    return document


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
    return {name: url for name, url in known().items() if name not in reading}


def worth_asking(asker):
    """Return what a role is asked for: everything; pages that only show themselves again, of one role."""
    shown_again = ("_changelist", "_history", "app_list", ":index", ":search", "_done", ":autocomplete")
    return {
        name: url
        for name, url in taking_posts().items()
        if asker == "administrator" or not name.endswith(shown_again)
    }


# ── Forged forms ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asker", ASKING)
def test_no_address_takes_a_post_without_its_token(undone, asker):
    urls = taking_posts() | {"admin:logout": reverse("admin:logout")}
    assert len(urls) > 150
    client = signed_in_as(asker, enforce_csrf_checks=True)
    before = AuditEntry.objects.count()
    taken = {name: client.post(url, {"x": "1"}, **JSON).status_code for name, url in urls.items()}
    assert {name: status for name, status in taken.items() if status != 403} == {}
    assert AuditEntry.objects.count() == before + len(urls)
    assert client.get("/profile/").status_code == (302 if asker == "anonymous" else 200)


@pytest.mark.parametrize("role", CODES)
def test_no_list_offers_an_action_over_many_rows_but_taking_editing_rights_away(world, rf, role):
    request = rf.post("/")
    request.user = User.objects.get(username=USERS[role])
    offered = {
        model._meta.label: list(one.get_actions(request)) for model, one in admin.site._registry.items()
    }
    expected = {"orgchart.EditorScope": ["delete_selected"]} if role == "administrator" else {}
    assert len(offered) > 20 and {name: actions for name, actions in offered.items() if actions} == expected


# ── Other people's rows ───────────────────────────────────────────────────────────────────────────────────────────


def written():
    """Return {table: rows written} of this transaction as the database counts them, however they were written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables "
            "WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
        )
        return dict(cursor.fetchall())


def posted(client, url, data):
    """Return the answer to a POST, and the tables that it wrote; that, and the session, is taken back."""
    cookies, before = copy.deepcopy(client.cookies), written()
    with transaction.atomic():
        response = client.post(url, data, **JSON)
        transaction.set_rollback(True)
    client.cookies = cookies
    return response, {
        table: count - before.get(table, 0)
        for table, count in written().items()
        if count != before.get(table, 0)
    }


def measured_by(client, name, url):
    """Return the status of an empty POST, whether it wrote, and what is amiss with its entry in the log."""
    response, tables = posted(client, url, EVERY_ROW if name.endswith(("_delete", "_changelist")) else {})
    to_login = response.status_code == 302 and "/login/" in response.headers["Location"]
    wrote = any(not table.startswith(ABOUT_NOTHING) for table in tables)
    entries = tables.get("core_auditentry", 0)
    return (
        f"{'login' if to_login else response.status_code}{' wrote' if wrote else ''}"
        f"{'' if entries == 1 else f' {entries} entries'}"
    )


def kept():
    head, *lines = [line.split("\t") for line in TABLE.read_text().splitlines()]
    return {name: dict(zip(head[1:], found, strict=True)) for name, *found in lines}


def write(asker, measured):
    """Put one asker's column into the table; an address that nobody may ask for any more has no row."""
    rows = kept() if TABLE.exists() else {}
    rows = {
        name: rows.get(name, {}) | {asker: measured.get(name, "")} for name in rows.keys() | measured.keys()
    }
    body = [
        "\t".join([name, *(row.get(one, "") for one in ASKING)])
        for name, row in sorted(rows.items())
        if any(row.values())
    ]
    TABLE.write_text("\n".join(["\t".join(["address", *ASKING]), *body]) + "\n")


@pytest.mark.parametrize("asker", ASKING)
def test_a_post_about_other_peoples_rows_answers_each_role_as_the_table_says_with_one_entry_in_the_log(
    world, asker
):
    client = signed_in_as(asker)
    measured = {name: measured_by(client, name, url) for name, url in worth_asking(asker).items()}
    if os.environ.get("WRITE_URL_TABLE"):
        write(asker, measured)
    assert measured == {name: row[asker] for name, row in kept().items() if row[asker]}
    assert not [name for name, found in measured.items() if found.startswith("5")]


# What an auditor may leave behind: what is about the own account, and a job that reads the archive.
OF_THE_AUDITOR = {"core_user", "core_notice", "core_job", "mfa_authenticator"}
FILLED = {
    **dict.fromkeys(("text", "comment", "reason", "title", "note", "name", "lines"), "说明说明说明说明说明"),
    **dict.fromkeys(("confirm", "keys", "required", "agreed", "all", "applied"), "1"),
    "verdict": "approve",
    "choice": "remove",
    "answer": "confirm",
    "post": "yes",
    "code": "ec-data",
    "day": "2031-01-01",
    "until": "2031-01-01",
    "action": "delete_selected",
    "_selected_action": "1",
    "password": "x",
    "records": "1",
    "numbers": "1",
    "number": "1",
    "format": "xlsx",
}


def test_an_auditor_changes_nothing_by_any_form_that_is_filled_in(world):
    """What an empty form does is in the table: the same rule holds for it."""
    client, left = signed_in_as("auditor"), {}
    filled = {**FILLED, "content_hash": Document.objects.get(pk=world.pk).content_hash}
    for name, url in worth_asking("auditor").items():
        response, tables = posted(client, url, filled)
        assert response.status_code < 500, name
        wrote = {table for table in tables if not table.startswith(ABOUT_NOTHING)} - OF_THE_AUDITOR
        left |= {name: wrote} if wrote else {}
    assert left == {}
    page = client.get(reverse("admin:document", args=[world.pk])).content.decode()
    assert reverse("admin:document_comment", args=[world.pk]) not in page


def test_who_only_reads_gets_the_file_for_a_store_and_leaves_no_row(undone):
    task = Task.objects.filter(step__kind="execute", document=undone).first()
    address, rows = reverse("admin:execute_file", args=[task.pk]), StoreFile.objects.count()
    given = [b"".join(signed_in_as(one).post(address)) for one in ("auditor", "general_manager")]
    assert given[0] == given[1] and StoreFile.objects.count() == rows
    client = Client()
    client.force_login(task.assignee, backend="opsadmin.backends.AccountBackend")
    assert b"".join(client.post(address)) == given[0] and StoreFile.objects.count() == rows + 1


# ── Who wrote does not decide ─────────────────────────────────────────────────────────────────────────────────────


def waiting_task():
    return Task.objects.get(document__state="in_approval", state="open", assignee__username="manager")


def decide(user, task, **extra):
    """Post a decision as somebody; return the state of the task, and the sentences that the next page would show."""
    client = Client()
    client.force_login(user, backend="opsadmin.backends.AccountBackend")
    data = {
        "verdict": "sign",
        "content_hash": task.document.content_hash,
        "password": "one-password-1",
        **extra,
    }
    response = client.post(reverse("admin:review_decide", args=[task.pk]), data)
    task.refresh_from_db()
    return task.state, [str(message) for message in get_messages(response.wsgi_request)]


def in_chinese(sentence):
    with translation.override("zh-hans"):
        return translation.gettext(sentence)


AUTHOR = "You cannot decide on what you submitted or drafted."
NOT_ANY_MORE = "You may not decide on this any more: your post or right has changed."


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


def delegate(task):
    """The submitter, who acts for the manager while that one is away."""
    submitter = task.document.submitted_by
    today = timezone.localdate()
    Delegation.objects.create(
        principal=User.objects.get(username="manager").account.employee,
        delegate=submitter.account.employee,
        start=today,
        end=today + timedelta(days=3),
    )
    return submitter


def deputy(task, kind="acting"):
    """The submitter, who holds the manager's post besides the own one."""
    submitter, post = task.document.submitted_by, Position.objects.get(code=MANAGERS_POST)
    Position.objects.filter(pk=post.pk).update(plan_max=9)
    AssignmentFactory(
        employee=submitter.account.employee,
        position=post,
        kind=kind,
        start=timezone.localdate(),
    )
    return submitter


def successor(task):
    """The submitter, to whom the manager's post was handed over today."""
    today = timezone.localdate()
    held = Assignment.objects.filter(position__code=MANAGERS_POST, end=None)
    held.update(start=today - timedelta(days=99), end=today)
    return deputy(task, kind="concurrent")


MANAGERS_POST = "ec-manager"
WAYS = (second_account, role_by_the_administrator, moved_to_the_post, co_author, delegate, deputy, successor)


@pytest.mark.parametrize("way", WAYS)
def test_whoever_wrote_a_document_decides_on_it_by_no_way(undone, settings, way):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    task = waiting_task()
    user = with_password(way(task))
    # Routing asks none of them; the refusal holds even where the task has come to them.
    check_deadlines()
    asked = Task.objects.filter(document=task.document, state="open", assignee=user)
    assert not asked.exists() or way in (moved_to_the_post, co_author)
    Task.objects.filter(pk=task.pk).update(assignee=user, state="open")
    before = Document.objects.filter(pk=task.document_id).values_list("state", flat=True).get()
    for verdict in ("sign", "send_back"):
        state, said = decide(user, task, verdict=verdict, comment="x")
        assert (state, said) == ("open", [in_chinese(AUTHOR)]), verdict
    assert Document.objects.get(pk=task.document_id).state == before
    assert not Decision.objects.filter(task=task).exists()
    entry = AuditEntry.objects.latest("pk")
    assert (entry.user, entry.result, entry.detail) == (user, "refused", in_chinese(AUTHOR))


def test_whoever_wrote_a_document_does_not_order_its_filing_either(undone):
    task = waiting_task()
    Step.objects.filter(pk=task.step_id).update(kind="file")
    asked = {"content_hash": task.document.content_hash, "comment": "", "address": None}
    with pytest.raises(Refusal) as refusal:
        filing.order_filing(task, by=second_account(task), **asked)
    assert refusal.value.code == "author"


def test_nobody_confirms_limits_of_ones_own_by_a_second_account(undone):
    finance = User.objects.get(username="finance")
    changed = copy.deepcopy(policy.DEFAULT_LIMITS)
    changed["G08"]["warn"] += 1
    proposal = policy.propose(changed, by=finance, reason="收紧")
    second = UserFactory(username="second", roles=["ecommerce_manager"])
    Account.objects.create(user=second, employee=finance.account.employee)
    for user in (finance, second):
        client = Client()
        client.force_login(user, backend="opsadmin.backends.AccountBackend")
        response = client.post(
            reverse("admin:guard_policy_answer", args=[proposal.pk]), {"answer": "confirm"}
        )
        said = [str(message) for message in get_messages(response.wsgi_request)]
        assert said == [
            in_chinese("Finance and the e-commerce manager decide together: the other one confirms.")
        ]
    proposal.refresh_from_db()
    assert proposal.state == "proposed"


def test_nobody_agrees_to_a_finding_that_a_second_account_of_the_same_person_asked_for(undone):
    hr = User.objects.get(username="hr")
    second = UserFactory(username="second", roles=["general_manager"])
    Account.objects.create(user=second, employee=hr.account.employee)
    finding = Finding.objects.first()
    Finding.objects.filter(pk=finding.pk).update(severity="block", state="open")
    until = timezone.localdate() + timedelta(days=9)
    accept(finding, by=hr, reason="下季度调整，先保持现状不动", until=until)
    with pytest.raises(Refusal) as refusal:
        confirm(finding, by=second, agreed=True)
    assert refusal.value.code == "own"


@pytest.mark.parametrize("role", ["administrator", "auditor", "general_manager", "finance"])
def test_nobody_else_decides_a_task_that_is_not_theirs(undone, role):
    task, user = waiting_task(), User.objects.get(username=USERS[role])
    assert decide(user, task) == ("open", [])
    Task.objects.filter(pk=task.pk).update(assignee=user)
    assert decide(user, task) == ("open", [in_chinese(NOT_ANY_MORE)])


def test_lines_of_a_filed_document_take_no_change_over_http(undone):
    line = PriceLine.objects.filter(document=undone.specific).first()
    client = signed_in_as("ecommerce_manager")
    task = Task.objects.filter(document=undone, assignee__username="manager").first()
    client.post(
        reverse("admin:review_line", args=[task.pk, line.pk]), {"price": "1.00", "version": line.version}
    )
    assert PriceLine.objects.get(pk=line.pk).final_price == line.final_price
