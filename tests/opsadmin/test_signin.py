import pytest

from tests.factories import UserFactory
from tests.opsadmin.pages import classes, home, read


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def person(db):
    user = UserFactory(username="manager", roles=["ecommerce_manager"], is_staff=False)
    user.set_password("right-password-1")
    user.save()
    return user


def attempt(client, password, username="manager", **extra):
    return client.post(home("login"), {"username": username, "password": password, **extra})


def test_the_right_password_opens_the_dashboard_also_without_the_staff_flag(client, person):
    assert attempt(client, "right-password-1")["Location"] == home()
    assert client.get(home()).status_code == 200


def test_a_wrong_password_is_told_without_saying_which_part_is_wrong(client, person):
    known = attempt(client, "wrong").content.decode()
    unknown = attempt(client, "wrong", username="nobody").content.decode()
    for text in (known, unknown):
        assert "账号或密码不对" in text
        assert 'role="alert"' in text


def test_too_many_wrong_passwords_lock_the_account_with_a_sentence(client, person, settings):
    for _n in range(settings.AXES_FAILURE_LIMIT):
        response = attempt(client, "wrong")
    assert response.status_code == 429
    response = attempt(client, "right-password-1")
    assert response.status_code == 429
    assert "该账号锁定 15 分钟" in response.content.decode()


def test_after_signing_in_one_is_where_one_wanted_to_go_but_never_elsewhere(client, person):
    assert attempt(client, "right-password-1", next=home("profile"))["Location"] == home("profile")
    client.logout()
    assert attempt(client, "right-password-1", next="https://example.com/")["Location"] == home()


def test_an_account_that_is_switched_off_stays_out(client, person):
    person.is_active = False
    person.save()
    assert attempt(client, "right-password-1").status_code == 200
    assert client.get(home()).status_code == 302


def test_the_page_is_in_our_look_and_asks_for_nothing_but_account_and_password(client, db):
    page = read(client.get(home("login")))
    assert "op-signin" in classes(page)
    fields = [attrs["name"] for tag, attrs in page.tags if tag == "input"]
    assert fields == ["csrfmiddlewaretoken", "next", "username", "password"]
