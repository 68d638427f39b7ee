"""Passwords: which are too easy to guess here, and those that somebody else has set for an account.

Besides Django's own rules: words of the company, common passwords in disguise, and passwords from breaches, where the
installation has a list of them. Nobody outside is asked.
"""

import hashlib
import os
import re
from datetime import timedelta
from functools import cache

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm

from opsadmin.core import clock
from orgchart.models import Department
from stores.models import Brand, Platform, Store

# What people write for letters; small L and I are one letter then.
DISGUISES = str.maketrans("013457@$!|l", "oieastasiii")
LEAST_BESIDE_A_WORD = 8
SHORTEST = {True: 4, False: 2}
LINE = 64


def folded(text):
    """Return text as guessers try it: small letters, and letters for the digits that stand for them."""
    return text.casefold().translate(DISGUISES)


def company_words():
    """Return the names and codes of brands, malls, stores and departments, and the installation's own words.

    Chinese ones also as they are typed without an input method. Short ones are left out: they stand in anything.
    """
    # Its dictionary would make up a sixth of every start.
    from pypinyin import lazy_pinyin

    named = [*settings.PASSWORD_WORDS, "opsadmin"]
    for model in (Brand, Platform, Store, Department):
        for pair in model.objects.values_list("name", "code"):
            named += pair
    spelt = ["".join(lazy_pinyin(word)) for word in named if not word.isascii()]
    words = {folded("".join(word.split())) for word in [*named, *spelt]}
    return {word for word in words if len(word) >= SHORTEST[word.isascii()]}


@cache
def common_passwords():
    return {folded(one) for one in CommonPasswordValidator().passwords}


class GuessableValidator:
    """Refuse what a guesser who knows the company tries early."""

    def validate(self, password, user=None):
        text = folded(password)
        if folded(core(password)) in common_passwords():
            raise ValidationError(_("This is a common password with something around it."), code="common")
        if re.fullmatch(r"(.{1,6}?)\1+", text):
            raise ValidationError(_("This repeats the same few characters."), code="repeated")
        for word in company_words():
            if word in text and len(text.replace(word, "")) < LEAST_BESIDE_A_WORD:
                raise ValidationError(
                    _("This is little more than a name of the company, a brand, a mall or a store."),
                    code="company_word",
                )

    def get_help_text(self):
        return _("No common password with a year or a sign around it, and no name of a brand, mall or store.")


def core(text):
    """Return what is left of a password without the digits and signs around it."""
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)


class BreachedValidator:
    """Refuse a password that stands in the list of breached ones at ``path``.

    The list has one SHA-1 in capital hexadecimal digits a line, in order, each with or without ``:count`` (the form in
    which Have I Been Pwned gives its list out). It is searched where it lies: any size costs some forty reads.
    """

    def __init__(self, path):
        self.path = path

    def validate(self, password, user=None):
        # The list is made of SHA-1; nothing is protected by it here.
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        if stands_in(self.path, digest.encode()):
            raise ValidationError(_("This password is known from a breach of another site."), code="breached")

    def get_help_text(self):
        return _("No password that is known from a breach of another site.")


def stands_in(path, digest):
    """Say whether a sorted file has a line that begins with the digest."""
    with open(path, "rb") as file:
        low, high = 0, os.fstat(file.fileno()).st_size
        while low < high:
            start = line_at(file, (low + high) // 2)
            line = file.readline()
            if line.startswith(digest):
                return True
            if line > digest:
                high = start
            else:
                low = start + len(line)
    return False


def line_at(file, offset):
    """Put the file at the beginning of the line in which an offset lies; return that beginning."""
    begin = max(0, offset - LINE)
    file.seek(begin)
    before = file.read(offset - begin)
    start = begin + before.rfind(b"\n") + 1
    file.seek(start)
    return start


# ── Set by somebody else ──────────────────────────────────────────────────────────────────────────────────────────


def hand_over(user):
    """Note that somebody else has set the password: it opens the account for some days, to choose another one."""
    user.initial_until = clock.now() + timedelta(hours=settings.INITIAL_PASSWORD_HOURS)
    return user


def has_run_out(user):
    return user.initial_until is not None and user.initial_until <= clock.now()


class HandedOverForm(AdminPasswordChangeForm):
    """The administrator sets a password for somebody who has none, or has forgotten it."""

    def save(self, commit=True):
        hand_over(self.user)
        return super().save(commit)


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """One's own new password, which ends that somebody else knows it."""

    error_messages = {
        **AdminOwnPasswordChangeForm.error_messages,
        "same": gettext_lazy("This is the password that you have; choose another one."),
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "op-input op-input-lg"

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("new_password1") and cleaned["new_password1"] == cleaned.get("old_password"):
            self.add_error("new_password1", forms.ValidationError(self.error_messages["same"], code="same"))
        return cleaned

    def save(self, commit=True):
        self.user.initial_until = None
        return super().save(commit)
