"""Stores: how far the last filed list is carried out, and the mix of goods on their shelves."""

from datetime import timedelta

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from approvals.admin.execution import store_states
from approvals.models import ArchiveKind, ArchiveRecord, Document
from opsadmin.charts import dots
from stores.models import Listing, Sku, Store

AIM = (75, 85)
COST_DAYS = 90


def last_filed(user):
    """Return (the document filed last that the account may see, the states of its stores) or (None, [])."""
    if not hasattr(user, "_last_filed"):
        visible = Document.objects.visible_to(user)
        filings = ArchiveRecord.objects.filter(kind=ArchiveKind.FILING, document__in=visible).defer("payload")
        record = filings.select_related("document").order_by("-sequence").first()
        document = record and record.document
        user._last_filed = (document, store_states(document, user) if document else [])
    return user._last_filed


def done_figure(user, now):
    document, states = last_filed(user)
    if document is None:
        return {"label": _("Stores done"), "value": "—", "note": _("nothing filed yet")}
    total = ngettext("/ %(n)d store", "/ %(n)d stores", len(states)) % {"n": len(states)}
    done = sum(row["receipt"] is not None for row in states)
    url = reverse("admin:execution")
    return {"label": _("Stores done"), "value": done, "unit": total, "note": document.title[:12], "url": url}


def board_card(user, now):
    """Which stores have carried out the list that was filed last."""
    document, states = last_filed(user)
    if document is None:
        return {
            "template": "op/dashboard/board.html",
            "title": _("Store execution"),
            "nothing": _("No document has been filed yet. Stores appear here once one is."),
        }
    return {
        "template": "op/dashboard/board.html",
        "title": _("Store execution · %(title)s") % {"title": document.title},
        "document": document,
        "rows": [store_row(row, now) for row in states],
        "nothing": _("Stores appear here when it is their turn."),
    }


def store_row(row, now):
    """Return a store with its progress in lines and its state as (tone, word, icon)."""
    receipt = row["receipt"]
    if receipt is None:
        late = row["task"].due_at is not None and row["task"].due_at < now
        chip = ("block", _("overdue"), "clock") if late else ("info", _("to be done"), "clock")
        return {"store": row["store"], "done": 0, "total": 1, "chip": chip, "words": _("not begun")}
    missing = receipt.failed + receipt.not_found
    chip = ("warn", _("done with gaps"), "warn") if missing else ("ok", _("done"), "ok")
    total = receipt.applied + missing
    return {"store": row["store"], "done": receipt.applied, "total": total or 1, "chip": chip, "words": ""}


def mix_card(user, now):
    """The share of common goods on each store's shelf, beside the share that is aimed at."""
    counts = (
        Store.objects.visible_to(user)
        .taking_prices()
        .filter(listings__state="listed")
        .annotate(all=Count("listings"), common=Count("listings", filter=Q(listings__sku__pool="common")))
        .order_by("order", "code")
    )
    shares = [(store.name, round(store.common * 100 / store.all)) for store in counts]
    outside = [label for label, share in shares if not AIM[0] <= share <= AIM[1]]
    return {
        "template": "op/dashboard/mix.html",
        "title": _("Assortment mix: share of common goods"),
        "note": _("aim %(low)d–%(high)d%%") % {"low": AIM[0], "high": AIM[1]},
        "chart": dots(shares, *AIM) if shares else None,
        "outside": "、".join(outside),
        "nothing": _("No goods are listed in a trading store yet."),
    }


def stale_costs_figure(user, now):
    """Goods on sale whose cost was last confirmed more than 90 days ago, or never."""
    old = now.date() - timedelta(days=COST_DAYS)
    found = Sku.objects.filter(active=True).aggregate(
        all=Count("pk"), stale=Count("pk", filter=Q(cost_as_of__lt=old) | Q(cost_as_of__isnull=True))
    )
    share = found["stale"] / found["all"] if found["all"] else 0
    return {
        "label": _("Cost older than 90 days"),
        "value": f"{found['stale']:,}",
        "unit": pgettext("unit", "SKUs"),
        "note": _("%(share)s of goods on sale") % {"share": f"{share:.1%}"},
    }


def my_stores_figure(user, now):
    stores = Store.objects.visible_to(user).trading()
    listed = Listing.objects.filter(store__in=stores, state="listed").count()
    note = ngettext("%(n)d listing", "%(n)d listings", listed) % {"n": listed}
    return {"label": _("My stores"), "value": stores.count(), "note": note}
