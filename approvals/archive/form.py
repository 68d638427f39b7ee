"""The printed form (审批单) of a filed document: a PDF/A that somebody without an account can read and check.

It is made from the sealed bytes alone and is the same, byte for byte, whenever it is made again: names,
positions and departments are those of the day of signing, the words are Chinese whatever the reader's
language, the time stamp is the moment of filing.
"""

import heapq
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import segno
import typst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override, pgettext, pgettext_lazy

from approvals.archive.canonical import Filed
from approvals.models.guard import Severity
from approvals.scopes import scope_label

PRINTED_WHOLE = 5000
PRINTED_BY_RISK = 2000
PRINTED_HITS = 500

SHANGHAI = ZoneInfo("Asia/Shanghai")
HERE = Path(__file__).parent
SEVERITIES = dict(Severity.choices)
SEVERITIES_IN_ORDER = list(SEVERITIES)


@dataclass(frozen=True)
class FormColumn:
    """A column of the table of lines: ``value`` makes its text from a line and the names of the stores by code.

    The first column is set in letters of equal width, for codes. A kind of document whose lines lack the sealed
    column ``needs`` is printed without this one. ``width`` is in millimetres, 0 takes what is left; ``crossed``:
    crossed out where the line was struck; ``run``: after how many letters a word without blanks is broken.
    """

    label: str
    needs: str
    value: Callable[[Mapping, Mapping], str]
    width: int = 0
    right: bool = False
    crossed: bool = True
    run: int = 18


def _plain(field):
    return lambda line, stores: line[field] or ""


def _scope(line, stores):
    return scope_label(line["scope_key"], stores)


def _change_in_percent(line):
    """The change against the price in force, None where there is none."""
    before, after = line["base_price"], Decimal(line["final_price"])
    return (after - Decimal(before)) / Decimal(before) * 100 if before else None


def _change(line, stores):
    change = _change_in_percent(line)
    if change is None:
        return pgettext("price", "new")
    percent = abs(change).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return f"{'↑' if change > 0 else '↓'} {percent}%" if change else "0%"


def _remarks(line, stores):
    if _is_struck(line):
        return _("Struck: %(reason)s") % {"reason": line["strike_reason"] or ""}
    return "；".join(filter(None, (line["reason"], line["exception_reason"])))


def _sets_prices(filed):
    return "final_price" in filed.columns


def _line_word(filed):
    """What the lines of this kind of document are called."""
    if _sets_prices(filed):
        return pgettext("form", "Lines")
    return pgettext("change set", "Changes") if "words" in filed.columns else _("Duties wanted")


def _is_struck(line):
    return line["struck"] == "true"


COLUMNS = (
    FormColumn(gettext_lazy("No."), "words", _plain("row_no"), 12),
    FormColumn(pgettext_lazy("change set", "change"), "words", _plain("words"), run=60),
    FormColumn(gettext_lazy("before"), "words", _plain("before"), 42, run=26),
    FormColumn(gettext_lazy("after"), "words", _plain("after"), 42, run=26),
    FormColumn(gettext_lazy("No."), "text", _plain("row_no"), 12),
    FormColumn(gettext_lazy("duty"), "text", _plain("text"), run=60),
    FormColumn("SKU", "sku_code", _plain("sku_code"), 28),
    FormColumn(gettext_lazy("Product"), "sku_name", _plain("sku_name")),
    FormColumn(gettext_lazy("Scope"), "scope_key", _scope, 22, run=14),
    FormColumn(gettext_lazy("Price in force"), "base_price", _plain("base_price"), 19, right=True),
    FormColumn(gettext_lazy("Reference price"), "reference_price", _plain("reference_price"), 19, right=True),
    FormColumn(gettext_lazy("Percent off"), "discount", _plain("discount"), 16, right=True),
    FormColumn(gettext_lazy("Final price"), "final_price", _plain("final_price"), 19, right=True),
    FormColumn(pgettext_lazy("price", "Change"), "base_price", _change, 16, right=True),
    FormColumn(gettext_lazy("Quantity limit"), "quantity_limit", _plain("quantity_limit"), 16, right=True),
    FormColumn(gettext_lazy("Remarks"), "final_price", _remarks, 30, crossed=False),
)


def printed_form(filed: Filed, *, qr_url: str, out_path) -> None:
    """Write the printed form of a filed document to ``out_path``: PDF/A-2u, A4, Chinese font embedded.

    ``qr_url`` is the address of the page where the digest can be checked. Up to 5,000 lines are printed whole,
    in their order; of more, the 2,000 riskiest (gravest guard hit on the SKU, then largest change), with a
    sentence saying where the others are. Characters that the font lacks, and those that would change how a line
    reads, are printed as code points.
    """
    content, filed_at = form_text(filed, qr_url), datetime.fromisoformat(filed.row("archive")["filed_at"])
    Path(out_path).write_bytes(typeset(content, filed_at))


def form_text(filed, qr_url):
    """Return everything that the form says, as JSON for the template."""
    with override("zh-hans"):
        return json.dumps(_content(filed, qr_url), ensure_ascii=False)


