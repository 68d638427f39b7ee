"""Putting a document's prices in force: statements over all lines at once, no line passes through Python."""

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from approvals.kinds import kind_of, specific
from approvals.scopes import line_stores_sql
from opsadmin.core.refusals import Refusal

SAME_PLACE = "p.sku_id = n.sku_id AND p.store_id = n.store_id AND p.layer = %(layer)s"
YIELDS = "upper_inf(p.during) AND lower(p.during) < %(start)s"

NEW_PRICES = """
CREATE TEMPORARY TABLE new_price ON COMMIT DROP AS
SELECT l.sku_id, rules.store_id, l.row_no, l.final_price
FROM ({rules}) rules JOIN {lines} l ON l.id = rules.line_id
"""
CLOSE = f"""
UPDATE stores_priceinforce p SET during = tstzrange(lower(p.during), %(start)s)
FROM new_price n WHERE {SAME_PLACE} AND {YIELDS}
"""
REOPEN = f"""
WITH closed AS ({CLOSE}
    RETURNING p.sku_id, p.store_id, p.layer, p.amount, p.currency, p.document_number, p.line_no)
INSERT INTO stores_priceinforce (sku_id, store_id, layer, amount, currency, during, document_number, line_no)
SELECT sku_id, store_id, layer, amount, currency, tstzrange(%(end)s, NULL), document_number, line_no FROM closed
"""
# Sorted by SKU and store, as all its indexes are, the table grows page by page.
OPEN = """
INSERT INTO stores_priceinforce (sku_id, store_id, layer, amount, currency, during, document_number, line_no)
SELECT sku_id, store_id, %(layer)s, final_price, %(currency)s, tstzrange(%(start)s, %(end)s), %(number)s, row_no
FROM new_price ORDER BY sku_id, store_id
"""
CLASH = f"""
SELECT p.document_number, lower(p.during), upper(p.during), k.code, s.name
FROM ({{rules}}) rules JOIN {{lines}} l ON l.id = rules.line_id
JOIN stores_priceinforce p ON p.sku_id = l.sku_id AND p.store_id = rules.store_id
JOIN stores_sku k ON k.id = p.sku_id JOIN stores_store s ON s.id = p.store_id
WHERE p.layer = %s AND p.during && tstzrange(%s, %s) AND NOT ({YIELDS.replace("%(start)s", "%s")})
ORDER BY k.code, s.code LIMIT 1
"""


def put_in_force(document):
    """Make the kept lines of a document the prices of their stores, in the document's layer, for its window.

    An open window that began earlier ends where the new one begins; where the new window has an end, the price
    before it goes on afterwards under its own document's number. Returns how many prices (lines × stores) were
    written. Raises Refusal ``overlap``, naming the other document, where anything else stands in the window.
    Call it inside the transaction that files the document.
    """
    own = specific(document)
    window = {
        "layer": kind_of(own).layer(own),
        "start": own.effective_from,
        "end": own.effective_to,
        "currency": own.currency,
        "number": own.number,
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # By default a million prices are sorted on disk.
            cursor.execute("SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")
            cursor.execute(NEW_PRICES.format(**rules_of(own)), [own.pk, own.pk])
            cursor.execute("ANALYZE new_price (sku_id, store_id)")
            cursor.execute(CLOSE if own.effective_to is None else REOPEN, window)
            cursor.execute(OPEN, window)
            written = cursor.rowcount
            cursor.execute("DROP TABLE new_price; SET LOCAL work_mem TO DEFAULT; SET LOCAL jit TO DEFAULT")
    except IntegrityError as error:
        raise overlap(own, window) from error
    return written


def rules_of(own):
    """Return what the statements need to know of the document's lines."""
    return {"rules": line_stores_sql(own), "lines": kind_of(own).line_table}


def overlap(own, window):
    """Return the refusal that names the price which stands in the way."""
    with connection.cursor() as cursor:
        cursor.execute(
            CLASH.format(**rules_of(own)),
            [own.pk, own.pk, window["layer"], window["start"], window["end"], window["start"]],
        )
        found = cursor.fetchone()
    if found is None:
        return Refusal(
            _("Two lines give one SKU different prices in one store; strike one of them."), code="overlap"
        )
    number, start, end, sku, store = found
    return Refusal(
        _("%(sku)s already has a price in %(store)s at that time: document %(number)s, %(window)s.")
        % {"sku": sku, "store": store, "number": number, "window": window_words(start, end)},
        code="overlap",
        document_number=number,
    )


def window_words(start, end):
    """Return a window in words, in the reader's time zone (Asia/Shanghai)."""
    words = {"start": timezone.localtime(start).strftime("%Y-%m-%d %H:%M")}
    if end is None:
        return _("from %(start)s") % words
    words["end"] = timezone.localtime(end).strftime("%Y-%m-%d %H:%M")
    return _("%(start)s until %(end)s") % words
