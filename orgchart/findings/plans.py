"""Headcount: totals that are the sum of their parts, and nothing guessed among what is approved."""

from collections import defaultdict

from orgchart.changes.metrics import layers_of
from orgchart.findings.found import (
    INFO,
    PLAN,
    SIGN,
    WARN,
    Found,
    bare,
    by_department,
    evidence,
    finding_rule,
    line,
    subject,
)
from orgchart.models.organisation import OrgStatus


@finding_rule(PLAN, WARN)
def unconfirmed_plan(case):
    """A tentative or guessed post counts in the headcount plan as if it were approved; for each department."""
    counted = {
        code: row
        for code, row in case.positions.items()
        if (row["plan_min"] or row["plan_max"]) and (row["tentative"] or row["guessed"])
    }
    for department, rows in sorted(by_department(case, counted).items()):
        lines = [line(row, "plan", [plan_words(row)], [plan_words(row)]) for row in rows.values()]
        shown = [subject("position", row) for row in rows.values()]
        severity = WARN if any(row["tentative"] for row in rows.values()) else INFO
        seats = sum(row["plan_min"] or 0 for row in rows.values())
        proof = evidence(shown, lines, rows.values())
        yield Found("unconfirmed_plan", (department,), severity, proof, seats, 0)


def unconfirmed_made(before, after):
    """Return the guessed posts (rows) that count as approved headcount in one state and not, or with less, in another.

    Pure. A tentative post never counts as approved.
    """
    known = unconfirmed_seats(before)
    return [
        after.positions[code]
        for code, seats in unconfirmed_seats(after).items()
        if seats > known.get(code, 0)
    ]


def unconfirmed_seats(state):
    """Return {position: seats} of the open guessed posts with a headcount plan."""
    return {
        code: row["plan_max"] or row["plan_min"]
        for code, row in state.positions.items()
        if row["guessed"]
        and not row["tentative"]
        and row["status"] != OrgStatus.CLOSED
        and (row["plan_max"] or row["plan_min"])
    }


def plan_words(row):
    low, high = row["plan_min"] or 0, row["plan_max"]
    return str(low) if low == high else f"{low}–{'' if high is None else high}"


@finding_rule(PLAN, SIGN)
def total_unlike_parts(case):
    """What a paper states in figures is not what its parts add up to, or it states two figures for one thing."""
    for what, name, stated, counted in figures(case):
        if stated != counted:
            title = name or what
            lines = [
                {
                    "ref": what,
                    "name": name,
                    "says": "stated",
                    "words": [str(stated)],
                    "marked": [str(stated)],
                },
                {
                    "ref": what,
                    "name": name,
                    "says": "counted",
                    "words": [str(counted)],
                    "marked": [str(counted)],
                },
            ]
            proof = evidence([{"entity": "", "key": "", "name": title}], lines, what=what)
            yield Found("total_unlike_parts", (what, name), SIGN, proof, counted, stated)


def figures(case):
    """Yield (what, name, stated, counted) of every figure that is stated."""
    stated = case.stated
    plans = {code: row["plan_min"] or 0 for code, row in case.positions.items()}
    if "total" in stated:
        yield "total", "", stated["total"], sum(plans.values())
    for name, number in stated.get("groups", {}).items():
        yield "group", name, number, sum(plans[code] for code in in_group(case, name))
    for title, number in stated.get("posts", {}).items():
        named = (code for code, row in case.positions.items() if bare(row["title"]) == bare(title))
        yield "post", title, number, sum(plans[code] for code in named)
    if "departments" in stated:
        counted = sum(row["kind"] == "department" for row in case.departments.values())
        yield "departments", "", stated["departments"], counted
    if "department_kinds" in stated:
        counted = sum(row["parent"] is not None for row in case.departments.values())
        yield "departments", "", stated["department_kinds"], counted
    if "layers" in stated:
        yield "layers", "", stated["layers"], layers(case)
    yield from stated_twice(stated.get("duties", {}))


def in_group(case, name):
    """Return the posts of a group: those of the department of this name, else those whose title ends so."""
    departments = {code for code, row in case.departments.items() if row["name"] == name}
    if departments:
        return [code for code, row in case.positions.items() if row["department"] in departments]
    return [code for code, row in case.positions.items() if row["title"].endswith(name)]


def layers(case):
    """Return how many levels there are; departments without a post of their own are the lowest."""
    posts = max(layers_of(case.positions).values(), default=0)
    held = {row["department"] for row in case.positions.values()}
    return posts + any(code not in held for code, row in case.departments.items() if row["parent"])


def stated_twice(numbers):
    """Yield titles whose duties are counted differently in two places (``title`` and ``title_where``)."""
    found = defaultdict(list)
    for name, number in numbers.items():
        found[name.partition("_")[0]].append(number)
    for title, counts in found.items():
        for other in counts[1:]:
            yield "duties", title, counts[0], other
