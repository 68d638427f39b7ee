"""Signs of a bad structure (组织体检): the queue, one finding, accepting it with a reason, drafting what mends it."""

from datetime import date, timedelta

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from opsadmin.core import spreadsheets
from opsadmin.core.downloads import as_workbook
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.permissions import may_view
from orgchart.changes import version_number
from orgchart.findings import RULES, words
from orgchart.findings.fixes import draft_fix, fixes_of
from orgchart.findings.queue import accept, confirm, refresh_findings, reopen
from orgchart.models import Finding, FindingCheck, FindingSeverity, FindingState, OrgModel
from orgchart.models.findings import LEAST_REASON
from orgchart.permissions import may_confirm_finding, may_edit_structure
from staffing.boards.paging import paged

MOST_ROWS = 100
# What is no problem is accepted without an end: it comes back only where it gets worse.
FOR_GOOD = date.max
PEOPLE = ("long_cover", "more_than_full_time", "store_without_person")
TABS = {
    "open": (FindingState.OPEN, FindingState.ASKED),
    "accepted": (FindingState.ACCEPTED,),
    "fixed": (FindingState.FIXED,),
}


def rules_of(group):
    """Return the rules of a group; those about people stand outside the pure ones."""
    if group == "people":
        return list(PEOPLE)
    return [rule for rule, (_function, of, _severity) in RULES.items() if of == group]


def asked_for(request):
    """Return (tab, group of rules, which organisation): unknown words mean the first of each."""
    tab, group = request.GET.get("state", ""), request.GET.get("group", "")
    of = request.GET.get("of", "")
    return (
        tab if tab in TABS else "open",
        group if group in words.GROUPS else "",
        of if of.isdecimal() and len(of) < 9 else "live",
    )


def rows_asked_for(tab, group, of):
    """Return (all findings of an organisation, those of a tab and a group of rules)."""
    every = Finding.objects.filter(org_model=None if of == "live" else int(of))
    rows = every.filter(state__in=TABS[tab])
    return every, rows.filter(rule__in=rules_of(group)) if group else rows


@screen("org/findings/", "findings")
def findings(request):
    """The queue: the gravest first, one of them open beside it."""
    tab, group, of = asked_for(request)
    every, rows = rows_asked_for(tab, group, of)
    rows, pager = paged(request, rows.select_related("accepted_by", "confirmed_by", "org_model"), MOST_ROWS)
    counts = counted(every)
    last = FindingCheck.objects.first()
    return page(
        request,
        "staffing/findings.html",
        title=_("Findings"),
        crumbs=[(_("Organisation"), reverse("admin:org_chart"))],
        query=request.GET.urlencode(),
        last=last,
        outdated=last is not None and last.version < version_number(),
        rules=len(RULES) + len(PEOPLE),
        figures=figures(counts),
        counts=counts,
        tabs=tab_words(counts),
        tab=tab,
        groups=words.GROUPS.items(),
        group=group,
        of=of,
        models=models(),
        rows=[laid(row) for row in rows],
        total=counts["tabs"][tab],
        pager=pager,
        shown=detail(request, rows[0]) if rows else None,
        may_edit=may_edit_structure(request.user),
        may_set=may_view(request.user, "orgchart.findinglimits"),
    )


def models():
    """Return the models in which something was found, with how much of it is open."""
    standing = Count("findings", filter=Q(findings__state__in=TABS["open"]))
    return OrgModel.objects.annotate(standing=standing).filter(findings__isnull=False).distinct()


def counted(every):
    """Return how many there are by state and, of the open ones, by severity; what ends soon, what was fixed lately."""
    by_state, by_severity = dict.fromkeys(FindingState.values, 0), dict.fromkeys(FindingSeverity.values, 0)
    for state, severity, number in every.order_by().values_list("state", "severity").annotate(n=Count("pk")):
        by_state[state] += number
        if state in TABS["open"]:
            by_severity[severity] += number
    today = timezone.localdate()
    times = every.order_by().aggregate(
        due=Count("pk", filter=Q(state="accepted", accepted_until__lte=today + timedelta(14))),
        fixed=Count("pk", filter=Q(state="fixed", fixed_at__gte=timezone.now() - timedelta(30))),
    )
    tabs = {name: sum(by_state[state] for state in states) for name, states in TABS.items()}
    return {"tabs": tabs, "severity": by_severity, "asked": by_state[FindingState.ASKED]} | times


