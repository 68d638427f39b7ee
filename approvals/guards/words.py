"""What guards are called on screen: title, sentence and remedy per guard and variant, and a hit in words.

Money at risk, wherever it is shown, is what selling the stock below cost would lose: Σ max(cost − final price, 0) ×
stock over the kept lines, without fees.
"""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

TITLES = {
    "G01": _("not listed"),
    "G02": _("duplicate SKU"),
    "G03": _("form of the price"),
    "G04": _("cost or floor"),
    "G05": _("below cost"),
    "G06": _("floor and ceiling"),
    "G07": _("thin margin"),
    "G08": _("large change"),
    "G09": _("digit slip"),
    "G10": _("digits transposed"),
    "G11": _("off the reference"),
    "G12": _("stores differ"),
    "G13": _("brands differ"),
    "G14": _("window"),
    "G15": _("overlap"),
    "G16": _("price has moved"),
    "G17": _("no real discount"),
    "G20": _("open promotion"),
    "G22": _("struck-through price"),
    "G28": _("odd as a whole"),
    "G29": _("unit mix-up"),
    "G31": _("odd ending"),
    "R01": _("conflict"),
    "R02": _("broken rule"),
    "R03": _("span"),
    "R04": _("layers"),
    "R05": _("vacant superior"),
    "R06": _("bad structure"),
    "R07": _("unconfirmed posts"),
    "R08": _("more than full time"),
    "H01": _("closed position"),
    "H02": _("beyond the plan"),
    "H03": _("tentative position"),
}

