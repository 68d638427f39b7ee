"""The decision card in Chromium: what the keys do, and what a slip does not."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from approvals.models import Decision, LineBand
from tests.approvals.world import PASSWORD, make_world, open_task, submitted
from tests.journeys.person import bring_session

pytestmark = pytest.mark.browser


@pytest.fixture
def review(page, web):
    """Return (page, document): the manager's review page with every must-look line seen."""
    world = make_world()
    document = submitted(world)
    manager = world["ecommerce_manager"]
    bring_session(page.context, web, manager)
    page.goto(web + reverse("admin:review", args=[open_task(document, manager).pk]))
    expect(page.locator("[data-sign]")).to_have_attribute("aria-disabled", "false")
    return page, document


def test_enter_in_the_password_signs_also_when_a_comment_is_written(review):
    page, document = review
    page.fill("[data-comment]", "同意")
    page.locator("h1").click()
    page.keyboard.press("a")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{reverse('admin:inbox')}")
    assert list(Decision.objects.filter(document=document).values_list("verdict", "comment")) == [
        ("sign", "同意")
    ]


def test_enter_with_a_wrong_password_decides_nothing_and_says_so(review):
    page, document = review
    page.fill("[data-comment]", "同意")
    page.locator("h1").click()
    page.keyboard.press("a")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").first).to_contain_text("密码")
    expect(page.locator("[data-comment]")).to_have_value("同意")
    assert not Decision.objects.filter(document=document).exists()


def test_a_refused_price_stays_in_its_field_and_is_not_left(review):
    page, document = review
    price = page.locator("[data-edit-price]").first
    price.fill("1,299")
    price.press("Enter")
    fault = page.locator("tr[data-row] [data-fault]").first
    expect(fault).to_contain_text("逗号")
    expect(price).to_be_focused()
    price.press("Escape")
    expect(fault).to_be_hidden()
    assert price.input_value() == page.locator("tr[data-row]").first.get_attribute("data-price")


def test_j_opens_the_first_group_with_lines_where_none_is_on_the_screen(review):
    page, _document = review
    changed = page.locator(f"[data-group-toggle='{LineBand.CHANGED}']")
    if changed.get_attribute("aria-expanded") == "true":
        changed.click()
    expect(page.locator("tr[data-row]:visible")).to_have_count(0)
    page.locator("h1").click()
    page.keyboard.press("j")
    expect(page.locator("tr.is-current")).to_be_visible()
    expect(changed).to_have_attribute("aria-expanded", "true")
