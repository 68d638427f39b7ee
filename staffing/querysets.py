"""What can be asked of assignments and store charges; the day is always passed in."""

from django.db import models
from django.db.models import Q


class DatedQuerySet(models.QuerySet):
    def on(self, day):
        return self.filter(Q(end__isnull=True) | Q(end__gt=day), start__lte=day)


class AssignmentQuerySet(DatedQuerySet):
    def held_by(self, employee):
        return self.filter(employee=employee)


class StoreChargeQuerySet(DatedQuerySet):
    def as_a_whole(self):
        """Those who answer for a store itself, not for one of its duties and not as a reserve."""
        return self.filter(duty=None, reserve=False)
