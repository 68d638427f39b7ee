"""Sample workbooks for fixtures/workbooks, made from the goods: good ones, and one with every fault of an import.

The same goods give the same bytes, so that a change of a file is a change of what is in it.
"""

import csv
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import xlsxwriter
from django.conf import settings

from opsadmin.company.fixtures import read_goods

FOLDER = settings.BASE_DIR / "fixtures" / "workbooks"
SHEET = "价格清单"
HEADER = [
    *("商品编码", "商品名称", "品牌", "商品池", "适用店铺", "成本价", "参考价", "最低限价", "最高限价"),
    *("现行价", "执行价", "划线价", "生效时间", "失效时间", "调价类别", "调价原因", "例外说明"),
]
MONEY = ("成本价", "参考价", "最低限价", "最高限价", "现行价", "执行价", "划线价")
POOLS = {"common": "通用", "campaign": "活动", "exclusive": "专供"}
MADE = datetime(2026, 1, 1, tzinfo=UTC)
GOOD_LINES = 300
STALE_DAYS = 90
# Changes in percent that need neither a reason nor a higher signature, each used in turn.
STEPS = ("-4", "-6", "3", "-2.5", "5", "-7", "2", "-3.5", "-5", "4")


def make_all():
    """Write every sample workbook; return their names."""
    goods = [row for row in read_goods() if row["price"]]
    by_code = {row["code"]: row for row in goods}
    good = good_list(goods)
    write_workbook("price-list.xlsx", SHEET, HEADER, good, MONEY)
    write_workbook("price-list-with-reasons.xlsx", SHEET, HEADER, list_with_reasons(by_code), MONEY)
    write_faults(by_code)
    write_csv("price-list-gb18030.csv", good[::5], "gb18030")
    write_workbook("promotion.xlsx", "活动", PROMOTION_HEADER, promotion(goods), ("现行价", "活动价", "折扣"))
    return sorted(path.name for path in FOLDER.glob("*.*sx")) + ["price-list-gb18030.csv"]


def line(goods, **cells):
    """Return the line of a SKU as it is priced now; ``cells`` replaces some."""
    row = {
        "商品编码": goods["code"],
        "商品名称": goods["name"],
        "品牌": goods["brand"],
        "商品池": POOLS[goods["pool"]],
        "适用店铺": "全部",
        "成本价": Decimal(goods["cost"]),
        "参考价": Decimal(goods["price"]),
        "最低限价": Decimal(goods["floor_price"]),
        "最高限价": Decimal(goods["ceiling_price"]),
        "现行价": Decimal(goods["price"]),
        "执行价": Decimal(goods["price"]),
    }
    return row | cells


def moved(price, percent):
    """Return a price moved by so many percent, to whole yuan."""
    return (
        (Decimal(price) * (100 + Decimal(percent)) / 100)
        .quantize(Decimal(1), ROUND_HALF_UP)
        .quantize(Decimal("0.01"))
    )


