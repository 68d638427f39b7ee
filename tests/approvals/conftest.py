"""A small company that is made once for a file of tests."""

from copy import deepcopy

import pytest
from django.test import override_settings

from tests.approvals.world import make_world


@pytest.fixture(scope="package", autouse=True)
def quick_passwords():
    """Each signature asks for the password; that making its hash is slow protects no test."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="module")
def made_world(rolled_back):
    return make_world()


@pytest.fixture
def world(made_world, db):
    """Return a copy of the file's company; what a test changes is undone. Not for tests that really commit."""
    return deepcopy(made_world)
