"""Campaign details: what promotion adds to a filed price list before the stores carry it out."""

import json
import zlib
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from approvals.models import ArchiveRecord, CampaignDetails, Document, Task
from opsadmin.core.refusals import Refusal
from tests.approvals import world as w

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made_document(made_world):
    document = w.submitted(made_world, effective_to=w.next_week() + timedelta(days=30))
    w.sign(made_world, document)
    w.file(made_world, document)
    return document


@pytest.fixture
def filed(world, made_document):
    """Return a filed price list that waits for its campaign details."""
    return Document.objects.get(pk=made_document.pk)


def local(moment):
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M")


def post(client, world, document, **typed):
    task = w.open_task(document, world["promotion"])
    details = {
        "verdict": "complete",
        "content_hash": document.content_hash,
        "theme": "暖冬焕新",
        "copy": "全店包邮\n满两件送卡包",
        "starts_at": local(document.effective_from),
        "ends_at": local(document.effective_from + timedelta(days=3)),
    }
    return client.post(reverse("admin:review_decide", args=[task.pk]), details | typed)


def sealed(record):
    """Return the row of the fact that a later record seals."""
    rows = [
        json.loads(line) for line in zlib.decompress(record.payload).decode().splitlines() if line[:1] == "{"
    ]
    return next(row for row in rows if row.get("t") == record.kind)


def test_promotion_completes_the_details_on_the_review_page_and_the_stores_are_asked(world, filed, signed_in):
    client = signed_in(world["promotion"])
    page = client.get(reverse("admin:review", args=[w.open_task(filed).pk])).content.decode()
    assert 'name="theme"' in page
    assert f'value="{local(filed.effective_from)}"' in page
    assert "required></textarea>" in page, "an empty text begins empty"
    assert post(client, world, filed).status_code == 302
    details = CampaignDetails.objects.get(document=filed)
    assert (details.theme, details.copy) == ("暖冬焕新", "全店包邮\n满两件送卡包")
    assert (details.starts_at, details.completed_by) == (filed.effective_from, world["promotion"])
    asked = Task.objects.filter(document=filed, state="open", step__kind="execute")
    assert {task.store for task in asked} == set(world.stores)


def test_the_details_are_sealed_as_a_record_of_their_own(world, filed):
    w.complete(world, filed)
    record = ArchiveRecord.objects.get(document=filed, kind="campaign")
    assert record.number == f"{filed.archive_number}/1"
    assert sealed(record)["theme"] == "暖冬"
    assert sealed(record)["completed_by"] == world["promotion"].name


@pytest.mark.parametrize(
    "typed",
    [
        {"theme": " "},
        {"copy": ""},
        {"starts_at": ""},
        {"ends_at": "soon"},
        {"ends_at": "2026-02-30T00:00"},
        {"theme": "长" * 101, "copy": " "},
    ],
)
def test_details_that_are_incomplete_are_refused_and_what_was_typed_stays(world, filed, signed_in, typed):
    answer = post(signed_in(world["promotion"]), world, filed, **{"comment": "定稿", **typed})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "定稿" in page
    assert ("满两件送卡包" in page) is ("copy" not in typed)
    assert not CampaignDetails.objects.exists()
    assert w.open_task(filed).step.kind == "complete"


@pytest.mark.parametrize(("before", "after"), [(1, 0), (0, 1)])
def test_a_campaign_lies_within_the_time_for_which_the_prices_are_valid(world, filed, before, after):
    minute = timedelta(minutes=1)
    window = {
        "starts_at": filed.effective_from - before * minute,
        "ends_at": filed.effective_to + after * minute,
    }
    with pytest.raises(Refusal) as refused:
        w.complete(world, filed, **window)
    assert refused.value.code == "invalid"
    assert not CampaignDetails.objects.exists()


def test_a_campaign_may_last_as_long_as_the_prices_and_ends_after_it_begins(world, filed):
    with pytest.raises(Refusal):
        w.complete(world, filed, starts_at=filed.effective_from, ends_at=filed.effective_from)
    w.complete(world, filed, starts_at=filed.effective_from, ends_at=filed.effective_to)
    assert CampaignDetails.objects.get().ends_at == filed.effective_to


def test_prices_without_an_end_bound_a_campaign_only_by_their_start(world):
    document = w.submitted(world, effective_from=w.next_week() + timedelta(days=60))
    w.sign(world, document)
    w.file(world, document)
    w.complete(world, document, ends_at=document.effective_from + timedelta(days=400))
    assert CampaignDetails.objects.exists()


@pytest.mark.parametrize("role", ["customer_service", "product_strategy", "ecommerce_manager", "auditor"])
def test_nobody_else_can_complete_the_details(world, filed, signed_in, role):
    client = signed_in(world[role])
    assert post(client, world, filed).status_code == 404
    assert not CampaignDetails.objects.exists()


def test_the_second_click_completes_nothing(world, filed, signed_in):
    client = signed_in(world["promotion"])
    task = w.open_task(filed)
    post(client, world, filed)
    posted = {"verdict": "complete", "content_hash": filed.content_hash, "theme": "别的", "copy": "别的"}
    moments = {"starts_at": local(filed.effective_from), "ends_at": local(filed.effective_to)}
    answer = client.post(reverse("admin:review_decide", args=[task.pk]), posted | moments, follow=True)
    assert CampaignDetails.objects.get().theme == "暖冬焕新"
    assert answer.status_code == 200


def test_stores_read_theme_window_and_copy_beside_their_task(world, filed, signed_in):
    w.complete(world, filed, theme="暖冬焕新", copy="满两件送卡包")
    task = Task.objects.filter(document=filed, assignee=world["customer_service"], state="open").first()
    page = signed_in(world["customer_service"]).get(reverse("admin:execute", args=[task.pk])).content.decode()
    assert "暖冬焕新" in page
    assert "满两件送卡包" in page
