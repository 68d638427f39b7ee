"""What the sidebar offers: one table of groups and entries, shown to whoever may open them."""

from dataclasses import dataclass
from functools import partial

from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from approvals import permissions as approvals_may
from opsadmin.core.counting import count_up_to
from opsadmin.permissions import may_read_audit, may_view
from orgchart import permissions as orgchart_may
from staffing import permissions as staffing_may


@dataclass(frozen=True)
class Entry:
    """One line of the sidebar: a screen of ours, or the stock list of a model (``app.model``).

    Without ``may``, a screen is everybody's, and a list is for who may view its model.
    """

    title: str
    icon: str
    leads_to: str
    may: object = None
    count: object = None

    @property
    def address(self):
        name = self.leads_to.replace(".", "_") + "_changelist" if "." in self.leads_to else self.leads_to
        return reverse(f"admin:{name}")

    def allowed(self, user):
        if self.may:
            return self.may(user)
        return "." not in self.leads_to or may_view(user, self.leads_to)

    def shown(self, user):
        badge = SimpleLazyObject(partial(self.count, user)) if self.count else None
        return {"title": self.title, "icon": self.icon, "link": self.address, "badge": badge}


def of_model(model):
    """Return the question whether somebody may view ``app.model``, for a screen of ours about it."""
    return lambda user: may_view(user, model)


def inbox_count(user):
    """Return how many tasks wait for the account; nothing is shown for none."""
    from approvals.models import Task

    return count_up_to(Task.objects.waiting_for(user))


GROUPS = (
    (
        None,
        Entry(_("Dashboard"), "home", "index"),
        Entry(_("Inbox"), "inbox", "inbox", approvals_may.may_take_part, inbox_count),
    ),
    (
        _("Prices"),
        Entry(_("Price lists"), "tag", "pricelists", of_model("approvals.pricelist")),
        Entry(_("Promotions"), "gift", "promotions", of_model("approvals.promotion")),
        Entry(_("Prices in force"), "yuan", "prices_in_force", of_model("stores.priceinforce")),
        Entry(_("Price trace"), "trace", "price_trace", approvals_may.may_trace_prices),
    ),
    (
        _("Execution"),
        Entry(_("Store execution"), "store", "execution", approvals_may.may_see_execution),
    ),
    (
        _("Archive"),
        Entry(_("Archive search"), "archive", "archive", approvals_may.may_search_archive),
        Entry(_("Archive check"), "shield", "archive_check", approvals_may.may_verify_archive),
        Entry(_("Checkpoints elsewhere"), "globe", "checkpoints", approvals_may.may_see_checkpoints),
    ),
    (
        _("Organisation"),
        Entry(_("Organisation chart"), "org", "org_chart"),
        Entry(_("Departments"), "org", "orgchart.department"),
        Entry(pgettext_lazy("job", "Positions"), "plan", "orgchart.position"),
        Entry(_("Headcount plan"), "people", "headcount"),
        Entry(_("Reorganisations"), "flow", "reorganisations", approvals_may.may_read_reorganisations),
        Entry(_("Findings"), "warn", "findings"),
        Entry(_("Hiring requests"), "plus", "hiring_requests", of_model("approvals.hiringrequest")),
        Entry(_("Employees"), "user", "staffing.employee"),
        Entry(_("Assignments"), "user", "staffing.assignment"),
        Entry(_("Joiners and leavers"), "drift", "movements", staffing_may.may_see_people),
        Entry(_("Work plans"), "plan", "workplans"),
        Entry(_("Store duties"), "list", "storeteam", staffing_may.may_see_store_team),
        Entry(_("Store charges"), "store", "staffing.storecharge"),
        Entry(_("Delegations"), "key", "staffing.delegation"),
        Entry(_("Organisation settings"), "gear", "org_settings", orgchart_may.may_see_settings),
    ),
    (
        _("Masters"),
        Entry(_("Stores"), "store", "stores.store"),
        Entry(_("Platforms"), "globe", "stores.platform"),
        Entry(_("Brands"), "stamp", "stores.brand"),
        Entry(_("Products"), "gift", "stores.product"),
        Entry("SKU", "tag", "stores.sku"),
        Entry(_("Listings"), "list", "stores.listing"),
    ),
    (
        _("Settings"),
        Entry(_("Flows"), "flow", "approvals.flow"),
        Entry(_("Guard policy"), "gear", "guard_policy", of_model("approvals.guardpolicy")),
        Entry(_("Accounts"), "user", "core.user"),
        Entry(_("Roles of positions"), "key", "staffing.positionrole"),
        Entry(_("Roles"), "people", "auth.group"),
        Entry(_("Failed sign-ins"), "lock", "axes.accessattempt"),
        Entry(_("Audit log"), "shield", "audit", may_read_audit),
        Entry(_("Working calendar"), "plan", "core.calendarday"),
        Entry(_("Jobs"), "clock", "core.job"),
    ),
)


def navigation(request):
    """Return the sidebar: groups of entries, those only that the account may open."""
    user = request.user
    groups = [
        {"title": title, "items": [entry.shown(user) for entry in entries if entry.allowed(user)]}
        for title, *entries in GROUPS
    ]
    mark_current(groups, request.path)
    return [group for group in groups if group["items"]]


def mark_current(groups, path):
    """Mark the entry whose address is the longest beginning of the path; the root only stands for itself."""
    root = reverse("admin:index")
    entries = [entry for group in groups for entry in group["items"]]
    fitting = [e for e in entries if path == e["link"] or (e["link"] != root and path.startswith(e["link"]))]
    if fitting:
        max(fitting, key=lambda entry: len(entry["link"]))["active"] = True
