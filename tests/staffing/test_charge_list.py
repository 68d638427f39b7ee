"""The list of charges shows whole stores, duties and reserves."""

import pytest
from django.urls import reverse

pytestmark = pytest.mark.django_db


def test_the_list_of_charges_opens_with_duties_and_reserves(company, signed_in):
    answer = signed_in(roles=["hr"]).get(reverse("admin:staffing_storecharge_changelist"))
    assert answer.status_code == 200 and "上架审核" in answer.content.decode()
