"""The weeks of a plan as a drawing: sizes are attributes, colours come from the stylesheet."""

from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from staffing.plans.progress import is_late, phases, weeks_late

WEEK, ROW, HEAD, EDGE = 72, 32, 58, 8
BAR = 240


def bar(standing):
    """Return the widths of an objective's bar: what is done, and where it should be today."""
    return {"width": BAR, "done": round(BAR * standing.share), "due": round(BAR * standing.due_share)}


def place(plan, day):
    """Return where a day begins, from the left edge."""
    return EDGE + round((day - plan.start).days * WEEK / 7)


def weeks_of(plan, today):
    """Return what the drawing of a plan needs: its size, phases, weeks, rows and the line of today."""
    milestones = list(plan.milestones.select_related("owner"))
    height = HEAD + ROW * len(milestones) + 30
    right = EDGE * 2 + WEEK * plan.weeks + 96
    return {
        "width": right,
        "height": height,
        "head": HEAD,
        "bottom": height - 28,
        "phases": [
            {"word": word, "x": EDGE + WEEK * (first - 1), "width": WEEK * (last - first + 1), "odd": n % 2}
            for n, (word, first, last) in enumerate(phases(plan.weeks))
        ],
        "weeks": [week_of(plan, number, today) for number in range(1, plan.weeks + 1)],
        "rows": [row_of(plan, milestone, number, today) for number, milestone in enumerate(milestones)],
        "today": place(plan, today) + WEEK // 7 if plan.start <= today < plan.end else None,
        "today_word": _("today %(day)s") % {"day": today.strftime("%m-%d")},
    }


def week_of(plan, number, today):
    first = plan.start + timedelta(weeks=number - 1)
    return {
        "x": EDGE + WEEK * (number - 1),
        "number": _("Week %(n)d") % {"n": number},
        "day": first.strftime("%m-%d"),
        "now": plan.week_of(today) == number,
    }


def row_of(plan, milestone, number, today):
    """Return the bar of a milestone from its first week to its day, and the hatched strip since it is late."""
    y = HEAD + ROW * number
    left = EDGE + WEEK * (milestone.first_week - 1) + 3
    due = place(plan, milestone.due) + WEEK // 7
    late = is_late(milestone, today)
    until = min(place(plan, today) + WEEK // 7, EDGE + WEEK * plan.weeks) if late else due
    started = plan.week_of(today) >= milestone.first_week
    kind = "done" if milestone.done_on else "late" if late else "now" if started else "later"
    return {
        "milestone": milestone,
        "kind": kind,
        "y": y,
        "middle": y + ROW // 2,
        "bar": {"x": left, "y": y + 10, "width": max(due - left - 6, 4)},
        "diamond": f"{due - 7},{y + 16} {due},{y + 9} {due + 7},{y + 16} {due},{y + 23}",
        "strip": {"x": due + 9, "y": y + 11, "width": max(until - due - 12, 0)} if late else None,
        "text_x": (until if late else due) + 12,
        "word": word_of(milestone, today, late),
    }


def word_of(milestone, today, late):
    weeks = weeks_late(milestone, today)
    if milestone.done_on:
        if weeks:
            return ngettext("done %(n)d week late", "done %(n)d weeks late", weeks) % {"n": weeks}
        return _("done in time")
    if late:
        return ngettext("%(n)d week late", "%(n)d weeks late", weeks) % {"n": weeks}
    return _("due today") if milestone.due == today else milestone.due.strftime("%m-%d")
