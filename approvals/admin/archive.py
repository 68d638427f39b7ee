"""The archive's screens: search, one record with its proof, packages, and the check of everything."""

import shutil
import tempfile
import zipfile
from contextlib import ExitStack
from datetime import date, datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from approvals import permissions
from approvals.admin.documentlists import clean_text
from approvals.archive import checking, packaging, reading, search
from approvals.archive.package import attachment_name
from approvals.archive.verify import Report, verify_records
from approvals.flow import filing
from approvals.models import ArchiveKind, ArchiveRecord, Document, DocumentKind
from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState
from opsadmin.core.moments import when
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.core.spreadsheets import content_disposition
from stores.models import Store

PAGE_SIZE = 50
NEIGHBOUR = ("sequence", "number", "hash", "kind", "document")


def archive_crumb():
    return _("Archive search"), reverse("admin:archive")


# ── Search ────────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("archive/", "archive", may=permissions.may_search_archive)
def archive(request):
    wanted, faults = wanted_of(request)
    found = search.find(request.user, wanted)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(sequence__lt=int(before))
    records = list(found[: PAGE_SIZE + 1])
    following = records[PAGE_SIZE - 1].sequence if len(records) > PAGE_SIZE else None
    records = records[:PAGE_SIZE]
    report = checking.last_report()
    dress(records, report)
    return page(
        request,
        "approvals/archive.html",
        title=_("Archive search"),
        records=records,
        wanted=request.GET,
        narrowed=bool(wanted),
        faults=faults,
        stores=Store.objects.visible_to(request.user),
        kinds=DocumentKind.choices,
        years=search.years(request.user),
        report=report,
        fresh=is_of_today(report),
        may_verify=permissions.may_verify_archive(request.user),
        may_download=permissions.may_download_archive(request.user),
        pager={
            "first": address(request) if before else None,
            "next": address(request, before=following) if following else None,
        },
    )


def address(request, **changes):
    """Return the address of the list with the same filters."""
    known = {name: value for name, value in request.GET.items() if value and name != "before"}
    return "?" + urlencode(known | changes)


def wanted_of(request):
    """Return what is looked for, and a sentence for each field that cannot be read."""
    faults, days = [], {}
    for name in ("first", "last"):
        text = request.GET.get(name, "").strip()
        try:
            days[name] = date.fromisoformat(text.replace("/", "-")) if text else None
        except ValueError:
            days[name] = None
            faults.append(_("“%(text)s” is no date; write it as 2026-11-24.") % {"text": text[:20]})
    if days["first"] and days["last"] and days["first"] > days["last"]:
        faults.append(_("The first day lies after the last; nothing can be found."))
    store, kind = request.GET.get("store", ""), request.GET.get("kind", "")
    wanted = search.Wanted(
        text=clean_text(request.GET.get("q", "")),
        sku=clean_text(request.GET.get("sku", ""), 40),
        signer=clean_text(request.GET.get("signer", "")),
        store=int(store) if store.isdecimal() and len(store) < 10 else None,
        kind=kind if kind in DocumentKind.values else "",
        **days,
    )
    return wanted, faults


def is_of_today(report):
    return report is not None and timezone.localdate(report.began) == timezone.localdate()


def dress(records, report):
    """Give the records of a page what the list shows beside their columns; three statements for all of them."""
    counts, sizes = search.later_counts(records), search.package_sizes(records)
    for record in records:
        record.later = later_words(counts.get(record.document_id, {}))
        record.about_size = sizes[record.pk]
        record.verdict = verdict_on(record, report)
        record.kept_years = kept_years(record)


def later_words(counts):
    """Return what was recorded later in a few words, in the order of the work."""
    words = []
    if counts.get(ArchiveKind.CAMPAIGN):
        words.append(_("campaign details"))
    if counts.get(ArchiveKind.RECEIPT):
        words.append(_("receipts %(n)d") % {"n": counts[ArchiveKind.RECEIPT]})
    if counts.get(ArchiveKind.CLOSING):
        words.append(pgettext("archive", "closed"))
    return " · ".join(words)


