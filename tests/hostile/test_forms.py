"""Every form that takes a file is sent hostile ones: a clear answer in time, nothing stored, never a 500."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation

from approvals import drafts
from approvals.execution.receipts import BEGINNINGS, check_file
from approvals.models import Attachment, Document, LineImport, Receipt, Task
from opsadmin.core.models import CalendarDay, StoredFile
from opsadmin.core.refusals import Refusal
from opsadmin.core.transfer import TransferMixin
from orgchart.models import ChangeSet
from staffing.models import Objective
from staffing.plans import services, table
from tests.approvals import world as w
from tests.approvals.drafting import HEADER, Shop, next_midnight
from tests.factories import DepartmentFactory, EmployeeFactory, UserFactory
from tests.hostile.corpus import FAULTY, REFUSED, TAKEN, Shape, corpus
from tests.hostile.measuring import Cost, measured, run_in_child
from tests.uploads import ordered

pytestmark = pytest.mark.django_db
SECONDS, MEGABYTES = 10, 300
# The web process keeps an upload and shows what its job left. The test's own client holds the file two times more.
WEB_SECONDS, WEB_MEGABYTES = 5, 100
FILES = [one for one in corpus() if one.kind != "bomb"]
BOMBS = [one for one in corpus() if one.kind == "bomb"]
# PostgreSQL keeps no null character, in no text and in no JSON.
NULLS = [one for one in FILES if one.name in ("reference _x0000_", "a column named '_x0000_'")]
# One file in so many is sent to each form in every run, all of them in the soak.
STRIDE = 23


@dataclass
class Answer:
    """What a form said to a file, and what that cost the web process and the worker's child."""

    status: int
    verdict: str
    words: list
    web: Cost = field(default_factory=Cost)
    worker: Cost = field(default_factory=Cost)


@dataclass
class Form:
    """A form: ``shape`` of its table, ``send(upload)`` posts a file and returns its Answer, ``rows()`` counts."""

    name: str
    shape: Shape
    send: object
    rows: object


BACKEND = "opsadmin.backends.AccountBackend"


def posted(client, url, upload, run):
    """Post a file and let ``run(pk)`` do its job; returns the last page and the two Costs."""
    with measured(Cost()) as web:
        answer = client.post(url, {"file": upload})
    pk = ordered(answer)
    if pk is None:
        return (client.get(answer.url, follow=True) if answer.status_code == 302 else answer), web, Cost()
    worker = run(pk)
    with measured(Cost()) as shown:
        answer = client.get(answer.url, follow=True)
    return answer, Cost(max(web.seconds, shown.seconds), max(web.megabytes, shown.megabytes)), worker


# ── The forms ─────────────────────────────────────────────────────────────────────────────────────────────────────


def master_models():
    return [model for model, found in admin.site._registry.items() if isinstance(found, TransferMixin)]


def master_form(client, run, model):
    user = UserFactory(is_superuser=True, is_staff=True)
    resource = admin.site.get_model_admin(model).resource_classes[0](user=user)
    with translation.override("zh-hans"):
        columns = resource.sheet_columns()
        exported = dict(
            zip(resource.get_export_order(), resource.export_resource(model.objects.first()), strict=True)
        )
    keys = [column.key for column in columns]
    kinds = [column.kind for column in columns]
    shape = Shape(
        tuple(column.headers[0] for column in columns),
        tuple(str(exported.get(key) or "").replace(",", "") for key in keys),
        keys.index(resource.get_import_id_fields()[0]),
        kinds.index("money") if "money" in kinds else None,
    )
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_import")
    client.force_login(user, backend=BACKEND)

    def send(upload):
        page, web, worker = posted(client, url, upload, run)
        outcome = page.context and page.context.get("outcome")
        if outcome is None:
            words = sentences(page) or [page.context.get("refused") or page.context["job"].error]
            return Answer(page.status_code, REFUSED, words, web, worker)
        faults = [fault.message for fault in outcome.faults]
        return Answer(page.status_code, FAULTY if faults else TAKEN, faults, web, worker)

    return Form(f"master {model._meta.model_name}", shape, send, model.objects.count)


