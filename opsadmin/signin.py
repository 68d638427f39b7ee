"""Signing in: the form, and what is said after too many wrong passwords."""

from django.contrib.admin import site
from django.contrib.auth.forms import AuthenticationForm
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class SignInForm(AuthenticationForm):
    """Account and password; which pages an account may open is asked later, by role."""

    error_messages = {
        "invalid_login": gettext_lazy("Account and password do not match. Mind upper and lower case."),
        "inactive": gettext_lazy("This account is switched off."),
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "op-input op-input-lg"


def locked_out(request, credentials=None, *args, **kwargs):
    """Show the sign-in page with the sentence for an account locked after too many wrong passwords."""
    context = {
        **site.each_context(request),
        "title": _("Log in"),
        "form": SignInForm(request),
        "locked": _("Too many wrong passwords. Sign-in for this account is locked for 15 minutes."),
    }
    return TemplateResponse(request, "admin/login.html", context, status=429).render()
