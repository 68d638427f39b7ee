"""Who holds what on a day: the questions that a flow asks before it gives somebody a task.

Accounts are answered as querysets of active users, in the order of staff numbers; an empty one means vacant. The
day is always passed in.
"""

from django.contrib.auth import get_user_model
from django.db.models import Q

from orgchart.models import OrgStatus, Position
from staffing.models import Account, Assignment, AssignmentKind, Delegation, Employee, StoreCharge

KIND_RANK = [
    AssignmentKind.PRIMARY,
    AssignmentKind.SECONDED,
    AssignmentKind.ACTING,
    AssignmentKind.CONCURRENT,
]


def accounts_of(employees):
    """Return the active accounts of active employees; ``employees`` is a queryset or a list of employees."""
    users = get_user_model().objects.filter(
        is_active=True, account__employee__active=True, account__employee__in=employees
    )
    return users.select_related("account__employee").order_by("account__employee__number", "pk")


def people_matching(text):
    """Return the employees whose name, number, pinyin or initials fit a text."""
    return Employee.objects.filter(
        Q(name__icontains=text)
        | Q(number__istartswith=text)
        | Q(name_key__startswith=text.lower())
        | Q(name_key__contains=f" {text.lower()}")
    )


def people_of_role(code):
    """Return the active accounts that hold a role of opsadmin.roles."""
    return get_user_model().objects.filter(is_active=True, groups__name=code).order_by("pk")


def holders_of(position_code, day):
    """Return the accounts whose employee holds the position on that day, in whatever kind of assignment."""
    held = Assignment.objects.on(day).filter(position__code=position_code)
    return accounts_of(held.values("employee"))


def head_of(department, day):
    """Return the accounts that hold the department's head position; empty if it has none, or a vacant one."""
    held = Assignment.objects.on(day).filter(
        position__department=department, position__head=True, position__status=OrgStatus.ACTIVE
    )
    return accounts_of(held.values("employee"))


def in_charge_of(store, day):
    """Return the accounts that answer for the store as a whole on that day: no reserve, nobody with one duty of it."""
    return accounts_of(StoreCharge.objects.on(day).as_a_whole().filter(store=store).values("employee"))


def main_assignment(employee, day):
    """Return the assignment that names somebody's post: the primary one, else seconded, acting, concurrent."""
    held = (
        Assignment.objects.on(day)
        .held_by(employee)
        .select_related("position__department", "position__parent")
    )
    return min(held, key=lambda assignment: (KIND_RANK.index(assignment.kind), assignment.pk), default=None)


def superior_position(position):
    """Return the position above: the one it reports to, else the head of its department or of the next above."""
    if position.parent_id:
        return position.parent
    department = position.department
    while department is not None:
        head = Position.objects.filter(department=department, head=True, status=OrgStatus.ACTIVE).first()
        if head is not None and head.pk != position.pk:
            return head
        department = department.parent
    return None


def superior_of(employee, level, day):
    """Return the accounts of an employee's superior; level 1 is the next one up, 2 the one above.

    Empty where the chart ends, where that post is vacant, or where the employee has no post on that day.
    """
    assignment = main_assignment(employee, day)
    position = assignment and assignment.position
    for _step in range(level):
        position = position and superior_position(position)
    return holders_of(position.code, day) if position else accounts_of([])


def employee_of(user):
    """Return the employee behind an account, None for an account of nobody."""
    account = Account.objects.select_related("employee__home_department").filter(user=user).first()
    return account and account.employee


def is_same_person(one, other):
    """Say whether the same employee is behind two accounts."""
    employee = employee_of(one)
    return employee is not None and employee == employee_of(other)


def post_of(user, day):
    """Return (name, title of the position, name of the department) of an account on that day.

    This is what a decision writes down. Title and department are empty for somebody without a post.
    """
    employee = employee_of(user)
    if employee is None:
        return user.get_full_name(), "", ""
    assignment = main_assignment(employee, day)
    if assignment is None:
        return employee.name, "", employee.home_department.name
    return employee.name, assignment.position.title, assignment.position.department.name


def delegate_of(employee, day):
    """Return the active employee who acts for another on that day, or None. One step: no delegate's delegate."""
    delegation = Delegation.objects.on(day).filter(principal=employee, delegate__active=True)
    found = delegation.select_related("delegate").first()
    return found and found.delegate


def account_of(employee):
    """Return the active account of an employee, or None."""
    return accounts_of([employee]).first()
