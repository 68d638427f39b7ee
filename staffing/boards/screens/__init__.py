"""Screens of the boards. Importing this package registers them."""

from staffing.boards.screens import choosing, headcount, movements, storeteam, workplans

__all__ = ["choosing", "headcount", "movements", "storeteam", "workplans"]
