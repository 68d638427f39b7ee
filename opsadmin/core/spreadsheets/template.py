"""The workbook that people fill in."""

from decimal import Decimal

from opsadmin.core.spreadsheets.values import first_words

RULES_SHEET = "说明"
WIDTH = 16
FORMATS = {"code": "@", "money": "0.00", "int": "0", "date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm"}
# Excel takes a list of choices of at most this many characters.
LIST_CHARS = 255
CHOICE_ROWS = 5000


def write_template(target, sheet_name, columns, examples, rules, *, rules_sheet=RULES_SHEET):
    """Write an XLSX template to a path or an open binary file.

    The header carries the first name of each column, with a star where it is required. ``examples`` are rows as
    dicts by key. Columns of codes are text, so that no digit is lost. ``rules`` are the lines of a second sheet.
    """
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    target = target if hasattr(target, "write") else str(target)
    with xlsxwriter.Workbook(target, options | {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet(sheet_name)
        sheet.freeze_panes(1, 0)
        for index, column in enumerate(columns):
            _write_column(workbook, sheet, index, column, [example.get(column.key) for example in examples])
        _write_rules(workbook, rules_sheet, rules)


def _write_column(workbook, sheet, index, column, examples):
    body = workbook.add_format({"num_format": FORMATS.get(column.kind, "General")})
    head = workbook.add_format({"bold": True, "bg_color": "#EDF2F2", "bottom": 1})
    sheet.set_column(index, index, WIDTH, body)
    sheet.write_string(0, index, column.headers[0] + ("*" if column.required else ""), head)
    for row, example in enumerate(examples, start=1):
        _write_cell(sheet, row, index, example, body)
    words = first_words(column.choices or {})
    if words and len(",".join(words)) <= LIST_CHARS:
        sheet.data_validation(1, index, CHOICE_ROWS, index, {"validate": "list", "source": words})


def _write_cell(sheet, row, index, value, body):
    if value is None or value == "":
        return
    if isinstance(value, int | float | Decimal):
        sheet.write_number(row, index, value, body)
    elif hasattr(value, "year"):
        sheet.write_datetime(row, index, value, body)
    else:
        sheet.write_string(row, index, str(value), body)


def _write_rules(workbook, name, rules):
    sheet = workbook.add_worksheet(name)
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 100)
    for row, rule in enumerate(rules):
        sheet.write_string(row, 0, str(rule), wrapped)
