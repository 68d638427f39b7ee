"""Bring a database and the static files to what the demo needs; started by the demo as a process of its own.

Everything here may be done again. The company is loaded only into a base that has no stores, so that a second
start goes on with what people have changed. Writes the demo accounts to standard output, as JSON.
"""

import json
import os
import sys

import django
from django.core.management import call_command


def main():
    django.setup()
    for command, options in (("migrate", {"interactive": False}), ("collectstatic", {"interactive": False})):
        call_command(command, verbosity=0, stdout=sys.stderr, **options)
    if not company_is_loaded():
        call_command("load_company", stdout=sys.stderr)
    call_command("demo_accounts", password=os.environ["DEMO_PASSWORD"], stdout=sys.stderr)
    json.dump(accounts(), sys.stdout)


def company_is_loaded():
    from stores.models import Store

    return Store.objects.exists()


def accounts():
    """Return [role in Chinese, role in English, user name] for each role, in the order of roles.py."""
    from django.contrib.auth import get_user_model
    from django.utils.translation import override

    from opsadmin.roles import ROLES

    rows = []
    for role in ROLES:
        user = get_user_model().objects.filter(groups__name=role.code, is_active=True).order_by("pk").first()
        with override("zh-hans"):
            chinese = str(role.name)
        with override("en"):
            rows.append([chinese, str(role.name), user.get_username()])
    return rows


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsadmin.settings")
    main()
