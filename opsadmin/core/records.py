"""The admin of plain records: lists that count no big table, forms without deletion, history that changes nothing."""

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.utils.translation import gettext as _
from simple_history.admin import SimpleHistoryAdmin
from simple_history.models import DeletedObject
from simple_history.template_utils import HistoricalRecordContextHelper
from unfold.admin import ModelAdmin

from opsadmin.core.stale import SeenMixin


class RecordAdmin(ModelAdmin):
    """``fixed_fields`` are written once, when the record is made: other tables and files name it by them."""

    fixed_fields = ()
    show_full_result_count = False
    list_per_page = 50
    warn_unsaved_form = True
    change_form_before_template = "core/seen.html"

    def has_delete_permission(self, request, obj=None):
        return False

    def get_form(self, request, obj=None, change=False, **kwargs):
        """Whoever saves a record that somebody has changed meanwhile is shown both versions first."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (SeenMixin, form), {}) if change else form

    def get_object(self, request, object_id, from_field=None):
        """While a form is saved the row is locked: of two who save at once the second is shown what the first wrote."""
        found = super().get_object(request, object_id, from_field)
        if found is None or request.method != "POST" or not connection.in_atomic_block:
            return found
        self.model._base_manager.select_for_update().filter(pk=found.pk).values_list("pk").first()
        return super().get_object(request, object_id, from_field)

    def get_readonly_fields(self, request, obj=None):
        readonly = tuple(super().get_readonly_fields(request, obj))
        return readonly + tuple(self.fixed_fields) if obj else readonly


def mark(name, words, **options):
    """Return a column that shows ``words`` where the field ``name`` is true, and a dash where not.

    Django's own column for booleans shows a red cross for every plain "no".
    """

    @admin.display(description=words, ordering=name, **options)
    def column(record):
        return words if getattr(record, name) else "—"

    column.__name__ = f"{name}_mark"
    return column


class ReadOnlyAdmin(RecordAdmin):
    """Records that the software writes itself."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class ChangesInWords(HistoricalRecordContextHelper):
    """Choices and booleans as their words, an empty reference as nothing."""

    def prepare_delta_change_value(self, change, value):
        value = super().prepare_delta_change_value(change, value)
        if isinstance(value, DeletedObject) and value.pk is None:
            return ""
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        choices = dict(self.model._meta.get_field(change.field).flatchoices)
        return choices.get(value, "" if value is None else value)


class HistoryAdmin(SimpleHistoryAdmin, RecordAdmin):
    """A record with its history: who changed which field, from what to what.

    The library's page of one old version is left out: posting it puts the old version back, and it asks only for
    the right to view.
    """

    object_history_list_template = "core/history_list.html"

    def get_urls(self):
        return super(SimpleHistoryAdmin, self).get_urls()

    def get_historical_record_context_helper(self, request, historical_record):
        return ChangesInWords(self.model, historical_record)

    def may_see_history(self, user):
        """Return whether somebody who may see the record may see what it was before."""
        return True

    def render_change_form(self, request, context, *args, **kwargs):
        context["show_history"] = self.may_see_history(request.user)
        return super().render_change_form(request, context, *args, **kwargs)

    def history_view(self, request, object_id, extra_context=None):
        if not self.may_see_history(request.user):
            raise PermissionDenied
        if not self.get_queryset(request).filter(pk=object_id).exists():
            raise Http404
        return super().history_view(request, object_id, extra_context)