def typeset(content, at):
    """Return the PDF of what ``form_text`` says, dated at a moment."""
    return typst.compile(
        HERE / "form.typ",
        font_paths=_fonts(),
        sys_inputs={"form": content},
        pdf_standards=["a-2u"],
        # Tags for each cell would make a long form fifteen times larger and take most of the time.
        pdf_tags=False,
        timestamp=at.replace(microsecond=0),
    )


@cache
def _fonts():
    """Only the fonts beside this file, so that the form looks the same on every machine."""
    folder = str(HERE / "fonts")
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def _content(filed, qr_url):
    archive, document = filed.row("archive"), filed.row("document")
    stores = {store["code"]: store["name"] for store in filed.rows("store")}
    lines, struck = _lines_to_print(filed)
    return {
        "labels": _labels() | {"lines": _line_word(filed)},
        "seal": pgettext("seal", "Filed"),
        "title": printable(document["title"], run=30),
        "kind": printable(document["kind_label"]),
        "number": archive["number"],
        "document": archive["document"],
        "filed_day": _moment(archive["filed_at"])[:10],
        "digest": filed.sha256,
        "facts": [_fact(*fact) for fact in _facts(filed, document, struck)],
        "wide_facts": [_fact(*fact, run=80) for fact in _wide_facts(filed, document)],
        "chain": _signatures(filed),
        "comments": [_comment(comment) for comment in filed.rows("comment")],
        "qr": _qr(qr_url),
        "qr_url": printable(qr_url, run=110),
        **_hits(filed, stores),
        **_table(filed, lines, stores),
    }


def _labels():
    return {
        "document": _("Document"),
        "digest": _("SHA-256 of the sealed content"),
        # The two control characters are replaced by the numbers when the pages are laid out.
        "page": _("Page %(page)s of %(pages)s") % {"page": "\1", "pages": "\2"},
        "chain": _("Signatures"),
        "chain_note": _("Name, position and department are those of the day of signing."),
        "chain_heads": [
            pgettext("form", "Step"),
            pgettext("form", "Signed by"),
            pgettext("form", "Acting for"),
            pgettext("form", "Time"),
            pgettext("form", "Verdict"),
            pgettext("form", "Content / decision"),
        ],
        "comments": _("Comments"),
        "comment_heads": [pgettext("form", "Time"), pgettext("form", "By"), pgettext("form", "Text")],
        "signature": _(
            "Signing here means sign-in plus password again; it is not a reliable electronic signature"
            " under the Electronic Signature Law."
        ),
        "authority": _("Place for the signature and time stamp of a certificate authority"),
        "check": _("Scan to check"),
        "hits": _("Guard hits"),
        "hit_heads": [
            pgettext("form", "Guard"),
            pgettext("form", "Severity"),
            "SKU",
            pgettext("form", "Store"),
            pgettext("form", "Measured"),
            pgettext("form", "Limit"),
            pgettext("form", "Reason, given by"),
        ],
    }


def _fact(label, value, run=24):
    return [printable(str(label)), printable(str(value), run=run)]


def _facts(filed, document, struck):
    """The short facts about the document: (label, text)."""
    yield _("Effective"), _window(document["effective_from"], document["effective_to"])
    archive = filed.row("archive")
    yield _("Filed at"), _moment(archive["filed_at"])
    yield _("Kept until"), archive["retained_until"] or _("for ever")
    yield _("Round"), document["round"]
    yield _line_word(filed), _line_count(filed.count, struck)
    if _sets_prices(filed):
        yield _("Currency"), document["currency"]
    yield _("Changed while reviewing"), _("%(count)s changes") % {"count": len(filed.rows("change"))}
    yield from document["header"].items()


def _wide_facts(filed, document):
    """The facts that need the whole width: people, stores, digest."""
    yield _("Drafted by"), _person(document["drafted_by"])
    yield _("Submitted by"), _person(document["submitted_by"])
    if filed.rows("store"):
        yield _("Stores"), "、".join(store["name"] for store in filed.rows("store"))
    yield _("Digest of the content that was signed"), document["content_hash"]
    for file in filed.rows("file"):
        yield _("Attachment"), f"{file['name']} · SHA-256 {file['sha256']}"


def _line_count(count, struck):
    if not struck:
        return f"{count:,}"
    return _("%(count)s, of which %(struck)s struck") % {"count": f"{count:,}", "struck": f"{struck:,}"}


def _person(person):
    return " · ".join(filter(None, (person["name"], person["position"], person["department"])))


def _signatures(filed):
    """Submissions and decisions, in the order in which they were made."""
    signed = sorted(filed.rows("submission") + filed.rows("decision"), key=lambda row: row["at"])
    return [_submission(row) if row["t"] == "submission" else _decision(row) for row in signed]


def _submission(submission):
    return _signature(
        submission,
        submission["by"],
        step=_("Submission"),
        verdict=_("submitted · round %(round)s") % {"round": submission["round"]},
        hashes=[submission["content_hash"]],
    )


def _decision(decision):
    return _signature(
        decision,
        decision["actor"],
        step=decision["step"],
        acting_for=decision["acting_for"],
        verdict=decision["verdict_label"],
        comment=decision["comment"],
        hashes=[decision["content_hash"], decision["hash"]],
    )