def lines_form(client, run, name, document, shape, drafter):
    """Return the form of lines of a draft, a price list or a promotion."""
    client.force_login(drafter, backend=BACKEND)

    def send(upload):
        with measured(Cost()) as web:
            answer = client.post(reverse("admin:import_new", args=[document.pk]), {"file": upload})
        if answer.status_code != 302:
            return Answer(answer.status_code, REFUSED, [answer.content.decode()], web)
        before = LineImport.objects.filter(document=document.pk).latest("pk")
        worker = run(before.job_id)
        imported = LineImport.objects.select_related("job").get(pk=before.pk)
        page = client.get(reverse("admin:import_preview", args=[imported.pk]))
        found = imported.faults.filter(note=False)
        faults = [fault.code for fault in found] or [imported.error or imported.job.error]
        if imported.state != "ready":
            return Answer(page.status_code, REFUSED, faults, web, worker)
        return Answer(page.status_code, FAULTY if found else TAKEN, faults, web, worker)

    return Form(name, shape, send, document.lines.count)


def price_list_form(client, run):
    shop = Shop(goods=1)
    shape = Shape(tuple(HEADER), (shop.skus[0].code, "100.00", "99.00"), 0, 2)
    return lines_form(client, run, "price list", shop.draft(), shape, shop.drafter)


def promotion_form(client, run):
    shop, drafter = Shop(goods=1), UserFactory(roles=["promotion"])
    document = drafts.create_promotion(
        by=drafter,
        title="年货节",
        promotion_kind="discount",
        effective_from=next_midnight(),
        effective_to=next_midnight() + timedelta(days=7),
        per_user_cap=2,
        total_quantity=1000,
        budget="20000.00",
    )
    shape = Shape(("商品编码", "活动价", "降幅(%)"), (shop.skus[0].code, "80.00", "20"), 0, 1)
    return lines_form(client, run, "promotion", document, shape, drafter)


def work_plan_form(client, run):
    hr = UserFactory(roles=["hr"])
    plan = services.create_plan(
        title="第一季度",
        department=DepartmentFactory(),
        owner=EmployeeFactory(),
        start=timezone.localdate(),
        by=hr,
    )
    heads = {column.key: column.headers[0] for column in table.columns()}
    word = table.in_languages(table.KINDS[table.OBJECTIVE])[0]
    header = tuple(heads[name] for name in ("kind", "title", "start", "target"))
    shape = Shape(header, (word, "销售额", "0", "100.00"), 1, 3)
    url = reverse("admin:workplan_import", args=[plan.pk])
    client.force_login(hr, backend=BACKEND)

    def send(upload):
        page, web, worker = posted(client, url, upload, run)
        result = page.context.get("imported") or {}
        if result.get("faults"):
            words = [fault["message"] for fault in result["faults"]]
            return Answer(page.status_code, FAULTY, words, web, worker)
        taken = Objective.objects.all().delete()[0]
        words = sentences(page) or [result.get("refused", "")]
        return Answer(page.status_code, TAKEN if taken else REFUSED, words, web, worker)

    return Form("work plan", shape, send, Objective.objects.count)


def chart_form(client, run):
    hr = UserFactory(roles=["hr"])
    shape = Shape(("编码", "名称"), ("ec", "电子商务部"), 0)
    client.force_login(hr, backend=BACKEND)

    def send(upload):
        page, web, worker = posted(client, reverse("admin:org_chart_import"), upload, run)
        words = sentences(page) or [page.context["refused"] or page.context["verdicts"]]
        return Answer(page.status_code, REFUSED, words, web, worker)

    return Form("organisation", shape, send, ChangeSet.objects.count)


OTHERS = (price_list_form, promotion_form, work_plan_form, chart_form)


def sentences(answer):
    """Return the messages that the page shows."""
    return [str(message) for message in get_messages(answer.wsgi_request)]


# ── What must hold ────────────────────────────────────────────────────────────────────────────────────────────────


