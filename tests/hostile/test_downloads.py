"""What goes out is inert: formula text stays text, HTML is escaped, no file is shown where a browser would run it."""

import csv
import io
import re
import zipfile
from urllib.parse import unquote

import openpyxl
import pytest
from django.core.mail import BadHeaderError
from django.test import TestCase
from django.utils import timezone
from pypdf import PdfReader

from approvals.archive.anchors import to_mail
from approvals.archive.canonical import parse
from approvals.archive.filing import anchor
from approvals.archive.form import printed_form
from approvals.archive.package import attachment_name
from opsadmin.core.models import User
from opsadmin.core.spreadsheets import content_disposition, write_csv, write_xlsx
from opsadmin.core.spreadsheets.values import FORMULA_STARTS, NUMBER
from opsadmin.core.spreadsheets.xlsx import SheetOut
from orgchart.models import Department
from staffing.models import Employee
from stores.models import Brand, Product, Sku, Store
from tests.approvals.filed_documents import a_decision, a_line, filed_bytes, person
from tests.opsadmin import test_urls_by_role as table
from tests.opsadmin import walked

CANARY = "<script>alert('canary')</script>"
POISON = ("=1+1", "+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠x", "=cmd|'/C calc'!A0")
EXPORTS = ("xlsx", "csv")
RUN_BY_BROWSERS = re.compile(r"html|xml|svg|javascript|pdf|flash", re.IGNORECASE)
# Read by a person in the browser: pages of ours, and what their scripts fetch.
PAGES = re.compile(r"text/html; charset=utf-8|application/json")


