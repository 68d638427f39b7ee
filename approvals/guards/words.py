"""What guards are called on screen: title, sentence and remedy per guard and variant, and a hit in words.

Money at risk, wherever it is shown, is what selling the stock below cost would lose: Σ max(cost − final price, 0) ×
stock over the kept lines, without fees.
"""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

TITLES = {
    "G01": lazy("not listed"),
    "G02": lazy("duplicate SKU"),
    "G03": lazy("form of the price"),
    "G04": lazy("cost or floor"),
    "G05": lazy("below cost"),
    "G06": lazy("floor and ceiling"),
    "G07": lazy("thin margin"),
    "G08": lazy("large change"),
    "G09": lazy("digit slip"),
    "G10": lazy("digits transposed"),
    "G11": lazy("off the reference"),
    "G12": lazy("stores differ"),
    "G13": lazy("brands differ"),
    "G14": lazy("window"),
    "G15": lazy("overlap"),
    "G16": lazy("price has moved"),
    "G17": lazy("no real discount"),
    "G20": lazy("open promotion"),
    "G22": lazy("struck-through price"),
    "G28": lazy("odd as a whole"),
    "G29": lazy("unit mix-up"),
    "G31": lazy("odd ending"),
}

# (guard, variant): what was found, and what to do about it.
SENTENCES = {
    ("G01", "inactive"): (lazy("The SKU is not active"), lazy("Strike the line, or activate the SKU.")),
    ("G01", "no_listing"): (
        lazy("Not on the shelf of some stores"),
        lazy("Say when it will be listed there, or narrow the stores of the line."),
    ),
    ("G01", "no_store"): (
        lazy("No store takes this price"),
        lazy("Choose stores that are self-operated and trading."),
    ),
    ("G01", "nothing_kept"): (
        lazy("Every line is struck"),
        lazy("Keep a line, or give the document up."),
    ),
    ("G02", "overlap"): (
        lazy("The same SKU twice for one store"),
        lazy(
            "Keep one line; only a campaign or exclusive SKU can have a second one, with a written exception."
        ),
    ),
    ("G03", "form"): (
        lazy("A price of the line is not above 0"),
        lazy("Write a number above 0 with at most two decimals."),
    ),
    ("G03", "crossed"): (
        lazy("The ceiling price is below the floor price"),
        lazy("Correct one of the two."),
    ),
    ("G04", "no_cost"): (lazy("No cost"), lazy("Add the cost to the list or to the goods' data.")),
    ("G04", "no_floor"): (
        lazy("No floor price"),
        lazy("Add the floor price to the list or to the goods' data."),
    ),
    ("G04", "old_cost"): (lazy("The cost is old"), lazy("Ask for a fresh cost, or say why it still holds.")),
    ("G05", "no_reason"): (
        lazy("Below cost without a reason that the rules allow"),
        lazy("Choose clearance, end of season, near expiry, overstock or model renewal, or raise the price."),
    ),
    ("G05", "with_reason"): (
        lazy("Below cost, needs the general manager's signature"),
        lazy("The exceptions of the rules on price conduct must be stated."),
    ),
    ("G06", "below_floor"): (lazy("Below the floor price"), lazy("Raise the price to the floor.")),
    ("G06", "above_ceiling"): (lazy("Above the ceiling price"), lazy("Lower the price, or say why.")),
    ("G07", "thin"): (lazy("The margin is thin"), lazy("Say why this margin is enough.")),
    ("G08", "warn"): (lazy("The change is above the limit for a reason"), lazy("Give a reason per line.")),
    ("G08", "sign"): (
        lazy("The change needs a higher signature"),
        lazy("Give a reason per line; the general manager signs as well."),
    ),
    ("G08", "block"): (lazy("The change is too large"), lazy("Check the price; go in smaller steps.")),
    ("G09", "base"): (
        lazy("Possibly one digit too many or too few; blocked."),
        lazy("Compare with the price in force."),
    ),
    ("G09", "reference"): (
        lazy("Possibly one digit too many or too few against the reference"),
        lazy("Compare with the reference price."),
    ),
    ("G10", "reference"): (
        lazy("The digits of the reference price, transposed"),
        lazy("Check the digits, and say so."),
    ),
    ("G10", "base"): (
        lazy("The digits of the price in force, transposed"),
        lazy("Check the digits, and say so."),
    ),
    ("G11", "deviation"): (
        lazy("Far from the reference price"),
        lazy("Say why it departs from the reference."),
    ),
    ("G12", "no_exception"): (
        lazy("Unified stores would differ"),
        lazy("Use one price, or a campaign or exclusive SKU with a written exception."),
    ),
    ("G13", "brands"): (
        lazy("The same product differs between the brands"),
        lazy("Say why the brands differ."),
    ),
    ("G14", "past"): (lazy("The window begins in the past"), lazy("Choose a later start.")),
    ("G14", "no_end"): (lazy("A campaign without an end"), lazy("Add the end of the window.")),
    ("G14", "emergency"): (
        lazy("An emergency list"),
        lazy("Say what cannot wait; the general manager signs as well."),
    ),
    ("G14", "far"): (lazy("The window begins far ahead"), lazy("Check the year; say why so early.")),
    ("G14", "short_lead"): (
        lazy("Less lead time than the stores need"),
        lazy("An emergency: say why; the general manager signs as well."),
    ),
    ("G14", "long"): (lazy("A very long window"), lazy("Say why it lasts so long.")),
    ("G15", "filed"): (
        lazy("Overlaps with a filed price"),
        lazy("One SKU has one price per store, layer and moment. Strike the line, or change the window."),
    ),
    ("G15", "in_approval"): (
        lazy("Another document in approval prices the same goods"),
        lazy("Say which of the two shall hold: the one filed first wins."),
    ),
    ("G16", "moved"): (
        lazy("The price in force has changed since"),
        lazy("Read the list again with the present prices."),
    ),
    ("G17", "not_below"): (
        lazy("Not below the price in force"),
        lazy("A promotion price lies below the price."),
    ),
    ("G17", "discount"): (
        lazy("The discount is not what the price gives"),
        lazy("Correct the discount or the price."),
    ),
    ("G17", "no_price"): (
        lazy("No price in force to compare with in some stores"),
        lazy("Set the base price first, or say why there is none."),
    ),
    ("G20", "no_cap"): (lazy("No limit per buyer"), lazy("Add how many one buyer can have.")),
    ("G20", "no_total"): (lazy("No total quantity"), lazy("Add how many there are in all.")),
    ("G20", "no_budget"): (lazy("No budget"), lazy("Add the budget.")),
    ("G20", "no_end"): (lazy("No end"), lazy("Add the end of the window.")),
    ("G22", "no_evidence"): (
        lazy("The struck-through price is above the lowest of the days before"),
        lazy("Lower it, or attach evidence of the base price."),
    ),
    ("G22", "no_price"): (
        lazy("A struck-through price where nothing was ever sold"),
        lazy("Leave it out, or attach evidence of the base price."),
    ),
    ("G22", "evidence"): (
        lazy("The struck-through price rests on the attached evidence"),
        lazy("Compare it with the evidence."),
    ),
    ("G28", "many"): (
        lazy("Unusually many lines change"),
        lazy("Look for a wrong column; say why if it is right."),
    ),
    ("G28", "factor"): (
        lazy("All prices change by one factor"),
        lazy("Look for a wrong unit; say why if it is right."),
    ),
    ("G28", "median"): (
        lazy("The typical change is large"),
        lazy("Look for a wrong column; say why if it is right."),
    ),
    ("G29", "unit"): (lazy("Fen and yuan seem to be mixed up"), lazy("Correct the unit of the whole file.")),
    ("G31", "odd"): (
        lazy("The price ends in cents that hardly any other has"),
        lazy("Check that it is no slip of the hand."),
    ),
}


