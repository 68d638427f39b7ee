"""The audit log: everything that changes or is refused is in it, nobody changes it, and it cannot be forged."""

import csv
import io
import json
import socket
import time
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client, RequestFactory
from django.urls import reverse
from openpyxl import load_workbook

from approvals.models import Attachment
from opsadmin.audit.recording import AuditMiddleware, clean
from opsadmin.audit.words import words
from opsadmin.core.addresses import client_address
from opsadmin.core.downloads import as_csv
from opsadmin.core.models import AuditEntry, Job, User
from opsadmin.roles import ROLES
from tests.approvals.drafting import Shop
from tests.factories import UserFactory
from tests.opsadmin.test_urls_by_role import all_patterns

pytestmark = pytest.mark.django_db
CODES = [role.code for role in ROLES]
READERS = {"administrator", "auditor"}


def last():
    return AuditEntry.objects.latest("pk")


def home(name, *args):
    return reverse(f"admin:{name}", args=args)


@pytest.mark.parametrize("code", CODES)
def test_what_each_role_changes_and_is_refused_is_in_the_log(client, signed_in, code):
    user = signed_in(roles=[code]).user
    client.post(home("profile"), {"keys": "1"}, REMOTE_ADDR="192.0.2.7")
    done = last()
    assert (done.user, done.who, done.action, done.result) == (user, user.username, "profile", "done")
    assert (done.address, done.method, done.path) == ("192.0.2.7", "POST", "/profile/")
    assert len(done.session) == 16 and done.at.utcoffset().total_seconds() == 0
    client.get(home("review", 999_999))
    assert (last().user, last().action, last().status, last().result) == (user, "review", 404, "refused")
    client.post(home("review_decide", 999_999), {"verdict": "approve"})
    assert (last().action, last().status, last().result) == ("review_decide", 404, "refused")
    client.get(home("core_job_add"))
    assert (last().action, last().status, last().result) == ("core_job_add", 403, "refused")
    client.get(home("notices_read"))
    assert (last().action, last().status, last().result) == ("notices_read", 405, "refused")


@pytest.mark.parametrize("code", CODES)
def test_only_auditor_and_administrator_read_the_log(client, signed_in, code):
    signed_in(roles=[code])
    expected = 200 if code in READERS else 404
    assert client.get(home("audit")).status_code == expected
    answer = client.get(home("audit_export"))
    assert answer.status_code == expected
    if code in READERS:
        assert (last().action, last().result, last().method) == ("audit_export", "begun", "GET")
        b"".join(answer)
        assert (last().action, last().result, last().method) == ("audit_export", "done", "GET")


def test_a_form_without_its_token_and_a_visitor_who_posts_are_refused_in_the_log(db):
    user = UserFactory(roles=["finance"])
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user, backend="opsadmin.backends.AccountBackend")
    assert strict.post(home("profile"), {}).status_code == 403
    assert (last().user, last().result, last().status) == (user, "refused", 403)
    assert Client().post(home("profile"), {}).status_code == 302
    assert (last().user, last().who, last().result) == (None, "", "refused")


def test_sign_in_failed_sign_in_and_log_out_are_in_the_log_without_any_secret(client, settings, db):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    user = UserFactory(username="wang", roles=["finance"])
    user.set_password("right-password-1")
    user.save()
    client.post(home("login"), {"username": "wang", "password": "wrong-secret-77"})
    assert (last().user, last().action, last().result) == (user, "login", "not_taken")
    client.post(home("login"), {"username": "my-password-by-mistake", "password": "x"})
    assert (last().user, last().who) == (None, "")
    client.post(home("login"), {"username": "wang", "password": "right-password-1"})
    assert (last().user, last().action, last().result) == (user, "login", "done")
    new = {
        "old_password": "right-password-1",
        "new_password1": "new-secret-88",
        "new_password2": "new-secret-88",
    }
    client.post(home("password_change"), new)
    assert (last().user, last().action, last().result) == (user, "password_change", "done")
    client.post(home("logout"))
    assert (last().user, last().action, last().result) == (user, "logout", "done")
    client.post(home("login"), {"username": "wang", "password": "new-secret-88"})
    client.post(home("login"), {"username": "wang", "password": "new-secret-88"})
    kept = json.dumps(list(AuditEntry.objects.values()), default=str)
    for secret in ("wrong-secret-77", "right-password-1", "new-secret-88", "my-password-by-mistake"):
        assert secret not in kept
    assert client.session.session_key not in kept


def test_what_is_about_a_row_names_it_and_so_does_a_refusal_of_it(client, signed_in):
    admin = signed_in(roles=["administrator"]).user
    other = UserFactory(username="zhao", name="赵一")
    client.get(home("core_user_change", other.pk))
    assert not AuditEntry.objects.filter(method="GET", result="done").exists()
    client.post(home("core_user_change", other.pk), {"username": "zhao", "name": "赵二", "is_active": "on"})
    assert last().about.endswith("赵二") and last().user == admin


