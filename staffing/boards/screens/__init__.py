"""Screens of the boards. Importing this package registers them."""

from staffing.boards.screens import headcount

__all__ = ["headcount"]
