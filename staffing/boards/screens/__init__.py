"""Screens of the boards. Importing this package registers them."""

from staffing.boards.screens import headcount, storeteam, workplans

__all__ = ["headcount", "storeteam", "workplans"]