def _signature(row, actor, *, step, verdict, hashes, acting_for=None, comment=""):
    return {
        "step": printable(step, run=12),
        "name": printable(actor["name"], run=20),
        "post": printable(" · ".join(filter(None, (actor["position"], actor["department"]))), run=20),
        "acting_for": printable(acting_for or _("in person"), run=14),
        "at": _moment(row["at"]),
        "verdict": printable(verdict, run=20),
        "comment": printable(comment, run=34),
        "hash": "\n".join(one[:10] for one in hashes),
    }


def _comment(comment):
    return [_moment(comment["at"]), printable(comment["by"], run=14), printable(comment["text"], run=60)]


def _hits(filed, stores):
    hits = filed.rows("hit")
    shown = heapq.nsmallest(PRINTED_HITS, hits, key=lambda hit: _severity_order(hit["severity"]))
    note = ""
    if len(hits) > len(shown):
        note = _(
            "The %(shown)s gravest of %(all)s are printed; all are in canonical.ndjson of the package."
        ) % {"shown": len(shown), "all": f"{len(hits):,}"}
    return {"hits": [_hit(hit, stores) for hit in shown], "hits_note": note}


def _severity_order(severity):
    """0 for the gravest."""
    return SEVERITIES_IN_ORDER.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _hit(hit, stores):
    store = stores.get(hit["store"], hit["store"])
    severity = str(SEVERITIES.get(hit["severity"], hit["severity"]))
    reason = " · ".join(filter(None, (hit["ack_reason"], hit["ack_by"])))
    texts = (hit["code"], severity, hit["sku"], store, hit["measured"], hit["limit"], reason)
    return [printable(str(text or ""), run=16) for text in texts]


def _lines_to_print(filed):
    """(the lines that are printed, how many of all lines are struck)."""
    struck = 0

    def counted():
        nonlocal struck
        for line in filed.lines():
            struck += _is_struck(line)
            yield line

    if filed.count <= PRINTED_WHOLE:
        return list(counted()), struck
    order = _risk_order(filed) if _sets_prices(filed) else _row_order
    return heapq.nsmallest(PRINTED_BY_RISK, counted(), key=order), struck


def _risk_order(filed):
    """A sort key for lines: the gravest hit on the SKU first, then a price that is new, then the largest change."""
    gravest = {}
    for hit in filed.rows("hit"):
        order = _severity_order(hit["severity"])
        gravest[hit["sku"]] = min(order, gravest.get(hit["sku"], order))

    def order(line):
        change = _change_in_percent(line)
        return gravest.get(line["sku_code"], len(SEVERITIES)), -abs(
            Decimal("Infinity") if change is None else change
        )

    return order


def _row_order(line):
    return int(line["row_no"])


def _table(filed, lines, stores):
    columns = [column for column in COLUMNS if column.needs in filed.columns]
    note = ""
    if len(lines) < filed.count:
        note = _(
            "The %(shown)s riskiest of %(all)s lines are printed; all are in lines.xlsx of the package."
        ) % {"shown": f"{len(lines):,}", "all": f"{filed.count:,}"}
    return {
        "columns": [
            {
                "label": str(one.label),
                "width": one.width,
                "right": one.right,
                "crossed": one.crossed,
            }
            for one in columns
        ],
        "lines": [
            {
                "struck": _is_struck(line),
                "cells": [printable(str(one.value(line, stores)), run=one.run) for one in columns],
            }
            for line in lines
        ],
        "lines_note": note,
    }


def _qr(url):
    picture = io.BytesIO()
    segno.make(url, error="m", micro=False).save(picture, kind="svg", border=2)
    return picture.getvalue().decode()


def _moment(text):
    """A sealed moment (UTC) as it is read in Shanghai, to the minute; nothing for None."""
    return f"{datetime.fromisoformat(text).astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if text else ""


def _window(start, end):
    if not end:
        return _("from %(start)s") % {"start": _moment(start)}
    return _("%(start)s until %(end)s") % {"start": _moment(start), "end": _moment(end)}


def printable(text: str, *, run: int = 24) -> str:
    """Text as the form may print it: nothing hidden, nothing reordered, nothing that the font lacks.

    Control characters, marks that turn the direction of reading and characters without a glyph become their
    code point, such as [U+202E]. A run of more than ``run`` letters without a blank is broken, to stay in its
    column.
    """
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\t", " "))
    text = re.sub(rf"([!-~]{{{run}}})(?=[!-~])", r"\1\n", text)
    return _uncovered().sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


# Joiners and selectors of how an emoji looks: without their emoji they say nothing.
_UNSEEN = re.compile("[\u200b-\u200d\ufe00-\ufe0f\ufeff]")


@cache
def _uncovered():
    """Matches each character that the font beside this file cannot print."""
    ranges = (HERE / "fonts" / "coverage.txt").read_text("ascii").split()
    pairs = (one.split("-") for one in ranges)
    return re.compile("[^\n" + "".join(rf"\U{low:0>8}-\U{high:0>8}" for low, high in pairs) + "]")
