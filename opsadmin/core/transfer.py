"""Masters in and out of files: django-import-export behind our own readers, writers and pages.

A file is judged before anything is stored: which rows are new, which change what, and every fault by row and column.
Stored is either the whole file or nothing. Both are jobs. Price lines never come this way: a row costs several
statements.
"""

import json
import logging
from dataclasses import asdict, dataclass, field
from decimal import Decimal

from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied
from django.core.validators import validate_slug
from django.db import DatabaseError, models, transaction
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.results import RowResult
from import_export.widgets import BooleanWidget, ForeignKeyWidget, Widget
from tablib import Dataset

from opsadmin.core import spreadsheets, uploads
from opsadmin.core.downloads import as_table
from opsadmin.core.jobs import Page, handler
from opsadmin.core.models import Job, JobState
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page
from opsadmin.core.spreadsheets.faults import clipped
from opsadmin.core.stale import check_asked

JUDGE, WRITE = "judge_masters", "write_masters"
# So many faults and changes are kept of a file; the others are counted.
SHOWN, SHOWN_CHARS = 200, 200
# What the library shows of a column that the file does not have.
ABSENT = "---"
LANGUAGES = ("zh-hans", "en")
logger = logging.getLogger(__name__)


class CodeWidget(ForeignKeyWidget):
    """A related row by its code. All codes are read once; ``rows`` narrows them to what the user may see."""

    def __init__(self, model, field="code", rows=None):
        super().__init__(model, field=field)
        self.rows = rows if rows is not None else model.objects.all()
        self.known = None

    def clean(self, value, row=None, **kwargs):
        if value in (None, ""):
            return None
        if self.known is None:
            self.known = {getattr(found, self.field): found for found in self.rows}
        if str(value) not in self.known:
            names = {"what": self.model._meta.verbose_name, "code": value}
            raise ValueError(
                _("There is no %(what)s with the code “%(code)s”: correct it, or bring that one in first.")
                % names
            )
        return self.known[str(value)]


class ChoiceWidget(Widget):
    """A choice by its stored value, or by its word in either language; written as its word."""

    def __init__(self, choices):
        super().__init__()
        self.choices = choices
        self.values = {value.lower(): value for value, _word in choices}
        for language in LANGUAGES:
            with translation.override(language):
                self.values |= {str(word).lower(): value for value, word in choices}

    def clean(self, value, row=None, **kwargs):
        text = str(value or "").strip()
        if text and text.lower() not in self.values:
            words = "、".join(str(word) for _value, word in self.choices)
            raise ValueError(_("“%(text)s” is none of: %(words)s.") % {"text": text, "words": words})
        return self.values.get(text.lower(), "")

    def render(self, value, obj=None, **kwargs):
        return str(dict(self.choices).get(value, ""))


class YesNoWidget(BooleanWidget):
    """Yes and no in either language; nothing else."""

    words = {
        "是": True,
        "yes": True,
        "true": True,
        "1": True,
        "否": False,
        "no": False,
        "false": False,
        "0": False,
    }

    def clean(self, value, row=None, **kwargs):
        text = str(value or "").strip().lower()
        if text not in self.words:
            raise ValueError(_("Write yes or no."))
        return self.words[text]

    def render(self, value, obj=None, **kwargs):
        return _("yes") if value else _("no")


