"""Every form that takes a file is sent hostile ones: a clear answer in time, nothing stored, never a 500."""

import time
from dataclasses import dataclass

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone, translation

from approvals.execution.receipts import check_file
from approvals.models import Attachment, LineImport
from opsadmin.core import jobs
from opsadmin.core.models import StoredFile
from opsadmin.core.refusals import Refusal
from opsadmin.core.transfer import TransferMixin
from orgchart.models import ChangeSet
from staffing.models import Objective
from staffing.plans import services, table
from tests.approvals.drafting import HEADER, Shop
from tests.factories import DepartmentFactory, EmployeeFactory, UserFactory
from tests.hostile.corpus import FAULTY, REFUSED, TAKEN, Shape, corpus

pytestmark = pytest.mark.django_db
SECONDS = 10
FILES = [one for one in corpus() if one.kind != "bomb"]
BOMBS = [one for one in corpus() if one.kind == "bomb"]
# One file in so many is sent to each form in every run, all of them in the soak.
STRIDE = 23


@dataclass
class Form:
    """A form: ``shape`` of its table, ``send(upload)`` posts a file and returns (status, verdict, words)."""

    name: str
    shape: Shape
    send: object
    rows: object


# ── The forms ─────────────────────────────────────────────────────────────────────────────────────────────────────


def master_forms(client):
    """Return a form for each kind of master that may be imported and has a row."""
    client.force_login(
        UserFactory(is_superuser=True, is_staff=True), backend="opsadmin.backends.AccountBackend"
    )
    for model, model_admin in admin.site._registry.items():
        if isinstance(model_admin, TransferMixin) and model.objects.exists():
            yield master_form(client, model, model_admin)


def master_form(client, model, model_admin):
    resource = model_admin.resource_classes[0](user=client.session and UserFactory(is_superuser=True))
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

    def send(upload):
        answer = client.post(url, {"file": upload})
        outcome = answer.context and answer.context.get("outcome")
        words = [str(message) for message in get_messages(answer.wsgi_request)]
        if outcome is None:
            return answer.status_code, REFUSED, words
        faults = [fault.message for fault in outcome.faults]
        return answer.status_code, FAULTY if faults else TAKEN, faults or words

    return Form(f"master {model._meta.model_name}", shape, send, model.objects.count)


def price_list_form(client):
    shop = Shop(goods=1)
    document = shop.draft()
    shape = Shape(tuple(HEADER), (shop.skus[0].code, "100.00", "99.00"), 0, 2)

    def send(upload):
        client.force_login(shop.drafter, backend="opsadmin.backends.AccountBackend")
        answer = client.post(reverse("admin:import_new", args=[document.pk]), {"file": upload})
        imported = LineImport.objects.latest("pk") if answer.status_code == 302 else None
        if imported is None:
            return answer.status_code, REFUSED, [answer.content.decode()]
        jobs.run(imported.job_id)
        imported.refresh_from_db()
        page = client.get(reverse("admin:import_preview", args=[imported.pk]))
        faults = [str(code) for code in imported.faults.filter(note=False).values_list("code", flat=True)]
        if imported.state == "unreadable":
            return page.status_code, REFUSED, [imported.error, *faults]
        return page.status_code, FAULTY if faults else TAKEN, faults

    return Form("price list", shape, send, document.lines.count)


def work_plan_form(client):
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

    def send(upload):
        client.force_login(hr, backend="opsadmin.backends.AccountBackend")
        before = Objective.objects.count()
        answer = client.post(reverse("admin:workplan_import", args=[plan.pk]), {"file": upload}, follow=True)
        words = sentences(answer)
        if answer.status_code == 422:
            return 422, FAULTY, [fault.message for fault in answer.context["faults"]]
        taken = Objective.objects.count() > before
        Objective.objects.all().delete()
        return answer.status_code, TAKEN if taken else REFUSED, words

    return Form("work plan", shape, send, Objective.objects.count)


def chart_form(client):
    hr = UserFactory(roles=["hr"])
    shape = Shape(("编码", "名称"), ("ec", "电子商务部"), 0)

    def send(upload):
        client.force_login(hr, backend="opsadmin.backends.AccountBackend")
        answer = client.post(reverse("admin:org_chart_import"), {"file": upload}, follow=True)
        return answer.status_code, REFUSED, sentences(answer)

    return Form("organisation", shape, send, ChangeSet.objects.count)


