"""Signing in: account and password, then the second factor of those who have one."""

import json
import time

from axes.helpers import get_cool_off
from cryptography.exceptions import InvalidSignature
from django.contrib import messages
from django.contrib.admin import site
from django.contrib.auth import login, views
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ValidationError
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse_lazy
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from opsadmin import factors, passwords
from opsadmin.core.addresses import client_address
from opsadmin.core.lockout import failed, is_locked
from opsadmin.core.models import User

HALF_WAY = "signin_half_way"
HALF_WAY_SECONDS = 600
PROVED_AT, BEGAN_AT, SEEN_AT = "proved_at", "began_at", "seen_at"
AGENT, ADDRESS = "agent", "address"


class SignInForm(AuthenticationForm):
    """Account and password; which pages an account may open is asked later, by role."""

    error_messages = {
        "invalid_login": gettext_lazy("Account and password do not match. Mind upper and lower case."),
        "inactive": gettext_lazy("This account is switched off."),
        "run_out": gettext_lazy(
            "This initial password has run out. Ask the system administrator for a new one."
        ),
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "op-input op-input-lg"

    def confirm_login_allowed(self, user):
        super().confirm_login_allowed(user)
        if passwords.has_run_out(user):
            raise ValidationError(self.error_messages["run_out"], code="run_out")


class ChangePassword(views.PasswordChangeView):
    """The page on which one chooses a new password; the account's other sessions end.

    Guesses at the present one count as they do at sign-in.
    """

    template_name = "op/signin/password.html"
    form_class = passwords.OwnPasswordForm
    success_url = reverse_lazy("admin:profile")

    def post(self, request, *args, **kwargs):
        if is_locked(request, request.user):
            return locked_out(request)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form):
        if form.has_error("old_password", "password_incorrect"):
            failed(self.request, self.request.user)
        return super().form_invalid(form)

    def form_valid(self, form):
        messages.success(self.request, _("Your password is changed; all other devices are signed out."))
        return super().form_valid(form)


class SignIn(views.LoginView):
    """The page for account and password. Who has a second factor is not signed in by them, but asked for it."""

    template_name = "admin/login.html"
    authentication_form = SignInForm

    def form_valid(self, form):
        user = form.get_user()
        if not factors.of(user):
            return super().form_valid(form)
        self.request.session.cycle_key()
        self.request.session[HALF_WAY] = {
            "user": user.pk,
            "backend": user.backend,
            "stamp": user.get_session_auth_hash(),
            "at": time.time(),
            "next": self.get_success_url(),
        }
        return redirect("admin:second_factor_ask")


def half_way(request):
    """Return (account, what was kept) of somebody whose password was right a moment ago, or (None, None)."""
    kept = request.session.get(HALF_WAY) or {}
    if time.time() - kept.get("at", 0) > HALF_WAY_SECONDS:
        return None, None
    user = User.objects.filter(pk=kept.get("user"), is_active=True).first()
    if user is None or not constant_time_compare(kept["stamp"], user.get_session_auth_hash()):
        return None, None
    return user, kept


@sensitive_post_parameters("code", "credential")
@csrf_protect
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ask_second_factor(request):
    """Ask for the code or the passkey; only with that the session is the account's."""
    user, kept = half_way(request)
    if user is None:
        return redirect("admin:login")
    request.tried = user
    if is_locked(request, user):
        return locked_out(request)
    wrong = ""
    if request.method == "POST":
        if proves_by_factor(request, user):
            del request.session[HALF_WAY]
            login(request, user, backend=kept["backend"])
            return redirect(kept["next"])
        wrong = _("That is not right, or it was used before. Codes hold for half a minute.")
        failed(request, user)
    context = {
        **site.frame(request),
        "title": _("Second factor"),
        "wrong": wrong,
        **factors.question(user),
    }
    return TemplateResponse(request, "op/signin/factor.html", context)


def proves_by_factor(request, user):
    """Say whether the request carries a right code or passkey of the account; a code counts once."""
    try:
        if request.POST.get("credential"):
            return factors.passkey_fits(user, json.loads(request.POST["credential"]))
        return factors.code_fits(user, request.POST.get("code", ""))
    except (ValidationError, InvalidSignature, ValueError, KeyError, TypeError, AttributeError):
        return False


def note_proof(sender, request, user, **kwargs):
    """Signing in proves who somebody is; until when that counts, the settings say."""
    now = time.time()
    known = {AGENT: request.headers.get("User-Agent", "")[:300], ADDRESS: client_address(request)}
    request.session.update({PROVED_AT: now, BEGAN_AT: now, SEEN_AT: now, **known})


user_logged_in.connect(note_proof, dispatch_uid="signing in is a proof")


def locked_out(request, credentials=None, *args, **kwargs):
    """Show the sign-in page with the sentence for an account locked after too many wrong passwords."""
    minutes = round(get_cool_off(request).total_seconds() / 60)
    locked = _("Too many wrong passwords. Sign-in for this account is locked for %(n)s minutes.") % {
        "n": minutes
    }
    request.refused = locked
    context = {
        **site.frame(request),
        "title": _("Log in"),
        "form": SignInForm(request),
        "locked": locked,
    }
    return TemplateResponse(request, "admin/login.html", context, status=429).render()
