"""Screens of staffing. Importing this package registers them."""

from staffing.screens import chart

__all__ = ["chart"]
