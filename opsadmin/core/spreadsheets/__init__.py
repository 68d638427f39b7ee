"""Spreadsheets in and out: knows files, cells and faults, and no application."""

from opsadmin.core.spreadsheets.annotate import Mark, faulty_copy
from opsadmin.core.spreadsheets.copying import CsvOfCopy, neutral_sql
from opsadmin.core.spreadsheets.faults import (
    FAULT_TEXTS,
    NOTE_TEXTS,
    BadCell,
    Fault,
    FaultText,
    Fixed,
    explain,
)
from opsadmin.core.spreadsheets.limits import (
    ROW_BY_ROW,
    Limits,
    SpreadsheetRefused,
    check_container,
    first_look,
)
from opsadmin.core.spreadsheets.reading import Row, Table, TableInfo, read
from opsadmin.core.spreadsheets.sniff import DELIMITERS, ENCODINGS, TextShape, sniff
from opsadmin.core.spreadsheets.template import write_template
from opsadmin.core.spreadsheets.values import Column, parse_money
from opsadmin.core.spreadsheets.writing import (
    content_disposition,
    csv_pieces,
    csv_text,
    neutral,
    write_csv,
    write_xlsx,
)
from opsadmin.core.spreadsheets.xlsx import SheetOut, workbook

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "FAULT_TEXTS",
    "NOTE_TEXTS",
    "ROW_BY_ROW",
    "BadCell",
    "Column",
    "CsvOfCopy",
    "Fault",
    "FaultText",
    "Fixed",
    "Limits",
    "Mark",
    "Row",
    "SheetOut",
    "SpreadsheetRefused",
    "Table",
    "TableInfo",
    "TextShape",
    "check_container",
    "content_disposition",
    "csv_pieces",
    "csv_text",
    "explain",
    "faulty_copy",
    "first_look",
    "neutral",
    "neutral_sql",
    "parse_money",
    "read",
    "sniff",
    "workbook",
    "write_csv",
    "write_template",
    "write_xlsx",
]
