"""A work plan as one sheet: objectives, their measures below them, milestones. It can be brought in again.

Nothing is stored unless every row fits; rows are found by their title, rows that are missing in the file stay.
"""

from dataclasses import asdict, dataclass

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsadmin.core import spreadsheets, uploads
from opsadmin.core.jobs import Page, handler
from opsadmin.core.refusals import Refusal
from staffing import permissions
from staffing.models import Employee, WorkPlan
from staffing.plans import services

JOB = "read_work_plan"
OBJECTIVE, MEASURE, MILESTONE = "objective", "measure", "milestone"
KINDS = {
    OBJECTIVE: gettext_lazy("Objective"),
    MEASURE: gettext_lazy("Measure"),
    MILESTONE: gettext_lazy("Milestone"),
}
LIMITS = spreadsheets.Limits(file_bytes=5 * 1024 * 1024, unpacked_bytes=50 * 1024 * 1024, rows=500)
LANGUAGES = ("zh-hans", "en")
FIELDS = (
    ("kind", gettext_lazy("Kind"), "choice", 12),
    ("title", gettext_lazy("Content"), "text", 120),
    ("note", gettext_lazy("Note"), "text", 120),
    ("unit", gettext_lazy("Unit"), "text", 12),
    ("start", gettext_lazy("Start value"), "money", None),
    ("target", gettext_lazy("Target value"), "money", None),
    ("actual", gettext_lazy("Actual value"), "money", None),
    ("first_week", gettext_lazy("From week"), "int", None),
    ("due", gettext_lazy("Due on"), "date", None),
    ("owner", gettext_lazy("Owner's staff number"), "code", 20),
    ("done_on", gettext_lazy("Done on"), "date", None),
    ("reason", gettext_lazy("Cause or reason"), "text", 120),
)
NEEDED = {OBJECTIVE: ("start", "target"), MEASURE: (), MILESTONE: ("first_week", "due")}


@dataclass(frozen=True)
class RowFault:
    sheet: str
    row: int | None
    column: str
    value: str
    message: str


def in_languages(word):
    found = []
    for language in LANGUAGES:
        with translation.override(language):
            found.append(str(word))
    return found


def columns():
    """Return the columns of the sheet, each found by its name in either language."""
    choices = {word: kind for kind, label in KINDS.items() for word in in_languages(label)}
    return [
        spreadsheets.Column(
            key,
            in_languages(label),
            required=key in ("kind", "title"),
            kind=kind,
            choices=choices if kind == "choice" else None,
            max_length=length if kind in ("text", "code") else None,
            example="1" if kind == "int" else "",
        )
        for key, label, kind, length in FIELDS
    ]


def sheet_of(plan):
    """Return the sheet that says the whole plan."""
    header = [str(label) for _key, label, _kind, _length in FIELDS]
    numbers = [str(label) for _key, label, kind, _length in FIELDS if kind == "money"]
    return spreadsheets.SheetOut(
        _("Work plan"),
        header,
        list(rows_of(plan)),
        widths=(10, 32, 24, 8, 12, 12, 12, 10, 12, 14, 12, 32),
        text_columns=[str({key: label for key, label, *_rest in FIELDS}["owner"])],
        number_columns=numbers,
    )


def rows_of(plan):
    def number(employee):
        return employee.number if employee else None

    blank = [None] * 7
    for row in plan.objectives.select_related("owner").prefetch_related("measures"):
        yield [
            *(str(KINDS[OBJECTIVE]), row.title, row.note, row.unit, row.start, row.target, row.actual),
            *(None, None, number(row.owner), None, row.cause),
        ]
        for measure in row.measures.all():
            yield [str(KINDS[MEASURE]), measure.text, *blank, None, None, None]
    for row in plan.milestones.select_related("owner"):
        yield [
            *(str(KINDS[MILESTONE]), row.title, None, None, None, None, None),
            *(row.first_week, row.due, number(row.owner), row.done_on, row.reason),
        ]


def form_address(job):
    return reverse("admin:workplan", args=[job.payload["plan"]])


PAGE = Page(
    lambda job: _("Import a work plan"),
    (("read", gettext_lazy("Read the file")), ("write", gettext_lazy("Write all rows, or none"))),
    lambda job: f"{form_address(job)}?job={job.pk}",
    form_address,
)


