"""Guards on the window in which prices hold: its form, its lead time, and what else holds in it."""

from approvals.guards.frame import (
    DOCUMENT,
    END,
    LINE,
    NO_WITNESS,
    START,
    documents_in_approval,
    guard,
    local,
    store_names,
    window_words,
)


@guard("G14", whole=True)
def window(check):
    """The window lies ahead, leaves the stores their lead time, and a campaign has an end.

    An emergency list, or a start within the lead time, takes a higher signature. A start far ahead or a very long
    window is often a wrong year: of the two, the start is told first.
    """
    hour, day = "interval '1 hour'", "interval '1 day'"
    emergency = "true" if check.kind.emergency(check.own) else "false"
    endless = "true" if check.params["layer"] == "campaign" else "false"
    return [
        f"""SELECT 'block', {DOCUMENT}, 'past', {local(START)}, '', {NO_WITNESS} WHERE {START} <= now()""",
        f"""SELECT 'block', {DOCUMENT}, 'no_end', '', '', {NO_WITNESS} WHERE {endless} AND {END} IS NULL""",
        f"""SELECT 'sign', {DOCUMENT}, x.variant, {local(START)}, %(G14_lead_hours)s::text, {NO_WITNESS}
            FROM (SELECT CASE WHEN {emergency} THEN 'emergency'
                              WHEN {START} < now() + %(G14_lead_hours)s * {hour} THEN 'short_lead' END AS variant) x
            WHERE x.variant IS NOT NULL AND {START} > now()""",
        f"""SELECT 'warn', {DOCUMENT}, x.variant, {window_words(START, END)}, %(G14_longest_days)s::text, {NO_WITNESS}
            FROM (SELECT CASE WHEN {START} > now() + %(G14_longest_days)s * {day} THEN 'far'
                              WHEN {END} - {START} > %(G14_longest_days)s * {day} THEN 'long' END AS variant) x
            WHERE x.variant IS NOT NULL""",
    ]


@guard("G15")
def overlap(check):
    """One SKU has one price per store, layer and moment.

    A filed price in the window blocks and is named with its document and window; one that began earlier and has no end
    yields. Documents in approval that price the same in the same window are named: whichever is filed first stands.
    """
    filed = f"""
        WITH met AS MATERIALIZED (
            SELECT l.id AS line_id, p.* FROM in_the_way p JOIN lines l ON l.sku_id = p.sku_id)
        SELECT 'block', {LINE}, 'filed', l.final_price::text, min(p.amount)::text,
               jsonb_build_object('document', p.document_number, 'price', min(p.amount),
                                  'window', {window_words("lower(p.during)", "upper(p.during)")},
                                  'stores', {store_names("array_agg(p.store_id)")})
        FROM met p JOIN lines l ON l.id = p.line_id
        JOIN rules r ON r.line_id = p.line_id AND r.store_id = p.store_id
        GROUP BY l.id, l.row_no, l.sku_code, l.final_price, p.document_number, p.during"""
    waiting = documents_in_approval(check)
    return [filed, in_approval(waiting)] if waiting else [filed]


def in_approval(waiting):
    """Return the SELECT of lines whose SKU and store another document in approval prices as well."""
    theirs = " UNION ALL ".join(
        f"""SELECT o.sku_id, o.final_price, c.store_id, o.document_id
            FROM {kind.line_table} o
            JOIN approvals_scopestore c ON c.document_id = o.document_id AND c.scope_key = o.scope_key
            WHERE NOT o.struck AND o.document_id IN ({", ".join(str(key) for key in keys)})"""
        for kind, keys in waiting.items()
    )
    return f"""
        SELECT 'warn', {LINE}, 'in_approval', string_agg(DISTINCT d.number, ', '), '', jsonb_build_object(
                   'document', min(d.number), 'price', min(o.final_price),
                   'window', min({window_words("d.effective_from", "d.effective_to")}),
                   'stores', {store_names("array_agg(o.store_id)")})
        FROM ({theirs}) o JOIN lines l ON l.sku_id = o.sku_id
        JOIN scopes g ON g.no = l.scope AND o.store_id = ANY (g.stores)
        JOIN approvals_document d ON d.id = o.document_id
        GROUP BY l.id, l.row_no, l.sku_code"""


@guard("G16")
def stale_base(check):
    """The price in force at the start is still the one that the line was made on."""
    return [
        f"""SELECT 'block', {LINE}, 'moved', coalesce(p.low::text, ''), coalesce(l.base_price::text, ''),
                   jsonb_build_object('price', p.low, 'document', (
                       SELECT document_number FROM stores_priceinforce WHERE id = p.version))
            FROM lines l LEFT JOIN present p ON p.line_id = l.id
            WHERE l.base_version IS DISTINCT FROM p.version"""
    ]
