"""What every answer says to the browser: pages, refusals, errors, files; over HTTPS nothing is left to chance."""

import re
import subprocess
import sys

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import UserFactory
from tests.opsadmin.pages import read
from tests.servers import ROOT

pytestmark = pytest.mark.django_db
ALWAYS = {
    "Content-Security-Policy",
    "Permissions-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
}
PAGES = (
    "index",
    "profile",
    "audit",
    "notices",
    "inbox",
    "archive",
    "stores_sku_changelist",
    "core_user_changelist",
)


def home(name, *args):
    return reverse(f"admin:{name}", args=args)


def policy(response):
    parts = [part.split() for part in response.headers["Content-Security-Policy"].split(";")]
    return {name: set(values) for name, *values in filter(None, parts)}


def answers():
    """Yield (what, answer) of every sort of answer there is."""
    visitor, user = Client(raise_request_exception=False), UserFactory(roles=["auditor", "finance"])
    strict = Client(enforce_csrf_checks=True)
    for client in (visitor, strict):
        client.force_login(user, backend="opsadmin.backends.AccountBackend")
    yield from ((name, visitor.get(home(name))) for name in PAGES)
    yield "403", visitor.get(home("core_job_add"))
    yield "404", visitor.get(home("review", 999_999))
    yield "405", visitor.get(home("notices_read"))
    yield "csrf", strict.post(home("profile"))
    yield "json", visitor.get(home("review", 999_999), HTTP_ACCEPT="application/json")
    yield "file", visitor.get(home("audit_export"))
    yield "to sign-in", Client().get(home("index"))
    yield "sign-in", Client().get(home("login"))
    yield "no path", Client().get("/nothing/like/this.txt")


def test_every_sort_of_answer_carries_all_headers_and_no_script_may_stand_in_a_page():
    for what, response in answers():
        assert response.headers.keys() >= ALWAYS, what
        said = policy(response)
        of_the_theme = {"script-src": {"'unsafe-eval'"}, "style-src": {"'unsafe-inline'"}}
        for directive, wider in of_the_theme.items():
            assert said[directive] == {"'self'"} | (wider if what.endswith("_changelist") else set()), what
        assert said["default-src"] == {"'self'"} and said["object-src"] == {"'none'"}, what
        assert said["frame-ancestors"] == {"'none'"} and said["form-action"] == {"'self'"}, what
        if "text/html" in response.headers.get("Content-Type", "") and not response.streaming:
            inline_scripts_are_data(response.content.decode(), what)


def inline_scripts_are_data(text, what):
    for head, body in re.findall(r"<script([^>]*)>(.*?)</script>", text, re.S):
        assert "src=" in head or "application/json" in head or not body.strip(), (what, body[:80])
    assert not re.search(r"<[^>]+\son(click|load|error|submit|change)\s*=", text), what


def test_an_error_of_ours_carries_them_too(monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError

    client = Client(raise_request_exception=False)
    user = UserFactory(roles=["auditor"])
    client.force_login(user, backend="opsadmin.backends.AccountBackend")
    monkeypatch.setattr("opsadmin.audit.screens.entries", broken)
    response = client.get(home("audit"))
    assert response.status_code == 500 and response.headers.keys() >= ALWAYS
    assert b"RuntimeError" not in response.content


def test_a_file_of_the_theme_carries_them_too(settings, tmp_path):
    (tmp_path / "a.css").write_text("a{}")
    settings.STATIC_ROOT = tmp_path
    response = Client().get("/static/a.css")
    assert response.status_code == 200 and response.headers.keys() >= ALWAYS
    response.close()


def test_pages_of_a_signed_in_account_stay_in_no_cache(client, signed_in):
    signed_in(roles=["auditor"])
    for name in PAGES:
        assert "no-store" in client.get(home(name)).headers["Cache-Control"], name


def test_the_page_of_sign_in_loads_nothing_from_elsewhere(client):
    page = read(client.get(home("login")))
    sources = [value for _tag, attrs in page.tags for name, value in attrs.items() if name in ("src", "href")]
    assert all(not str(value).startswith(("http", "//")) for value in sources)


def test_over_https_cookies_are_bound_to_the_host_and_the_check_for_deployment_is_silent(
    process_environment,
):
    """Settings are read once per process, so this asks another one."""
    program = (
        "import django; django.setup()\n"
        "from django.conf import settings as s\n"
        "from django.core.management import call_command\n"
        "from django.test import Client\n"
        "call_command('check', deploy=True, fail_level='WARNING')\n"
        "s.ALLOWED_HOSTS = ['testserver']\n"
        "answer = Client().get('/login/', secure=True)\n"
        "cookie = answer.cookies[s.CSRF_COOKIE_NAME]\n"
        "print(answer.headers['Strict-Transport-Security'])\n"
        "flags = [cookie[name] for name in ('secure', 'httponly', 'samesite', 'path')]\n"
        "print(s.SESSION_COOKIE_NAME, cookie.key, *flags)\n"
        "print(s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE)\n"
        "print(s.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN)\n"
        "print(Client().get('/login/').status_code)\n"
    )
    environment = {**process_environment, "HTTPS": "1", "DJANGO_SETTINGS_MODULE": "opsadmin.settings"}
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[-5:] == [
        "max-age=31536000; includeSubDomains; preload",
        "__Host-session __Host-csrf True True Lax /",
        "True True Lax",
        "False",
        "301",
    ]
