"""A passkey, made and used by a real browser with an authenticator that is software."""

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from opsadmin import factors
from tests.factories import UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "right-password-1"


def virtual_authenticator(page):
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    return session, session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def sign_in(page, base):
    page.goto(base + reverse("admin:login"))
    page.fill("[name=username]", "mei")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_load_state()


def test_a_passkey_is_added_and_then_asked_for_at_sign_in(page, web):
    user = UserFactory(username="mei", roles=["finance"])
    user.set_password(PASSWORD)
    user.save()
    # An address of numbers is no place for a passkey.
    base = web.replace("127.0.0.1", "localhost")
    page.set_default_timeout(20_000)
    session, authenticator = virtual_authenticator(page)
    sign_in(page, base)
    page.goto(base + reverse("admin:second_factor_passkey"))
    page.fill("[name=name]", "办公室电脑")
    page.click("form[data-passkey] button")
    page.wait_for_url("**/profile/recovery-codes/")
    assert [str(factor) for factor in factors.of(user)] == ["办公室电脑"]
    page.context.clear_cookies()
    sign_in(page, base)
    assert page.url.endswith(reverse("admin:second_factor_ask"))
    page.click("form[data-passkey] button")
    page.wait_for_url(base + "/")
    assert Authenticator.objects.get(user=user, type="webauthn").last_used_at is not None
    page.context.clear_cookies()
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": authenticator})
    stranger(page, base)


def stranger(page, base):
    """Another authenticator has no key of the account: nothing opens."""
    sign_in(page, base)
    page.fill("[name=code]", "123456")
    page.press("[name=code]", "Enter")
    page.wait_for_selector("[role=alert]:not([hidden])")
    page.goto(base + "/")
    assert "/login/" in page.url
