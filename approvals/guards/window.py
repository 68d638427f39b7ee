"""Guards on the window in which prices hold: its order, its lead time, and what else holds in it."""

from approvals.guards.frame import LINE, guard
from approvals.kinds import PRICE_LIST

DOCUMENT = "NULL::bigint, NULL::integer, '', NULL::bigint"
NONE = "'{}'::jsonb"
LOCAL = "to_char({moment} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI')"
WINDOW = (
    LOCAL.format(moment="lower(p.during)")
    + " || ' – ' || coalesce("
    + LOCAL.format(moment="upper(p.during)")
    + ", '…')"
)
# A base price without an end gives way to a later start: filing writes its end then.
YIELDS = "(p.layer = 'base' AND upper_inf(p.during) AND lower(p.during) < %(start)s::timestamptz)"


@guard("G14")
def window(check):
    """The window begins in the future, ends after it begins, gives the stores their lead time and is not endless."""
    needs_end = check.params["layer"] == "campaign"
    start, end = "%(start)s::timestamptz", "%(end)s::timestamptz"
    selects = [
        (
            f"SELECT 'block', {DOCUMENT}, 'past', {LOCAL.format(moment=start)}, {LOCAL.format(moment='now()')}, {NONE} "
            f"WHERE {start} < now()"
        ),
        (
            f"SELECT 'block', {DOCUMENT}, 'order', {LOCAL.format(moment=end)}, {LOCAL.format(moment=start)}, {NONE} "
            f"WHERE {end} <= {start}"
        ),
        (
            f"SELECT 'sign', {DOCUMENT}, 'short_lead', {LOCAL.format(moment=start)}, %(G14_lead_hours)s::text || ' h', "
            f"{NONE} WHERE {start} >= now() AND {start} < now() + %(G14_lead_hours)s * interval '1 hour'"
        ),
        (
            f"SELECT 'warn', {DOCUMENT}, 'long', extract(day FROM {end} - {start})::text, %(G14_longest_days)s::text, "
            f"{NONE} WHERE {end} - {start} > %(G14_longest_days)s * interval '1 day'"
        ),
    ]
    if needs_end:
        selects.append(f"SELECT 'block', {DOCUMENT}, 'no_end', '', '', {NONE} WHERE {end} IS NULL")
    return selects


@guard("G15")
def overlap(check):
    """One SKU has one price per store, layer and moment; the hit names the other document and its window."""
    in_approval = f"""
        SELECT 'warn', {LINE}, 'in_approval', '', '', jsonb_build_object('document', min(d.number))
        FROM lines l JOIN {check.kind.line_table} o ON o.sku_id = l.sku_id AND NOT o.struck
        JOIN approvals_document d ON d.id = o.document_id AND d.state = 'in_approval' AND d.id <> %(doc)s
        JOIN approvals_scopestore a ON a.document_id = %(doc)s AND a.scope_key = l.scope_key
        JOIN approvals_scopestore b ON b.document_id = d.id AND b.scope_key = o.scope_key AND b.store_id = a.store_id
        {"JOIN approvals_pricelist k ON k.document_ptr_id = d.id" if check.kind is PRICE_LIST else ""}
        WHERE tstzrange(d.effective_from, d.effective_to) && tstzrange(%(start)s::timestamptz, %(end)s::timestamptz)
        {
        "AND (CASE WHEN k.list_kind = 'campaign' THEN 'campaign' ELSE 'base' END) = %(layer)s"
        if check.kind is PRICE_LIST
        else ""
    }
        GROUP BY l.id, l.row_no, l.sku_code"""
    return [
        f"""SELECT 'block', {LINE}, 'filed', min(l.final_price)::text, min(p.amount)::text,
                   jsonb_build_object('document', min(p.document_number), 'price', min(p.amount),
                                      'window', min({WINDOW}), 'stores', jsonb_agg(DISTINCT t.name))
            FROM rules r JOIN lines l ON l.id = r.line_id JOIN stores_store t ON t.id = r.store_id
            JOIN stores_priceinforce p ON p.sku_id = l.sku_id AND p.store_id = r.store_id AND p.layer = %(layer)s
                 AND p.during && tstzrange(%(start)s::timestamptz, %(end)s::timestamptz) AND NOT {YIELDS}
            WHERE %(end)s::timestamptz IS NULL OR %(end)s::timestamptz > %(start)s::timestamptz
            GROUP BY l.id, l.row_no, l.sku_code""",
        in_approval,
    ]
