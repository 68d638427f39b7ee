"""Accounts and their roles. Accounts are deactivated, never deleted; nobody gives a role to himself or herself."""

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, Prefetch, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import escape, format_html, format_html_join
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportMixin
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.forms import UserCreationForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
)

from opsadmin import factors, passwords
from opsadmin.calendar import sentence, uncovered_years
from opsadmin.core import clock, workdays
from opsadmin.core.models import CalendarDay, User
from opsadmin.core.records import HistoryAdmin, ReadOnlyAdmin, RecordAdmin
from opsadmin.core.transfer import MasterResource, TransferMixin
from opsadmin.roles import BY_CODE, ROLES
from orgchart.models import EditorScope
from staffing import people, posts
from staffing import permissions as staffing_may
from staffing.access import sync_store_access
from staffing.models import Account, Employee, PositionRole, RoleGrant

ROLE_CODES = list(BY_CODE)
EDITING = "change_department"
KIND_WORDS = {"totp": _("Authenticator app"), "webauthn": _("Passkey")}
VERBS = {
    "view": pgettext_lazy("right", "view"),
    "add": pgettext_lazy("right", "add"),
    "change": pgettext_lazy("right", "change"),
    "delete": pgettext_lazy("right", "delete"),
}


def role_names(codes):
    """Return roles in words, in the order of the table of roles."""
    held = set(codes)
    return "、".join(str(role.name) for role in ROLES if role.code in held) or "—"


class RolesField(forms.ModelMultipleChoiceField):
    def __init__(self, **kwargs):
        roles = Group.objects.filter(name__in=ROLE_CODES)
        super().__init__(roles, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget, **kwargs)

    def label_from_instance(self, group):
        return str(BY_CODE[group.name].name)


class AccountFields(forms.ModelForm):
    """What an account is besides its password: whose it is, and which roles it holds."""

    roles = RolesField(label=_("roles"))
    employee = forms.ModelChoiceField(
        Employee.objects.filter(active=True),
        label=_("employee"),
        required=False,
        widget=UnfoldAdminSelect2Widget,
        help_text=_("Decisions carry this person's name and post of the day."),
    )

    class Meta:
        model = User
        fields = ("username", "name", "is_active")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["roles"] = list(roles_by_hand(self.instance))
            # Django shows a help text as it is, and posts and departments are named by people.
            self.fields["roles"].help_text = escape(roles_of_posts_in_words(self.instance))
            self.initial["employee"] = people.employee_of(self.instance)


