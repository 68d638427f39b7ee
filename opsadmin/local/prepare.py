"""Bring a database and the static files to what the demo needs; started by the demo as a process of its own.

Everything here may be done again; a second start goes on with what people have changed.
Writes the demo accounts to standard output, as JSON.
"""

import json
import os
import sys

import django
from django.core.management import call_command

APP_ROLE = "opsadmin_app"


def main():
    django.setup()
    for command, options in (("migrate", {"interactive": False}), ("collectstatic", {"interactive": False})):
        call_command(command, verbosity=0, stdout=sys.stderr, **options)
    load_company_once()
    if os.environ.get("APP_ROLE_PASSWORD"):
        call_command("restrict_role", APP_ROLE, create=True, stdout=sys.stderr)
    call_command("demo_accounts", f"--password={os.environ['DEMO_PASSWORD']}", stdout=sys.stderr)
    json.dump(accounts(), sys.stdout)


def load_company_once():
    """Load the company into an empty base; in a filled one only bring the roles up to date.

    A start must not put prices in force: a store opened since then would get the opening prices.
    """
    from opsadmin.roles import sync_roles
    from stores.models import Store

    if Store.objects.exists():
        sync_roles()
    else:
        call_command("load_company", stdout=sys.stderr)


def accounts():
    """Return [post in Chinese, role, user name] for each demo account."""
    from opsadmin.demo import ACCOUNTS

    return [[account.post, account.role, account.username] for account in ACCOUNTS]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsadmin.settings")
    main()
