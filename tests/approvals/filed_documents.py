"""Filed documents in their canonical form, without a database: what seal, form and package work on."""

from datetime import UTC, date, datetime, timedelta

from approvals.archive.canonical import build, content_hash_of, decision_hash, parse, raw_line
from opsadmin.core.sealing import GENESIS, digest, record_hash

FILED_AT = datetime(2026, 11, 20, 8, 22, tzinfo=UTC)
COLUMNS = (
    "row_no",
    "sku_code",
    "sku_name",
    "scope_key",
    "exception_reason",
    "base_price",
    "reference_price",
    "final_price",
    "reason",
    "struck",
    "strike_reason",
)
EVIDENCE = "发票扫描件".encode() * 100


def person(name, position, department):
    return {"name": name, "position": position, "department": department}


DRAFTER = person("林晓", "产品策略专员", "产品策略部")
MANAGER = person("电商经理", "电商经理", "电子商务部")
DIRECTOR = person("许国栋", "总经理", "总经办")
FINANCE = person("财务甲", "财务专员", "财务部")


def a_line(row, **fields):
    values = {
        "row_no": str(row),
        "sku_code": f"CS{row:06}",
        "sku_name": "羊毛围巾 礼盒装",
        "scope_key": "all",
        "base_price": "120.00",
        "reference_price": "118.00",
        "final_price": "108.00",
        "struck": "false",
    }
    return {column: (values | fields).get(column) for column in COLUMNS}


def some_lines(count=4):
    lines = [a_line(row) for row in range(1, count + 1)]
    lines[1] |= {"struck": "true", "strike_reason": "库存不足", "base_price": None}
    lines[2] |= {"scope_key": "stores:jd-cslr", "exception_reason": "京东专享", "final_price": "126.00"}
    return lines


def promotion_lines():
    """Two lines of a promotion, over the columns that it seals."""
    plain = {"row_no": "1", "sku_code": "CS000001", "sku_name": "羊毛围巾 礼盒装", "scope_key": "brand:cslr"}
    rest = {
        "reason": None,
        "struck": "false",
        "strike_reason": None,
        "discount": "20.00",
        "quantity_limit": "500",
    }
    line = plain | {"exception_reason": None, "base_price": "120.00", "final_price": "96.00"} | rest
    return [line, line | {"row_no": "2", "sku_code": "CS000002", "discount": None, "quantity_limit": None}]


def a_decision(number, step, verdict, label, actor, *, comment="", acting_for=None, content="c4e7" * 16):
    return {
        "t": "decision",
        "id": number,
        "round": 1,
        "step": step,
        "verdict": verdict,
        "verdict_label": label,
        "comment": comment,
        "actor": actor,
        "acting_for": acting_for,
        "at": datetime(2026, 11, 18, 2, 20, tzinfo=UTC) + timedelta(hours=3 * number - 30),
        "content_hash": content,
    }


def a_submission(number, at):
    return {
        "t": "submission",
        "round": number,
        "by": DRAFTER,
        "at": at,
        "content_hash": ("a1d4" if number == 1 else "c4e7") * 16,
        "state": "sent_back" if number == 1 else "approved",
    }


def some_decisions():
    """Sent back, signed by two, filed."""
    complaint = "12 行毛利低于 8%，请重核成本。"
    return [
        a_decision(11, "审核签字", "send_back", "退回", MANAGER, comment=complaint, content="a1d4" * 16),
        a_decision(19, "审核签字", "sign", "通过并签字", MANAGER),
        a_decision(22, "升签", "sign", "通过并签字", DIRECTOR, comment="清仓 2 款同意。"),
        a_decision(28, "归档", "file", "归档", FINANCE, acting_for="财务主管 吴越"),
    ]


def chained(decisions):
    """The decisions, each with the hash of the one before and its own."""
    previous = GENESIS
    for decision in decisions:
        decision |= {"previous": previous}
        decision |= {"hash": decision_hash(decision)}
        previous = decision["hash"]
    return decisions