def wrong(form, hostile, answer, before):
    """Return what is wrong with a form's answer to a file, nothing where it is right."""
    if answer.status >= 500:
        return f"status {answer.status}"
    if form.rows() != before:
        return "something was stored"
    if answer.worker.seconds > SECONDS or answer.worker.megabytes > MEGABYTES:
        return f"worker: {answer.worker}"
    if answer.web.seconds > WEB_SECONDS or answer.web.megabytes > WEB_MEGABYTES:
        return f"web: {answer.web}"
    if hostile.verdict == REFUSED and answer.verdict == TAKEN:
        return "taken"
    if answer.verdict != TAKEN and not any(answer.words):
        return f"{answer.verdict} without a word"
    return ""


def answers(form, files):
    """Send the files; return {name: what is wrong}, and the highest costs of the web process and of the worker."""
    found, web, worker = {}, Cost(), Cost()
    for hostile in files:
        upload = SimpleUploadedFile(hostile.filename or "file", hostile.make(form.shape))
        before = form.rows()
        answer = form.send(upload)
        found[hostile.name] = wrong(form, hostile, answer, before)
        raise_to(web, answer.web)
        raise_to(worker, answer.worker)
    return {name: text for name, text in found.items() if text}, (web, worker)


def raise_to(highest, cost):
    """Let ``highest`` be at least what something cost."""
    highest.seconds = max(highest.seconds, cost.seconds)
    highest.megabytes = max(highest.megabytes, cost.megabytes)


GOOD = ("UTF-8 with a mark", "GB18030", "tabs", "a workbook as a.csv", "UTF-16 with a mark")


def not_taken(form):
    """Return the good files of the same shape that a form did not take."""
    good = [one for one in FILES if one.name in GOOD]
    assert len(good) == len(GOOD)
    told = {one.name: form.send(SimpleUploadedFile(one.filename, one.make(form.shape))) for one in good}
    return {name: answer.words for name, answer in told.items() if answer.verdict != TAKEN}


@pytest.mark.parametrize("model", ["brand", "sku"])
def test_masters_answer_hostile_files_with_a_sentence_and_take_good_ones(company, client, model):
    form = master_form(client, run_in_child, apps.get_model("stores", model))
    assert answers(form, FILES[:: STRIDE * 2])[0] == {}
    assert not_taken(form) == {}


@pytest.mark.parametrize("make", OTHERS)
def test_other_imports_answer_hostile_files_with_a_sentence_and_take_good_ones(db, client, make):
    form = make(client, run_in_child)
    assert len(NULLS) == 2
    assert answers(form, FILES[:: STRIDE * 2] + NULLS)[0] == {}
    assert make is chart_form or not_taken(form) == {}


@pytest.mark.soak
@pytest.mark.parametrize("number", range(len(master_models())))
def test_every_master_answers_every_hostile_file_with_a_sentence(company, client, number):
    CalendarDay.objects.create(date=date(2026, 10, 10), working=True, name="调休上班")
    every_file(master_form(client, run_in_child, master_models()[number]))


@pytest.mark.soak
@pytest.mark.parametrize("make", OTHERS)
def test_every_other_import_answers_every_hostile_file_with_a_sentence(db, client, make):
    every_file(make(client, run_in_child))


def every_file(form):
    found, (web, worker) = answers(form, FILES + BOMBS)
    print(f"{form.name}: {len(FILES + BOMBS)} files; web {web}; worker {worker}")
    assert found == {}
    assert form.name == "organisation" or not_taken(form) == {}


# ── Files that are kept as they are ───────────────────────────────────────────────────────────────────────────────


SHAPE_OF_LINES = Shape(tuple(HEADER), ("CS-00001-BK", "100.00", "99.00"), 0, 2)
NAMED_MARKUP = '"><script>alert(1)</script>\u202e价格.html'


def attached(client, document, hostile):
    """Send a file with a comment, fail unless it comes back as it was; returns what that cost the web process."""
    data = hostile.make(SHAPE_OF_LINES)
    upload = SimpleUploadedFile(NAMED_MARKUP, data, content_type="text/html")
    with measured(Cost()) as web:
        answer = client.post(
            reverse("admin:document_comment", args=[document.pk]), {"text": "x", "files": [upload]}
        )
    assert answer.status_code == 302, hostile.name
    answer = client.get(reverse("admin:attachment", args=[Attachment.objects.latest("pk").pk]))
    assert_nothing_runs(answer, data)
    assert "filename*=UTF-8''" in answer.headers["Content-Disposition"]
    return web