class OwnAccountForm(AccountFields):
    """Roles and state of one's own accounts are shown, not offered: somebody else decides on them."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in ("roles", "employee", "is_active"):
            if name in self.fields:
                self.fields[name].disabled = True


class NewAccountForm(AccountFields, UserCreationForm):
    """``maker`` is whoever makes the account; set by the admin, since a form does not know it."""

    maker = None

    class Meta(AccountFields.Meta):
        fields = ("username", "name")

    def clean_employee(self):
        employee = self.cleaned_data["employee"]
        if employee is not None and employee == people.employee_of(self.maker):
            raise forms.ValidationError(_("Somebody else has to make an account of your own."))
        return employee


admin.site.unregister(Group)


@admin.register(User)
class AccountAdmin(RecordAdmin, UserAdmin):
    form = AccountFields
    change_form_outer_after_template = "op/signin/account_forms.html"
    add_form = NewAccountForm
    change_password_form = passwords.HandedOverForm
    fixed_fields = ("username",)
    readonly_fields = ("last_login", "date_joined", "new_password", "second_factors", "access")
    filter_horizontal = ()
    list_display = ("username", "name", "employee", "roles", "is_active", "last_login")
    list_filter = ("is_active",)
    list_select_related = ("account__employee",)
    search_fields = ("username", "name", "account__employee__name_key")
    ordering = ("username",)
    fieldsets = (
        (None, {"fields": (("username", "name"), "employee", "is_active")}),
        (_("Roles"), {"fields": ("roles",)}),
        (_("Dates"), {"fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets = (
        (None, {"fields": (("username", "name"), "employee", ("password1", "password2"))}),
        (_("Roles"), {"fields": ("roles",)}),
    )

    def get_queryset(self, request):
        roles = Prefetch("groups", Group.objects.filter(name__in=ROLE_CODES), to_attr="role_groups")
        return super().get_queryset(request).prefetch_related(roles)

    @admin.display(description=_("employee"), empty_value="—")
    def employee(self, user):
        return getattr(user, "account", None) and user.account.employee

    @admin.display(description=_("roles"))
    def roles(self, user):
        return role_names(group.name for group in user.role_groups)

    def get_fieldsets(self, request, obj=None):
        """The way to a new password stands only where it may be gone."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self.has_change_permission(request, obj):
            return fieldsets
        (name, account), *others = fieldsets
        own = () if is_own(request.user, obj) else ("access",)
        return [(name, {"fields": (*account["fields"], "second_factors", "new_password", *own)}), *others]

    @admin.display(description=_("Password"))
    def new_password(self, user):
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('<a class="op-btn op-btn-sm" href="{}">{}</a>', address, _("Set a new password"))

    @admin.display(description=_("Second factor"))
    def second_factors(self, user):
        kinds = [str(KIND_WORDS[factor.type]) for factor in factors.of(user)]
        return "、".join(kinds) or _("none")

    @admin.display(description=_("Access"))
    def access(self, user):
        """Buttons of forms that stand below this one: Enter in a field of this one must not press them."""
        buttons = (
            ("account_unlock", _("Unlock")),
            ("account_end_sessions", _("Sign out everywhere")),
            ("account_reset_second_factor", _("Reset the second factor")),
        )
        return format_html_join(
            " ",
            '<button class="op-btn op-btn-sm" form="{}">{}</button>',
            buttons,
        )

    def get_form(self, request, obj=None, **kwargs):
        if obj is not None and is_own(request.user, obj):
            kwargs["form"] = OwnAccountForm
        form = super().get_form(request, obj, **kwargs)
        return form if obj is not None else type("NewAccountForm", (form,), {"maker": request.user})

    def save_model(self, request, obj, form, change):
        obj.is_staff = True
        obj.is_superuser = False
        if not change:
            passwords.hand_over(obj)
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        if not is_own(request.user, form.instance):
            give_roles(form.instance, form.cleaned_data["roles"])
            link_employee(form.instance, form.cleaned_data["employee"])
        sync_store_access(clock.today())

    def construct_change_message(self, request, form, formsets, add=False):
        """Say which roles came and went, and whose account it became; the rest as usual."""
        said = []
        if "roles" in form.changed_data:
            before = role_names(group.name for group in form.initial.get("roles", ()))
            after = role_names(group.name for group in form.cleaned_data["roles"])
            said.append(gettext("Roles: %(before)s → %(after)s.") % {"before": before, "after": after})
        if "employee" in form.changed_data:
            names = {
                "before": form.initial.get("employee") or "—",
                "after": form.cleaned_data["employee"] or "—",
            }
            said.append(gettext("Employee: %(before)s → %(after)s.") % names)
        return " ".join(said) or super().construct_change_message(request, form, formsets, add)


def is_own(user, other):
    """Say whether an account is one's own: this one, or another one of the same person."""
    employee = people.employee_of(user)
    return user.pk == other.pk or (employee is not None and employee == people.employee_of(other))


def give_roles(user, groups):
    """Replace the roles that an account has by hand; those of its posts stay, and the groups of stores too."""
    kept = user.groups.exclude(name__in=ROLE_CODES)
    user.groups.set([*kept, *groups])
    RoleGrant.objects.filter(user=user).delete()
    posts.follow_posts(clock.today())


def roles_by_hand(user):
    granted = RoleGrant.objects.filter(user=user).values("group")
    return user.groups.filter(name__in=ROLE_CODES).exclude(pk__in=granted)


