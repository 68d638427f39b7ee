"""Loading stores, departments, positions, staff and who is in charge of which store."""

from django.utils import timezone

from opsadmin.company.fixtures import read
from orgchart.models import Department, Position
from staffing.access import sync_store_access
from staffing.models import Assignment, Employee, PositionRole, StoreCharge
from stores.models import Brand, Platform, Store

POSITION_FIELDS = (
    "code",
    "department",
    "parent",
    "title",
    "head",
    "order",
    "plan_min",
    "plan_max",
    "plan_note",
    "tentative",
    "source_ref",
    "guessed",
)


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


def load_departments():
    return make_missing(Department, read("departments")["departments"], parent=Department)


def load_positions():
    rows = [row for group in read("positions").values() for row in group]
    plain = [
        {field: row[field] for field in POSITION_FIELDS if field in row} for row in superiors_first(rows)
    ]
    return make_missing(Position, plain, department=Department, parent=Position)


def superiors_first(rows):
    """Return the rows so that each stands below the one it reports to."""
    by_code = {row["code"]: row for row in rows}

    def depth(row):
        return 1 + depth(by_code[row["parent"]]) if "parent" in row else 0

    return sorted(rows, key=depth)


def load_staff():
    """Make the missing employees with their assignments; one who exists keeps the assignments he or she has."""
    data = read("staff")
    made = 0
    for row in data["employees"]:
        employee, created = Employee.objects.get_or_create(
            number=row["number"],
            defaults={"name": row["name"], "home_department": Department.objects.get(code=row["home"])},
        )
        made += created
        for held in row["holds"] if created else []:
            Assignment.objects.create(
                employee=employee,
                position=Position.objects.get(code=held["position"]),
                kind=held.get("kind", "primary"),
                start=data["since"],
                from_department=Department.objects.filter(code=held.get("from")).first(),
                note=held.get("note", ""),
            )
            made += 1
    return made


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
    sync_store_access(timezone.localdate())
    return made


def load_position_roles():
    """Let posts carry their roles, but for those of which somebody has said it; nobody said these."""
    said = set(PositionRole.objects.values_list("position__code", flat=True))
    rows = {code: role for code, role in read("staff")["roles"].items() if code not in said}
    for code, role in rows.items():
        PositionRole.objects.create(position=Position.objects.get(code=code), role=role)
    return len(rows)
