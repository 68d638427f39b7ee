"""Where a price comes from: for SKU × store × moment, the line, document, decisions, record and receipt behind it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from approvals.archive.reading import sealed_rows
from approvals.in_force import window_words
from approvals.kinds import specific
from approvals.models import (
    ArchiveKind,
    ArchiveRecord,
    Attachment,
    AttachmentKind,
    CampaignDetails,
    Decision,
    Document,
    LineChange,
    PriceLine,
    Receipt,
    Verdict,
)
from stores.models import PriceInForce, PriceLayer, Sku, Store

AROUND = timedelta(days=10)
WEEK = timedelta(days=7)
PRICING = (Verdict.SIGN, Verdict.APPROVE)


@dataclass
class Entry:
    """One link of the evidence. ``mark`` is key for the signature that made the price, sealed for the filing."""

    at: datetime
    icon: str
    title: str
    who: str = ""
    text: str = ""
    mark: str = ""
    document: Document | None = None
    digest: str = ""


@dataclass
class Trace:
    """The answer for one SKU in one store at one moment."""

    sku: Sku
    store: Store
    moment: datetime
    price: PriceInForce | None = None
    below: PriceInForce | None = None
    document: Document | None = None
    line: object = None
    record: ArchiveRecord | None = None
    receipt: Receipt | None = None
    entries: list = field(default_factory=list)
    setter: str = ""
    lowest: Decimal | None = None
    steps: list = field(default_factory=list)


def trace(sku, store, moment, *, costs):
    """Return the Trace of a price. Its number of statements does not grow with lines or documents.

    Cost and floor price are told only where ``costs`` says so.
    """
    found = Trace(sku, store, moment)
    windows = windows_of(sku, store, moment - AROUND, moment + AROUND)
    found.steps = effective_steps(windows, moment - AROUND, moment + AROUND)
    standing = {price.layer: price for price in windows if contains(price, moment)}
    found.price = standing.get(PriceLayer.CAMPAIGN) or standing.get(PriceLayer.BASE)
    if found.price is None:
        return found
    if found.price.layer == PriceLayer.CAMPAIGN:
        found.below = standing.get(PriceLayer.BASE)
    found.lowest = lowest_before(sku, store, found.price.during.lower)
    found.document = Document.objects.filter(number=found.price.document_number).first()
    if found.document is None:
        found.entries = [opening_entry(found), effect_entry(found)]
        return found
    own = specific(found.document)
    found.line = own.lines.filter(row_no=found.price.line_no).first()
    found.record = (
        ArchiveRecord.objects.filter(document=own.pk, kind=ArchiveKind.FILING).defer("payload").first()
    )
    found.receipt = Receipt.objects.filter(document=own.pk, store=store).select_related("file").first()
    found.entries = sorted(evidence(found, own, costs=costs), key=lambda entry: entry.at)
    return found


def contains(price, moment):
    during = price.during
    return during.lower <= moment and (during.upper is None or moment < during.upper)


def windows_of(sku, store, start, end):
    """Return the prices in force of a SKU in a store that touch a span of time, in order."""
    prices = PriceInForce.objects.filter(sku=sku, store=store, during__overlap=(start, end))
    return list(prices.order_by("during", "pk"))


def effective_steps(windows, start, end):
    """Return [(from, until, amount or None)] of what buyers paid over a span; a campaign stands over the base."""
    edges = {start, end}
    for price in windows:
        edges |= {edge for edge in (price.during.lower, price.during.upper) if edge and start < edge < end}
    edges = sorted(edges)
    steps = []
    for left, right in zip(edges, edges[1:], strict=False):
        standing = {price.layer: price.amount for price in windows if contains(price, left)}
        amount = standing.get(PriceLayer.CAMPAIGN, standing.get(PriceLayer.BASE))
        if steps and steps[-1][2] == amount:
            steps[-1] = (steps[-1][0], right, amount)
        else:
            steps.append((left, right, amount))
    return steps


def lowest_before(sku, store, start):
    """Return the lowest price of the seven days before a moment; with none in them, the last one before; or None."""
    windows = windows_of(sku, store, start - WEEK, start)
    amounts = [
        amount
        for _from, _until, amount in effective_steps(windows, start - WEEK, start)
        if amount is not None
    ]
    if amounts:
        return min(amounts)
    before = PriceInForce.objects.filter(sku=sku, store=store, during__fully_lt=(start - WEEK, None))
    last = before.order_by("-during").first()
    return last and last.amount


# ── The evidence ──────────────────────────────────────────────────────────────────────────────────────────────────


def evidence(found, own, *, costs):
    """Yield the links between the reference price and the shelf."""
    changes = list(
        LineChange.objects.filter(
            document=own.pk, sku_code=found.line.sku_code, scope_key=found.line.scope_key
        )
        if found.line
        else []
    )
    decisions = list(
        Decision.objects.filter(document=own.pk, at__lte=found.record.at if found.record else timezone.now())
        .select_related("task__step")
        .order_by("pk")
    )
    rows = sealed_rows(found.record.sequence)[0] if found.record else {}
    if found.line:
        yield from line_entries(found, own, changes, rows, costs=costs)
    key = pricing_decision(decisions, changes, own.round)
    found.setter = key.actor_name if key else ""
    for decision in decisions:
        if decision.verdict != Verdict.FILE:
            yield decision_entry(decision, key, changes, found)
    yield from filing_entries(found, decisions)
    yield effect_entry(found)


def pricing_decision(decisions, changes, round_):
    """Return the decision that made the price: the step that changed it last, else the first signature of the round."""
    signed = [one for one in decisions if one.round == round_ and one.verdict in PRICING]
    changed = {change.task_id for change in changes if change.field == "final_price"}
    made = [one for one in signed if one.task_id in changed]
    editing = [one for one in signed if one.task.step.edits_lines]
    return (made or editing or signed or [None])[-1 if made else 0]


def line_entries(found, own, changes, rows, *, costs):
    line, document = found.line, found.document
    drafter = next(iter(rows.get("document", [])), {}).get("drafted_by") or {"name": str(document.drafted_by)}
    who = " · ".join(filter(None, (drafter.get("name"), drafter.get("position"), drafter.get("department"))))
    if isinstance(line, PriceLine):
        yield Entry(
            document.created_at,
            "tag",
            _("Reference price %(price)s") % {"price": line.reference_price},
            who,
            drafted_words(line, document, costs=costs),
        )
    workbook = (
        Attachment.objects.filter(document=own.pk, kind=AttachmentKind.SOURCE)
        .select_related("file")
        .order_by("-pk")
        .first()
    )
    first = next((change.old for change in changes if change.field == "final_price"), line.final_price)
    submitted = {
        "before": line.base_price if line.base_price is not None else pgettext("price", "new"),
        "after": first,
        "layer": PriceLayer(found.price.layer).label,
    }
    yield Entry(
        document.submitted_at,
        "file",
        _("Line %(n)s") % {"n": f"{line.row_no:,}"},
        " · ".join(filter(None, (document.title, workbook and workbook.file.name))),
        _("Price in force %(before)s → submitted %(after)s, %(layer)s.") % submitted,
        document=document,
    )


def drafted_words(line, document, *, costs):
    words = [_("Drafted with “%(title)s”.") % {"title": document.title}]
    if costs and line.cost is not None:
        known = {"cost": line.cost, "floor": line.floor_price or "—"}
        words.append(_("Cost %(cost)s, floor price %(floor)s.") % known)
    return run_on(words)


def run_on(sentences):
    """Return sentences in a row; a Chinese full stop takes no blank after it."""
    return " ".join(filter(None, sentences)).replace("。 ", "。")


def decision_entry(decision, key, changes, found):
    """A decision; what it changed in this line stands with it."""
    is_key = key is not None and decision.pk == key.pk
    own_changes = [change for change in changes if change.task_id == decision.task_id]
    words = [change_words(change) for change in own_changes]
    if decision.comment:
        words.append(_("Comment: “%(text)s”.") % {"text": decision.comment})
    if decision.task.step.because:
        words.append(decision.task.step.because)
    return Entry(
        decision.at,
        "back" if decision.verdict == Verdict.SEND_BACK else "sign",
        _("Final price fixed at %(price)s") % {"price": found.price.amount} if is_key else decision.step_name,
        signer_words(decision),
        run_on(words),
        mark="key" if is_key else "",
        digest=decision.content_hash,
    )


def change_words(change):
    if change.field == "final_price":
        return _("Changed %(old)s to %(new)s.") % {"old": change.old, "new": change.new}
    if change.field == "struck":
        return _("Line struck.") if change.new == "True" else _("Line kept again.")
    return ""


def signer_words(decision):
    name = decision.actor_name
    if decision.acting_for:
        name = _("%(name)s for %(principal)s") % {"name": name, "principal": decision.acting_for}
    words = (name, decision.actor_position, decision.actor_department, decision.get_verdict_display())
    return " · ".join(filter(None, words))


def filing_entries(found, decisions):
    """The filing, and the facts recorded after it that touch this store."""
    document = found.document
    if found.record:
        filing = next((one for one in decisions if one.verdict == Verdict.FILE), None)
        yield Entry(
            found.record.at,
            "stamp",
            _("Filed as %(number)s") % {"number": found.record.number},
            signer_words(filing) if filing else found.record.filed_by_name,
            _("From here nothing can change."),
            mark="sealed",
            digest=found.record.hash,
        )
    campaign = CampaignDetails.objects.filter(document=document.pk).select_related("completed_by").first()
    if campaign:
        yield Entry(
            campaign.completed_at,
            "gift",
            _("Campaign “%(theme)s”") % {"theme": campaign.theme},
            str(campaign.completed_by),
            window_words(campaign.starts_at, campaign.ends_at),
        )
    if found.receipt:
        yield receipt_entry(found.receipt, found.store)


def receipt_entry(receipt, store):
    applied = ngettext("%(n)s row applied", "%(n)s rows applied", receipt.applied) % {
        "n": f"{receipt.applied:,}"
    }
    return Entry(
        receipt.at,
        "store",
        _("Receipt of %(store)s") % {"store": store.name},
        f"{receipt.by_name} · {applied}",
        run_on([_("File: %(name)s.") % {"name": receipt.file.name}, receipt.note]),
        digest=receipt.file.sha256,
    )


def effect_entry(found):
    price, below = found.price, found.below
    known = {
        "layer": PriceLayer(price.layer).label,
        "window": window_words(price.during.lower, price.during.upper),
    }
    words = [_("%(layer)s: %(window)s.") % known]
    if below:
        words.append(
            _("Below it stands the base price %(price)s (%(number)s), which comes back afterwards.")
            % {"price": below.amount, "number": below.document_number}
        )
    ahead = price.during.lower > timezone.now()
    title = _("Price will take effect") if ahead else _("Price took effect")
    return Entry(price.during.lower, "clock", title, text=run_on(words))


def opening_entry(found):
    price = found.price
    return Entry(
        price.during.lower,
        "archive",
        _("Older than the archive"),
        _("%(number)s, line %(line)s") % {"number": price.document_number, "line": f"{price.line_no:,}"},
        _("This price was taken over when the archive began; no document was filed for it."),
    )


# ── Beside it ─────────────────────────────────────────────────────────────────────────────────────────────────────


def other_stores(sku, store, moment, stores):
    """Return [(store, amount or None)] of the other stores at the same moment, as their buyers saw it."""
    stores = [one for one in stores if one.pk != store.pk]
    rows = PriceInForce.objects.at(moment).filter(sku=sku, store__in=[one.pk for one in stores])
    # In the order of layers a campaign price comes after the base price and takes its place.
    prices = dict(rows.order_by("layer").values_list("store", "amount"))
    return [(one, prices.get(one.pk)) for one in stores]
