import pytest

from opsadmin.celery import app
from tests.services import wait_for


def test_the_worker_runs_a_task_on_the_test_database(worker):
    app.send_task("opsadmin.core.tasks.sweep_jobs")
    wait_for(lambda: "sweep_jobs" in worker.tail() and "succeeded" in worker.tail(), "the task did not run")


@pytest.mark.browser
def test_chromium_shows_the_sign_in_page_of_the_real_site_in_chinese(web, page):
    faults = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(web)
    assert page.locator("html").get_attribute("lang") == "zh-hans"
    assert page.locator("input[name=password]").is_visible()
    assert page.evaluate("getComputedStyle(document.body).fontFamily") != "serif"
    assert faults == []