@pytest.fixture(scope="module")
def world(rolled_back):
    """The walked company, whose names are formulas and markup from before the first document on."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        walked.load_company()
        poison()
        walked.walk(8)
        table.changes_of_the_organisation()


def poison():
    for model in (Sku, Product, Store, Brand, Employee, Department):
        rows = list(model.objects.order_by("pk"))
        for number, row in enumerate(rows):
            row.name = f"{POISON[number % len(POISON)]}{number}{CANARY}"
        model.objects.bulk_update(rows, ["name"])


def downloads(client):
    """Yield (address, answer) of everything in the resolver that is no page."""
    for name, url in table.addresses():
        queries = [f"?format={one}" for one in EXPORTS] if name.endswith("_export") else [""]
        for query in queries:
            answer = client.get(url + query)
            if answer.status_code == 200:
                yield name, answer


def around(page):
    """Return the text around each place where the markup of a name stands as markup."""
    return [page[max(found.start() - 120, 0) : found.end()] for found in re.finditer(re.escape(CANARY), page)]


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.soak
@pytest.mark.django_db
def test_every_address_gives_pages_that_are_escaped_or_files_that_nothing_runs(world):
    client = table.signed_in_as("administrator")
    User.objects.update(is_superuser=True)
    files, pages = {}, 0
    for name, answer in downloads(client):
        kind = answer.headers["Content-Type"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
        disposition = answer.headers.get("Content-Disposition", "")
        if not disposition:
            assert PAGES.fullmatch(kind), (name, kind)
            if kind != "application/json":
                assert around(answer.content.decode()) == [], name
            pages += 1
            continue
        assert disposition.startswith("attachment;"), name
        assert kind == "application/pdf" or not RUN_BY_BROWSERS.search(kind.replace("openxmlformats", "")), (
            name
        )
        files.setdefault(name, []).append((disposition, body(answer)))
    assert pages > 60
    assert len(files) > 15
    for name, found in files.items():
        for disposition, data in found:
            check_file(name, disposition, data)


def check_file(name, disposition, data):
    """Fail where a file holds something that a spreadsheet program would run."""
    filename = unquote(disposition.partition("filename*=UTF-8''")[2]) or disposition
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inside = archive.namelist()
            if "xl/workbook.xml" not in inside:
                for member in inside:
                    assert not member.startswith("/") and ".." not in member, (name, member)
                    check_file(name, member, archive.read(member))
                return
        check_workbook(name, data)
    elif ".csv" in filename.lower():
        check_text(name, data)


def check_workbook(name, data):
    for sheet in openpyxl.load_workbook(io.BytesIO(data)):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (name, cell.coordinate, cell.value)
                assert cell.hyperlink is None, (name, cell.coordinate)


def check_text(name, data):
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            assert not cell.startswith(FORMULA_STARTS) or NUMBER.fullmatch(cell), (name, cell)


# ── The writers by themselves ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text", [*POISON, "=1", "@", "-", "+", '=HYPERLINK("http://x")', "http://x", "mailto:x"]
)
def test_formula_text_stays_text_in_a_workbook_and_in_a_csv(text, tmp_path):
    sheet = SheetOut("x", ["a"], [[text]])
    write_xlsx(tmp_path / "a.xlsx", [sheet])
    check_workbook("written", (tmp_path / "a.xlsx").read_bytes())
    cell = openpyxl.load_workbook(tmp_path / "a.xlsx").active["A2"]
    assert cell.data_type == "s"
    write_csv(tmp_path / "a.csv", ["a"], [[text]])
    check_text("written", (tmp_path / "a.csv").read_bytes())


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("价格表.xlsx", "___.xlsx"),
        ('a";filename=b.exe', "a_;filename=b.exe"),
        ("a\r\nX-Evil: 1.csv", "aX-Evil: 1.csv"),
        ("../../etc/passwd", "passwd"),
        ("a\u202exslx.exe", "axslx.exe"),
        ("100%.csv", "100_.csv"),
        ("", "file"),
    ],
)
def test_the_name_of_a_download_is_told_as_rfc_6266_says(name, plain):
    header = content_disposition(name)
    assert header.startswith(f'attachment; filename="{plain}"')
    assert header.isascii() and header.isprintable()
    if "filename*=" in header:
        assert re.fullmatch(r"[A-Za-z0-9!#$&+.^_`|~%-]+", header.partition("filename*=UTF-8''")[2])


# ── Printed form, package, mail ───────────────────────────────────────────────────────────────────────────────────

TYPST = (
    '#read("/etc/passwd")',
    "#eval(1+1)",
    '#import"@preview/x:1.0.0"',
    '#link("https://evil.example")[x]',
    "https://evil.example/a",
    "`raw`",
    "$x^2$",
    "=Head",
    "*bold*",
    "@ref<label>",
    '#panic("x")',
    '\\u{23}"}]',
)


def test_what_people_typed_is_printed_letter_by_letter_and_nothing_of_it_runs(tmp_path):
    lines = [
        a_line(row, sku_name=text, reason=text, struck="true", strike_reason=text)
        for row, text in enumerate(TYPST, 1)
    ]
    decisions = [a_decision(1, TYPST[0], "approve", "同意", person(*TYPST[1:4]), comment=TYPST[4])]
    filed = parse(filed_bytes(lines=lines, title=" ".join(TYPST[:3]), decisions=decisions))
    printed_form(filed, qr_url="https://ops.example/check/x", out_path=tmp_path / "form.pdf")
    pdf = PdfReader(tmp_path / "form.pdf")
    shown = "".join("".join(page.extract_text().split()) for page in pdf.pages)
    for text in TYPST:
        assert shown.count("".join(text.split())) >= 2, text
    assert not {"/OpenAction", "/AA", "/AcroForm", "/Names"} & set(pdf.root_object)
    for page in pdf.pages:
        assert not {"/Annots", "/AA"} & set(page)


@pytest.mark.parametrize(
    "name",
    [
        *("../../etc/passwd", "C:\\Windows\\x.exe", "/root/a", "a\r\nb.csv", "a\x00b", "\u202ecod.exe"),
        *("..", "", " . ", "CON", "x" * 300 + ".pdf"),
    ],
)
def test_a_member_of_a_package_stays_in_its_folder_whatever_its_file_was_called(name):
    member = attachment_name(1, name)
    assert re.fullmatch(r"attachments/001-[^/\\]+", member) and member.isprintable()
    assert not member.endswith((".", " ")) and len(member) < 100


def test_a_mail_takes_no_line_break_into_its_head(tmp_path, settings, mailoutbox):
    settings.ANCHOR_FILE, settings.ANCHOR_KEY_FILE = tmp_path / "checkpoints.jsonl", tmp_path / "key.pem"
    head = {"sequence": 1, "number": "GD-2026-0001", "hash": "0" * 64, "count": 1, "seals": ""}
    forged = head | {"number": "GD\r\nBcc: evil@example.com", "sequence": 2, "count": 2}
    anchor().append(head, at=timezone.now(), begin=True)
    to_mail("a@example.com")
    with pytest.raises(BadHeaderError):
        to_mail("a@example.com\nBcc: evil@example.com")
    anchor().append(forged, at=timezone.now())
    with pytest.raises(BadHeaderError):
        to_mail("a@example.com")
    (sent,) = (mail.message() for mail in mailoutbox)
    assert sent.get_all("To") == ["a@example.com"]
    assert [part.get_content_type() for part in sent.walk()] == [
        "multipart/mixed",
        "text/plain",
        "application/octet-stream",
    ]
