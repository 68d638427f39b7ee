"""The limits of findings in the admin: one row, with its history."""

from django.shortcuts import redirect
from django.urls import reverse

from opsadmin.core.records import HistoryAdmin
from orgchart.findings.queue import check_later


class FindingLimitsAdmin(HistoryAdmin):
    fields = (("span_min", "span_max"), ("layers_max", "areas_max"), ("similarity", "cover_days"))

    def has_add_permission(self, request):
        return False

    def changelist_view(self, request, extra_context=None):
        """Open the one row; it is there since the migration."""
        if not self.has_view_or_change_permission(request):
            return super().changelist_view(request, extra_context)
        return redirect(reverse("admin:orgchart_findinglimits_change", args=[1]))

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        check_later()

    def get_queryset(self, request):
        return super().get_queryset(request).filter(pk=1)
