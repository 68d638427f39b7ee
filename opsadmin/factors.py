"""Second factors of accounts: authenticator apps (TOTP), passkeys (WebAuthn) and recovery codes.

Keys and codes are made and checked by django-allauth; which roles must have a second factor is said here.
"""

import base64
import hashlib

import segno
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.webauthn.internal import auth as webauthn
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import Http404
from django.utils.translation import gettext as _

from opsadmin.core.models import SecondFactorRule, User
from opsadmin.core.notices import tell
from opsadmin.core.refusals import Refusal

KINDS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
MOST_PASSKEYS = 10


class Adapter(DefaultMFAAdapter):
    """What allauth asks of the site: names, the picture of a key, and how secrets rest in the database."""

    def get_totp_issuer(self):
        return str(settings.UNFOLD["SITE_TITLE"])

    def _get_site_name(self):
        return self.get_totp_issuer()

    def build_totp_svg(self, url):
        return segno.make(url).svg_inline(scale=4, border=2, light="#fff")

    def encrypt(self, text):
        return cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text):
        return cipher().decrypt(encrypted_text.encode()).decode()


def cipher():
    """Return the cipher of secrets at rest; keys of the past still open what they closed."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet(
        [Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys]
    )


def of(user):
    """Return the second factors of an account, oldest first; recovery codes are none by themselves."""
    return list(Authenticator.objects.filter(user=user, type__in=KINDS).order_by("pk"))


def question(user):
    """Return what the page that asks for a second factor shows: which kinds, and the passkeys' challenge."""
    kinds = {factor.type for factor in of(user)}
    passkeys = Authenticator.Type.WEBAUTHN in kinds
    return {
        "takes_code": True,
        "has_app": Authenticator.Type.TOTP in kinds,
        "has_passkey": passkeys,
        "challenge": webauthn.begin_authentication(user) if passkeys else None,
    }


def code_fits(user, code):
    """Say whether a code is right: of the app now, or an unused recovery code. It counts once."""
    code = "".join(code.split())[:20]
    by_code = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.WEBAUTHN)
    for factor in by_code:
        if code and factor.wrap().validate_code(code):
            factor.record_usage()
            return True
    return False


def passkey_fits(user, credential):
    """Say whether a browser's answer to the challenge was made by a passkey of the account; may raise ValueError."""
    webauthn.parse_authentication_response(credential)
    webauthn.complete_authentication(user, credential).record_usage()
    return True


def is_required(user):
    """Say whether a role of the account demands a second factor."""
    return SecondFactorRule.objects.filter(group__user=user).exists()


def lacking():
    """Return the condition on accounts that must have a second factor and have none."""
    demanded = SecondFactorRule.objects.filter(group__user=OuterRef("pk"))
    held = Authenticator.objects.filter(user=OuterRef("pk"), type__in=KINDS)
    return Exists(demanded) & ~Exists(held)


def is_missing(user):
    """Say whether the account must have a second factor and has none; the account of a session knows it."""
    known = getattr(user, "lacks_factor", None)
    return User.objects.filter(lacking(), pk=user.pk).exists() if known is None else known


def first_codes(user):
    """Make recovery codes where there are none yet."""
    RecoveryCodes.activate(user)


@transaction.atomic
def add_app(user, secret):
    User.objects.select_for_update().get(pk=user.pk)
    if Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
        raise Refusal(_("There is an authenticator app already; remove it first."))
    totp.TOTP.activate(user, secret)
    first_codes(user)
    tell_of_change(user)


@transaction.atomic
def add_passkey(user, name, credential):
    """Keep a passkey that answered our challenge; raises ValidationError or ValueError where it did not."""
    User.objects.select_for_update().get(pk=user.pk)
    if Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).count() >= MOST_PASSKEYS:
        raise Refusal(_("Ten passkeys are enough; remove one first."))
    webauthn.parse_registration_response(credential)
    webauthn.complete_registration(credential)
    webauthn.WebAuthn.add(user, name or _("Passkey"), credential)
    first_codes(user)
    tell_of_change(user)


@transaction.atomic
def remove(user, pk):
    """Remove one second factor; the last one stays while a role demands one.

    Raises Http404 for one that is not the account's, Refusal for the last one.
    """
    User.objects.select_for_update().get(pk=user.pk)
    held = of(user)
    left = [factor for factor in held if factor.pk != pk]
    if len(left) == len(held):
        raise Http404
    if not left and is_required(user):
        raise Refusal(_("Your role demands a second factor: add another one before you remove this one."))
    Authenticator.objects.filter(user=user, pk=pk, type__in=KINDS).delete()
    if not left:
        Authenticator.objects.filter(user=user).delete()
    tell_of_change(user)


@transaction.atomic
def new_codes(user):
    """Replace the recovery codes; the old ones no longer count."""
    User.objects.select_for_update().get(pk=user.pk)
    Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
    first_codes(user)
    tell_of_change(user)


def codes_of(user):
    """Return the recovery codes that were not used yet."""
    kept = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    return kept.wrap().get_unused_codes() if kept else []


@transaction.atomic
def reset(user):
    """Take all second factors of an account away, for somebody who lost the device; its sessions end."""
    Authenticator.objects.filter(user=user).delete()
    user.end_sessions()
    tell_of_change(user)


def tell_of_change(user):
    """Leave a notice: who did not do it learns of it."""
    key = f"second-factor-{user.pk}-{'-'.join(str(factor.pk) for factor in Authenticator.objects.filter(user=user))}"
    text = _("Your second factor was changed. Was it not you? Tell the system administrator at once.")
    tell([user], text, url="/profile/second-factor/", key=key[:120])
