"""Promotions: the list, a new one, and the draft at work. Everything else is the same for every kind of document."""

from django.urls import reverse
from django.utils.translation import gettext as _

from approvals import drafts, permissions
from approvals.admin.documentlists import list_context
from approvals.admin.draft import draft_page, new_draft_page
from approvals.kinds import PROMOTION
from approvals.models import PromotionKind
from opsadmin.core.screens import page, screen


def may_list(user):
    return permissions.may_list(user, PROMOTION.code)


def may_draft(user):
    return permissions.may_draft(user, PROMOTION.code)


@screen("promotions/", "promotions", may=may_list)
def promotions(request):
    return page(
        request,
        "approvals/documentlist.html",
        title=_("Promotions"),
        may_draft=may_draft(request.user),
        new_url=reverse("admin:promotion_new"),
        new_label=_("New promotion"),
        empty_title=_("No promotion here."),
        empty_text=_("A promotion begins as a draft: its window and limits first, then its goods."),
        **list_context(request, PROMOTION),
    )


@screen("promotions/new/", "promotion_new", methods=("GET", "POST"), may=may_draft)
def new_promotion(request):
    usual = {"promotion_kind": PromotionKind.MARKDOWN, "effective_from": drafts.usual_start(PROMOTION.code)}
    return new_draft_page(request, PROMOTION, title=_("New promotion"), usual=usual)


@screen("promotions/<int:pk>/", "promotion")
def promotion(request, pk):
    return draft_page(request, pk, PROMOTION)
