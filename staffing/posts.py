"""Roles that go with positions: only the system administrator says which; who holds the post holds the role.

The database lets memberships follow every write (migration 0005). What no write announces is a new day: it is
settled by the first request of each day, and again by a periodic task.
"""

from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils.translation import gettext as _

from opsadmin.core import clock
from opsadmin.core.refusals import Refusal
from orgchart.models import Position, SetKind
from staffing import permissions
from staffing.access import is_store_group
from staffing.models import Account, Assignment, PositionRole


def follow_posts(day):
    """Make memberships equal to the posts of that day, by-hand roles aside; return how many changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT follow_posts(%s)", [day])
        return cursor.fetchone()[0]


@transaction.atomic
def map_role(*, position, role, by):
    """Let a position carry a role (the code of a group), or none (""); holders gain or lose it at once.

    Takes the key of the position. Raises PermissionDenied, or Refusal for an unknown role and for a position that
    the asker holds, now or later: nobody gives a role to himself or herself.
    """
    if not permissions.may_map_roles(by):
        raise PermissionDenied
    post = Position.objects.without_tree_fields().select_for_update().get(pk=position)
    if role and not any(not is_store_group(group) for group in Group.objects.filter(name=role)):
        raise Refusal(_("There is no role “%(role)s”.") % {"role": role})
    if holds(by, post):
        raise Refusal(_("You hold “%(post)s” yourself: somebody else has to say its role.") % {"post": post})
    carried = PositionRole.objects.select_for_update().filter(position=post).first()
    if carried is not None and carried.role == role:
        return carried
    carried = carried or PositionRole(position=post)
    carried.role, carried.mapped_by, carried.mapped_at = role, by, clock.now()
    carried.save()
    return carried


def holds(user, position):
    """Whether an account's employee holds a position today or on a day to come."""
    held = Assignment.objects.filter(position=position, employee__accounts__user=user)
    return held.exclude(end__lte=clock.TODAY).exists()


def roles_by_post(user, day):
    """Return [(role code, position)] that an account holds on a day because of its posts."""
    carried = (
        PositionRole.objects.exclude(role="")
        .filter(position__assignments__in=Assignment.objects.on(day).filter(employee__accounts__user=user))
        .select_related("position__department")
    )
    return [(row.role, row.position) for row in carried.distinct()]


def refuse_own_gain(sender, version, before, after, touched, **kwargs):
    """Refuse a direct edit by which its author takes a post that carries a role which he or she has not by hand.

    Hears ``orgchart.changes.applied``; a reorganisation was signed by somebody else.
    """
    author = version.change_set.author
    if author is None or version.change_set.kind == SetKind.REORGANISATION:
        return
    own = set(Account.objects.filter(user=author).values_list("employee__number", flat=True))
    rows = [
        (before.assignments.get(key), after.assignments.get(key)) for key in touched.get("assignment", ())
    ]
    gained = {new["position"] for old, new in rows if new and new["employee"] in own and more_than(old, new)}
    by_hand = author.groups.exclude(pk__in=author.granted_roles.values("group")).values("name")
    carried = (
        PositionRole.objects.filter(position__code__in=gained).exclude(role="").exclude(role__in=by_hand)
    )
    post = carried.select_related("position").first() if gained else None
    if post is not None:
        sentence = _("“%(post)s” carries a role: somebody else has to assign you.")
        raise Refusal(sentence % {"post": post.position})


def more_than(old, new):
    """Whether an assignment is new, elsewhere, or holds on more days than before."""
    if old is None or old["position"] != new["position"]:
        return True
    return new["start"] < old["start"] or (new["end"] or "9999") > (old["end"] or "9999")