def title(code):
    """Return the short name of a guard."""
    return str(TITLES.get(code, code))


def sentence(code, variant):
    """Return what a guard found, as a sentence."""
    return str(SENTENCES.get((code, variant), (TITLES.get(code, code), ""))[0])


def remedy(code, variant):
    """Return what to do about it."""
    return str(SENTENCES.get((code, variant), ("", ""))[1])


SHORT = {
    ("G01", "inactive"): lazy("not sold"),
    ("G01", "no_store"): lazy("no store"),
    ("G04", "no_cost"): lazy("no cost"),
    ("G04", "no_floor"): lazy("no floor"),
    ("G04", "old_cost"): lazy("old cost"),
    ("G06", "below_floor"): lazy("below floor"),
    ("G06", "above_ceiling"): lazy("above ceiling"),
    ("G15", "in_approval"): lazy("also in approval"),
    ("G17", "not_below"): lazy("not below"),
    ("G17", "discount"): lazy("other discount"),
    ("G17", "no_price"): lazy("no price in force"),
}


def short(hit):
    """Return the word of a hit in a row; a large change names its limit."""
    if hit.code == "G08":
        return _("change over %(limit)s") % {"limit": hit.limit}
    return str(SHORT.get((hit.code, hit.variant), TITLES.get(hit.code, hit.code)))