def verdict_on(record, report):
    """Return how the last check found a record: ok, block (differs) or info (not checked yet)."""
    if report is None or record.sequence > report.head:
        return {"tone": "info", "icon": "clock", "text": _("not checked yet")}
    if report.differs_at(record.number) or report.differs_at(record.document_number):
        return {"tone": "block", "icon": "block", "text": _("differs")}
    return {"tone": "ok", "icon": "ok", "text": _("agrees")}


def kept_years(record):
    """Return for how many years a record is kept, counted from the year after its filing; None for ever."""
    return record.retained_until and record.retained_until.year - timezone.localtime(record.at).year


# ── One record ────────────────────────────────────────────────────────────────────────────────────────────────────


def visible_filing(user, number):
    """Return the filing if the account may find it; otherwise it does not exist."""
    return get_object_or_404(search.visible_filings(user), number=number)


@screen("archive/records/<str:number>/", "archive_record", may=permissions.may_search_archive)
def archive_record(request, number):
    record = visible_filing(request.user, number)
    rows, readable = reading.sealed_rows(record.sequence)
    report = checking.last_report()
    members, size = packaging.kept_members(record)
    around = neighbours(record)
    names = dict(Store.objects.values_list("code", "name"))
    return page(
        request,
        "approvals/archive_record.html",
        title=record.title,
        crumb=record.number,
        crumbs=[archive_crumb()],
        record=record,
        readable=readable,
        stores=[row["name"] for row in rows["store"]],
        kept_years=kept_years(record),
        kept_from=timezone.localtime(record.at).year + 1,
        chain=signature_chain(rows),
        members=member_rows(record, rows, members),
        size=size,
        needs_job=packaging.needs_job(record),
        verdict=verdict_on(record, report),
        differences=[]
        if report is None
        else [one for one in report.differences if one.number == record.number],
        report=report,
        confirmed=report is not None and report.checkpoint_sequence >= record.sequence,
        previous=around.get(record.sequence - 1),
        following=around.get(record.sequence + 1),
        later=[later_entry(one, names) for one in reading.later_records(record)],
        may_download=permissions.may_download_archive(request.user),
    )


def neighbours(record):
    """Return {sequence: record} of the records before and after, each with the number of its filing."""
    places = [record.sequence - 1, record.sequence + 1]
    around = {one.sequence: one for one in ArchiveRecord.objects.filter(sequence__in=places).only(*NEIGHBOUR)}
    for one in around.values():
        one.filing_number = one.number.partition("/")[0]
    return around


def signature_chain(rows):
    """Return submissions and decisions in the order of time, as they were sealed."""
    entries = [
        {
            "step": pgettext("step", "Submission"),
            "name": row["by"].get("name", ""),
            "post": post_words(row["by"]),
            "acting_for": None,
            "at": moment(row["at"]),
            "tone": "ok",
            "icon": "check",
            "verdict": _("submitted, round %(n)d") % {"n": row["round"]},
            "comment": "",
            "content_hash": row["content_hash"],
        }
        for row in rows["submission"]
    ]
    entries += [
        {
            "step": row["step"],
            "name": row["actor"]["name"],
            "post": post_words(row["actor"]),
            "acting_for": row["acting_for"],
            "at": moment(row["at"]),
            "tone": "sign" if row["verdict"] == "send_back" else "ok",
            "icon": "back" if row["verdict"] == "send_back" else "check",
            "verdict": row["verdict_label"],
            "comment": row["comment"],
            "content_hash": row["content_hash"],
        }
        for row in rows["decision"]
    ]
    return sorted(entries, key=lambda entry: entry["at"])


def post_words(person):
    return " · ".join(word for word in (person.get("position"), person.get("department")) if word)


def moment(text):
    return datetime.fromisoformat(text)


