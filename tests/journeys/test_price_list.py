"""The main job in a browser: five roles take a workbook to a sealed package, on a desktop and on a phone."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password
from django.urls import reverse

from approvals.models import Document, Task
from opsadmin.core.models import User
from tests.journeys.person import SIZES, Person
from tests.services import wait_for

pytestmark = pytest.mark.browser

PASSWORD = "a-password-for-journeys"
WORKBOOK = Path(__file__).parents[2] / "fixtures" / "workbooks" / "price-list.xlsx"


@pytest.fixture
def person(browser, web, company):
    """A function (username, size) that brings somebody of the company to a browser."""
    User.objects.update(password=make_password(PASSWORD))
    return lambda username, size: Person(browser, web, username, size, PASSWORD)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def task_of(document, username):
    return (
        Task.objects.filter(document=document, state="open", assignee__username=username)
        .order_by("pk")
        .first()
    )


def draft_from_workbook(somebody):
    """Make a draft, upload the workbook, look at the preview, write it; return the document."""
    page = somebody.page
    somebody.open("pricelist_new")
    page.fill("[name=title]", "双12 价格表")
    page.click("main form button[type=submit]")
    document = wait_for(Document.objects.first, "no draft was made")
    somebody.open("import_new", document.pk)
    page.set_input_files("input[type=file]", WORKBOOK)
    page.click("main form[enctype] button[type=submit]")
    page.wait_for_selector("[data-write-form] button[type=submit]", timeout=60_000)
    page.click("[data-write-form] button[type=submit]")
    page.wait_for_url(f"**{reverse('admin:pricelist', args=[document.pk])}**", timeout=60_000)
    document.refresh_from_db()
    assert document.line_count == 300
    return document


def submit(somebody, document):
    """Give the reasons that are asked for and submit."""
    page = somebody.page
    somebody.open("pricelist_submit", document.pk)
    while page.locator("form:has(input[name=line][value=all])").count():
        form = page.locator("form:has(input[name=line][value=all])").first
        form.locator("[name=reason]").fill("已与产品策略核对")
        with page.expect_navigation():
            form.locator("button").click()
    for box in page.locator("[data-reason-form] [name=reason]").all():
        if not box.input_value():
            with page.expect_response("**/reasons/"):
                box.fill("已核对")
                box.press("Tab")
    somebody.open("pricelist_submit", document.pk)
    page.click(f"form[action='{reverse('admin:document_submit', args=[document.pk])}'] button[type=submit]")
    page.wait_for_url(f"**{reverse('admin:document', args=[document.pk])}")


def look_and_sign(somebody, document, username):
    """Open the first document of the inbox, look at every must-look line, sign with the password."""
    page = somebody.page
    somebody.open("inbox")
    page.get_by_text("双12 价格表").first.click()
    page.wait_for_selector("[data-review]")
    for row in page.locator("tr[data-in='1']").all():
        row.scroll_into_view_if_needed()
        page.wait_for_timeout(20)
    page.wait_for_selector("[data-gates][data-ready='1']", state="attached")
    page.locator("[data-sign]").scroll_into_view_if_needed()
    page.click("[data-sign]")
    page.fill("#password", PASSWORD)
    page.click("[data-sign-now]")
    wait_for(lambda: task_of(document, username) is None, "nothing was signed")


def file(somebody, document):
    page = somebody.page
    somebody.open("review", task_of(document, "finance").pk)
    page.click("[data-decide] button.op-btn-primary")
    page.click("dialog[open] .op-btn-primary")
    wait_for(lambda: fresh(document).archive_number, "nothing was filed")


def complete(somebody, document):
    page = somebody.page
    somebody.open("review", task_of(document, "promotion").pk)
    page.fill("[name=theme]", "双12 暖冬")
    page.fill("[name=copy]", "暖冬焕新，全店同价。")
    page.fill("[name=ends_at]", page.input_value("[name=starts_at]").replace("T00:00", "T23:00"))
    page.click("[data-decide] button.op-btn-primary")
    wait_for(lambda: task_of(document, "promotion") is None, "the campaign is not complete")


def carry_out(somebody, document, username):
    """Take each store's file and give its receipt."""
    page = somebody.page
    while task := task_of(document, username):
        somebody.open("execute", task.pk)
        with page.expect_download() as taken:
            page.click(f"form[action^='{reverse('admin:execute_file', args=[task.pk])}'] button")
        somebody.open("execute", task.pk)
        page.set_input_files("form[enctype] input[type=file]", taken.value.path())
        page.set_input_files(
            "form[enctype] input[type=file]",
            {"name": "改价结果.csv", "mimeType": "text/csv", "buffer": Path(taken.value.path()).read_bytes()},
        )
        page.click("form[enctype] button[type=submit]")
        wait_for(lambda task=task: fresh(task).state == "done", "the receipt was not taken")


def verified_package(somebody, document, folder):
    """Download the package as finance does and let its own program check it."""
    page = somebody.page
    somebody.open("archive_record", document.archive_number)
    with page.expect_download(timeout=60_000) as taken:
        page.locator("a, button").filter(has_text="下载归档包").first.click()
    package = folder / "package.zip"
    taken.value.save_as(package)
    with zipfile.ZipFile(package) as opened:
        opened.extractall(folder / "opened")
    return subprocess.run(
        [sys.executable, "verify.py"], cwd=folder / "opened", capture_output=True, text=True
    )


@pytest.mark.parametrize("size", list(SIZES))
def test_a_workbook_becomes_a_sealed_package_that_verifies(person, worker, size, tmp_path):
    strategy = person("strategy", size)
    document = draft_from_workbook(strategy)
    submit(strategy, document)
    strategy.leave()
    for username in ("manager", "general"):
        if task_of(document, username):
            decider = person(username, size)
            look_and_sign(decider, document, username)
            decider.leave()
    finance = person("finance", size)
    file(finance, document)
    promotion = person("promotion", size)
    complete(promotion, document)
    promotion.leave()
    for username in User.objects.filter(groups__name="customer_service").values_list("username", flat=True):
        if task_of(document, username):
            service = person(username, size)
            carry_out(service, document, username)
            service.leave()
    document.refresh_from_db()
    assert document.state == "done"
    done = verified_package(finance, document, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    finance.leave()
