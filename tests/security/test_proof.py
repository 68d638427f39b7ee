"""Before a decision, a limit or a second factor, the account proves again who it is; lockout, limits and sessions."""

import time

import pytest
from axes.models import AccessAttempt
from axes.utils import reset
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from approvals.flow import transitions
from approvals.models import Decision
from opsadmin import limits
from opsadmin.core.models import AuditEntry
from opsadmin.signin import PROVED_AT
from tests.approvals import world as w
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "right-password-1"


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def home(name, *args):
    return reverse(f"admin:{name}", args=args)


@pytest.fixture
def person(db):
    user = UserFactory(username="mei", roles=["ecommerce_manager"])
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def long_ago(client, signed_in, person):
    """The test client, whose account proved who it is long ago."""
    signed_in(person)
    session = client.session
    session[PROVED_AT] = 0
    session.save()
    return client


def decide(client, **more):
    return client.post(home("review_decide", 77), {"verdict": "approve", "comment": "线上价<b>", **more})


def test_a_fresh_sign_in_counts_as_proof(client, signed_in, person):
    signed_in(person)
    assert decide(client).status_code == 404


def test_a_decision_long_after_is_asked_for_the_password_and_keeps_what_was_typed(long_ago):
    page = decide(long_ago)
    text = page.content.decode()
    assert page.status_code == 200 and 'name="proof_password"' in text
    assert 'name="comment" value="线上价&lt;b&gt;"' in text and 'name="verdict" value="approve"' in text
    assert decide(long_ago, proof_then="post", proof_password=PASSWORD).status_code == 404
    assert decide(long_ago).status_code == 404


def test_a_wrong_password_does_nothing_is_logged_and_locks_in_the_end(long_ago, settings, person):
    page = decide(long_ago, proof_then="post", proof_password="wrong")
    assert page.status_code == 403 and "comment" in page.content.decode()
    entry = AuditEntry.objects.latest("pk")
    assert (entry.user, entry.action, entry.result) == (person, "review_decide", "refused")
    for _n in range(settings.AXES_FAILURE_LIMIT):
        answer = decide(long_ago, proof_then="post", proof_password="wrong")
    assert answer.status_code == 429
    assert decide(long_ago, proof_then="post", proof_password=PASSWORD).status_code != 404


