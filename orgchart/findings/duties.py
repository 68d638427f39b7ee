"""What posts do: one main post for each area, nobody who does everything or nothing, power that matches duty."""

from collections import defaultdict

from orgchart.findings.found import (
    DUTIES,
    HANDOFFS,
    INFO,
    SIGN,
    WARN,
    Found,
    by_department,
    evidence,
    finding_rule,
    line,
    name_of,
    ref_of,
    subject,
)
from orgchart.findings.similar import alike

DECIDING = {"decide", "veto", "dispatch", "assess", "guide", "inspect"}


def owner_of(row):
    return ("position", row["position"]) if row["position"] else ("department", row["department"])


def owner_row(case, owner):
    rows = case.positions if owner[0] == "position" else case.departments
    return rows.get(owner[1])


def department_of(case, owner):
    return owner[1] if owner[0] == "department" else case.positions[owner[1]]["department"]


def duties(case):
    """Return {owner: [duties]} of what is open, by their numbers."""
    found = defaultdict(list)
    for row in sorted(case.state.duties.values(), key=lambda row: row["number"]):
        if owner_row(case, owner_of(row)):
            found[owner_of(row)].append(row)
    return found


def main_owners(case):
    """Return {area: owners of a main duty in it}; a department's duty that a post inside it carries is the post's."""
    found = defaultdict(list)
    for owner, rows in duties(case).items():
        for area in dict.fromkeys(row["area"] for row in rows if row["role"] == "main" and row["area"]):
            found[area].append(owner)
    return {area: without_outer(case, owners) for area, owners in found.items()}


def without_outer(case, owners):
    """Leave out departments in which another of the owners stands."""
    outer = set()
    for owner in owners:
        place = department_of(case, owner)
        above = {("department", code) for code in (place, *case.state.above("department", place))}
        outer |= above - {owner}
    return [owner for owner in owners if owner not in outer]


def duty_line(case, duty, marked=()):
    """Return a duty as a line of evidence: whose it is, its number and its words."""
    row = owner_row(case, owner_of(duty))
    ref = duty["source_ref"] or ref_of(row)
    number = f"{ref} · {duty['number']}" if ref else str(duty["number"])
    return {
        "ref": number,
        "name": name_of(row),
        "says": "duty",
        "words": [duty["text"]],
        "marked": list(marked),
    }


@finding_rule(DUTIES, SIGN)
def main_duty_overlap(case):
    """Two posts answer for the same area (主责重叠)."""
    held = duties(case)
    for area, owners in sorted(main_owners(case).items()):
        if len(owners) < 2:
            continue
        rows = [
            duty
            for owner in owners
            for duty in held[owner]
            if duty["area"] == area and duty["role"] == "main"
        ]
        shown = [subject(owner[0], owner_row(case, owner)) for owner in owners]
        lines = [duty_line(case, duty, [case.area(area), duty["text"]]) for duty in rows]
        proof = evidence(shown, lines, rows, area=case.area(area))
        yield Found("main_duty_overlap", (area,), SIGN, proof, len(owners), 1)


@finding_rule(DUTIES, INFO)
def similar_duties(case):
    """Two posts are described in nearly the same words, though not as main in one area: perhaps the same work."""
    rows = {key: row for key, row in case.state.duties.items() if owner_row(case, owner_of(row))}
    for one, other, share in alike({key: row["text"] for key, row in rows.items()}, case.limits.similarity):
        first, second = rows[one], rows[other]
        owners = owner_of(first), owner_of(second)
        both_main = first["role"] == second["role"] == "main" and first["area"] == second["area"]
        if owners[0] == owners[1] or both_main and first["area"]:
            continue
        shown = [subject(owner[0], owner_row(case, owner)) for owner in owners]
        lines = [duty_line(case, row, shared_words(first["text"], second["text"])) for row in (first, second)]
        proof = evidence(shown, lines, (first, second))
        keys = tuple(sorted((one, other)))
        yield Found("similar_duties", keys, INFO, proof, round(share, 2), case.limits.similarity)


def shared_words(one, other):
    """Return the longest pieces of at least two characters that stand in both texts."""
    found, at = [], 0
    while at < len(one):
        end = at
        while end < len(one) and one[at : end + 1] in other:
            end += 1
        if end - at >= 2:
            found.append(one[at:end])
        at = max(end, at + 1)
    return found


@finding_rule(DUTIES, SIGN)
def all_rounder(case):
    """A post answers for so many areas that only somebody who can do everything could fill it (全能岗位)."""
    for owner, rows in sorted(duties(case).items()):
        areas = dict.fromkeys(case.area(row["area"]) for row in rows if row["area"])
        if owner[0] != "position" or len(areas) <= case.limits.areas_max:
            continue
        row = owner_row(case, owner)
        lines = [
            line(row, "areas", list(areas), list(areas)),
            line(row, "duties", [duty["text"] for duty in rows if duty["text"]]),
        ]
        proof = evidence([subject("position", row)], lines, rows)
        yield Found("all_rounder", (owner[1],), SIGN, proof, len(areas), case.limits.areas_max)


