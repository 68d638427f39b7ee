"""All screens of this app: importing a module registers its views."""

from approvals.admin import (
    archive,
    checkpoints,
    document,
    draft,
    execution,
    hiring,
    imports,
    inbox,
    policy,
    pricelists,
    prices,
    promotions,
    reorganisations,
    review,
    submission,
    trace,
)

__all__ = [
    "archive",
    "checkpoints",
    "document",
    "draft",
    "execution",
    "hiring",
    "imports",
    "inbox",
    "policy",
    "pricelists",
    "prices",
    "promotions",
    "reorganisations",
    "review",
    "submission",
    "trace",
]