def member_rows(record, rows, members):
    """Return the parts of the package: as it is kept, or what is known of them before it is made."""
    titles = {
        "form.pdf": _("Printed form"),
        "lines.xlsx": _("Price lines"),
        "decisions.json": _("Decisions"),
        "canonical.ndjson": _("Sealed content"),
        "manifest.json": _("Manifest"),
        "verify.py": _("Checking program"),
    }
    known = {one["name"]: one for one in members} or {
        "canonical.ndjson": {"size": record.payload_size, "sha256": record.payload_sha256}
    }
    entries = [{"title": title, "name": name, **known.get(name, {})} for name, title in titles.items()]
    attached = [one for one in members if one["name"].startswith("attachments/")]
    if not members:
        attached = [
            {**row, "title": row["name"], "name": attachment_name(number, row["name"])}
            for number, row in enumerate(rows["file"], 1)
        ]
    entries[2:2] = [
        {**one, "file": one["title"], "title": _("Attachment %(n)d") % {"n": number}}
        for number, one in enumerate(attached, 1)
    ]
    return entries


def later_entry(record, names):
    """Return a later record as a line of the card: what, when, in a few words."""
    entry = {
        "record": record,
        "name": record.get_kind_display(),
        "when": when(record.at),
        "number": record.number,
    }
    fact = (record.rows.get(record.kind) or [{}])[0]
    if record.kind == ArchiveKind.RECEIPT and fact:
        entry["name"] = _("Receipt")
        return entry | {"note": receipt_words(record, fact, names), "quote": fact.get("note", "")}
    if record.kind == ArchiveKind.CAMPAIGN and fact:
        return entry | {
            "note": _("%(who)s: %(theme)s") % {"who": record.filed_by_name, "theme": fact["theme"]}
        }
    if record.kind == ArchiveKind.CLOSING and fact:
        return entry | {"note": _("all stores have confirmed: %(n)d receipts") % {"n": fact["receipts"]}}
    return entry | {"note": "" if fact else _("The sealed content cannot be read.")}


def receipt_words(record, fact, names):
    words = {"store": names.get(fact["store"], fact["store"]), "who": record.filed_by_name}
    parts = [
        ngettext("%(n)s row applied", "%(n)s rows applied", fact["applied"]) % {"n": f"{fact['applied']:,}"}
    ]
    for name, text in (("failed", _("%(n)s failed")), ("not_found", _("%(n)s not found"))):
        if fact.get(name):
            parts.append(text % {"n": f"{fact[name]:,}"})
    return _("%(store)s: %(what)s · %(who)s") % {"what": ", ".join(parts), **words}


# ── Downloads ─────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("archive/records/<str:number>/package/", "archive_package", may=permissions.may_download_archive)
def archive_package(request, number):
    """The package of a filing, whole or not at all."""
    record = visible_filing(request.user, number)
    if packaging.needs_job(record):
        messages.warning(
            request, _("This package is large. Have it made first; you will be told when it is ready.")
        )
        return redirect("admin:archive_record", number)
    return whole_file(record, None, packaging.package_name(record))


@screen(
    "archive/records/<str:number>/prepare/",
    "archive_prepare",
    methods=("POST",),
    may=permissions.may_download_archive,
)
def archive_prepare(request, number):
    """Have a large package made, in the background."""
    record = visible_filing(request.user, number)
    records = ArchiveRecord.objects.filter(pk=record.pk).only("sequence")
    job = packaging.order_bundle(records, by=request.user, name=packaging.package_name(record))
    return redirect("admin:job", job.pk)


@screen(
    "archive/records/<str:number>/parts/<path:part>", "archive_part", may=permissions.may_download_archive
)
def archive_part(request, number, part):
    """One part of a package: the printed form, the workbook of lines, an attachment."""
    record = visible_filing(request.user, number)
    if packaging.needs_job(record):
        messages.warning(
            request, _("This package is large. Have it made first; you will be told when it is ready.")
        )
        return redirect("admin:archive_record", number)
    name = part.rpartition("/")[2]
    names = {"form.pdf": f"{record.number}.pdf", "lines.xlsx": f"{record.number}.xlsx"}
    return whole_file(record, part, names.get(name, name))


@screen("archive/later/<int:sequence>/package/", "archive_later", may=permissions.may_download_archive)
def archive_later(request, sequence):
    """The package of a record that came after a filing which the account may find."""
    record = get_object_or_404(ArchiveRecord, pk=sequence)
    get_object_or_404(search.visible_filings(request.user), document=record.document_id)
    return whole_file(record, None, packaging.package_name(record))