def good_list(goods):
    """Return 300 lines that no guard minds: most unchanged, every sixth moved a little, two for one store each."""
    shared = {row["product"] for row in goods if row["brand"] == "theme"} & {
        row["product"] for row in goods if row["brand"] == "cslr"
    }
    fresh = [row for row in goods if int(row["cost_age_days"]) < STALE_DAYS]
    everywhere = [row for row in fresh if row["listed_in"].startswith("all")][: GOOD_LINES - 2]
    only_here = [row for row in fresh if row["pool"] == "exclusive"][:2]
    lines = []
    for number, row in enumerate(everywhere):
        if number % 6 == 0 and row["product"] not in shared:
            price = moved(row["price"], STEPS[number // 6 % len(STEPS)])
            lines.append(line(row, 参考价=price, 执行价=price, 调价原因="随季调整"))
        else:
            lines.append(line(row))
    return lines + [
        line(row, 适用店铺=row["listed_in"], 例外说明="专供款，只在本店销售") for row in only_here
    ]


def list_with_reasons(goods):
    """Return 40 lines, some of which need a reason or the general manager's signature."""
    lines = {code: line(row) for code, row in list(goods.items())[:32]}
    for code, price, cells in (
        (
            "CS-BP2204-BK",
            "79.00",
            {"调价类别": "清仓", "调价原因": "库龄 214 天，清仓", "最低限价": Decimal("70.00")},
        ),
        (
            "TH-LG2010-GR",
            "189.00",
            {"调价类别": "换代", "调价原因": "新款将到仓", "最低限价": Decimal("180.00")},
        ),
        ("TH-TT1108-NV", "66.00", {"调价原因": "主推款"}),
        ("CS-WB1007-OR", "52.00", {"调价原因": "过季色"}),
        ("CS-UM3301-BK", "79.00", {"调价原因": "活动引流"}),
        ("TH-BT5520-BR", "167.00", {"调价原因": "跟随参考价"}),
        ("CS-LG2416-BL", "389.00", {"调价原因": "随季调整"}),
        ("CS-HT0822-KH", "43.00", {"调价原因": "季末"}),
    ):
        price = Decimal(price)
        lines[code] = line(goods[code], 参考价=price, 执行价=price, **cells)
    return list(lines.values())


PROMOTION_HEADER = ["商品编码", "商品名称", "适用店铺", "现行价", "活动价", "折扣", "限量", "调价原因"]


def promotion(goods):
    """Return the goods of the campaign pool at 20 % off."""
    return [
        {
            "商品编码": row["code"],
            "商品名称": row["name"],
            "适用店铺": "全部",
            "现行价": Decimal(row["price"]),
            "活动价": (Decimal(row["price"]) * Decimal("0.8")).quantize(Decimal("0.01"), ROUND_HALF_UP),
            "折扣": Decimal("20.00"),
            "限量": 200,
            "调价原因": "活动价",
        }
        for row in goods
        if row["pool"] == "campaign"
    ]


def open_workbook(name):
    book = xlsxwriter.Workbook(FOLDER / name, {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": MADE, "title": name})
    return book


def write_workbook(name, sheet, header, lines, money):
    """Write lines (dicts by header) with codes as text and amounts as numbers."""
    with open_workbook(name) as book:
        page = book.add_worksheet(sheet)
        formats = {
            column: book.add_format({"num_format": "0.00" if column in money else "@"}) for column in header
        }
        page.write_row(0, 0, header, book.add_format({"bold": True}))
        page.set_column(0, 0, 18)
        page.set_column(1, 1, 28)
        page.freeze_panes(1, 0)
        for number, row in enumerate(lines, start=1):
            for column, key in enumerate(header):
                if row.get(key) is not None:
                    page.write(number, column, row[key], formats[key])


def write_csv(name, lines, encoding):
    """Write lines as Chinese Excel saves a CSV: no mark at the beginning, commas, CRLF."""
    with (FOLDER / name).open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(lines)


def faults(goods):
    """Return [(what is wrong, line)]: one line per fault that an import names, and one that it mends by itself."""
    rows = iter([row for row in goods.values() if row["listed_in"].startswith("all")])
    first = next(rows)
    one = [
        ("无误，供下两行对照", line(first)),
        ("与第 2 行重复", line(first)),
        ("与第 2 行重复：全角、小写、空格", line(first, 商品编码=f" {wide(first['code'].lower())} ")),
        ("商品编码不存在", line(next(rows), 商品编码="CS-XX0000-BK")),
        ("商品已停用", line(next(rows), 商品编码="CS-UM3201-BK", 商品名称="手动三折伞 墨黑")),
        ("商品编码为空", line(next(rows), 商品编码=None)),
        ("疑似单位为分", in_fen(next(rows))),
    ]
    many = [(what, line(next(rows), **cells)) for what, cells in SINGLE_FAULTS]
    return [*one, *many, *[(what, line(next(rows), **cells)) for what, cells in NOT_PRICED_YET]]


def in_fen(goods):
    return line(goods, 执行价=Decimal(goods["price"]) * 100)


NO_FAULT = ("无误，供下两行对照", "全角数字，会自动更正")
SINGLE_FAULTS = (
    ("不是数字", {"执行价": "面议"}),
    ("含千分位逗号", {"执行价": "1,299.00"}),
    ("含货币符号", {"执行价": "¥129"}),
    ("科学计数", {"执行价": "1.29E+02"}),
    ("超过两位小数", {"执行价": "99.905"}),
    ("价格为零", {"执行价": "0"}),
    ("价格为负", {"执行价": "-5.00"}),
    ("公式出错", {"参考价": "=1/0"}),
    ("公式没有结果", {"参考价": "=Z1*2"}),
    ("长数字存成了数值", {"商品编码": 6901234567890}),
    ("参考价为空", {"参考价": None}),
    ("店铺不存在", {"适用店铺": "某某商城"}),
    ("指定店铺而无例外说明", {"适用店铺": "jd-cslr"}),
    ("日期无法识别", {"生效时间": "下周一"}),
    ("生效时间与单据不同", {"生效时间": "2020-01-01 00:00"}),
    ("调价类别不在列", {"调价类别": "随便"}),
    ("调价原因过长", {"调价原因": "长" * 201}),
    ("含控制字符", {"调价原因": "季末\x01清仓"}),
    ("全角数字，会自动更正", {"执行价": "１２９．００"}),
)
NEW_BAG = {"商品编码": "CS-BP2301-BK", "商品名称": "折叠双肩包 18L 墨黑", "品牌": "cslr"}
NEW_SATCHEL = {"商品编码": "TH-CB0930-BR", "商品名称": "半月斜挎包 咖啡", "品牌": "theme"}
UNKNOWN = {"成本价": None, "最低限价": None, "最高限价": None, "现行价": None}
NOT_PRICED_YET = (
    ("无成本价，主数据也没有", NEW_BAG | UNKNOWN),
    ("无最低限价，主数据也没有", NEW_SATCHEL | UNKNOWN),
)


def wide(text):
    """Return a text in full-width letters."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def write_faults(goods):
    """Write the workbook of faults, with a column that says what is planted in each row; its name is unknown to us."""
    with open_workbook("price-list-faults.xlsx") as book:
        page = book.add_worksheet(SHEET)
        page.write_row(0, 0, [*HEADER, "说明（导入时忽略）"])
        number = 0
        for number, (what, row) in enumerate(faults(goods), start=1):
            for column, key in enumerate(HEADER):
                write_cell(page, number, column, row.get(key))
            page.write_string(number, len(HEADER), what)
        merged = HEADER.index("执行价")
        page.merge_range(number + 1, merged, number + 2, merged, 129)
        for extra, row in enumerate(list(goods.values())[60:62], start=1):
            whole = line(row)
            for column, key in enumerate(HEADER):
                if key != "执行价":
                    write_cell(page, number + extra, column, whole.get(key))
            page.write_string(number + extra, len(HEADER), "合并单元格")


def write_cell(page, row, column, value):
    """Write a cell as a person would have made it: text with a leading = is a formula here."""
    if value == "=1/0":
        page.write_formula(row, column, value, None, "#DIV/0!")
    elif isinstance(value, str) and value.startswith("="):
        page.write_formula(row, column, value, None, "")
    elif isinstance(value, str):
        page.write_string(row, column, value)
    elif value is not None:
        page.write_number(row, column, value)
