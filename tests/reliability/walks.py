"""What people and workers live through while the database or a disk is away; the same with whatever takes it away."""

import threading
from contextlib import suppress

from django.db import DatabaseError, connection
from django.urls import reverse

from approvals.models import (
    ArchiveRecord,
    Decision,
    Document,
    DocumentState,
    ImportRow,
    ImportState,
    LineImport,
)
from opsadmin.core.models import Job, JobState, Notice
from stores.models import PriceInForce
from tests.approvals.world import draft_price_list, make_world, open_task, sign, submitted
from tests.reliability.machines import held, somebody_waits
from tests.reliability.visiting import Visitor
from tests.services import wait_for


def fresh():
    """Forget a connection that the outage has cut."""
    with suppress(DatabaseError):
        connection.close()


def ready_to_file(world):
    document = submitted(world)
    sign(world, document)
    return Document.objects.get(pk=document.pk)


def file_through_an_outage(site, outage):
    """Stop the database in the middle of a filing: nothing of it stays, the page says so, and a second press files."""
    world = make_world()
    document = ready_to_file(world)
    visitor, answers = Visitor(site, world["finance"]), []
    path = reverse("admin:review_decide", args=[open_task(document).pk])
    form = {"verdict": "file", "content_hash": document.content_hash}
    assert visitor.get("/inbox/").status == 200
    with held("stores_priceinforce"):
        pressing = threading.Thread(target=lambda: answers.append(visitor.post(path, form)))
        pressing.start()
        wait_for(somebody_waits, "the filing does not come to its middle")
        outage.begin()
        pressing.join(30)
    check_told(answers[0])
    check_told(visitor.get("/inbox/"))
    outage.end()
    fresh()
    assert not Decision.objects.filter(document=document, verdict="file").exists()
    assert not ArchiveRecord.objects.exists() and not own_prices(document)
    wait_for(lambda: visitor.get("/inbox/").status == 200, "the site does not come back by itself")
    assert not [answer for _n in range(20) if (answer := visitor.get("/inbox/")).status != 200]
    assert "Recorded:" in visitor.follow(visitor.post(path, form)).text
    assert Document.objects.get(pk=document.pk).state == DocumentState.FILED
    assert ArchiveRecord.objects.filter(document=document).count() == 1
    return world, visitor


def own_prices(document):
    return PriceInForce.objects.filter(document_number=document.number).count()


def check_told(answer):
    """The page says in words that the database is away, and nothing of what went wrong inside."""
    assert answer.status == 503 and answer.headers["retry-after"]
    assert "does not answer just now" in answer.text or "数据库" in answer.text
    assert "Traceback" not in answer.text and "psycopg2" not in answer.text


def import_through_an_outage(world, site, outage):
    """Stop the database in the middle of a worker's import: it is done once, by the next attempt or the next press."""
    draft = draft_price_list(world, ())
    visitor = Visitor(site, world["product_strategy"])
    rows = "".join(f"{sku.code},100,99\n" for sku in world.goods)
    with held("approvals_importrow"):
        answer = visitor.upload(
            reverse("admin:import_new", args=[draft.pk]), "a.csv", f"商品编码,参考价,执行价\n{rows}".encode()
        )
        assert answer.status == 302
        wait_for(somebody_waits, "the import does not come to its middle")
        outage.begin()
    outage.end()
    fresh()
    imported = LineImport.objects.get(document=draft.pk)
    ended = wait_for(lambda: ended_job(imported.job_id), "the import is stuck", seconds=60)
    if ended.state == JobState.FAILED:
        assert ended.error
        visitor.post(reverse("admin:import_retry", args=[imported.pk]), {})
        wait_for(lambda: ended_job(imported.job_id), "the second press does nothing", seconds=60)
    imported.refresh_from_db()
    assert imported.state == ImportState.READY
    assert ImportRow.objects.filter(imported=imported).count() == len(world.goods)
    assert Notice.objects.filter(key__startswith=f"import:{imported.pk}:").count() == 1


def ended_job(pk):
    return Job.objects.filter(pk=pk, state__in=[JobState.DONE, JobState.FAILED]).first()
