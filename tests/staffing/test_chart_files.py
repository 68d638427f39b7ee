"""The chart as files: nothing is left out of them, they say their version, and a workbook comes back unchanged."""

import io
import re

import openpyxl
import pypdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from orgchart.models import ChangeItem, ChangeSet, Department, OrgStatus, Position
from staffing.models import Assignment
from tests.uploads import finished

pytestmark = pytest.mark.django_db


@pytest.fixture
def hr(company, signed_in, account):
    return signed_in(account("hr"))


def pdf_of(client, **query):
    answer = client.get(reverse("admin:org_chart_pdf"), query)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/pdf"
    return pypdf.PdfReader(io.BytesIO(answer.content))


def workbook_of(client):
    answer = client.get(reverse("admin:org_chart_xlsx"))
    return openpyxl.load_workbook(io.BytesIO(answer.getvalue()))


def rows_of(sheet):
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def sent(client, workbook, name="org.xlsx"):
    content = io.BytesIO()
    workbook.save(content)
    upload = SimpleUploadedFile(name, content.getvalue())
    return finished(client, client.post(reverse("admin:org_chart_import"), {"file": upload}))


def test_the_pdf_has_a_page_for_each_department_and_every_position(hr):
    reader = pdf_of(hr)
    pages = Department.objects.exclude(kind="group", parent__isnull=False).count()
    assert len(reader.pages) == pages
    text = "".join("".join(page.extract_text().split()) for page in reader.pages)
    for title in Position.objects.values_list("title", flat=True):
        assert "".join(title.split())[:5] in text
    assert f"{Position.objects.count()}" in re.findall(r"共(\d+)个卡片", text)


def test_no_text_of_the_pdf_is_smaller_than_nine_points(hr):
    sizes = set()

    def look(text, _cm, matrix, _font, size):
        if text.strip():
            sizes.add(round(size * abs(matrix[3]), 1))

    for page in pdf_of(hr).pages:
        page.extract_text(visitor_text=look)
    assert sizes and min(sizes) >= 9


def test_a_view_with_too_many_departments_is_refused_in_words(hr, monkeypatch):
    monkeypatch.setattr("staffing.chart.pdf.MOST_PAGES", 3)
    answer = hr.get(reverse("admin:org_chart_pdf"), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("admin:org_chart"))
    assert list(answer.context["messages"])


def test_the_pdf_says_in_words_what_is_tentative_and_what_has_to_be_confirmed(hr):
    text = "".join(page.extract_text() for page in pdf_of(hr).pages)
    assert "暂定" in text and "待确认" in text


def test_the_pages_of_the_pdf_are_linked(hr):
    links = [note for page in pdf_of(hr).pages for note in page.get("/Annots", [])]
    assert len(links) >= Department.objects.filter(parent__code="oc").count() * 2


def test_the_workbook_has_a_row_for_each_row_of_the_organisation(hr):
    book = workbook_of(hr)
    assert len(rows_of(book["岗位"])) == Position.objects.exclude(status=OrgStatus.CLOSED).count()
    assert len(rows_of(book["部门"])) == Department.objects.exclude(status=OrgStatus.CLOSED).count()
    assert len(rows_of(book["任职"])) == Assignment.objects.on(timezone.localdate()).count()
    about = dict(row for row in book["说明"].iter_rows(values_only=True, min_row=2))
    assert about["岗位"] == str(Position.objects.count())


def test_a_workbook_read_again_changes_nothing(hr):
    answer = sent(hr, workbook_of(hr))
    assert answer.status_code == 200
    assert "data-no-draft" in answer.content.decode()
    assert not ChangeSet.objects.filter(state="draft").exists()
    assert b"data-verdict" not in answer.content


def cell_of(sheet, code, heading):
    headings = {cell.value: cell.column for cell in sheet[1]}
    row = next(cell.row for cell in sheet["A"] if cell.value == code)
    return sheet.cell(row, headings[heading])


def test_an_edited_workbook_becomes_a_draft_with_a_verdict_for_each_row(hr):
    book = workbook_of(hr)
    sheet = book["岗位"]
    cell_of(sheet, "ec-data", "岗位名称").value = "数据分析"
    cell_of(sheet, "ec-planner", "直接上级编码").value = "ec-data"
    cell_of(sheet, "ec-promoter", "虚线上级编码").value = "ec-data"
    new = {
        "岗位编码": "ec-new",
        "岗位名称": "新岗",
        "部门编码": "ec-operations",
        "直接上级编码": "ec-manager",
    }
    new |= {"顺序": 9, "编制下限": 1, "编制上限": 1}
    sheet.append([new.get(cell.value) for cell in sheet[1]])
    answer = sent(hr, book)
    draft = ChangeSet.objects.get(state="draft")
    found = {(item.entity, item.key, item.op): item.after for item in draft.items.all()}
    assert found["position", "ec-data", "set"] == {"title": "数据分析"}
    assert found["position", "ec-planner", "set"] == {"parent": "ec-data"}
    assert found["position", "ec-new", "create"]["plan_max"] == 1
    assert ("link", "ec-promoter>dotted_to>ec-data", "create") in found
    assert answer.content.decode().count("data-verdict") == 4
    assert Position.objects.get(code="ec-data").title == "数据"


def test_rows_with_faults_are_told_and_left_out_of_the_draft(hr):
    book = workbook_of(hr)
    sheet = book["岗位"]
    cell_of(sheet, "ec-data", "直接上级编码").value = "nobody"
    cell_of(sheet, "ec-manager", "直接上级编码").value = "ec-planner"
    cell_of(sheet, "ec-planner", "编制下限").value = "many"
    cell_of(sheet, "ec-designer", "岗位名称").value = "平面设计"
    page = sent(hr, book).content.decode()
    assert page.count('data-verdict="fault"') == 3
    assert [item.key for item in ChangeItem.objects.filter(change_set__state="draft")] == ["ec-designer"]


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04broken"])
def test_a_file_that_is_no_workbook_is_a_sentence(hr, content):
    upload = SimpleUploadedFile("org.xlsx", content)
    answer = hr.post(
        reverse("admin:org_chart_import"), {"file": upload}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 409 and answer.json()["refused"]
    assert not ChangeSet.objects.filter(state="draft").exists()


def test_only_those_who_edit_import(company, signed_in, account):
    assert signed_in(account("manager")).get(reverse("admin:org_chart_import")).status_code == 404
