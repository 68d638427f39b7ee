"""Documents that wait for their stores, and receipts over HTTP."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from approvals.models import Document, Task
from staffing.services import put_in_charge
from tests.approvals import world as w

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64


def executing(world, prices=("95", "100", "100", "100"), **fields):
    """Return a price list that waits for its stores."""
    document = w.submitted(world, prices, **fields)
    w.sign(world, document)
    w.file(world, document)
    w.complete(world, document)
    return Document.objects.get(pk=document.pk)


def store_task(document, store):
    return Task.objects.get(document=document, store=store, state="open")


def in_charge(world, user, store):
    """Put somebody in charge of a store from today on."""
    put_in_charge(
        employee=user.account.employee.pk, store=store.pk, start=timezone.localdate(), by=world["hr"]
    )


def post_receipt(client, document, store, **posted):
    posted = {"file": SimpleUploadedFile("后台截图.png", PNG), "applied": "4", **posted}
    address = reverse("admin:execute_receipt", args=[store_task(document, store).pk])
    return client.post(address, {"content_hash": document.content_hash, **posted})
