"""Who may change the structure, and which part of it."""

from django.core.exceptions import PermissionDenied
from django.db.models import Q

from orgchart.models import EditorScope

OWN_DEPARTMENT = {"position": "department", "duty": "department", "authority": "department"}
OWN_POSITION = {"link": "from", "duty": "position", "authority": "position", "assignment": "position"}


def may_edit_structure(user):
    """Departments, positions, duties and who holds what; a change set may be drafted."""
    return user.is_active and user.has_perm("orgchart.change_department")


SETTINGS = (
    *("orgchart.view_orgmodel", "orgchart.view_area", "orgchart.view_handoffflow"),
    *("orgchart.view_editorscope", "orgchart.view_findinglimits"),
)


def may_see_settings(user):
    """What the organisation is measured and described by: models, areas, hand-offs, limits, and who edits what."""
    return user.is_active and any(user.has_perm(name) for name in SETTINGS)


def may_see_models(user):
    return user.is_active and user.has_perm("orgchart.view_orgmodel")


def may_confirm_finding(user):
    """Agreeing that a blocking sign of a bad structure is left as it is: the general manager's."""
    return user.is_active and user.has_perm("orgchart.confirm_finding")


# Questions of floors above, which know who is behind an account: are these two one person?
ALIKE = []


def is_same_person(one, other):
    """Say whether two accounts are one, or one person's as far as somebody above knows."""
    return one.pk == other.pk or any(ask(one, other) for ask in ALIKE)


def scopes_of(user):
    """Return the codes of the departments below which somebody edits; empty for the whole organisation."""
    mine = EditorScope.objects.filter(Q(user=user) | Q(group__user=user))
    return set(mine.values_list("department__code", flat=True))


def refuse_outside(user, state, items):
    """Raise PermissionDenied unless the items stay in the part that somebody may edit; None is the system itself."""
    if user is None or user.is_superuser:
        return
    if not may_edit_structure(user):
        raise PermissionDenied
    scopes = scopes_of(user)
    if scopes and not all(inside(state, item, scopes) for item in items):
        raise PermissionDenied


def inside(state, item, scopes):
    """Whether all departments that an item is about, before and after, stand below one of the scopes."""
    row = state.of(item.entity).get(item.key) or {}
    departments = {code for values in (row, item.after or {}) for code in about(state, item, values)}
    return bool(departments) and all(
        scopes & {code, *state.above("department", code)} for code in departments
    )


def about(state, item, values):
    """Yield the departments that a row is about: a department moves in its old and under its new parent."""
    if item.entity == "department":
        yield item.key
        if values.get("parent"):
            yield values["parent"]
    department = values.get(OWN_DEPARTMENT.get(item.entity))
    position = state.positions.get(values.get(OWN_POSITION.get(item.entity)))
    if department or position:
        yield department or position["department"]
