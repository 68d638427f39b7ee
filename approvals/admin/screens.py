"""All screens of this app: importing a module registers its views."""

from approvals.admin import document, review, submission

__all__ = ["document", "review", "submission"]
