"""How documents, tasks, the archive and flows are shown. Screens register themselves in ``screens``."""

from approvals.admin import flows

__all__ = ["flows"]
