"""Keys, theme, drawer and forms, in Chromium."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.factories import UserFactory
from tests.journeys.person import bring_session
from tests.opsadmin.documents import open_task, price_list

pytestmark = pytest.mark.browser
PASSWORD = "right-password-1"


@pytest.fixture
def manager(web):
    user = UserFactory(username="manager", name="电商经理", roles=["ecommerce_manager", "hr"])
    author = UserFactory(roles=["product_strategy"])
    for n in range(3):
        open_task(price_list(f"JG-2026-000{n}", by=author, title=f"表 {n}"), user, due=timedelta(hours=n + 1))
    return user


@pytest.fixture
def noise(page):
    """What the browser complains about; it must stay empty."""
    said = []
    page.on(
        "console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


@pytest.fixture
def at(page, web, manager):
    """Return a function that opens an address for the manager."""
    bring_session(page.context, web, manager)

    def open_page(address):
        page.goto(f"{web}{address}")
        return page

    return open_page


def test_the_keys_walk_open_search_and_explain(at, noise):
    page = at("/inbox/")
    page.keyboard.press("j")
    expect(page.locator("tr.is-current th b")).to_have_text("表 0")
    page.keyboard.press("j")
    expect(page.locator("tr.is-current th b")).to_have_text("表 1")
    page.keyboard.press("k")
    expect(page.locator("tr.is-current th b")).to_have_text("表 0")
    page.keyboard.press("/")
    expect(page.locator("#op-search")).to_be_visible()
    page.keyboard.type("jk?/")
    expect(page.locator("#op-search-q")).to_have_value("jk?/")
    expect(page.locator("#op-keys")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#op-keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator("#op-search")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("2")
    page.wait_for_url("**tab=submitted")
    assert noise == []


def test_keys_do_nothing_once_switched_off(at, manager):
    page = at("/profile/")
    page.get_by_role("checkbox").uncheck()
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("status").filter(has_text="已保存")).to_be_visible()
    page = at("/inbox/")
    for key in ("j", "/", "?", "Control+k"):
        page.keyboard.press(key)
    expect(page.locator("tr.is-current")).to_have_count(0)
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_keys_do_nothing_while_chinese_is_being_composed(at):
    page = at("/inbox/")
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', isComposing: true, bubbles: true}))"
    )
    expect(page.locator("tr.is-current")).to_have_count(0)


def test_the_theme_is_kept_on_our_pages_and_on_unfolds(at, noise):
    page = at("/inbox/")
    html = page.locator("html")
    page.get_by_role("button", name="切换深浅色").first.click()
    expect(html).to_have_class("dark")
    at("/staffing/assignment/")
    expect(html).to_have_class("dark")
    page.get_by_role("button", name="切换深浅色").first.click()
    expect(html).to_have_class("light")
    at("/inbox/")
    expect(html).to_have_class("light")
    assert noise == []


def test_on_the_phone_the_navigation_is_a_drawer_and_nothing_scrolls_sideways(at, noise):
    page = at("/")
    page.set_viewport_size({"width": 390, "height": 844})
    for address in (
        "/",
        "/inbox/",
        "/notices/",
        "/profile/",
        "/search/?q=表",
        "/staffing/assignment/",
        "/nowhere/",
    ):
        at(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
    at("/inbox/")
    expect(page.locator(".op-side")).to_be_hidden()
    page.get_by_role("button", name="打开导航").click()
    expect(page.locator(".op-side")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".op-side")).to_be_hidden()
    small = page.evaluate(
        "[...document.querySelectorAll('main a, main button, header button, header a')]"
        ".filter(e => e.offsetParent && !e.closest('th') && e.getBoundingClientRect().height < 44)"
        ".map(e => e.outerHTML)"
    )
    assert small == []
    assert [text for text in noise if "404" not in text] == []


def test_a_form_is_sent_once_however_often_it_is_clicked(at):
    page = at("/profile/")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.route("**/profile/", lambda route: (page.wait_for_timeout(400), route.continue_()))
    page.evaluate(
        "() => { const b = document.querySelector('main form button'); b.click(); b.click(); b.form.requestSubmit(); }"
    )
    expect(page.get_by_role("status").filter(has_text="已保存")).to_be_visible()
    assert len(sent) == 1


def test_a_form_that_asks_first_is_sent_only_after_yes(at):
    page = at("/profile/")
    page.evaluate(
        """() => {
          const dialog = document.createElement("dialog");
          dialog.id = "sure";
          const answers = '<button value="no">否</button><button value="yes">是</button>';
          dialog.innerHTML = `<form method="dialog">${answers}</form>`;
          document.body.append(dialog);
          document.querySelector("main form").dataset.confirm = "sure";
        }"""
    )
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    save = page.get_by_role("button", name="保存")
    for way_out in (
        lambda: page.get_by_role("button", name="否").click(),
        lambda: page.keyboard.press("Escape"),
    ):
        save.click()
        way_out()
        expect(page.locator("#sure")).to_be_hidden()
    assert sent == []
    save.click()
    page.get_by_role("button", name="是").click()
    expect(page.get_by_role("status").filter(has_text="已保存")).to_be_visible()
    assert len(sent) == 1


def test_without_a_network_nothing_is_sent_and_that_is_said(at, context):
    page = at("/profile/")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    context.set_offline(True)
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("alert")).to_contain_text("网络已断开")
    assert page.evaluate("window.op.post('/notices/read/', {})") is None
    context.set_offline(False)
    page.wait_for_timeout(300)
    assert sent == []
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("status").filter(has_text="已保存")).to_be_visible()


def test_after_signing_in_the_menu_opens_closes_and_logs_out(page, web, manager):
    manager.set_password(PASSWORD)
    manager.save()
    page.goto(f"{web}/login/")
    page.fill("[name=username]", manager.username)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.locator("h1")).to_have_text("工作台")
    page.locator("[data-menu] summary").click()
    expect(page.get_by_role("button", name="退出登录")).to_be_visible()
    page.locator("h1").click()
    expect(page.get_by_role("button", name="退出登录")).to_be_hidden()
    page.locator("[data-menu] summary").click()
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/logout/")
    page.go_back()
    expect(page.get_by_role("button", name="登录", exact=True)).to_be_visible()