def whole_file(record, part, name):
    """Return a package, or one part of it, as an attachment; it is complete before its first byte is sent."""
    with ExitStack() as stack:
        copy = stack.enter_context(tempfile.TemporaryFile())
        with packaging.package_file(record) as package:
            if part is None:
                shutil.copyfileobj(package, copy, 1 << 20)
            else:
                copy_part(package, part, copy)
        copy.seek(0)
        # The response closes it.
        stack.pop_all()
    return attachment(copy, name)


def copy_part(package, part, target):
    with zipfile.ZipFile(package) as archive:
        if part not in archive.namelist():
            raise Http404
        with archive.open(part) as member:
            shutil.copyfileobj(member, target, 1 << 20)


def attachment(file, name):
    response = FileResponse(file, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = content_disposition(name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@screen("archive/pack/", "archive_pack", methods=("POST",), may=permissions.may_download_archive)
def archive_pack(request):
    """Have several filings packed into one file: those selected, or those of a year."""
    year = request.POST.get("year", "")
    if year.isdecimal() and len(year) == 4:
        records, name = search.filings_of_year(request.user, int(year)), f"GD-{year}.zip"
    else:
        records = search.visible_filings(request.user).filter(pk__in=selected(request)).order_by("sequence")
        name = f"GD-{timezone.localdate():%Y%m%d}.zip"
    job = packaging.order_bundle(records, by=request.user, name=name)
    return redirect("admin:job", job.pk)


def selected(request):
    return [
        int(value) for value in request.POST.getlist("record")[:1000] if value.isdecimal() and len(value) < 19
    ]


# ── Jobs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def visible_job(user, pk):
    """Return a job of the account's own; the check of the archive belongs to all who may order it."""
    job = get_object_or_404(Job, pk=pk)
    shared = job.kind == checking.JOB and permissions.may_verify_archive(user)
    if job.created_by_id != user.pk and not shared:
        raise Http404
    return job


@screen("jobs/<int:pk>/", "job")
def job_page(request, pk):
    """How far a job is; for its script as JSON, and what came of it."""
    job = visible_job(request.user, pk)
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse(
            {
                "open": job.open,
                "done": job.done,
                "total": job.total,
                "step": job.step,
                "words": progress_words(job),
            }
        )
    if job.kind == checking.JOB:
        return redirect("admin:archive_check")
    shown = jobs.PAGES.get(job.kind)
    if shown and job.state == JobState.DONE:
        return redirect(shown.address(job))
    return page(
        request,
        "approvals/job.html",
        title=jobs.name_of(job),
        crumbs=[archive_crumb()] if permissions.may_search_archive(request.user) else [],
        job=job,
        words=progress_words(job),
        steps=shown_steps(job, shown.steps) if shown else (),
        another=shown.another(job) if shown else "",
        file=job.result if job.result.get("path") else None,
        filed=job.result if job.kind == filing.JOB and job.state == JobState.DONE else None,
        report=Report.of(job.result)
        if job.kind == checking.SELECTED and job.state == JobState.DONE
        else None,
    )


def shown_steps(job, steps):
    """Return the steps of a job as (number, code, words, state)."""
    codes = [code for code, _words in steps]
    now = codes.index(job.step) if job.step in codes else 0
    states = ["done" if place < now else "now" if place == now else "wait" for place in range(len(steps))]
    return [
        {"n": n, "code": code, "words": words, "state": state}
        for n, ((code, words), state) in enumerate(zip(steps, states, strict=True), 1)
    ]


def progress_words(job):
    if job.state == JobState.QUEUED:
        return _("Waiting for a free worker …")
    if not job.total:
        return _("Working …")
    return _("%(done)s of %(total)s records") % {"done": f"{job.done:,}", "total": f"{job.total:,}"}


@screen("jobs/<int:pk>/retry/", "job_retry", methods=("POST",))
def job_retry(request, pk):
    """Start a failed job again."""
    job = visible_job(request.user, pk)
    jobs.retry(job.pk, by=job.created_by)
    return redirect("admin:job", pk)


@screen("jobs/<int:pk>/file/", "job_file", may=permissions.may_download_archive)
def job_file(request, pk):
    """What a packing job made; it is kept for a week."""
    job = visible_job(request.user, pk)
    path = job.result.get("path") if job.kind == packaging.JOB else None
    if not path:
        raise Http404
    if not default_storage.exists(path):
        raise Refusal(_("This file was cleared away after a week. Pack the records again."), code="gone")
    return attachment(default_storage.open(path, "rb"), job.result["name"])


# ── The check ─────────────────────────────────────────────────────────────────────────────────────────────────────


@screen("archive/check/", "archive_check", may=permissions.may_verify_archive)
def archive_check(request):
    """The last check of the whole archive, the four properties, and the button for another."""
    report, job = checking.last_report(), checking.last_job()
    return page(
        request,
        "approvals/archive_check.html",
        title=_("Archive check"),
        crumbs=[archive_crumb()],
        report=report,
        fresh=is_of_today(report),
        job=job,
        words=progress_words(job) if job and job.open else "",
        properties=properties(report),
        runs=[
            {"job": one, "report": Report.of(one.result)}
            for one in Job.objects.filter(kind=checking.JOB, state=JobState.DONE).order_by("-pk")[:10]
        ],
    )


def properties(report):
    """Return the four properties of electronic archives with what the last check says of each."""
    if report is None:
        return []
    known = {
        "records": f"{report.records:,}",
        "files": f"{report.files:,}",
        "decisions": f"{report.decisions:,}",
        "prices": f"{report.prices:,}",
    }
    return [
        {
            "name": pgettext("archive", "Authentic"),
            "text": _("%(records)s sealed contents and %(decisions)s decisions agree with their digests.")
            % known,
            "faults": report.differs_in("content", "decisions", "document"),
        },
        {
            "name": pgettext("archive", "Complete"),
            "text": _("The chain has no gap and ends where the checkpoint outside the database says.")
            % known,
            "faults": report.differs_in("chain", "checkpoints"),
        },
        {
            "name": pgettext("archive", "Usable"),
            "text": _("%(files)s files can be read; what is found by search is what was sealed.") % known,
            "faults": report.differs_in("files", "search"),
        },
        {
            "name": pgettext("archive", "Secure"),
            "text": _("The tables refuse changes; %(prices)s prices in force are those that were sealed.")
            % known,
            "faults": report.differs_in("protection", "rows", "prices"),
        },
    ]


@screen("archive/check/start/", "archive_check_start", methods=("POST",), may=permissions.may_verify_archive)
def archive_check_start(request):
    checking.order_check(by=request.user)
    return redirect("admin:archive_check")


@screen(
    "archive/check/selected/", "archive_check_selected", methods=("POST",), may=permissions.may_verify_archive
)
def archive_check_selected(request):
    """Have the selected records checked, and only these."""
    visible = search.visible_filings(request.user).filter(pk__in=selected(request))
    job = checking.order_check_of(list(visible.values_list("pk", flat=True)), by=request.user)
    return redirect("admin:job", job.pk)


# ── The page behind the printed form's code ───────────────────────────────────────────────────────────────────────


@screen("check/<str:number>/<str:digest>/", "archive_proof")
def archive_proof(request, number, digest):
    """Say whether a printed form's digest is the sealed one, and whether the record is still what was sealed."""
    record = get_object_or_404(
        ArchiveRecord.objects.filter(kind=ArchiveKind.FILING).select_related("document"), number=number
    )
    user = request.user
    may_find = (
        permissions.may_search_archive(user) and search.visible_filings(user).filter(pk=record.pk).exists()
    )
    if not may_find and not Document.objects.visible_to(user).filter(pk=record.document_id).exists():
        raise Http404
    report = verify_records([record.pk], prices=False)
    return page(
        request,
        "approvals/archive_proof.html",
        title=_("Check of a printed form"),
        record=record,
        digest=digest[:64],
        same=digest == record.payload_sha256,
        report=report,
        may_find=may_find,
    )