def sentences(answer):
    """Return the messages that the page shows."""
    return [str(message) for message in answer.context["messages"]] if answer.context else []


# ── What must hold ────────────────────────────────────────────────────────────────────────────────────────────────


def wrong(form, hostile):
    """Return what is wrong with a form's answer to a file, nothing where it is right."""
    upload = SimpleUploadedFile(hostile.filename or "file", hostile.make(form.shape))
    before, began = form.rows(), time.monotonic()
    status, verdict, words = form.send(upload)
    seconds = time.monotonic() - began
    if status >= 500:
        return f"status {status}"
    if form.rows() != before:
        return "something was stored"
    if seconds > SECONDS:
        return f"{seconds:.1f} s"
    if hostile.verdict == REFUSED and verdict == TAKEN:
        return "taken"
    if verdict != TAKEN and not any(words):
        return f"{verdict} without a word"
    return ""


def answers(form, files):
    found = {one.name: wrong(form, one) for one in files}
    return {name: text for name, text in found.items() if text}


GOOD = ("UTF-8 with a mark", "GB18030", "tabs", "a workbook as a.csv", "UTF-16 with a mark")


def not_taken(form):
    """Return the good files of the same shape that a form did not take."""
    good = [one for one in FILES if one.name in GOOD]
    assert len(good) == len(GOOD)
    found = {}
    for one in good:
        _status, verdict, words = form.send(SimpleUploadedFile(one.filename, one.make(form.shape)))
        if verdict != TAKEN:
            found[one.name] = words
    return found


def test_masters_answer_hostile_files_with_a_sentence_and_take_good_ones(company, client):
    forms = {form.name: form for form in master_forms(client)}
    assert len(forms) >= 6
    for name in ("master brand", "master sku"):
        assert answers(forms[name], FILES[:: STRIDE * 2]) == {}, name
        assert not_taken(forms[name]) == {}, name


@pytest.mark.parametrize("make", [price_list_form, work_plan_form, chart_form])
def test_other_imports_answer_hostile_files_with_a_sentence_and_take_good_ones(db, client, make):
    form = make(client)
    assert answers(form, FILES[:: STRIDE * 2]) == {}
    if make is not chart_form:
        assert not_taken(form) == {}


@pytest.mark.soak
def test_every_form_answers_every_hostile_file_with_a_sentence(company, client):
    counts = {}
    for form in [
        *master_forms(client),
        *(make(client) for make in (price_list_form, work_plan_form, chart_form)),
    ]:
        if form.name.startswith("master"):
            client.force_login(
                UserFactory(is_superuser=True, is_staff=True),
                backend="opsadmin.backends.AccountBackend",
            )
        began = time.monotonic()
        assert answers(form, FILES + BOMBS) == {}, form.name
        assert form.name == "organisation" or not_taken(form) == {}, form.name
        counts[form.name] = f"{len(FILES + BOMBS)} files, {time.monotonic() - began:.0f} s"
    print(counts)


# ── Files that are kept as they are ───────────────────────────────────────────────────────────────────────────────


def test_an_attachment_is_kept_byte_for_byte_and_given_back_so_that_nothing_runs_it(db, client):
    shop = Shop(goods=1)
    document = shop.draft()
    client.force_login(shop.drafter, backend="opsadmin.backends.AccountBackend")
    shape = Shape(tuple(HEADER), (shop.skus[0].code, "100.00", "99.00"), 0, 2)
    for hostile in FILES[:: STRIDE * 5]:
        data = hostile.make(shape) or b"x"
        name = '"><script>alert(1)</script>\u202e价格.html'
        answer = client.post(
            reverse("admin:document_comment", args=[document.pk]),
            {"text": "x", "files": [SimpleUploadedFile(name, data, content_type="text/html")]},
        )
        assert answer.status_code == 302, hostile.name
        kept = Attachment.objects.latest("pk")
        answer = client.get(reverse("admin:attachment", args=[kept.pk]))
        assert b"".join(answer.streaming_content) == data
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        disposition = answer.headers["Content-Disposition"]
        assert disposition.startswith("attachment;")
        assert "filename*=UTF-8''" in disposition
        assert "\u202e" not in disposition


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
