"""One module per path; each offers its rows. An arm's process imports only its own module."""

from importlib import import_module

MODULES = ("workbook", "guarding", "filing", "exports", "printing", "pages", "scope", "serving")


def rows_of(module):
    return {row.key: row for row in import_module(f"{__name__}.{module}").ROWS}


def all_rows():
    """Return (module, row) by key, in the order of the table."""
    return {key: (module, row) for module in MODULES for key, row in rows_of(module).items()}
