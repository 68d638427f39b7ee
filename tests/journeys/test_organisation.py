"""The organisation in a browser: HR changes it, the general manager signs, everybody else reads what holds."""

from datetime import timedelta

import openpyxl
import pytest
from django.contrib.auth.hashers import make_password
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from approvals.models import ArchiveRecord, Document, Task
from opsadmin.core.models import User
from orgchart.models import ChangeSet, OrgVersion, Position
from orgchart.tasks import apply_due_changes
from staffing.daily import settle
from staffing.models import Assignment
from tests.journeys.person import Person
from tests.services import wait_for

pytestmark = pytest.mark.browser

PASSWORD = "a-password-for-journeys"


@pytest.fixture
def person(browser, web, company):
    """A function (username, size) that brings somebody of the company to a browser."""
    User.objects.filter(username="general").update(password=make_password(PASSWORD))
    return lambda username, size="desktop": Person(browser, web, username, size)


@pytest.fixture
def hr(person):
    return person("hr")


def chart(somebody, query=""):
    somebody.open("org_chart", query=query)
    somebody.page.wait_for_selector("[data-chart][data-ready]")


def superior(post):
    return Position.objects.get(code=post).parent.code


# ── A draft on the chart ──────────────────────────────────────────────────────────────────────────────────────────


def begin_draft(hr, title, day):
    """Begin a draft on the chart of the shop's department; return its set of changes."""
    chart(hr, "?root=ec&depth=3")
    hr.page.click("[data-open-dialog=og-draft]")
    hr.page.fill("#og-draft [name=title]", title)
    hr.page.fill("#og-draft [name=effective_on]", day.isoformat())
    hr.page.click("#og-draft .op-btn-primary")
    hr.page.wait_for_selector("[data-editing]", state="attached")
    return ChangeSet.objects.get(title=title)


def place_of(hr, code):
    """Return where the card of a post stands, once the chart is no longer drawn anew."""
    card = hr.page.locator(f"[data-svg] [data-card='p:{code}']")
    return wait_for(card.bounding_box, f"the card {code} is not drawn")


def drag(hr, post, onto):
    """Drag a card onto another one; return what the page says of the drop before it happens."""
    mouse = hr.page.mouse
    card, target = (place_of(hr, code) for code in (post, onto))
    mouse.move(card["x"] + 40, card["y"] + 20)
    mouse.down()
    mouse.move(card["x"] + 60, card["y"] + 24, steps=3)
    mouse.move(target["x"] + 60, target["y"] + 24, steps=6)
    said = hr.page.inner_text("[data-drag-card]")
    mouse.up()
    return said


def move_by_keyboard(hr, post, words):
    """Press M on a card, write the new superior, press Enter; return what the page says of it before that."""
    page = hr.page
    page.focus(f"[data-svg] [data-card='p:{post}']")
    page.keyboard.press("m")
    page.keyboard.type(words)
    page.wait_for_selector("[data-move-now]:not([disabled])")
    said = page.inner_text("[data-move-preview]")
    page.keyboard.press("Enter")
    return said


def submit(hr):
    """Submit the draft that is open on the chart or on its own page; return its document."""
    page = hr.page
    page.click("[data-submit], form[action$='/approval/'] button")
    page.wait_for_url("**/submit/")
    while page.locator("form:has(input[name=line][value=all])").count():
        form = page.locator("form:has(input[name=line][value=all])").first
        form.locator("[name=reason]").fill("已与各主管商定")
        form.locator("button").click()
        page.wait_for_load_state()
    for box in page.locator("[data-reason-form] [name=reason]").all():
        if not box.input_value():
            with page.expect_response("**/reasons/"):
                box.fill("已与各主管商定")
                box.press("Tab")
    document = Document.objects.get(kind="reorganisation")
    hr.open("reorganisation_submit", document.pk)
    page.click(f"form[action='{reverse('admin:document_submit', args=[document.pk])}'] button[type=submit]")
    page.wait_for_url(f"**{reverse('admin:document', args=[document.pk])}")
    return document


def sign(person, document):
    """Let the general manager find the document in the inbox, read it and sign with the password."""
    general = person("general")
    page = general.page
    general.open("inbox")
    page.get_by_text(document.title).first.click()
    page.wait_for_selector("[data-gates][data-ready='1']", state="attached")
    expect(page.locator("[data-review]")).to_contain_text("受影响的人")
    page.click("[data-sign]")
    page.fill("#password", PASSWORD)
    page.click("[data-sign-now]")
    wait_for(lambda: not Task.objects.filter(document=document, state="open").exists(), "nobody signed")
    page.wait_for_load_state()
    document.refresh_from_db()
    general.open("archive", query="?kind=reorganisation")
    expect(page.locator("main")).to_contain_text(document.archive_number)
    general.leave()


