"""Every form that decides or edits: sent twice it acts once; sent late, or after logout, it overwrites nothing."""

import html
import re
import threading
from datetime import date
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.test import Client
from django.urls import reverse

from approvals.models import Comment, Document, Flow, LineImport, PriceLine
from approvals.pricelists import importing
from opsadmin.core.models import SentForm
from opsadmin.core.records import RecordAdmin
from opsadmin.core.screens import SCREENS
from opsadmin.core.stale import NOT_ASKED
from orgchart import changes
from orgchart.models import ChangeSet
from staffing.models import WorkPlan
from stores.models import Brand
from tests.approvals.world import draft_price_list, make_world, open_task, submitted
from tests.factories import UserFactory
from tests.reliability.forms import KEPT_BY, NO_SCREENS, OF_RECORDS, TESTED_BY, form_of
from tests.reliability.visiting import BACKEND, Visitor
from tests.security.test_rights_over_http import ABOUT_NOTHING, written

NO_STORE = "no-store"


def posting_screens():
    reverse("admin:index")  # loads the screens
    return [name for _route, name, view in SCREENS if "POST" in view.methods]


def every_address():
    """The names of all addresses, as the table of roles holds them; its own test keeps it whole."""
    rows = Path("tests/opsadmin/urls_by_role.tsv").read_text().splitlines()[1:]
    return {row.partition("\t")[0].removeprefix("admin:") for row in rows}


def test_every_form_says_what_keeps_it_from_acting_twice():
    """A new screen that takes a POST must be entered in the table; what is no screen is a form of records, or named."""
    assert set(posting_screens()) == set(KEPT_BY)
    screens = {name for _route, name, _view in SCREENS}
    others = {name for name in every_address() - screens if not name.endswith(tuple(OF_RECORDS))}
    assert others == set(NO_SCREENS)


def test_what_the_table_says_has_a_test():
    said = {*KEPT_BY.values(), *OF_RECORDS.values(), *NO_SCREENS.values()} - {None}
    assert said == set(TESTED_BY)
    for place in {place for places in TESTED_BY.values() for place in places}:
        file, _colons, name = place.partition("::")
        assert f"def {name}(" in Path(file).read_text(), place


KEY = re.compile(r"<(int|str|path|slug):[^>]+>")


def address(name):
    """Return the address of a screen with 1 for each key; that nothing stands there does not matter here."""
    route = next(route for route, screen, _view in SCREENS if screen == name)
    return "/" + KEY.sub("1", route)


@pytest.fixture
def strict(db):
    """A browser's session that really has to send the token of its page; signed in with every role's rights."""
    client = Client(enforce_csrf_checks=True)
    client.user = UserFactory(
        roles=["product_strategy", "ecommerce_manager", "finance", "hr", "administrator"]
    )
    client.force_login(client.user, backend=BACKEND)
    client.token = form_of(client.get(reverse("admin:profile")), "keys")["csrfmiddlewaretoken"][0]
    return client


def test_after_logout_no_form_is_taken(strict):
    before = SentForm.objects.count()
    strict.post(reverse("admin:logout"), {"csrfmiddlewaretoken": strict.token})
    answers = {
        name: strict.post(address(name), {"csrfmiddlewaretoken": strict.token}) for name in posting_screens()
    }
    taken = {
        name: answer.status_code
        for name, answer in answers.items()
        if not (answer.status_code == 403 or "/login/" in answer.get("Location", ""))
    }
    assert taken == {}
    assert SentForm.objects.count() == before


def test_no_page_of_a_session_is_kept_by_a_browser(strict):
    """So that the back button shows nothing once the session has ended: pages, refusals, scripts' answers, files."""
    names = ("inbox", "pricelists", "archive", "document", "import_state", "lines_template", "review_decide")
    pages = [reverse("admin:index"), reverse("admin:stores_sku_changelist"), *map(address, names)]
    kept = [path for path in pages if NO_STORE not in strict.get(path).get("Cache-Control", "")]
    assert kept == []


