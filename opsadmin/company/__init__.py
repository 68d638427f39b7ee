"""The company as data: fixtures/company is loaded into an empty installation, or what is missing into a filled one.

Rows are found by their natural keys and made where they are missing; what exists is left as people changed it, so
that a second run changes nothing.
"""

from django.db import transaction
from django.utils import timezone

from opsadmin import demo
from opsadmin.company import goods, models, organisation, people, rules, workplans
from opsadmin.roles import sync_roles


@transaction.atomic
def load_company():
    """Load whatever of the company is missing; return how many rows were made."""
    sync_roles()
    made = organisation.load_stores()
    made += organisation.load_departments()
    made += organisation.load_positions()
    made += organisation.load_work()
    made += models.load_models()
    made += organisation.load_staff()
    made += people.load_former_staff()
    made += demo.make_accounts()
    made += organisation.load_charges()
    made += people.load_store_team()
    made += people.load_position_roles()
    made += workplans.load_work_plans()
    made += rules.load_flows()
    made += rules.load_policy()
    made += goods.load_goods(today=timezone.localdate())
    return made
