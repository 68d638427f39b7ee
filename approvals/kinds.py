"""What differs between kinds of documents. The engine knows nothing else about them.

A further kind of document costs a model, a Kind here, its guards and its screens.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from approvals.models import (
    Document,
    DocumentKind,
    HiringLine,
    HiringRequest,
    PriceLine,
    PriceList,
    PriceListKind,
    Promotion,
    PromotionLine,
    Reorganisation,
    ReorganisationLine,
)


def never(document):
    return False


@dataclass(frozen=True)
class Kind:
    """``prefix`` begins the document's number; ``sealed_columns`` are the columns of a line, in the order in which
    they are sealed, ``sealed_order`` is the SQL by which lines (``l``) are sorted; ``header`` returns what is sealed
    besides the lines. The methods are what the engine asks for on a document's way; by itself a kind does nothing.
    """

    code: str
    prefix: str
    model: type
    line_model: type
    header: Callable
    words: Callable
    sealed_columns: tuple
    sealed_order: str
    edit_screen: str
    drafting: str
    emergency: Callable = never

    # Whether the last signature files the document; otherwise a step of its flow does.
    files_itself = False
    # Whether lines set prices for SKUs: those are imported, edited one by one, and changed by deciders.
    priced = False

    @property
    def line_table(self):
        return self.line_model._meta.db_table

    def may_draft(self, user):
        return user.has_perm(self.drafting)

    def take_over(self, document, *, touched=None):
        """Bring what a draft copies from elsewhere up to date; ``touched``: keys of the lines that changed, or all."""

    def renew(self, document, *, touched=None):
        """Take over, then judge."""
        self.take_over(document, touched=touched)
        self.judge(document, touched=touched)

    def judge(self, document, *, touched=None):
        """Check the content as it stands: write its hits and the figures that pages show."""

    def take_effect(self, own):
        """Bring about what the document says, inside the transaction that files it."""

    def submitted(self, own, *, by):
        """What stands behind the document hears that it is on its way."""

    def reopened(self, own):
        """… that it is a draft again."""

    def cancelled(self, own, *, by):
        """… that it was given up."""

    def settled(self, own):
        """Say whether a filed document is done when all steps are walked, or still waits for its day."""
        return True

    def closing_facts(self, own):
        """Return what is sealed at the end besides the last decision."""
        return {}

    def breaks(self, record, filed):
        """Compare what a filing brought about with what was sealed; returns (how many prices, sentences)."""
        return 0, []


@dataclass(frozen=True, kw_only=True)
class PriceKind(Kind):
    """A kind whose lines set prices for SKUs: ``guards`` names the checks, ``layer`` where its prices stand;
    ``price_word`` heads the column of the price that is set."""

    layer: Callable
    guards: tuple
    price_word: str

    priced = True

    def take_over(self, document, *, touched=None):
        from approvals import guards, scopes

        scopes.expand_scopes(document)
        guards.refresh_snapshots(document, touched=touched)

    def renew(self, document, *, touched=None):
        from approvals import guards, scopes

        if touched is not None:
            return super().renew(document, touched=touched)
        scopes.expand_scopes(document)
        guards.run_guards(document, refresh=True)

    def judge(self, document, *, touched=None):
        from approvals import guards

        guards.run_guards(document, touched=touched)

    def take_effect(self, own):
        from approvals.in_force import put_in_force

        put_in_force(own)

    def closing_facts(self, own):
        from approvals.execution.receipts import totals_of

        return totals_of(own)

    def breaks(self, record, filed):
        from approvals.archive.pricecheck import price_breaks

        return price_breaks(record, filed)


@dataclass(frozen=True)
class ReorganisationKind(Kind):
    """Points down to a set of changes, whose state follows the document's."""

    files_itself = True

    def take_over(self, document, *, touched=None):
        from approvals.organisation import reorganising

        reorganising.copy_items(document)

    def judge(self, document, *, touched=None):
        from approvals.organisation import judging

        judging.judge(document)

    def take_effect(self, own):
        from orgchart import changes

        changes.schedule(own.change_set, by=None)

    def submitted(self, own, *, by):
        from orgchart import changes

        changes.submit(own.change_set, by=by)

    def reopened(self, own):
        from orgchart import changes

        changes.reopen(own.change_set, by=None)

    def cancelled(self, own, *, by):
        from orgchart import changes

        changes.withdraw(own.change_set, by=by)

    def settled(self, own):
        from approvals.organisation import reorganising

        return reorganising.is_applied(own)

    def closing_facts(self, own):
        from approvals.organisation import reorganising

        return reorganising.version_facts(own)

    def breaks(self, record, filed):
        from approvals.organisation import reorganising

        return 0, reorganising.breaks(record, filed)