class MasterResource(ModelResource):
    """One kind of master as rows of a file.

    ``user`` is whoever imports or exports; ``sheet_kinds`` names columns that are read otherwise than their model
    field says. Columns are found by the words of the model's fields, in Chinese or English, or by their names.
    """

    sheet_kinds = {}

    class Meta:
        clean_model_instances = True
        use_transactions = True
        skip_unchanged = True
        report_skipped = False
        store_instance = True
        skip_html_diff = True

    def __init__(self, *, user, **kwargs):
        super().__init__(**kwargs)
        self.user = user
        for name in self.hidden_fields():
            del self.fields[name]

    def before_save_instance(self, instance, row, **kwargs):
        """Tell the history who it was: a job has no request to find it in."""
        instance._history_user = self.user

    @classmethod
    def widget_from_django_field(cls, f, default=Widget):
        """Choices and booleans are written as words."""
        if f.choices or isinstance(f, models.BooleanField):
            return default
        return super().widget_from_django_field(f, default)

    @classmethod
    def field_from_django_field(cls, field_name, django_field, readonly):
        if django_field.choices:
            return Field(field_name, field_name, ChoiceWidget(django_field.choices), readonly=readonly)
        if isinstance(django_field, models.BooleanField):
            return Field(field_name, field_name, YesNoWidget(), readonly=readonly)
        return super().field_from_django_field(field_name, django_field, readonly)

    def hidden_fields(self):
        """Return the fields that this user must not see; they are neither read nor written."""
        return ()

    def get_import_order(self):
        return [name for name in super().get_import_order() if name in self.fields]

    def get_export_order(self):
        return [name for name in super().get_export_order() if name in self.fields]

    def label(self, name):
        return str(self._meta.model._meta.get_field(name).verbose_name)

    def sheet_columns(self):
        """Return the columns as the reader of spreadsheets wants them."""
        keys = self.get_import_id_fields()
        return [
            spreadsheets.Column(
                key=name,
                headers=(*self.labels(name), name),
                required=name in keys,
                kind=self.sheet_kind(name),
                example=self.example(name),
            )
            for name in self.get_import_order()
        ]

    def code_labels(self):
        """Return the labels of the columns that a spreadsheet program must not take for numbers."""
        return [
            self.label(name) for name in self.get_export_order() if self.sheet_kind(name) in ("text", "code")
        ]

    def labels(self, name):
        words = []
        for language in LANGUAGES:
            with translation.override(language):
                words.append(self.label(name))
        return words

    def example(self, name):
        """Return what a fault of a column shows as right: a share or a rate is no price."""
        default = self._meta.model._meta.get_field(name).default
        return str(default) if isinstance(default, Decimal) else ""

    def sheet_kind(self, name):
        if name in self.sheet_kinds:
            return self.sheet_kinds[name]
        model_field = self._meta.model._meta.get_field(name)
        if isinstance(model_field, models.DecimalField):
            return "money" if model_field.decimal_places == 2 else "number"
        if isinstance(model_field, models.DateField):
            return "date"
        whole = isinstance(model_field, models.IntegerField) and not model_field.choices
        return "int" if whole else "text"


@dataclass
class RowFault:
    row: int | None
    column: str
    value: str
    message: str