def test_scripts_are_told_in_json(long_ago):
    answer = long_ago.post(home("review_decide", 77), {}, HTTP_ACCEPT="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "proof")


def test_recovery_codes_are_shown_only_after_a_new_proof(long_ago):
    page = long_ago.get(home("recovery_codes"))
    assert 'name="proof_then" value="get"' in page.content.decode()
    answer = long_ago.post(home("recovery_codes"), {"proof_then": "get", "proof_password": PASSWORD})
    assert answer["Location"] == home("recovery_codes")
    assert long_ago.get(home("recovery_codes")).context["codes"] == []


def test_other_pages_never_ask_again(long_ago):
    assert long_ago.post(home("profile"), {})["Location"] == home("profile")
    assert long_ago.get(home("inbox")).status_code == 200


# ── Lockout and limits ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_administrator_unlocks_an_account_at_once(client, person, settings):
    attempt = {"username": "mei", "password": "wrong"}
    for _n in range(settings.AXES_FAILURE_LIMIT):
        client.post(home("login"), attempt)
    assert client.post(home("login"), {**attempt, "password": PASSWORD}).status_code == 429
    admin = Client()
    admin.force_login(UserFactory(roles=["administrator"]), backend="opsadmin.backends.AccountBackend")
    admin.post(home("account_unlock", person.pk))
    assert client.post(home("login"), {**attempt, "password": PASSWORD}).status_code == 302


def test_a_lock_holds_for_one_account_from_one_address(client, person, settings):
    UserFactory(username="other").set_password(PASSWORD)
    for _n in range(settings.AXES_FAILURE_LIMIT):
        client.post(home("login"), {"username": "mei", "password": "wrong"})
    right = {"username": "mei", "password": PASSWORD}
    assert client.post(home("login"), right, REMOTE_ADDR="192.0.2.50").status_code == 302


def change(client, old, **more):
    typed = {"old_password": old, "new_password1": "quite-other-22", "new_password2": "quite-other-22"}
    return client.post(home("password_change"), typed | more)


def test_guesses_at_the_own_password_count_like_those_at_sign_in(client, signed_in, person, settings):
    signed_in(person)
    answers = [change(client, f"wrong-{n}").status_code for n in range(settings.AXES_FAILURE_LIMIT)]
    assert answers == [200] * (settings.AXES_FAILURE_LIMIT - 1) + [429]
    locked = change(client, PASSWORD)
    assert locked.status_code == 429 and "密码或验证码错误次数过多" in locked.content.decode()
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    assert Client().post(home("login"), {"username": "mei", "password": PASSWORD}).status_code == 429
    assert decide(client, password=PASSWORD).status_code == 429


def test_a_new_password_that_does_not_fit_is_no_guess(client, signed_in, person, settings):
    signed_in(person)
    for _n in range(settings.AXES_FAILURE_LIMIT + 1):
        assert change(client, PASSWORD, new_password2="another").status_code == 200
    assert change(client, PASSWORD).status_code == 302


def test_guesses_at_a_signature_count_like_those_at_sign_in(client, settings):
    world = w.make_world(goods=1)
    document = w.submitted(world, ["95"])
    by = world["ecommerce_manager"]
    task = w.open_task(document, by)
    transitions.mark_looked(task.pk, by=by, lines=document.summary["bands"]["must"])
    client.force_login(by, backend="opsadmin.backends.AccountBackend")

    def sign(password):
        typed = {"verdict": "sign", "content_hash": document.content_hash, "password": password}
        return client.post(home("review_decide", task.pk), typed).status_code

    assert sign("") == 422
    answers = [sign(f"wrong-{n}") for n in range(settings.AXES_FAILURE_LIMIT)]
    assert answers == [422] * (settings.AXES_FAILURE_LIMIT - 1) + [429]
    assert sign(w.PASSWORD) == 429 and change(client, w.PASSWORD).status_code == 429
    assert not Decision.objects.filter(document=document, verdict="sign").exists()
    reset(username=by.username)
    assert sign(w.PASSWORD) == 302


def test_what_was_typed_for_a_password_stands_in_no_record_of_failures(long_ago):
    decide(long_ago, proof_then="post", proof_password="nearly-right-1")
    decide(long_ago, proof_then="post", proof_code="731902")
    change(long_ago, "nearly-right-2")
    kept = str(list(AccessAttempt.objects.values()))
    assert AccessAttempt.objects.get().failures_since_start == 3
    for typed in ("nearly-right-1", "731902", "nearly-right-2", "quite-other-22"):
        assert typed not in kept


def waits(answer):
    return answer.status_code == 429 and 0 < int(answer.headers["Retry-After"]) <= 60


def test_sign_ins_from_one_address_have_a_limit_with_the_seconds_to_wait(client, person, settings):
    settings.RATE_LIMITS = {"signin": (3, 60)}
    answers = [client.post(home("login"), {"username": f"n{n}"}, REMOTE_ADDR="192.0.2.77") for n in range(8)]
    assert [answer.status_code for answer in answers[:3]] == [200] * 3
    assert waits(answers[-1]) and "秒后再试" in answers[-1].content.decode()
    assert client.post(home("login"), {"username": "x"}, REMOTE_ADDR="192.0.2.78").status_code == 200


def test_exports_and_uploads_have_a_limit_per_account(client, signed_in, settings):
    settings.RATE_LIMITS = {"export": (2, 60), "upload": (2, 60)}
    signed_in(roles=["auditor"])
    assert waits([client.get(home("audit_export")) for _n in range(6)][-1])
    files = [SimpleUploadedFile("a.csv", b"x") for _n in range(6)]
    assert waits([client.post(home("profile"), {"file": file}) for file in files][-1])
    assert AuditEntry.objects.filter(status=429, result="refused").exists()


def test_without_the_broker_the_limits_do_not_stop_the_work(client, signed_in, settings):
    settings.RATE_LIMITS = {"export": (1, 60)}
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    signed_in(roles=["auditor"])
    assert [client.get(home("audit_export")).status_code for _n in range(3)] == [200, 200, 200]


def test_every_stock_export_falls_under_the_limit(rf):
    from django.urls import resolve

    for name in ("stores_sku_export", "audit_export", "org_chart_xlsx"):
        request = rf.get(home(name))
        request.resolver_match = resolve(request.path)
        assert limits.kind_of(request) == "export"


# ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def signed_in_twice(user):
    clients = [Client(), Client()]
    for client in clients:
        client.force_login(user, backend="opsadmin.backends.AccountBackend")
    return clients


def test_a_deactivated_account_loses_its_sessions_for_good(person):
    clients = signed_in_twice(person)
    person.is_active = False
    person.save()
    assert all(client.get(home("index")).status_code == 302 for client in clients)
    person.is_active = True
    person.save()
    assert all(client.get(home("index")).status_code == 302 for client in clients)


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(person):
    here, there = signed_in_twice(person)
    new = {"old_password": PASSWORD, "new_password1": "quite-other-22", "new_password2": "quite-other-22"}
    assert here.post(home("password_change"), new).status_code == 302
    assert here.get(home("index")).status_code == 200
    assert there.get(home("index")).status_code == 302


def test_the_administrator_signs_an_account_out_everywhere(client, signed_in, person):
    clients = signed_in_twice(person)
    signed_in(roles=["administrator"])
    client.post(home("account_end_sessions", person.pk))
    assert all(one.get(home("index")).status_code == 302 for one in clients)


def session_with(client, **values):
    session = client.session
    session.update(values)
    session.save()


def test_a_session_ends_when_nobody_uses_it_and_in_any_case_after_its_hours(person, settings):
    now = time.time()
    here, there = signed_in_twice(person)
    session_with(here, seen_at=now - settings.SESSION_IDLE_MINUTES * 60 - 1)
    session_with(there, seen_at=now, began_at=now - settings.SESSION_HOURS * 3600 - 1)
    assert [client.get(home("index")).status_code for client in (here, there)] == [302, 302]


def test_one_signs_out_on_all_other_devices(person):
    here, there = signed_in_twice(person)
    here.post(home("own_sessions_end"))
    assert [client.get(home("index")).status_code for client in (here, there)] == [200, 302]
