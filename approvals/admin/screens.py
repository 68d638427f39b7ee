"""All screens of this app: importing a module registers its views."""

from approvals.admin import (
    archive,
    document,
    draft,
    execution,
    imports,
    inbox,
    policy,
    pricelists,
    prices,
    promotions,
    review,
    submission,
    trace,
)

__all__ = [
    "archive",
    "document",
    "draft",
    "execution",
    "imports",
    "inbox",
    "policy",
    "pricelists",
    "prices",
    "promotions",
    "review",
    "submission",
    "trace",
]