def filed_bytes(*, lines=None, title="全店冬季价格表", decisions=None, files=True, hits=None, **document):
    """The canonical form of a document; ``lines`` are mappings over its sealed columns."""
    lines = some_lines() if lines is None else lines
    columns = list(lines[0])
    lines = [raw_line(line.values()) for line in lines]
    content = {"t": "content", "number": "JG-2026-0142", "effective_from": FILED_AT + timedelta(days=4)}
    content_hash = content_hash_of(parse(b"".join(build([{"t": "archive"}, content], columns, lines))))
    decisions = chained(some_decisions() if decisions is None else decisions)
    prelude = [
        {
            "t": "archive",
            "number": "GD-2026-0409",
            "document": "JG-2026-0142",
            "kind": "filing",
            "filed_at": FILED_AT,
            "filed_by": FINANCE,
            "retained_until": date(2056, 12, 31),
        },
        {
            "t": "document",
            "number": "JG-2026-0142",
            "kind": "price_list",
            "kind_label": "价格表",
            "title": title,
            "round": 2,
            "content_hash": content_hash,
            "effective_from": FILED_AT + timedelta(days=4),
            "effective_to": None,
            "currency": "CNY",
            "drafted_by": DRAFTER,
            "submitted_by": DRAFTER,
            "submitted_at": datetime(2026, 11, 19, 1, 11, tzinfo=UTC),
            "header": {"价格表类型": "常规价格表"},
        }
        | document,
        {"t": "store", "code": "jd-cslr", "name": "京东 cslr 旗舰店"},
        {"t": "store", "code": "tb-cslr", "name": "淘宝 cslr 旗舰店"},
        {"t": "scope", "key": "all", "stores": ["jd-cslr", "tb-cslr"]},
        {"t": "scope", "key": "stores:jd-cslr", "stores": ["jd-cslr"]},
        {"t": "step", "order": 1, "name": "审核签字", "kind": "sign", "state": "done"},
        {"t": "step", "order": 2, "name": "升签", "kind": "sign", "state": "done"},
        {"t": "step", "order": 3, "name": "归档", "kind": "file", "state": "done"},
        a_submission(1, datetime(2026, 11, 18, 2, 20, tzinfo=UTC)),
        a_submission(2, datetime(2026, 11, 19, 1, 11, tzinfo=UTC)),
        *decisions,
        {
            "t": "comment",
            "by": "林晓",
            "at": datetime(2026, 11, 19, 1, 5, tzinfo=UTC),
            "text": "已改 12 行。",
        },
        {
            "t": "change",
            "line_key": "CS000003 stores:jd-cslr",
            "field": "final_price",
            "old": "118.00",
            "new": "126.00",
            "by": "电商经理",
            "at": datetime(2026, 11, 19, 6, 3, tzinfo=UTC),
        },
        *(some_hits() if hits is None else hits),
        *([a_file()] if files else []),
        content,
    ]
    return b"".join(build(prelude, columns, lines))


def some_hits():
    return [a_hit("G05", "warn", "CS000003"), a_hit("G01", "sign", "CS000001", ack_by=None, ack_reason=None)]


def a_hit(code, severity, sku, **fields):
    return {
        "t": "hit",
        "code": code,
        "severity": severity,
        "row": 1,
        "sku": sku,
        "store": "",
        "measured": "6.8%",
        "limit": "8%",
        "ack_reason": "清仓，已核成本",
        "ack_by": "林晓",
    } | fields


def a_file(name="清仓说明.docx", data=EVIDENCE):
    return {"t": "file", "name": name, "sha256": digest(data), "size": len(data), "kind": "comment"}


def a_record(data, *, sequence=1172, previous="e6a4" * 16):
    """The archive record that seals these bytes."""
    record = {
        "sequence": sequence,
        "number": "GD-2026-0409",
        "kind": "filing",
        "document_number": "JG-2026-0142",
        "at": FILED_AT,
        "payload_sha256": digest(data),
        "previous": previous,
    }
    return record | {"hash": record_hash(**record)}
