"""All screens of this app: importing a module registers its views."""

from approvals.admin import document, inbox, review, submission

__all__ = ["document", "inbox", "review", "submission"]
