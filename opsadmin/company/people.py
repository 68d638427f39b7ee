"""Loading what hangs on people and posts: who left, and which post carries which role."""

from django.utils.translation import gettext_lazy as _

from opsadmin.company.fixtures import days_ago, read
from opsadmin.company.organisation import assignment_row, enter, make_missing
from opsadmin.core import clock
from orgchart.models import Department, Position
from staffing.access import sync_store_access
from staffing.models import Employee, PositionRole, StoreCharge, StoreDuty
from stores.models import Store


def load_former_staff():
    """Make those who left, each with the post that has been vacant since then."""
    data, made, items = read("staff"), 0, []
    for row in data["former"]:
        home = Department.objects.get(code=row["home"])
        _employee, created = Employee.objects.get_or_create(
            number=row["number"], defaults={"name": row["name"], "home_department": home, "active": False}
        )
        made += created
        if created:
            since = min(data["since"], days_ago(row["days_ago"] + 1))
            held = assignment_row(row, {"position": row["position"]}, since)
            items.append(held | {"end": days_ago(row["days_ago"]).isoformat()})
    return made + enter("assignment", items, _("Former assignments"))


def load_position_roles():
    """Let posts carry their roles, but for those of which somebody has said it; nobody said these."""
    said = set(PositionRole.objects.values_list("position__code", flat=True))
    rows = {code: role for code, role in read("staff")["roles"].items() if code not in said}
    for code, role in rows.items():
        PositionRole.objects.create(position=Position.objects.get(code=code), role=role)
    return len(rows)


def load_store_team():
    """Make the duties of stores; let people answer for them in stores where nobody has a duty or stands in yet."""
    data = read("staff")
    made = make_missing(StoreDuty, data["store_duties"])
    duties = {duty.code: duty for duty in StoreDuty.objects.all()} | {"whole": None}
    for code, cells in data["store_team"].items():
        store = Store.objects.get(code=code)
        if store.charges.exclude(duty=None, reserve=False).exists():
            continue
        for duty, (main, reserve) in cells.items():
            for number, is_reserve in ((main, False), (reserve, True)):
                if number is not None:
                    StoreCharge.objects.create(
                        store=store,
                        duty=duties[duty],
                        employee=Employee.objects.get(number=number),
                        reserve=is_reserve,
                        start=data["since"],
                    )
                    made += 1
    sync_store_access(clock.today())
    return made
