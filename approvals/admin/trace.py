"""Price trace (价格追溯): one page that says why a price was what it was, here, then."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals import permissions
from approvals.admin.documentlists import clean_text
from approvals.archive.trace import AROUND, other_stores, trace
from approvals.models import Document
from opsadmin.core.downloads import as_workbook
from opsadmin.core.screens import page, screen
from opsadmin.core.spreadsheets import SheetOut
from stores.models import Sku, Store
from stores.permissions import may_see_costs

LEFT, RIGHT, TOP, BOTTOM = 40, 276, 22, 98
FIRST_YEAR, LAST_YEAR = 2000, 2100


@dataclass(frozen=True)
class Question:
    """What was asked: SKU, store and moment, and a sentence where one of them cannot be used."""

    sku: Sku | None
    store: Store | None
    moment: datetime
    fault: str = ""

    @property
    def query(self):
        at = f"{timezone.localtime(self.moment):%Y-%m-%dT%H:%M}"
        return urlencode({"sku": self.sku.code, "store": self.store.code, "at": at})


@screen("trace/", "price_trace", may=permissions.may_trace_prices)
def price_trace(request):
    stores = list(Store.objects.visible_to(request.user).select_related("platform"))
    question = question_of(request, stores)
    context = {"stores": stores, "asked": request.GET, "question": question, "found": None}
    if question.sku and question.store and not question.fault:
        context |= answer(request.user, question, stores)
    return page(
        request,
        "approvals/price_trace.html",
        title=_("Where does this price come from?"),
        crumb=_("Price trace"),
        **context,
    )


def question_of(request, stores):
    """Return what was asked; bad input gets a sentence, never an error page."""
    code = clean_text(request.GET.get("sku", ""), 40).upper()
    wanted = request.GET.get("store", "")
    store = next((one for one in stores if one.code == wanted), None)
    moment, fault = moment_of(request.GET.get("at", ""))
    sku = Sku.objects.filter(code=code).first() if code else None
    if code and sku is None:
        fault = _("There is no SKU “%(code)s”.") % {"code": code}
    elif code and store is None:
        fault = _("Choose a store.")
    return Question(sku, store, moment, fault)


def moment_of(text):
    """Return (moment, fault) of what was typed, in Shanghai's time; nothing typed is now."""
    now = timezone.now().replace(second=0, microsecond=0)
    text = clean_text(text, 20)
    if not text:
        return now, ""
    try:
        typed = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return now, _("“%(text)s” is no time; write it as 2026-11-11 20:00.") % {"text": text}
    if not FIRST_YEAR <= typed.year <= LAST_YEAR:
        return now, _("There are no prices in the year %(year)s.") % {"year": typed.year}
    return (typed if typed.tzinfo else timezone.make_aware(typed)), ""


def answer(user, question, stores):
    """Return what the page shows of a price; other stores only as far as the account sees them."""
    found = trace(question.sku, question.store, question.moment, costs=may_see_costs(user))
    taking = [store for store in stores if store.mode == "self_operated" and store.status == "trading"]
    others = other_stores(question.sku, question.store, question.moment, taking)
    amount = found.price and found.price.amount
    compare_at = getattr(found.line, "compare_at_price", None)
    return {
        "found": found,
        "others": others,
        "unlike": [(store, price) for store, price in others if price != amount],
        "chart": chart(found),
        "compare_at": compare_at,
        "basis_holds": bool(compare_at and found.lowest and compare_at <= found.lowest),
        "may_open": bool(found.document)
        and Document.objects.visible_to(user).filter(pk=found.document.pk).exists(),
        "may_find": permissions.may_search_archive(user),
        "voucher_url": f"{reverse('admin:price_voucher')}?{question.query}",
    }


def chart(found):
    """Return the twenty days around the moment as the coordinates of a step chart; None without any price."""
    amounts = sorted({amount for _start, _end, amount in found.steps if amount is not None})
    if not amounts:
        return None
    begin, end = found.moment - AROUND, found.moment + AROUND
    low, high = amounts[0], amounts[-1]

    def x(moment):
        return round(LEFT + (moment - begin) / (end - begin) * (RIGHT - LEFT), 1)

    def y(amount):
        return round(TOP + float((high - amount) / (high - low)) * (BOTTOM - TOP), 1) if high > low else 60.0

    path, before = "", None
    for start, until, amount in found.steps:
        if amount is not None:
            path += (
                f"V{y(amount)}H{x(until)}" if before is not None else f"M{x(start)} {y(amount)}H{x(until)}"
            )
        before = amount
    middle = timezone.localtime(found.moment)
    return {
        "path": path,
        "lines": [
            {"y": y(amount), "text_y": y(amount) + 4, "amount": amount} for amount in thinned(amounts, y)
        ],
        "left": LEFT,
        "right": RIGHT,
        "label_x": LEFT - 6,
        "dot": {"x": x(found.moment), "y": y(found.price.amount)} if found.price else None,
        "dot_text_x": x(found.moment) + 8,
        "days": [
            {"x": LEFT, "anchor": "start", "day": f"{timezone.localtime(begin):%m-%d}"},
            {"x": x(found.moment), "anchor": "middle", "day": f"{middle:%m-%d}"},
            {"x": RIGHT, "anchor": "end", "day": f"{timezone.localtime(end):%m-%d}"},
        ],
        "words": steps_in_words(found.steps),
    }


def thinned(amounts, y):
    """Return the amounts whose labels do not touch each other: highest and lowest always."""
    kept = [amounts[0]]
    for amount in amounts[1:-1]:
        if min(abs(y(amount) - y(other)) for other in (kept[-1], amounts[-1])) >= 16:
            kept.append(amount)
    return kept + ([amounts[-1]] if len(amounts) > 1 else [])


def steps_in_words(steps):
    """Return the chart as a sentence for those who cannot see it."""
    parts = [
        _("%(price)s until %(day)s")
        % {
            "price": _("no price") if amount is None else amount,
            "day": f"{timezone.localtime(until):%m-%d %H:%M}",
        }
        for _start, until, amount in steps
    ]
    return "; ".join(parts)


@screen("trace/voucher/", "price_voucher", may=permissions.may_trace_prices)
def price_voucher(request):
    """The evidence of one price as a workbook, with the digests by which it can be checked."""
    stores = list(Store.objects.visible_to(request.user))
    question = question_of(request, stores)
    store = get_object_or_404(Store.objects.visible_to(request.user), code=request.GET.get("store", ""))
    sku = get_object_or_404(Sku, code=question.sku.code if question.sku else "")
    found = trace(sku, store, question.moment, costs=may_see_costs(request.user))
    name = f"{sku.code} {store.code} {timezone.localtime(question.moment):%Y%m%d-%H%M}.xlsx"
    return as_workbook(name, [voucher(found)])


def voucher(found):
    """Return the sheet: first what was asked and the answer, then the evidence in the order of time."""
    price = str(found.price.amount) if found.price else _("no price in force")
    asked = f"{found.sku.code} {found.sku.name} · {found.store.name}"
    rows = [[found.moment, _("Price"), asked, price, ""]]
    rows += [[entry.at, entry.title, entry.who, entry.text, entry.digest] for entry in found.entries]
    return SheetOut(
        name=_("Price trace")[:31],
        header=[_("Time"), _("What"), _("Who"), _("Details"), "SHA-256"],
        rows=rows,
        widths=[18, 28, 48, 60, 66],
    )
