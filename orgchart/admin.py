"""Departments and positions. The staffing app registers them, since it knows who holds which position."""

from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportMixin
from unfold.views import ChangeList

from opsadmin.core.records import HistoryAdmin, mark
from opsadmin.core.refusals import Refusal
from opsadmin.core.transfer import TransferMixin
from orgchart.admin_work import AreaAdmin, HandoffFlowAdmin
from orgchart.changes.rows import save_row
from orgchart.findings.admin import FindingLimitsAdmin
from orgchart.forms import HOW_FIELDS, StructureForm
from orgchart.models import Area, FindingLimits, HandoffFlow, SetState
from orgchart.resources import DepartmentResource, PositionResource

INDENT = "\N{IDEOGRAPHIC SPACE}" * 2
SUPPORTING = mark("supporting", _("supporting"))
TENTATIVE = mark("tentative", _("tentative"))
GUESSED = mark("guessed", _("to be confirmed"))


class TreeChangeList(ChangeList):
    """The rows in the order of the tree, each below its parent, unless a column was chosen to sort by."""

    def get_ordering(self, request, queryset):
        return super().get_ordering(request, queryset) if self.params.get("o") else ["tree_ordering"]


class StructureAdmin(TransferMixin, ImportExportMixin, HistoryAdmin):
    """Rows that the log of the organisation knows: each save is a set of changes with one item."""

    form = StructureForm

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """What is refused on saving comes back as it was typed, with the sentence; nothing of it is saved."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refusal as refusal:
            request.refused = str(refusal)
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.by, form.refused = request.user, getattr(request, "refused", "")
        return form

    def get_fieldsets(self, request, obj=None):
        fieldsets = super().get_fieldsets(request, obj)
        may = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        how = (_("This change"), {"fields": [HOW_FIELDS[:2], HOW_FIELDS[2]]})
        return [*fieldsets, how] if may else fieldsets

    def save_model(self, request, obj, form, change):
        how = {name: form.cleaned_data.get(name) for name in HOW_FIELDS}
        made = save_row(
            obj, by=request.user, reason=how["reason"] or "", day=how["effective_on"], way=how["way"]
        )
        if made and made.state == SetState.SCHEDULED:
            known = {"day": made.effective_on.isoformat()}
            messages.info(request, _("This takes effect on %(day)s.") % known)


class NodeAdmin(StructureAdmin):
    """A department or a position; the library calls what stands above it “Parent”, in English only."""

    fixed_fields = ("code",)
    above = ""

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "parent":
            kwargs["label"] = self.above
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class DepartmentAdmin(NodeAdmin):
    above = _("part of")
    resource_classes = [DepartmentResource]
    list_display = ("indented_name", "kind", "code", SUPPORTING, "status", GUESSED)
    list_filter = ("kind", "status", "supporting", "guessed")
    list_per_page = 200
    search_fields = ("code", "name")
    autocomplete_fields = ("parent",)
    fields = (
        ("code", "name"),
        ("kind", "parent"),
        ("order", "status"),
        ("supporting", "cloneable", "tentative"),
        ("source_ref", "guessed"),
        "copying",
    )
    readonly_fields = ("copying",)

    @admin.display(description=_("copies"))
    def copying(self, department):
        """Return where a department is copied from, or where it can be copied."""
        if department.copied_from_id:
            return _("copied from %(name)s") % {"name": department.copied_from}
        if not department.pk or not department.cloneable:
            return "—"
        address = reverse("admin:department_copy", args=[department.pk])
        return format_html('<a class="op-btn op-btn-sm" href="{}">{}</a>', address, _("Copy this department"))

    def get_queryset(self, request):
        return super().get_queryset(request).with_tree_fields()

    def get_changelist(self, request, **kwargs):
        return TreeChangeList

    @admin.display(description=_("department"), ordering="name")
    def indented_name(self, department):
        return INDENT * department.tree_depth + department.name


class PositionAdmin(NodeAdmin):
    above = _("reports to")
    resource_classes = [PositionResource]
    list_display = ("title", "department", "superior", "plan", TENTATIVE, GUESSED, "source_ref")
    list_filter = ("department", "status", "head", "tentative", "guessed")
    list_select_related = ("department", "parent")
    ordering = ("department__code", "order", "code")
    search_fields = ("code", "title", "department__name")
    autocomplete_fields = ("department", "parent")
    fields = (
        ("code", "title", "grade"),
        ("department", "parent"),
        ("head", "order", "status"),
        ("plan_min", "plan_max", "plan_note"),
        ("tentative", "guessed"),
        "source_ref",
    )

    @admin.display(description=_("reports to"), ordering="parent__title", empty_value="—")
    def superior(self, position):
        return position.parent

    @admin.display(description=_("headcount plan"), ordering="plan_min")
    def plan(self, position):
        return plan_in_words(position)


def plan_in_words(position):
    """Return the headcount plan of a position: "1", "1–2", "0–4", "2 or more"; a dash where nothing is planned."""
    low, high = position.plan_min, position.plan_max
    if position.plan_note:
        return position.plan_note
    if low is None and high is None:
        return "—"
    if high is None:
        return _("%(n)d or more") % {"n": low}
    return str(high) if low == high else f"{low or 0}–{high}"


admin.site.register(FindingLimits, FindingLimitsAdmin)
admin.site.register(Area, AreaAdmin)
admin.site.register(HandoffFlow, HandoffFlowAdmin)
