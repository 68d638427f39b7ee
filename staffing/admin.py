"""Employees, who holds which position, who answers for which store; and the organisation with its headcount."""

from decimal import Decimal

from django import forms
from django.contrib import admin, messages
from django.db.models import Prefetch, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportMixin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from opsadmin.core import clock
from opsadmin.core.records import HistoryAdmin, mark
from opsadmin.core.transfer import TransferMixin
from orgchart.admin import (
    GUESSED,
    SUPPORTING,
    TENTATIVE,
    DepartmentAdmin,
    PositionAdmin,
    StructureAdmin,
    TreeChangeList,
)
from orgchart.changes.rows import row_of
from orgchart.entities import ENTITIES
from orgchart.forms import StructureForm
from orgchart.models import Department, Position
from staffing import services
from staffing.access import sync_store_access
from staffing.headcount import Headcount, by_department, with_headcount
from staffing.models import Assignment, Delegation, Employee, StoreCharge, StoreDuty
from staffing.resources import AssignmentResource, EmployeeResource
from staffing.shares import FULL, peak_share

FULL_TIME = Decimal("1.00")


class InForceFilter(admin.SimpleListFilter):
    """Dated facts that hold today, that are over, or that are still to come."""

    title = _("when")
    parameter_name = "when"

    def lookups(self, request, model_admin):
        return [("now", _("in force today")), ("past", _("over")), ("future", _("to come"))]

    def queryset(self, request, queryset):
        today = timezone.localdate()
        if self.value() == "now":
            return queryset.on(today)
        if self.value() == "past":
            return queryset.filter(end__lte=today)
        return queryset.filter(start__gt=today) if self.value() == "future" else queryset


class VacantFilter(admin.SimpleListFilter):
    title = _("vacancy")
    parameter_name = "vacant"

    def lookups(self, request, model_admin):
        return [("yes", _("vacant")), ("no", _("not vacant"))]

    def queryset(self, request, queryset):
        if self.value() == "yes":
            return queryset.filter(short__gt=0)
        return queryset.filter(short=0) if self.value() == "no" else queryset


class DepartmentChangeList(TreeChangeList):
    """Adds to each row its headcount, groups below it included."""

    def get_results(self, request):
        super().get_results(request)
        totals = by_department(timezone.localdate())
        for department in self.result_list:
            department.headcount = totals.get(department.pk, Headcount())


@admin.register(Department)
class StaffedDepartmentAdmin(DepartmentAdmin):
    list_display = (
        "indented_name",
        "kind",
        "plan",
        "filled",
        "short",
        "concurrent",
        SUPPORTING,
        "status",
        GUESSED,
    )

    def get_changelist(self, request, **kwargs):
        return DepartmentChangeList

    @admin.display(description=_("headcount plan"))
    def plan(self, department):
        return department.headcount.plan or "—"

    @admin.display(description=_("filled"))
    def filled(self, department):
        return department.headcount.filled or "—"

    @admin.display(description=_("short"))
    def short(self, department):
        return department.headcount.short or "—"

    @admin.display(description=_("concurrent"))
    def concurrent(self, department):
        return department.headcount.concurrent or "—"


@admin.register(Position)
class StaffedPositionAdmin(PositionAdmin):
    list_display = (
        *("title", "department", "superior", "plan", "filled", "short", "concurrent"),
        *(TENTATIVE, GUESSED, "source_ref"),
    )
    list_filter = (
        ("department", RelatedDropdownFilter),
        VacantFilter,
        "status",
        "head",
        "tentative",
        "guessed",
    )

    def get_queryset(self, request):
        return with_headcount(super().get_queryset(request), timezone.localdate())

    @admin.display(description=_("filled"), ordering="filled")
    def filled(self, position):
        return position.filled or "—"

    @admin.display(description=_("short"), ordering="short")
    def short(self, position):
        return position.short or "—"

    @admin.display(description=_("concurrent"), ordering="concurrent")
    def concurrent(self, position):
        return position.concurrent or "—"


@admin.register(Employee)
class EmployeeAdmin(TransferMixin, ImportExportMixin, HistoryAdmin):
    resource_classes = [EmployeeResource]
    fixed_fields = ("number",)
    list_display = ("name", "number", "home_department", "posts", "active")
    list_filter = (("home_department", RelatedDropdownFilter), "active")
    list_select_related = ("home_department",)
    search_fields = ("number", "name", "name_key")
    autocomplete_fields = ("home_department",)
    fields = (("number", "name"), "home_department", "active")

    def get_queryset(self, request):
        held = Assignment.objects.on(timezone.localdate()).select_related("position__department")
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("assignments", held, to_attr="held_today"))
        )

    @admin.display(description=_("posts"))
    def posts(self, employee):
        return "; ".join(post_in_words(held) for held in employee.held_today) or "—"

    def save_model(self, request, obj, form, change):
        """Somebody who is no longer active loses the stores at once."""
        super().save_model(request, obj, form, change)
        sync_store_access(clock.today())