# (guard, variant): what was found, and what to do about it.
SENTENCES = {
    ("G01", "inactive"): (_("The SKU is not active"), _("Strike the line, or activate the SKU.")),
    ("G01", "no_listing"): (
        _("Not on the shelf of some stores"),
        _("Say when it will be listed there, or narrow the stores of the line."),
    ),
    ("G01", "no_store"): (
        _("No store takes this price"),
        _("Choose stores that are self-operated and trading."),
    ),
    ("G01", "nothing_kept"): (
        _("Every line is struck"),
        _("Keep a line, or give the document up."),
    ),
    ("G02", "overlap"): (
        _("The same SKU twice for one store"),
        _("Keep one line; only a campaign or exclusive SKU can have a second one, with a written exception."),
    ),
    ("G03", "form"): (
        _("A price of the line is not above 0"),
        _("Write a number above 0 with at most two decimals."),
    ),
    ("G03", "crossed"): (
        _("The ceiling price is below the floor price"),
        _("Correct one of the two."),
    ),
    ("G04", "no_cost"): (_("No cost"), _("Add the cost to the list or to the goods' data.")),
    ("G04", "no_floor"): (
        _("No floor price"),
        _("Add the floor price to the list or to the goods' data."),
    ),
    ("G04", "old_cost"): (_("The cost is old"), _("Ask for a fresh cost, or say why it still holds.")),
    ("G05", "no_reason"): (
        _("Below cost without a reason that the rules allow"),
        _("Choose clearance, end of season, near expiry, overstock or model renewal, or raise the price."),
    ),
    ("G05", "with_reason"): (
        _("Below cost, needs the general manager's signature"),
        _("The exceptions of the rules on price conduct must be stated."),
    ),
    ("G06", "below_floor"): (_("Below the floor price"), _("Raise the price to the floor.")),
    ("G06", "above_ceiling"): (_("Above the ceiling price"), _("Lower the price, or say why.")),
    ("G07", "thin"): (_("The margin is thin"), _("Say why this margin is enough.")),
    ("G08", "warn"): (_("The change is above the limit for a reason"), _("Give a reason per line.")),
    ("G08", "sign"): (
        _("The change needs a higher signature"),
        _("Give a reason per line; the general manager signs as well."),
    ),
    ("G08", "block"): (_("The change is too large"), _("Check the price; go in smaller steps.")),
    ("G09", "base"): (
        _("Possibly one digit too many or too few; blocked."),
        _("Compare with the price in force."),
    ),
    ("G09", "reference"): (
        _("Possibly one digit too many or too few against the reference"),
        _("Compare with the reference price."),
    ),
    ("G10", "reference"): (
        _("The digits of the reference price, transposed"),
        _("Check the digits, and say so."),
    ),
    ("G10", "base"): (
        _("The digits of the price in force, transposed"),
        _("Check the digits, and say so."),
    ),
    ("G11", "deviation"): (
        _("Far from the reference price"),
        _("Say why it departs from the reference."),
    ),
    ("G12", "no_exception"): (
        _("Unified stores would differ"),
        _("Use one price, or a campaign or exclusive SKU with a written exception."),
    ),
    ("G13", "brands"): (
        _("The same product differs between the brands"),
        _("Say why the brands differ."),
    ),
    ("G14", "past"): (_("The window begins in the past"), _("Choose a later start.")),
    ("G14", "no_end"): (_("A campaign without an end"), _("Add the end of the window.")),
    ("G14", "emergency"): (
        _("An emergency list"),
        _("Say what cannot wait; the general manager signs as well."),
    ),
    ("G14", "far"): (_("The window begins far ahead"), _("Check the year; say why so early.")),
    ("G14", "short_lead"): (
        _("Less lead time than the stores need"),
        _("An emergency: say why; the general manager signs as well."),
    ),
    ("G14", "long"): (_("A very long window"), _("Say why it lasts so long.")),
    ("G15", "filed"): (
        _("Overlaps with a filed price"),
        _("One SKU has one price per store, layer and moment. Strike the line, or change the window."),
    ),
    ("G15", "in_approval"): (
        _("Another document in approval prices the same goods"),
        _("Say which of the two shall hold: the one filed first wins."),
    ),
    ("G16", "moved"): (
        _("The price in force has changed since"),
        _("Read the list again with the present prices."),
    ),
    ("G17", "not_below"): (
        _("Not below the price in force"),
        _("A promotion price lies below the price."),
    ),
    ("G17", "discount"): (
        _("The discount is not what the price gives"),
        _("Correct the discount or the price."),
    ),
    ("G17", "no_price"): (
        _("No price in force to compare with in some stores"),
        _("Set the base price first, or say why there is none."),
    ),
    ("G20", "no_cap"): (_("No limit per buyer"), _("Add how many one buyer can have.")),
    ("G20", "no_total"): (_("No total quantity"), _("Add how many there are in all.")),
    ("G20", "no_budget"): (_("No budget"), _("Add the budget.")),
    ("G20", "no_end"): (_("No end"), _("Add the end of the window.")),
    ("G22", "no_evidence"): (
        _("The struck-through price is above the lowest of the days before"),
        _("Lower it, or attach evidence of the base price."),
    ),
    ("G22", "no_price"): (
        _("A struck-through price where nothing was ever sold"),
        _("Leave it out, or attach evidence of the base price."),
    ),
    ("G22", "evidence"): (
        _("The struck-through price rests on the attached evidence"),
        _("Compare it with the evidence."),
    ),
    ("G28", "many"): (
        _("Unusually many lines change"),
        _("Look for a wrong column; say why if it is right."),
    ),
    ("G28", "factor"): (
        _("All prices change by one factor"),
        _("Look for a wrong unit; say why if it is right."),
    ),
    ("G28", "median"): (
        _("The typical change is large"),
        _("Look for a wrong column; say why if it is right."),
    ),
    ("G29", "unit"): (_("Fen and yuan seem to be mixed up"), _("Correct the unit of the whole file.")),
    ("G31", "odd"): (
        _("The price ends in cents that hardly any other has"),
        _("Check that it is no slip of the hand."),
    ),
    ("R01", "moved_on"): (
        _("The live organisation has changed the same since"),
        _("Choose for each which one holds: the live row or the draft."),
    ),
    ("R01", "gone"): (_("What it changes is no longer there"), _("Leave the change out.")),
    ("R01", "exists"): (_("What it makes is there already"), _("Leave the change out.")),
    ("R02", "rule"): (_("A rule of the organisation would be broken"), _("Change the draft.")),
    ("R03", "span"): (
        _("More people report to one post than advised"),
        _("Set a post between, or say why it can be led."),
    ),
    ("R04", "layers"): (
        _("More posts stand above each other than advised"),
        _("Take a layer out, or say why it is needed."),
    ),
    ("R05", "vacant"): (
        _("A new superior is vacant and nobody acts for it"),
        _("Name an acting holder, or say who leads until then."),
    ),
    ("R06", "two_superiors"): (
        _("Posts would stand below two superiors"),
        _("Keep one superior for each, or strike the post from the list of the other's reports."),
    ),
    ("R06", "described_twice"): (
        _("A department would have the same post twice"),
        _("Give one of them another title, or close it in the draft."),
    ),
    ("R06", "circle"): (_("It would stand above itself"), _("Choose another superior in the draft.")),
    ("R07", "unconfirmed"): (
        _("Guessed posts would count as approved headcount"),
        _("Confirm them on the page of the change set, or plan no headcount for them."),
    ),
    ("R08", "share"): (
        _("Somebody would work more than a full time"),
        _("Lower the share of an assignment, or say how long this lasts."),
    ),
    ("H01", "closed"): (_("The position is closed"), _("Choose another position.")),
    ("H02", "beyond_plan"): (
        _("More people than the plan leaves open"),
        _("Ask for fewer, or say why the plan has to grow."),
    ),
    ("H03", "tentative"): (
        _("The position is tentative: its headcount is not approved"),
        _("Say why people are needed before it is."),
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
    ("G01", "inactive"): _("not sold"),
    ("G01", "no_store"): _("no store"),
    ("G04", "no_cost"): _("no cost"),
    ("G04", "no_floor"): _("no floor"),
    ("G04", "old_cost"): _("old cost"),
    ("G06", "below_floor"): _("below floor"),
    ("G06", "above_ceiling"): _("above ceiling"),
    ("G15", "in_approval"): _("also in approval"),
    ("G17", "not_below"): _("not below"),
    ("G17", "discount"): _("other discount"),
    ("G17", "no_price"): _("no price in force"),
}


def short(hit):
    """Return the word of a hit in a row; a large change names its limit."""
    if hit.code == "G08":
        return gettext("change over %(limit)s") % {"limit": hit.limit}
    return str(SHORT.get((hit.code, hit.variant), TITLES.get(hit.code, hit.code)))


# What was measured, in words; the names are those of the hit and of its witness. Others show measure and limit.
DETAILS = {
    ("G01", "no_listing"): _("%(measured)s stores: %(stores)s"),
    ("G01", "inactive"): "",
    ("G01", "no_store"): "",
    ("G01", "nothing_kept"): "",
    ("G02", "overlap"): _("also in line %(row)s at %(price)s: %(stores)s"),
    ("G03", "crossed"): _("ceiling %(measured)s, floor %(limit)s"),
    ("G04", "old_cost"): _("cost of %(measured)s, older than %(limit)s days"),
    ("G05", "no_reason"): _("%(measured)s, cost with fee %(limit)s"),
    ("G05", "with_reason"): _("%(measured)s, cost with fee %(limit)s, at risk ¥%(at_risk)s"),
    ("G06", "below_floor"): _("%(measured)s, floor %(limit)s"),
    ("G06", "above_ceiling"): _("%(measured)s, ceiling %(limit)s"),
    ("G09", "base"): _("%(limit)s → %(measured)s, %(ratio)s times"),
    ("G09", "reference"): _("reference %(limit)s, now %(measured)s, %(ratio)s times"),
    ("G10", "base"): "%(limit)s → %(measured)s",
    ("G10", "reference"): _("reference %(limit)s, now %(measured)s"),
    ("G11", "deviation"): _("%(measured)s of %(reference)s, limit ±%(limit)s"),
    ("G12", "no_exception"): _("%(measured)s here; %(stores)s"),
    ("G13", "brands"): _("%(measured)s from %(sku)s at %(price)s, limit %(limit)s"),
    ("G14", "past"): "%(measured)s",
    ("G14", "emergency"): "%(measured)s",
    ("G14", "short_lead"): _("%(measured)s, less than %(limit)s hours ahead"),
    ("G14", "far"): _("%(measured)s, more than %(limit)s days ahead"),
    ("G14", "long"): _("%(measured)s, more than %(limit)s days"),
    ("G15", "filed"): "%(document)s %(price)s · %(window)s · %(stores)s",
    ("G15", "in_approval"): "%(measured)s · %(price)s · %(window)s · %(stores)s",
    ("G16", "moved"): _("%(limit)s when read, now %(measured)s by %(document)s"),
    ("G22", "no_evidence"): _("%(measured)s struck through, lowest %(limit)s: %(stores)s"),
    ("G22", "no_price"): _("%(measured)s struck through"),
    ("G22", "evidence"): _("%(measured)s struck through, lowest %(limit)s"),
    ("G28", "many"): _("%(changed)s lines, %(share)s%%, limit %(limit)s"),
    ("G28", "factor"): _("%(changed)s lines by %(factor)s"),
    ("G28", "median"): _("median change %(median)s%%, limit %(limit)s"),
    ("G29", "unit"): _("median of new to old %(measured)s"),
    ("G31", "odd"): "%(measured)s",
    ("R01", "moved_on"): "%(words)s",
    ("R01", "gone"): "%(words)s",
    ("R01", "exists"): "%(words)s",
    ("R02", "rule"): "%(message)s",
    ("R06", "two_superiors"): "%(words)s",
    ("R06", "described_twice"): "%(words)s",
    ("R06", "circle"): "%(words)s",
    ("R07", "unconfirmed"): "%(words)s",
    ("R08", "share"): "%(words)s",
    ("H02", "beyond_plan"): _(
        "%(wanted)s wanted, %(free)s free of a plan of %(plan)s, %(others)s asked for already"
    ),
}
STORES_NAMED = 4


def detail(hit):
    """Return measured value, limit and witness of a hit in words."""
    witness = {name: "—" if value is None else value for name, value in (hit.witness or {}).items()}
    stores = witness.get("stores")
    if isinstance(stores, list):
        witness["stores"] = "、".join(stores[:STORES_NAMED]) + (" …" if len(stores) > STORES_NAMED else "")
    if isinstance(witness.get("price"), int | float):
        witness["price"] = f"{witness['price']:.2f}"
    known = {**witness, "measured": hit.measured or "—", "limit": hit.limit or "—"}
    wording = DETAILS.get((hit.code, hit.variant))
    if wording is None:
        return plain_detail(hit, witness)
    return str(wording) % known


def plain_detail(hit, witness):
    """Return measure, limit and stores one after the other."""
    parts = [
        hit.measured,
        hit.limit and gettext("limit %(limit)s") % {"limit": hit.limit},
        witness.get("stores"),
    ]
    return " · ".join(part for part in parts if part)