def test_hr_drags_and_publishes_and_everybody_moved_reads_it(person, hr, worker):
    change_set = begin_draft(hr, "客服直属经理", timezone.localdate())
    tray = hr.page.locator("[data-tray-box]")
    said = drag(hr, "ec-service-agent", "ec-manager")
    assert "可以放" in said and "客服主管" in said and "客服甲" in said
    expect(tray).to_contain_text("客服 → 电子商务部经理")
    said = move_by_keyboard(hr, "ec-data", "客服主管")
    assert "可以放" in said
    expect(tray).to_contain_text("数据 → 客服主管")
    drag(hr, "ec-after-sales", "ec-manager")
    expect(tray.locator("[data-take-back]")).to_have_count(3)
    hr.page.click("[data-undo-last]")
    expect(tray.locator("[data-take-back]")).to_have_count(2)
    assert [superior(post) for post in ("ec-service-agent", "ec-data")] == ["ec-service-lead", "ec-manager"]

    document = submit(hr)
    sign(person, document)
    change_set.refresh_from_db()
    assert (document.state, change_set.state) == ("done", "applied")
    moved = ("ec-service-agent", "ec-data", "ec-after-sales")
    assert [superior(post) for post in moved] == ["ec-manager", "ec-service-lead", "ec-service-lead"]
    chart(hr, "?root=p:ec-service-lead&depth=2")
    expect(hr.page.locator("[data-svg] [data-card='p:ec-data']")).to_be_visible()
    expect(hr.page.locator("[data-svg] [data-card='p:ec-service-agent']")).to_have_count(0)
    hr.leave()

    service = person("service", "phone")
    service.open("notices")
    expect(service.page.locator("main")).to_contain_text("客服主管 → ")
    expect(service.page.locator("main")).to_contain_text("经理")
    service.leave()


def test_a_scheduled_reorganisation_is_seen_on_its_day_and_takes_effect_once(person, hr, worker):
    today = timezone.localdate()
    day = today + timedelta(days=3)
    change_set = begin_draft(hr, "三天后分岗", day)
    move_by_keyboard(hr, "ec-data", "客服主管")
    expect(hr.page.locator("[data-tray-box] [data-take-back]")).to_have_count(1)
    document = submit(hr)
    sign(person, document)
    change_set.refresh_from_db()
    assert (document.state, change_set.state) == ("filed", "scheduled")

    manager = person("manager")
    card = manager.page.locator("[data-svg] [data-card='p:ec-data']")
    chart(manager, "?root=p:ec-service-lead&depth=2")
    expect(card).to_have_count(0)
    chart(manager, f"?root=p:ec-service-lead&depth=2&on={day - timedelta(days=1)}")
    expect(card).to_have_count(0)
    chart(manager, f"?root=p:ec-service-lead&depth=2&on={day}")
    expect(card).to_be_visible()

    versions = OrgVersion.objects.count()
    apply_due_changes()
    assert OrgVersion.objects.count() == versions and superior("ec-data") == "ec-manager"
    settle(day)
    settle(day)
    apply_due_changes()
    assert OrgVersion.objects.count() == versions + 1 and superior("ec-data") == "ec-service-lead"
    change_set.refresh_from_db()
    document.refresh_from_db()
    assert (document.state, change_set.state) == ("done", "applied")
    assert ArchiveRecord.objects.filter(document=document).count() == 2
    chart(manager, "?root=p:ec-service-lead&depth=2")
    expect(card).to_be_visible()
    manager.leave()
    hr.leave()


# ── Workbooks ─────────────────────────────────────────────────────────────────────────────────────────────────────


def exported(hr, folder):
    chart(hr)
    with hr.page.expect_download() as taken:
        hr.page.click("a[data-file$='/xlsx/']")
    path = folder / "组织.xlsx"
    taken.value.save_as(path)
    return path


def read_in(hr, path):
    hr.open("org_chart_import")
    hr.page.set_input_files("input[type=file]", path)
    hr.page.click("main form[enctype] button.op-btn-primary")
    hr.page.wait_for_selector("h2:has-text('结论')")