def roles_of_posts_in_words(user):
    """Return which roles go with the posts of an account, which nobody takes away here."""
    held = posts.roles_by_post(user, clock.today())
    words = "; ".join(f"{role_names([code])} ({post.department} · {post})" for code, post in held)
    return gettext("With posts: %(roles)s.") % {"roles": words} if words else ""


def link_employee(user, employee):
    if employee is None:
        Account.objects.filter(user=user).delete()
    else:
        Account.objects.update_or_create(user=user, defaults={"employee": employee})


class CalendarDayResource(MasterResource):
    class Meta:
        model = CalendarDay
        import_id_fields = ["date"]
        fields = ["date", "working", "name"]


@admin.register(CalendarDay)
class CalendarDayAdmin(TransferMixin, ImportExportMixin, RecordAdmin):
    """Holidays and make-up days that the built-in calendar does not know, or knows otherwise."""

    resource_classes = [CalendarDayResource]
    list_before_template = "admin/core/calendarday/known.html"
    list_display = ("date", "weekday", "kind", "name")
    list_filter = ("working",)
    search_fields = ("name", "date")
    date_hierarchy = "date"
    fields = ("date", "working", "name")

    def changelist_view(self, request, extra_context=None):
        years = uncovered_years()
        known = {
            "last_built_in_year": workdays.last_built_in_year(),
            "uncovered": sentence(years) if years else "",
        }
        return super().changelist_view(request, {**known, **(extra_context or {})})

    @admin.display(description=_("weekday"))
    def weekday(self, day):
        return date_format(day.date, "l")

    @admin.display(description=_("work or off"), ordering="working")
    def kind(self, day):
        return _("work") if day.working else _("off")


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin):
    """The roles as opsadmin.roles has them; they are changed there."""

    change_form_outer_after_template = "op/signin/role_forms.html"
    list_display = ("role", "name", "accounts", "second_factor_mark")
    fields = ("role", "name", "second_factor_rule", "rights")
    readonly_fields = ("role", "second_factor_rule", "rights")
    list_select_related = ("second_factor__required_by",)

    def get_queryset(self, request):
        active = Count("user", filter=Q(user__is_active=True))
        return super().get_queryset(request).filter(name__in=ROLE_CODES).annotate(accounts=active)

    @admin.display(description=_("role"))
    def role(self, group):
        return str(BY_CODE[group.name].name)

    @admin.display(description=_("accounts"))
    def accounts(self, group):
        return ngettext("%(n)d account", "%(n)d accounts", group.accounts) % {"n": group.accounts}

    @admin.display(description=_("second factor"))
    def second_factor_mark(self, group):
        return _("required") if hasattr(group, "second_factor") else "—"

    @admin.display(description=_("second factor"))
    def second_factor_rule(self, group):
        """Whether it is required, since when and by whom; and the button that says otherwise."""
        rule = getattr(group, "second_factor", None)
        known = rule and {"name": rule.required_by, "day": date_format(rule.required_at, "Y-m-d")}
        said = _("required since %(day)s, by %(name)s") % known if rule else _("not required")
        return format_html(
            '{} <button class="op-btn op-btn-sm" form="role_second_factor" name="required" value="{}">{}</button>',
            said,
            "0" if rule else "1",
            _("Require no more") if rule else _("Require"),
        )

    @admin.display(description=_("rights"))
    def rights(self, group):
        """Return what the role may do, one kind of thing a line, then the rights that have a name of their own."""
        plain, named = {}, []
        for permission in group.permissions.select_related("content_type"):
            verb, _sign, model = permission.codename.partition("_")
            if verb in VERBS and model == permission.content_type.model:
                plain.setdefault(permission.content_type.name, []).append(str(VERBS[verb]))
            else:
                named.append(gettext(permission.name))
        lines = [f"{name}: {', '.join(verbs)}" for name, verbs in plain.items()]
        return format_html_join("", "<div>{}</div>", ((line,) for line in [*lines, *named]))