def test_no_entry_is_changed_or_deleted_by_anybody(client, signed_in):
    signed_in(roles=["administrator"])
    client.post(home("profile"), {})
    entry = last()
    attempts = (
        lambda: AuditEntry.objects.filter(pk=entry.pk).update(who="somebody else"),
        entry.delete,
        lambda: connection.cursor().execute("DELETE FROM core_auditentry"),
    )
    for attempt in attempts:
        with pytest.raises(DatabaseError, match="INSERT only"), transaction.atomic():
            attempt()
    assert last().who == entry.who


@pytest.mark.parametrize(
    "typed",
    [
        "a\nb",
        "a\r\n2026-11-22 admin logged in",
        "\x1b[31mred",
        "right\u202eleft",
        "\u2028line",
        "\x00null",
        "\x85",
    ],
)
def test_no_text_in_the_log_can_pass_for_another_line(typed):
    shown = clean(typed, 200)
    assert shown.isprintable() and "\\" in shown


def test_an_address_with_line_ends_stays_one_line_in_the_log_and_in_its_file(client, signed_in, caplog):
    signed_in(roles=["auditor"])
    with caplog.at_level("INFO", logger="opsadmin.audit"):
        client.post("/profile/%0a%0d2026-11-22%20admin%20logged%20in/")
    assert "\\n\\r" in last().path
    assert all("\n" not in record.getMessage() for record in caplog.records)
    with pytest.raises(DatabaseError, match="audit_on_one_line"), transaction.atomic():
        AuditEntry.objects.create(path="/\nforged", method="GET", status=200, result="done")


def test_the_list_costs_the_same_for_ten_entries_and_for_a_thousand(
    client, signed_in, django_assert_max_num_queries
):
    user = signed_in(roles=["auditor"]).user
    rows = [
        AuditEntry(user=user, who="x", path="/", method="POST", status=302, result="done")
        for _n in range(1000)
    ]
    AuditEntry.objects.bulk_create(rows[:10])
    client.get(home("audit"))
    with django_assert_max_num_queries(12) as few:
        client.get(home("audit"))
    AuditEntry.objects.bulk_create(rows[10:])
    with django_assert_max_num_queries(len(few)):
        page = client.get(home("audit"))
    assert len(page.context["rows"]) == 50
    following = client.get(home("audit") + page.context["pager"]["next"])
    assert {row.pk for row in following.context["rows"]}.isdisjoint(row.pk for row in page.context["rows"])


def test_the_list_is_narrowed_by_person_object_action_day_and_result(client, signed_in):
    user = signed_in(UserFactory(username="li", name="李审", roles=["auditor"])).user
    AuditEntry.objects.create(
        user=user, who="li", about="JG-2026-0007", action="review_decide", path="/", method="POST", status=403,
        result="refused", at="2026-03-01T15:59:00+00:00",
    )  # fmt: skip
    AuditEntry.objects.create(path="/other", method="POST", status=302, result="done")
    hits = (
        {"person": "李审"},
        {"person": "li"},
        {"about": "2026-0007"},
        {"action": words("review_decide")},
        {"result": "refused"},
        {"first": "2026-03-01", "last": "2026-03-01"},
    )
    for query in hits:
        assert [row.about for row in client.get(home("audit"), query).context["rows"]] == ["JG-2026-0007"], (
            query
        )
    assert not client.get(home("audit"), {"last": "2026-02-28"}).context["rows"]
    assert client.get(home("audit"), {"first": "soon"}).context["faults"]


def test_the_file_of_the_log_is_inert_in_any_spreadsheet(client, signed_in):
    signed_in(roles=["auditor"])
    AuditEntry.objects.create(
        path="/", about="=cmd|'/c calc'!A1", detail="+1+1", method="POST", status=302, result="done"
    )
    book = load_workbook(io.BytesIO(b"".join(client.get(home("audit_export"), {"format": "xlsx"}))))
    cells = [cell for row in book.active.iter_rows() for cell in row]
    assert any(cell.value == "=cmd|'/c calc'!A1" for cell in cells)
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    text = b"".join(client.get(home("audit_export"), {"format": "csv"})).decode("utf-8-sig")
    assert not any(cell.startswith(("=", "+")) for row in csv.reader(io.StringIO(text)) for cell in row)
    assert "+00:00" in text


