"""Which position carries which role, and what accounts hold because of it."""

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from simple_history.models import HistoricalRecords

from orgchart.models import Position


class PositionRole(models.Model):
    """The role that goes with a position, named by its code; an empty one means none, any longer.

    Whoever holds the position holds the role, from the first day of the assignment to its last: triggers on
    assignments, accounts, employees and on this table write memberships and ``RoleGrant`` (migration 0005).
    """

    position = models.OneToOneField(
        Position, models.PROTECT, related_name="carried", verbose_name=pgettext_lazy("job", "position")
    )
    role = models.CharField(_("role"), max_length=40, blank=True)
    mapped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True, verbose_name=_("said by")
    )
    mapped_at = models.DateTimeField(_("said at"), default=timezone.now)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("role of a position")
        verbose_name_plural = _("roles of positions")
        ordering = ["position__department__order", "position__order", "pk"]
        permissions = [("map_roles", _("Can say which position carries which role"))]

    def __str__(self):
        return f"{self.position} · {self.role or '—'}"


class RoleGrant(models.Model):
    """A role that an account holds only because of a position; a role given by hand has no such row."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="granted_roles")
    group = models.ForeignKey(Group, models.CASCADE, related_name="+")
    granted_at = models.DateTimeField(_("granted at"), default=timezone.now)

    class Meta:
        verbose_name = _("granted role")
        verbose_name_plural = _("granted roles")
        constraints = [models.UniqueConstraint(fields=["user", "group"], name="role_granted_once")]

    def __str__(self):
        return f"{self.user} · {self.group}"
