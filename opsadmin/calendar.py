"""Whether deadlines fall in years whose holidays nobody has told the software."""

from django.core import checks
from django.db import connections
from django.utils.translation import gettext as _

from approvals.models import Step
from approvals.waiting import deadline_years
from opsadmin.core import workdays
from opsadmin.core.models import CalendarDay


def uncovered_years():
    """Return the years in which deadlines fall and whose holidays are neither built in nor added, in order."""
    return workdays.unknown_years(deadline_years())


def sentence(years):
    """Return in words what is missing for these years, and what counts meanwhile."""
    known = {"years": "、".join(map(str, years))}
    return (
        _(
            "Deadlines fall in %(years)s, whose holidays are not in the calendar: Monday to Friday count there."
        )
        % known
    )


def check_calendar(app_configs, databases=None, **kwargs):
    """Warn in ``manage.py check --database default`` where deadlines fall in a year without holidays."""
    if "default" not in (databases or ()) or not tables_are_there():
        return []
    years = uncovered_years()
    if not years:
        return []
    hint = _("The system administrator adds the days in the working calendar.")
    return [checks.Warning(sentence(years), hint=hint, id="opsadmin.W001")]


def tables_are_there():
    """Say whether the database is migrated: migrations run this check before the first of them."""
    tables = connections["default"].introspection.table_names()
    return {CalendarDay._meta.db_table, Step._meta.db_table} <= set(tables)
