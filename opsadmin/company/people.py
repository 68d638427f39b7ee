"""Loading what hangs on people and posts: who left, and which post carries which role."""

from opsadmin.company.fixtures import days_ago, read
from opsadmin.company.organisation import assignment_row, enter
from orgchart.models import Department, Position
from staffing.models import Employee, PositionRole


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
    return made + enter("assignment", items, "Former assignments")


def load_position_roles():
    """Let posts carry their roles, but for those of which somebody has said it; nobody said these."""
    said = set(PositionRole.objects.values_list("position__code", flat=True))
    rows = {code: role for code, role in read("staff")["roles"].items() if code not in said}
    for code, role in rows.items():
        PositionRole.objects.create(position=Position.objects.get(code=code), role=role)
    return len(rows)
