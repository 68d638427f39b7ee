"""Passwords that are easy to guess here, or breached, are refused; those that somebody else has set run out."""

import hashlib
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from opsadmin import passwords
from opsadmin.core.models import User
from tests.factories import BrandFactory, PlatformFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def guessable(settings):
    BrandFactory(name="海岚家居", code="hailan-home")
    PlatformFactory(name="开心淘", code="kaixintao")
    settings.PASSWORD_WORDS = ["Moonharbour"]
    return passwords.GuessableValidator()


@pytest.mark.parametrize(
    "typed, code",
    [
        ("Password2026!", "common"),
        ("P@ssw0rd20261122", "common"),
        ("!!sunshine!!99", "common"),
        ("abc123abc123abc123", "repeated"),
        ("Kaixintao2026", "company_word"),
        ("K@1x1nta0_26", "company_word"),
        ("海岚家居2026", "company_word"),
        ("hailanjiaju88", "company_word"),
        ("moonharbour-7", "company_word"),
        ("opsadmin2026", "company_word"),
    ],
)
def test_a_common_password_in_disguise_or_a_name_of_the_company_is_refused(guessable, typed, code):
    with pytest.raises(ValidationError) as refused:
        guessable.validate(typed)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "typed", ["四只猫在 7 号窗台晒太阳", "kaixintao orders noodles daily", "tk7#vQ2m!xW9"]
)
def test_a_long_sentence_or_a_random_password_is_taken(guessable, typed):
    guessable.validate(typed)


def test_a_breached_password_is_found_in_a_sorted_list_wherever_it_stands(tmp_path):
    known = [f"breached-number-{n}" for n in range(500)]
    digests = sorted(hashlib.sha1(one.encode(), usedforsecurity=False).hexdigest().upper() for one in known)
    path = tmp_path / "breached.txt"
    path.write_text("".join(f"{digest}:{n}\r\n" for n, digest in enumerate(digests)))
    validator = passwords.BreachedValidator(path)
    for typed in known:
        with pytest.raises(ValidationError):
            validator.validate(typed)
    for n in range(500):
        validator.validate(f"not-breached-{n}")


# ── Set by somebody else ──────────────────────────────────────────────────────────────────────────────────────────

INITIAL, OWN = "to-be-changed-first-1", "chosen-by-myself-2"


@pytest.fixture
def handed_over(client, signed_in):
    """An account whose password the administrator has just set, by the page for it."""
    user = UserFactory(username="xin", roles=["finance"])
    signed_in(roles=["administrator"])
    typed = {"password1": INITIAL, "password2": INITIAL, "usable_password": "true", "set-password": ""}
    assert client.post(reverse("admin:auth_user_password_change", args=[user.pk]), typed).status_code == 302
    return User.objects.get(pk=user.pk)


def sign_in(password, username="xin"):
    client = Client()
    client.post(reverse("admin:login"), {"username": username, "password": password})
    return client


def change(client, old, new):
    typed = {"old_password": old, "new_password1": new, "new_password2": new}
    return client.post(reverse("admin:password_change"), typed)


def test_an_initial_password_opens_only_the_page_that_changes_it(handed_over):
    client = sign_in(INITIAL)
    for name in ("index", "inbox", "profile", "stores_sku_changelist", "second_factor"):
        assert client.get(reverse(f"admin:{name}"))["Location"] == reverse("admin:password_change"), name
    told = client.post(reverse("admin:notices_read"), headers={"accept": "application/json"})
    assert (told.status_code, told.json()["code"]) == (403, "initial_password")
    assert change(client, INITIAL, INITIAL).status_code == 200
    assert client.get(reverse("admin:inbox")).status_code == 302
    assert change(client, INITIAL, OWN).status_code == 302
    assert client.get(reverse("admin:inbox")).status_code == 200


def test_an_initial_password_runs_out(handed_over):
    User.objects.filter(pk=handed_over.pk).update(initial_until=timezone.now() - timedelta(seconds=1))
    client = sign_in(INITIAL)
    assert client.get(reverse("admin:index")).status_code == 302
    assert not client.session.get("_auth_user_id")


def test_a_new_account_begins_with_a_password_that_is_to_be_changed(client, signed_in):
    signed_in(roles=["administrator"])
    typed = {"username": "neu", "name": "新人", "password1": INITIAL, "password2": INITIAL}
    client.post(reverse("admin:core_user_add"), {**typed, "usable_password": "true"})
    made = User.objects.get(username="neu")
    left = made.initial_until - timezone.now()
    assert timedelta(hours=71) < left <= timedelta(hours=72)


def test_the_second_factor_comes_after_the_own_password(handed_over):
    from django.contrib.auth.models import Group

    from opsadmin.core.models import SecondFactorRule

    SecondFactorRule.objects.create(group=Group.objects.get(name="finance"), required_by=handed_over)
    client = sign_in(INITIAL)
    assert client.get(reverse("admin:index"))["Location"] == reverse("admin:password_change")
    change(client, INITIAL, OWN)
    assert client.get(reverse("admin:index"))["Location"] == reverse("admin:second_factor")
