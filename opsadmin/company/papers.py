"""Reading the notations of the fixtures: titles that name positions, duties with their area, parts of a tree."""

from collections import defaultdict

POSITION_FIELDS = (
    *("code", "department", "parent", "title", "head", "order", "plan_min", "plan_max", "plan_note"),
    *("tentative", "source_ref", "guessed"),
)
NAMED = {"reports": "reports_named", "promotes_to": "promotes_to", "rotates_to": "rotates_to"}


def position_row(row):
    """Return a position of the fixtures with the titles that it names, without notes."""
    return {name: row[name] for name in (*POSITION_FIELDS, *NAMED) if row.get(name) is not None}


def below(root, rows):
    """Return the rows of a tree from one code downwards; parents stand before their children."""
    found = {root}
    for row in rows:
        if row.get("parent") in found:
            found.add(row["code"])
    return [row for row in rows if row["code"] in found]


def bare(title):
    """Return a title without its brackets: the papers write 销售(各组)主管 and 销售各组主管."""
    return title.replace("(", "").replace(")", "")


def link_rows(positions):
    """Return the links that positions name by title: to the one position meant, else by the papers' word.

    A title means a position of the same department before one of another; where it means several, or the position
    itself, only the word is kept.
    """
    by_title = defaultdict(list)
    for row in positions:
        by_title[bare(row["title"])].append(row)
    found = []
    for row in positions:
        for field, kind in NAMED.items():
            for title in dict.fromkeys(row.get(field) or ()):
                target = meant(row, by_title[bare(title)])
                found.append(link_row(row, kind, title, target))
    return found


def meant(row, candidates):
    """Return the code of the one candidate that a position means, or None."""
    near = [other for other in candidates if other["department"] == row["department"]]
    chosen = near or candidates
    return chosen[0]["code"] if len(chosen) == 1 and chosen[0]["code"] != row["code"] else None


def link_row(row, kind, title, target):
    return {
        "from": row["code"],
        "kind": kind,
        "to": target,
        "to_label": "" if target else title,
        "source_ref": row.get("source_ref", ""),
        "guessed": row.get("guessed", False),
    }


def duty_rows(owner, lines, first=1, guessed=False, source_ref=""):
    """Return duties of one owner from lines ``area|text``, ``text``, or None for one that was lost."""
    for number, line in enumerate(lines, first):
        area, _bar, text = (line or "").rpartition("|")
        yield {
            **owner,
            "number": number,
            "area": area or None,
            "text": text,
            "guessed": guessed,
            "source_ref": source_ref,
        }
