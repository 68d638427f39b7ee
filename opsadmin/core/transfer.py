"""Masters in and out of files: django-import-export behind our own readers, writers and pages.

A file is judged before anything is stored: which rows are new, which change what, and every fault by row and column.
Stored is either the whole file or nothing. Price lines never come this way: a row costs several statements.
"""

from dataclasses import dataclass, field
from tempfile import NamedTemporaryFile, TemporaryFile

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from import_export.fields import Field
from import_export.resources import ModelResource
from import_export.results import RowResult
from import_export.widgets import BooleanWidget, ForeignKeyWidget, Widget
from tablib import Dataset

from opsadmin.core import spreadsheets
from opsadmin.core.files import store_file
from opsadmin.core.models import StoredFile
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page

# A row costs some twenty statements, and the page waits for them.
SHOWN = 200
# What the library shows of a column that the file does not have.
ABSENT = "---"
LANGUAGES = ("zh-hans", "en")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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
            raise ValueError(_("There is no %(what)s with the code “%(code)s”.") % names)
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

    def sheet_kind(self, name):
        if name in self.sheet_kinds:
            return self.sheet_kinds[name]
        model_field = self._meta.model._meta.get_field(name)
        if isinstance(model_field, models.DecimalField) and model_field.decimal_places == 2:
            return "money"
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
    """What a file would do, or did: ``changes`` are (row, name, [(column, before, after)]), at most 200 of them."""

    new: int = 0
    changed: int = 0
    same: int = 0
    faults: list = field(default_factory=list)
    changes: list = field(default_factory=list)
    instances: dict = field(default_factory=dict)

    @property
    def writes(self):
        return self.new + self.changed


def read_table(source, name, resource):
    """Return the table of a file, of at most 3,000 rows; Refusal where it cannot be read at all."""
    with NamedTemporaryFile() as copy:
        for chunk in iter(lambda: source.read(1 << 20), b""):
            copy.write(chunk)
        copy.flush()
        try:
            table = spreadsheets.read(
                copy.name, name, columns=resource.sheet_columns(), limits=spreadsheets.IN_REQUEST
            )
            return table, list(table)
        except spreadsheets.SpreadsheetRefused as refused:
            raise Refusal(str(refused), code="unreadable") from refused


def judge(source, name, resource, *, dry_run):
    """Read a file and bring its rows in, all of them or none; with ``dry_run`` only say what would happen."""
    table, rows = read_table(source, name, resource)
    unread = [fault_of(fault) for fault in table.faults] + repeated_rows(rows, resource)
    rows = [row for row in rows if not row.faults]
    names = [column for column in resource.get_import_order() if column in table.places]
    dataset = Dataset(*[[cell(row.values[name]) for name in names] for row in rows], headers=names)
    outcome = Outcome(faults=unread)
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
    return RowFault(fault.row or None, fault.column_header, fault.value, f"{fault.message}: {fault.remedy}")


def base_faults(result):
    return [RowFault(None, "", "", str(error.error)) for error in result.base_errors]


def row_faults(result, numbers, resource):
    """Return what validation said, at the row as the spreadsheet program shows it."""
    found = []
    for invalid in result.invalid_rows:
        for name, sentences in invalid.error_dict.items():
            known = name in resource.fields
            value = str(dict(zip(resource.get_diff_headers(), invalid.values, strict=False)).get(name, ""))
            column = resource.label(name) if known else ""
            found += [
                RowFault(
                    numbers[invalid.number - 1], column, "" if value == ABSENT else value, in_words(text)
                )
                for text in sentences
            ]
    for broken in result.error_rows:
        found += [RowFault(numbers[broken.number - 1], "", "", str(error.error)) for error in broken.errors]
    return found


def in_words(text):
    """Return a sentence of the field's own; of "null" nobody who fills in a table has heard."""
    nothing = {str(models.Field.default_error_messages[code]) for code in ("null", "blank")}
    return _("Fill in this cell; a new row needs it.") if text in nothing else text


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
            found.append((resource.label(resource_field.attribute), before, after))
    return found


class TransferMixin:
    """Import and export pages of an admin, for those with the permissions ``import_…`` and ``export_…`` only.

    Stands before ImportExportMixin, which keeps the addresses and the questions for the permissions.
    """

    def resource_for(self, request):
        return self.resource_classes[0](user=request.user)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def import_action(self, request, **kwargs):
        if not self.has_import_permission(request):
            raise PermissionDenied
        uploaded = request.FILES.get("file")
        if request.method == "POST" and uploaded is None:
            messages.error(request, _("Choose a file."))
        if request.method != "POST" or uploaded is None:
            return self.import_page(request)
        outcome = self.judged(request, uploaded, uploaded.name, dry_run=True)
        stored = None
        if outcome and not outcome.faults:
            stored = store_file(uploaded, name=uploaded.name, by=request.user)
        return self.import_page(request, outcome=outcome, stored=stored, name=uploaded.name)

    def judged(self, request, source, name, *, dry_run):
        """Return the outcome; None, with a message, for a file that cannot be read."""
        try:
            source.seek(0)
            return judge(source, name, self.resource_for(request), dry_run=dry_run)
        except Refusal as refusal:
            messages.error(request, str(refusal))
            return None

    @method_decorator(require_POST)
    def process_import(self, request, **kwargs):
        """Bring in a file that its uploader has seen judged; it is judged again."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        pk = request.POST.get("stored", "")
        stored = get_object_or_404(StoredFile, pk=int(pk) if pk.isdecimal() else 0, stored_by=request.user)
        with stored.file.open("rb") as source:
            outcome = self.judged(request, source, stored.name, dry_run=False)
        if outcome is None or outcome.faults:
            return self.import_page(request, outcome=outcome, name=stored.name)
        self._create_log_entries(request.user.pk, outcome.instances)
        messages.success(
            request,
            _("Imported: %(new)d new, %(changed)d changed, %(same)d unchanged.")
            % {"new": outcome.new, "changed": outcome.changed, "same": outcome.same},
        )
        return HttpResponseRedirect(self.list_address())

    def list_address(self):
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def import_page(self, request, **context):
        resource = self.resource_for(request)
        keys = resource.get_import_id_fields()
        return page(
            request,
            "core/import.html",
            title=_("Import: %(what)s") % {"what": self.opts.verbose_name_plural},
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
    filename = f"{title}-{timezone.localdate():%Y%m%d}.{file_format}"
    response = HttpResponse(content_type=XLSX if file_format == "xlsx" else "text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = spreadsheets.content_disposition(filename)
    with TemporaryFile() as file:
        if file_format == "xlsx":
            sheet = spreadsheets.SheetOut(title, header, rows, text_columns=resource.code_labels())
            spreadsheets.write_xlsx(file, [sheet])
        else:
            spreadsheets.write_csv(file, header, rows)
        file.seek(0)
        response.write(file.read())
    return response


def plain(value):
    return str(value) if isinstance(value, Promise) else value
