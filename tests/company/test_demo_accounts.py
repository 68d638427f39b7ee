"""One account per role, with one password, and nothing printed."""

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.utils import timezone

from opsadmin import demo
from opsadmin.core.models import User
from opsadmin.roles import ROLES
from staffing import people

PASSWORD = "a-long-demo-word"


def test_every_role_has_an_account_and_customer_service_two(company):
    roles = [row.role for row in demo.ACCOUNTS]
    assert sorted(set(roles)) == sorted(role.code for role in ROLES)
    assert roles.count("customer_service") == 2


def test_each_account_holds_its_role_and_stands_for_an_employee_with_a_post(company):
    for row in demo.ACCOUNTS:
        user = User.objects.get(username=row.username)
        assert user.groups.filter(name=row.role).exists() and not user.is_superuser
        name, title, department = people.post_of(user, timezone.localdate())
        assert name == user.name and title and department


def test_without_the_command_nobody_can_sign_in(company):
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_the_command_gives_all_accounts_the_password_and_prints_nothing(company, rf, capsys, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    call_command("demo_accounts", password=PASSWORD)
    assert capsys.readouterr() == ("", "")
    for row in demo.ACCOUNTS:
        assert authenticate(rf.post("/"), username=row.username, password=PASSWORD), row.username


def test_running_it_again_keeps_sessions_and_other_changes(company):
    call_command("demo_accounts", password=PASSWORD)
    manager = User.objects.get(username="manager")
    User.objects.filter(pk=manager.pk).update(is_active=False)
    call_command("demo_accounts", password=PASSWORD)
    again = User.objects.get(username="manager")
    assert again.get_session_auth_hash() == manager.get_session_auth_hash()
    assert not again.is_active


@pytest.mark.django_db
def test_without_staff_it_says_what_to_run_first():
    from opsadmin.roles import sync_roles

    sync_roles()
    with pytest.raises(CommandError, match="load_company"):
        call_command("demo_accounts", password=PASSWORD)


def test_a_password_may_begin_with_a_dash(company, rf):
    call_command("demo_accounts", "--password=-4kJ9x")
    assert authenticate(rf.post("/"), username="manager", password="-4kJ9x")


def test_an_empty_password_is_refused(company):
    with pytest.raises(CommandError, match="empty"):
        call_command("demo_accounts", password="")
