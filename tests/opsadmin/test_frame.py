import re
from functools import cache
from pathlib import Path

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from opsadmin.core.models import Heartbeat
from tests.factories import StoreFactory, UserFactory
from tests.opsadmin.pages import ROLES, classes, home, navigation_links, read

ROOT = Path(__file__).resolve().parent.parent.parent
FRAME = {"op-app", "op-side", "op-top", "op-nav", "op-crumbs", "op-menu"}
OWN = ("notices", "profile", "search", "password_change", "password_change_done")


def everywhere(client):
    """Return the pages that the signed-in account finds in its navigation, and those that everybody has."""
    return [*navigation_links(read(client.get(home()))), *(home(name) for name in OWN)]


def signed_in_with(roles):
    client = Client()
    client.force_login(UserFactory(roles=roles), backend="opsadmin.backends.AccountBackend")
    return client


@cache
def walked_by(role):
    """Return {address: (status, page)} of what a role finds everywhere; each role walks once for all tests."""
    client = signed_in_with([role])
    answers = {address: client.get(address) for address in everywhere(client)}
    return {address: (answer.status_code, read(answer)) for address, answer in answers.items()}


@cache
def all_entries():
    """Return the addresses in the navigation of somebody who has every role."""
    return set(navigation_links(read(signed_in_with(ROLES).get(home()))))


@pytest.mark.parametrize("role", ROLES)
def test_every_page_of_the_navigation_opens_in_the_frame(db, role):
    for address, (status, page) in walked_by(role).items():
        assert status == 200, address
        assert classes(page) >= FRAME, address
        assert [tag for tag, attrs in page.tags if tag == "main" and attrs.get("id") == "main"], address
        assert len([tag for tag, _attrs in page.tags if tag == "h1"]) == 1, address


@pytest.mark.parametrize("role", ROLES)
def test_no_page_carries_a_script_or_a_style_of_its_own(db, role):
    for address, (_status, page) in walked_by(role).items():
        assert not [text for attrs, text in page.scripts if attrs.get("type") != "application/json"], address
        if "op-page" in classes(page):
            assert not [attrs for _tag, attrs in page.tags if "style" in attrs], address
            assert not [name for _tag, attrs in page.tags for name in attrs if name.startswith("on")], address
            assert not [tag for tag, _attrs in page.tags if tag == "style"], address


@pytest.mark.parametrize("role", ROLES)
def test_the_navigation_names_only_what_the_role_may_open(db, signed_in, role):
    client = signed_in(roles=[role])
    mine = set(navigation_links(read(client.get(home()))))
    assert mine <= all_entries()
    for address in all_entries() - mine:
        assert client.get(address).status_code in {403, 404}, address


def test_the_entry_of_the_page_is_the_current_one(db, signed_in):
    client = signed_in(roles=["hr"])
    page = read(client.get(reverse("admin:staffing_assignment_add")))
    current = [
        attrs["href"] for tag, attrs in page.tags if tag == "a" and attrs.get("aria-current") == "page"
    ]
    assert current == [reverse("admin:staffing_assignment_changelist")]


def test_logging_out_is_a_post(db, signed_in):
    client = signed_in(roles=["finance"])
    assert client.get(home("logout")).status_code == 405
    form = 'method="post" action="/logout/"'
    assert form in client.get(home()).content.decode()
    client.post(home("logout"))
    assert client.get(home()).status_code == 302


def test_after_logging_out_the_cache_holds_no_page(db, signed_in):
    response = signed_in(roles=["finance"]).get(home())
    assert "no-store" in response["Cache-Control"]


def test_a_page_that_is_not_there_is_told_in_the_frame(db, signed_in):
    response = signed_in(roles=["finance"]).get("/nowhere/at/all/")
    assert response.status_code == 404
    assert classes(read(response)) >= FRAME
    assert "没有找到" in response.content.decode()


def test_what_may_not_be_done_is_told_in_the_frame(db, signed_in):
    response = signed_in(roles=["hr"]).get(reverse("admin:stores_store_add"))
    assert response.status_code == 403
    assert classes(read(response)) >= FRAME
    assert "你的账号不能做这件事" in response.content.decode()


