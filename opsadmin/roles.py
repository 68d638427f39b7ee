"""The one table of roles: what each of the nine roles of the company may do.

A role is a group of the same code; an account may hold several. Store scope is not here: it is granted per
store, to the store's group (staffing.access).
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True)
class Role:
    code: str
    name: str
    permissions: tuple
    decides: bool = True


def crud(*models):
    """Return view, add and change of the models; nothing here can be deleted."""
    labels = [model.split(".") for model in models]
    return tuple(f"{app}.{verb}_{model}" for app, model in labels for verb in ("view", "add", "change"))


def view(*models):
    return tuple("{}.view_{}".format(*model.split(".")) for model in models)


def transfer(*models):
    """Return import and export of the models (django-import-export asks for both by these names)."""
    labels = [model.split(".") for model in models]
    return tuple(f"{app}.{verb}_{model}" for app, model in labels for verb in ("import", "export"))


GOODS = ("stores.product", "stores.sku", "stores.listing")
STORES = ("stores.platform", "stores.brand", "stores.store")
ORGANISATION = ("orgchart.department", "orgchart.position")
WORK = ("orgchart.area", "orgchart.handoffflow", "orgchart.handoffstep")
STAFF = (
    *("staffing.employee", "staffing.assignment", "staffing.storecharge", "staffing.storeduty"),
    *("staffing.delegation", "staffing.workplan"),
)
FLOWS = ("approvals.flow", "approvals.flowversion", "approvals.flowstep")
DOCUMENTS = ("approvals.pricelist", "approvals.promotion", "stores.priceinforce")
ABOUT_ORGANISATION = ("approvals.reorganisation", "approvals.hiringrequest")
ASK_FOR_PEOPLE = ("approvals.view_hiringrequest", "approvals.draft_hiring_request")

READ_ALL = ("stores.span_stores", "stores.view_costs", "approvals.read_documents", "approvals.trace_prices")
BASICS = view(*DOCUMENTS, *STORES, *GOODS, *ORGANISATION)

ROLES = (
    Role(
        "product_strategy",
        _("product strategy"),
        (
            *BASICS,
            *crud("stores.product", "stores.sku"),
            *transfer("stores.product", "stores.sku"),
            "stores.span_stores",
            "stores.view_costs",
            "approvals.draft_price_list",
            "approvals.trace_prices",
            "approvals.take_part",
            "approvals.add_pricelist",
            *ASK_FOR_PEOPLE,
        ),
    ),
    Role(
        "ecommerce_manager",
        _("e-commerce manager"),
        (
            *BASICS,
            *READ_ALL,
            *view(*STAFF, *FLOWS, *ABOUT_ORGANISATION, "approvals.guardpolicy", *WORK, "orgchart.orgmodel"),
            *ASK_FOR_PEOPLE,
            "approvals.take_part",
            "approvals.propose_guard_policy",
            "approvals.search_archive",
        ),
    ),
    Role(
        "finance",
        pgettext_lazy("role", "finance"),
        (
            *BASICS,
            *READ_ALL,
            *view("approvals.guardpolicy", *ABOUT_ORGANISATION),
            *ASK_FOR_PEOPLE,
            "approvals.take_part",
            "approvals.file_documents",
            "approvals.search_archive",
            "approvals.verify_archive",
            "approvals.view_checkpointtarget",
            "approvals.propose_guard_policy",
        ),
    ),
    Role(
        "promotion",
        pgettext_lazy("role", "promotion"),
        (
            *BASICS,
            "stores.span_stores",
            "approvals.draft_promotion",
            "approvals.trace_prices",
            "approvals.take_part",
            "approvals.add_promotion",
            *ASK_FOR_PEOPLE,
        ),
    ),
    Role(
        "customer_service",
        _("customer service"),
        (*view(*DOCUMENTS, *STORES, *GOODS), "approvals.trace_prices", "approvals.take_part"),
    ),
    Role(
        "hr",
        pgettext_lazy("role", "HR"),
        (
            *crud(*ORGANISATION, *STAFF, *WORK),
            *transfer(*ORGANISATION, "staffing.employee", "staffing.assignment", "orgchart.area"),
            *("orgchart.delete_area", "orgchart.delete_handoffstep"),
            *view("orgchart.orgmodel", "orgchart.editorscope", "orgchart.findinglimits"),
            *view("stores.store", "stores.platform", "stores.brand", "staffing.positionrole"),
            *view(*ABOUT_ORGANISATION),
            *ASK_FOR_PEOPLE,
            "approvals.draft_reorganisation",
            "approvals.take_part",
            "stores.span_stores",
        ),
    ),
    Role(
        "general_manager",
        _("general manager"),
        (
            *BASICS,
            *READ_ALL,
            *view(*STAFF, *FLOWS, *ABOUT_ORGANISATION, "approvals.guardpolicy", *WORK, "orgchart.orgmodel"),
            *ASK_FOR_PEOPLE,
            "orgchart.confirm_finding",
            "approvals.take_part",
            "approvals.search_archive",
        ),
    ),
    Role(
        "administrator",
        _("system administrator"),
        (
            *crud("orgchart.findinglimits", "orgchart.editorscope"),
            "orgchart.delete_editorscope",
            *crud("core.user", "core.calendarday", "staffing.account", *STORES, *FLOWS, "stores.listing"),
            *transfer(*STORES, "stores.listing", "core.calendarday"),
            *view(
                "auth.group",
                "core.job",
                "core.auditentry",
                "core.heartbeat",
                "axes.accessattempt",
                "approvals.checkpointtarget",
                "approvals.guardpolicy",
                *ORGANISATION,
                *STAFF,
                *WORK,
                "orgchart.orgmodel",
                "stores.product",
                "stores.sku",
            ),
            "staffing.map_roles",
            "staffing.view_positionrole",
            "django_celery_beat.view_periodictask",
            "stores.span_stores",
        ),
        decides=False,
    ),
    Role(
        "auditor",
        pgettext_lazy("role", "auditor"),
        (
            *BASICS,
            *READ_ALL,
            *view(
                *STAFF,
                *FLOWS,
                *ABOUT_ORGANISATION,
                *WORK,
                *("orgchart.orgmodel", "orgchart.editorscope", "orgchart.findinglimits"),
                "approvals.guardpolicy",
                "core.user",
                "core.job",
                "core.auditentry",
                "core.calendarday",
                "staffing.account",
                "staffing.positionrole",
                "axes.accessattempt",
            ),
            "approvals.search_archive",
            "approvals.verify_archive",
            "approvals.view_checkpointtarget",
        ),
        decides=False,
    ),
)

BY_CODE = {role.code: role for role in ROLES}


def sync_roles():
    """Make the group of each role carry exactly the permissions of the table."""
    from django.contrib.auth.models import Group, Permission

    known = {
        f"{app}.{codename}": pk
        for pk, app, codename in Permission.objects.values_list("pk", "content_type__app_label", "codename")
    }
    for role in ROLES:
        group, _created = Group.objects.get_or_create(name=role.code)
        group.permissions.set([known[name] for name in dict.fromkeys(role.permissions)])
