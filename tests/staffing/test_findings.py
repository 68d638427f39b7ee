"""Signs of a bad structure that need people stand in the same queue."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orgchart.findings.queue import refresh_findings
from orgchart.models import Finding
from staffing.models import StoreCharge
from stores.models import Store
from tests.factories import AssignmentFactory, EmployeeFactory, PositionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.mark.parametrize(("days", "found"), [(90, 0), (91, 1)])
def test_a_vacancy_covered_beside_another_post_for_over_90_days(days, found):
    position = PositionFactory(plan_min=1, plan_max=1)
    start = timezone.localdate() - timedelta(days)
    AssignmentFactory(position=position, employee=EmployeeFactory(), kind="concurrent", start=start)
    refresh_findings()
    assert Finding.objects.filter(rule="long_cover").count() == found


def test_a_filled_post_with_a_concurrent_holder_beside_is_none():
    position = PositionFactory(plan_min=1, plan_max=1)
    start = timezone.localdate() - timedelta(200)
    AssignmentFactory(position=position, employee=EmployeeFactory(), kind="primary", start=start)
    AssignmentFactory(position=position, employee=EmployeeFactory(), kind="concurrent", start=start)
    refresh_findings()
    assert not Finding.objects.filter(rule="long_cover").exists()


def test_a_store_whose_mall_needs_one_person_and_has_none(company):
    refresh_findings()
    before = Finding.objects.filter(rule="store_without_person").count()
    store = Store.objects.filter(platform__code="jd", charges__isnull=False).first()
    StoreCharge.objects.filter(store=store).delete()
    refresh_findings()
    assert Finding.objects.filter(rule="store_without_person").count() == before + 1
