"""A workbook on its way into a draft: upload, progress, preview, write. GET shows, POST changes."""

from math import inf

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from approvals.admin import linelist
from approvals.admin.document import list_crumb
from approvals.admin.draft import draft_address, visible_draft
from approvals.guards.policy import limits_in_force
from approvals.kinds import PRICE_KINDS, kind_of
from approvals.models import DocumentKind, ImportMode, ImportState, LineImport, RowVerdict
from approvals.pricelists import exporting, importing, words
from approvals.pricelists.judging import vanishing_lines
from approvals.scopes import ALL, scope_label
from opsadmin.core import jobs
from opsadmin.core.models import JobState
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from stores.models import Sku
from stores.permissions import may_see_costs

FIRST_FAULTS, PAGE = 8, 50
ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
DELIMITERS = (",", "\t", ";")
OPEN_STATES = importing.OPEN_STATES
STEPS = ("file", "headers", "rows", "compare")


def visible_import(user, pk):
    """Return an upload into a draft that the account may work on; anything else does not exist for it."""
    imported = get_object_or_404(LineImport.objects.select_related("file", "job", "uploaded_by"), pk=pk)
    imported.document = visible_draft(user, imported.document_id)
    return imported


def crumbs(document):
    return [list_crumb(document), (document.number, draft_address(document))]


# ── Upload ────────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("drafts/<int:pk>/import/", "import_new", methods=("GET", "POST"))
def import_new(request, pk):
    document = visible_draft(request.user, pk)
    if not document.editable:
        return redirect("admin:document", pk)
    if request.method == "GET":
        return page(
            request,
            "approvals/import_new.html",
            title=_("Import lines"),
            crumbs=crumbs(document),
            document=document,
            kind=kind_of(document),
            columns=exporting.column_words(document, costs=may_see_costs(request.user)),
        )
    uploaded = request.FILES.get("file")
    if uploaded is None:
        raise Refusal(_("Choose a file first."))
    imported = importing.start_import(pk, by=request.user, uploaded=uploaded)
    return redirect("admin:import_preview", imported.pk)


@screen("imports/<int:pk>/again/", "import_again", methods=("POST",))
def import_again(request, pk):
    """Read the same file in another encoding, by another delimiter, or another sheet of it."""
    visible_import(request.user, pk)
    encoding, delimiter = request.POST.get("encoding"), request.POST.get("delimiter") or None
    if encoding is not None and encoding not in ENCODINGS or delimiter not in (None, *DELIMITERS):
        raise Refusal(_("This encoding is not read."))
    sheet = request.POST.get("sheet")
    importing.read_again(
        pk, by=request.user, encoding=encoding, delimiter=delimiter, sheet=sheet and sheet[:60]
    )
    return redirect("admin:import_preview", pk)


@screen("imports/<int:pk>/retry/", "import_retry", methods=("POST",))
def import_retry(request, pk):
    """Start the failed work of an upload again."""
    imported = visible_import(request.user, pk)
    if imported.job is None or imported.job.created_by_id != request.user.pk:
        importing.read_again(pk, by=request.user)
    else:
        jobs.retry(imported.job_id, by=request.user)
    return redirect("admin:import_preview", pk)


@screen("imports/<int:pk>/discard/", "import_discard", methods=("POST",))
def import_discard(request, pk):
    imported = visible_import(request.user, pk)
    importing.discard_import(pk, by=request.user)
    messages.info(request, _("The upload is set aside. The draft is as it was."))
    return HttpResponseRedirect(draft_address(imported.document))


# ── Progress ──────────────────────────────────────────────────────────────────────────────────────────────────────


def working(imported):
    """Say whether a job of this upload is still to end."""
    return imported.job is not None and imported.job.open


def failed(imported):
    return imported.job is not None and imported.job.state in {JobState.FAILED, JobState.CANCELLED}


def progress(imported):
    """Return how far the work is, for the page and for its script."""
    job, details = imported.job, imported.details
    step, _colon, faults = job.step.partition(":")
    faults = int(faults) if faults.isdecimal() else 0
    writing = job.kind == "write_lines"
    known = {"done": f"{job.done:,}", "total": f"{job.total:,}", "faults": f"{faults:,}"}
    rows = (
        _("%(done)s / %(total)s rows, %(faults)s faults so far") % known
        if step == "rows" and job.total
        else _("%(total)s rows") % known
        if step == "compare"
        else ""
    )
    percent = overall_percent(job, step, writing)
    return {
        "title": progress_title(job, writing, percent),
        "open": job.open,
        "failed": failed(imported),
        "error": job.error,
        "writing": writing,
        "step": step or "file",
        "done": job.done,
        "total": job.total,
        "percent": percent,
        "rows": rows,
        "file": file_words(imported, details),
        "headers": header_words(imported, details),
        "seconds": details.get("seconds", {}),
    }


