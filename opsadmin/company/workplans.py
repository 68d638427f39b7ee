"""Loading work plans: the quarter of the e-commerce department, the one before, and the launches of two stores."""

from datetime import timedelta

from django.utils import timezone

from opsadmin.company.fixtures import read
from orgchart.models import Department
from staffing.models import Employee, Measure, Milestone, Objective, WorkPlan
from stores.models import Store


def load_work_plans():
    """Make the plans where there is none yet; return how many rows were made."""
    if WorkPlan.objects.exists():
        return 0
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday())
    staff = {employee.number: employee for employee in Employee.objects.all()}
    plans, made = {}, 0
    for row in read("workplans")["plans"]:
        plans[row["key"]] = make_plan(row, monday - timedelta(weeks=row["weeks_ago"]), plans, staff)
        made += (
            1
            + make_objectives(plans[row["key"]], row, staff)
            + make_milestones(plans[row["key"]], row, staff)
        )
    return made


def make_plan(row, start, plans, staff):
    middle = start + timedelta(weeks=6)
    return WorkPlan.objects.create(
        title=row["title"].format(year=middle.year, quarter="一二三四"[(middle.month - 1) // 3]),
        department=Department.objects.get(code=row["department"]),
        store=Store.objects.filter(code=row.get("store")).first(),
        owner=staff[row["owner"]],
        start=start,
        state=row["state"],
        copied_from=plans.get(row.get("copied_from")),
        achieved=row.get("achieved", ""),
        missed=row.get("missed", ""),
        changes=row.get("changes", ""),
    )


def make_objectives(plan, row, staff):
    for order, given in enumerate(row["objectives"]):
        fields = {name: value for name, value in given.items() if name not in ("owner", "measures")}
        made = Objective.objects.create(plan=plan, order=order, owner=staff[given["owner"]], **fields)
        lines = given.get("measures", [])
        Measure.objects.bulk_create(
            [Measure(objective=made, order=place, text=text) for place, text in enumerate(lines)]
        )
    return len(row["objectives"])


def make_milestones(plan, row, staff):
    def day(given):
        week, weekday = given
        return plan.start + timedelta(weeks=week - 1, days=weekday - 1)

    for order, given in enumerate(row["milestones"]):
        Milestone.objects.create(
            plan=plan,
            order=order,
            title=given["title"],
            first_week=given["week"],
            due=day(given["due"]),
            done_on=day(given["done"]) if "done" in given else None,
            owner=staff[given["owner"]],
            reason=given.get("reason", ""),
        )
    return len(row["milestones"])
