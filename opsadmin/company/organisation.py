"""Loading stores, departments, positions, staff and who is in charge of which store."""

from uuid import NAMESPACE_OID, uuid5

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from opsadmin.company.fixtures import days_ago, read
from opsadmin.company.papers import POSITION_FIELDS, duty_rows, link_rows, position_row
from opsadmin.core import clock
from orgchart.changes import apply_now, wanted
from orgchart.changes.log import last_version
from orgchart.entities import ENTITIES
from orgchart.models import Area, Department, HandoffFlow, HandoffStep
from staffing.access import sync_store_access
from staffing.models import Employee, StoreCharge
from stores.models import Brand, Platform, Store


def make_missing(model, rows, **lookups):
    """Make the rows whose code is not there yet; return how many were made.

    ``lookups`` maps a field to the model that its code names: ``platform=Platform``. A parent stands before its
    children, so that its code is known.
    """
    known = set(model.objects.values_list("code", flat=True))
    missing = [row for row in rows if row["code"] not in known]
    for row in missing:
        named = {
            field: target.objects.get(code=row[field]) for field, target in lookups.items() if field in row
        }
        model.objects.create(**(row | named))
    return len(missing)


def load_stores():
    data = read("stores")
    made = make_missing(Platform, data["platforms"])
    made += make_missing(Brand, data["brands"])
    return made + make_missing(Store, data["stores"], platform=Platform, brand=Brand)


def enter(entity, rows, title):
    """Enter the rows that the log's tables do not have yet, as one set; return how many were entered.

    ``title`` is kept in the language of the company. The first sets hold since the day from which the staff are
    employed, later ones since the last change.
    """
    kind = ENTITIES[entity]
    there = kind.read().keys()
    items = [wanted(entity, row.get("code"), "create", row) for row in rows]
    items = [item for item in items if item.key not in there]
    if items:
        last = last_version()
        since = last.effective_on if last else read("staff")["since"]
        with translation.override(settings.LANGUAGE_CODE):
            apply_now(items, title=str(title), effective_on=since)
    return len(items)


def load_departments():
    return enter("department", read("departments")["departments"], _("Departments"))


def position_rows():
    return [position_row(row) for group in read("positions").values() for row in group]


def load_positions():
    """Enter the missing positions, and the links that they name."""
    rows = position_rows()
    plain = [{name: row[name] for name in POSITION_FIELDS if name in row} for row in rows]
    return enter("position", plain, pgettext_lazy("job", "Positions")) + enter(
        "link", link_rows(rows), _("Links between positions")
    )


def load_work():
    """Make the missing areas of work, duties, authorities and hand-offs."""
    data = read("work")
    areas = [{**row, "order": order} for order, row in enumerate(read("areas")["areas"], 1)]
    made = make_missing(Area, areas)
    made += enter(
        "duty",
        [row for part in data["duties"] for row in duties_of(part)],
        pgettext_lazy("finding", "Duties"),
    )
    made += enter(
        "authority", [row for part in data["authorities"] for row in powers_of(part)], _("Authorities")
    )
    return made + load_handoffs(data["handoffs"])


def owner_of(part):
    return {name: part[name] for name in ("department", "position") if name in part}


def duties_of(part):
    guessed, source = part.get("guessed", False), part["source_ref"]
    return duty_rows(owner_of(part), part["rows"], part.get("from", 1), guessed, source)


def powers_of(part):
    shared = {"guessed": part["guessed"], "source_ref": part["source_ref"]}
    return [
        {**owner_of(part), "number": number, **shared, **row} for number, row in enumerate(part["rows"], 1)
    ]


def load_handoffs(rows):
    """Make the missing hand-offs with their steps."""
    known = set(HandoffFlow.objects.values_list("code", flat=True))
    areas = {area.code: area for area in Area.objects.all()}
    departments = {department.code: department for department in Department.objects.all()}
    missing = [row for row in rows if row["code"] not in known]
    for row in missing:
        flow = HandoffFlow.objects.create(**{name: row[name] for name in row if name != "steps"})
        for order, step in enumerate(row["steps"], 1):
            HandoffStep.objects.create(
                flow=flow,
                order=order,
                text=step.get("text", ""),
                lost=step.get("lost", False),
                area=areas.get(step.get("area")),
                department=departments.get(step.get("department")),
            )
    return len(missing)


def load_staff():
    """Make the missing employees with their assignments; one who exists keeps the assignments he or she has."""
    data = read("staff")
    made, items = 0, []
    for row in data["employees"]:
        _employee, created = Employee.objects.get_or_create(
            number=row["number"],
            defaults={"name": row["name"], "home_department": Department.objects.get(code=row["home"])},
        )
        made += created
        items += [assignment_row(row, held, data["since"]) for held in row["holds"] if created]
    return made + enter("assignment", items, _("Assignments"))


def assignment_row(row, held, since):
    return {
        "uid": str(uuid5(NAMESPACE_OID, f"{row['number']} {held['position']} {since}")),
        "employee": row["number"],
        "position": held["position"],
        "kind": held.get("kind", "primary"),
        "start": (days_ago(held["days_ago"]) if "days_ago" in held else since).isoformat(),
        "fte": held.get("fte", "1.00"),
        "from_department": held.get("from"),
        "note": held.get("note", ""),
    }


def load_charges():
    """Put people in charge of the stores that nobody has ever been in charge of."""
    data = read("staff")
    made = 0
    for code, numbers in data["charges"].items():
        store = Store.objects.get(code=code)
        if store.charges.exists():
            continue
        for number in numbers:
            employee = Employee.objects.get(number=number)
            StoreCharge.objects.create(employee=employee, store=store, start=data["since"])
            made += 1
    sync_store_access(clock.today())
    return made