def progress_title(job, writing, percent):
    if job.state == JobState.QUEUED:
        return _("Waiting for its turn")
    return _("Writing") if writing else _("Reading, %(n)d%% done") % {"n": percent}


def overall_percent(job, step, writing):
    """Return a whole number of percent: reading takes most of it, comparing the rest."""
    if writing:
        return 50 if job.state == JobState.RUNNING else 0
    if step == "compare":
        return 85
    return 5 + job.percent * 75 // 100 if step == "rows" else 0


def file_words(imported, details):
    size = imported.file.size
    return (
        f"{imported.file.name} · {size / 1048576:.1f} MB"
        if size >= 1048576
        else f"{imported.file.name} · {size / 1024:.0f} KB"
    )


def header_words(imported, details):
    columns = details.get("columns")
    if columns is None:
        return ""
    found = ngettext("%(n)d column known by its header", "%(n)d columns known by their headers", columns)
    return f"{words.encoding_words(imported)} · {found % {'n': columns}}"


def step_list(imported, shown):
    """Return the steps of the work: (title, note, seconds, state)."""
    titles = (
        ("file", _("Read the file"), shown["file"]),
        ("headers", _("Find encoding and headers"), shown["headers"]),
        ("rows", _("Judge row by row"), shown["rows"] if shown["step"] == "rows" else ""),
        ("compare", _("Compare with the draft"), shown["rows"] if shown["step"] == "compare" else ""),
    )
    if shown["writing"]:
        titles = (("write", _("Write the lines, run the guards"), _("All of them or none.")),)
    order = [code for code, _title, _note in titles]
    now = order.index(shown["step"]) if shown["step"] in order else 0
    return [
        {
            "code": code,
            "title": title,
            "note": note,
            "seconds": seconds_words(shown["seconds"].get(code)),
            "state": "done" if place < now else "now" if place == now else "wait",
            "n": place + 1,
        }
        for place, (code, title, note) in enumerate(titles)
    ]


def seconds_words(seconds):
    return "" if seconds is None else _("%(n)s s") % {"n": seconds}


@screen("imports/<int:pk>/state/", "import_state")
def import_state(request, pk):
    imported = visible_import(request.user, pk)
    if not working(imported):
        return JsonResponse({"open": False})
    shown = progress(imported)
    return JsonResponse({**shown, "steps": step_list(imported, shown)})


# ── Preview ───────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("imports/<int:pk>/", "import_preview")
def import_preview(request, pk):
    imported = visible_import(request.user, pk)
    document = imported.document
    if imported.state == ImportState.WRITTEN and imported.job and imported.job.kind == "write_lines":
        return written_page(request, imported)
    if working(imported) or (failed(imported) and imported.state == ImportState.READING):
        return progress_page(request, imported)
    if imported.state not in OPEN_STATES or not document.editable:
        return page(
            request,
            "approvals/import_ended.html",
            title=_("Import preview"),
            crumbs=crumbs(document),
            imported=imported,
            document=document,
            back=draft_address(document),
        )
    if imported.state == ImportState.UNREADABLE:
        return unreadable_page(request, imported)
    return preview_page(request, imported)


def written_page(request, imported):
    """Go on to the draft, once with the sentence that says what was written."""
    counts = imported.counts
    if request.GET.get("done"):
        text = _("Written: %(new)s new, %(changed)s changed.")
        messages.success(
            request, text % {"new": f"{counts.get('new', 0):,}", "changed": f"{counts.get('changed', 0):,}"}
        )
    return HttpResponseRedirect(draft_address(imported.document))


def progress_page(request, imported):
    shown = progress(imported)
    return page(
        request,
        "approvals/import_progress.html",
        title=_("Import lines"),
        crumbs=crumbs(imported.document),
        imported=imported,
        document=imported.document,
        progress=shown,
        steps=step_list(imported, shown),
    )


def unreadable_page(request, imported):
    faults = list(imported.faults.filter(note=False).order_by("row_no", "pk")[:PAGE])
    return page(
        request,
        "approvals/import_unreadable.html",
        title=_("Import preview"),
        crumbs=crumbs(imported.document),
        imported=imported,
        document=imported.document,
        kind=kind_of(imported.document),
        faults=[words.shown_fault(fault) for fault in faults],
        **file_context(imported),
    )


