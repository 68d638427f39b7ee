"""The header of a document as a form: title, window, note and what its kind adds."""

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from approvals import drafts
from approvals.models import DocumentKind, PriceListKind, PromotionKind
from opsadmin.core.stale import SEEN, SeenMixin

FIGURE = {"class": "op-input op-num", "inputmode": "numeric", "autocomplete": "off"}
MOST_PIECES = 100_000_000


class MomentInput(forms.DateTimeInput):
    """Day and time (Asia/Shanghai) by the browser's own picker; a typed 2026-12-01 00:00 is taken too."""

    input_type = "datetime-local"

    def __init__(self, attrs=None):
        super().__init__(attrs={"class": "op-input", **(attrs or {})}, format="%Y-%m-%dT%H:%M")


class HeaderForm(SeenMixin, forms.Form):
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
        if not self.initial.get("editing"):
            del self.fields[SEEN]
        for name, field in self.fields.items():
            field.show_hidden_initial = bool(self.initial.get("editing")) and name != SEEN
        for name, field in self.fields.items():
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


class PromotionForm(HeaderForm):
    """A promotion always has an end. Its limits may come later, but before submission (G20)."""

    effective_to = forms.DateTimeField(
        label=_("Effective until"),
        widget=MomentInput,
        help_text=_("Not included. Afterwards the base prices hold again."),
    )
    promotion_kind = forms.ChoiceField(
        label=_("Kind"),
        choices=PromotionKind.choices,
        widget=forms.RadioSelect,
    )
    theme = forms.CharField(
        label=_("Theme"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"class": "op-input", "autocomplete": "off"}),
    )
    budget = forms.DecimalField(
        label=_("Budget"),
        required=False,
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        widget=forms.TextInput(attrs={**FIGURE, "inputmode": "decimal"}),
        help_text=_("Yuan that the promotion may cost us. Needed before submission."),
    )
    per_user_cap = forms.IntegerField(
        label=_("Per buyer at most"),
        required=False,
        min_value=1,
        max_value=MOST_PIECES,
        widget=forms.TextInput(attrs=FIGURE),
        help_text=_("Pieces. Needed before submission."),
    )
    total_quantity = forms.IntegerField(
        label=_("Total quantity"),
        required=False,
        min_value=1,
        max_value=MOST_PIECES,
        widget=forms.TextInput(attrs=FIGURE),
        help_text=_("Pieces of all goods and stores together. Needed before submission."),
    )
    kind_field = "promotion_kind"
    kind_notes = {
        PromotionKind.MARKDOWN: _("A lower price for everybody while the window lasts."),
        PromotionKind.DISCOUNT: _("So many percent off; the price of each SKU is stated all the same."),
        PromotionKind.FLASH_SALE: _("Few pieces, few hours."),
        PromotionKind.PRESALE: _("Paid now, delivered later."),
        PromotionKind.COUPON: _("The price that a buyer pays with the coupon."),
    }


HEADER_FORMS = {DocumentKind.PRICE_LIST: PriceListForm, DocumentKind.PROMOTION: PromotionForm}


def header_form(document, data=None):
    """Return the form of a draft's header, filled with what it says now."""
    form = HEADER_FORMS[DocumentKind(document.kind)]
    fields = drafts.HEADER_FIELDS[DocumentKind(document.kind)]
    return form(data, initial={name: getattr(document, name) for name in fields} | {"editing": True})