@finding_rule(DUTIES, INFO)
def empty_post(case):
    """No duty is written down for posts: nobody can say what they do. One finding for each department."""
    held = duties(case)
    empty = {
        code: row
        for code, row in case.positions.items()
        if not any(duty["text"] for duty in held.get(("position", code), ()))
    }
    for department, rows in sorted(by_department(case, empty).items()):
        shown = [subject("position", row) for row in rows.values()]
        lines = [line(row, "no_duty") for row in rows.values()]
        proof = evidence(shown, lines, rows.values())
        yield Found("empty_post", (department,), INFO, proof, len(rows), 0)


@finding_rule(DUTIES, INFO)
def lost_duties(case):
    """Numbers of duties are missing, or stand there without words: the papers lost a line."""
    held = duties(case)
    numbers = defaultdict(set)
    for owner, rows in held.items():
        numbers[department_of(case, owner)] |= {row["number"] for row in rows}
    for owner, rows in sorted(held.items()):
        row, written = owner_row(case, owner), {duty["number"] for duty in rows if duty["text"]}
        first = min(duty["number"] for duty in rows)
        last = max(duty["number"] for duty in rows)
        missing = set(range(first, last + 1)) - written
        missing |= set(range(1, first)) - numbers[department_of(case, owner)]
        if missing:
            marks = [str(number) for number in sorted(missing)]
            lines = [line(row, "numbers", marks, marks)]
            proof = evidence([subject(owner[0], row)], lines, rows)
            yield Found("lost_duties", owner, INFO, proof, len(missing), 0)


def powers(case):
    found = defaultdict(list)
    for row in case.state.authorities.values():
        if owner_row(case, owner_of(row)):
            found[owner_of(row)].append(row)
    return found


@finding_rule(DUTIES, WARN)
def power_without_duty(case):
    """Somebody may decide on an area and answers for nothing in it; duties of what stands inside a department count."""
    answered = answered_areas(case)
    for owner, rows in sorted(powers(case).items()):
        idle = [row for row in rows if row["area"] and row["area"] not in answered.get(owner, ())]
        if idle:
            row = owner_row(case, owner)
            lines = [line(row, "power", [power["text"]], [case.area(power["area"])]) for power in idle]
            proof = evidence([subject(owner[0], row)], lines, idle)
            yield Found("power_without_duty", owner, WARN, proof, len(idle), 0)


def answered_areas(case):
    """Return {owner: areas of its duties}, those of everything inside a department counted in."""
    found = defaultdict(set)
    for owner, rows in duties(case).items():
        areas = {row["area"] for row in rows if row["area"]}
        place = department_of(case, owner)
        found[owner] |= areas
        for code in (place, *case.state.above("department", place)):
            found["department", code] |= areas
    return found


@finding_rule(DUTIES, WARN)
def duty_without_power(case):
    """Somebody answers for an area without any power in it: power and duty do not match. For each department.

    Powers of the departments above count for their heads only. Where powers are written for none of the department's
    owners, it is a hint.
    """
    granted = powers(case)
    areas = {
        owner: {row["area"] for row in rows if row["kind"] in DECIDING} for owner, rows in granted.items()
    }
    bare_duties = defaultdict(list)
    for owner, rows in duties(case).items():
        place = department_of(case, owner)
        row = owner_row(case, owner)
        allowed = set(areas.get(owner, ()))
        if owner[0] == "department" or row["head"]:
            allowed |= areas.get(("department", place), set())
        for duty in rows:
            if duty["role"] == "main" and duty["area"] and duty["area"] not in allowed:
                bare_duties[place].append(duty)
    for place, rows in sorted(bare_duties.items()):
        owners = dict.fromkeys(owner_of(row) for row in rows)
        shown = [subject(owner[0], owner_row(case, owner)) for owner in owners]
        lines = [duty_line(case, duty, [case.area(duty["area"]), duty["text"]]) for duty in rows]
        severity = WARN if any(owner in granted for owner in owners) else INFO
        yield Found("duty_without_power", (place,), severity, evidence(shown, lines, rows), len(rows), 0)


@finding_rule(HANDOFFS, SIGN)
def step_without_owner(case):
    """A step of a hand-off has not exactly one who answers for it."""
    owners = main_owners(case)
    for step in case.steps:
        answering = owners.get(step["area"], []) if step["area"] else []
        if step["lost"] or len(answering) == 1:
            continue
        flow = {"name": step["flow_name"], "source_ref": f"{step['flow_name']} {step['order']}"}
        rows = [owner_row(case, owner) for owner in answering]
        names = [name_of(row) for row in rows]
        lines = [line(flow, "step", [step["text"]], [step["text"]]), line(flow, "answers", names, names)]
        shown = [{"entity": "", "key": "", "name": f"{step['flow_name']}：{step['text']}"}]
        proof = evidence(shown, lines, [step])
        yield Found("step_without_owner", (step["flow"], str(step["order"])), SIGN, proof, len(rows), 1)


@finding_rule(HANDOFFS, INFO)
def lost_step(case):
    """The papers lost a step of a hand-off, so that nobody knows what follows."""
    for step in case.steps:
        if step["lost"]:
            flow = {"name": step["flow_name"], "source_ref": f"{step['flow_name']} {step['order']}"}
            number = str(step["order"])
            proof = evidence(
                [{"entity": "", "key": "", "name": f"{step['flow_name']} {number}"}],
                [line(flow, "numbers", [number], [number])],
            )
            yield Found("lost_step", (step["flow"], number), INFO, proof, 1, 0)
