"""The admin site: where screens hang, navigation by right, one stylesheet, one script."""

from datetime import timedelta
from functools import partial
from importlib import import_module

from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from approvals import permissions as approvals_may
from opsadmin.core.counting import count_up_to
from opsadmin.core.models import Heartbeat
from opsadmin.core.screens import screen_urls
from opsadmin.permissions import may_view
from opsadmin.signin import SignInForm
from staffing import permissions as staffing_may

SCREEN_MODULES = (
    "opsadmin.screens",
    "approvals.admin.screens",
    "staffing.screens",
    "staffing.boards.screens",
)
SILENT_AFTER = timedelta(minutes=10)


def stylesheet(request):
    return static("opsadmin/opsadmin.css")


def script(request):
    return static("opsadmin/opsadmin.js")


class OpsAdminSite(UnfoldAdminSite):
    """Every screen of ours is a view of this site, so that sign-in is asked in one place."""

    index_title = _("Dashboard")
    login_form = SignInForm

    def has_permission(self, request):
        return request.user.is_active and request.user.is_authenticated

    def extra_urls(self):
        for module in SCREEN_MODULES:
            import_module(module)
        return screen_urls(self)

    def get_sidebar_list(self, request):
        return navigation(request)

    def extra_context(self, context, request):
        """Add what the frame of every page shows beside the navigation; read only when it is rendered."""
        if self.has_permission(request):
            context["scheduler"] = SimpleLazyObject(scheduler)
            context["notice_count"] = SimpleLazyObject(partial(unread_notices, request.user))
        return context

    def search(self, request, extra_context=None):
        """Search documents, archive and goods; the stock search caches results and lists names of models."""
        from opsadmin.screens import search

        return search(request)


def scheduler():
    """Return when deadlines were last checked, in words, and whether that is too long ago."""
    at = Heartbeat.objects.filter(name="check_deadlines").values_list("at", flat=True).first()
    if at is None:
        return {"at": None, "late": True, "label": gettext("Deadlines have never been checked")}
    late = timezone.now() - at > SILENT_AFTER
    known = {"time": timezone.localtime(at).strftime("%m-%d %H:%M" if late else "%H:%M")}
    label = (
        gettext("Deadlines checked %(time)s · silent")
        if late
        else gettext("Deadlines checked %(time)s · normal")
    )
    return {"at": at, "late": late, "label": label % known}


def unread_notices(user):
    return count_up_to(user.notices.filter(read_at=None))


def inbox_count(user):
    """Return how many tasks wait for the account; nothing is shown for none."""
    from approvals.models import Task

    return count_up_to(Task.objects.waiting_for(user))


def item(title, icon, name, allowed=True, count=None):
    """Return one entry of the navigation, or None when the account may not open it."""
    if not allowed:
        return None
    return {"title": title, "icon": icon, "link": reverse(f"admin:{name}"), "badge": count}


def navigation(request):
    """Return the sidebar: groups of entries, those only that the account may open."""
    user = request.user
    groups = [
        (
            None,
            item(_("Dashboard"), "home", "index"),
            item(
                _("Inbox"),
                "inbox",
                "inbox",
                approvals_may.may_take_part(user),
                count=SimpleLazyObject(partial(inbox_count, user)),
            ),
        ),
        (
            _("Prices"),
            item(_("Price lists"), "tag", "pricelists", may_view(user, "approvals.pricelist")),
            item(_("Promotions"), "gift", "promotions", may_view(user, "approvals.promotion")),
            item(_("Prices in force"), "yuan", "prices_in_force", may_view(user, "stores.priceinforce")),
            item(_("Price trace"), "trace", "price_trace", approvals_may.may_trace_prices(user)),
        ),
        (
            _("Execution"),
            item(_("Store execution"), "store", "execution", approvals_may.may_see_execution(user)),
        ),
        (
            _("Archive"),
            item(_("Archive search"), "archive", "archive", approvals_may.may_search_archive(user)),
            item(_("Archive check"), "shield", "archive_check", approvals_may.may_verify_archive(user)),
        ),
        (
            _("Organisation"),
            item(_("Organisation chart"), "org", "org_chart"),
            masters(user, _("Departments"), "org", "orgchart.department"),
            masters(user, pgettext_lazy("job", "Positions"), "plan", "orgchart.position"),
            item(_("Headcount plan"), "people", "headcount"),
            item(
                _("Reorganisations"),
                "flow",
                "reorganisations",
                approvals_may.may_read_reorganisations(user),
            ),
            item(_("Findings"), "warn", "findings"),
            item(_("Hiring requests"), "plus", "hiring_requests", may_view(user, "approvals.hiringrequest")),
            masters(user, _("Employees"), "user", "staffing.employee"),
            masters(user, _("Assignments"), "user", "staffing.assignment"),
            item(_("Joiners and leavers"), "drift", "movements", staffing_may.may_see_people(user)),
            item(_("Work plans"), "plan", "workplans"),
            item(_("Store duties"), "list", "storeteam", staffing_may.may_see_store_team(user)),
            masters(user, _("Store charges"), "store", "staffing.storecharge"),
            masters(user, _("Delegations"), "key", "staffing.delegation"),
        ),
        (
            _("Masters"),
            masters(user, _("Stores"), "store", "stores.store"),
            masters(user, _("Platforms"), "globe", "stores.platform"),
            masters(user, _("Brands"), "stamp", "stores.brand"),
            masters(user, _("Products"), "gift", "stores.product"),
            masters(user, "SKU", "tag", "stores.sku"),
            masters(user, _("Listings"), "list", "stores.listing"),
        ),
        (
            _("Settings"),
            masters(user, _("Flows"), "flow", "approvals.flow"),
            item(_("Guard policy"), "gear", "guard_policy", may_view(user, "approvals.guardpolicy")),
            masters(user, _("Accounts"), "user", "core.user"),
            masters(user, _("Roles of positions"), "key", "staffing.positionrole"),
            masters(user, _("Roles"), "people", "auth.group"),
            masters(user, _("Failed sign-ins"), "lock", "axes.accessattempt"),
            masters(user, _("Working calendar"), "plan", "core.calendarday"),
            masters(user, _("Jobs"), "clock", "core.job"),
        ),
    ]
    shown = [{"title": title, "items": [entry for entry in items if entry]} for title, *items in groups]
    mark_current(shown, request.path)
    return [group for group in shown if group["items"]]


def masters(user, title, icon, model):
    """Return the entry for the stock list of a model."""
    app, name = model.split(".")
    return item(title, icon, f"{app}_{name}_changelist", may_view(user, model))


def mark_current(groups, path):
    """Mark the entry whose address is the longest beginning of the path; the root only stands for itself."""
    root = reverse("admin:index")
    entries = [entry for group in groups for entry in group["items"]]
    fitting = [e for e in entries if path == e["link"] or (e["link"] != root and path.startswith(e["link"]))]
    if fitting:
        max(fitting, key=lambda entry: len(entry["link"]))["active"] = True
