"""Flows and their versions. Versions in use are read only; the next one is drafted, changed and published."""

from django import forms
from django.contrib import admin, messages
from django.db.models import OuterRef, Subquery
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import StackedInline, TabularInline
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelect2Widget, UnfoldAdminSelectWidget

from approvals import permissions
from approvals.campaigns import REQUIRED
from approvals.flow import versions
from approvals.models import AssigneeKind, Flow, FlowStep, FlowVersion, FlowVersionState, StepKind
from opsadmin.core.models import User
from opsadmin.core.records import RecordAdmin
from opsadmin.core.refusals import Refusal
from opsadmin.core.stale import SeenField, SeenMixin
from orgchart.models import Department, OrgStatus, Position

LEVELS = (1, 2, 3)


def who_choices():
    """Return the ways of saying who, as groups of (value, words); a value is "kind:which"."""
    from opsadmin.roles import ROLES

    roles = [(role.code, str(role.name)) for role in ROLES if role.decides]
    positions = Position.objects.filter(status=OrgStatus.ACTIVE).select_related("department")
    titles = [(position.code, f"{position.department} · {position}") for position in positions]
    departments = Department.objects.values_list("code", "name")
    people = [(user.username, str(user)) for user in User.objects.filter(is_active=True)]
    levels = [(level, _("level %(n)d") % {"n": level}) for level in LEVELS]
    groups = [
        (AssigneeKind.ROLE, roles),
        (AssigneeKind.POSITION, titles),
        (AssigneeKind.DEPARTMENT_HEAD, departments),
        (AssigneeKind.SUPERIOR, levels),
        (AssigneeKind.STORE_CHARGE, [("", AssigneeKind.STORE_CHARGE.label)]),
        (AssigneeKind.CHOSEN, roles),
        (AssigneeKind.PERSON, people),
    ]
    return [("", "—")] + [
        (kind.label, [(f"{kind.value}:{which}", words) for which, words in members])
        for kind, members in groups
    ]


def who_in_words(kind, which, level):
    """Return in words whom a step asks."""
    from opsadmin.roles import BY_CODE

    if not kind:
        return "—"
    label = AssigneeKind(kind).label
    if kind == AssigneeKind.STORE_CHARGE:
        return label
    names = {
        AssigneeKind.ROLE: lambda: BY_CODE[which].name if which in BY_CODE else which,
        AssigneeKind.CHOSEN: lambda: BY_CODE[which].name if which in BY_CODE else which,
        AssigneeKind.POSITION: lambda: Position.objects.filter(code=which).first() or which,
        AssigneeKind.DEPARTMENT_HEAD: lambda: Department.objects.filter(code=which).first() or which,
        AssigneeKind.SUPERIOR: lambda: _("level %(n)d") % {"n": level},
        AssigneeKind.PERSON: lambda: User.objects.filter(username=which).first() or which,
    }
    return f"{label}: {names[kind]()}"


