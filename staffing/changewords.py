"""Changes of the organisation in words: what kind of change an item is, and what it says of whom."""

from functools import cached_property

from django.utils.translation import gettext as _
from django.utils.translation import pgettext, pgettext_lazy

from orgchart.entities import ENTITIES
from orgchart.models import Area, ChangeOp, OrgStatus
from staffing.models import Employee

# In the order in which one mark stands for a row that has several.
MARKS = {
    "conflict": pgettext_lazy("change", "Conflict"),
    "new": pgettext_lazy("change", "New"),
    "closed": pgettext_lazy("change", "Close"),
    "moved": pgettext_lazy("change", "Move"),
    "renamed": pgettext_lazy("change", "Rename"),
    "plan": pgettext_lazy("change", "Plan"),
    "staff": pgettext_lazy("change", "Assign"),
    "duties": pgettext_lazy("change", "Duties"),
    "changed": pgettext_lazy("change", "Change"),
    "span": pgettext_lazy("change", "Span"),
}
NAMES = {"department": "name", "position": "title"}
PLAN = {"plan_min", "plan_max", "plan_note", "tentative"}


def mark_of(item):
    """Return which mark of MARKS an item puts on the row that it is about."""
    after = item.after or {}
    if item.entity == "assignment":
        return "staff"
    if item.entity not in NAMES:
        return "duties"
    if item.op == ChangeOp.CREATE:
        return "new"
    if after.get("status") == OrgStatus.CLOSED:
        return "closed"
    if after.keys() & {"parent", "department"}:
        return "moved"
    if NAMES[item.entity] in after:
        return "renamed"
    return "plan" if after.keys() & PLAN else "changed"


def rows_marked(item, *states):
    """Return [(kind, key)] of the departments and positions that an item is shown at."""
    if item.entity in NAMES:
        return [(item.entity, item.key)]
    rows = [state.of(item.entity).get(item.key) for state in states]
    rows += [item.before, item.after]
    found = {}
    for row in rows:
        for kind, column in (("position", "position"), ("position", "from"), ("department", "department")):
            if row and row.get(column):
                found[kind, row[column]] = None
    return list(found)


class Words:
    """Names what items are about: rows of the states before and after them, employees by name."""

    def __init__(self, items, before, after):
        self.before, self.after = before, after
        rows = [row for item in items if item.entity == "assignment" for row in self.rows_of(item)]
        numbers = {row["employee"] for row in rows if row.get("employee")}
        self.people = dict(Employee.objects.filter(number__in=numbers).values_list("number", "name"))

    @cached_property
    def areas(self):
        return dict(Area.objects.values_list("code", "name"))

    def rows_of(self, item):
        """Return the row of an item as the item says it, as it becomes and as it was, as far as there is one."""
        rows = item.after, self.after.of(item.entity).get(item.key), self.before.of(item.entity).get(item.key)
        return [row for row in (*rows, item.before) if row]

    def value(self, item, name):
        return next((row[name] for row in self.rows_of(item) if row.get(name) is not None), None)

    def called(self, kind, key):
        """Return how a department or position is called, its key where it is unknown."""
        for state in (self.after, self.before):
            row = state.of(kind).get(key)
            if row:
                return row[NAMES[kind]]
        return key or ""

    def subject(self, item):
        """Return what an item is about: "策划", duty "策划 3", link "策划 promotes to 总监", "文案甲 · 企划主管"."""
        if item.entity in NAMES:
            own = (item.before or {}).get(NAMES[item.entity])
            return own or self.called(item.entity, item.key)
        if item.entity == "assignment":
            employee = self.value(item, "employee")
            post = self.called("position", self.value(item, "position"))
            return f"{self.people.get(employee, employee)} · {post}"
        kind = ENTITIES[item.entity]
        return kind.title({name: self.value(item, name) for name in kind.column}, self.called)

    def sentence(self, item):
        """Return an item as a sentence: kind of row, subject, and each field old → new."""
        noun = ENTITIES[item.entity].model._meta.verbose_name
        heads = {
            ChangeOp.CREATE: pgettext("change", "New"),
            ChangeOp.DELETE: pgettext("change", "Remove"),
        }
        verb = heads.get(item.op) or str(MARKS[mark_of(item)])
        fields = pgettext("list", "; ").join(self.fields(item))
        colon = pgettext("evidence", ": ")
        return f"{verb} {noun} {self.subject(item)}" + (f"{colon}{fields}" if fields else "")

    def fields(self, item):
        """Yield each field that an item changes, in words; of a new row those that are filled in."""
        kind = ENTITIES[item.entity]
        for name, value in (item.after or {}).items():
            if name in kind.fixed or item.op == ChangeOp.CREATE and value in (None, "", False):
                continue
            if item.op == ChangeOp.CREATE and name == NAMES.get(item.entity):
                continue
            label = self.label(kind, name)
            new = self.shown(kind, name, value)
            if item.op == ChangeOp.CREATE:
                yield f"{label} {new}"
            else:
                yield f"{label} {self.shown(kind, name, (item.before or {}).get(name))} → {new}"

    def label(self, kind, name):
        if name == "parent":
            return _("superior") if kind.name == "position" else _("part of")
        return str(kind.model._meta.get_field(kind.column[name].attribute).verbose_name)

    def shown(self, kind, name, value):
        """Return one value as people read it."""
        if value in (None, ""):
            return pgettext("change", "none")
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        column = kind.column[name]
        if name == "area":
            return self.areas.get(value, value)
        if column.refers in NAMES:
            return self.called(column.refers, value)
        choices = dict(kind.model._meta.get_field(column.attribute).flatchoices)
        return str(choices.get(value, value))
