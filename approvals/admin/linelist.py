"""Lines of a document as a page shows them: by group and risk, a page at a time, with their hits and reasons."""

from collections import defaultdict

from django.db.models import Q
from django.utils.translation import gettext as _

from approvals.guards import words
from approvals.kinds import kind_of
from approvals.models import GuardAck, GuardHit, LineBand, LineChange
from approvals.pricelists.grid import found_by
from approvals.scopes import scope_label
from stores.models import Brand, Store

PAGE = 50
FIRST_LOOK = {LineBand.MUST_LOOK: 200, LineBand.CHANGED: 20, LineBand.UNCHANGED: 0}


def lines_of(document, *, band, fitting=None, after="", low=None, high=None, limit=PAGE):
    """Return (rows, next): lines of one group by falling risk, after a key ``risk:id``, and the key to go on with.

    ``fitting`` is the filter of a search; ``low`` and ``high`` bound the change in percent.
    """
    lines = kind_of(document).line_model.objects.filter(fitting or Q(), document=document.pk, band=band)
    lines = change_between(lines, low, high)
    if after:
        risk, pk = (int(part) for part in after.split(":"))
        lines = lines.filter(Q(risk__lt=risk) | Q(risk=risk, pk__gt=pk))
    rows = list(lines.order_by("-risk", "pk")[: limit + 1])
    following = f"{rows[limit - 1].risk}:{rows[limit - 1].pk}" if len(rows) > limit else ""
    return rows[:limit], following


def change_between(lines, low, high):
    """Keep the lines whose change against the price in force lies in ``[low, high)`` percent."""
    from django.db.models import F

    change = (F("final_price") - F("base_price")) * 100 / F("base_price")
    if low is not None or high is not None:
        lines = lines.exclude(base_price=F("final_price")).annotate(change=change)
    if low is not None:
        lines = lines.filter(change__gte=low)
    if high is not None:
        lines = lines.filter(change__lt=high)
    return lines


def line_words(kind):
    """Return how a kind's table of lines is headed: its price, and whether it has a reference or a discount."""
    names = {field.name for field in kind.line_model._meta.concrete_fields}
    return {
        "price_word": kind.price_word,
        "has_reference": "reference_price" in names,
        "has_discount": "discount" in names,
    }


def dress(document, rows, *, costs, fee=None):
    """Give lines what their row shows: change, margin, hits with reasons, the price before the decider's change.

    Costs four statements for any number of rows.
    """
    keys = [row.pk for row in rows]
    hits, reasons, before = (
        hits_by_line(document, keys),
        reasons_by_line(document, keys),
        prices_before(document, keys),
    )
    names = scope_names() if any(row.scope_key != "all" for row in rows) else {}
    for row in rows:
        row.change = percent(row.final_price, row.base_price)
        row.margin = margin(row.final_price, row.cost, fee) if costs else None
        row.reference = getattr(row, "reference_price", None)
        row.price_before = before.get(row.pk)
        row.scope_words = "" if row.scope_key == "all" else scope_label(row.scope_key, names)
        row.shown_hits = [shown_hit(hit, reasons.get((row.pk, hit.code))) for hit in hits[row.pk]]
        row.unexplained = [hit for hit in row.shown_hits if hit["needs_reason"]]
    return rows


def percent(new, old):
    """Return the change in percent to one place, or None without a price in force."""
    return None if not old else round((new - old) * 100 / old, 1)


def margin(price, cost, fee):
    """Return (price − cost − fee) / price in percent, or None without a cost."""
    return None if cost is None else round((price - cost - price * (fee or 0)) * 100 / price, 1)


def hits_by_line(document, keys):
    found = defaultdict(list)
    for hit in GuardHit.objects.filter(document=document.pk, line_id__in=keys).order_by("pk"):
        found[hit.line_id].append(hit)
    rank = {"block": 0, "sign": 1, "warn": 2, "info": 3}
    for hits in found.values():
        hits.sort(key=lambda hit: (rank[hit.severity], hit.code))
    return found


def reasons_by_line(document, keys):
    acks = GuardAck.objects.filter(document=document.pk, line_id__in=keys)
    return {(ack.line_id, ack.code): ack for ack in acks}


def prices_before(document, keys):
    """Return the final price that each line had when this round was submitted, where a decider changed it."""
    changes = LineChange.objects.filter(
        document=document.pk, round=document.round, field="final_price", line_id__in=keys
    ).order_by("-pk")
    return {change.line_id: change.old for change in changes}


def scope_names():
    """Return {code: name} of brands and stores."""
    stores = Store.objects.order_by().values_list("code", "name")
    return dict(Brand.objects.order_by().values_list("code", "name").union(stores, all=True))


def shown_hit(hit, ack):
    """Return a hit as a row shows it: word, detail and reason."""
    valid = ack is not None and ack.measured == hit.measured
    return {
        "code": hit.code,
        "severity": hit.severity,
        "word": words.short(hit),
        "detail": words.detail(hit),
        "reason": ack.reason if valid else "",
        "needs_reason": hit.severity in ("warn", "sign") and not valid,
    }


def groups(document, *, costs, fee=None, search="", low=None, high=None):
    """Return the three groups of the review page with their first lines; counts come from the last check."""
    bands = (document.summary or {}).get("bands", {})
    within = _("within limits, or seen in an earlier round") if document.round > 1 else _("within limits")
    titles = {
        LineBand.MUST_LOOK: ("must", _("must look"), _("by risk, look at these first")),
        LineBand.CHANGED: ("changed", _("changed"), within),
        LineBand.UNCHANGED: ("unchanged", _("unchanged"), _("same as the price in force")),
    }
    fitting = found_by(document, search) if search else None
    shown = []
    for band, (key, title, note) in titles.items():
        limit = PAGE if search or low is not None or high is not None else FIRST_LOOK[band]
        rows, following = (
            lines_of(document, band=band, fitting=fitting, low=low, high=high, limit=limit)
            if limit
            else ([], "0:0")
        )
        if band == LineBand.UNCHANGED and not limit:
            following = "start" if bands.get(key) else ""
        shown.append(
            {
                "key": key,
                "band": int(band),
                "title": title,
                "note": note,
                "count": bands.get(key, 0),
                "rows": rows,
                "next": following,
                "open": bool(rows),
            }
        )
    dress(document, [row for group in shown for row in group["rows"]], costs=costs, fee=fee)
    return shown