class StepForm(forms.ModelForm):
    """A step in words: who, and who else if there is nobody, are one choice each; a condition is fact and limit."""

    place = forms.IntegerField(label=gettext_lazy("order"), min_value=1, widget=UnfoldAdminIntegerFieldWidget)
    who = forms.ChoiceField(label=gettext_lazy("who"), widget=UnfoldAdminSelect2Widget)
    fallback_who = forms.ChoiceField(
        label=gettext_lazy("if nobody: who"), required=False, widget=UnfoldAdminSelect2Widget
    )
    fact = forms.ChoiceField(
        label=gettext_lazy("only if"),
        required=False,
        choices=[("", "—"), *versions.FACT_WORDS.items()],
        widget=UnfoldAdminSelectWidget,
    )
    above = forms.IntegerField(
        label=gettext_lazy("is above"), required=False, min_value=0, widget=UnfoldAdminIntegerFieldWidget
    )

    class Meta:
        model = FlowStep
        fields = ("kind", "name", "quorum", "quorum_number", "edits_lines", "days_before")

    def __init__(self, *args, who, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("who", "fallback_who"):
            self.fields[name].choices = who
        step = self.instance
        if step.pk:
            which = step.level if step.assignee_kind == AssigneeKind.SUPERIOR else step.assignee
            self.initial |= {
                "place": step.order,
                "who": f"{step.assignee_kind}:{which}",
                "fallback_who": f"{step.fallback_kind}:{step.fallback}" if step.fallback_kind else "",
                "fact": step.condition.get("fact", ""),
                "above": step.condition.get("above"),
            }

    def clean(self):
        data = super().clean()
        step = self.instance
        kind, _colon, which = (data.get("who") or ":").partition(":")
        superior = kind == AssigneeKind.SUPERIOR
        step.assignee_kind, step.assignee, step.level = (
            kind,
            "" if superior else which,
            int(which) if superior else 1,
        )
        step.fallback_kind, _colon, step.fallback = (data.get("fallback_who") or ":").partition(":")
        if data.get("fact") and data.get("above") is None:
            self.add_error("above", _("Write the number above which the step is needed."))
        step.condition = {"fact": data["fact"], "above": data.get("above")} if data.get("fact") else {}
        step.fields = list(REQUIRED) if data.get("kind") == StepKind.COMPLETE else []
        return data


class SeenStepForm(SeenMixin, StepForm):
    """Whoever saves a step that somebody has changed meanwhile is shown both versions first."""

    seen = SeenField(required=False)

    # Templates call what they can: without a choice of people this form cannot be made.
    def __init__(self, *args, who, **kwargs):
        super().__init__(*args, who=who, **kwargs)


class StepFormSet(forms.BaseInlineFormSet):
    """Reads the choices of "who" once for all steps; what was shown are all steps of the version, or none is saved."""

    def clean(self):
        super().clean()
        shown = {str(form.data.get(form.add_prefix("id"), "")) for form in self.initial_forms}
        now = {str(step.pk): step.name for step in self.instance.steps.all()}
        if shown != set(now):
            sentence = _(
                "Somebody added or removed steps meanwhile; now there are: %(steps)s. Load the page again."
            )
            raise forms.ValidationError(sentence % {"steps": "、".join(now.values())})

    def get_form_kwargs(self, index):
        if not hasattr(self, "who"):
            self.who = who_choices()
        return {**super().get_form_kwargs(index), "who": self.who}


class StepInline(StackedInline):
    model = FlowStep
    form = SeenStepForm
    formset = StepFormSet
    extra = 0
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("place", "kind", "name"),
                    ("who", "fallback_who"),
                    ("fact", "above", "days_before"),
                    ("quorum", "quorum_number", "edits_lines"),
                    "seen",
                )
            },
        ),
    )

    def may_change(self, request, version):
        drafted = version is not None and version.state == FlowVersionState.DRAFT
        return drafted and permissions.may_change_flows(request.user)

    def has_add_permission(self, request, obj=None):
        return self.may_change(request, obj)

    has_change_permission = has_delete_permission = has_add_permission


class StepList(TabularInline):
    """The steps of a version that has been in use."""

    model = FlowStep
    fields = readonly_fields = (
        *("order", "kind", "name", "who", "only_if", "quorum", "edits", "days_before", "if_nobody"),
    )
    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request, obj=None):
        return False

    has_change_permission = has_add_permission

    @admin.display(description=gettext_lazy("who"))
    def who(self, step):
        return who_in_words(step.assignee_kind, step.assignee, step.level)

    @admin.display(description=gettext_lazy("may change and strike lines"))
    def edits(self, step):
        return _("yes") if step.edits_lines else "—"

    @admin.display(description=gettext_lazy("if nobody: who"))
    def if_nobody(self, step):
        return who_in_words(step.fallback_kind, step.fallback, step.level)

    @admin.display(description=gettext_lazy("only if"))
    def only_if(self, step):
        if not step.condition:
            return "—"
        return f"{versions.FACT_WORDS[step.condition['fact']]} > {step.condition['above']}"


class VersionList(TabularInline):
    model = FlowVersion
    fields = readonly_fields = ("link", "state", "published_by", "published_at")
    ordering = ("-number",)
    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request, obj=None):
        return False

    has_change_permission = has_add_permission

    @admin.display(description=gettext_lazy("version"))
    def link(self, version):
        address = reverse("admin:approvals_flowversion_change", args=[version.pk])
        return format_html('<a href="{}">{}</a>', address, version.number)


