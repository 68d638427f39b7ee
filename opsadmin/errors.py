"""Pages for what could not be answered: not found, not allowed, no valid form, broken."""

from django.http import JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from opsadmin.core.screens import page


def answer(request, status, title, sentence, icon):
    """Return a page in the frame for signed-in accounts, a plain one for others, JSON for scripts."""
    request.refused = str(title)
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"refused": sentence, "code": str(status)}, status=status)
    context = {"title": title, "sentence": sentence, "icon": icon}
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return page(request, "op/error.html", status=status, frame="op/page.html", **context).render()
    context["frame"] = "op/plain.html"
    return TemplateResponse(request, "op/error.html", context, status=status).render()


def not_found(request, exception=None):
    sentence = _("There is nothing at this address, or it is not for your account.")
    return answer(request, 404, _("Not found"), sentence, "search")


class NotAllowedMiddleware:
    """Give a page to who opens the address of an action: after signing in anew, or by the address line."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if response.status_code != 405 or response.content:
            return response
        sentence = _("This address only takes what a page sends. Nothing was changed.")
        shown = answer(request, 405, _("There is no page here"), sentence, "info")
        shown.headers["Allow"] = response.headers["Allow"]
        return shown


def forbidden(request, exception=None):
    sentence = _("Your account may not do this. Nothing was changed.")
    return answer(request, 403, _("Not allowed"), sentence, "lock")


def no_valid_form(request, reason=""):
    """The form's token is missing or old: signed in anew elsewhere, or cookies are refused."""
    sentence = _("The page was open for too long, or you signed in again meanwhile. Nothing was changed.")
    return answer(request, 403, _("This form is no longer valid"), sentence, "clock")
