"""The top floor's app (commands, templates, static files) and the admin site that every screen hangs on."""

from django.apps import AppConfig, apps
from django.contrib.admin.apps import AdminConfig
from django.core import checks
from django.db.models import Count
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class OpsAdminConfig(AppConfig):
    name = "opsadmin"
    label = "opsadmin"
    verbose_name = _("Store operations")

    def ready(self):
        from opsadmin.calendar import check_calendar
        from staffing import leaving

        leaving.OPEN_WORK.append(open_tasks)
        checks.register(check_calendar, checks.Tags.database)
        # The last app: all permissions are there by then.
        post_migrate.connect(bring_roles_up_to_date, sender=apps.get_app_config("approvals"))


class SiteConfig(AdminConfig):
    default_site = "opsadmin.site.OpsAdminSite"


def bring_roles_up_to_date(sender, using, plan, **kwargs):
    """After every migration, let each role carry what the table of roles says; not on the way back."""
    from django.contrib.auth.management import create_permissions

    from opsadmin.roles import sync_roles

    if using == "default" and not any(backwards for _migration, backwards in plan):
        # This receiver is older than the one that makes permissions, so the last app's are not there yet.
        create_permissions(sender, using=using, verbosity=0)
        sync_roles()


def open_tasks(accounts):
    """Return {account: how many tasks wait for it}, for the floor below, which knows no documents."""
    from approvals.models import Task

    waiting = Task.objects.filter(assignee__in=accounts, state="open").order_by()
    return dict(waiting.values_list("assignee").annotate(n=Count("pk")))
