"""The limits of findings are the only ones: what the administrator changes holds on every page at once."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from approvals.models import DocumentKind
from approvals.organisation import reorganising
from orgchart import changes
from orgchart.findings.queue import refresh_findings
from orgchart.models import Finding, FindingLimits
from tests.factories import AssignmentFactory, DepartmentFactory, EmployeeFactory, PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def head():
    """A head with two reports, one of them covered beside another post for forty days."""
    department = DepartmentFactory()
    head = PositionFactory(department=department, head=True, title="Head", code="head")
    posts = [PositionFactory(department=department, parent=head, plan_min=1, plan_max=1) for _n in range(2)]
    start = timezone.localdate() - timedelta(days=40)
    AssignmentFactory(position=posts[0], employee=EmployeeFactory(), kind="concurrent", start=start)
    AssignmentFactory(position=head)
    return head


def limit(**values):
    FindingLimits.objects.update_or_create(pk=1, defaults=values)


def rules():
    refresh_findings()
    return set(Finding.objects.exclude(state="fixed").values_list("rule", flat=True))


def test_a_changed_limit_changes_chart_board_and_findings(signed_in, head):
    client = signed_in(roles=["hr"])

    def shown(name, query=""):
        return client.get(reverse(f"admin:{name}") + query).content.decode()

    assert not {"span_too_wide", "long_cover"} & rules()
    assert '"advised": 8' in shown("org_chart")
    assert "(advised ≤" not in shown("org_chart_post", "?id=head")
    assert "0 over 90 days" in shown("headcount")
    limit(span_max=1, cover_days=30)
    assert {"span_too_wide", "long_cover"} <= rules()
    assert '"advised": 1' in shown("org_chart")
    assert "(advised ≤ 1)" in shown("org_chart_post", "?id=head")
    assert "1 over 30 days" in shown("headcount")


def test_a_changed_limit_changes_how_a_reorganisation_is_judged(signed_in, head):
    hr = signed_in(roles=["hr"]).user
    today = timezone.localdate()
    draft = changes.draft_set(by=hr, title="x", effective_on=today + timedelta(days=9))
    values = {"title": "Third", "department": head.department.code, "parent": "head"}
    changes.add_item(draft, "position", "third", "create", values, by=hr)
    below = {"title": "Fourth", "department": head.department.code, "parent": "third"}
    changes.add_item(draft, "position", "fourth", "create", below, by=hr)

    def hits():
        document = reorganising.document_for(draft, by=hr)
        assert document.kind == DocumentKind.REORGANISATION
        return set(document.hits.values_list("code", "limit"))

    assert not {("R03", "≤ 2"), ("R04", "≤ 2")} & hits()
    limit(span_max=2, layers_max=2)
    assert {("R03", "≤ 2"), ("R04", "≤ 2")} <= hits()
