"""The header of a document as a form: title, window, note and what its kind adds."""

from django import forms
from django.utils.translation import gettext_lazy as _

from approvals import drafts
from approvals.models import DocumentKind, PriceListKind


class MomentInput(forms.DateTimeInput):
    """Day and time (Asia/Shanghai) by the browser's own picker; a typed 2026-12-01 00:00 is taken too."""

    input_type = "datetime-local"

    def __init__(self, attrs=None):
        super().__init__(attrs={"class": "op-input", **(attrs or {})}, format="%Y-%m-%dT%H:%M")


class HeaderForm(forms.Form):
    """What every document has. While editing, only what the person changed is written (``changes``)."""

    title = forms.CharField(
        label=_("Title"),
        max_length=100,
        widget=forms.TextInput(attrs={"class": "op-input", "autocomplete": "off"}),
    )
    effective_from = forms.DateTimeField(label=_("Effective from"), widget=MomentInput)
    effective_to = forms.DateTimeField(
        label=_("Effective until"),
        required=False,
        widget=MomentInput,
        help_text=_("Not included. Empty: until the next price list."),
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"class": "op-input", "rows": 3}),
    )

    kind_field = ""
    kind_notes = {}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.show_hidden_initial = bool(self.initial.get("editing"))
            if name in self.errors:
                field.widget.attrs["aria-invalid"] = "true"
                field.widget.attrs["aria-describedby"] = f"{self[name].auto_id}-fault"

    def clean(self):
        cleaned = super().clean()
        start, end = cleaned.get("effective_from"), cleaned.get("effective_to")
        if start and end and end <= start:
            self.add_error("effective_to", _("The end of the window is not after its start."))
        return cleaned

    def further_fields(self):
        """Return what a kind adds besides its own kind of document."""
        known = {"title", "effective_from", "effective_to", "note", self.kind_field}
        return [field for field in self.visible_fields() if field.name not in known]

    def kinds(self):
        """Return the choices of the kind with the sentence that tells each apart."""
        radios = self[self.kind_field] if self.kind_field else ()
        return [(radio, self.kind_notes.get(radio.data["value"], "")) for radio in radios]

    def kind_bound(self):
        return self[self.kind_field]

    def changes(self):
        """Return the fields that differ from what the person was shown."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class PriceListForm(HeaderForm):
    list_kind = forms.ChoiceField(
        label=_("Kind"),
        choices=PriceListKind.choices,
        widget=forms.RadioSelect,
    )
    kind_field = "list_kind"
    kind_notes = {
        PriceListKind.REGULAR: _("Prices for day-to-day sale; they hold until a later list."),
        PriceListKind.CAMPAIGN: _(
            "Prices for a window; afterwards the base prices hold again. Needs an end."
        ),
        PriceListKind.EMERGENCY: _("Takes effect within a day; the general manager signs too."),
    }

    def clean(self):
        cleaned = super().clean()
        campaign = cleaned.get("list_kind") == PriceListKind.CAMPAIGN
        if campaign and not cleaned.get("effective_to") and "effective_to" not in self.errors:
            self.add_error("effective_to", _("A campaign price list needs an end."))
        return cleaned


HEADER_FORMS = {DocumentKind.PRICE_LIST: PriceListForm}


def header_form(document, data=None):
    """Return the form of a draft's header, filled with what it says now."""
    form = HEADER_FORMS[DocumentKind(document.kind)]
    fields = drafts.HEADER_FIELDS[DocumentKind(document.kind)]
    return form(data, initial={name: getattr(document, name) for name in fields} | {"editing": True})
