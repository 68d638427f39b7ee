"""Who somebody is, once more: before signing, and where a role demands a second factor that is not there yet."""

import time

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, logout
from django.http import HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from opsadmin import factors
from opsadmin.core.addresses import client_address
from opsadmin.core.lockout import failed, is_locked
from opsadmin.core.screens import page
from opsadmin.signin import ADDRESS, BEGAN_AT, PROVED_AT, SEEN_AT, locked_out

# Where a decision, a limit, a right or a second factor is at stake.
BEFORE_POST = {
    "review_decide",
    "guard_policy_answer",
    "approvals_flowversion_publish",
    "account_reset_second_factor",
    "role_second_factor",
    "second_factor_totp",
    "second_factor_passkey",
    "second_factor_remove",
    "recovery_codes_new",
    "own_session_end",
    "own_sessions_end",
}
BEFORE_READING = {"recovery_codes", "second_factor_totp", "second_factor_passkey"}
NOTED_EVERY = 300
OURS = ("proof_password", "proof_code", "proof_then", "csrfmiddlewaretoken")
# What an account without its second factor may still open.
WITHOUT_FACTOR = {
    "second_factor",
    "second_factor_totp",
    "second_factor_passkey",
    "recovery_codes",
    "logout",
    "login",
    "set_language",
    "jsi18n",
}


# What an account whose password somebody else has set may still open.
WITH_INITIAL_PASSWORD = {"password_change", "logout", "login", "set_language", "jsi18n"}


def view_name(request):
    return (request.resolver_match.view_name or "").removeprefix("admin:")


def is_recent(request):
    """Say whether the account of this session proved who it is not long ago."""
    return time.time() - request.session.get(PROVED_AT, 0) < settings.PROVE_AGAIN_MINUTES * 60


def is_signing(request):
    """Say whether a signature is given: it asks for the password by itself, each time."""
    posted = request.method == "POST" and view_name(request) == "review_decide"
    return posted and bool(request.POST.get("password"))


def is_needed(request):
    name = view_name(request)
    if request.method == "POST":
        return name in BEFORE_POST and not is_signing(request)
    return name in BEFORE_READING


def for_script(request):
    return request.headers.get("Accept", "").startswith("application/json")


class IdleMiddleware:
    """End a session that nobody has used for a while, and each in any case some hours after its sign-in."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if not request.user.is_authenticated:
            return None
        now, session = time.time(), request.session
        idle, open_for = now - session.get(SEEN_AT, now), now - session.get(BEGAN_AT, now)
        if idle > settings.SESSION_IDLE_MINUTES * 60 or open_for > settings.SESSION_HOURS * 3600:
            logout(request)
            return None
        if idle > NOTED_EVERY or SEEN_AT not in session:
            session[SEEN_AT], session[ADDRESS] = now, client_address(request)
        return None


class ProofMiddleware:
    """Ask again who it is before signing, on a page that carries on with what was typed."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if is_signing(request) and request.user.is_authenticated and is_locked(request, request.user):
            return locked_out(request)
        if not is_needed(request) and "proof_then" not in request.POST:
            return None
        if not request.user.is_authenticated or is_recent(request):
            return None
        if is_locked(request, request.user):
            return locked_out(request)
        tried = request.POST.get("proof_password") or request.POST.get("proof_code")
        if tried and is_proved(request):
            request.session.cycle_key()
            request.session[PROVED_AT] = time.time()
            then_get = request.POST.get("proof_then") == "get"
            return HttpResponseRedirect(request.get_full_path()) if then_get else None
        return self.asked(request, wrong=bool(tried))

    def asked(self, request, *, wrong):
        sentence = _("Enter your password or a code to go on; nothing has been done yet.")
        if for_script(request):
            return JsonResponse({"refused": sentence, "code": "proof"}, status=403)
        if wrong:
            request.refused = sentence = _("That is not right. Nothing has been done yet.")
        reading = request.method != "POST" or request.POST.get("proof_then") == "get"
        typed = [
            (name, value) for name, values in request.POST.lists() for value in values if name not in OURS
        ]
        return page(
            request,
            "op/signin/prove.html",
            title=_("Confirm that it is you"),
            status=403 if wrong else 200,
            wrong=sentence if wrong else "",
            typed=typed,
            then="get" if reading else "post",
            has_factor=bool(factors.of(request.user)),
            minutes=settings.PROVE_AGAIN_MINUTES,
            back=reverse("admin:index"),
        ).render()


def is_proved(request):
    """Say whether password or code is right; a wrong one counts towards the lockout of the account."""
    user = request.user
    if request.POST.get("proof_password"):
        found = authenticate(request, username=user.username, password=request.POST["proof_password"])
        return found is not None and found.pk == user.pk
    if factors.code_fits(user, request.POST.get("proof_code", "")):
        return True
    failed(request, user)
    return False


class InitialPasswordMiddleware:
    """Lead an account whose password somebody else has set to the page that changes it, from every other address."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if view_name(request) in WITH_INITIAL_PASSWORD or not request.user.is_authenticated:
            return None
        if request.user.initial_until is None:
            return None
        sentence = _("Somebody else has set your password. Choose your own; then everything opens.")
        return led_away(request, sentence, "initial_password", "admin:password_change")


def led_away(request, sentence, code, address, says_itself=False):
    """Answer with the way to what has to be done first, told by a message where the page there does not say it itself.

    A script is told in JSON.
    """
    if for_script(request):
        return JsonResponse({"refused": sentence, "code": code}, status=403)
    request.refused = sentence
    if not says_itself:
        messages.warning(request, sentence)
    return HttpResponseRedirect(reverse(address))


class SecondFactorMiddleware:
    """Lead an account whose role demands a second factor to the page that sets it up, from every other address.

    Where the password is still somebody else's, choosing an own one comes first.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if view_name(request) in WITHOUT_FACTOR or not request.user.is_authenticated:
            return None
        if request.user.initial_until is not None or not factors.is_missing(request.user):
            return None
        sentence = _("Your role demands a second factor. Set it up first; then everything opens again.")
        return led_away(request, sentence, "second_factor", "admin:second_factor", says_itself=True)
