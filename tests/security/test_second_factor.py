"""A second factor: asked for at sign-in, required by role, never skipped, reset by the administrator."""

import time
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.urls import reverse

from opsadmin import factors
from opsadmin.backends import AccountBackend
from opsadmin.core.models import AuditEntry, SecondFactorRule
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "right-password-1"


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


def home(name, *args):
    return reverse(f"admin:{name}", args=args)


def person(**kwargs):
    user = UserFactory(**kwargs)
    user.set_password(PASSWORD)
    user.save()
    return user


def code_of(secret, at=0):
    return totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30 + at))


def with_app(user):
    secret = totp.generate_totp_secret()
    factors.add_app(user, secret)
    return secret


def sign_in(client, user, **more):
    return client.post(home("login"), {"username": user.username, "password": PASSWORD, **more})


def required(*codes):
    admin = UserFactory(roles=["administrator"])
    for code in codes:
        SecondFactorRule.objects.create(group=Group.objects.get(name=code), required_by=admin)


def test_the_password_alone_does_not_sign_in_who_has_an_app(client):
    user = person(username="mei", roles=["finance"])
    secret = with_app(user)
    assert sign_in(client, user, next=home("profile"))["Location"] == home("second_factor_ask")
    assert client.get(home("profile")).status_code == 302
    assert client.post(home("second_factor_ask"), {"code": "000000"}).status_code == 200
    assert client.get(home("profile")).status_code == 302
    answer = client.post(home("second_factor_ask"), {"code": code_of(secret)})
    assert answer["Location"] == home("profile")
    assert client.get(home("profile")).status_code == 200
    said = AuditEntry.objects.filter(action="second_factor_ask").order_by("pk")
    assert [(entry.user, entry.result) for entry in said] == [(user, "not_taken"), (user, "done")]


def test_a_code_counts_once_and_the_secret_rests_encrypted(client):
    user = person(roles=["finance"])
    secret = with_app(user)
    code = code_of(secret)
    assert factors.code_fits(user, f" {code[:3]} {code[3:]} ") and not factors.code_fits(user, code)
    assert secret not in str(Authenticator.objects.get(user=user, type="totp").data)


def test_a_recovery_code_opens_the_account_once(client):
    user = person(roles=["finance"])
    with_app(user)
    code = factors.codes_of(user)[0]
    sign_in(client, user)
    assert client.post(home("second_factor_ask"), {"code": code})["Location"] == home("index")
    assert len(factors.codes_of(user)) == 9 and not factors.code_fits(user, code)


def test_wrong_codes_lock_the_account_like_wrong_passwords(client, settings):
    user = person(roles=["finance"])
    secret = with_app(user)
    sign_in(client, user)
    for _n in range(settings.AXES_FAILURE_LIMIT):
        answer = client.post(home("second_factor_ask"), {"code": "000000"})
    assert answer.status_code == 429
    client.post(home("second_factor_ask"), {"code": code_of(secret)})
    assert sign_in(client, user).status_code == 429


def test_a_password_changed_meanwhile_ends_a_sign_in_that_is_half_way(client):
    user = person(roles=["finance"])
    secret = with_app(user)
    sign_in(client, user)
    user.set_password("another-password-2")
    user.save()
    assert client.post(home("second_factor_ask"), {"code": code_of(secret)})["Location"] == home("login")


def test_where_a_role_demands_it_every_address_leads_to_the_set_up(client, signed_in):
    required("finance")
    signed_in(person(roles=["finance", "auditor"]))
    names = (
        "index",
        "profile",
        "audit",
        "audit_export",
        "archive",
        "core_user_changelist",
        "notices",
        "password_change",
    )
    for name in names:
        assert client.get(home(name)).headers.get("Location") == home("second_factor"), name
    told = client.get(home("audit_export"), HTTP_ACCEPT="application/json")
    assert told.status_code == 403 and told.json()["code"] == "second_factor"
    assert client.post(home("profile"), {"keys": "1"})["Location"] == home("second_factor")
    assert client.get("/nothing/here/").status_code in (302, 404)
    assert client.get(home("second_factor")).status_code == 200


def test_it_is_set_up_with_a_real_code_and_then_everything_opens(client, signed_in):
    required("finance")
    user = signed_in(person(roles=["finance"])).user
    page = client.get(home("second_factor_totp"))
    secret = page.context["secret"].replace(" ", "")
    assert "<svg" in page.content.decode()
    assert client.post(home("second_factor_totp"), {"code": "000000"}).status_code == 422
    assert client.get(home("index")).status_code == 302
    secret = client.session["mfa.totp.secret"]
    answer = client.post(home("second_factor_totp"), {"code": code_of(secret)})
    assert answer["Location"] == home("recovery_codes")
    assert all(
        code[:4] in client.get(home("recovery_codes")).content.decode() for code in factors.codes_of(user)
    )
    assert client.get(home("index")).status_code == 200
    assert user.notices.exists()


