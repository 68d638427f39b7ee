"""The organisation as a workbook: three sheets with codes, to be edited and read in again as a draft."""

from dataclasses import dataclass
from datetime import date
from functools import cache

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from opsadmin.core.spreadsheets.values import Column
from opsadmin.core.spreadsheets.writing import SheetOut
from orgchart.models import DepartmentKind, LinkKind, OrgStatus
from staffing.chart.source import in_order, is_open
from staffing.models import AssignmentKind, Employee

YES, NO = "是", "否"


@cache
def labels_of(choices, language):
    """Return {value: word in that language}; asked for in each of a file's cells."""
    return {value: str(label) for value, label in choices.choices}


@dataclass(frozen=True)
class Field:
    """One column of a sheet: the field of the row that it holds, how it is called, and of which kind it is."""

    name: str
    title: str
    other: str
    kind: str = "text"
    choices: type = None
    read_only: bool = False
    width: int = 14

    def column(self):
        kind = "choice" if self.choices is not None or self.kind == "flag" else self.kind
        return Column(self.name, (self.title, self.other), kind=kind, choices=self.words(), max_length=300)

    def words(self):
        """Return {word in a file: value} of a column with fixed words."""
        if self.kind == "flag":
            return {YES: True, "yes": True, NO: False, "no": False}
        if self.choices is None:
            return None
        words = {}
        for value, label in self.choices.choices:
            words |= {str(label): value, value: value}
        return words

    def out(self, value):
        if self.kind == "flag":
            return YES if value else NO
        if self.choices is not None:
            return labels_of(self.choices, get_language()).get(value, value)
        return date.fromisoformat(value) if self.kind == "date" and value else value


POSITION_FIELDS = (
    Field("code", "岗位编码", "position code", width=24),
    Field("title", "岗位名称", "title", width=22),
    Field("department", "部门编码", "department code", width=18),
    Field("department_name", "部门", "department", read_only=True, width=16),
    Field("parent", "直接上级编码", "superior code", width=24),
    Field("dotted", "虚线上级编码", "second superior codes", width=24),
    Field("head", "部门负责人", "head", "flag", width=10),
    Field("grade", "职级", "grade"),
    Field("order", "顺序", "order", "int", width=8),
    Field("plan_min", "编制下限", "headcount at least", "int", width=10),
    Field("plan_max", "编制上限", "headcount at most", "int", width=10),
    Field("plan_note", "编制说明", "headcount in words", width=18),
    Field("tentative", "暂定", "tentative", "flag", width=8),
    Field("guessed", "待确认", "to be confirmed", "flag", width=8),
    Field("status", "状态", "status", choices=OrgStatus, width=10),
    Field("filled", "在岗", "filled", "int", read_only=True, width=8),
)
DEPARTMENT_FIELDS = (
    Field("code", "部门编码", "department code", width=18),
    Field("name", "部门名称", "name", width=22),
    Field("kind", "类别", "kind", choices=DepartmentKind, width=10),
    Field("parent", "上级部门编码", "parent code", width=18),
    Field("order", "顺序", "order", "int", width=8),
    Field("supporting", "支持部门", "supporting", "flag", width=10),
    Field("cloneable", "可复制", "can be multiplied", "flag", width=8),
    Field("tentative", "暂定", "tentative", "flag", width=8),
    Field("guessed", "待确认", "to be confirmed", "flag", width=8),
    Field("status", "状态", "status", choices=OrgStatus, width=10),
)
ASSIGNMENT_FIELDS = (
    Field("uid", "任职编号", "assignment", width=38),
    Field("employee", "工号", "staff number", width=12),
    Field("employee_name", "姓名", "name", read_only=True, width=16),
    Field("position", "岗位编码", "position code", width=24),
    Field("position_title", "岗位", "position", read_only=True, width=20),
    Field("kind", "任职类型", "kind", choices=AssignmentKind, width=10),
    Field("start", "开始", "from", "date", width=12),
    Field("end", "结束（不含）", "until", "date", width=12),
    Field("from_department", "派出部门编码", "seconded by", width=18),
    Field("fte", "投入", "share of full time", width=8),
    Field("handover", "交接", "handover", "flag", width=8),
    Field("note", "说明", "note", width=24),
)


@dataclass(frozen=True)
class Sheet:
    entity: str
    name: str
    fields: tuple


SHEETS = (
    Sheet("department", "部门", DEPARTMENT_FIELDS),
    Sheet("position", "岗位", POSITION_FIELDS),
    Sheet("assignment", "任职", ASSIGNMENT_FIELDS),
)


def rows_to_write(sheet, state, day):
    """Return the rows of one kind, {key: row}, with what a reader wants beside the codes."""
    if sheet.entity == "department":
        return {key: row for key, row in state.departments.items() if is_open(row)}
    if sheet.entity == "position":
        return position_rows(state, day)
    return assignment_rows(state, day)


def position_rows(state, day):
    dotted = second_superiors(state)
    seated = seats_taken(state, day)
    return {
        key: row
        | {
            "department_name": (state.departments.get(row["department"]) or {}).get("name", ""),
            "dotted": "、".join(dotted.get(key, ())),
            "filled": seated.get(key, 0),
        }
        for key, row in in_order(state.positions).items()
        if is_open(row)
    }


def second_superiors(state):
    found = {}
    for link in state.links.values():
        if link["kind"] == LinkKind.DOTTED_TO and link["to"]:
            found.setdefault(link["from"], []).append(link["to"])
    return found


def seats_taken(state, day):
    found = {}
    for row in state.assignments.values():
        if row["kind"] != AssignmentKind.CONCURRENT and holds(row, day):
            found[row["position"]] = found.get(row["position"], 0) + 1
    return found


def holds(row, day):
    return row["start"] <= day and (row["end"] is None or row["end"] > day)


def assignment_rows(state, day):
    rows = {key: row for key, row in state.assignments.items() if row["end"] is None or row["end"] > day}
    names = dict(
        Employee.objects.filter(number__in={row["employee"] for row in rows.values()}).values_list(
            "number", "name"
        )
    )
    return {
        key: row
        | {
            "employee_name": names.get(row["employee"], ""),
            "position_title": (state.positions.get(row["position"]) or {}).get("title", ""),
        }
        for key, row in rows.items()
    }


def sheets_of(state_of, day, version):
    """Return the sheets of an organisation; the last one says version, day and how many rows there are.

    ``state_of`` gives the state. It is asked once, when the first row is written.
    """
    state_of, counts = cache(state_of), {}
    sheets = [
        SheetOut(
            sheet.name,
            [field.title for field in sheet.fields],
            cells_of(sheet, state_of, day, counts),
            widths=[field.width for field in sheet.fields],
            text_columns=[
                field.title for field in sheet.fields if field.kind == "text" and not field.choices
            ],
        )
        for sheet in SHEETS
    ]
    head = [_("What"), pgettext("figure", "Value")]
    return [*sheets, SheetOut(_("About this file"), head, facts(day, version, counts), widths=[20, 20])]


def cells_of(sheet, state_of, day, counts):
    """Yield the rows of a sheet, and note how many there are."""
    rows = rows_to_write(sheet, state_of(), day.isoformat())
    counts[sheet.name] = len(rows)
    for row in rows.values():
        yield [field.out(row[field.name]) for field in sheet.fields]


def facts(day, version, counts):
    yield _("Version"), str(version)
    yield _("Day"), day.isoformat()
    for name, number in counts.items():
        yield name, str(number)
