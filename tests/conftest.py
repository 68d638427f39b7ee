"""What tests of every app start from."""

import gc

import pytest
from django.utils import timezone, translation
from hypothesis import HealthCheck, settings

from tests.factories import UserFactory

# How long a case takes says something of the machine, not of the rule: timings are benchmarks, not tests.
settings.register_profile(
    "rules", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
settings.load_profile("rules")


def pytest_collection_finish():
    """Let the collector of garbage pass over modules and models, which stay to the end, and look seldom at the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def settled_day(monkeypatch):
    """The day has begun: no first request of it is among the statements that a test counts."""
    from staffing import daily

    monkeypatch.setitem(daily.settled, "day", timezone.localdate())


@pytest.fixture(scope="session")
def company_rows(django_db_setup, django_db_blocker):
    """Load the company once; tests get copies of its rows."""
    from tests.company_rows import keep_company

    with django_db_blocker.unblock():
        keep_company()


@pytest.fixture
def company(company_rows, db):
    """The company of fixtures/company, with the demo accounts; none of them has a password.

    Ask for it before anything else that makes roles or stores.
    """
    from tests.company_rows import put_company

    put_company()


@pytest.fixture
def english(client, settings):
    """Sentences in the language of the sources, on pages too."""
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    with translation.override("en"):
        yield


@pytest.fixture
def account(company):
    """Return a demo account by its user name: ``account("manager")``."""
    from opsadmin.core.models import User

    return lambda username: User.objects.get(username=username)


@pytest.fixture
def signed_in(client):
    """Return the test client signed in as somebody: an account, or roles for a new one."""

    def sign_in(user=None, *, roles=()):
        user = user or UserFactory(roles=roles)
        client.force_login(user, backend="opsadmin.backends.AccountBackend")
        client.user = user
        return client

    return sign_in