# ── The same form sent more than once ─────────────────────────────────────────────────────────────────────────────

BURST = 6
NEW_LIST = {"title": "双击", "list_kind": "regular", "effective_from": "2030-01-01T00:00"}


def test_six_clicks_on_new_make_one_draft_and_all_lead_to_it(site):
    """Fails without the lock on the form's key."""
    world = make_world()
    visitor = Visitor(site, world["product_strategy"])
    path = reverse("admin:pricelist_new")
    form, answers = NEW_LIST | {"token": visitor.token(path)}, []
    token = form.pop("token")

    def click():
        answers.append(visitor.post(path, form, token=token))

    clicks = [threading.Thread(target=click) for _n in range(BURST)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join(60)
    assert Document.objects.filter(title="双击").count() == 1
    assert {answer.status for answer in answers} == {302}
    assert len({answer.location for answer in answers}) == 1
    assert answers[0].location.startswith("/pricelists/")
    told = visitor.follow(visitor.post(path, form, token=token)).text
    assert "sent more than once" in told
    assert Document.objects.filter(title="双击").count() == 1
    connections.close_all()


@pytest.fixture
def desk(db, client):
    """A small company, its drafter signed in with the token of a page that was shown."""
    world = make_world()
    world.draft = draft_price_list(world, ("95", "100"))

    def sits_down(role):
        client.force_login(world[role], backend=BACKEND)
        page = client.get(reverse("admin:profile"))
        return form_of(page, "keys")["csrfmiddlewaretoken"][0]

    world.client, world.sits_down = client, sits_down
    return world


def a_comment(world):
    return reverse("admin:document_comment", args=[world.draft.pk]), {"text": "看一下"}, Comment


def an_upload(world):
    file = SimpleUploadedFile("a.csv", "商品编码,参考价,执行价\n".encode())
    return reverse("admin:import_new", args=[world.draft.pk]), {"file": file}, LineImport


def a_line(world):
    sku = {"sku": world.goods[3].code, "reference_price": "100"}
    return reverse("admin:draft_line_add", args=[world.draft.pk]), sku, PriceLine


def a_brand(world):
    return reverse("admin:stores_brand_add"), {"code": "neu", "name": "新品牌"}, Brand


MAKING = {
    a_comment: "product_strategy",
    an_upload: "product_strategy",
    a_line: "product_strategy",
    a_brand: "administrator",
}


@pytest.mark.parametrize("making", MAKING, ids=lambda making: making.__name__)
def test_a_form_sent_again_from_the_same_page_makes_nothing_more(desk, making):
    token = desk.sits_down(MAKING[making])
    path, data, model = making(desk)
    before = model.objects.count()
    answers = []
    for _n in range(3):
        for value in data.values():
            getattr(value, "seek", int)(0)
        answers.append(desk.client.post(path, data | {"csrfmiddlewaretoken": token}))
    assert model.objects.count() == before + 1
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer.url for answer in answers}) == 1


def test_a_form_that_was_refused_may_be_sent_again(desk):
    """What was not done is not remembered as done."""
    token = desk.sits_down("product_strategy")
    path = reverse("admin:draft_line_add", args=[desk.draft.pk])
    data = {"sku": "GIBT-ES-NICHT", "csrfmiddlewaretoken": token}
    desk.client.post(path, data)
    assert not SentForm.objects.exists()


# ── Late: after somebody else ─────────────────────────────────────────────────────────────────────────────────────


def test_a_decision_from_a_page_that_is_no_longer_true_is_refused_in_words(desk, english):
    document = submitted(desk, ("95", "100"))
    task = open_task(document)
    desk.sits_down("ecommerce_manager")
    path = reverse("admin:review_decide", args=[task.pk])
    form = {"verdict": "send_back", "comment": "再议", "content_hash": "0" * 64}
    assert "not the latest" in desk.client.post(path, form, follow=True).content.decode()
    form["content_hash"] = document.content_hash
    desk.client.post(path, form)
    again = desk.client.post(path, form, follow=True).content.decode()
    assert "You have already decided" in again
    assert document.decisions.count() == 1


