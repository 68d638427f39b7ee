"""A line of a draft as a form: prices, reason, stores, keep or strike."""

import re
import unicodedata
from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from approvals import drafts, scopes
from approvals.admin.headerforms import FIGURE, MOST_PIECES
from approvals.models import DocumentKind, PriceReason
from opsadmin.core.refusals import Refusal
from stores.models import Brand, Store

NAMED = "stores"
COSTS = ("cost", "floor_price")


class PriceField(forms.DecimalField):
    """An amount above zero with a decimal point and at most two places; nothing is guessed from commas.

    Full-width digits are read as they are in a workbook.
    """

    shape = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")

    def __init__(self, **kwargs):
        widget = forms.TextInput(
            attrs={"class": "op-input op-num", "inputmode": "decimal", "autocomplete": "off"}
        )
        super().__init__(max_digits=12, decimal_places=2, widget=widget, **kwargs)

    def to_python(self, value):
        text = unicodedata.normalize("NFKC", str(value if value is not None else "")).strip()
        if text and not self.shape.fullmatch(text):
            raise forms.ValidationError(
                _("Write a number with at most two decimals and without commas, such as 1299.00."),
                code="invalid",
            )
        return super().to_python(text)

    def validate(self, value):
        super().validate(value)
        if value is not None and value <= 0:
            raise forms.ValidationError(_("The price must be above 0."), code="min_value")


def text_field(label, **kwargs):
    return forms.CharField(
        label=label,
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "op-input", "autocomplete": "off"}),
        **kwargs,
    )


def scope_choices(brands):
    """Return the scopes that can be chosen without naming stores, and the choice to name them."""
    choices = [(scopes.ALL, _("all self-operated stores"))]
    choices += [(f"brand:{brand.code}", _("%(brand)s stores") % {"brand": brand.name}) for brand in brands]
    return [*choices, (NAMED, _("named stores"))]


class LineForm(forms.Form):
    """What can be changed of any line; kinds add their prices in front."""

    final_price = PriceField(label=_("Final price"))
    reason = text_field(pgettext_lazy("price", "Reason"))
    scope = forms.ChoiceField(label=_("Stores"), widget=forms.RadioSelect)
    stores = forms.MultipleChoiceField(
        label=_("Which stores"), required=False, widget=forms.CheckboxSelectMultiple
    )
    exception_reason = text_field(
        _("Written exception"), help_text=_("Why these stores have a price of their own.")
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args, costs=True, **kwargs):
        super().__init__(*args, **kwargs)
        brands = list(Brand.objects.all())
        named = list(Store.objects.taking_prices())
        self.fields["scope"].choices = scope_choices(brands)
        self.fields["stores"].choices = [(store.code, store.name) for store in named]
        if not costs:
            for name in COSTS:
                self.fields.pop(name, None)

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("scope") == NAMED and "stores" in cleaned:
            if not cleaned["stores"]:
                self.add_error("stores", _("Choose at least one store."))
            elif not cleaned.get("exception_reason"):
                self.add_error("exception_reason", _("A price for named stores needs a written exception."))
        return cleaned

    def fields_of_line(self):
        """Return what drafts.edit_line takes: the scope as a key, everything else as it is."""
        values = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in {"scope", "stores", "version"}
        }
        if "scope" in self.cleaned_data:
            named = self.cleaned_data["scope"] == NAMED
            values["scope_key"] = (
                scopes.scope_of_stores(self.cleaned_data["stores"]) if named else self.cleaned_data["scope"]
            )
            if self.cleaned_data["scope"] == scopes.ALL:
                values["exception_reason"] = ""
        return values


class PriceLineForm(LineForm):
    reference_price = PriceField(label=_("Reference price"))
    compare_at_price = PriceField(
        label=_("Struck-through price"),
        required=False,
        help_text=_("The price shown crossed out beside the final price."),
    )
    ceiling_price = PriceField(label=_("Ceiling price"), required=False)
    cost = PriceField(label=_("Cost"), required=False)
    floor_price = PriceField(label=_("Floor price"), required=False)
    reason_code = forms.ChoiceField(
        label=_("Kind of reason"),
        required=False,
        choices=PriceReason.choices,
        widget=forms.Select(attrs={"class": "op-input"}),
    )
    field_order = [
        "reference_price",
        "final_price",
        "compare_at_price",
        "ceiling_price",
        "cost",
        "floor_price",
        "reason_code",
        "reason",
        "scope",
        "stores",
        "exception_reason",
    ]


class PromotionLineForm(LineForm):
    final_price = PriceField(label=_("Promotion price"))
    discount = forms.DecimalField(
        label=_("Promised cut (%)"),
        required=False,
        min_value=Decimal("0.01"),
        max_value=Decimal("99.99"),
        decimal_places=2,
        widget=forms.TextInput(attrs={**FIGURE, "inputmode": "decimal"}),
        help_text=_("As the store's page promises it: 20 means 20 % off."),
    )
    quantity_limit = forms.IntegerField(
        label=_("Quantity limit"),
        required=False,
        min_value=1,
        max_value=MOST_PIECES,
        widget=forms.TextInput(attrs=FIGURE),
        help_text=_("Pieces of this SKU. Empty: only the promotion's total holds."),
    )
    field_order = [
        "final_price",
        "discount",
        "quantity_limit",
        "reason",
        "scope",
        "stores",
        "exception_reason",
    ]


LINE_FORMS = {DocumentKind.PRICE_LIST: PriceLineForm, DocumentKind.PROMOTION: PromotionLineForm}


def line_form(line, kind, data=None, *, costs):
    """Return the form of a line, filled with what it says now."""
    names = [
        name for name in drafts.LINE_FIELDS[kind.code] if name not in {"scope_key", "struck", "strike_reason"}
    ]
    initial = {name: getattr(line, name) for name in names} | {"version": line.version}
    sort, _colon, codes = line.scope_key.partition(":")
    initial["scope"] = NAMED if sort == "stores" else line.scope_key
    initial["stores"] = codes.split(";") if sort == "stores" else []
    return LINE_FORMS[kind.code](data, initial=initial, costs=costs)


def typed_price(text):
    """Return the amount of a price typed in place. Raises Refusal saying what is wrong with it."""
    try:
        return PriceField().clean((text or "").strip())
    except forms.ValidationError as error:
        raise Refusal(" ".join(error.messages), code="invalid") from error
