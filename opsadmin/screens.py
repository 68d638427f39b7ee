"""Screens of the top floor: search over everything, notices, profile."""

from django.shortcuts import redirect
from django.utils.translation import gettext as _

from opsadmin.core.screens import page, screen


def search(request):
    """Find documents, archive records and goods by number, SKU or words of a title."""
    return page(request, "op/search.html", title=_("Search"))


@screen("notices/", "notices")
def notices(request):
    return page(request, "op/notices.html", title=_("Notices"))


@screen("profile/", "profile", methods=("GET", "POST"))
def profile(request):
    return redirect("admin:index")
