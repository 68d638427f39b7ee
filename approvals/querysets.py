"""What can be asked of documents and tasks."""

from django.db import models


class DocumentQuerySet(models.QuerySet):
    def visible_to(self, user):
        from approvals.permissions import visible_documents_q

        return self.filter(visible_documents_q(user))


class TaskQuerySet(models.QuerySet):
    def waiting_for(self, user):
        """Open tasks of this account, or of somebody for whom it acts."""
        return self.filter(assignee=user, state="open")