# What was measured, in words; the names are those of the hit and of its witness. Others show measure and limit.
DETAILS = {
    ("G01", "no_listing"): lazy("%(measured)s stores: %(stores)s"),
    ("G01", "inactive"): "",
    ("G01", "no_store"): "",
    ("G01", "nothing_kept"): "",
    ("G02", "overlap"): lazy("also in line %(row)s at %(price)s: %(stores)s"),
    ("G03", "crossed"): lazy("ceiling %(measured)s, floor %(limit)s"),
    ("G04", "old_cost"): lazy("cost of %(measured)s, older than %(limit)s days"),
    ("G05", "no_reason"): lazy("%(measured)s, cost with fee %(limit)s"),
    ("G05", "with_reason"): lazy("%(measured)s, cost with fee %(limit)s, at risk ¥%(at_risk)s"),
    ("G06", "below_floor"): lazy("%(measured)s, floor %(limit)s"),
    ("G06", "above_ceiling"): lazy("%(measured)s, ceiling %(limit)s"),
    ("G09", "base"): lazy("%(limit)s → %(measured)s, %(ratio)s times"),
    ("G09", "reference"): lazy("reference %(limit)s, now %(measured)s, %(ratio)s times"),
    ("G10", "base"): "%(limit)s → %(measured)s",
    ("G10", "reference"): lazy("reference %(limit)s, now %(measured)s"),
    ("G11", "deviation"): lazy("%(measured)s of %(reference)s, limit ±%(limit)s"),
    ("G12", "no_exception"): lazy("%(measured)s here; %(stores)s"),
    ("G13", "brands"): lazy("%(measured)s from %(sku)s at %(price)s, limit %(limit)s"),
    ("G14", "past"): "%(measured)s",
    ("G14", "emergency"): "%(measured)s",
    ("G14", "short_lead"): lazy("%(measured)s, less than %(limit)s hours ahead"),
    ("G14", "far"): lazy("%(measured)s, more than %(limit)s days ahead"),
    ("G14", "long"): lazy("%(measured)s, more than %(limit)s days"),
    ("G15", "filed"): "%(document)s %(price)s · %(window)s · %(stores)s",
    ("G15", "in_approval"): "%(measured)s · %(price)s · %(window)s · %(stores)s",
    ("G16", "moved"): lazy("%(limit)s when read, now %(measured)s by %(document)s"),
    ("G22", "no_evidence"): lazy("%(measured)s struck through, lowest %(limit)s: %(stores)s"),
    ("G22", "no_price"): lazy("%(measured)s struck through"),
    ("G22", "evidence"): lazy("%(measured)s struck through, lowest %(limit)s"),
    ("G28", "many"): lazy("%(changed)s lines, %(share)s%%, limit %(limit)s"),
    ("G28", "factor"): lazy("%(changed)s lines by %(factor)s"),
    ("G28", "median"): lazy("median change %(median)s%%, limit %(limit)s"),
    ("G29", "unit"): lazy("median of new to old %(measured)s"),
    ("G31", "odd"): "%(measured)s",
}
STORES_NAMED = 4


def detail(hit):
    """Return measured value, limit and witness of a hit in words."""
    witness = {name: "—" if value is None else value for name, value in (hit.witness or {}).items()}
    stores = witness.get("stores")
    if isinstance(stores, list):
        witness["stores"] = "、".join(stores[:STORES_NAMED]) + (" …" if len(stores) > STORES_NAMED else "")
    known = {**witness, "measured": hit.measured or "—", "limit": hit.limit or "—"}
    wording = DETAILS.get((hit.code, hit.variant))
    if wording is None:
        return plain_detail(hit, witness)
    return str(wording) % known


def plain_detail(hit, witness):
    """Return measure, limit and stores one after the other."""
    parts = [hit.measured, hit.limit and _("limit %(limit)s") % {"limit": hit.limit}, witness.get("stores")]
    return " · ".join(part for part in parts if part)
