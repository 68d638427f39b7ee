"""What is drawn of the organisation of today, kept by each process until a row behind it changes.

A company of fifty thousand posts takes a second to read and to arrange; to see whether anything changed, a tenth.
"""

from functools import lru_cache

from orgchart.models import Department, Position
from staffing.chart.source import live
from staffing.chart.view import Chart
from staffing.marks import mark_of
from staffing.models import Assignment


def chart_today(lens, day):
    """Return the chart of a lens as it is today; one statement while nothing changed."""
    return chart_at(lens, day, mark_of(Department, Position, Assignment))


@lru_cache(maxsize=2)
def chart_at(lens, day, mark):
    return Chart(source_at(day, mark), lens)


@lru_cache(maxsize=1)
def source_at(day, mark):
    return live(day)
