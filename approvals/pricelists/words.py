"""What the screens say about an upload: faults with their remedies, encodings, delimiters, sheets."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from approvals.models import RowVerdict
from opsadmin.core.spreadsheets import NOTE_TEXTS, explain

ENCODINGS = {
    "utf-8": "UTF-8",
    "gb18030": "GB18030",
    "utf-16-le": "UTF-16LE",
    "utf-16-be": "UTF-16BE",
}

# Faults that only goods, draft and document can show; those of cells are told by opsadmin.core.spreadsheets.
FAULTS = {
    "unknown_sku": (
        gettext_lazy("is not among the goods"),
        gettext_lazy("correct the code, or have the SKU added to the masters first"),
    ),
    "inactive_sku": (gettext_lazy("is no longer sold"), gettext_lazy("take the row out")),
    "duplicate_sku": (gettext_lazy("the same as row %(row)s"), gettext_lazy("keep one of the two rows")),
    "duplicate_sku_other_spelling": (
        gettext_lazy("the same as row %(row)s, only written differently"),
        gettext_lazy("keep one of the two rows"),
    ),
    "no_cost": (
        gettext_lazy("no cost, neither here nor in the masters: below cost cannot be judged"),
        gettext_lazy("fill in the cost"),
    ),
    "no_floor": (
        gettext_lazy("no floor price, neither here nor in the masters"),
        gettext_lazy("fill in the floor price"),
    ),
    "unit_fen": (
        gettext_lazy("probably in fen: the price in force is %(in_force)s"),
        gettext_lazy("write %(meant)s"),
    ),
    "not_above_zero": (gettext_lazy("is not above 0"), gettext_lazy("write an amount above 0")),
    "unknown_scope": (
        gettext_lazy("“%(name)s” is neither a brand nor a self-operated store that is trading"),
        gettext_lazy("leave it empty for all stores, or write a brand or store codes separated by ;"),
    ),
    "exception_missing": (
        gettext_lazy("a price for named stores needs a written exception"),
        gettext_lazy("say why in the column 例外说明"),
    ),
    "other_window": (
        gettext_lazy("is not what the document says: %(known)s"),
        gettext_lazy("make both the same, or change the header of the document"),
    ),
    "other_currency": (
        gettext_lazy("is not the document's currency %(known)s"),
        gettext_lazy("write %(known)s"),
    ),
    "line_changed_since": (
        gettext_lazy("the line has been changed since this workbook was exported"),
        gettext_lazy("export again, or empty the column 行版本 to write it all the same"),
    ),
}
NOTES = {
    "other_sku_name": gettext_lazy("the masters call it %(known)s; that name is used"),
    "other_brand": gettext_lazy("the masters say %(known)s"),
}


def fault_words(fault):
    """Return (message, remedy) of an ImportFault in the language that is active now."""
    if fault.note:
        text = NOTES.get(fault.code) or NOTE_TEXTS[fault.code]
        return filled(text, fault.params), _("nothing to do")
    if fault.code in FAULTS:
        message, remedy = FAULTS[fault.code]
        return filled(message, fault.params), filled(remedy, fault.params)
    return explain(fault.code, fault.params)


def filled(text, params):
    return str(text) % params if params else str(text)


def shown_fault(fault):
    """Return a fault as a row of the screens."""
    message, remedy = fault_words(fault)
    return {
        "note": fault.note,
        "kind": pgettext("row", "note") if fault.note else RowVerdict.FAULTY.label,
        "sheet": fault.sheet,
        "row": fault.row_no,
        "header": fault.header,
        "value": fault.value or _("(empty)"),
        "message": message,
        "remedy": remedy,
    }


def encoding_words(imported):
    """Return encoding and delimiter of a text file, or XLSX."""
    if not imported.details.get("text"):
        return "XLSX"
    return f"{ENCODINGS.get(imported.encoding, imported.encoding)} · {delimiter_word(imported.delimiter)}"


def delimiter_word(mark):
    return {
        ",": pgettext("delimiter", "comma"),
        "\t": pgettext("delimiter", "tab"),
        ";": pgettext("delimiter", "semicolon"),
    }.get(mark, mark)


def sheet_words(imported):
    return imported.sheet if not imported.details.get("text") else ""


def fixed_words(imported):
    """Return what was put right while reading, in few words."""
    names = {
        "full_width": _("full-width characters"),
        "trimmed": _("blanks"),
        "line_break": _("line breaks"),
        "invisible": _("invisible characters"),
        "apostrophe": _("apostrophes"),
    }
    found = imported.details.get("fixed", {})
    return "、".join(names[code] for code in names if code in found)
