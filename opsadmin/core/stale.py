"""Edits of what somebody else has changed meanwhile: both versions are shown, and nothing is overwritten unseen."""

import hashlib

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsadmin.core.refusals import Refusal

SEEN = "seen"
NOT_ASKED = gettext_lazy(
    "The page was of another version and did not ask for this. Look at it and save again."
)


def digest(values):
    """Return a short digest of what a page shows: {name: value}."""
    return hashlib.sha256(
        repr(sorted((name, plain(value)) for name, value in values.items())).encode()
    ).hexdigest()[:16]


def plain(value):
    """Return a value of a form as text, the same for an empty one however it is written."""
    if value is None:
        return ""
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return str(value).replace("\r\n", "\n")
    return " ".join(sorted(str(getattr(one, "pk", one)) for one in value))


def both_versions(now, mine):
    return _(
        "Somebody changed this meanwhile to “%(now)s”. You wrote “%(mine)s”. Save again to keep yours."
    ) % {
        "now": now or "—",
        "mine": mine or "—",
    }


def check_asked(posted, names):
    """Refuse a form that lacks fields: what a page of another version did not ask for must not be emptied.

    Of the rows of a list (``row-field``) all fields are there, or none: somebody else may have added it meanwhile.
    """
    rows = {name.rpartition("-")[0] for name in posted} | {""}
    if any(name not in posted for name in names if name.rpartition("-")[0] in rows):
        raise Refusal(NOT_ASKED, code="unasked")


def check_seen(posted, shown):
    """Refuse to write a hand-made form whose fields somebody has changed since it was shown; both versions are named.

    ``posted`` is what was sent, with the digest as ``seen``; ``shown`` is {name: (label, text as it stands now)}.
    """
    check_asked(posted, shown)
    sent = posted.get(SEEN)
    if not sent or sent == seen_digest(shown):
        return
    clashes = [
        _("%(field)s: %(text)s") % {"field": label, "text": both_versions(now, posted[name])}
        for name, (label, now) in shown.items()
        if name in posted and plain(posted[name]).strip() != plain(now).strip()
    ]
    if clashes:
        raise Refusal(" ".join(clashes), code="edited")


def seen_digest(shown):
    return digest({name: text for name, (_label, text) in shown.items()})


class SeenField(forms.CharField):
    """Carries the digest of what was shown; it is no content of its own."""

    widget = forms.HiddenInput

    def has_changed(self, initial, data):
        return False


class SeenMixin:
    """Before a form: it refuses once to overwrite what has changed since it was shown, and shows both versions.

    Where the form carries what each field said (hidden initial values), fields that only one of the two changed do
    not stand in each other's way.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        stored = {name: self.get_initial_for_field(field, name) for name, field in self.fields.items()}
        self.seen = digest(stored)
        self.fields[SEEN] = SeenField(required=False, initial=self.seen)

    def clean(self):
        cleaned = super().clean()
        sent, now = self.data.get(self.add_prefix(SEEN)), self.seen
        if sent:
            self.refuse_what_was_not_asked()
        if sent and sent != now:
            clashes = [name for name in self.changed_data if self.clashes(name)]
            self.data = self.data.copy()
            self.data[self.add_prefix(SEEN)] = now
            for name in clashes:
                self.add_error(name, both_versions(*self.versions(name)))
        return cleaned

    def refuse_what_was_not_asked(self):
        """Refuse once a page of another version, which lacks fields; they then show what is stored."""
        lacking = [name for name in self.fields if self.lacks(name)]
        self.data = self.data.copy() if lacking else self.data
        for name in lacking:
            field = self.fields[name]
            self.data[self.add_prefix(name)] = plain(
                field.prepare_value(self.get_initial_for_field(field, name))
            )
            self.add_error(name, NOT_ASKED)

    def lacks(self, name):
        """Say whether the page had no such field. A browser leaves out radio buttons and files nobody chose."""
        field = self.fields[name]
        widget = getattr(field.widget, "widget", field.widget)
        if field.disabled or isinstance(widget, forms.RadioSelect | forms.FileInput):
            return False
        return widget.value_omitted_from_data(self.data, self.files, self.add_prefix(name))

    def clashes(self, name):
        """Say whether the field was changed by somebody else too."""
        field, hidden = self.fields[name], self.add_initial_prefix(name)
        if not field.show_hidden_initial or hidden not in self.data:
            return True
        initial = self.get_initial_for_field(field, name)
        if not field.has_changed(initial, self.data[hidden]):
            return False
        self.data = self.data.copy()
        self.data[hidden] = plain(field.prepare_value(initial))
        return True

    def versions(self, name):
        """Return what the field says by now, and what was typed, as people read it."""
        field = self.fields[name]
        typed = field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))
        return in_words(field, self.get_initial_for_field(field, name)), in_words(field, typed)


def in_words(field, value):
    """Return a value of a field as its choices name it."""
    value = field.prepare_value(value)
    words = (
        {str(key): str(label) for key, label in getattr(field, "choices", ())} if has_choices(field) else {}
    )
    if isinstance(value, list | tuple):
        return ", ".join(words.get(str(one), str(one)) for one in value)
    return words.get(plain(value), plain(value))


def has_choices(field):
    """Say whether naming the choices costs little: a list of all goods or accounts does not."""
    queryset = getattr(field, "queryset", None)
    return hasattr(field, "choices") and (queryset is None or queryset.count() <= 1000)
