"""Scopes of lines: the stores that a line means."""

from django.db import connection
from django.utils.translation import gettext as _

from approvals.kinds import kind_of
from approvals.models import ScopeStore
from opsadmin.core.refusals import Refusal
from stores.models import Brand, Store

ALL = "all"
ALL_WORDS = {"", "all", "全部", "全部自营", "全部店铺", "全部自营店"}


def stores_of(scope_key):
    """Return the stores of a scope that take prices: all unified ones, a brand's unified ones, or those named."""
    stores = Store.objects.taking_prices()
    if scope_key == ALL:
        return stores.unified()
    sort, _colon, codes = scope_key.partition(":")
    if sort == "brand":
        return stores.unified().filter(brand__code=codes)
    return stores.filter(code__in=codes.split(";"))


def scope_of_stores(codes):
    """Return the scope of named stores; the same stores always give the same key."""
    return "stores:" + ";".join(sorted(set(codes)))


def scope_words():
    """Return what a scope may be called, in lower case: ({word: brand code}, {word: store code})."""
    stores = Store.objects.taking_prices()
    return (
        {name.lower(): brand.code for brand in Brand.objects.all() for name in (brand.code, brand.name)},
        {name.lower(): store.code for store in stores for name in (store.code, store.name)},
    )


def parse_scope(text, words=None):
    """Return the scope that a cell or field means: all, a brand, or named stores by code or name.

    Stores are separated by semicolons, commas or 、. ``words`` are those of ``scope_words``, for many texts.
    Raises Refusal ``unknown_scope`` (data: name) naming what is not known.
    """
    text = (text or "").strip()
    if text.lower() in ALL_WORDS:
        return ALL
    brands, stores = words or scope_words()
    if text.lower() in brands:
        return f"brand:{brands[text.lower()]}"
    for mark in ("；", ",", "，", "、", "\n"):
        text = text.replace(mark, ";")
    names = [name.strip() for name in text.split(";") if name.strip()]
    unknown = next((name for name in names if name.lower() not in stores), None)
    if unknown is not None:
        raise Refusal(
            _("“%(name)s” is neither a brand nor a self-operated store that is trading.") % {"name": unknown},
            code="unknown_scope",
            name=unknown,
        )
    return scope_of_stores(stores[name.lower()] for name in names)


def scope_label(scope_key, names=None):
    """Return the scope in words; ``names`` maps codes of stores and brands to their names."""
    if scope_key == ALL:
        return _("all self-operated stores")
    sort, _colon, codes = scope_key.partition(":")
    names = names or {}
    if sort == "brand":
        return _("%(brand)s stores") % {"brand": names.get(codes, codes)}
    return "、".join(names.get(code, code) for code in codes.split(";"))


def expand_scopes(document):
    """Write anew which stores each scope of the document's lines means. Call it inside a transaction."""
    kind = kind_of(document)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT scope_key FROM {kind.line_table} WHERE document_id = %s", [document.pk]
        )
        keys = [row[0] for row in cursor.fetchall()]
    ScopeStore.objects.filter(document=document).delete()
    ScopeStore.objects.bulk_create(
        ScopeStore(document_id=document.pk, scope_key=key, store=store)
        for key in keys
        for store in stores_of(key)
    )


def line_stores_sql(document, *, named=False):
    """Return SQL of (line_id, store_id) for the document's kept lines: which line rules in which store.

    Where several scopes name a store for one SKU, the narrower one rules: named stores before a brand before all.
    The SQL takes the document's key as its only parameter: twice in order, or as ``doc`` where ``named``.
    """
    kind = kind_of(document)
    key = "%(doc)s" if named else "%s"
    joined = (
        f"FROM {kind.line_table} l JOIN approvals_scopestore s ON s.document_id = {key} "
        f"AND s.scope_key = l.scope_key WHERE l.document_id = {key} AND NOT l.struck"
    )
    if ScopeStore.objects.filter(document=document.pk).values("scope_key").distinct().count() <= 1:
        return f"SELECT l.id AS line_id, s.store_id {joined}"
    narrowness = (
        "CASE WHEN l.scope_key LIKE 'stores:%%' THEN 0 WHEN l.scope_key LIKE 'brand:%%' THEN 1 ELSE 2 END"
    )
    return (
        f"SELECT DISTINCT ON (l.sku_id, s.store_id) l.id AS line_id, s.store_id {joined} "
        f"ORDER BY l.sku_id, s.store_id, {narrowness}"
    )
