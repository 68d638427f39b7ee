"""The texts that the drawing puts on cards and around them; the scripts get them translated."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def words():
    """Return {name: text} in the reader's language; ``%(name)s`` stays for the scripts to fill in."""
    return marks() | figures() | sentences() | editing()


def marks():
    return {
        "plan": pgettext("headcount", "Plan"),
        "filled": pgettext("headcount", "Filled"),
        "short": pgettext("headcount", "Short %(n)s"),
        "open": pgettext("headcount", "Open %(n)s"),
        "unplanned": _("No plan"),
        "unplanned_short": pgettext("headcount", "no plan"),
        "mark_concurrent": pgettext("mark", "C"),
        "mark_seconded": pgettext("mark", "S"),
        "mark_acting": pgettext("mark", "A"),
        "concurrent": _("Concurrent"),
        "seconded": _("Seconded"),
        "acting": pgettext("assignment", "Acting"),
        "tentative": _("Tentative"),
        "planned": pgettext("chart", "Planned"),
        "guessed": _("To be confirmed"),
        "two_superiors": _("Two superiors"),
        "direct": _("Direct reports %(n)s"),
        "no_head": _("No head position"),
        "no_posts": _("No positions"),
        "posts": _("%(n)s positions"),
        "cloneable": _("Can be multiplied"),
        "supporting": pgettext("department", "Support"),
        "business": pgettext("department", "Business"),
        "vacant": _("Vacant"),
        "vacant_days": _("Vacant for %(n)s days"),
        "nobody": _("Nobody assigned"),
        "circle": pgettext("chart", "Circle"),
        "mark_new": pgettext("change", "New"),
        "mark_moved": pgettext("change", "Moved"),
        "mark_changed": pgettext("change", "Changed"),
    }


def figures():
    return {
        "f_plan": pgettext("headcount", "Plan"),
        "f_filled": pgettext("headcount", "Filled"),
        "f_short": pgettext("headcount", "Short"),
        "f_open": pgettext("headcount", "Open"),
        "f_unplanned": _("Without plan"),
        "f_unplanned_filled": _("Filled without plan"),
        "f_concurrent": _("Concurrent"),
        "f_seconded": _("Seconded"),
        "f_layers": pgettext("chart", "Layers"),
        "f_span": _("Largest span"),
        "f_span_words": _("%(n)s (advised ≤ %(m)s)"),
        "f_departments": _("Departments"),
        "f_groups": _("Groups"),
        "f_supporting": _("Support departments"),
        "f_cloneable": _("Can be multiplied"),
    }


def sentences():
    return {
        "superior": _("Superior %(title)s"),
        "outside": _("%(n)s positions outside this view"),
        "more": _("%(n)s more"),
        "chart_of": _("%(title)s: chart with %(n)s cards"),
        "hit": _("Hit %(i)s of %(n)s"),
        "no_hit": _("Nothing found for “%(q)s”"),
        "hits_outside": _("%(n)s more outside this view"),
        "lowered": _("Too many cards for all of them: shown down to depth %(n)s."),
        "fitted": _("Depth %(n)s fits this window."),
        "broken": _("%(n)s cards stand in a circle of superiors; they are shown at the top."),
        "loading": _("Loading v%(v)s"),
        "f_failed": pgettext("chart", "Fault"),
        "as_list": _("Show as a list"),
        "again": pgettext("chart", "Try again"),
        "empty": _("No positions yet"),
        "empty_how": _("Import a workbook, or make the first department."),
        "clear": pgettext("search", "Clear"),
        "back_today": _("Back to today"),
        "file": _("Organisation chart"),
        "strip": _("Day that is shown"),
        "failed": _("The chart could not be drawn; the data is safe"),
        "other_day": _("You see the organisation of %(date)s: read only."),
        "png_too_large": _("%(n)s cards make a picture that is too large for a browser. Take SVG or PDF."),
        "png_smaller": _("The picture was made at %(n)s percent so that a browser can hold it."),
        "footer": _("v%(version)s · %(date)s · %(n)s cards"),
        "hidden": _("%(n)s cards further"),
        "scheduled": _("Waiting: %(title)s %(date)s"),
        "today": _("Today %(date)s"),
        "people_below": _("%(n)s positions below"),
    }


def editing():
    return {
        "draft": pgettext("change set", "draft"),
        "compare": _("Compare"),
        "move_to": _("Move to…"),
        "new_post": _("New position"),
        "yes": _("Yes"),
        "no": _("No"),
        "can_drop": _("Can be dropped"),
        "cannot_drop": _("Not possible"),
        "no_circle": _("would form a circle"),
        "no_self": _("is where it stands already"),
        "no_kind": _("only a department can be put there"),
        "superior_label": _("Direct superior"),
        "new_superior": _("New superior for"),
        "span": pgettext("chart", "Span"),
        "layers": pgettext("chart", "Layers"),
        "note": pgettext("change", "Note"),
        "people": _("%(n)s people: %(names)s"),
        "nobody_moves": _("nobody"),
        "superior_vacant": _("The new superior is vacant: name an acting one"),
        "place_before": _("Put before %(title)s"),
        "place_behind": _("Put behind %(title)s"),
        "release": _("Release to add · Esc to give up · live chart unchanged"),
        "submit": _("Submit for approval (%(n)s)"),
        "behind": _("Live chart changed %(n)s times since v%(v)s"),
        "conflicts": _("%(n)s conflicts"),
        "op_create": pgettext("change", "New"),
        "op_move": pgettext("change", "Move"),
        "op_rename": pgettext("change", "Rename"),
        "op_plan": pgettext("change", "Plan"),
        "op_close": pgettext("change", "Close"),
        "op_assign": pgettext("change", "Assign"),
        "op_set": pgettext("change", "Change"),
        "op_delete": pgettext("change", "Remove"),
        "undo_item": _("Take this change back"),
        "nothing_yet": _("Nothing has been changed yet. Drag a card, or press M."),
        "dependents": _("Take all of them back?"),
        "refused": _("The card is back where it was."),
        "people_affected": _("People with a new superior"),
        "effective": _("Takes effect %(date)s"),
        "no_day": _("No day yet"),
        "based_on": _("drafted on v%(v)s"),
    }