def test_a_new_second_factor_ends_the_sessions_that_began_without_it(client, signed_in):
    from django.test import Client

    user = person(roles=["finance"])
    elsewhere = Client()
    elsewhere.force_login(user, backend="opsadmin.backends.AccountBackend")
    signed_in(user)
    client.get(home("second_factor_totp"))
    client.post(home("second_factor_totp"), {"code": code_of(client.session["mfa.totp.secret"])})
    assert client.get(home("index")).status_code == 200
    assert elsewhere.get(home("index")).status_code == 302


def test_the_last_factor_stays_while_a_role_demands_one(client, signed_in):
    required("finance")
    user = person(roles=["finance"])
    with_app(user)
    signed_in(user)
    factor = factors.of(user)[0]
    client.post(home("second_factor_remove", factor.pk))
    assert factors.of(user) == [factor]
    SecondFactorRule.objects.all().delete()
    client.post(home("second_factor_remove", factor.pk))
    assert factors.of(user) == [] and factors.codes_of(user) == []


def test_nobody_removes_the_factor_of_somebody_else(client, signed_in):
    other = person(roles=["finance"])
    with_app(other)
    signed_in(person(roles=["finance"]))
    client.post(home("second_factor_remove", factors.of(other)[0].pk))
    assert len(factors.of(other)) == 1


def test_the_administrator_resets_a_lost_device_and_the_log_says_so(client, signed_in):
    from django.test import Client

    lost = person(username="lost", roles=["finance"])
    with_app(lost)
    there = Client()
    there.force_login(lost, backend="opsadmin.backends.AccountBackend")
    admin = signed_in(person(roles=["administrator"])).user
    client.post(home("account_reset_second_factor", lost.pk))
    assert factors.of(lost) == []
    assert there.get(home("index")).status_code == 302
    entry = AuditEntry.objects.get(action="account_reset_second_factor")
    assert (entry.user, entry.result) == (admin, "done") and str(lost) in entry.about
    with_app(admin)
    client.post(home("account_reset_second_factor", admin.pk))
    assert len(factors.of(admin)) == 1


@pytest.mark.parametrize("role", ["hr", "general_manager", "auditor", "finance"])
def test_only_the_administrator_demands_resets_and_unlocks(client, signed_in, role):
    user, group = person(roles=["finance"]), Group.objects.get(name="finance")
    signed_in(roles=[role])
    for name, pk in (
        ("account_reset_second_factor", user.pk),
        ("account_unlock", user.pk),
        ("account_end_sessions", user.pk),
        ("role_second_factor", group.pk),
    ):
        assert client.post(home(name, pk), {"required": "1"}).status_code == 404, name
    assert not SecondFactorRule.objects.exists()


def test_the_administrator_demands_it_of_a_role_and_takes_that_back(client, signed_in):
    group = Group.objects.get(name="finance")
    signed_in(person(roles=["administrator"]))
    client.post(home("role_second_factor", group.pk), {"required": "1"})
    assert SecondFactorRule.objects.get().group == group
    assert client.get(home("auth_group_change", group.pk)).status_code == 200
    client.post(home("role_second_factor", group.pk), {"required": "0"})
    assert not SecondFactorRule.objects.exists()


def test_the_account_of_a_session_is_read_with_whether_its_factor_is_missing(django_assert_num_queries):
    pk = person(roles=["finance"]).pk
    required("finance")
    with django_assert_num_queries(1):
        user = AccountBackend().get_user(pk)
        assert factors.is_missing(user)
    RecoveryCodes.activate(user)
    assert factors.is_missing(AccountBackend().get_user(pk))
    with_app(user)
    assert not factors.is_missing(AccountBackend().get_user(pk))


def test_enter_in_a_field_of_an_account_never_presses_a_button_of_access(client, signed_in):
    user = person(roles=["finance"])
    signed_in(person(roles=["administrator"]))
    page = client.get(home("core_user_change", user.pk)).content.decode()
    for name in ("account_unlock", "account_end_sessions", "account_reset_second_factor"):
        assert f'form="{name}"' in page and f'<form id="{name}"' in page
    form = page[page.index('id="user_form"') : page.index('<form id="account_unlock"')]
    assert "</form>" in form and "formaction" not in form


def test_whoever_runs_the_server_lets_the_last_administrator_in_again():
    admin = person(username="only", roles=["administrator"])
    with_app(admin)
    call_command("reset_second_factor", "only", stdout=StringIO())
    assert factors.of(admin) == []
    assert AuditEntry.objects.get(method="COMMAND").action == "account_reset_second_factor"
    with pytest.raises(CommandError):
        call_command("reset_second_factor", "nobody")