def test_a_stale_price_in_a_review_is_shown_beside_that_of_the_other(desk, english):
    document = submitted(desk, ("95", "100"))
    task, line = open_task(document), PriceLine.objects.filter(document=document.pk).first()
    desk.sits_down("ecommerce_manager")
    path = reverse("admin:review_line", args=[task.pk, line.pk])
    json = {"HTTP_ACCEPT": "application/json"}
    first = desk.client.post(path, {"version": line.version, "price": "94"}, **json)
    late = desk.client.post(path, {"version": line.version, "price": "93"}, **json)
    assert (first.status_code, late.status_code) == (200, 409)
    told = late.json()["refused"]
    assert "“94.00”" in told and "“93”" in told
    line.refresh_from_db()
    assert str(line.final_price) == "94.00"
    desk.client.post(path, {"version": line.version, "price": "93"}, **json)
    line.refresh_from_db()
    assert str(line.final_price) == "93.00"


def a_withdrawal(world):
    return "product_strategy", "document_withdraw", [submitted(world, ("95",)).pk], {}


def a_discard(world):
    return "product_strategy", "draft_discard", [world.draft.pk], {}


def a_struck_line(world):
    line = PriceLine.objects.filter(document=world.draft.pk).first().pk
    return "product_strategy", "draft_lines_remove", [world.draft.pk], {"line": line}


def an_import_given_up(world):
    upload = SimpleUploadedFile("a.csv", "商品编码,参考价,执行价\n".encode())
    imported = importing.start_import(world.draft.pk, by=world["product_strategy"], uploaded=upload)
    return "product_strategy", "import_discard", [imported.pk], {}


def a_set_given_up(world):
    return "hr", "org_change_set_discard", [changes.draft_set(by=world["hr"], title="调整").pk], {}


def a_new_version(world):
    return "administrator", "approvals_flow_new_version", [Flow.objects.get(code="price_list").pk], {}


ACTING = (a_withdrawal, a_discard, a_struck_line, an_import_given_up, a_set_given_up, a_new_version)


@pytest.mark.parametrize("acting", ACTING, ids=lambda acting: acting.__name__)
def test_pressed_again_on_a_page_that_is_no_longer_true_nothing_more_is_written_and_it_says_so(desk, acting):
    role, name, keys, data = acting(desk)
    desk.sits_down(role)
    path = reverse(f"admin:{name}", args=keys)
    before = written()
    assert desk.client.post(path, data).status_code == 302 and written() != before
    before = written()
    again = desk.client.post(path, data)
    more = {table for table, rows in written().items() if rows != before.get(table, 0)}
    assert {table for table in more if not table.startswith(ABOUT_NOTHING)} == set()
    told = again if again.status_code != 302 else desk.client.get(again.url, follow=True)
    assert again.status_code < 500 and (
        'role="alert"' in told.content.decode() or again.status_code in (403, 404)
    )


def saved_late(client, path, field, theirs, mine, change, now, sent_to=None, **pressed):
    """Open a form, let somebody else change a field, save; then save what is shown again."""
    form = form_of(client.get(path), "seen") | {field: [mine], **pressed}
    change(theirs)
    late = client.post(sent_to or path, form)
    assert late.status_code in (200, 422) and now() == theirs
    text = html.unescape(late.content.decode())
    assert f"“{theirs}”" in text and f"“{mine}”" in text
    again = client.post(sent_to or path, form_of(late, "seen") | pressed)
    assert again.status_code == 302
    assert now() == mine


def test_a_header_saved_late_shows_both_versions_and_then_yields_to_who_saves_again(desk):
    desk.sits_down("product_strategy")
    document = Document.objects.filter(pk=desk.draft.pk)
    saved_late(
        desk.client,
        reverse("admin:draft_header", args=[desk.draft.pk]),
        "title",
        "别人的标题",
        "我的标题",
        change=lambda title: document.update(title=title),
        now=lambda: document.values_list("title", flat=True).get(),
    )


