"""Screens: views of the admin site that are more than a list or a form of one model.

A module calls ``screen`` on a view function; the top floor collects them into the site's addresses. Each view
asks for its right itself, by a question of its app's ``permissions``.
"""

from functools import wraps

from django.contrib import admin
from django.http import Http404
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_http_methods

SCREENS = []


def screen(route, name, *, methods=("GET",), may=None):
    """Register a view at ``route`` as ``admin:name``, for signed-in accounts only.

    ``may(user)`` is the right to the screen as a whole: without it the address does not exist (404).
    Only the named methods are answered: a GET never changes anything, a change is a POST with CSRF token.
    """

    def register(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if may is not None and not may(request.user):
                raise Http404
            return view(request, *args, **kwargs)

        allowed = [*methods, "HEAD"] if "GET" in methods else list(methods)
        guarded.methods = allowed
        SCREENS.append((route, name, require_http_methods(allowed)(guarded)))
        return guarded

    return register


def screen_urls(site):
    """Return the url patterns of all registered screens, wrapped by the site's sign-in."""
    return [path(route, site.admin_view(view), name=name) for route, name, view in SCREENS]


def page(request, template, *, title, crumbs=(), status=200, wide=False, **context):
    """Render a screen inside the site's frame.

    ``crumbs`` is a list of (label, address) above the title; the title itself is the last crumb. ``wide`` opens the
    page with the sidebar closed.
    """
    return TemplateResponse(
        request,
        template,
        {**admin.site.frame(request), "title": title, "crumbs": crumbs, "wide": wide, **context},
        status=status,
    )