@dataclass(frozen=True)
class HiringKind(Kind):
    files_itself = True

    def take_over(self, document, *, touched=None):
        from approvals.organisation import hiring

        hiring.copy_headcount(document)

    def judge(self, document, *, touched=None):
        from approvals.organisation import hiring

        hiring.judge(document)

    def take_effect(self, own):
        from approvals.organisation import hiring

        hiring.tell_hr(own)


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
BY_GOODS = 'l.sku_code COLLATE "C", l.scope_key COLLATE "C"'
BY_ROW = "l.row_no"


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


def reorganisation_header(reorganisation):
    return {
        **common_header(reorganisation),
        "change_set": reorganisation.change_set_id,
        "base_version": reorganisation.base_version,
    }


def hiring_header(request):
    return {
        **common_header(request),
        "position": request.position.code,
        "wanted": request.wanted,
        "plan_min": request.plan_min,
        "plan_max": request.plan_max,
        "filled": request.filled,
        "short": request.short,
    }


PRICE_LIST = PriceKind(
    code=DocumentKind.PRICE_LIST,
    prefix="JG",
    model=PriceList,
    line_model=PriceLine,
    layer=lambda price_list: price_list.layer,
    header=price_list_header,
    emergency=lambda price_list: price_list.list_kind == PriceListKind.EMERGENCY,
    words=lambda price_list: price_list.get_list_kind_display(),
    sealed_columns=(*COMMON_COLUMNS, "reference_price", "ceiling_price", "compare_at_price", "reason_code"),
    sealed_order=BY_GOODS,
    guards=(
        *("G01", "G02", "G03", "G04", "G05", "G06", "G07", "G08", "G09", "G10", "G11", "G12", "G13", "G14"),
        *("G15", "G16", "G22", "G28", "G29", "G31"),
    ),
    edit_screen="pricelist",
    drafting="approvals.draft_price_list",
    price_word=_("Final"),
)

PROMOTION = PriceKind(
    code=DocumentKind.PROMOTION,
    prefix="CX",
    model=Promotion,
    line_model=PromotionLine,
    layer=lambda promotion: promotion.layer,
    header=promotion_header,
    words=lambda promotion: f"{promotion.get_kind_display()} · {promotion.get_promotion_kind_display()}",
    sealed_columns=(*COMMON_COLUMNS, "discount", "quantity_limit"),
    sealed_order=BY_GOODS,
    guards=("G04", "G05", "G06", "G14", "G15", "G16", "G17", "G20"),
    edit_screen="promotion",
    drafting="approvals.draft_promotion",
    price_word=_("Promotion price"),
)

REORGANISATION = ReorganisationKind(
    code=DocumentKind.REORGANISATION,
    prefix="ZZ",
    model=Reorganisation,
    line_model=ReorganisationLine,
    header=reorganisation_header,
    words=lambda reorganisation: reorganisation.get_kind_display(),
    sealed_columns=("row_no", "entity", "key", "op", "before", "after", "words", "struck"),
    sealed_order=BY_ROW,
    edit_screen="reorganisation",
    drafting="approvals.draft_reorganisation",
)

HIRING_REQUEST = HiringKind(
    code=DocumentKind.HIRING_REQUEST,
    prefix="ZP",
    model=HiringRequest,
    line_model=HiringLine,
    header=hiring_header,
    words=lambda request: request.get_kind_display(),
    sealed_columns=("row_no", "text", "struck"),
    sealed_order=BY_ROW,
    edit_screen="hiring_request",
    drafting="approvals.draft_hiring_request",
)

PRICE_KINDS = {kind.code: kind for kind in (PRICE_LIST, PROMOTION)}
KINDS = PRICE_KINDS | {kind.code: kind for kind in (REORGANISATION, HIRING_REQUEST)}


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
