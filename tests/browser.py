"""Debian's Chromium for pytest-playwright, in Chinese and in the company's time zone."""

import os
import shutil

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PLACES = ["chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium", "/usr/lib/chromium/chromium"]
MISSING = (
    "The browser tests need Chromium, which is missing. On Debian: apt-get install chromium fonts-noto-cjk"
)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Fail, rather than skip, without a browser: nobody shall believe that the journeys passed."""
    path = next(filter(None, map(shutil.which, PLACES)), None)
    if not path:
        pytest.fail(MISSING, pytrace=False)
    # Playwright keeps an event loop in this thread; the tests' own database calls are still synchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    return {**browser_type_launch_args, "executable_path": path, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}
