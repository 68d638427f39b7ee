"""Receipts: what proves that a store has carried out a filed document."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from approvals.execution import receipts
from approvals.models import ArchiveRecord, Decision, Document, Receipt
from opsadmin.core.models import StoredFile
from tests.approvals.carrying_out import PNG, executing, post_receipt, store_task

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made_document(made_world):
    return executing(made_world)


@pytest.fixture
def document(made_document, world):
    """The file's price list that waits for its stores, read anew; what a test changes is undone."""
    return Document.objects.get(pk=made_document.pk)


def test_a_document_is_done_and_closed_when_every_store_has_its_receipt(world, document, signed_in):
    client = signed_in(world["customer_service"])
    first, second = world.stores
    answer = post_receipt(client, document, first, applied="3", not_found="1", note="1 款已下架")
    assert answer.url == reverse("admin:execute", args=[store_task(document, second).pk])
    document.refresh_from_db()
    assert document.state == "filed"
    post_receipt(client, document, second)
    document.refresh_from_db()
    assert document.state == "done"
    receipt = Receipt.objects.get(document=document, store=first)
    assert (receipt.applied, receipt.failed, receipt.not_found) == (3, 0, 1)
    assert (receipt.note, receipt.by) == ("1 款已下架", world["customer_service"])
    kinds = (
        ArchiveRecord.objects.filter(document=document).order_by("sequence").values_list("kind", flat=True)
    )
    assert list(kinds) == ["filing", "campaign", "receipt", "receipt", "closing"]
    sealed = ArchiveRecord.objects.get(document=document, kind="receipt", stores__store=first)
    assert sealed.files.get().sha256 == hashlib.sha256(PNG).hexdigest()


@pytest.mark.parametrize(
    ("posted", "sentence"),
    [
        ({"file": ""}, "receipt"),
        ({"file": SimpleUploadedFile("空.png", b"")}, ""),
        ({"file": SimpleUploadedFile("病毒.exe", b"MZ")}, "病毒.exe"),
        ({"file": SimpleUploadedFile("假.png", b"<html>")}, "假.png"),
        ({"file": SimpleUploadedFile("假.pdf", b"<html>")}, "假.pdf"),
        ({"applied": "3"}, "4"),
        ({"applied": "3", "failed": "1"}, ""),
        ({"applied": "four"}, ""),
        ({"applied": "-4", "failed": "8"}, ""),
        ({"applied": "４"}, ""),
    ],
)
def test_a_receipt_that_proves_nothing_is_refused_and_leaves_nothing(
    world, document, signed_in, posted, sentence
):
    files, decisions = StoredFile.objects.count(), Decision.objects.count()
    answer = post_receipt(signed_in(world["customer_service"]), document, world.stores[0], **posted)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Receipt.objects.exists()
    assert (StoredFile.objects.count(), Decision.objects.count()) == (files, decisions)


def test_a_receipt_above_20_mb_is_refused(world, document, signed_in, monkeypatch):
    monkeypatch.setattr(receipts, "RECEIPT_BYTES", len(PNG) - 1)
    answer = post_receipt(signed_in(world["customer_service"]), document, world.stores[0])
    assert answer.status_code == 422
    assert not Receipt.objects.exists()


def test_what_was_typed_stays_when_a_receipt_is_refused(world, document, signed_in):
    answer = post_receipt(
        signed_in(world["customer_service"]),
        document,
        world.stores[0],
        applied="2",
        failed="1",
        note="网络中断",
    )
    page = answer.content.decode()
    assert 'value="网络中断"' in page
    assert 'name="failed" inputmode="numeric" maxlength="7" value="1"' in page


def test_the_second_click_records_nothing_and_says_what_was_recorded(world, document, signed_in):
    client = signed_in(world["customer_service"])
    task = store_task(document, world.stores[0])
    address = reverse("admin:execute_receipt", args=[task.pk])
    for _click in range(2):
        posted = {"file": SimpleUploadedFile("图.png", PNG), "applied": "4"}
        answer = client.post(
            address, {"content_hash": document.content_hash, **posted}, headers={"Accept": "application/json"}
        )
    assert (answer.status_code, answer.json()["code"]) == (409, "decided")
    assert Receipt.objects.filter(document=document).count() == 1