def preview_page(request, imported, *, refused=""):
    """Show what the file would do. The number of statements does not grow with rows or faults.

    ``refused`` says why a full replacement was not begun; what was chosen and typed is shown again.
    """
    counts = imported.counts
    faults = list(imported.faults.order_by("note", "row_no", "pk")[:FIRST_FAULTS])
    return page(
        request,
        "approvals/import_preview.html",
        title=_("Import preview"),
        crumbs=crumbs(imported.document),
        imported=imported,
        document=imported.document,
        counts=counts,
        figures=preview_figures(imported),
        writable=importing.writable_rows(imported),
        status=422 if refused else 200,
        refused=refused,
        replacing=request.POST.get("mode") == ImportMode.REPLACE,
        typed_number=request.POST.get("confirm_number", "")[:20],
        failed=imported.job.error if failed(imported) else "",
        stale=imported.details.get("because") == "stale",
        outdated=imported.base_hash != imported.document.content_hash,
        faults=[words.shown_fault(fault) for fault in faults],
        all_faults=counts["faults"] + counts["notes"],
        rows=dressed_rows(imported, sample_rows(imported), reason_limit(imported.document)),
        modes=ImportMode,
        **file_context(imported),
    )


def reason_limit(document):
    """Return the change in percent above which a line needs a reason; infinity for kinds without that guard (G08)."""
    if "G08" not in kind_of(document).guards:
        return inf
    _version, limits = limits_in_force()
    return float(limits["G08"]["warn"])


def preview_figures(imported):
    counts = imported.counts
    limited = reason_limit(imported.document) < inf
    rows = pgettext("unit", "rows")
    return [
        {
            "label": pgettext("import", "Read"),
            "value": f"{counts['read']:,}",
            "unit": rows,
            "note": words.sheet_words(imported),
        },
        {
            "label": RowVerdict.NEW.label,
            "value": f"{counts['new']:,}",
            "note": over_words(counts, "over_new") if limited else "",
        },
        {
            "label": RowVerdict.CHANGED.label,
            "value": f"{counts['changed']:,}",
            "note": over_words(counts, "over_changed") if limited else "",
        },
        {"label": RowVerdict.SAME.label, "value": f"{counts['same']:,}"},
        {
            "label": RowVerdict.FAULTY.label,
            "value": f"{counts['faulty']:,}",
            "tone": "block" if counts["faulty"] else "",
            "note": _("%(n)s faults") % {"n": f"{counts['faults']:,}"} if counts["faults"] else "",
        },
        {
            "label": _("Put right"),
            "value": f"{counts['fixed']:,}",
            "note": words.fixed_words(imported),
        },
    ]


def over_words(counts, name):
    """Return how many rows depart far from the price in force, or nothing for none."""
    if not counts.get(name):
        return ""
    return _("over %(limit)s%%: %(n)s") % {"limit": counts["limit"], "n": f"{counts[name]:,}"}


def file_context(imported):
    details = imported.details
    return {
        "is_text": details.get("text", False),
        "encodings": [(code, words.ENCODINGS[code]) for code in ENCODINGS],
        "delimiters": [(mark, words.delimiter_word(mark)) for mark in DELIMITERS],
        "other_sheets": details.get("other_sheets", []),
        "ignored": details.get("ignored", []),
        "first_rows": details.get("first_rows", []),
    }


def sample_rows(imported):
    """Return the first row of each verdict, and the first two of the changed ones."""
    wanted = []
    for verdict in RowVerdict:
        rows = imported.rows.filter(verdict=verdict).order_by("row_no")
        wanted += rows[: 2 if verdict == RowVerdict.CHANGED else 1]
    return wanted


def dressed_rows(imported, rows, limit):
    """Give rows the name of their goods, the price in the draft, and a verdict in words."""
    kind = kind_of(imported.document)
    goods = Sku.objects.in_bulk([row.sku_id for row in rows if row.sku_id])
    lines = kind.line_model.objects.in_bulk([row.line_id for row in rows if row.line_id])
    names = linelist.scope_names()
    for row in rows:
        row.scope_words = scope_label(row.scope_key, names) if row.scope_key not in {"", ALL} else ""
        row.goods = goods.get(row.sku_id)
        row.line = lines.get(row.line_id)
        base = row.base_price
        moved = abs(row.final_price - base) * 100 / base if base and row.final_price else 0
        row.over = moved > limit and row.verdict in {RowVerdict.NEW, RowVerdict.CHANGED}
        row.limit = f"{limit:g}"
    return rows


