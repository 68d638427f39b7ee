"""The chart as files: one PDF page per department, and a workbook that can be edited and read in again."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsadmin.core import uploads
from opsadmin.core.downloads import as_workbook
from opsadmin.core.models import Job, JobState
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.core.spreadsheets.writing import content_disposition
from orgchart.changes import preview, state_on, version_number
from orgchart.models import ChangeSet
from orgchart.permissions import may_edit_structure
from staffing.chart.pdf import chart_pdf
from staffing.chart.reading import CHANGED, FAULT, JOB, NEW, SAME
from staffing.chart.workbook import sheets_of
from staffing.screens.chart import card_asked_for, chart_asked_for, day_asked_for, set_asked_for, version_on


@screen("org/pdf/", "org_chart_pdf")
def org_chart_pdf(request):
    """One page per department of the view, with links between them."""
    chart, version = chart_asked_for(request)
    root = card_asked_for(chart, request.GET.get("root"))
    try:
        content = chart_pdf(chart, root, version)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect(f"{reverse('admin:org_chart')}?{request.GET.urlencode()}")
    return attachment(content, "application/pdf", name_of(chart.source.on, version, "pdf"))


@screen("org/xlsx/", "org_chart_xlsx")
def org_chart_xlsx(request):
    """Departments, positions and assignments of the whole company as a workbook."""
    today = timezone.localdate()
    change_set = set_asked_for(request)
    day = max(change_set.effective_on or today, today) if change_set else day_asked_for(request) or today
    version = version_number() if day >= today else version_on(day)

    def state():
        return preview(change_set).after if change_set else state_on(day)

    return as_workbook(name_of(day, version, "xlsx"), sheets_of(state, day, version))


def name_of(day, version, ending):
    return f"{_('Organisation chart')} v{version} {day.isoformat()}.{ending}"


def attachment(content, kind, name):
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = content_disposition(name)
    return answer


@screen("org/import/", "org_chart_import", methods=("GET", "POST"), may=may_edit_structure)
def org_chart_import(request):
    """Have a workbook read into a draft, and show the verdicts; the live organisation stays as it is."""
    if request.method == "POST":
        uploaded = request.FILES.get("file")
        if uploaded is None:
            raise Refusal(_("Choose a file first."), code="invalid")
        return redirect("admin:job", uploads.order(JOB, uploaded, {}, by=request.user).pk)
    job = asked_job(request)
    if job and job.state != JobState.DONE:
        return redirect("admin:job", job.pk)
    result = job.result if job else {}
    counts = result.get("counts", {})
    return page(
        request,
        "staffing/chart_import.html",
        title=_("Import the organisation"),
        crumbs=[(_("Organisation chart"), reverse("admin:org_chart"))],
        name=job and job.payload["name"],
        refused=result.get("refused", ""),
        change_set=ChangeSet.objects.filter(pk=result.get("set")).first(),
        verdicts=result.get("verdicts", ()),
        more=result.get("of", 0) - len(result.get("verdicts", ())),
        counts=[(label, counts.get(kind, 0)) for kind, label in kinds()],
        done="counts" in result,
    )


def asked_job(request):
    """Return the account's own job that the address names, None where it names none."""
    pk = request.GET.get("job", "")
    if not pk:
        return None
    own = Job.objects.filter(kind=JOB, created_by=request.user)
    return get_object_or_404(own, pk=int(pk) if pk.isdecimal() and len(pk) < 19 else 0)


def kinds():
    return (
        (NEW, pgettext("change", "New")),
        (CHANGED, pgettext("change", "Changed")),
        (SAME, pgettext("import", "As it is")),
        (FAULT, _("With faults, left out")),
    )