@handler(JOB, PAGE)
def read_work_plan(claim):
    """Bring a file into a plan: all of its rows, or none and every fault as the job's result."""
    with uploads.opened(claim) as path:
        plan, by = WorkPlan.objects.get(pk=claim.payload["plan"]), claim.job.created_by
        if not permissions.may_edit_plan(by, plan):
            raise PermissionDenied
        claim.progress(0, step="read")
        sheet, rows, faults = read(path, claim.payload["name"])
        claim.progress(0, step="write")
        with claim.finishing() as result:
            faults = faults or bring_in(plan, sheet, rows, by=by)
            result |= {"rows": len(rows), "faults": [asdict(fault) for fault in faults]}
            uploads.tell_read(claim, rows=len(rows), faults=len(faults))
        uploads.forget(claim)


def bring_in(plan, sheet, rows, *, by):
    """Bring the rows of a sheet into a plan; return the faults because of which nothing was stored.

    Raises PermissionDenied, or Refusal where the plan is closed.
    """
    with transaction.atomic():
        services.locked(plan.pk, by)
        faults = [fault for fault in enter(plan, sheet, rows, by) if fault]
        if faults:
            transaction.set_rollback(True)
    return faults


def read(path, name):
    """Return (sheet, rows, faults) of a file. Raises SpreadsheetRefused where it cannot be read at all."""
    table = spreadsheets.read(path, name, columns=columns(), limits=LIMITS)
    rows = list(table)
    faults = [
        RowFault(
            fault.sheet,
            fault.row or None,
            fault.column_header,
            fault.value,
            _("%(message)s: %(remedy)s") % {"message": fault.message, "remedy": fault.remedy},
        )
        for fault in table.faults
    ]
    return table.sheet, rows, faults


def enter(plan, sheet, rows, by):
    """Enter the rows in their order; yield a RowFault for each that does not fit."""
    objectives = {row.title: row.pk for row in plan.objectives.all()}
    milestones = {row.title: row.pk for row in plan.milestones.all()}
    owners = {employee.number: employee for employee in Employee.objects.filter(number__in=numbers_in(rows))}
    measures, last, seen = {}, None, {}
    for row in rows:
        values = row.values
        kind, title = values["kind"], values["title"]
        fault = misfit(row, last, seen, owners)
        seen.setdefault((kind, title) if kind != MEASURE else (kind, row.number), row.number)
        if fault:
            yield RowFault(sheet, row.number, *fault)
        elif kind == MEASURE:
            measures[last].append(title)
        elif kind == OBJECTIVE:
            last = title
            measures[title] = []
            pk, known = objectives.get(title), ("note", "unit", "start", "target", "actual")
            yield attempt(sheet, row, services.save_objective, plan, pk, owners, by, known, "cause")
        else:
            pk, known = milestones.get(title), ("first_week", "due", "done_on")
            yield attempt(sheet, row, services.save_milestone, plan, pk, owners, by, known, "reason")
    for title, lines in measures.items():
        found = plan.objectives.filter(title=title).first()
        if found is not None:
            services.save_objective(plan.pk, by=by, pk=found.pk, measures=lines)


def numbers_in(rows):
    return {row.values.get("owner") for row in rows} - {None}


def misfit(row, last, seen, owners):
    """Return (column, value, sentence) of what a row lacks, or None."""
    values = row.values
    labels = {key: str(label) for key, label, *_rest in FIELDS}
    kind, title = values["kind"], values["title"]
    for key in NEEDED[kind]:
        if values.get(key) is None:
            return labels[key], "", _("%(kind)s: this cannot stay empty.") % {"kind": KINDS[kind]}
    if kind == MEASURE and last is None:
        return labels["kind"], title, _("A measure stands below its objective: put the objective above it.")
    if kind != MEASURE and (kind, title) in seen:
        return (
            labels["title"],
            title,
            _("The same as row %(row)d: keep one of them.") % {"row": seen[kind, title]},
        )
    if kind != MEASURE and len(title) > 80:
        return labels["title"], title[:40], _("At most 80 characters.")
    number = values.get("owner")
    if number is not None and number not in owners:
        return labels["owner"], number, _("There is no employee with this number.")
    return None


def attempt(sheet, row, save, plan, pk, owners, by, known, words):
    """Save a row in a savepoint; return its RowFault, or None."""
    values = {key: row.values.get(key) for key in known}
    values = {
        key: "" if value is None and key in ("note", "unit") else value for key, value in values.items()
    }
    values |= {words: row.values.get("reason") or "", "title": row.values["title"]}
    values["owner"] = owners.get(row.values.get("owner"))
    try:
        with transaction.atomic():
            save(plan.pk, by=by, pk=pk, **values)
    except (Refusal, ValidationError) as error:
        said = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        return RowFault(sheet, row.number, "", row.values["title"], said)
    return None
