"""Screens of staffing. Importing this package registers them."""

from staffing.screens import chart, chart_edit, chart_files, chart_paths, findings, frictions, position

__all__ = ["chart", "chart_edit", "chart_files", "chart_paths", "findings", "frictions", "position"]
