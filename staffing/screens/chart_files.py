"""The chart as files: one PDF page per department, and a workbook that can be edited and read in again."""

import io
from tempfile import NamedTemporaryFile

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from opsadmin.core.files import clean_name
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.core.spreadsheets.writing import content_disposition
from orgchart.changes import preview, state_on, version_number
from orgchart.permissions import may_edit_structure
from staffing.chart.pdf import chart_pdf
from staffing.chart.reading import CHANGED, FAULT, NEW, SAME, import_workbook
from staffing.chart.workbook import write_workbook
from staffing.screens.chart import card_asked_for, chart_asked_for, day_asked_for, set_asked_for, version_on

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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
    state = preview(change_set).after if change_set else state_on(day)
    version = version_number() if day >= today else version_on(day)
    target = io.BytesIO()
    write_workbook(target, state, day, version)
    return attachment(target.getvalue(), XLSX, name_of(day, version, "xlsx"))


def name_of(day, version, ending):
    return f"{_('Organisation chart')} v{version} {day.isoformat()}.{ending}"


def attachment(content, kind, name):
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = content_disposition(name)
    return answer


@screen("org/import/", "org_chart_import", methods=("GET", "POST"), may=may_edit_structure)
def org_chart_import(request):
    """Read a workbook into a draft, with a verdict for each row; the live organisation stays as it is."""
    verdicts, change_set = [], None
    if request.method == "POST":
        change_set, verdicts = read_upload(request)
    return page(
        request,
        "staffing/chart_import.html",
        title=_("Import the organisation"),
        crumbs=[(_("Organisation chart"), reverse("admin:org_chart"))],
        change_set=change_set,
        verdicts=[verdict for verdict in verdicts if verdict.kind != SAME],
        counts=[(label, sum(one.kind == kind for one in verdicts)) for kind, label in kinds()],
        done=request.method == "POST",
    )


def kinds():
    return (
        (NEW, pgettext("change", "New")),
        (CHANGED, pgettext("change", "Changed")),
        (SAME, pgettext("import", "As it is")),
        (FAULT, _("With faults, left out")),
    )


def read_upload(request):
    uploaded = request.FILES.get("file")
    if uploaded is None:
        raise Refusal(_("Choose a file first."), code="invalid")
    with NamedTemporaryFile(suffix=".xlsx") as kept:
        for chunk in uploaded.chunks():
            kept.write(chunk)
        kept.flush()
        title = _("Import of %(file)s") % {"file": clean_name(uploaded.name)[:80]}
        return import_workbook(kept.name, uploaded.name, by=request.user, title=title)