@admin.register(Flow)
class FlowAdmin(RecordAdmin):
    fixed_fields = ("code", "kind")
    list_display = ("name", "kind", "in_use")
    fields = (("name", "kind"), "code")
    inlines = (VersionList,)
    change_form_outer_before_template = "approvals/flow_actions.html"

    def has_add_permission(self, request):
        return False

    def get_queryset(self, request):
        in_use = FlowVersion.objects.filter(state=FlowVersionState.IN_USE)
        number = Subquery(in_use.filter(flow=OuterRef("pk")).values("number")[:1])
        return super().get_queryset(request).annotate(version_in_use=number)

    @admin.display(description=gettext_lazy("version in use"))
    def in_use(self, flow):
        return flow.version_in_use or "—"

    def get_urls(self):
        new = path(
            "<int:pk>/new-version/",
            self.admin_site.admin_view(self.new_version),
            name="approvals_flow_new_version",
        )
        return [new, *super().get_urls()]

    @method_decorator(require_POST)
    def new_version(self, request, pk):
        flow = get_object_or_404(Flow, pk=pk)
        version = versions.new_version(flow.pk, by=request.user)
        messages.success(
            request, _("Version %(n)d is drafted. Change it, then publish it.") % {"n": version.number}
        )
        return HttpResponseRedirect(reverse("admin:approvals_flowversion_change", args=[version.pk]))


@admin.register(FlowVersion)
class FlowVersionAdmin(RecordAdmin):
    list_display = ("flow", "number", "state", "published_by", "published_at")
    list_select_related = ("flow", "published_by")
    ordering = ("flow", "-number")
    readonly_fields = ("flow", "number", "state", "published_by", "published_at")
    fields = (("flow", "number", "state"), ("published_by", "published_at"))
    change_form_outer_before_template = "approvals/flowversion_actions.html"

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        drafted = obj is None or obj.state == FlowVersionState.DRAFT
        return drafted and super().has_change_permission(request, obj)

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        """A draft that somebody has published meanwhile says so; nothing of what was sent is written."""
        published = FlowVersion.objects.filter(pk=object_id).exclude(state=FlowVersionState.DRAFT).first()
        if published and "steps-TOTAL_FORMS" in request.POST and permissions.may_change_flows(request.user):
            raise Refusal(
                _("Version %(n)d is no draft any more: %(state)s. Nothing was saved.")
                % {"n": published.number, "state": published.get_state_display()},
                code="state",
            )
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_inlines(self, request, obj):
        drafted = obj is not None and obj.state == FlowVersionState.DRAFT
        return [StepInline] if drafted and self.has_change_permission(request, obj) else [StepList]

    def save_formset(self, request, form, formset, change):
        """Number the steps anew in the order that was typed; the numbers are free while they change."""
        formset.save(commit=False)
        for step in formset.deleted_objects:
            step.delete()
        kept = [step for step in formset.forms if step.has_changed() or step.instance.pk]
        kept = [step for step in kept if step not in formset.deleted_forms]
        version = form.instance
        for step in version.steps.order_by("-order"):
            FlowStep.objects.filter(pk=step.pk).update(order=step.order + 1000)
        for number, step in enumerate(sorted(kept, key=lambda step: step.cleaned_data["place"]), start=1):
            step.instance.version, step.instance.order = version, number
            step.instance.save()

    def get_urls(self):
        publish = path(
            "<int:pk>/publish/",
            self.admin_site.admin_view(self.publish),
            name="approvals_flowversion_publish",
        )
        return [publish, *super().get_urls()]

    @method_decorator(require_POST)
    def publish(self, request, pk):
        version = get_object_or_404(FlowVersion, pk=pk)
        try:
            versions.publish(version.pk, by=request.user)
            messages.success(
                request, _("Version %(n)d is in use for new submissions.") % {"n": version.number}
            )
        except Refusal as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:approvals_flowversion_change", args=[pk]))
