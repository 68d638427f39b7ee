"""The demo accounts: one per role, and a second one for customer service."""

from dataclasses import dataclass

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Group
from django.db import transaction

from opsadmin.core import clock
from opsadmin.core.models import User
from staffing.access import sync_store_access
from staffing.models import Account, Employee


@dataclass(frozen=True)
class DemoAccount:
    """``employee`` is the staff number of fixtures/company/staff.yaml, ``post`` the person's post in Chinese."""

    role: str
    username: str
    employee: str
    post: str


ACCOUNTS = (
    DemoAccount("product_strategy", "strategy", "E005", "产品策略专员"),
    DemoAccount("ecommerce_manager", "manager", "E010", "电子商务部经理"),
    DemoAccount("finance", "finance", "E050", "财务（财务部指派）"),
    DemoAccount("promotion", "promotion", "E006", "推广专员"),
    DemoAccount("customer_service", "service", "E021", "客服（天猫、开心淘）"),
    DemoAccount("customer_service", "service2", "E022", "客服（京东、拍拍）"),
    DemoAccount("hr", "hr", "E004", "人事专员"),
    DemoAccount("general_manager", "general", "E001", "总经理"),
    DemoAccount("administrator", "admin", "E002", "系统管理员"),
    DemoAccount("auditor", "auditor", "E003", "审计"),
)


@transaction.atomic
def make_accounts():
    """Make the accounts that do not exist yet, without a password; return how many were made.

    Accounts that exist stay as people have changed them. The employees must be loaded.
    """
    made = 0
    for row in ACCOUNTS:
        employee = Employee.objects.get(number=row.employee)
        user, created = User.objects.get_or_create(
            username=row.username, defaults={"name": employee.name, "is_staff": True}
        )
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
            user.groups.add(Group.objects.get(name=row.role))
            Account.objects.create(user=user, employee=employee)
        made += created
    sync_store_access(clock.today())
    return made


@transaction.atomic
def set_password(password):
    """Give every demo account this password. One that has it already is not touched, so its sessions go on.

    The accounts share one hash: hashing is slow on purpose, and a demo starts with ten of them.
    """
    users = list(User.objects.filter(username__in=[row.username for row in ACCOUNTS]))
    hashes = {user.password for user in users if user.has_usable_password()}
    right = {encoded for encoded in hashes if check_password(password, encoded)}
    wrong = [user for user in users if user.password not in right]
    encoded = make_password(password) if wrong else ""
    for user in wrong:
        user.password = encoded
        user.save(update_fields=["password"])
