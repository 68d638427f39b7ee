"""The organisation models of fixtures/company/models.yaml, written out as rows of the log."""

from opsadmin.company.fixtures import read
from opsadmin.company.papers import below, duty_rows, link_rows, position_row
from orgchart.entities import ENTITIES
from orgchart.models import OrgModel

ROWS = ("departments", "positions", "live", "code", "name", "source", "own", "guessed")


def load_models():
    """Make the missing organisation models; return how many were made."""
    known = set(OrgModel.objects.values_list("code", flat=True))
    rows = [(order, row) for order, row in enumerate(read("models")["models"], 1) if row["code"] not in known]
    made = [
        OrgModel(
            **{name: row[name] for name in ("code", "name", "source", "own", "guessed") if name in row},
            order=order,
            stated_total=row.get("stated", {}).get("total"),
            payload=written_out(row),
        )
        for order, row in rows
    ]
    return len(OrgModel.objects.bulk_create(made))


def written_out(model):
    """Return the payload: ``tables`` as a state holds them, and the papers' other words as they stand."""
    departments, positions = live_part(model["live"]) if "live" in model else described(model)
    tables = {
        "department": {row["code"]: full("department", row) for row in departments},
        "position": {row["code"]: full("position", row) for row in positions},
        "link": keyed("link", link_rows(positions)),
        "duty": keyed("duty", [*duties_in("department", departments), *duties_in("position", positions)]),
        "authority": {},
        "assignment": {},
    }
    names = {row["name"]: row["code"] for row in departments}
    also_in = {row["code"]: names[row["also_in"]] for row in departments if "also_in" in row}
    words = {name: value for name, value in model.items() if name not in ROWS}
    return {"tables": tables, "also_in": also_in, **words}


def full(entity, row):
    """Return a row of the log with every column; what is no column of it is left out."""
    blank = ENTITIES[entity].blank
    return {**blank, **{name: value for name, value in row.items() if name in blank}}


def keyed(entity, rows):
    rows = [full(entity, row) for row in rows]
    return {ENTITIES[entity].key(row): row for row in rows}


def live_part(root):
    """Return the departments and positions of the fixtures below a department; the root stands on its own."""
    departments = below(root, read("departments")["departments"])
    codes = {row["code"] for row in departments}
    rows = [position_row(row) for group in read("positions").values() for row in group]
    positions = [row for row in rows if row["department"] in codes]
    known = {row["code"] for row in positions}
    alone = [{**row, "parent": row["parent"] if row.get("parent") in known else None} for row in positions]
    return [
        {**row, "parent": row.get("parent") if row["code"] != root else None} for row in departments
    ], alone


def described(model):
    """Return the departments and positions of a model, below a department of the model's own name."""
    code = model["code"]
    top = {"code": code, "name": model["name"], "kind": "centre", "guessed": model.get("guessed", False)}
    codes = {model["name"]: code}
    for number, row in enumerate(model.get("departments", ()), 1):
        codes[row["name"]] = f"{code}-d{number}"
    departments = [
        {
            "kind": "department",
            **row,
            "code": codes[row["name"]],
            "parent": codes[row.get("in", model["name"])],
            "order": order,
            "source_ref": model["source"][:60],
        }
        for order, row in enumerate(model.get("departments", ()), 1)
    ]
    return [top, *departments], described_positions(model, codes)


def described_positions(model, departments):
    rows = model.get("positions", ())
    codes = {row["title"]: f"{model['code']}-p{number}" for number, row in reversed([*enumerate(rows, 1)])}
    return [
        {
            **row,
            **plan_of(row.get("plan")),
            "code": f"{model['code']}-p{number}",
            "department": departments[row.get("in", model["name"])],
            "parent": codes[row["under"]] if "under" in row else None,
            "order": number,
            "source_ref": model["source"][:60],
        }
        for number, row in enumerate(rows, 1)
    ]


def plan_of(plan):
    """Return the smallest and the largest headcount of a number, or of a pair."""
    low, high = plan if isinstance(plan, list) else (plan, plan)
    return {"plan_min": low, "plan_max": high}


def duties_in(owner, rows):
    for row in rows:
        guessed = row.get("duties_guessed", False)
        yield from duty_rows({owner: row["code"]}, row.get("duties", ()), row.get("from", 1), guessed)