def test_a_script_hears_the_same_as_a_sentence(db, signed_in):
    client = signed_in(roles=["finance"])
    answer = client.get("/nowhere/", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.json()["refused"] == "这个地址没有内容，或你的账号不能看。"


def test_a_form_without_token_is_refused_with_a_sentence(db, client):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(UserFactory(roles=["finance"]), backend="opsadmin.backends.AccountBackend")
    response = strict.post(home("profile"), {"keys": "on"})
    assert response.status_code == 403
    assert "表单已失效" in response.content.decode()
    assert classes(read(response)) >= FRAME


def test_the_page_for_a_broken_system_needs_neither_database_nor_account(rf):
    from opsadmin.trouble import broken

    assert "系统出错了" in broken(rf.get("/")).content.decode()


def test_strangers_are_asked_to_sign_in_and_learn_nothing(db, client):
    for address in (home(), home("inbox"), home("search"), "/core/user/", "/nowhere/"):
        response = client.get(address)
        assert response.status_code == 302, address
        assert response["Location"].startswith("/login/"), address


def test_an_account_without_role_is_told_whom_to_ask(db, signed_in):
    text = signed_in().get(home()).content.decode()
    assert "你的账号还没有角色" in text


def test_a_silent_scheduler_is_seen_on_every_page(db, signed_in):
    from datetime import timedelta

    from django.utils import timezone

    client = signed_in(roles=["finance"])
    assert "期限检查 从未运行" in client.get(home("profile")).content.decode()
    Heartbeat.objects.create(name="check_deadlines", at=timezone.now() - timedelta(minutes=9))
    assert "正常" in client.get(home("profile")).content.decode()
    assert "定时任务已停" not in client.get(home()).content.decode()
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=11))
    assert "已停" in client.get(home("profile")).content.decode()
    assert "定时任务已停" in client.get(home()).content.decode()


def test_every_icon_that_is_asked_for_is_in_the_sprite():
    sprite = (ROOT / "opsadmin/templates/op/sprite.html").read_text()
    there = set(re.findall(r'id="i-([\w-]+)"', sprite))
    asked = set()
    for path in [*ROOT.glob("*/templates/**/*.html"), *ROOT.glob("opsadmin/core/templates/**/*.html")]:
        asked |= set(re.findall(r'{% icon "([\w-]+)"', path.read_text()))
        asked |= set(re.findall(r'{% empty "([\w-]+)"', path.read_text()))
        asked |= set(re.findall(r'href="#i-([\w-]+)"', path.read_text()))
    assert asked - there == set()


def test_no_page_asks_another_host_for_anything(company, signed_in):
    client = signed_in(roles=ROLES)
    for address in everywhere(client):
        for _tag, attrs in read(client.get(address)).tags:
            asked = attrs.get("src") or ""
            assert not asked.startswith(("http:", "https:", "//")), (address, asked)


def test_the_language_is_switched_by_a_form_and_comes_back(db, signed_in):
    client = signed_in(roles=["finance"])
    assert "工作台" in client.get(home()).content.decode()
    response = client.post("/i18n/setlang/", {"language": "en", "next": home("profile")})
    assert response["Location"] == home("profile")
    assert "Dashboard" in client.get(home()).content.decode()


def test_the_profile_switches_the_keys_off_and_says_what_the_account_is(db, signed_in):
    client = signed_in(roles=["customer_service"])
    StoreFactory(name="京东 cslr")
    text = client.get(home("profile")).content.decode()
    assert "客服" in text
    assert "京东 cslr" not in text
    response = client.post(home("profile"), {})
    assert [str(message) for message in get_messages(response.wsgi_request)] == ["已保存。"]
    client.user.refresh_from_db()
    assert client.user.keys_off
    assert "data-keys-off" in client.get(home()).content.decode()
    client.post(home("profile"), {"keys": "on"})
    client.user.refresh_from_db()
    assert not client.user.keys_off


def test_the_address_of_an_action_opened_by_itself_says_so_in_the_frame(db, signed_in):
    client = signed_in(roles=["finance"])
    response = client.get(reverse("admin:notices_read"))
    assert response.status_code == 405 and response.headers["Allow"] == "POST"
    assert classes(read(response)) >= FRAME
    assert "没有任何数据被更改" in response.content.decode()
