"""Screens of the top floor: search over everything, notices, profile."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from opsadmin.core.screens import page, screen
from opsadmin.dashboard import role_names
from opsadmin.search import LONGEST, groups, only_answer
from staffing import people
from stores.models import Store
from stores.permissions import may_see_all_stores

PAGE_SIZE = 50


def search(request):
    """Find documents, archive records and goods by number, SKU or words of a title; a whole number opens its page."""
    text = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:LONGEST]
    found = groups(request.user, text) if text else {}
    if found:
        address = only_answer(text, found["documents"]["rows"], found["records"]["rows"])
        if address:
            return redirect(address)
    anything = any(group["rows"] for group in found.values())
    return page(request, "op/search.html", title=_("Search"), q=text, found=found, anything=anything)


@screen("notices/", "notices")
def notices(request):
    """The account's notices, newest first."""
    before = request.GET.get("before", "")
    rows = request.user.notices.order_by("-at", "-pk")
    if before.isdecimal():
        rows = rows.filter(pk__lt=int(before))
    rows = list(rows[: PAGE_SIZE + 1])
    pager = {
        "first": "?" if before else None,
        "next": f"?before={rows[PAGE_SIZE - 1].pk}" if len(rows) > PAGE_SIZE else None,
    }
    return page(request, "op/notices.html", title=_("Notices"), rows=rows[:PAGE_SIZE], pager=pager)


@screen("notices/read/", "notices_read", methods=("POST",))
def read_notices(request):
    """Mark every notice as read."""
    request.user.notices.filter(read_at=None).update(read_at=timezone.now())
    return redirect("admin:notices")


@screen("notices/<int:pk>/open/", "notice_open", methods=("POST",))
def open_notice(request, pk):
    """Mark one notice as read and go where it points."""
    notice = get_object_or_404(request.user.notices, pk=pk)
    request.user.notices.filter(pk=pk, read_at=None).update(read_at=timezone.now())
    inside = url_has_allowed_host_and_scheme(notice.url, {request.get_host()})
    return redirect(notice.url if notice.url and inside else "admin:notices")


@screen("profile/", "profile", methods=("GET", "POST"))
def profile(request):
    """Who I am to the system, and the few things that I choose myself."""
    user = request.user
    if request.method == "POST":
        user.keys_off = "keys" not in request.POST
        user.save(update_fields=["keys_off"])
        messages.success(request, _("Saved."))
        return redirect("admin:profile")
    _name, position, department = people.post_of(user, timezone.localdate())
    return page(
        request,
        "op/profile.html",
        title=_("Profile"),
        roles=role_names(user),
        position=position,
        department=department,
        all_stores=may_see_all_stores(user),
        stores=Store.objects.visible_to(user),
    )
