"""The company's papers as states, without a database: as fixtures/company says, and a copy with every fault mended."""

from dataclasses import replace

from opsadmin.company import organisation
from opsadmin.company.fixtures import read
from opsadmin.company.models import full, keyed, written_out
from opsadmin.company.papers import link_rows
from orgchart.findings import Case
from orgchart.state import OrgState, state_from


def live_state():
    work, rows = read("work"), organisation.position_rows()
    duties = [row for part in work["duties"] for row in organisation.duties_of(part)]
    powers = [row for part in work["authorities"] for row in organisation.powers_of(part)]
    return state_from(
        {
            "department": {
                row["code"]: full("department", row) for row in read("departments")["departments"]
            },
            "position": {row["code"]: full("position", row) for row in rows},
            "link": keyed("link", link_rows(rows)),
            "duty": keyed("duty", duties),
            "authority": keyed("authority", powers),
            "assignment": {},
        }
    )


def steps():
    return tuple(
        {
            "flow": flow["code"],
            "flow_name": flow["name"],
            "order": order,
            "text": step.get("text", ""),
            "area": step.get("area"),
            "department": step.get("department"),
            "lost": step.get("lost", False),
        }
        for flow in read("work")["handoffs"]
        for order, step in enumerate(flow["steps"], 1)
    )


def live_case():
    return Case(
        live_state(), steps=steps(), areas={row["code"]: row["name"] for row in read("areas")["areas"]}
    )


def model_case(code):
    payload = written_out(next(row for row in read("models")["models"] if row["code"] == code))
    areas = {row["code"]: row["name"] for row in read("areas")["areas"]}
    stated = payload.get("stated", {})
    return Case(state_from(payload["tables"]), stated=stated, also_in=payload["also_in"], areas=areas)


MODELS = [row["code"] for row in read("models")["models"]]


def corrected(case):
    """Return a case with everything confirmed, one superior each, one duty with its power for each post."""
    state = case.state.copy()
    mend_posts(state)
    mend_links(state)
    state.duties.clear()
    state.authorities.clear()
    for number, code in enumerate(state.positions):
        owner = {"position": code, "number": 1, "area": f"area-{number}"}
        duty = full("duty", {**owner, "text": "".join(chr(0x4E00 + 5 * number + n) for n in range(5))})
        state.duties[f"p:{code}/1"] = duty
        state.authorities[f"p:{code}/1"] = full("authority", {**owner, "kind": "decide"})
    fresh = OrgState(**{name: getattr(state, name) for name in tables()})
    mended = [{**step, "lost": False, "text": "x", "area": f"area-{n}"} for n, step in enumerate(case.steps)]
    return replace(case, state=fresh, steps=tuple(mended), stated={}, also_in={})


def tables():
    return ("departments", "positions", "links", "duties", "authorities", "assignments")


def mend_posts(state):
    """Confirm every post, keep each title once, and hang posts below their superior, never more than five below one."""
    seen, free = set(), []
    for code, row in list(state.positions.items()):
        title = row["title"].replace("(", "").replace(")", "")
        if title in seen:
            del state.positions[code]
            continue
        seen.add(title)
        parent = free[0] if free else None
        state.positions[code] = {
            **row,
            "guessed": False,
            "tentative": False,
            "parent": parent,
            "head": parent is None,
        }
        free += [code] * 5
        if parent:
            free.pop(0)
    for code, row in state.departments.items():
        state.departments[code] = {**row, "guessed": False, "tentative": False}


def mend_links(state):
    """Name exactly the reports of the tree, and one promotion to the superior."""
    state.links.clear()
    for code, row in state.positions.items():
        if row["parent"]:
            for source, kind, target in (
                (row["parent"], "reports_named", code),
                (code, "promotes_to", row["parent"]),
            ):
                link = full("link", {"from": source, "kind": kind, "to": target})
                state.links[f"{source}>{kind}>{target}"] = link