def figures(counts):
    severity = counts["severity"]
    due, asked = counts["due"], counts["asked"]
    return [
        {
            "label": pgettext("finding", "Open"),
            "value": counts["tabs"]["open"],
            "unit": ngettext("%(n)s waits for a yes", "%(n)s wait for a yes", asked) % {"n": asked}
            if asked
            else "",
        },
        *(
            {"label": label, "value": severity[name], "tone": name if severity[name] else "", "unit": unit}
            for name, label, unit in (
                ("block", pgettext("severity", "Block"), _("needs a yes")),
                ("sign", pgettext("severity", "Sign-off"), ""),
                ("warn", pgettext("severity", "Warning"), ""),
                ("info", pgettext("severity", "Hint"), ""),
            )
        ),
        {
            "label": pgettext("finding", "Accepted"),
            "value": counts["tabs"]["accepted"],
            "unit": ngettext("%(n)s ends in 14 days", "%(n)s end in 14 days", due) % {"n": due}
            if due
            else "",
        },
        {
            "label": _("Fixed in 30 days"),
            "value": counts["fixed"],
            "tone": "ok" if counts["fixed"] else "",
        },
    ]


def tab_words(counts):
    names = {
        "open": pgettext("finding", "Open"),
        "accepted": pgettext("finding", "Accepted"),
        "fixed": pgettext("finding", "Fixed"),
    }
    return [(code, name, counts["tabs"][code]) for code, name in names.items()]


def laid(row):
    """Return a finding as a row of the queue."""
    return {
        "row": row,
        "name": words.name_of_rule(row.rule),
        "subjects": words.subjects(row.evidence),
        "refs": words.refs(row.evidence),
        "measure": measure(row),
        "for_good": row.accepted_until == FOR_GOOD,
        "days": ((row.fixed_at or timezone.now()) - row.first_seen).days,
    }


def measure(row):
    """Return what was measured against its limit: "11 / 8"; empty without a limit that is worth telling."""
    if row.measured is None or not row.limit:
        return ""
    return f"{words.figure(row.measured)} / {words.figure(row.limit)}"


def detail(request, row):
    """Return what the page beside the queue says about a finding."""
    user = request.user
    may_edit = may_edit_structure(user)
    waiting = row.state == FindingState.ASKED
    return laid(row) | {
        "meaning": words.meaning_of_rule(row.rule),
        "lines": words.lines(row.evidence),
        "fixes": fixes_of(row) if may_edit and row.state != FindingState.FIXED else [],
        "may_accept": may_edit and row.state in TABS["open"],
        "may_reopen": may_edit and row.state in (FindingState.ACCEPTED, FindingState.ASKED),
        "may_confirm": waiting and may_confirm_finding(user) and row.accepted_by_id != user.pk,
        "waiting": waiting,
        "blocking": row.severity == FindingSeverity.BLOCK,
        "subjects": [
            one | {"name": words.WHAT.get(one["name"], one["name"])} for one in row.evidence["subjects"]
        ],
        "least": LEAST_REASON,
        "until": timezone.localdate() + timedelta(90),
    }


@screen("org/findings/<int:pk>/", "finding")
def finding(request, pk):
    """One finding as a page, or the part of it that stands beside the queue."""
    row = finding_of(pk)
    shown = detail(request, row)
    if request.GET.get("part"):
        return render(request, "staffing/_finding.html", {"shown": shown})
    return page(
        request,
        "staffing/finding.html",
        title=words.name_of_rule(row.rule),
        crumbs=[
            (_("Organisation"), reverse("admin:org_chart")),
            (_("Findings"), reverse("admin:findings")),
        ],
        shown=shown,
    )


def finding_of(pk):
    if pk >= 2**31:
        raise Http404
    rows = Finding.objects.select_related("accepted_by", "confirmed_by", "org_model")
    return get_object_or_404(rows, pk=pk)


def queue():
    return redirect("admin:findings")