def post_in_words(assignment):
    words = f"{assignment.position.department} · {assignment.position}"
    return words if assignment.kind == "primary" else f"{words} ({assignment.get_kind_display()})"


class AssignmentForm(StructureForm):
    fte = forms.DecimalField(
        label=_("share of full time"),
        required=False,
        max_digits=3,
        decimal_places=2,
        initial=FULL_TIME,
        widget=UnfoldAdminDecimalFieldWidget,
    )

    def clean_fte(self):
        return FULL_TIME if self.cleaned_data["fte"] is None else self.cleaned_data["fte"]


@admin.register(Assignment)
class AssignmentAdmin(StructureAdmin):
    form = AssignmentForm
    resource_classes = [AssignmentResource]
    fixed_fields = ("employee", "position", "start")
    list_display = ("employee", "position", "department", "kind", "start", "end", "from_department", "note")
    list_filter = (
        InForceFilter,
        ("kind", ChoicesDropdownFilter),
        ("position__department", RelatedDropdownFilter),
    )
    list_select_related = ("employee", "position__department", "from_department")
    search_fields = ("employee__name", "employee__number", "employee__name_key", "position__title")
    ordering = ("-start", "-id")
    autocomplete_fields = ("employee", "position", "from_department")
    fields = (
        ("employee", "position"),
        ("kind", "from_department"),
        ("start", "end"),
        ("fte", "handover", "beyond_plan"),
        "note",
    )

    def save_model(self, request, obj, form, change):
        """Save, and say where the person now has more than a full time."""
        super().save_model(request, obj, form, change)
        rows = ENTITIES["assignment"].read(Q(employee=obj.employee_id)) | {str(obj.uid): row_of(obj)}
        share, day, _held = peak_share(rows.values(), timezone.localdate())
        if share > FULL:
            words = {"name": obj.employee.name, "share": round(share * 100), "day": day}
            messages.warning(request, _("%(name)s has %(share)d%% of a full time from %(day)s.") % words)

    @admin.display(description=_("department"), ordering="position__department__order")
    def department(self, assignment):
        return assignment.position.department


RESERVE = mark("reserve", _("reserve"))


class StoreChargeForm(forms.ModelForm):
    def clean_end(self):
        end = self.cleaned_data["end"]
        if self.instance.pk and end is None:
            raise forms.ValidationError(_("Say from which day on the charge no longer holds."))
        if self.instance.pk and end < clock.today():
            raise forms.ValidationError(_("A charge cannot end in the past."))
        return end


@admin.register(StoreCharge)
class StoreChargeAdmin(HistoryAdmin):
    """A charge is begun, and ended once; the stores open and close with it at once."""

    form = StoreChargeForm
    fixed_fields = ("employee", "store", "duty", "reserve", "start")
    list_display = ("store", "duty", "employee", RESERVE, "start", "end")
    list_filter = (InForceFilter, "store", ("duty", RelatedDropdownFilter))
    list_select_related = ("store", "employee", "duty")
    search_fields = ("employee__name", "employee__number", "employee__name_key", "store__name", "store__code")
    ordering = ("store__order", "-start", "-id")
    autocomplete_fields = ("employee",)
    fields = (("employee", "store"), ("duty", "reserve"), ("start", "end"))

    def has_change_permission(self, request, obj=None):
        over = obj is not None and obj.end is not None and obj.end <= timezone.localdate()
        return not over and super().has_change_permission(request, obj)

    def save_model(self, request, obj, form, change):
        if change:
            services.end_charge(obj.pk, end=obj.end, by=request.user)
            return
        charge = services.put_in_charge(
            employee=obj.employee_id,
            store=obj.store_id,
            duty=obj.duty_id,
            reserve=obj.reserve,
            start=obj.start,
            end=obj.end,
            by=request.user,
        )
        obj.pk = charge.pk


@admin.register(StoreDuty)
class StoreDutyAdmin(HistoryAdmin):
    """The list of what has to be answered for in every store."""

    fixed_fields = ("code",)
    list_display = ("name", "code", "order", "active")
    search_fields = ("name", "code")
    fields = (("code", "name"), ("order", "active"))


@admin.register(Delegation)
class DelegationAdmin(HistoryAdmin):
    fixed_fields = ("principal", "delegate", "start")
    list_display = ("principal", "delegate", "start", "end", "reason")
    list_filter = (InForceFilter,)
    list_select_related = ("principal", "delegate")
    search_fields = ("principal__name", "delegate__name")
    ordering = ("-start", "-id")
    autocomplete_fields = ("principal", "delegate")
    fields = (("principal", "delegate"), ("start", "end"), "reason")