@dataclass
class Outcome:
    """What a file would do, or did: ``changes`` are (name, [(column, before, after)]), at most 200 of them.

    ``sheet`` is the one that was read, "" in a text file.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    faults: list = field(default_factory=list)
    changes: list = field(default_factory=list)
    fault_count: int = 0
    sheet: str = ""
    instances: dict = field(default_factory=dict)

    @property
    def writes(self):
        return self.new + self.changed

    def kept(self):
        """Return what a job keeps of it: all counts, and the first of faults and changes."""
        known = {"new": self.new, "changed": self.changed, "same": self.same, "changes": self.changes}
        faults = [asdict(fault) for fault in self.faults[:SHOWN]]
        return known | {"faults": faults, "fault_count": len(self.faults), "sheet": self.sheet}

    @classmethod
    def of(cls, kept):
        """Return the outcome that a job has kept."""
        return cls(**kept | {"faults": [RowFault(**fault) for fault in kept["faults"]]})


def read_rows(path, name, resource):
    """Return the table of a file and its rows. Raises SpreadsheetRefused where it cannot be read at all."""
    table = spreadsheets.read(path, name, columns=resource.sheet_columns(), limits=spreadsheets.ROW_BY_ROW)
    return table, list(table)


def judge(table, rows, resource, *, dry_run):
    """Bring the rows of a table in, all of them or none; with ``dry_run`` only say what would happen."""
    unread = [fault_of(fault) for fault in table.faults] + repeated_rows(rows, resource)
    rows = [row for row in rows if not row.faults]
    names = [column for column in resource.get_import_order() if column in table.places]
    dataset = Dataset(*[[cell(row.values[name]) for name in names] for row in rows], headers=names)
    outcome = Outcome(faults=unread, sheet=clipped(table.sheet))
    if not rows:
        return outcome
    result = resource.import_data(
        dataset,
        dry_run=dry_run or bool(unread),
        raise_errors=False,
        rollback_on_validation_errors=True,
        user=resource.user,
    )
    unfit = [*base_faults(result), *row_faults(result, [row.number for row in rows], resource)]
    outcome.faults = sorted([*unread, *unfit], key=lambda fault: fault.row or 0)
    outcome.new = result.totals[RowResult.IMPORT_TYPE_NEW]
    outcome.changed = result.totals[RowResult.IMPORT_TYPE_UPDATE]
    outcome.same = result.totals[RowResult.IMPORT_TYPE_SKIP]
    for row_result in result.rows:
        if row_result.import_type in (RowResult.IMPORT_TYPE_NEW, RowResult.IMPORT_TYPE_UPDATE):
            outcome.instances.setdefault(row_result.import_type, []).append(row_result.instance)
            if len(outcome.changes) < SHOWN:
                outcome.changes.append((row_result.object_repr, differences(row_result, resource)))
    return outcome


def repeated_rows(rows, resource):
    """Return a fault for each row whose key stands further up already."""
    keys, first, found = resource.get_import_id_fields(), {}, []
    for row in rows:
        key = tuple(row.values.get(name) for name in keys)
        if None not in key and first.setdefault(key, row.number) != row.number:
            sentence = _("The same as row %(row)d: keep one of them.") % {"row": first[key]}
            found.append(RowFault(row.number, "", " · ".join(map(str, key)), sentence))
    return found


def cell(value):
    return "" if value is None else value


def fault_of(fault):
    said = _("%(message)s: %(remedy)s") % {"message": fault.message, "remedy": fault.remedy}
    return RowFault(fault.row or None, fault.column_header, fault.value, said)


def base_faults(result):
    return [RowFault(None, "", "", of_exception(error.error)) for error in result.base_errors]


def row_faults(result, numbers, resource):
    """Return what validation said, at the row as the spreadsheet program shows it."""
    found = []
    for invalid in result.invalid_rows:
        read = dict(zip(resource.get_diff_headers(), invalid.values, strict=False))
        for name, errors in errors_of(invalid.error):
            value = str(read.get(name, ""))
            column = resource.label(name) if name in resource.fields else ""
            found += [
                RowFault(
                    numbers[invalid.number - 1], column, "" if value == ABSENT else value, in_words(error)
                )
                for error in errors
            ]
    for broken in result.error_rows:
        row = numbers[broken.number - 1]
        found += [RowFault(row, "", "", of_exception(error.error)) for error in broken.errors]
    return found


def errors_of(error):
    """Return (field, errors) of a row that validation refused; those of the whole row stand under "__all__"."""
    return (
        error.error_dict.items() if hasattr(error, "error_dict") else [(NON_FIELD_ERRORS, error.error_list)]
    )


# By the code of a ValidationError. Django's own sentences speak of fields and values to people who fill in a table.
SENTENCES = {
    "null": gettext_lazy("Fill in this cell; a new row needs it."),
    "blank": gettext_lazy("Fill in this cell; a new row needs it."),
    "max_length": gettext_lazy(
        "It has %(show_value)s characters; at most %(limit_value)s are kept. Shorten it."
    ),
    "max_value": gettext_lazy("It is larger than %(limit_value)s. Check the number."),
    "min_value": gettext_lazy("It is smaller than %(limit_value)s. Check the number."),
    "max_digits": gettext_lazy("It has more than %(max)s digits. Check the number."),
    "max_whole_digits": gettext_lazy("It has more than %(max)s digits before the point. Check the number."),
    "max_decimal_places": gettext_lazy("It has more than %(max)s decimals. Round the number."),
    "unique": gettext_lazy("Another row has this already. Write another one, or leave out this row."),
}
SLUG = gettext_lazy(
    "Only the letters A to Z, digits, - and _ are taken here, and no blanks: correct it, such as home-2026."
)


def in_words(error):
    """Return what is wrong with a cell and what to do; a sentence of our own speaks for itself."""
    if error.code == validate_slug.code and str(error.message) == str(validate_slug.message):
        return str(SLUG)
    if error.code in SENTENCES:
        return str(SENTENCES[error.code]) % (error.params or {})
    return " ".join(error.messages)


def of_exception(error):
    """Return a sentence for a row that was refused without one: what the database says is not for its readers."""
    if not isinstance(error, DatabaseError):
        return str(error)
    logger.warning("row of a master not taken: %s", error)
    return _("This row does not fit what is stored already. Check its codes and days.")


def differences(row_result, resource):
    """Return [(column, before, after)] of a changed row; nothing for a new one."""
    if row_result.original is None:
        return []
    found = []
    for resource_field in resource.get_import_fields():
        before, after = (
            resource_field.export(instance) for instance in (row_result.original, row_result.instance)
        )
        if before != after:
            label = resource.label(resource_field.attribute)
            found.append((label, str(before)[:SHOWN_CHARS], str(after)[:SHOWN_CHARS]))
    return found


# ── Jobs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def title_of(job):
    return title(apps.get_model(job.payload["model"]))


def title(model):
    return _("Import: %(what)s") % {"what": model._meta.verbose_name_plural}


def form_address(job):
    return reverse(f"admin:{job.payload['model'].replace('.', '_')}_import")


def outcome_address(job):
    """Return where an account sees what a job found in its file."""
    return f"{form_address(job)}?job={job.pk}"


READ_STEP = ("read", gettext_lazy("Read the file"))
JUDGING = Page(
    title_of,
    (READ_STEP, ("compare", gettext_lazy("Compare every row with what is there"))),
    outcome_address,
    form_address,
)
WRITING = Page(
    title_of,
    (READ_STEP, ("write", gettext_lazy("Write all rows, or none"))),
    outcome_address,
    form_address,
)


def admin_for(claim):
    """Return the admin whose file a job reads. Raises PermissionDenied once the account may not import any more."""
    model_admin = admin.site.get_model_admin(apps.get_model(claim.payload["model"]))
    if not model_admin.may_import(claim.job.created_by):
        raise PermissionDenied
    return model_admin


@handler(JUDGE, JUDGING)
def judge_masters(claim):
    """Judge an uploaded file; its rows are compared and rolled back."""
    with uploads.opened(claim) as path:
        claim.progress(0, step="read")
        resource = admin_for(claim).resource_classes[0](user=claim.job.created_by)
        table, rows = read_rows(path, claim.payload["name"], resource)
        claim.progress(0, step="compare")
        outcome = judge(table, rows, resource, dry_run=True)
        with claim.finishing() as result:
            result |= outcome.kept()
            uploads.tell_read(claim, rows=len(rows), faults=len(outcome.faults))
        if outcome.faults:
            uploads.forget(claim)


@handler(WRITE, WRITING)
def write_masters(claim):
    """Write a file that was judged, whole or not at all."""
    with uploads.opened(claim) as path:
        claim.progress(0, step="read")
        model_admin = admin_for(claim)
        resource = model_admin.resource_classes[0](user=claim.job.created_by)
        table, rows = read_rows(path, claim.payload["name"], resource)
        claim.progress(0, step="write")
        with claim.finishing() as result:
            outcome = judge(table, rows, resource, dry_run=False)
            if not outcome.faults:
                check_as_shown(claim, outcome)
                model_admin._create_log_entries(claim.job.created_by_id, outcome.instances)
            result |= outcome.kept()
            told = _("%(file)s could not be written.") if outcome.faults else _("%(file)s has been written.")
            uploads.tell_uploader(claim, told)
        uploads.forget(claim)


def check_as_shown(claim, outcome):
    """Refuse to write a file that does something else by now than its uploader was shown and confirmed."""
    shown = Job.objects.get(pk=claim.payload["judged"]).result
    if json.loads(json.dumps(outcome.kept())) != shown:
        raise Refusal(
            _("What this file would change has changed since you looked at it. Choose the file again."),
            code="stale",
        )


class TransferMixin:
    """Import and export pages of an admin, for those with the permissions ``import_…`` and ``export_…`` only.

    Stands before ImportExportMixin, which keeps the addresses and the questions for the permissions.
    """

    def resource_for(self, request):
        return self.resource_classes[0](user=request.user)

    def may_import(self, user):
        return user.has_perm(f"{self.opts.app_label}.import_{self.opts.model_name}")

    def has_import_permission(self, request):
        return self.may_import(request.user)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def import_action(self, request, **kwargs):
        """Take a file for a job to judge, and show what came of one."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self.outcome_page(request)
        uploaded = request.FILES.get("file")
        if uploaded is None:
            messages.error(request, _("Choose a file."))
            return self.import_page(request)
        try:
            job = uploads.order(JUDGE, uploaded, {"model": self.opts.label_lower}, by=request.user)
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return self.import_page(request)
        return redirect("admin:job", job.pk)

    def job_of(self, request, pk, **wanted):
        """Return a job of the account's own for this kind of master; others do not exist for it."""
        jobs = Job.objects.filter(created_by=request.user, payload__model=self.opts.label_lower, **wanted)
        return get_object_or_404(jobs, pk=int(pk) if pk.isdecimal() and len(pk) < 19 else 0)

    def outcome_page(self, request):
        """Show what a job found in a file or wrote; the form alone without one."""
        if "job" not in request.GET:
            return self.import_page(request)
        job = self.job_of(request, request.GET["job"], kind__in=[JUDGE, WRITE])
        if job.state != JobState.DONE:
            return redirect("admin:job", job.pk)
        refused = job.result.get("refused", "")
        return self.import_page(
            request,
            job=job,
            name=job.payload["name"],
            refused=refused,
            written=job.kind == WRITE,
            outcome=None if refused else Outcome.of(job.result),
        )

    @method_decorator(require_POST)
    def process_import(self, request, **kwargs):
        """Have a file written that its uploader has seen judged; it is judged again, and written once."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        if "stored" in request.POST:
            # What a page of an earlier version sends: its file was judged in a request, and no job knows it.
            check_asked(request.POST, ["job"])
        with transaction.atomic():
            judged = self.job_of(request, request.POST.get("job", ""), kind=JUDGE, state=JobState.DONE)
            Job.objects.select_for_update().get(pk=judged.pk)
            if judged.result.get("refused") or judged.result["faults"]:
                raise Refusal(_("There is nothing to write: read the file first."), code="state")
            begun = Job.objects.filter(kind=WRITE, payload__judged=judged.pk)
            job = begun.exclude(state__in=[JobState.FAILED, JobState.CANCELLED]).first()
            job = job or uploads.again(WRITE, {**judged.payload, "judged": judged.pk}, by=request.user)
        return redirect("admin:job", job.pk)

    def import_page(self, request, **context):
        resource = self.resource_for(request)
        keys = resource.get_import_id_fields()
        return page(
            request,
            "core/import.html",
            title=title(self.model),
            opts=self.opts,
            columns=[(resource.label(name), name in keys) for name in resource.get_import_order()],
            shown=SHOWN,
            **context,
        )

    @method_decorator(require_GET)
    def export_action(self, request):
        """Write the rows of the list as it is filtered now: a page to choose the format, or the file."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        query = request.GET.copy()
        file_format = query.pop("format", [""])[-1]
        request.GET = query
        queryset = self.get_export_queryset(request)
        if file_format not in ("xlsx", "csv"):
            return self.export_page(request, queryset)
        return table_response(
            self.resource_for(request), queryset, file_format, str(self.opts.verbose_name_plural)
        )

    def export_page(self, request, queryset):
        resource = self.resource_for(request)
        return page(
            request,
            "core/export.html",
            title=_("Export: %(what)s") % {"what": self.opts.verbose_name_plural},
            opts=self.opts,
            count=queryset.count(),
            query=request.GET.urlencode(),
            columns=[resource.label(name) for name in resource.get_export_order()],
        )


def table_response(resource, queryset, file_format, title):
    """Return the rows as a workbook or a CSV file; text that looks like a formula stays text."""
    names = resource.get_export_order()
    header = [resource.label(name) for name in names]
    rows = (
        [plain(value) for value in resource.export_resource(row)] for row in resource.iter_queryset(queryset)
    )
    sheet = spreadsheets.SheetOut(title, header, rows, text_columns=resource.code_labels())
    return as_table(f"{title}-{timezone.localdate():%Y%m%d}.{file_format}", sheet)


def plain(value):
    return str(value) if isinstance(value, Promise) else value
