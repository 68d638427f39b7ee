"""Writing the two trees. One lock for all of it: two moves that are each right can make a circle together."""

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.translation import gettext as _

from orgchart.models import Department

STRUCTURE_LOCK = 71_002


def lock_structure():
    """Wait for other writers of the structure; the lock goes with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [STRUCTURE_LOCK])


def refuse_circle(node):
    """Raise ValidationError if the node would stand above itself. Only sure behind the lock."""
    model, seen, parent = type(node), {node.pk}, node.parent_id
    while parent is not None:
        if parent in seen:
            what = _("department") if model is Department else _("position")
            raise ValidationError(
                _("“%(name)s” cannot stand below itself: choose another superior %(what)s.")
                % {"name": node, "what": what}
            )
        seen.add(parent)
        parent = model.objects.without_tree_fields().values_list("parent", flat=True).get(pk=parent)


@transaction.atomic
def save_node(node):
    """Save a department or a position. Raises ValidationError if it would stand above itself."""
    lock_structure()
    refuse_circle(node)
    node.save()
