"""All screens of this app: importing a module registers its views."""

from approvals.admin import document, execution, inbox, review, submission

__all__ = ["document", "execution", "inbox", "review", "submission"]
