"""Accounts: roles are given by somebody else, nobody is deleted, every change of a role is written down."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from opsadmin.core.models import User
from staffing.models import Account
from tests.factories import (
    AccountFactory,
    EmployeeFactory,
    StoreChargeFactory,
    UserFactory,
    role_group,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]
PASSWORD = "a-long-new-word-1"


@pytest.fixture
def administrator(signed_in):
    return signed_in(AccountFactory(user=UserFactory(roles=["administrator"])).user)


def change(client, user, **values):
    """Post the account's form as it stands, with some values replaced."""
    data = {
        "name": user.name,
        "is_active": "on" if user.is_active else "",
        "employee": getattr(getattr(user, "account", None), "employee_id", ""),
        "roles": [group.pk for group in user.groups.exclude(name__startswith="store:")],
        **values,
    }
    return client.post(reverse("admin:core_user_change", args=[user.pk]), data)


def roles_of(user):
    return set(user.groups.values_list("name", flat=True))


def test_the_administrator_gives_a_role(administrator):
    user = UserFactory()
    change(administrator, user, roles=[role_group("finance").pk])
    assert roles_of(user) == {"finance"}
    assert User.objects.get(pk=user.pk).has_perm("approvals.file_documents")


def test_a_change_of_roles_is_written_down_with_before_and_after(administrator):
    user = UserFactory(roles=["promotion"])
    change(administrator, user, roles=[role_group("finance").pk])
    entry = LogEntry.objects.get()
    assert entry.user == administrator.user
    assert entry.get_change_message() == "Roles: promotion → finance."


def test_nobody_gives_a_role_to_himself_or_herself(administrator):
    change(
        administrator, administrator.user, roles=[role_group("finance").pk, role_group("administrator").pk]
    )
    assert roles_of(administrator.user) == {"administrator"}


def test_nobody_gives_a_role_to_another_account_of_his_or_hers(administrator):
    second = AccountFactory(employee=administrator.user.account.employee).user
    change(administrator, second, roles=[role_group("finance").pk])
    assert roles_of(second) == set()


def test_nobody_closes_his_or_her_own_account(administrator):
    change(administrator, administrator.user, is_active="")
    administrator.user.refresh_from_db()
    assert administrator.user.is_active


def test_nobody_makes_a_second_account_of_his_or_her_own_with_roles(administrator):
    data = {
        "username": "second",
        "name": "x",
        "employee": administrator.user.account.employee_id,
        "password1": PASSWORD,
        "password2": PASSWORD,
        "roles": [role_group("finance").pk],
    }
    response = administrator.post(reverse("admin:core_user_add"), data)
    assert response.status_code == 200 and "your own" in response.content.decode()
    assert not User.objects.filter(username="second").exists()


def test_a_new_account_can_sign_in_and_is_no_superuser(administrator, client):
    employee = EmployeeFactory()
    data = {
        "username": "newcomer",
        "name": "新人",
        "employee": employee.pk,
        "password1": PASSWORD,
        "password2": PASSWORD,
        "roles": [role_group("promotion").pk],
        "is_superuser": "on",
    }
    assert administrator.post(reverse("admin:core_user_add"), data).status_code == 302
    user = User.objects.get(username="newcomer")
    assert user.is_staff and not user.is_superuser and user.check_password(PASSWORD)
    assert roles_of(user) == {"promotion"} and user.account.employee == employee


def test_an_account_that_is_closed_sees_no_store_any_more(administrator):
    charge = StoreChargeFactory(
        employee=AccountFactory(user=UserFactory(roles=["customer_service"])).employee
    )
    user = charge.employee.accounts.get().user
    change(administrator, user)
    assert f"store:{charge.store.code}" in roles_of(user)
    change(administrator, user, is_active="")
    assert roles_of(user) == {"customer_service"}


def test_groups_of_stores_are_neither_offered_nor_taken_away(administrator):
    charge = StoreChargeFactory(
        employee=AccountFactory(user=UserFactory(roles=["customer_service"])).employee
    )
    user = charge.employee.accounts.get().user
    change(administrator, user, name="新名")
    page = administrator.get(reverse("admin:core_user_change", args=[user.pk]))
    offered = page.context["adminform"].form.fields["roles"].queryset
    assert not offered.filter(name__startswith="store:").exists()
    assert f"store:{charge.store.code}" in roles_of(user)


def test_an_account_is_linked_to_another_employee_and_that_is_written_down(administrator):
    account, other = AccountFactory(), EmployeeFactory(name="接任者")
    change(administrator, account.user, employee=other.pk)
    assert Account.objects.get(user=account.user).employee == other
    assert "→ 接任者" in LogEntry.objects.get().get_change_message()


def test_the_administrator_finds_the_way_to_a_new_password(administrator, signed_in):
    user = UserFactory()
    address = reverse("admin:auth_user_password_change", args=[user.pk])
    account = reverse("admin:core_user_change", args=[user.pk])
    assert address in administrator.get(account).content.decode()
    administrator.post(address, {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"})
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert address not in signed_in(roles=["auditor"]).get(account).content.decode()


def test_the_rights_of_a_role_are_told_in_words(administrator):
    administrator.cookies["django_language"] = "zh-hans"
    page = administrator.get(reverse("admin:auth_group_change", args=[role_group("promotion").pk]))
    told = page.content.decode()
    assert "推广" in told and "价格表: 查看" in told
    assert "Can view" not in told


@pytest.mark.parametrize("role", ["hr", "ecommerce_manager", "finance", "general_manager"])
def test_other_roles_do_not_see_accounts(role, signed_in):
    client = signed_in(roles=[role])
    assert client.get(reverse("admin:core_user_changelist")).status_code == 403
    assert change(client, UserFactory()).status_code == 403


def test_the_auditor_reads_accounts_and_changes_none(signed_in):
    user = UserFactory(roles=["finance"], name="财务乙")
    client = signed_in(roles=["auditor"])
    text = client.get(reverse("admin:core_user_change", args=[user.pk])).content.decode()
    assert "财务乙" in text and "finance" in text
    assert change(client, user, roles=[]).status_code == 403
    assert roles_of(user) == {"finance"}


def test_the_list_names_every_role_of_an_account(administrator):
    UserFactory(username="double", roles=["finance", "auditor"])
    text = administrator.get(reverse("admin:core_user_changelist") + "?q=double").content.decode()
    assert "finance、auditor" in text


def test_roles_are_read_only_in_the_admin(administrator):
    group = role_group("finance")
    assert administrator.get(reverse("admin:auth_group_changelist")).status_code == 200
    page = reverse("admin:auth_group_change", args=[group.pk])
    assert "Can file documents" in administrator.get(page).content.decode()
    assert administrator.post(page, {"name": "x"}).status_code == 403
