"""One sees where one is signed in, and ends one session there; other people's sessions do not exist for one."""

import pytest
from django.test import Client
from django.urls import reverse

from opsadmin import sessions
from opsadmin.signin import PROVED_AT
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
WECHAT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Mobile MicroMessenger/8.0.50"
PAGE = "admin:own_sessions"


@pytest.fixture(autouse=True)
def quick_hashes(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def person(db):
    user = UserFactory(username="mei", roles=["finance"])
    user.set_password("right-password-1")
    user.save()
    return user


def sign_in(username, agent, address):
    client = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
    client.post(reverse("admin:login"), {"username": username, "password": "right-password-1"})
    return client


def end(client, digest):
    return client.post(reverse("admin:own_session_end", args=[digest]))


def test_the_list_names_device_address_and_this_session(person):
    here, _there = sign_in("mei", CHROME, "192.0.2.1"), sign_in("mei", WECHAT, "192.0.2.2")
    page = here.get(reverse(PAGE))
    found = [(one.device, one.address, one.here) for one in page.context["found"]]
    assert found == [("Chrome · Windows", "192.0.2.1", True), ("微信 · iPhone", "192.0.2.2", False)]
    assert here.session.session_key not in page.content.decode()


def test_ending_one_session_ends_that_one_only(person):
    here, there, third = (sign_in("mei", CHROME, f"192.0.2.{n}") for n in (1, 2, 3))
    other = next(one for one in here.get(reverse(PAGE)).context["found"] if one.address == "192.0.2.2")
    assert end(here, other.digest).status_code == 302
    opened = [client.get(reverse("admin:index")).status_code for client in (here, there, third)]
    assert opened == [200, 302, 200]
    assert end(here, other.digest).status_code == 404


def test_this_session_and_those_of_others_are_not_ended_here(person):
    stranger = UserFactory(username="qiao", roles=["finance"])
    stranger.set_password("right-password-1")
    stranger.save()
    here, foreign = sign_in("mei", CHROME, "192.0.2.1"), sign_in("qiao", CHROME, "192.0.2.9")
    own = here.get(reverse(PAGE)).context["found"][0].digest
    theirs = foreign.get(reverse(PAGE)).context["found"][0].digest
    end(here, own)
    assert end(here, theirs).status_code == 404
    assert [one.get(reverse("admin:index")).status_code for one in (here, foreign)] == [200, 200]


def test_ending_a_session_asks_again_who_one_is(person):
    here, _there = sign_in("mei", CHROME, "192.0.2.1"), sign_in("mei", WECHAT, "192.0.2.2")
    other = here.get(reverse(PAGE)).context["found"][1].digest
    session = here.session
    session[PROVED_AT] = 0
    session.save()
    assert 'name="proof_password"' in end(here, other).content.decode()
    assert len(here.get(reverse(PAGE)).context["found"]) == 2


def test_a_session_that_would_not_open_any_more_is_not_in_the_list(person, settings):
    here, there = sign_in("mei", CHROME, "192.0.2.1"), sign_in("mei", WECHAT, "192.0.2.2")
    session = there.session
    session["seen_at"] -= settings.SESSION_IDLE_MINUTES * 60 + 1
    session.save()
    assert len(here.get(reverse(PAGE)).context["found"]) == 1


def test_the_list_costs_the_same_for_two_sessions_and_for_forty(person, django_assert_max_num_queries):
    here = sign_in("mei", CHROME, "192.0.2.1")
    with django_assert_max_num_queries(30) as few:
        here.get(reverse(PAGE))
    for _n in range(40):
        Client().force_login(person, backend="opsadmin.backends.AccountBackend")
    with django_assert_max_num_queries(len(few)):
        assert len(here.get(reverse(PAGE)).context["found"]) == 41


@pytest.mark.parametrize("agent", ["", "curl/8.0", "\x00<script>"])
def test_an_unknown_device_is_called_so(agent):
    assert sessions.device_of(agent) in ("未知设备", "unknown device")