class PositionRoleForm(forms.ModelForm):
    role = forms.ChoiceField(
        label=_("role"),
        required=False,
        choices=[("", _("none")), *[(role.code, role.name) for role in ROLES]],
        widget=UnfoldAdminSelectWidget,
        help_text=_(
            "Whoever holds the position holds this role, from the first day of the assignment to its last."
        ),
    )

    class Meta:
        model = PositionRole
        fields = ("position", "role")

    def clean(self):
        cleaned = super().clean()
        position = self.instance.position if self.instance.pk else cleaned.get("position")
        if position is not None and posts.holds(self.mapper, position):
            raise forms.ValidationError(
                _("You hold “%(post)s” yourself: somebody else has to say its role.") % {"post": position}
            )
        return cleaned


@admin.register(PositionRole)
class PositionRoleAdmin(HistoryAdmin):
    """Which position carries which role: said by the system administrator only."""

    form = PositionRoleForm
    fixed_fields = ("position",)
    list_display = ("position", "department", "role_word", "holders", "mapped_by", "mapped_at")
    list_filter = (("position__department", RelatedDropdownFilter),)
    list_select_related = ("position__department", "mapped_by")
    search_fields = ("position__title", "position__code", "position__department__name")
    autocomplete_fields = ("position",)
    fields = ("position", "role")

    def get_queryset(self, request):
        today = timezone.localdate()
        held = Q(position__assignments__start__lte=today) & (
            Q(position__assignments__end=None) | Q(position__assignments__end__gt=today)
        )
        count = Count("position__assignments__employee", filter=held, distinct=True)
        return super().get_queryset(request).annotate(holder_count=count)

    def has_add_permission(self, request):
        return staffing_may.may_map_roles(request.user)

    def has_change_permission(self, request, obj=None):
        return staffing_may.may_map_roles(request.user)

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        return type("PositionRoleForm", (form,), {"mapper": request.user})

    def save_model(self, request, obj, form, change):
        carried = posts.map_role(position=obj.position_id, role=obj.role, by=request.user)
        obj.pk = carried.pk

    @admin.display(description=_("department"), ordering="position__department__order")
    def department(self, carried):
        return carried.position.department

    @admin.display(description=_("role"), ordering="role")
    def role_word(self, carried):
        return role_names([carried.role])

    @admin.display(description=_("holders"), ordering="holder_count")
    def holders(self, carried):
        return carried.holder_count or "—"


class AccountChoice(forms.ModelChoiceField):
    widget = UnfoldAdminSelect2Widget


class RoleChoice(forms.ModelChoiceField):
    widget = UnfoldAdminSelectWidget

    def label_from_instance(self, group):
        return role_names([group.name])


class EditorScopeForm(forms.ModelForm):
    """Offered are those only who may edit the structure at all."""

    user = AccountChoice(User.objects.none(), label=_("account"), required=False)
    group = RoleChoice(Group.objects.none(), label=_("role"), required=False)

    class Meta:
        model = EditorScope
        fields = ("user", "group", "department")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "user" in self.fields:
            self.fields["user"].queryset = User.objects.with_perm(
                f"orgchart.{EDITING}", backend="opsadmin.backends.AccountBackend"
            )
        if "group" in self.fields:
            editing = Q(permissions__content_type__app_label="orgchart", permissions__codename=EDITING)
            self.fields["group"].queryset = Group.objects.filter(editing, name__in=ROLE_CODES)


@admin.register(EditorScope)
class EditorScopeAdmin(HistoryAdmin):
    """Who edits only below one department: said by the system administrator; whoever is not here edits everything."""

    form = EditorScopeForm
    list_display = ("who", "department", "kind")
    list_select_related = ("user", "group", "department")
    ordering = ("department__order", "pk")
    autocomplete_fields = ("department",)
    fields = (("user", "group"), "department")

    def has_delete_permission(self, request, obj=None):
        return request.user.has_perm("orgchart.delete_editorscope")

    @admin.display(description=_("who"))
    def who(self, scope):
        return str(scope.user) if scope.user_id else role_names([scope.group.name])

    @admin.display(description=pgettext_lazy("scope", "kind"))
    def kind(self, scope):
        return _("account") if scope.user_id else _("role")
