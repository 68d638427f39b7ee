"""Findings in words: what each rule is called and means, and what a line of evidence says."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from orgchart.entities import ENTITIES

GROUPS = {
    "reporting": _("Reporting"),
    "duties": pgettext_lazy("finding", "Duties"),
    "plan": pgettext_lazy("finding", "Headcount"),
    "career": _("Promotion and rotation"),
    "handoffs": _("Hand-offs"),
    "copies": _("Copies of departments"),
    "people": pgettext_lazy("finding", "People"),
}
# rule: (name, what it means and why it matters)
WORDS = {
    "two_superiors": (
        _("Two superiors"),
        _("These posts are listed below more than one superior. A post has exactly one direct superior."),
    ),
    "part_of_two": (_("Part of two"), _("This department is said to be part of two others.")),
    "circle": (_("Reporting in a circle"), _("Each of these stands above itself: nobody is responsible.")),
    "reports_to_nobody": (
        _("No superior"),
        _("No line leads upwards from these posts, and no superior names them."),
    ),
    "undescribed_report": (
        _("Post not described"),
        _("These posts are named as reports, but no such post is described."),
    ),
    "not_named_back": (
        _("Not named by the superior"),
        _("These posts report to one who names other posts as reports, but not these."),
    ),
    "described_twice": (
        _("Post described twice"),
        _("One department describes the same post more than once."),
    ),
    "same_title_elsewhere": (
        _("Same title elsewhere"),
        _("The same title stands in several departments: two jobs with one name, or one job in two places."),
    ),
    "span_too_wide": (
        pgettext_lazy("finding", "Span"),
        _("The number of direct reports is outside the limits."),
    ),
    "too_many_layers": (
        _("Too many layers"),
        _("More posts stand one above the other than the limit allows."),
    ),
    "rotates_to_itself": (_("Rotates to itself"), _("These posts name themselves as posts to rotate into.")),
    "promotes_into_nothing": (
        _("No such target"),
        _("These posts are promised as promotions, but the organisation does not have them."),
    ),
    "rotates_into_nothing": (
        _("No such rotation"),
        _("These posts to rotate into do not exist under this name."),
    ),
    "dead_end": (_("Dead end"), _("No promotion leads on from these posts.")),
    "main_duty_overlap": (
        _("Shared main duty"),
        _("More than one answers for this area. An area has one main post; others assist."),
    ),
    "similar_duties": (
        _("Similar duties"),
        _("Two posts are described in nearly the same words. Perhaps it is the same work."),
    ),
    "all_rounder": (
        _("All-rounder"),
        _("Only somebody who can do everything could fill this post, and such people are hard to find."),
    ),
    "empty_post": (
        _("No duties"),
        _("No duty is written down for these posts: nobody can say what they do."),
    ),
    "lost_duties": (_("Duties missing"), _("Numbers of duties are missing: the papers lost a line.")),
    "power_without_duty": (
        _("Power without duty"),
        _("There is power in areas for which nobody here answers."),
    ),
    "duty_without_power": (
        _("Duty without power"),
        _("Who answers for these areas has no power to decide in them."),
    ),
    "step_without_owner": (
        _("Step without owner"),
        _("Not exactly one post or department answers for this step."),
    ),
    "lost_step": (_("Step missing"), _("The papers lost a step: nobody knows what follows.")),
    "unconfirmed_plan": (
        _("Unconfirmed headcount"),
        _("Tentative or guessed posts count in the plan as if they were approved."),
    ),
    "total_unlike_parts": (
        _("Total unlike its parts"),
        _("What is stated in figures is not what the parts add up to."),
    ),
    "long_cover": (
        _("Covered for too long"),
        _("A vacancy is covered by somebody beside another post for longer than the limit."),
    ),
    "copy_drifted": (
        _("Copy differs"),
        _("This department was copied from another one; since then one of the two has been changed."),
    ),
    "more_than_full_time": (
        _("More than full time"),
        _("The assignments of one person come to more than a full time on one day."),
    ),
    "store_without_person": (
        _("Store without its person"),
        _("The mall needs one person who answers for this store alone, and there is none."),
    ),
}
SAYS = {
    "leads": _("leads"),
    "names": _("names as reports"),
    "holds": _("has as a part"),
    "reports_to": _("reports to"),
    "no_superior": _("no superior"),
    "title": pgettext_lazy("job", "title"),
    "in": pgettext_lazy("finding", "in"),
    "layer": _("layer"),
    "rotates": _("rotates to"),
    "promotes": _("promotes to"),
    "no_promotion": _("no promotion named"),
    "duty": pgettext_lazy("finding", "duty"),
    "areas": _("areas of work"),
    "duties": pgettext_lazy("finding", "duties"),
    "no_duty": _("no duty written"),
    "numbers": _("missing numbers"),
    "power": pgettext_lazy("finding", "power"),
    "step": pgettext_lazy("finding", "step"),
    "answers": _("answers"),
    "plan": pgettext_lazy("finding", "plan"),
    "stated": _("stated"),
    "counted": _("counted"),
    "covers": _("covers"),
    "charge": _("in charge"),
    "copy_lacks": _("missing in the copy"),
    "copy_adds": _("only in the copy"),
    "share": pgettext_lazy("finding", "share of full time"),
    "from": pgettext_lazy("finding", "from"),
}
WHAT = {
    "total": _("headcount in all"),
    "departments": _("departments"),
    "layers": _("layers"),
    "group": _("group"),
    "post": pgettext_lazy("finding", "post"),
    "duties": pgettext_lazy("finding", "duties"),
}


def name_of_rule(rule):
    return WORDS[rule][0] if rule in WORDS else rule


def meaning_of_rule(rule):
    return WORDS[rule][1] if rule in WORDS else ""


def subjects(evidence, most=4):
    """Return the subjects in one line: the first ones, and how many there are in all."""
    names = [str(WHAT.get(one["name"], one["name"])) for one in evidence["subjects"]]
    shown = "、".join(dict.fromkeys(names[:most]))
    return shown + (f" …{len(names)}" if len(names) > most else "")


def figure(value):
    """Return a figure without needless decimals."""
    return f"{value:g}" if value is not None else ""


def refs(evidence, most=4):
    """Return the places in the papers that a finding rests on, the first ones."""
    found = list(dict.fromkeys(line["ref"] for line in evidence["lines"] if line["ref"]))
    found = [str(WHAT.get(ref, ref)) for ref in found]
    return "、".join(found[:most]) + (" …" if len(found) > most else "")


def lines(evidence, most=40):
    """Return the lines of evidence: (place, name, what it says, pieces), a piece being (text, whether marked)."""
    return [
        {
            "ref": WHAT.get(line["ref"], line["ref"]),
            "name": line["name"],
            "says": said(line),
            "pieces": pieces(line["words"], line["marked"]),
        }
        for line in evidence["lines"][:most]
    ]


def said(line):
    """Return what a line says of its post: a word of SAYS, or the name of the field that differs."""
    if "field" not in line:
        return SAYS.get(line["says"], "")
    entity, _dot, name = line["field"].partition(".")
    if name == "parent":
        return SAYS["reports_to"]
    kind = ENTITIES[entity]
    return kind.model._meta.get_field(kind.column[name].attribute).verbose_name


def pieces(words, marked):
    """Return the words as pieces, those that tell something marked: whole words, or parts of a sentence."""
    found = []
    for number, word in enumerate(words):
        if number:
            found.append(("、", False))
        found += cut(word, sorted((mark for mark in marked if mark), key=len, reverse=True))
    return found


def cut(text, marked):
    for mark in marked:
        before, middle, after = text.partition(mark)
        if middle:
            return [*cut(before, marked), (middle, True), *cut(after, marked)]
    return [(text, False)] if text else []
