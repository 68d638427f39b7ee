"""Screens of the boards. Importing this package registers them."""

from staffing.boards.screens import headcount, movements, storeteam, workplans

__all__ = ["headcount", "movements", "storeteam", "workplans"]
