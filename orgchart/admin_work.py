"""Areas of work and hand-offs in the admin: what the papers list, and HR goes on with."""

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportMixin
from unfold.admin import TabularInline

from opsadmin.core.records import HistoryAdmin
from opsadmin.core.transfer import TransferMixin
from orgchart.findings.queue import check_later
from orgchart.models import Authority, ChangeItem, Duty, HandoffStep
from orgchart.resources import AreaResource

APART = 1_000


class Rechecked:
    """A record by which findings are judged: they are looked for again once it is saved."""

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        check_later()


def is_used(area):
    """Whether anything names an area: a duty, a power, a step of a hand-off, or a change that was recorded."""
    named = Q(after__area=area.code) | Q(before__area=area.code)
    live = (model.objects.filter(area=area).exists() for model in (Duty, Authority, HandoffStep))
    return any(live) or ChangeItem.objects.filter(named, entity__in=("duty", "authority")).exists()


class AreaAdmin(TransferMixin, ImportExportMixin, Rechecked, HistoryAdmin):
    """The controlled list of areas of work; one that is in use stays."""

    resource_classes = [AreaResource]
    fixed_fields = ("code",)
    list_display = ("name", "code", "order", "duties", "steps_named")
    list_per_page = 100
    search_fields = ("code", "name")
    ordering = ("order", "code")
    fields = (("code", "name"), "order")

    def get_queryset(self, request):
        counts = {"duties": Duty, "steps_named": HandoffStep}
        return (
            super()
            .get_queryset(request)
            .annotate(**{f"{name}_n": number_of(model) for name, model in counts.items()})
        )

    @admin.display(description=_("duties"), ordering="duties_n")
    def duties(self, area):
        return area.duties_n or "—"

    @admin.display(description=_("steps of hand-offs"), ordering="steps_named_n")
    def steps_named(self, area):
        return area.steps_named_n or "—"

    def has_delete_permission(self, request, obj=None):
        return obj is not None and request.user.has_perm("orgchart.delete_area") and not is_used(obj)


def number_of(model):
    """Return how many rows of a model name the area of the outer query."""
    rows = model.objects.filter(area=OuterRef("pk")).order_by().values("area").annotate(n=Count("pk"))
    return Coalesce(Subquery(rows.values("n")), 0)


class StepForm(forms.ModelForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("area", "department"):
            for what in ("can_add_related", "can_change_related", "can_view_related"):
                setattr(self.fields[name].widget, what, False)

    def _get_validation_exclusions(self):
        """Two steps may change places in one form: their numbers are given anew when all are saved."""
        return super()._get_validation_exclusions() | {"order"}

    def clean(self):
        cleaned = super().clean()
        if not cleaned.get("text") and not cleaned.get("lost"):
            self.add_error("text", _("Say what is done in this step, or mark it as lost."))
        return cleaned


class StepFormSet(BaseInlineFormSet):
    """The steps of one hand-off, numbered from 1 in the order that was typed."""

    def validate_unique(self):
        """Nothing: equal numbers are settled by the order of the rows."""

    @transaction.atomic
    def save(self, commit=True):
        self.new_objects, self.changed_objects, self.deleted_objects = [], [], []
        for form in self.deleted_forms:
            if form.instance.pk:
                self.deleted_objects.append(form.instance)
                form.instance.delete()
        HandoffStep.objects.filter(flow=self.instance).update(order=F("order") + APART)
        kept = [form for form in self.forms if form not in self.deleted_forms and self.is_filled(form)]
        for number, form in enumerate(sorted(kept, key=lambda form: form.cleaned_data["order"]), 1):
            self.save_step(form, number)
        return [*self.new_objects, *(step for step, _fields in self.changed_objects)]

    def is_filled(self, form):
        return bool(form.instance.pk) or form.has_changed()

    def save_step(self, form, number):
        """Save a step with its number; one that stays as it was gets no new line in its history."""
        step, new = form.instance, form.instance.pk is None
        if not new and not form.has_changed() and form.initial.get("order") == number:
            HandoffStep.objects.filter(pk=step.pk).update(order=number)
            return
        step.flow, step.order = self.instance, number
        step.save()
        if new:
            self.new_objects.append(step)
        else:
            self.changed_objects.append((step, form.changed_data))


class StepInline(TabularInline):
    model = HandoffStep
    form, formset = StepForm, StepFormSet
    fields = ("order", "text", "area", "department", "lost")
    extra = 0
    hide_title = True
    ordering = ("order",)


class HandoffFlowAdmin(Rechecked, HistoryAdmin):
    """Work that passes through several hands: who answers for a step are the main duties of its area."""

    fixed_fields = ("code",)
    list_display = ("name", "code", "steps_n", "without_area", "source_ref")
    search_fields = ("code", "name")
    fields = (("code", "name"), ("source_ref", "guessed"))
    inlines = (StepInline,)

    def get_queryset(self, request):
        open_steps = Count("steps", filter=Q(steps__area=None, steps__lost=False))
        return super().get_queryset(request).annotate(n=Count("steps"), open_n=open_steps)

    @admin.display(description=_("steps"), ordering="n")
    def steps_n(self, flow):
        return flow.n or "—"

    @admin.display(description=_("steps without an area"), ordering="open_n")
    def without_area(self, flow):
        return flow.open_n or "—"