@screen("org/findings/<int:pk>/accept/", "finding_accept", methods=("POST",), may=may_edit_structure)
def finding_accept(request, pk):
    """Leave a finding as it is, with a reason: until a day, or for good where it is no problem."""
    try:
        until = date.fromisoformat(request.POST.get("until", ""))
    except ValueError:
        until = None
    no_problem = request.POST.get("no_problem") == "1"
    until = FOR_GOOD if no_problem else until
    row = accept(finding_of(pk), by=request.user, reason=request.POST.get("reason", ""), until=until)
    asked = row.state == FindingState.ASKED
    messages.success(request, said_of(asked, no_problem))
    return queue()


def said_of(asked, no_problem):
    if asked:
        return _("Sent to the general manager for a yes.")
    if no_problem:
        return _("Marked as no problem; it comes back only where it gets worse.")
    return _("Accepted; it comes back then.")


@screen("org/findings/<int:pk>/confirm/", "finding_confirm", methods=("POST",), may=may_confirm_finding)
def finding_confirm(request, pk):
    """The general manager's yes or no to leaving a blocking finding as it is."""
    agreed = request.POST.get("agreed") == "1"
    confirm(finding_of(pk), by=request.user, agreed=agreed)
    messages.success(
        request, _("Accepted; it comes back then.") if agreed else _("Refused; it is open again.")
    )
    return queue()


@screen("org/findings/<int:pk>/reopen/", "finding_reopen", methods=("POST",), may=may_edit_structure)
def finding_reopen(request, pk):
    """Take an acceptance back."""
    reopen(finding_of(pk), by=request.user)
    messages.success(request, _("It is open again."))
    return queue()


@screen("org/findings/<int:pk>/fix/", "finding_fix", methods=("POST",), may=may_edit_structure)
def finding_fix(request, pk):
    """Put what would mend a finding into a draft, and open the chart for it."""
    number = request.POST.get("fix", "")
    row = finding_of(pk)
    try:
        draft = draft_fix(row, int(number) if number.isdecimal() and len(number) < 3 else 99, by=request.user)
    except IndexError as error:
        raise Refusal(_("This finding changed meanwhile; please read it again."), code="state") from error
    messages.success(
        request, _("Added to the draft “%(title)s”; nothing live has changed.") % {"title": draft}
    )
    return redirect(reverse("admin:org_chart") + f"?set={draft.pk}")


@screen("org/findings/export/", "findings_export")
def findings_export(request):
    """The queue as it is filtered now, all of it, as a workbook with one line for each finding."""
    _every, rows = rows_asked_for(*asked_for(request))
    rows = rows.select_related("accepted_by", "confirmed_by").iterator(chunk_size=500)
    sheet = spreadsheets.SheetOut(
        _("Findings"), header(), map(cells, rows), widths=[8, 16, 40, 40, 60, 10, 12, 12, 40, 12, 12, 12]
    )
    filename = f"{_('Findings')}-{timezone.localdate():%Y%m%d}.xlsx"
    return as_workbook(filename, [sheet])


def header():
    return [
        *(_("Severity"), _("Rule"), pgettext("finding", "Subject"), _("What it means"), _("Evidence")),
        *(_("Measured / limit"), _("First seen"), _("State"), _("Reason"), _("Valid until")),
        *(_("Accepted by"), _("Confirmed by")),
    ]


def cells(row):
    """Return a finding as a line of the file."""
    until = row.accepted_until
    return [
        row.get_severity_display(),
        str(words.name_of_rule(row.rule)),
        words.subjects(row.evidence, most=40),
        str(words.meaning_of_rule(row.rule)),
        evidence_in_text(row.evidence),
        measure(row),
        timezone.localtime(row.first_seen).date(),
        row.get_state_display(),
        row.reason,
        _("no problem") if until == FOR_GOOD else until,
        str(row.accepted_by or ""),
        str(row.confirmed_by or ""),
    ]


def evidence_in_text(evidence):
    """Return the evidence as lines of text: the place in the papers, the name, what it says."""
    found = []
    for line in words.lines(evidence):
        said = "".join(text for text, _marked in line["pieces"])
        found.append(" ".join(str(part) for part in (line["ref"], line["name"], line["says"], said) if part))
    return "\n".join(found)


@screen("org/findings/check/", "findings_check", methods=("POST",))
def findings_check(request):
    """Check now."""
    if not (may_edit_structure(request.user) or may_confirm_finding(request.user)):
        raise PermissionDenied
    messages.success(request, _("Checked: %(n)s findings stand.") % {"n": refresh_findings()})
    return queue()
