"""The admin site: where screens hang, one stylesheet, one script."""

from datetime import timedelta
from functools import partial
from importlib import import_module

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from opsadmin.core.counting import count_up_to
from opsadmin.core.models import Heartbeat
from opsadmin.core.screens import screen_urls
from opsadmin.navigation import navigation
from opsadmin.signin import ChangePassword, SignIn, ask_second_factor

SCREEN_MODULES = (
    "opsadmin.screens",
    "opsadmin.audit.screens",
    "opsadmin.factor_screens",
    "opsadmin.sessions",
    "approvals.admin.screens",
    "orgchart.screens",
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

    def has_permission(self, request):
        return request.user.is_active and request.user.is_authenticated

    def extra_urls(self):
        for module in SCREEN_MODULES:
            import_module(module)
        ask = path("sign-in/code/", ask_second_factor, name="second_factor_ask")
        return [ask, *screen_urls(self)]

    def login(self, request, extra_context=None):
        """Ask for account and password; who is signed in already goes on."""
        following = request.GET.get(REDIRECT_FIELD_NAME, "")
        if request.method == "GET" and self.has_permission(request) and not following:
            return redirect("admin:index")
        context = {
            **self.frame(request),
            "title": gettext("Log in"),
            "app_path": request.get_full_path(),
            REDIRECT_FIELD_NAME: following or reverse("admin:index"),
            **(extra_context or {}),
        }
        request.current_app = self.name
        return never_cache(SignIn.as_view(extra_context=context))(request)

    def password_change(self, request, extra_context=None):
        context = {
            **self.each_context(request),
            "title": gettext("Change password"),
            "crumbs": [(gettext("Profile"), reverse("admin:profile"))],
            **(extra_context or {}),
        }
        request.current_app = self.name
        return ChangePassword.as_view(extra_context=context)(request)

    def get_sidebar_list(self, request):
        return navigation(request)

    def get_app_list(self, request, app_label=None):
        """Only the list of one app shows models; to name all of them on every page would cost more than the page."""
        return super().get_app_list(request, app_label) if app_label else []

    def frame(self, request):
        """Return what the frame of every page shows; stock lists and forms take ``each_context``, which has more."""
        if not self.has_permission(request):
            return {}
        return {"sidebar_navigation": navigation(request), **beside(request.user)}

    def extra_context(self, context, request):
        return context | beside(request.user) if self.has_permission(request) else context

    def index(self, request, extra_context=None):
        """Show the dashboard."""
        from opsadmin.dashboard import dashboard

        context = {**self.frame(request), "title": self.index_title, "index": True, **(extra_context or {})}
        return TemplateResponse(request, "admin/index.html", dashboard(request, context))

    def search(self, request, extra_context=None):
        """Search documents, archive and goods; the stock search caches results and lists names of models."""
        from opsadmin.screens import search

        return search(request)


def beside(user):
    """Return what stands beside the navigation; read only when it is rendered."""
    return {
        "scheduler": SimpleLazyObject(scheduler),
        "notice_count": SimpleLazyObject(partial(unread_notices, user)),
    }


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