def assert_nothing_runs(answer, data):
    """Fail unless an answer is these bytes as a download without a type that a browser would run."""
    assert b"".join(answer.streaming_content) == data
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "\u202e" not in disposition
    assert disposition.isascii()


def with_comments(client):
    """Return a draft whose drafter is signed in."""
    shop = Shop(goods=1)
    client.force_login(shop.drafter, backend=BACKEND)
    return shop.draft()


def test_an_attachment_is_kept_byte_for_byte_and_given_back_so_that_nothing_runs_it(db, client):
    document = with_comments(client)
    for hostile in FILES[:: STRIDE * 5]:
        attached(client, document, hostile)


@pytest.mark.soak
def test_every_file_is_kept_as_an_attachment_so_that_nothing_runs_it(db, client):
    document, highest = with_comments(client), Cost()
    for hostile in FILES + BOMBS:
        raise_to(highest, attached(client, document, hostile))
    print(f"attachments: {len(FILES + BOMBS)} files; web {highest}")
    assert highest.seconds < WEB_SECONDS and highest.megabytes < WEB_MEGABYTES


def executing(client):
    """Return the task of a store that waits for its receipt, whose person in charge is signed in."""
    world = w.make_world(goods=1)
    document = w.submitted(world, ["95"])
    w.sign(world, document)
    w.file(world, document)
    w.complete(world, document)
    client.force_login(world["customer_service"], backend=BACKEND)
    return Task.objects.filter(document=document, state="open", store__isnull=False).first()


def sent_as_receipt(client, task, name, data):
    """Send a file as a receipt and take that back; returns (refused, what it cost the web process)."""
    before = Receipt.objects.count(), StoredFile.objects.count()
    document = Document.objects.get(pk=task.document_id)
    posted = {
        "content_hash": document.content_hash,
        "applied": "1",
        "file": SimpleUploadedFile(name or "file", data),
    }
    with transaction.atomic():
        with measured(Cost()) as web:
            answer = client.post(reverse("admin:execute_receipt", args=[task.pk]), posted)
        refused = answer.status_code == 422
        if refused:
            assert answer.context["refused"]
            assert (Receipt.objects.count(), StoredFile.objects.count()) == before, name
        else:
            assert answer.status_code == 302, (name, answer.status_code)
            kept = Receipt.objects.latest("pk")
            assert_nothing_runs(client.get(reverse("admin:receipt_file", args=[kept.pk])), data)
        transaction.set_rollback(True)
    return refused, web


@pytest.mark.soak
def test_every_file_is_kept_as_a_receipt_or_refused_as_its_beginning_says(db, client):
    task, highest, taken = executing(client), Cost(), 0
    for hostile in FILES + BOMBS:
        data = hostile.make(SHAPE_OF_LINES)
        for name in (hostile.filename, "receipt.png", "receipt.pdf", "receipt.html"):
            refused, web = sent_as_receipt(client, task, name, data)
            kind = Path(name).suffix.lower()
            fits = bool(data) and kind in BEGINNINGS and data.startswith(BEGINNINGS[kind])
            assert refused != fits, (hostile.name, name)
            taken += fits
            raise_to(highest, web)
    print(f"receipts: {len(FILES + BOMBS)} files, each under 4 names, {taken} kept; web {highest}")
    assert highest.seconds < WEB_SECONDS and highest.megabytes < WEB_MEGABYTES


@pytest.mark.parametrize("kind", ["disguise", "container"])
def test_a_receipt_is_what_its_name_says_or_is_refused_with_a_sentence(db, kind):
    before = StoredFile.objects.count()
    shape = Shape(tuple(HEADER), ("x", "1", "1"), 0, 2)
    for hostile in (one for one in FILES if one.kind == kind):
        data = hostile.make(shape)
        for name in ("receipt.png", "receipt.pdf", "receipt.html", "receipt.exe"):
            try:
                check_file(SimpleUploadedFile(name, data))
            except Refusal as refusal:
                assert str(refusal)
            else:
                assert data.startswith((b"\x89PNG", b"%PDF")), (hostile.name, name)
    assert StoredFile.objects.count() == before
