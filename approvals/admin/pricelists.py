"""Price lists: the list, and a new one."""

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals import drafts, permissions
from approvals.admin.documentlists import list_context
from approvals.admin.draft import new_draft_page
from approvals.kinds import PRICE_LIST
from approvals.models import PriceListKind
from opsadmin.core.screens import page, screen


def may_list(user):
    return permissions.may_list(user, PRICE_LIST.code)


def may_draft(user):
    return permissions.may_draft(user, PRICE_LIST.code)


@screen("pricelists/", "pricelists", may=may_list)
def price_lists(request):
    return page(
        request,
        "approvals/documentlist.html",
        title=_("Price lists"),
        may_draft=may_draft(request.user),
        new_url=reverse("admin:pricelist_new"),
        new_label=_("New price list"),
        empty_title=_("No price list here."),
        empty_text=_("A price list begins as a draft: from a workbook, or line by line."),
        **list_context(request, PRICE_LIST),
    )


@screen("pricelists/new/", "pricelist_new", methods=("GET", "POST"), may=may_draft)
def new_price_list(request):
    usual = {"list_kind": PriceListKind.REGULAR, "effective_from": drafts.usual_start(PRICE_LIST.code)}
    return new_draft_page(request, PRICE_LIST, title=_("New price list"), usual=usual)
