"""Reading a workbook of the organisation, as a job: what each row means, and a draft of all that can be done."""

from collections import Counter
from dataclasses import asdict, dataclass

from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsadmin.core import uploads
from opsadmin.core.jobs import Page, handler
from opsadmin.core.refusals import Refusal
from opsadmin.core.spreadsheets import ROW_BY_ROW, SpreadsheetRefused, read
from orgchart import changes
from orgchart.changes import Item
from orgchart.models import ChangeOp, LinkKind
from orgchart.permissions import may_edit_structure
from orgchart.state import live_state
from staffing.chart.workbook import SHEETS, second_superiors

SAME, CHANGED, NEW, FAULT = "same", "changed", "new", "fault"
# So many of the rows that broke a rule are judged a second time by themselves.
TRIED_AGAIN = 200
JOB = "read_organisation"
# So many verdicts are kept for the page; all are counted.
SHOWN = 500


@dataclass
class Verdict:
    """What comes of one row: ``same``, ``changed``, ``new`` or ``fault``, with the fields or the reason."""

    sheet: str
    row: int
    code: str
    kind: str
    words: str = ""


def form_address(job):
    return reverse("admin:org_chart_import")


PAGE = Page(
    lambda job: _("Import the organisation"),
    (
        ("read", gettext_lazy("Read the file")),
        ("compare", gettext_lazy("Compare every row with what is there")),
    ),
    lambda job: f"{form_address(job)}?job={job.pk}",
    form_address,
)


@handler(JOB, PAGE)
def read_organisation(claim):
    """Read a workbook into a draft, for an account that may edit the structure."""
    with uploads.opened(claim) as path:
        by = claim.job.created_by
        if not may_edit_structure(by):
            raise PermissionDenied
        claim.progress(0, step="read")
        state, day = live_state(), timezone.localdate()
        verdicts, items = judged_rows(path, claim.payload["name"], state, day)
        claim.progress(0, step="compare")
        items = without_faults(state, items, day)
        with claim.finishing() as result:
            result |= kept(verdicts) | {"set": draft_of(items, claim.payload["name"], by)}
            uploads.tell_read(claim, rows=len(verdicts), faults=result["counts"].get(FAULT, 0))
        uploads.forget(claim)


def kept(verdicts):
    """Return what the job keeps of the verdicts: all counts, and the first rows that are not as before."""
    shown = [asdict(verdict) for verdict in verdicts if verdict.kind != SAME]
    return {
        "counts": Counter(verdict.kind for verdict in verdicts),
        "verdicts": shown[:SHOWN],
        "of": len(shown),
    }


def draft_of(items, filename, by):
    """Make a draft of the items; returns its key, None where nothing changes."""
    if not items:
        return None
    change_set = changes.draft_set(by=by, title=_("Import of %(file)s") % {"file": filename[:80]})
    changes.add_items(change_set, [item for _verdict, item in items], by=by)
    return change_set.pk


def judged_rows(path, filename, state, day):
    """Return (verdicts, [(verdict, item)]) of all sheets; what is not in the file stays as it is.

    Raises SpreadsheetRefused for a file that cannot be read.
    """
    verdicts, items = [], []
    for sheet in SHEETS:
        for number, values, faults in rows_of(path, filename, sheet):
            verdict, found = judged_row(sheet, number, values, faults, state, day)
            verdicts.append(verdict)
            items += [(verdict, item) for item in found]
    if not verdicts:
        raise SpreadsheetRefused(
            "no_rows", _("None of the sheets has rows with codes. Export the chart to see how they look.")
        )
    return verdicts, items


def rows_of(path, filename, sheet):
    """Yield (number, values, sentences about faults) of one sheet; nothing where the file does not have it."""
    columns = [field.column() for field in sheet.fields if not field.read_only]
    try:
        table = read(path, filename, columns=columns, sheet=sheet.name, limits=ROW_BY_ROW)
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
    """Return the items that can be done together; the rows of the others get their fault as verdict.

    A row may be blamed for another one's fault (all below a circle are in it): once the rest is sound, each row that
    was left out is tried again by itself.
    """
    known = changes.faults_of(state, day=day)
    sound, left_out = list(items), []
    while blamed := blamed_in(state, sound, known, day):
        rows = {id(verdict) for verdict, item in sound if (item.entity, item.key) in blamed}
        if not rows:
            raise Refusal(" ".join(dict.fromkeys(blamed.values())), code="faults")
        left_out += [(verdict, item, blamed) for verdict, item in sound if id(verdict) in rows]
        sound = [(verdict, item) for verdict, item in sound if id(verdict) not in rows]
    for verdict, group in by_verdict(left_out)[:TRIED_AGAIN]:
        again = [*sound, *((verdict, item) for item, _blamed in group)]
        if not blamed_in(state, again, known, day):
            sound = again
        else:
            tell(verdict, group)
    for verdict, group in by_verdict(left_out)[TRIED_AGAIN:]:
        tell(verdict, group)
    return sound


def blamed_in(state, items, known, day):
    """Return {(kind of row, key): sentence} of the rows that do not fit together."""
    plain_items = [item for _verdict, item in items]
    after, conflicts = changes.project(state, plain_items)
    touched = changes.touched_by(plain_items)
    found = changes.new_faults(known, changes.faults_of(after, day=day, touched=touched))
    blamed = {(fault.entity, fault.key): fault.message for fault in found}
    taken = _("This row exists already, or no longer.")
    return blamed | {(one.item.entity, one.item.key): taken for one in conflicts}


def by_verdict(left_out):
    """Return [(verdict, [(item, blamed)])], one entry for each row of the file."""
    found = {}
    for verdict, item, blamed in left_out:
        found.setdefault(id(verdict), (verdict, []))[1].append((item, blamed))
    return list(found.values())


def tell(verdict, group):
    sentences = [blamed[item.entity, item.key] for item, blamed in group if (item.entity, item.key) in blamed]
    verdict.kind, verdict.words = FAULT, " ".join(dict.fromkeys(sentences))
