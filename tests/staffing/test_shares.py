"""Nobody works more than a full time without somebody being told: on saving, in a draft, and as a finding."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from approvals.organisation.reorganising import document_for
from orgchart import changes
from orgchart.findings.queue import refresh_findings
from orgchart.models import Finding
from staffing.shares import peak_share
from tests.factories import AssignmentFactory, PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


def row(start, end, fte):
    return {"start": start, "end": end, "fte": fte}


@pytest.mark.parametrize(
    ("rows", "peak"),
    [
        ([], "0"),
        ([row("2026-01-01", None, "0.60"), row("2026-03-01", None, "0.40")], "1.00"),
        ([row("2026-01-01", "2026-03-01", "0.60"), row("2026-03-01", None, "0.60")], "0.60"),
        ([row("2026-01-01", "2026-03-02", "0.60"), row("2026-03-01", None, "0.60")], "1.20"),
        ([row("2025-01-01", "2026-02-01", "1.00"), row("2025-01-01", None, "1.00")], "1.00"),
    ],
)
def test_only_what_holds_on_one_day_to_come_is_added_up(rows, peak):
    assert peak_share(rows, "2026-02-01")[0] == Decimal(peak)


@pytest.fixture
def held():
    return AssignmentFactory(fte="0.80")


def concurrent(employee, position, fte="0.40"):
    start = str(timezone.localdate())
    return {
        "employee": employee,
        "position": position,
        "kind": "concurrent",
        "start": start,
        "fte": fte,
    }


@pytest.mark.parametrize(("fte", "told"), [("0.20", False), ("0.40", True)])
def test_saving_an_assignment_tells_of_more_than_a_full_time(signed_in, held, fte, told):
    data = concurrent(held.employee.pk, PositionFactory().pk, fte)
    page = signed_in(roles=["hr"]).post(reverse("admin:staffing_assignment_add"), data, follow=True)
    text = page.content.decode()
    assert "was added successfully" in text
    assert ("120% of a full time" in text) == told


def test_a_draft_that_gives_somebody_more_than_a_full_time_says_so(signed_in, held):
    client = signed_in(roles=["hr"])
    day = timezone.localdate() + timedelta(days=5)
    draft = changes.draft_set(by=client.user, title="x", effective_on=day)
    post = PositionFactory()
    changes.add_item(
        draft,
        "assignment",
        None,
        "create",
        concurrent(held.employee.number, post.code),
        by=client.user,
    )
    text = client.get(reverse("admin:org_change_set", args=[draft.pk])).content.decode()
    assert f"{held.employee.name} 120%" in text
    document = document_for(draft, by=client.user)
    assert ("R08", "warn") in document.hits.values_list("code", "severity")


def test_whoever_has_more_than_a_full_time_is_a_finding_with_the_shares(held):
    AssignmentFactory(employee=held.employee, kind="concurrent", fte="0.30", position__title="Buyer")
    refresh_findings()
    found = Finding.objects.get(rule="more_than_full_time")
    assert (found.measured, found.limit) == (1.1, 1.0)
    assert [line["words"] for line in found.evidence["lines"]][:2] == [["80%"], ["30%"]]
