"""Files of a document: who sees the document sees its files, but a workbook with costs is not for everybody."""

from io import BytesIO

import pytest
from django.urls import reverse

from approvals.models import Attachment
from opsadmin.core.files import store_file
from tests.approvals import world as w

pytestmark = pytest.mark.django_db


@pytest.fixture
def filed(world):
    document = w.submitted(world)
    w.sign(world, document)
    w.file(world, document)
    return document


@pytest.fixture
def workbook(world, filed):
    """Return the workbook that the document came from."""
    stored = store_file(BytesIO(b"x"), name="价格表.xlsx", by=world["product_strategy"])
    return Attachment.objects.create(
        document_id=filed.pk, file=stored, kind="source", added_by=world["product_strategy"]
    )


@pytest.mark.parametrize(
    ("role", "opens"), [("product_strategy", True), ("finance", True), ("promotion", False)]
)
def test_a_workbook_opens_for_who_may_see_costs_and_nobody_else_is_offered_it(
    world, filed, workbook, signed_in, role, opens
):
    client = signed_in(world[role])
    page = client.get(reverse("admin:document", args=[filed.pk])).content.decode()
    address = reverse("admin:attachment", args=[workbook.pk])
    assert "价格表.xlsx" in page
    assert (address in page) is opens
    assert client.get(address).status_code == (200 if opens else 403)


def test_who_brought_a_workbook_may_open_it_again(world, filed, workbook, signed_in):
    own = Attachment.objects.create(
        document_id=filed.pk, file=workbook.file, kind="source", added_by=world["promotion"]
    )
    client = signed_in(world["promotion"])
    address = reverse("admin:attachment", args=[own.pk])
    assert address in client.get(reverse("admin:document", args=[filed.pk])).content.decode()
    assert client.get(address).status_code == 200
