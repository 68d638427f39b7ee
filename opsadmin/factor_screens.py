"""The pages on which one sets up, sees and removes one's second factors, and on which the administrator resets them."""

import json

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal import auth as webauthn
from axes.utils import reset as unlock
from cryptography.exceptions import InvalidSignature
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from opsadmin import factors
from opsadmin.admin import is_own
from opsadmin.core.models import SecondFactorRule, User
from opsadmin.core.refusals import Refusal
from opsadmin.core.screens import page, screen
from opsadmin.permissions import may_administer
from opsadmin.roles import BY_CODE

BROKEN = (ValidationError, InvalidSignature, ValueError, KeyError, TypeError, AttributeError)


def crumbs():
    return [(_("Profile"), reverse("admin:profile")), (_("Second factor"), reverse("admin:second_factor"))]


def go_on(request):
    """End the account's other sessions: they began without what was just changed. This one goes on."""
    request.user.end_sessions()
    update_session_auth_hash(request, request.user)


@screen("profile/second-factor/", "second_factor")
def second_factor(request):
    """The second factors of one's own account."""
    found = factors.of(request.user)
    return page(
        request,
        "op/signin/factors.html",
        title=_("Second factor"),
        crumbs=crumbs()[:1],
        found=found,
        has_app=any(factor.type == Authenticator.Type.TOTP for factor in found),
        codes_left=len(factors.codes_of(request.user)),
        required=factors.is_required(request.user),
    )


@screen("profile/second-factor/app/", "second_factor_totp", methods=("GET", "POST"))
def set_up_app(request):
    """Show a key for an authenticator app, and keep it once a code made with it is right."""
    wrong = ""
    if request.method == "POST":
        secret = totp.get_totp_secret()
        if totp.validate_totp_code(secret, "".join(request.POST.get("code", "").split())[:20]):
            factors.add_app(request.user, secret)
            totp.clear_totp_secret(request)
            go_on(request)
            messages.success(request, _("The authenticator app is set up. Keep the recovery codes below."))
            return redirect("admin:recovery_codes")
        wrong = _("The code does not fit. Is the clock of the phone right?")
    secret = totp.get_totp_secret(regenerate=request.method != "POST")
    adapter = get_adapter()
    picture = adapter.build_totp_svg(adapter.build_totp_url(request.user, secret))
    return page(
        request,
        "op/signin/app.html",
        title=_("Set up an authenticator app"),
        crumbs=crumbs(),
        status=422 if wrong else 200,
        refused=wrong,
        picture=picture,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    )


@screen("profile/second-factor/passkey/", "second_factor_passkey", methods=("GET", "POST"))
def add_passkey(request):
    """Ask the browser for a new passkey and keep its public half."""
    wrong = ""
    if request.method == "POST":
        name = " ".join(request.POST.get("name", "").split())[:60]
        try:
            factors.add_passkey(request.user, name, json.loads(request.POST.get("credential", "")))
        except BROKEN:
            wrong = _("The browser's answer does not fit. Try again.")
        else:
            go_on(request)
            messages.success(request, _("The passkey is added. Keep the recovery codes below."))
            return redirect("admin:recovery_codes")
    return page(
        request,
        "op/signin/passkey.html",
        title=_("Add a passkey"),
        crumbs=crumbs(),
        status=422 if wrong else 200,
        refused=wrong,
        challenge=webauthn.begin_registration(request.user, False),
    )


@screen("profile/second-factor/<int:pk>/remove/", "second_factor_remove", methods=("POST",))
def remove(request, pk):
    factors.remove(request.user, pk)
    go_on(request)
    messages.success(request, _("Removed."))
    return redirect("admin:second_factor")


@screen("profile/sessions/end/", "own_sessions_end", methods=("POST",))
def end_own_sessions(request):
    """Sign out on every other device; this session goes on."""
    go_on(request)
    messages.success(request, _("You are signed out on all other devices."))
    return redirect("admin:own_sessions")


@screen("profile/recovery-codes/", "recovery_codes")
def recovery_codes(request):
    """The codes that open the account without its device, each once."""
    return page(
        request,
        "op/signin/codes.html",
        title=_("Recovery codes"),
        crumbs=crumbs(),
        codes=factors.codes_of(request.user),
        has_factor=bool(factors.of(request.user)),
    )


@screen("profile/recovery-codes/new/", "recovery_codes_new", methods=("POST",))
def new_codes(request):
    if not factors.of(request.user):
        raise Refusal(_("Recovery codes belong to a second factor; set one up first."))
    factors.new_codes(request.user)
    messages.success(request, _("These are new; the codes of before no longer open anything."))
    return redirect("admin:recovery_codes")


# ── What the administrator does ───────────────────────────────────────────────────────────────────────────────────


@screen(
    "accounts/<int:pk>/reset-second-factor/",
    "account_reset_second_factor",
    methods=("POST",),
    may=may_administer,
)
def reset(request, pk):
    """Take the second factors of somebody who lost the device away; not one's own."""
    user = get_object_or_404(User, pk=pk)
    if is_own(request.user, user):
        raise Refusal(_("Somebody else has to reset yours."))
    factors.reset(user)
    messages.success(
        request, _("Reset. %(name)s is signed out everywhere and sets it up anew.") % {"name": user}
    )
    return redirect("admin:core_user_change", pk)


@screen("accounts/<int:pk>/unlock/", "account_unlock", methods=("POST",), may=may_administer)
def unlock_account(request, pk):
    """Let an account sign in again that too many wrong passwords have locked."""
    user = get_object_or_404(User, pk=pk)
    gone = unlock(username=user.username)
    text = _("Unlocked: %(name)s can sign in again.") if gone else _("%(name)s was not locked.")
    messages.success(request, text % {"name": user})
    return redirect("admin:core_user_change", pk)


@screen("accounts/<int:pk>/end-sessions/", "account_end_sessions", methods=("POST",), may=may_administer)
def end_sessions(request, pk):
    """Sign an account out on every device."""
    user = get_object_or_404(User, pk=pk)
    user.end_sessions()
    messages.success(request, _("%(name)s is signed out everywhere.") % {"name": user})
    return redirect("admin:core_user_change", pk)


@screen("roles/<int:pk>/second-factor/", "role_second_factor", methods=("POST",), may=may_administer)
def require_of_role(request, pk):
    """Demand a second factor of everybody who holds a role, or no more."""
    group = get_object_or_404(Group, pk=pk, name__in=BY_CODE)
    known = {"role": BY_CODE[group.name].name}
    if request.POST.get("required") == "1":
        SecondFactorRule.objects.get_or_create(group=group, defaults={"required_by": request.user})
        messages.success(request, _("%(role)s: a second factor is required from the next click on.") % known)
    else:
        SecondFactorRule.objects.filter(group=group).delete()
        messages.success(request, _("%(role)s: a second factor is no longer required.") % known)
    return redirect("admin:auth_group_change", pk)
