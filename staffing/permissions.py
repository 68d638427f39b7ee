"""Who may say who works where."""

from opsadmin.core import clock
from staffing.models import Assignment


def may_put_in_charge(user):
    """Putting somebody in charge of a store opens that store to his or her account."""
    return user.is_active and user.has_perm("staffing.change_storecharge")


def may_map_roles(user):
    """Saying which position carries which role gives that role to whoever holds the position."""
    return user.is_active and user.has_perm("staffing.map_roles")


def may_see_mapped_roles(user):
    return user.is_active and user.has_perm("staffing.view_positionrole")


def may_see_store_team(user):
    """Who answers for what; the stores on the page are those that the account may see."""
    return user.is_active and user.has_perm("stores.view_store")


def may_edit_plan(user, plan):
    """HR, and who heads the plan's department or one above it, today."""
    if not user.is_active:
        return False
    return user.has_perm("staffing.change_workplan") or heads(user, plan.department)


def heads(user, department):
    """Whether an account's employee heads a department or one above it today; two statements."""
    held = Assignment.objects.on(clock.TODAY).filter(
        employee__accounts__user=user, employee__active=True, position__head=True
    )
    headed = set(held.values_list("position__department", flat=True))
    return bool(headed) and department.ancestors(include_self=True).filter(pk__in=headed).exists()


def may_make_plans(user):
    """HR for any department, a head for his or her own."""
    held = Assignment.objects.on(clock.TODAY).filter(
        employee__accounts__user=user, employee__active=True, position__head=True
    )
    return user.is_active and (user.has_perm("staffing.add_workplan") or held.exists())


def may_see_people(user):
    """Who joins, moves, leaves and is away."""
    return user.is_active and user.has_perm("staffing.view_assignment")


def may_move_people(user):
    """Letting somebody leave ends posts, charges and delegations."""
    return user.is_active and user.has_perm("staffing.change_employee")
