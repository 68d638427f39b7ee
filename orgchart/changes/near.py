"""The part of the live organisation that some items are judged with, so that a small change loads little."""

from collections import defaultdict

from django.db import connection
from django.db.models import Q

from orgchart.changes.items import names_in, touched_by
from orgchart.entities import ENTITIES
from orgchart.models import OrgStatus
from orgchart.state import state_from

# UNION leaves rows out that were found before, so that it ends in a circle too.
CHAIN = """
WITH RECURSIVE chain AS (
    SELECT id, parent_id, copied_from_id FROM {table} WHERE code = ANY(%s)
    UNION
    SELECT above.id, above.parent_id, above.copied_from_id FROM {table} above
    JOIN chain ON above.id IN (chain.parent_id, chain.copied_from_id)
)
SELECT id FROM chain
"""


def near(items):
    """Return the live rows that the items touch or name, with all above them and what rules compare them with."""
    touched = touched_by(items)
    named = named_by(items, touched)
    closing = closed_by(items)
    found = {name: {} for name in ENTITIES}
    for name in ENTITIES.keys() - {"department", "position"}:
        found[name] = rows_around(ENTITIES[name], touched[name], named)
        add_names(named, name, found[name])
    found["position"] = positions_near(named, closing)
    found["department"] = departments_near(named, closing)
    return state_from(found)


def named_by(items, touched):
    """Return {kind: keys} of what the items touch or name."""
    named = defaultdict(set, {name: set(keys) for name, keys in touched.items()})
    for item in items:
        for values in (item.before, item.after):
            for refers, key in names_in(item.entity, values):
                named[refers].add(key)
    return named


def closed_by(items):
    closing = defaultdict(set)
    for item in items:
        if (item.after or {}).get("status") == OrgStatus.CLOSED:
            closing[item.entity].add(item.key)
    return closing


def rows_around(entity, keys, named):
    """Return the rows of a kind that is no tree: those with the keys, and those its own app wants to compare."""
    condition = entity.around(named)
    if not keys and condition is None:
        return {}
    own = entity.find(list(keys))
    rows = entity.read(own if condition is None else own | condition)
    return rows if condition is not None else {key: row for key, row in rows.items() if key in keys}


def add_names(named, entity, rows):
    for row in rows.values():
        for refers, key in names_in(entity, row):
            named[refers].add(key)


def positions_near(named, closing):
    """Return the positions named with all above them, the heads beside them, and what would be left below."""
    chain = Q(pk__in=chain_of("position", named["position"])) | Q(parent__code__in=closing["position"])
    rows = ENTITIES["position"].read(chain) if named["position"] else {}
    for key in named["position"] & rows.keys():
        named["department"].add(rows[key]["department"])
    beside = Q(department__code__in=named["department"], head=True)
    rows |= ENTITIES["position"].read(beside | Q(department__code__in=closing["department"]))
    return rows


def departments_near(named, closing):
    chain = Q(pk__in=chain_of("department", named["department"]))
    return ENTITIES["department"].read(chain | Q(parent__code__in=closing["department"]))


def chain_of(entity, codes):
    """Return the database keys of the rows with these codes and of everything above them or copied for them."""
    with connection.cursor() as cursor:
        cursor.execute(CHAIN.format(table=ENTITIES[entity].model._meta.db_table), [list(codes)])
        return [pk for (pk,) in cursor.fetchall()]