def test_two_who_change_different_fields_of_a_header_do_not_stand_in_each_others_way(desk):
    desk.sits_down("product_strategy")
    path = reverse("admin:draft_header", args=[desk.draft.pk])
    form = form_of(desk.client.get(path), "seen") | {"title": ["我的标题"]}
    Document.objects.filter(pk=desk.draft.pk).update(note="别人的备注")
    answer = desk.client.post(path, form)
    assert answer.status_code == 302, answer.context["form"].errors
    assert Document.objects.values_list("title", "note").get(pk=desk.draft.pk) == ("我的标题", "别人的备注")


PLAN_FORMS = {"title": ("workplan_edit", "workplan_edit"), "achieved": ("workplan", "workplan_review")}


@pytest.mark.parametrize("name", PLAN_FORMS)
def test_a_plan_or_its_review_saved_late_shows_both_versions(desk, name):
    owner = desk["hr"].account.employee
    plan = WorkPlan.objects.create(
        title="计划", department=owner.home_department, owner=owner, start=date(2030, 1, 7), weeks=12
    )
    desk.sits_down("hr")
    shown, sent_to = (reverse(f"admin:{screen}", args=[plan.pk]) for screen in PLAN_FORMS[name])
    saved_late(
        desk.client,
        shown,
        name,
        "别人写的",
        "我写的",
        change=lambda text: WorkPlan.objects.update(**{name: text}),
        now=lambda: getattr(WorkPlan.objects.get(), name),
        sent_to=sent_to,
    )


def test_the_header_of_a_set_of_changes_saved_late_shows_both_versions(desk):
    change_set = changes.draft_set(by=desk["hr"], title="调整", effective_on=date(2030, 1, 1))
    desk.sits_down("hr")
    saved_late(
        desk.client,
        reverse("admin:org_change_set", args=[change_set.pk]),
        "title",
        "别人的调整",
        "我的调整",
        change=lambda title: ChangeSet.objects.update(title=title),
        now=lambda: ChangeSet.objects.get().title,
        sent_to=reverse("admin:org_change_set_edit", args=[change_set.pk]),
    )


def test_hand_made_forms_that_lack_a_field_empty_nothing(desk, english):
    """As a page of another version would send them."""
    change_set = changes.draft_set(by=desk["hr"], title="调整", reason="旺季", effective_on=date(2030, 1, 1))
    desk.sits_down("hr")
    path = reverse("admin:org_change_set_edit", args=[change_set.pk])
    told = desk.client.post(path, {"title": "我的调整"}, follow=True).content.decode()
    assert str(NOT_ASKED) in told
    change_set.refresh_from_db()
    assert (change_set.title, change_set.reason) == ("调整", "旺季")
    headcount = {"set": change_set.pk, "do": "plan", "card": "p:manager", "plan_min": "3"}
    answer = desk.client.post(reverse("admin:org_change_item"), headcount, HTTP_ACCEPT="application/json")
    assert answer.status_code == 409 and answer.json()["refused"] == str(NOT_ASKED)
    assert not change_set.items.exists()


@pytest.mark.parametrize("label", ["stores_brand", "stores_store"])
def test_a_record_saved_late_shows_both_versions(desk, label):
    model = apps.get_model(label.replace("_", ".", 1))
    row = model.objects.first()
    desk.sits_down("administrator")
    saved_late(
        desk.client,
        reverse(f"admin:{label}_change", args=[row.pk]),
        "name",
        "别人写的",
        "我写的",
        change=lambda name: model.objects.filter(pk=row.pk).update(name=name),
        now=lambda: model.objects.get(pk=row.pk).name,
    )


def test_every_form_of_records_asks_for_what_was_seen():
    """A form of records that is not built on ours would overwrite in silence."""
    assert [str(found) for found in admin.site._registry.values() if not isinstance(found, RecordAdmin)] == []
