"""The columns of a workbook, per kind of document: how they are headed, how they are read, where they go.

Headers are the words of our own files and stay what they are in every language of the screens.
"""

from dataclasses import dataclass, field

from django.utils import translation

from approvals.models import DocumentKind, PriceReason
from opsadmin.core.spreadsheets import Column

VERSION = "line_version"


@dataclass(frozen=True)
class LineColumn:
    """``stored`` columns are written to the line of the same name; the others are only compared.

    ``default`` is the SQL of a new line's value where the workbook gives none, over the row ``r``.
    """

    key: str
    headers: tuple
    kind: str
    required: bool = False
    stored: bool = True
    max_length: int = 0
    choices: dict = field(default_factory=dict)
    default: str = "NULL"
    example: str = ""
    width: int = 12

    @property
    def header(self):
        return self.headers[0]

    @property
    def empty(self):
        """The value of an empty cell."""
        return "" if self.kind in {"text", "choice", "code"} else None

    def for_reading(self):
        """Return the column as opsadmin.core.spreadsheets takes it."""
        return Column(
            self.key,
            self.headers,
            required=self.required,
            kind=self.kind,
            choices=self.choices or None,
            max_length=self.max_length or None,
            example=self.example,
        )


def reason_choices():
    """Return every word that a workbook may use for a kind of reason, in both languages, with its code."""
    words = {}
    for language in ("zh-hans", "en"):
        with translation.override(language):
            words |= {str(label): code for code, label in PriceReason.choices if code}
    return words | {code: code for code in PriceReason.values if code}


SKU = LineColumn(
    "sku_code",
    ("商品编码", "SKU", "商品编码(SKU)", "商家编码", "货号", "sku_code"),
    "code",
    required=True,
    max_length=40,
    default="''",
    example="CS-BP2204-BK",
    width=18,
)
NAME = LineColumn(
    "sku_name", ("商品名称", "name", "product name", "品名"), "text", stored=False, max_length=160, width=28
)
BRAND = LineColumn("brand", ("品牌", "brand"), "text", stored=False, max_length=40)
POOL = LineColumn("pool", ("商品池", "pool", "assortment"), "text", stored=False, max_length=20)
SCOPE = LineColumn(
    "scope",
    ("适用店铺", "stores", "店铺", "scope"),
    "text",
    stored=False,
    max_length=300,
    example="全部",
    width=16,
)
COST = LineColumn("cost", ("成本价", "cost", "成本"), "money", example="86.00")
FLOOR = LineColumn("floor_price", ("最低限价", "floor price", "floor", "限价"), "money", example="99.00")
REASON = LineColumn("reason", ("调价原因", "reason"), "text", max_length=200, default="''", width=24)
EXCEPTION = LineColumn(
    "exception_reason",
    ("例外说明", "exception", "written exception"),
    "text",
    max_length=200,
    default="''",
    width=24,
)
CURRENCY = LineColumn("currency", ("币种", "currency"), "text", stored=False, max_length=10)
IN_FORCE = LineColumn(
    "price_in_force", ("现行价", "price in force", "current price"), "text", stored=False, max_length=40
)
ROW = LineColumn("number", ("序号", "no", "no."), "text", stored=False, max_length=20, width=6)
LINE_VERSION = LineColumn(VERSION, ("行版本", "line version"), "text", stored=False, max_length=40, width=16)

PRICE_LIST = (
    SKU,
    NAME,
    BRAND,
    POOL,
    SCOPE,
    COST,
    LineColumn(
        "reference_price",
        ("参考价", "reference price", "reference"),
        "money",
        required=True,
        example="129.00",
    ),
    FLOOR,
    LineColumn("ceiling_price", ("最高限价", "ceiling price", "ceiling"), "money"),
    IN_FORCE,
    LineColumn(
        "final_price",
        ("执行价", "final price", "price"),
        "money",
        default="r.reference_price",
        example="129.00",
    ),
    LineColumn("compare_at_price", ("划线价", "compare-at price", "struck-through price"), "money"),
    CURRENCY,
    LineColumn(
        "effective_from",
        ("生效时间", "effective from", "start"),
        "datetime",
        stored=False,
        width=18,
    ),
    LineColumn("effective_to", ("失效时间", "effective until", "end"), "datetime", stored=False, width=18),
    LineColumn(
        "reason_code",
        ("调价类别", "reason kind", "kind of reason"),
        "choice",
        max_length=12,
        choices=reason_choices(),
        default="''",
    ),
    REASON,
    EXCEPTION,
    ROW,
    LINE_VERSION,
)

PROMOTION = (
    SKU,
    NAME,
    BRAND,
    POOL,
    SCOPE,
    IN_FORCE,
    LineColumn(
        "final_price",
        ("活动价", "promotion price", "price", "执行价"),
        "money",
        required=True,
        example="99.00",
    ),
    LineColumn(
        "discount",
        ("降幅(%)", "降幅", "折扣", "percent off", "discount", "discount %", "优惠幅度"),
        "money",
        example="20",
    ),
    LineColumn("quantity_limit", ("限量", "quantity limit", "quantity"), "int"),
    CURRENCY,
    LineColumn(
        "effective_from", ("开始", "start", "生效时间", "开始时间"), "datetime", stored=False, width=18
    ),
    LineColumn("effective_to", ("结束", "end", "失效时间", "结束时间"), "datetime", stored=False, width=18),
    REASON,
    EXCEPTION,
    ROW,
    LINE_VERSION,
)

COLUMNS = {DocumentKind.PRICE_LIST: PRICE_LIST, DocumentKind.PROMOTION: PROMOTION}
SHEETS = {DocumentKind.PRICE_LIST: "价格清单", DocumentKind.PROMOTION: "活动"}


def columns_of(document):
    """Return the columns of a document's kind."""
    return COLUMNS[DocumentKind(document.kind)]


def stored_columns(document):
    """Return the columns that are written to lines, without the SKU."""
    return tuple(column for column in columns_of(document) if column.stored and column is not SKU)
