"""The lines of a draft, a page at a time: searched, filtered, sorted, by keys instead of offsets.

A page costs the same for ten lines as for a hundred thousand: nothing counts or skips lines.
"""

from decimal import Decimal, InvalidOperation

from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, Round

from approvals.kinds import kind_of
from approvals.models import GuardHit, Severity
from stores.models import Sku

PAGE = 50
SHOWS = ("all", "hits", Severity.BLOCK, Severity.SIGN, Severity.WARN, "struck")
GRAVE = (Severity.BLOCK, Severity.SIGN, Severity.WARN)
CHANGE = Round(
    Coalesce((F("final_price") - F("base_price")) / F("base_price"), Value(Decimal(0))), precision=6
)


def number(text):
    """Return a finite decimal; raises ValueError for any other text."""
    value = Decimal(text)
    if not value.is_finite():
        raise ValueError(text)
    return value


# What a page is sorted by: columns, each with how its key is read back, falling where it begins with a minus.
SORTS = {
    "row": (("row_no", int), ("pk", int)),
    "sku": (("sku_code", str), ("pk", int)),
    "cut": (("change", number), ("pk", int)),
    "rise": (("-change", number), ("pk", int)),
    "risk": (("band", int), ("-risk", int), ("pk", int)),
}
SEPARATOR = "~"


def found_by(document, search):
    """Return the filter on lines that a search means: SKUs that begin so, or where none does, names that hold it.

    Asking for both at once would read every line of the document for each page. One statement.
    """
    codes = Sku.objects.filter(code__startswith=search.upper()).values("code")
    by_code = Q(sku_code__in=codes)
    lines = kind_of(document).line_model.objects.filter(by_code, document=document.pk)
    return by_code if lines.exists() else Q(sku_name__icontains=search)


def lines_of(document, *, show="all", search=""):
    """Return the lines of a document that a filter and a search leave, without order."""
    lines = kind_of(document).line_model.objects.filter(document=document.pk)
    if show == "struck":
        lines = lines.filter(struck=True)
    elif show != "all":
        grave = GRAVE if show == "hits" else (show,)
        hits = GuardHit.objects.filter(document=document.pk, line_id=OuterRef("pk"), severity__in=grave)
        lines = lines.filter(Exists(hits))
    if search:
        lines = lines.filter(found_by(document, search))
    return lines


def page_of(document, *, show="all", search="", sort="row", after=""):
    """Return (lines, key): one page, and the key after which the next page begins, empty on the last page.

    ``show`` is one of SHOWS, ``sort`` one of SORTS; ``after`` is a key given out before, anything else begins anew.
    """
    columns = SORTS[sort]
    lines = lines_of(document, show=show, search=search)
    if sort in {"cut", "rise"}:
        lines = lines.annotate(change=CHANGE)
    values = read_key(after, columns)
    if values:
        lines = lines.filter(beyond(columns, values))
    found = list(lines.order_by(*(name for name, _read in columns))[: PAGE + 1])
    following = write_key(found[PAGE - 1], columns) if len(found) > PAGE else ""
    return found[:PAGE], following


def beyond(columns, values):
    """Return the filter on rows that come after the row with these values.

    It begins with a plain bound on the first column: an index finds that, and not the alternatives behind it.
    """
    first = columns[0][0]
    bound = Q(**{f"{first.removeprefix('-')}__{'lte' if first.startswith('-') else 'gte'}": values[0]})
    passed, equal = Q(), Q()
    for (name, _read), value in zip(columns, values, strict=True):
        column, comparison = (name[1:], "lt") if name.startswith("-") else (name, "gt")
        passed |= equal & Q(**{f"{column}__{comparison}": value})
        equal &= Q(**{column: value})
    return bound & passed


def read_key(text, columns):
    """Return the values of a key, or None for text that was never given out as one."""
    parts = text.split(SEPARATOR)
    if len(parts) != len(columns):
        return None
    try:
        return [read(part) for (_name, read), part in zip(columns, parts, strict=True)]
    except (ValueError, InvalidOperation):
        return None


def write_key(line, columns):
    return SEPARATOR.join(str(getattr(line, name.removeprefix("-"))) for name, _read in columns)
