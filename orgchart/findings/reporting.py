"""Who reports to whom: one superior each, no circle, nobody left alone, spans and layers that can be managed."""

from collections import defaultdict

from orgchart.changes.metrics import layers_of
from orgchart.findings.found import (
    BLOCK,
    REPORTING,
    SIGN,
    WARN,
    Found,
    bare,
    by_department,
    evidence,
    finding_rule,
    line,
    name_of,
    subject,
)


def named_reports(case):
    """Return {superior: [links]}: the posts that a post is said to lead."""
    found = defaultdict(list)
    for link in case.state.links.values():
        if link["kind"] == "reports_named" and link["from"] in case.positions:
            found[link["from"]].append(link)
    return found


def titles(case):
    """Return {bare title: [codes]} of the open positions."""
    found = defaultdict(list)
    for code, row in case.positions.items():
        found[bare(row["title"])].append(code)
    return found


def superiors(case):
    """Return {report: set of superiors} of what is named as a report.

    A report that is no post stands by the word that names it. All others have the one superior of their row, or none.
    """
    named = named_reports(case)
    found, known = defaultdict(set), titles(case) if named else {}
    for code, links in named.items():
        for link in links:
            report = link["to"] or (None if bare(link["to_label"]) in known else f"?{link['to_label']}")
            if report and report != code:
                found[report].add(code)
    for report, above in found.items():
        parent = case.positions.get(report, {}).get("parent")
        if parent in case.positions:
            above.add(parent)
    return found


def report_name(case, report):
    return report[1:] if report.startswith("?") else name_of(case.state.positions[report])


def led_by(case, superior):
    """Return the names of all posts that a post is said to lead, in the papers' order, then by the tree."""
    named = [
        name_of(case.state.positions[link["to"]]) if link["to"] in case.state.positions else link["to_label"]
        for link in named_reports(case).get(superior, ())
    ]
    children = case.state.where("position", "parent").get(superior, ())
    return list(dict.fromkeys([*named, *(name_of(row) for row in map(case.positions.get, children) if row)]))


@finding_rule(REPORTING, BLOCK)
def two_superiors(case):
    """A post stands below two others; posts with the same superiors are one finding."""
    groups = defaultdict(list)
    for report, above in superiors(case).items():
        if len(above) > 1:
            groups[tuple(sorted(above))].append(report)
    for above, reports in sorted(groups.items()):
        names = [report_name(case, report) for report in reports]
        rows = [case.positions[code] for code in above]
        posts = [case.positions[report] for report in reports if report in case.positions]
        lines = [line(row, "leads", led_by(case, row["code"]), names) for row in rows]
        labels = [
            {"entity": "", "key": "", "name": report[1:]} for report in reports if report.startswith("?")
        ]
        shown = [subject("position", row) for row in posts] + labels
        proof = evidence(shown, lines, rows, reports=reports, superiors=list(above))
        yield Found("two_superiors", above, BLOCK, proof, len(reports))


@finding_rule(REPORTING, BLOCK)
def part_of_two(case):
    """A department is said to be part of two others."""
    for code, other in sorted(case.also_in.items()):
        row, above = case.departments.get(code), case.departments.get(other)
        parent = row and case.departments.get(row["parent"])
        if above and parent and parent is not above:
            lines = [line(parent, "holds", [row["name"]], [row["name"]])]
            lines.append(line(above, "holds", [row["name"]], [row["name"]]))
            yield Found("part_of_two", (code,), BLOCK, evidence([subject("department", row)], lines, [row]))


@finding_rule(REPORTING, BLOCK)
def circle(case):
    """Posts or departments stand above themselves."""
    for entity, rows in (("position", case.positions), ("department", case.departments)):
        seen = set()
        for start in rows:
            path = {}
            key = start
            while key in rows and key not in seen and key not in path:
                path[key] = len(path)
                key = rows[key]["parent"]
            if key in path:
                ring = list(path)[path[key] :]
                lines = [
                    line(
                        rows[k],
                        "reports_to",
                        [name_of(rows[rows[k]["parent"]])],
                        [name_of(rows[rows[k]["parent"]])],
                    )
                    for k in ring
                ]
                shown = [subject(entity, rows[k]) for k in ring]
                yield Found("circle", (entity, *sorted(ring)), BLOCK, evidence(shown, lines), len(ring))
            seen.update(path)


def heads(case):
    """Return {department: code of its head}."""
    return {row["department"]: code for code, row in case.positions.items() if row["head"]}


def superior_by_department(case, code, head_of):
    """Return the head of the position's department or of the next one above, other than itself; None at the top."""
    department = case.positions[code]["department"]
    for place in (department, *case.state.above("department", department)):
        if head_of.get(place, code) != code:
            return head_of[place]
    return None


@finding_rule(REPORTING, WARN)
def reports_to_nobody(case):
    """No line of the chart leads from a post upwards, and no superior names it; heads follow their departments."""
    known, head_of = superiors(case), heads(case)
    alone = {
        code: row for code, row in case.positions.items() if not known.get(code) and row["parent"] is None
    }
    posts = {code: row for code, row in alone.items() if not row["head"]}
    for department, rows in sorted(by_department(case, posts).items()):
        if len(case.positions) == len(rows) == 1:
            continue
        yield from alone_in(case, department, rows)
    tops = {
        code: row
        for code, row in alone.items()
        if row["head"] and superior_by_department(case, code, head_of) is None
    }
    if len(tops) > 1:
        shown = [subject("position", row) for row in tops.values()]
        lines = [line(row, "no_superior") for row in tops.values()]
        proof = evidence(shown, lines, tops.values())
        yield Found("reports_to_nobody", ("",), WARN, proof, len(tops), 1)


