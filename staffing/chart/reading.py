"""Reading a workbook of the organisation: what each row means, and a draft of all that can be done."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from opsadmin.core.refusals import Refusal
from opsadmin.core.spreadsheets.limits import SpreadsheetRefused
from opsadmin.core.spreadsheets.reading import read
from orgchart import changes
from orgchart.changes import Item
from orgchart.models import ChangeOp, LinkKind
from orgchart.state import live_state
from staffing.chart.workbook import SHEETS, second_superiors

SAME, CHANGED, NEW, FAULT = "same", "changed", "new", "fault"
# Rows that break a rule are left out and the rest is judged again, this often at most.
ROUNDS = 20


@dataclass
class Verdict:
    """What comes of one row: ``same``, ``changed``, ``new`` or ``fault``, with the fields or the reason."""

    sheet: str
    row: int
    code: str
    kind: str
    words: str = ""


@transaction.atomic
def import_workbook(path, filename, *, by, title):
    """Read a workbook into a draft; return (the draft or None, verdicts). Rows with faults stay out of the draft.

    What is not in the file stays as it is. Raises SpreadsheetRefused or Refusal for a file that cannot be read.
    """
    state, day = live_state(), timezone.localdate()
    verdicts, items = [], []
    for sheet in SHEETS:
        for number, values, faults in rows_of(path, filename, sheet):
            verdict, found = judged_row(sheet, number, values, faults, state, day)
            verdicts.append(verdict)
            items += [(verdict, item) for item in found]
    if not verdicts:
        raise Refusal(
            _("None of the sheets has rows with codes. Export the chart to see how they look."),
            code="invalid",
        )
    items = without_faults(state, items, day)
    if not items:
        return None, verdicts
    change_set = changes.draft_set(by=by, title=title)
    changes.add_items(change_set, [item for _verdict, item in items], by=by)
    return change_set, verdicts


def rows_of(path, filename, sheet):
    """Yield (number, values, sentences about faults) of one sheet; nothing where the file does not have it."""
    columns = [field.column() for field in sheet.fields if not field.read_only]
    try:
        table = read(path, filename, columns=columns, sheet=sheet.name)
    except SpreadsheetRefused as error:
        if error.code == "no_such_sheet":
            return
        raise
    present = set(table.headers)
    if not {sheet.fields[0].name} <= present:
        return
    for row in table:
        yield (
            row.number,
            {key: row.values.get(key) for key in present},
            [fault.sentence for fault in row.faults],
        )


def judged_row(sheet, number, values, faults, state, day):
    """Return (verdict, items) of one row."""
    key = (values.get(sheet.fields[0].name) or "").strip()
    name = key or values.get("title") or values.get("name") or values.get("employee") or ""
    if faults:
        return Verdict(sheet.name, number, name, FAULT, " ".join(faults)), []
    try:
        items = items_of(sheet, key, values, state, day)
    except Refusal as error:
        return Verdict(sheet.name, number, name, FAULT, str(error)), []
    if not items:
        return Verdict(sheet.name, number, name, SAME), []
    new = items[0].op == ChangeOp.CREATE and items[0].entity == sheet.entity
    words = "、".join(titles_of(sheet, items))
    return Verdict(sheet.name, number, name, NEW if new else CHANGED, words), items


def titles_of(sheet, items):
    titles = {field.name: field.title for field in sheet.fields}
    named = [
        titles.get(name, name) for item in items if item.entity == sheet.entity for name in item.after or {}
    ]
    return dict.fromkeys(named + [titles["dotted"] for item in items if item.entity == "link"])


def items_of(sheet, key, values, state, day):
    """Return the items that make the live row what the file says; none where it is so already."""
    rows = state.of(sheet.entity)
    wanted = {name: plain(name, value) for name, value in values.items() if name != "dotted"}
    if key and key in rows:
        wanted.pop(sheet.fields[0].name)
        checked = changes.wanted(sheet.entity, key, ChangeOp.SET, without_fixed(sheet, wanted, rows[key]))
        after = {name: value for name, value in checked.after.items() if rows[key][name] != value}
        found = [Item(sheet.entity, key, ChangeOp.SET, None, after)] if after else []
    elif sheet.entity != "assignment" and not key:
        raise Refusal(_("A row without a code: give it one."), code="invalid")
    elif key and sheet.entity == "assignment":
        raise Refusal(_("There is no such assignment; leave its number empty for a new one."), code="unknown")
    else:
        wanted = {name: value for name, value in wanted.items() if value not in (None, "")}
        found = [changes.wanted(sheet.entity, key or None, ChangeOp.CREATE, wanted)]
    return found + (dotted_items(found[0].key if found else key, values, state) if "dotted" in values else [])


def plain(name, value):
    """Return a cell's value as rows of the log have it."""
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10]
    if name in ("parent", "department", "from_department", "end", "plan_min", "plan_max"):
        return value or (0 if value == 0 else None)
    if name == "order":
        return value or 0
    return "" if value is None else value


def without_fixed(sheet, wanted, row):
    """Return the values without those that never change; Refusal where the file has another one."""
    if sheet.entity == "assignment" and wanted.pop("employee", row["employee"]) != row["employee"]:
        sentence = _("Another person is another assignment: end this one and add a row.")
        raise Refusal(sentence, code="invalid")
    return {name: value for name, value in wanted.items() if not (value == "" and row[name] in (None, False))}


def dotted_items(key, values, state):
    """Return the items that make the second superiors what the file says."""
    written = [
        code
        for code in (values["dotted"] or "").replace(",", "、").replace("，", "、").split("、")
        if code.strip()
    ]
    old = set(second_superiors(state).get(key, ()))
    new = {code.strip() for code in written}
    link = {"from": key, "kind": LinkKind.DOTTED_TO, "to": None, "to_label": ""}
    return [
        changes.wanted("link", None, ChangeOp.CREATE, link | {"to": code}) for code in sorted(new - old)
    ] + [
        changes.wanted("link", f"{key}>{LinkKind.DOTTED_TO}>{code}", ChangeOp.DELETE)
        for code in sorted(old - new)
    ]


def without_faults(state, items, day):
    """Return the items that can be done together; the rows of the others get their fault as verdict."""
    known = changes.faults_of(state, day=day)
    for _round in range(ROUNDS):
        after, conflicts = changes.project(state, [item for _verdict, item in items])
        touched = changes.touched_by([item for _verdict, item in items])
        found = changes.new_faults(known, changes.faults_of(after, day=day, touched=touched))
        blamed = {(fault.entity, fault.key): fault.message for fault in found}
        blamed |= {
            (one.item.entity, one.item.key): _("This row exists already, or no longer.") for one in conflicts
        }
        bad = {id(verdict) for verdict, item in items if (item.entity, item.key) in blamed}
        if not blamed:
            return items
        for verdict, item in items:
            if (item.entity, item.key) in blamed:
                verdict.kind, verdict.words = FAULT, blamed[item.entity, item.key]
        if not bad:
            raise Refusal(" ".join(blamed.values()), code="faults")
        items = [(verdict, item) for verdict, item in items if id(verdict) not in bad]
    return items