@pytest.mark.parametrize(
    "proxies, forwarded, expected",
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (2, "1.1.1.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (1, "", "10.0.0.1"),
        (1, "no address", None),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed_of_the_address(settings, proxies, forwarded, expected):
    settings.PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected


def export(client):
    """Return the answer with the log as a table that is sent piece by piece, and its pieces."""
    answer = client.get(home("audit_export"), {"format": "csv"})
    assert answer.streaming
    return answer, iter(answer.streaming_content)


def go_away(answer):
    """End an answer as the server does when its reader is gone; the test keeps its connection to the database."""
    for close in answer._resource_closers:
        close()


def results():
    return list(
        AuditEntry.objects.filter(action="audit_export").order_by("pk").values_list("result", flat=True)
    )


def test_a_file_is_done_in_the_log_once_its_last_piece_was_taken(client, signed_in):
    user = signed_in(roles=["auditor"]).user
    answer, pieces = export(client)
    next(pieces)
    assert results() == ["begun"]
    list(pieces)
    assert results() == ["begun", "done"]
    assert (last().user, last().path, last().address) == (user, home("audit_export"), "127.0.0.1")


def test_a_file_whose_reader_goes_away_broke_off_in_the_log(client, signed_in):
    signed_in(roles=["auditor"])
    answer, pieces = export(client)
    first = next(pieces)
    go_away(answer)
    assert results() == ["begun", "failed"]
    assert last().detail.startswith("中途断开") and str(len(first)) in last().detail
    assert client.get(home("audit"), {"result": "begun"}).context["rows"][0].result == "begun"
    answer, _pieces = export(client)
    go_away(answer)
    assert results() == ["begun", "failed"] * 2


def test_a_file_that_fails_in_the_middle_broke_off_in_the_log(rf, db):
    def rows():
        yield from ([number] for number in range(50_000))
        raise LookupError("gone")

    request = rf.get("/")
    request.user, request.resolver_match = UserFactory(), None
    answer = AuditMiddleware(lambda _request: as_csv("a.csv", ["a"], rows()))(request)
    with pytest.raises(LookupError, match="gone"):
        list(answer.streaming_content)
    go_away(answer)
    assert list(AuditEntry.objects.order_by("pk").values_list("result", flat=True)) == ["begun", "failed"]
    assert "KB" in last().detail


def test_a_kept_file_is_watched_on_its_way_like_a_table(client, signed_in):
    document = Shop(goods=1).draft()
    signed_in(document.drafted_by)
    upload = SimpleUploadedFile("a.bin", b"x" * 200_000)
    client.post(home("document_comment", document.pk), {"text": "x", "files": [upload]})
    kept = home("attachment", Attachment.objects.latest("pk").pk)
    assert len(b"".join(client.get(kept))) == 200_000
    assert (last().action, last().result) == ("attachment", "done")
    answer = client.get(kept)
    assert len(next(iter(answer.streaming_content))) == 1 << 16
    go_away(answer)
    assert (last().action, last().result) == ("attachment", "failed")


@pytest.mark.soak
def test_a_reader_who_cuts_the_connection_is_seen_by_the_real_server(web, client, signed_in):
    signed_in(roles=["auditor"])
    AuditEntry.objects.bulk_create(
        AuditEntry(who="x", path="/" + "x" * 290, method="POST", status=302, result="done")
        for _number in range(60_000)
    )
    host = urlsplit(web)
    cookies = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((host.hostname, host.port))
        asked = f"GET {home('audit_export')}?format=csv HTTP/1.1\r\nHost: {host.netloc}\r\nCookie: {cookies}\r\n\r\n"
        reader.sendall(asked.encode())
        assert b" 200 " in reader.recv(1000)
        assert wait_for(lambda: results() == ["begun"])
    assert wait_for(lambda: results() == ["begun", "failed"])


def wait_for(is_so, seconds=20):
    until = time.monotonic() + seconds
    while not (found := is_so()) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def test_a_change_costs_one_insert_into_the_log(client, signed_in, django_assert_max_num_queries):
    signed_in(roles=["hr"])
    client.post(home("profile"), {})
    with django_assert_max_num_queries(20) as asked:
        client.post(home("profile"), {})
    about_the_log = [q["sql"] for q in asked.captured_queries if "core_auditentry" in q["sql"]]
    assert len(about_the_log) == 1 and about_the_log[0].startswith("INSERT")


def test_every_address_that_takes_a_post_is_named_in_words():
    unnamed = []
    for name, pattern in all_patterns():
        short = (name or "").removeprefix("admin:")
        if short and words(short) == short and "POST" in getattr(pattern.callback, "methods", ()):
            unnamed.append(short)
    assert unnamed == []
    of_libraries = ("login", "logout", "password_change", "stores_store_change", "stores_sku_process_import")
    assert all(words(name) != name for name in of_libraries)


def test_the_log_survives_a_job_and_names_it(client, signed_in):
    signed_in(roles=["auditor"])
    job = Job.objects.create(kind="nothing", state="failed")
    client.post(home("job_retry", job.pk))
    assert str(job.pk) in last().about
    assert User.objects.filter(pk=last().user_id).exists()
