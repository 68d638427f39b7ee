"""Where holders can go: paths to themselves, into nothing, and posts from which no path leads on."""

from collections import defaultdict

from orgchart.findings.found import (
    CAREER,
    INFO,
    WARN,
    Found,
    bare,
    by_department,
    evidence,
    finding_rule,
    line,
    subject,
)
from orgchart.findings.reporting import titles

SAYS = {"promotes_to": "promotes", "rotates_to": "rotates"}


def links_of(case, kind):
    return [
        link for link in case.state.links.values() if link["kind"] == kind and link["from"] in case.positions
    ]


def words_of(case, kind, code):
    """Return the words of all targets of one kind that a post names."""
    return [
        case.state.positions[link["to"]]["title"] if link["to"] in case.state.positions else link["to_label"]
        for link in links_of(case, kind)
        if link["from"] == code
    ]


@finding_rule(CAREER, WARN)
def rotates_to_itself(case):
    """A post names itself as a post to rotate into; one finding for each department."""
    found = {}
    for link in links_of(case, "rotates_to"):
        row = case.positions[link["from"]]
        if link["to"] == link["from"] or bare(link["to_label"]) == bare(row["title"]):
            found[link["from"]] = row
    for department, rows in sorted(by_department(case, found).items()):
        lines = [
            line(row, "rotates", words_of(case, "rotates_to", code), [row["title"]])
            for code, row in rows.items()
        ]
        shown = [subject("position", row) for row in rows.values()]
        proof = evidence(shown, lines, rows.values())
        yield Found("rotates_to_itself", (department,), WARN, proof, len(rows), 0)


@finding_rule(CAREER, WARN)
def promotes_into_nothing(case):
    """A post is promised that the organisation does not have; one finding for each department."""
    yield from into_nothing(case, "promotes_to", "promotes_into_nothing", WARN)


@finding_rule(CAREER, INFO)
def rotates_into_nothing(case):
    """A post to rotate into does not exist under this name; one finding for each department."""
    yield from into_nothing(case, "rotates_to", "rotates_into_nothing", INFO)


def into_nothing(case, kind, rule, severity):
    known, missing = titles(case), defaultdict(lambda: defaultdict(list))
    for link in links_of(case, kind):
        row = case.positions[link["from"]]
        gone = link["to"] and link["to"] not in case.positions
        if gone or not link["to"] and bare(link["to_label"]) not in known:
            label = link["to_label"] or case.state.positions.get(link["to"], {}).get("title", link["to"])
            missing[row["department"]][label].append(row)
    for department, labels in sorted(missing.items()):
        rows = {row["code"]: row for found in labels.values() for row in found}
        lines = [
            line(
                row,
                SAYS[kind],
                words_of(case, kind, code),
                [label for label, by in labels.items() if row in by],
            )
            for code, row in rows.items()
        ]
        shown = [{"entity": "", "key": "", "name": label} for label in labels]
        yield Found(rule, (department,), severity, evidence(shown, lines, rows.values()), len(labels), 0)


@finding_rule(CAREER, INFO)
def dead_end(case):
    """No promotion leads on from a post, in a department whose other posts name one; heads are left out."""
    leading = {link["from"] for link in links_of(case, "promotes_to")}
    for department, rows in sorted(by_department(case, case.positions).items()):
        ends = {code: row for code, row in rows.items() if code not in leading and not row["head"]}
        if ends and ends.keys() < rows.keys() and leading & rows.keys():
            shown = [subject("position", row) for row in ends.values()]
            lines = [line(row, "no_promotion") for row in ends.values()]
            yield Found("dead_end", (department,), INFO, evidence(shown, lines, ends.values()), len(ends), 0)