def alone_in(case, department, rows):
    lines = [line(row, "no_superior") for row in rows.values()]
    shown = [subject("position", row) for row in rows.values()]
    yield Found("reports_to_nobody", (department,), WARN, evidence(shown, lines, rows.values()), len(rows), 0)


@finding_rule(REPORTING, SIGN)
def undescribed_report(case):
    """A post is named as somebody's report, but no such post is described; one finding for each department."""
    known, missing = titles(case), defaultdict(lambda: defaultdict(list))
    for superior, links in named_reports(case).items():
        row = case.positions[superior]
        for link in links:
            if not link["to"] and bare(link["to_label"]) not in known:
                missing[row["department"]][link["to_label"]].append(row)
    for department, labels in sorted(missing.items()):
        rows = {row["code"]: row for found in labels.values() for row in found}
        lines = [
            line(row, "leads", led_by(case, code), [label for label, by in labels.items() if row in by])
            for code, row in rows.items()
        ]
        proof = evidence([{"entity": "", "key": "", "name": label} for label in labels], lines, rows.values())
        yield Found("undescribed_report", (department,), SIGN, proof, len(labels), 0)


@finding_rule(REPORTING, WARN)
def not_named_back(case):
    """A post reports to one who names other posts as reports, but not this one."""
    named = named_reports(case)
    missing = defaultdict(list)
    for code, row in case.positions.items():
        links = named.get(row["parent"])
        if not links:
            continue
        words = {bare(link["to_label"]) for link in links} | {link["to"] for link in links}
        if not {code, bare(row["title"])} & words:
            missing[row["parent"]].append(row)
    for parent, rows in sorted(missing.items()):
        above = case.positions[parent]
        told = [line(above, "names", [name_of(row) for row in rows_named(case, named[parent])])]
        lines = told + [line(row, "reports_to", [name_of(above)], [name_of(above)]) for row in rows]
        shown = [subject("position", row) for row in rows]
        yield Found("not_named_back", (parent,), WARN, evidence(shown, lines, rows), len(rows), 0)


def rows_named(case, links):
    return [case.state.positions.get(link["to"]) or {"title": link["to_label"]} for link in links]


@finding_rule(REPORTING, BLOCK)
def described_twice(case):
    """One department describes the same post more than once."""
    groups = defaultdict(list)
    for code, row in case.positions.items():
        groups[row["department"], bare(row["title"])].append(code)
    named = defaultdict(list)
    for superior, links in named_reports(case).items():
        for link in links:
            named[bare(link["to_label"])].append(superior)
    double = {group: codes for group, codes in groups.items() if len(codes) > 1}
    for (department, title), codes in sorted(double.items()):
        rows = [case.positions[code] for code in codes]
        lines = [line(row, "title", [row["title"]], [row["title"]]) for row in rows]
        lines += [
            line(case.positions[code], "leads", led_by(case, code), [rows[0]["title"]])
            for code in dict.fromkeys(named[title])
        ]
        shown = [subject("position", row) for row in rows]
        proof = evidence(shown, lines, rows)
        yield Found("described_twice", (department, title), BLOCK, proof, len(codes), 1)


@finding_rule(REPORTING, WARN)
def same_title_elsewhere(case):
    """The same title stands in two departments: two jobs under one name, or one job in two places."""
    for title, codes in sorted(titles(case).items()):
        rows = [case.positions[code] for code in codes]
        places = {row["department"] for row in rows}
        if len(places) > 1:
            lines = [
                line(row, "in", [name_of(case.state.departments.get(row["department"], {}))]) for row in rows
            ]
            shown = [subject("position", row) for row in rows]
            yield Found("same_title_elsewhere", (title,), WARN, evidence(shown, lines, rows), len(places), 1)


@finding_rule(REPORTING, SIGN)
def span_too_wide(case):
    """More posts report to one post than a person can lead, or fewer than make a superior worth having."""
    children = defaultdict(list)
    for row in case.positions.values():
        if row["parent"] in case.positions:
            children[row["parent"]].append(row)
    for code, rows in sorted(children.items()):
        wide = len(rows) > case.limits.span_max
        if wide or len(rows) < case.limits.span_min:
            above = case.positions[code]
            lines = [line(above, "leads", [name_of(row) for row in rows])]
            limit = case.limits.span_max if wide else case.limits.span_min
            proof = evidence([subject("position", above)], lines, [above])
            yield Found("span_too_wide", (code,), SIGN if wide else WARN, proof, len(rows), limit)


@finding_rule(REPORTING, SIGN)
def too_many_layers(case):
    """More posts stand one above the other than the limit allows; the deepest line is shown."""
    layers = layers_of(case.positions)
    deepest = max(layers, key=lambda code: (layers[code], code), default=None)
    if deepest is None or layers[deepest] <= case.limits.layers_max:
        return
    path = [deepest, *(code for code in case.state.above("position", deepest) if code in case.positions)][
        ::-1
    ]
    rows = [case.positions[code] for code in path]
    lines = [line(row, "layer", [str(number)]) for number, row in enumerate(rows, 1)]
    proof = evidence([subject("position", rows[-1])], lines)
    yield Found("too_many_layers", ("",), SIGN, proof, layers[deepest], case.limits.layers_max)
