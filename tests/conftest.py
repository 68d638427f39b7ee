"""What tests of every app start from."""

import pytest

from tests.factories import UserFactory


@pytest.fixture
def company(db):
    """The company of fixtures/company, with the demo accounts; none of them has a password."""
    from opsadmin.company import load_company

    load_company()


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
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        client.user = user
        return client

    return sign_in
