"""What differs between kinds of documents. The engine knows nothing else about them.

A further kind of document costs a model, an entry here, its guards and its screens.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from approvals.models import (
    Document,
    DocumentKind,
    PriceLine,
    PriceList,
    PriceListKind,
    Promotion,
    PromotionLine,
)


@dataclass(frozen=True)
class Kind:
    """``prefix`` begins the document's number; ``sealed_columns`` are the columns of a line, in the order in which
    they are sealed; ``header`` returns what is sealed besides the lines; ``guards`` names the checks; ``price_word``
    heads the column of the price that is set."""

    code: str
    prefix: str
    model: type
    line_model: type
    layer: Callable
    header: Callable
    emergency: Callable
    words: Callable
    sealed_columns: tuple
    guards: tuple
    edit_screen: str
    price_word: str

    @property
    def line_table(self):
        return self.line_model._meta.db_table


COMMON_COLUMNS = (
    "row_no",
    "sku_code",
    "sku_name",
    "scope_key",
    "exception_reason",
    "base_price",
    "cost",
    "floor_price",
    "final_price",
    "reason",
    "struck",
    "strike_reason",
)


def common_header(document):
    """Return what is sealed of every document's header; times in UTC."""
    return {
        "title": document.title,
        "currency": document.currency,
        "effective_from": document.effective_from,
        "effective_to": document.effective_to,
        "note": document.note,
    }


def price_list_header(price_list):
    return {**common_header(price_list), "list_kind": price_list.list_kind}


def promotion_header(promotion):
    return {
        **common_header(promotion),
        "promotion_kind": promotion.promotion_kind,
        "theme": promotion.theme,
        "per_user_cap": promotion.per_user_cap,
        "total_quantity": promotion.total_quantity,
        "budget": promotion.budget,
    }


PRICE_LIST = Kind(
    code=DocumentKind.PRICE_LIST,
    prefix="JG",
    model=PriceList,
    line_model=PriceLine,
    layer=lambda price_list: price_list.layer,
    header=price_list_header,
    emergency=lambda price_list: price_list.list_kind == PriceListKind.EMERGENCY,
    words=lambda price_list: price_list.get_list_kind_display(),
    sealed_columns=(*COMMON_COLUMNS, "reference_price", "ceiling_price", "compare_at_price", "reason_code"),
    guards=(
        *("G01", "G02", "G03", "G04", "G05", "G06", "G07", "G08", "G09", "G10", "G11", "G12", "G13", "G14"),
        *("G15", "G16", "G22", "G28", "G29", "G31"),
    ),
    edit_screen="pricelist",
    price_word=_("Final"),
)

PROMOTION = Kind(
    code=DocumentKind.PROMOTION,
    prefix="CX",
    model=Promotion,
    line_model=PromotionLine,
    layer=lambda promotion: promotion.layer,
    header=promotion_header,
    emergency=lambda promotion: False,
    words=lambda promotion: f"{promotion.get_kind_display()} · {promotion.get_promotion_kind_display()}",
    sealed_columns=(*COMMON_COLUMNS, "discount", "quantity_limit"),
    guards=("G04", "G05", "G06", "G14", "G15", "G16", "G17", "G20"),
    edit_screen="promotion",
    price_word=_("Promotion price"),
)

KINDS = {kind.code: kind for kind in (PRICE_LIST, PROMOTION)}


def kind_of(document):
    """Return the Kind of a Document row, or of a row of its own kind."""
    return KINDS[DocumentKind(document.kind)]


def own_row(document: Document):
    """Return the row of the document's own kind as it was joined to it, read only where it was not."""
    return getattr(document, kind_of(document).model._meta.model_name)


def specific(document: Document):
    """Return the document as a row of its own kind, read anew."""
    kind = kind_of(document)
    return document if isinstance(document, kind.model) else kind.model.objects.get(pk=document.pk)