def cell_of(sheet, code, heading):
    headings = {cell.value: cell.column for cell in sheet[1]}
    row = next(cell.row for cell in sheet["A"] if cell.value == code)
    return sheet.cell(row, headings[heading])


def test_hr_reads_an_export_back_without_a_change_and_a_changed_one_into_force(person, hr, worker, tmp_path):
    path = exported(hr, tmp_path)
    read_in(hr, path)
    expect(hr.page.locator("[data-no-draft]")).to_be_visible()
    assert hr.page.locator("[data-verdict]").count() == 0
    assert not ChangeSet.objects.filter(state="draft").exists()

    book = openpyxl.load_workbook(path)
    sheet = book["岗位"]
    cell_of(sheet, "ec-data", "岗位名称").value = "数据分析"
    bad = cell_of(sheet, "ec-planner", "编制下限")
    bad.value = "两三个"
    book.save(path)
    read_in(hr, path)
    changed = hr.page.locator("[data-verdict=changed]")
    expect(changed).to_have_count(1)
    expect(changed).to_contain_text("岗位名称")
    fault = hr.page.locator("[data-verdict=fault]")
    expect(fault).to_have_count(1)
    for word in ("岗位", str(bad.row), "ec-planner", "编制下限", "不是数字"):
        expect(fault).to_contain_text(word)

    hr.page.click("main a[href*='?set=']")
    expect(hr.page.locator("[data-tray-box]")).to_contain_text("数据分析")
    hr.open("org_change_set", ChangeSet.objects.get(state="draft").pk)
    expect(hr.page.locator("main")).to_contain_text("改名")
    hr.page.fill("[name=effective_on]", timezone.localdate().isoformat())
    hr.page.locator("form[action$='/edit/'] button").click()
    document = submit(hr)
    sign(person, document)
    assert Position.objects.get(code="ec-data").title == "数据分析"
    assert document.state == "done"
    hr.leave()


# ── Reading, and roles ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_manager_reads_the_organisation_on_a_phone_and_changes_nothing(person):
    manager = person("manager", "phone")
    page = manager.page
    chart(manager, "?root=ec&depth=3")
    assert page.locator("[data-list] [data-card='p:ec-designer']").is_visible()
    assert page.locator("[data-svg] [data-card]").count() == 0
    page.fill("[data-search-box]", "客服主管")
    page.wait_for_selector("[data-list] [data-card='p:ec-service-lead'].hit")
    page.click("[data-list] [data-card='p:ec-service-lead'] b")
    expect(page.locator("[data-panel]")).to_contain_text("客服主管甲")
    for control in ("[data-move-card]", "[data-tray-box]", "[data-move-selected]", "[data-new-post]"):
        assert page.locator(control).count() == 0
    manager.measure()
    token = page.get_attribute("[data-texts]", "data-csrf")
    draft = manager.context.request.post(
        manager.web + reverse("admin:org_change_draft"),
        form={"title": "x", "csrfmiddlewaretoken": token},
        headers={"Referer": manager.web},
    )
    assert draft.status == 404
    assert not ChangeSet.objects.filter(title="x").exists()
    manager.open("findings")
    expect(page.locator("main")).to_be_visible()
    manager.leave()


def choose(page, name, words):
    """Choose in a field of the admin that searches while one writes."""
    page.click(f"[name={name}] + .select2")
    page.fill(".select2-search__field", words)
    page.click(f".select2-results__option:has-text('{words}')")


def test_a_role_comes_and_goes_with_the_post_on_the_very_next_request(person, hr):
    service = person("service")
    page = hr.page

    def answer():
        return service.context.request.get(service.web + reverse("admin:archive")).status

    before = answer()
    assert before in (403, 404)
    hr.open("staffing_assignment_add")
    choose(page, "employee", "客服甲")
    choose(page, "position", "财务")
    page.select_option("[name=kind]", "concurrent")
    page.fill("[name=start]", (timezone.localdate() - timedelta(days=1)).isoformat())
    page.click("[name=_save]")
    expect(page.get_by_text("成功添加了")).to_be_visible()
    assert answer() == 200
    made = Assignment.objects.get(employee__number="E021", position__code="ec-accountant")
    hr.open("staffing_assignment_change", made.pk)
    page.fill("[name=end]", timezone.localdate().isoformat())
    page.click("[name=_save]")
    expect(page.get_by_text("成功修改了")).to_be_visible()
    assert answer() == before
    hr.leave()
    service.leave()
