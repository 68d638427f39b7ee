"""The frame of all guards: each is SQL that selects hits; the frame gives it lines and limits and stores what it finds.

A guard's SELECT returns, in this order: severity, line_id, row_no, sku_code, store_id, variant, measured, limit,
witness.
It may read ``lines`` (kept lines of the document with their SKU's facts) and ``rules`` (which line rules in which
store), and takes its limits as named parameters.
"""

from dataclasses import dataclass, field

from approvals.kinds import kind_of, specific
from approvals.scopes import line_stores_sql

GUARDS = {}


@dataclass(frozen=True)
class Check:
    """What a guard may know besides lines and stores: the document of its own kind, its limits, its kind."""

    document: object
    own: object
    kind: object
    limits: dict
    version: int
    params: dict = field(default_factory=dict)

    @property
    def lines_sql(self):
        """Return SQL of the document's kept lines, each with what its SKU and product say."""
        return (
            "SELECT l.*, s.product_id, s.brand_id, s.pool, s.stock, s.active AS sku_active, s.cost_as_of, "
            "s.cost AS master_cost "
            f"FROM {self.kind.line_table} l JOIN stores_sku s ON s.id = l.sku_id "
            "WHERE l.document_id = %(doc)s AND NOT l.struck"
        )

    @property
    def rules_sql(self):
        """Return SQL of (line_id, store_id): which kept line rules in which store."""
        return line_stores_sql(self.document, named=True)


def guard(code):
    """Register a guard: a function of a Check that returns a list of SELECTs (or an empty list)."""

    def register(function):
        GUARDS[code] = function
        return function

    return register


def make_check(document, version, limits):
    own = specific(document)
    params = {
        "doc": document.pk,
        "start": own.effective_from,
        "end": own.effective_to,
        "layer": kind_of(own).layer(own),
        "policy": version,
    }
    for code, values in limits.items():
        params |= {f"{code}_{name}": value for name, value in values.items()}
    return Check(document=document, own=own, kind=kind_of(own), limits=limits, version=version, params=params)


def insert_sql(check, code, select):
    """Return the INSERT that stores what one SELECT of a guard finds."""
    return f"""
        WITH lines AS ({check.lines_sql}), rules AS ({check.rules_sql})
        INSERT INTO approvals_guardhit (document_id, code, severity, line_id, row_no, sku_code, store_id, variant,
                                        measured, "limit", witness, policy_version)
        SELECT %(doc)s, '{code}', h.severity, h.line_id, h.row_no, coalesce(h.sku_code, ''), h.store_id, h.variant,
               h.measured, h."limit", h.witness, %(policy)s
        FROM ({select}) AS h (severity, line_id, row_no, sku_code, store_id, variant, measured, "limit", witness)"""


def pct(expression):
    """Return SQL of a percentage with one place, as a person reads it."""
    return f"trim_scale(round(({expression})::numeric, 1))::text || '%%'"


LINE = "l.id, l.row_no, l.sku_code, NULL::bigint"
NO_WITNESS = "'{}'::jsonb"