@screen("imports/<int:pk>/rows/", "import_rows")
def import_rows(request, pk):
    """All rows of one verdict, or the lines that a replacement would remove, a page at a time."""
    imported = visible_import(request.user, pk)
    show = request.GET.get("show", "changed")
    if imported.state not in {ImportState.READY, ImportState.WRITTEN} or show not in (
        *RowVerdict.values,
        "vanishing",
    ):
        raise Http404
    after = request.GET.get("after", "")
    after = int(after) if after.isdecimal() and len(after) < 10 else 0
    if show == "vanishing":
        found = list(vanishing_lines(imported).filter(row_no__gt=after).order_by("row_no", "pk")[: PAGE + 1])
    else:
        found = list(imported.rows.filter(verdict=show, row_no__gt=after).order_by("row_no")[: PAGE + 1])
    rows = found[:PAGE]
    if show != "vanishing":
        dressed_rows(imported, rows, reason_limit(imported.document))
    base = reverse("admin:import_rows", args=[pk])
    return page(
        request,
        "approvals/import_rows.html",
        title=_("Rows of the import"),
        crumbs=[
            *crumbs(imported.document),
            (_("Import preview"), reverse("admin:import_preview", args=[pk])),
        ],
        imported=imported,
        document=imported.document,
        show=show,
        tabs=[
            {
                "name": name,
                "count": imported.counts.get(code, 0),
                "url": f"{base}?show={code}",
                "current": code == show,
            }
            for code, name in [*RowVerdict.choices, ("vanishing", _("would be removed by replacing"))]
        ],
        rows=rows,
        pager={
            "first": f"{base}?show={show}" if after else None,
            "next": f"{base}?show={show}&after={rows[-1].row_no}" if len(found) > PAGE else None,
        },
    )


@screen("imports/<int:pk>/faults/", "import_faults")
def import_faults(request, pk):
    """All faults and notes, a page at a time."""
    imported = visible_import(request.user, pk)
    if imported.state not in OPEN_STATES:
        raise Http404
    row, _sign, fault = request.GET.get("after", "").partition("~")
    faults = imported.faults.order_by("row_no", "pk")
    if row.isdecimal() and fault.isdecimal() and len(row) < 10 and len(fault) < 19:
        faults = faults.filter(row_no__gte=int(row)).exclude(row_no=int(row), pk__lte=int(fault))
    found = list(faults[: PAGE + 1])
    base = reverse("admin:import_faults", args=[pk])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return page(
        request,
        "approvals/import_faults.html",
        title=_("Faults of the import"),
        crumbs=[
            *crumbs(imported.document),
            (_("Import preview"), reverse("admin:import_preview", args=[pk])),
        ],
        imported=imported,
        document=imported.document,
        faults=[words.shown_fault(fault) for fault in found[:PAGE]],
        pager={
            "first": base if row else None,
            "next": f"{base}?after={last.row_no}~{last.pk}" if last else None,
        },
    )


@screen("imports/<int:pk>/faulty/", "import_faulty")
def import_faulty(request, pk):
    """The person's own file again, with a column that names the faults of each row."""
    imported = visible_import(request.user, pk)
    if imported.state not in OPEN_STATES:
        raise Http404
    return exporting.faulty_workbook(imported)


@screen("imports/<int:pk>/write/", "import_write", methods=("POST",))
def import_write(request, pk):
    imported = visible_import(request.user, pk)
    try:
        importing.start_writing(
            pk,
            by=request.user,
            mode=request.POST.get("mode", ""),
            confirm_number=request.POST.get("confirm_number", ""),
        )
    except Refusal as refusal:
        if refusal.code == "confirm":
            return preview_page(request, imported, refused=str(refusal))
        if refusal.code != "stale":
            raise
        importing.read_again(pk, by=request.user, because="stale")
        messages.warning(request, str(refusal))
    return redirect("admin:import_preview", imported.pk)


# ── Workbooks out ─────────────────────────────────────────────────────────────────────────────────────────────────


@screen("templates/<slug:kind>/", "lines_template")
def lines_template(request, kind):
    """The empty workbook of one kind of document, with its rules."""
    from approvals import permissions

    if kind not in PRICE_KINDS or not permissions.may_draft(request.user, kind):
        raise Http404
    return exporting.template(PRICE_KINDS[DocumentKind(kind)], costs=may_see_costs(request.user))


@screen("drafts/<int:pk>/export/", "draft_export")
def draft_export(request, pk):
    """The lines of a draft as a workbook that can be changed and imported again."""
    document = visible_draft(request.user, pk)
    return exporting.draft(document, costs=may_see_costs(request.user))
