"""Signs of a bad structure that need people: long cover, more than a full time, stores without their own person."""

from datetime import date

from orgchart.findings.found import SIGN, WARN, Found
from staffing.models import Employee, StoreCharge
from staffing.shares import FULL, overworked
from staffing.structure import SEATED, holders_on
from stores.models import Store, StoreMode, StoreStatus


def long_cover(state, limits, day):
    """Yield the posts short of people whose cover holds another post beside it, for longer than the limit."""
    held = holders_on(state, day)
    covers = []
    for code, row in state.positions.items():
        rows = held.get(code, ())
        seated = sum(one["kind"] in SEATED for one in rows)
        if row["status"] == "closed" or seated >= (row["plan_min"] or 0):
            continue
        beside = [one for one in rows if one["kind"] == "concurrent"]
        covers += [(row, one, (day - date.fromisoformat(one["start"])).days) for one in beside]
    over = [cover for cover in covers if cover[2] > limits.cover_days]
    names = names_of(row["employee"] for _post, row, _days in over)
    for post, row, days in over:
        yield covered(post, row, days, names.get(row["employee"], row["employee"]), limits.cover_days)


def names_of(numbers):
    return dict(Employee.objects.filter(number__in=set(numbers)).values_list("number", "name"))


def covered(post, row, days, name, limit):
    line = {
        "ref": post["source_ref"] or post["code"],
        "name": post["title"],
        "says": "covers",
        "words": [name, row["start"]],
        "marked": [name],
    }
    evidence = {
        "subjects": [{"entity": "position", "key": post["code"], "name": post["title"]}],
        "lines": [line],
        "guessed": False,
    }
    return Found("long_cover", (post["code"], row["employee"]), WARN, evidence, days, limit)


def more_than_full_time(state, limits, day):
    """Yield the people whose assignments come to more than a full time on one day from today on."""
    found = overworked(state, day)
    names = names_of(employee for employee, *_rest in found)
    for employee, share, on, rows in found:
        name = names.get(employee, employee)
        lines = [share_line(state.positions[row["position"]], row) for row in rows]
        evidence = {
            "subjects": [{"entity": "employee", "key": employee, "name": name}],
            "lines": [*lines, {"ref": "", "name": name, "says": "from", "words": [on], "marked": []}],
            "guessed": False,
        }
        yield Found("more_than_full_time", (employee,), WARN, evidence, float(share), float(FULL))


def share_line(post, row):
    percent = f"{round(float(row['fte']) * 100)}%"
    return {
        "ref": post["source_ref"] or post["code"],
        "name": post["title"],
        "says": "share",
        "words": [percent],
        "marked": [percent],
    }


def store_without_person(state, limits, day):
    """Yield the trading stores of our own whose mall needs a dedicated person, and that have none, or several."""
    stores = Store.objects.filter(
        platform__needs_dedicated_person=True, mode=StoreMode.SELF_OPERATED, status=StoreStatus.TRADING
    )
    charges = StoreCharge.objects.on(day).filter(store__in=stores, duty=None, reserve=False)
    people = {}
    for store, name in charges.order_by("pk").values_list("store", "employee__name"):
        people.setdefault(store, []).append(name)
    for store in stores.order_by("code"):
        names = people.get(store.pk, [])
        if len(names) != 1:
            yield without_person(store, names)


def without_person(store, names):
    line = {"ref": store.code, "name": store.name, "says": "charge", "words": names, "marked": names}
    evidence = {
        "subjects": [{"entity": "store", "key": store.code, "name": store.name}],
        "lines": [line],
        "guessed": False,
    }
    return Found("store_without_person", (store.code,), SIGN, evidence, len(names), 1)


def of_people(state, limits, day):
    """Return what is found about people on a day; the source that the queue of findings asks."""
    sources = (long_cover, more_than_full_time, store_without_person)
    return [found for source in sources for found in source(state, limits, day)]
