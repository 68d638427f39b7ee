"""Imports: what a workbook would do is shown row by row; what is written is all of it or nothing."""

import io
import threading
from datetime import timedelta
from decimal import Decimal

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.utils import timezone

from approvals import drafts
from approvals.content import content_hash
from approvals.models import Attachment, Document, ImportRow, LineImport, PriceLine
from approvals.pricelists import exporting, importing, words
from opsadmin.core import jobs
from opsadmin.core.models import Job, Notice
from opsadmin.core.refusals import Refusal
from opsadmin.core.spreadsheets import FAULT_TEXTS
from tests.approvals.drafting import Shop, faults_of, next_midnight, prices_of, text_file, workbook
from tests.factories import UserFactory
from tests.services import wait_for


@pytest.fixture
def shop(db):
    return Shop()


@pytest.fixture
def draft(shop):
    return shop.draft()


def rows_of(imported):
    """Return {row: verdict}."""
    return dict(imported.rows.order_by("row_no").values_list("row_no", "verdict"))


class TestReading:
    def test_rows_are_judged_against_the_draft_and_nothing_is_written(self, shop, draft):
        shop.line(draft, shop.skus[0], reference_price=Decimal("90.00"))
        shop.line(draft, shop.skus[1], reference_price=Decimal("90.00"))
        before = content_hash(draft)
        imported = shop.read(
            draft,
            workbook(
                ["CS-00001-BK", 90, 90], ["CS-00002-BK", 95, 95], ["CS-00003-BK", 80, ""], ["NO-1", 1, 1]
            ),
        )
        assert imported.state == "ready"
        assert rows_of(imported) == {2: "same", 3: "changed", 4: "new", 5: "faulty"}
        counts = imported.counts
        assert counts["read"] == counts["new"] + counts["changed"] + counts["same"] + counts["faulty"] == 4
        assert content_hash(draft) == before

    def test_an_empty_final_price_is_the_reference_price(self, shop, draft):
        imported = shop.read(draft, workbook(["CS-00001-BK", 89.9, None]))
        shop.write(imported)
        assert prices_of(draft) == {"CS-00001-BK": Decimal("89.90")}

    def test_columns_are_found_by_english_headers_in_any_order(self, shop, draft):
        file = workbook(
            [99, "x", "cs-00001-bk", 110], header=["Final price", "remark", "SKU", "reference price*"]
        )
        imported = shop.read(draft, file)
        shop.write(imported)
        line = draft.lines.get()
        assert (line.sku_code, line.final_price, line.reference_price) == ("CS-00001-BK", 99, 110)
        assert imported.details["ignored"] == ["remark"]

    @pytest.mark.parametrize(
        "encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"]
    )
    @pytest.mark.parametrize("delimiter", [",", "\t", ";"])
    def test_text_files_are_read_in_the_encodings_that_offices_write(self, shop, draft, encoding, delimiter):
        header = ["商品编码", "参考价", "调价原因"]
        file = text_file(
            ["CS-00001-BK", "99.00", "换季清仓处理"], header=header, encoding=encoding, delimiter=delimiter
        )
        imported = shop.read(draft, file)
        assert imported.rows.get().reason == "换季清仓处理"
        assert imported.encoding == {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
        assert imported.delimiter == delimiter

    def test_another_encoding_can_be_asked_for_and_reads_again(self, shop, draft):
        file = text_file(
            ["CS-00001-BK", "99.00", "换季"], header=["SKU", "参考价", "原因"], encoding="gb18030"
        )
        imported = shop.read(draft, file, encoding="utf-16-le")
        assert imported.state == "unreadable"
        again = importing.read_again(imported.pk, by=shop.drafter, encoding="gb18030")
        assert rows_of(shop.run(again)) == {2: "new"}

    def test_bytes_that_fit_no_encoding_are_refused_with_their_place(self, shop, draft):
        file = ContentFile("SKU,参考价\r\nCS-00001-BK,1\r\n".encode() + b"\xff\xff,1\r\n", name="x.csv")
        imported = shop.read(draft, file)
        assert imported.state == "unreadable"
        assert "3" in imported.error

    def test_a_missing_column_is_named(self, shop, draft):
        imported = shop.read(draft, workbook(["CS-00001-BK", 99], header=["商品编码", "执行价"]))
        assert imported.state == "unreadable"
        fault = imported.faults.get()
        assert fault.code == "missing_column" and "参考价" in words.fault_words(fault)[0]

    def test_a_broken_file_leaves_a_sentence_and_no_rows(self, shop, draft):
        imported = shop.read(draft, ContentFile(b"PK\x03\x04 no workbook", name="x.xlsx"))
        assert (imported.state, imported.rows.count()) == ("unreadable", 0)
        assert imported.error
        assert imported.job.state == "done"

    def test_the_uploader_is_told_once_it_is_read(self, shop, draft):
        imported = shop.read(draft, workbook(["CS-00001-BK", 99, 99]))
        notice = Notice.objects.get(user=shop.drafter)
        assert notice.url.endswith(f"/imports/{imported.pk}/")

    def test_a_second_run_of_the_job_leaves_nothing_of_the_first(self, shop, draft):
        imported = shop.read(draft, workbook(["CS-00001-BK", 99, 99], ["NO-1", 1, 1]))
        Job.objects.filter(pk=imported.job_id).update(state="queued")
        LineImport.objects.filter(pk=imported.pk).update(state="reading")
        imported = shop.run(imported)
        assert rows_of(imported) == {2: "new", 3: "faulty"}
        assert faults_of(imported) == {3: ["unknown_sku"]}

    def test_an_upload_that_was_set_aside_is_not_brought_back_by_its_job(self, shop, draft):
        imported = importing.start_import(
            draft.pk, by=shop.drafter, uploaded=workbook(["CS-00001-BK", 99, 99])
        )
        importing.discard_import(imported.pk, by=shop.drafter)
        imported = shop.run(imported)
        assert (imported.state, imported.rows.count()) == ("discarded", 0)

    def test_a_later_upload_sets_the_earlier_aside(self, shop, draft):
        first = shop.read(draft, workbook(["CS-00001-BK", 99, 99]))
        shop.read(draft, workbook(["CS-00001-BK", 98, 98]))
        first.refresh_from_db()
        assert first.state == "discarded"

    def test_only_the_drafter_of_that_kind_uploads_and_only_into_drafts(self, shop, draft):
        with pytest.raises(PermissionDenied):
            importing.start_import(draft.pk, by=UserFactory(roles=["finance"]), uploaded=workbook())
        Document.objects.filter(pk=draft.pk).update(state="cancelled")
        with pytest.raises(Refusal):
            importing.start_import(draft.pk, by=shop.drafter, uploaded=workbook())

    def test_an_empty_file_is_refused_at_once(self, shop, draft):
        with pytest.raises(Refusal) as refused:
            importing.start_import(draft.pk, by=shop.drafter, uploaded=ContentFile(b"", name="x.csv"))
        assert refused.value.code == "empty"


FULL = [
    "商品编码",
    "商品名称",
    "品牌",
    "适用店铺",
    "成本价",
    "参考价",
    "最低限价",
    "执行价",
    "币种",
    "生效时间",
    "失效时间",
    "调价类别",
    "例外说明",
]


def full_row(**cells):
    usual = {"商品编码": "CS-00001-BK", "参考价": 99, "执行价": 99}
    return [(usual | cells).get(header, "") for header in FULL]


def one_fault(shop, draft, **cells):
    """Return the only fault of a workbook with one row, and check that its row would not be written."""
    imported = shop.read(draft, workbook(full_row(**cells), header=FULL))
    assert rows_of(imported) == {2: "faulty"}
    return imported.faults.get(note=False)


class TestFaults:
    @pytest.mark.parametrize(
        ("column", "cell", "code"),
        [
            ("商品编码", "CS-99999-BK", "unknown_sku"),
            ("商品编码", "", "required"),
            ("商品编码", 6901234567890, "long_digits"),
            ("参考价", "", "required"),
            ("执行价", "一百", "not_a_number"),
            ("执行价", "1,299.00", "thousands_comma"),
            ("执行价", "¥99", "currency_sign"),
            ("执行价", "1e2", "scientific"),
            ("执行价", "99.905", "too_many_decimals"),
            ("执行价", 99.905, "too_many_decimals"),
            ("执行价", "#DIV/0!", "error_cell"),
            ("执行价", 0, "not_above_zero"),
            ("参考价", -5, "not_above_zero"),
            ("执行价", 10000, "unit_fen"),
            ("生效时间", "2026-13-01", "bad_date"),
            ("生效时间", "2026-01-01 00:00", "other_window"),
            ("失效时间", "2031-01-01 00:00", "other_window"),
            ("币种", "USD", "other_currency"),
            ("适用店铺", "火星店", "unknown_scope"),
            ("适用店铺", "dd-cslr", "unknown_scope"),
            ("适用店铺", "jd-cslr", "exception_missing"),
            ("调价类别", "心情好", "bad_choice"),
        ],
    )
    def test_each_fault_has_its_code_place_and_words(self, shop, draft, column, cell, code):
        fault = one_fault(shop, draft, **{column: cell})
        assert (fault.code, fault.row_no, fault.sheet) == (code, 2, "价格清单")
        expected = "例外说明" if code == "exception_missing" else column
        assert fault.header == expected
        assert fault.column == openpyxl.utils.get_column_letter(FULL.index(expected) + 1)
        assert all(words.fault_words(fault))

    def test_every_code_that_can_come_up_has_words(self):
        for code in {*words.FAULTS} & {*FAULT_TEXTS}:
            pytest.fail(f"{code} is told in two places")

    @pytest.mark.parametrize(
        ("name", "column", "code"), [("cost", "成本价", "no_cost"), ("floor_price", "最低限价", "no_floor")]
    )
    def test_a_blank_cost_or_floor_is_a_fault_only_if_the_masters_know_none(
        self, shop, draft, name, column, code
    ):
        setattr(shop.skus[0], name, None)
        shop.skus[0].save()
        assert one_fault(shop, draft).code == code
        imported = shop.read(draft, workbook(full_row(**{column: 50}), header=FULL))
        assert rows_of(imported) == {2: "new"}
        shop.write(imported)
        assert getattr(draft.lines.get(), name) == 50

    def test_a_sku_that_is_no_longer_sold_is_a_fault(self, shop, draft):
        shop.skus[0].active = False
        shop.skus[0].save()
        assert one_fault(shop, draft).code == "inactive_sku"

    def test_the_second_of_two_equal_rows_is_faulty_and_names_the_first(self, shop, draft):
        imported = shop.read(
            draft, workbook(["CS-00001-BK", 99, 99], ["CS-00001-BK", 98, 98], [" cs-００001-bk", 97, 97])
        )
        assert rows_of(imported) == {2: "new", 3: "faulty", 4: "faulty"}
        faults = {fault.row_no: fault for fault in imported.faults.filter(note=False)}
        assert (faults[3].code, faults[3].params) == ("duplicate_sku", {"row": 2})
        assert (faults[4].code, faults[4].params) == ("duplicate_sku_other_spelling", {"row": 2})
        assert faults[4].value.strip() == "cs-００001-bk"

    def test_the_same_sku_for_other_stores_is_no_duplicate(self, shop, draft):
        header = ["商品编码", "参考价", "适用店铺", "例外说明"]
        rows = [
            ["CS-00001-BK", 99, "", ""],
            ["CS-00001-BK", 95, "cslr", ""],
            ["CS-00001-BK", 90, "jd-cslr；tb-cslr", "专供"],
        ]
        imported = shop.read(draft, workbook(*rows, header=header))
        assert faults_of(imported) == {}
        shop.write(imported)
        assert sorted(draft.lines.values_list("scope_key", flat=True)) == [
            "all",
            "brand:cslr",
            "stores:jd-cslr;tb-cslr",
        ]

    def test_what_was_put_right_is_noted_and_no_fault(self, shop, draft):
        imported = shop.read(draft, workbook(["CS-00001-BK", "９９", " 99 "]))
        assert rows_of(imported) == {2: "new"}
        assert imported.counts["fixed"] == 2
        assert set(imported.faults.values_list("code", flat=True)) == {"full_width", "trimmed"}

    def test_another_name_or_brand_than_the_masters_is_noted(self, shop, draft):
        imported = shop.read(draft, workbook(full_row(商品名称="拉杆箱", 品牌="Theme"), header=FULL))
        assert rows_of(imported) == {2: "new"}
        assert set(imported.faults.values_list("code", "note")) == {
            ("other_sku_name", True),
            ("other_brand", True),
        }

    def test_the_documents_own_window_currency_and_known_words_are_accepted(self, shop, draft):
        cells = {
            "生效时间": next_midnight().replace(tzinfo=None),
            "币种": "元",
            "调价类别": "清仓",
            "商品名称": "双肩包 1",
            "品牌": "cslr",
        }
        imported = shop.read(draft, workbook(full_row(**cells), header=FULL))
        assert (rows_of(imported), imported.faults.count()) == ({2: "new"}, 0)
        assert imported.rows.get().reason_code == "clearance"

    def test_a_departure_over_the_limit_is_counted(self, shop, draft):
        imported = shop.read(draft, workbook(["CS-00001-BK", 89, 89], ["CS-00002-BK", 91, 91]))
        assert imported.counts["over_new"] == 1

    def test_the_faulty_workbook_is_the_same_file_with_a_column_of_faults(self, shop, draft):
        imported = shop.read(
            draft, workbook(["CS-00001-BK", 99, "1,299.00"], ["NO-1", 1, 1], ["CS-00002-BK", 9, 9])
        )
        sheet = openpyxl.load_workbook(io.BytesIO(b"".join(exporting.faulty_workbook(imported)))).active
        assert [cell.value for cell in sheet[1]] == ["商品编码", "参考价", "执行价", "错误"]
        assert "执行价" in sheet["D2"].value and "商品编码" in sheet["D3"].value and sheet["D4"].value is None
        assert sheet["C2"].value == "1,299.00"


class TestWriting:
    def test_merging_adds_and_changes_and_leaves_the_rest(self, shop, draft):
        shop.line(draft, shop.skus[0])
        kept = shop.line(draft, shop.skus[1])
        imported = shop.read(
            draft, workbook(["CS-00003-BK", 80, 80], ["CS-00001-BK", 95, 95], ["NO-1", 1, 1])
        )
        assert imported.counts["vanishing"] == 1
        shop.write(imported)
        assert prices_of(draft) == {"CS-00001-BK": 95, "CS-00002-BK": 100, "CS-00003-BK": 80}
        assert list(draft.lines.order_by("row_no").values_list("row_no", flat=True)) == [1, 2, 3]
        kept.refresh_from_db()
        assert kept.version == 1

    def test_replacing_removes_what_the_file_lacks_and_numbers_by_the_file(self, shop, draft):
        shop.line(draft, shop.skus[0])
        stays = shop.line(draft, shop.skus[1])
        imported = shop.read(draft, workbook(["CS-00003-BK", 80, 80], ["CS-00002-BK", 100, 100]))
        shop.write(imported, mode="replace", confirm_number=draft.number)
        assert prices_of(draft) == {"CS-00003-BK": 80, "CS-00002-BK": 100}
        assert list(draft.lines.order_by("row_no").values_list("sku_code", "row_no")) == [
            ("CS-00003-BK", 1),
            ("CS-00002-BK", 2),
        ]
        assert draft.lines.get(sku_code="CS-00002-BK").pk == stays.pk

    def test_replacing_keeps_the_line_of_a_faulty_row(self, shop, draft):
        shop.line(draft, shop.skus[0])
        shop.line(draft, shop.skus[1])
        imported = shop.read(draft, workbook(["CS-00001-BK", 80, "1,5"], ["CS-00003-BK", 80, 80]))
        assert list(importing.vanishing_lines(imported).values_list("sku_code", flat=True)) == ["CS-00002-BK"]
        shop.write(imported, mode="replace", confirm_number=draft.number)
        assert prices_of(draft) == {"CS-00001-BK": 100, "CS-00003-BK": 80}

    @pytest.mark.parametrize("typed", ["", "JG-2020-0001"])
    def test_replacing_needs_the_documents_number(self, shop, draft, typed):
        imported = shop.read(draft, workbook(["CS-00003-BK", 80, 80]))
        with pytest.raises(Refusal) as refused:
            shop.write(imported, mode="replace", confirm_number=typed)
        assert refused.value.code == "confirm"

    def test_a_column_that_the_file_lacks_changes_nothing(self, shop, draft):
        line = shop.line(
            draft, compare_at_price=Decimal("150.00"), reason="换季", final_price=Decimal("95.00")
        )
        imported = shop.read(draft, workbook(["CS-00001-BK", 110], header=["SKU", "参考价"]))
        shop.write(imported)
        line.refresh_from_db()
        assert (line.reference_price, line.final_price) == (110, 95)
        assert (line.compare_at_price, line.reason) == (150, "换季")

    def test_an_empty_cell_of_a_column_that_it_has_empties_the_value(self, shop, draft):
        line = shop.line(draft, compare_at_price=Decimal("150.00"), reason="换季")
        header = ["SKU", "参考价", "划线价", "调价原因"]
        shop.write(shop.read(draft, workbook(["CS-00001-BK", 100, "", ""], header=header)))
        line.refresh_from_db()
        assert (line.compare_at_price, line.reason) == (None, "")

    def test_a_struck_line_stays_struck(self, shop, draft):
        line = shop.line(draft)
        drafts.edit_line(
            line.pk, kind=drafts.kind_of(draft), by=shop.drafter, version=1, struck=True, strike_reason="缺货"
        )
        shop.write(shop.read(draft, workbook(["CS-00001-BK", 90, 90])))
        line.refresh_from_db()
        assert (line.struck, line.strike_reason, line.final_price) == (True, "缺货", 90)

    def test_guards_digest_scopes_and_the_source_follow_in_the_same_act(self, shop, draft):
        imported = shop.read(draft, workbook(["CS-00001-BK", 30, 30]))
        shop.write(imported)
        document = Document.objects.get(pk=draft.pk)
        assert document.content_hash == content_hash(document) == document.guarded_hash
        assert (document.line_count, document.store_count) == (1, 3)
        assert document.block_count > 0
        assert Attachment.objects.get(document=document).file == imported.file
        assert document.events.get(kind="imported").data["sha256"] == imported.file.sha256

    def test_a_draft_that_changed_since_the_preview_is_not_written(self, shop, draft):
        shop.line(draft)
        imported = shop.read(draft, workbook(["CS-00001-BK", 90, 90]))
        shop.line(draft, shop.skus[1])
        with pytest.raises(Refusal) as refused:
            shop.write(imported)
        assert refused.value.code == "stale"
        assert prices_of(draft)["CS-00001-BK"] == 100
        shop.write(shop.run(importing.read_again(imported.pk, by=shop.drafter)))
        assert prices_of(draft) == {"CS-00001-BK": 90, "CS-00002-BK": 100}

    def test_an_import_is_written_once(self, shop, draft):
        imported = shop.read(draft, workbook(["CS-00001-BK", 90, 90]))
        shop.write(imported)
        with pytest.raises(Refusal) as refused:
            shop.write(imported)
        assert refused.value.code == "state"

    def test_a_file_that_changes_nothing_writes_nothing(self, shop, draft):
        shop.line(draft)
        imported = shop.read(draft, workbook(["CS-00001-BK", 100, 100]))
        with pytest.raises(Refusal) as refused:
            shop.write(imported)
        assert refused.value.code == "nothing"

    def test_whoever_writes_becomes_an_author(self, shop, draft):
        colleague = UserFactory(roles=["product_strategy"])
        imported = shop.read(draft, workbook(["CS-00001-BK", 90, 90]))
        importing.write_import(imported.pk, by=colleague, mode="merge")
        assert draft.authors.filter(user=colleague).exists()

    def test_somebody_without_the_right_writes_nothing(self, shop, draft):
        imported = shop.read(draft, workbook(["CS-00001-BK", 90, 90]))
        with pytest.raises(PermissionDenied):
            importing.write_import(imported.pk, by=UserFactory(roles=["promotion"]), mode="merge")

    def test_nothing_is_half_written_when_the_database_refuses_a_row(self, shop, draft):
        shop.line(draft)
        imported = shop.read(draft, workbook(["CS-00001-BK", 90, 90], ["CS-00002-BK", 80, 80]))
        ImportRow.objects.filter(imported=imported, row_no=3).update(final_price=0)
        with pytest.raises(IntegrityError):
            shop.write(imported)
        imported.refresh_from_db()
        assert imported.state == "ready"
        assert prices_of(draft) == {"CS-00001-BK": 100}
        assert not Attachment.objects.filter(document=draft).exists()

    def test_the_job_that_writes_fails_with_a_sentence_and_leaves_the_preview(self, shop, draft):
        imported = shop.read(draft, workbook(["CS-00001-BK", 90, 90]))
        imported = importing.start_writing(imported.pk, by=shop.drafter, mode="merge")
        shop.line(draft, shop.skus[1])
        job = Job.objects.get(pk=imported.job_id)
        jobs.run(job.pk)
        job.refresh_from_db()
        imported.refresh_from_db()
        assert job.state == "failed" and job.error
        assert (imported.state, imported.details["because"]) == ("reading", "stale")
        imported = shop.run(imported)
        importing.start_writing(imported.pk, by=shop.drafter, mode="merge")
        imported.refresh_from_db()
        assert shop.run(imported).state == "written"

    def test_an_exported_draft_imports_again_without_a_change(self, shop, draft):
        shop.line(
            draft,
            compare_at_price=Decimal("150.00"),
            reason="换季",
            reason_code="clearance",
            final_price=Decimal("89.90"),
        )
        shop.line(draft, shop.skus[1], scope_key="stores:jd-cslr;tb-cslr", exception_reason="专供款")
        shop.line(draft, shop.skus[2], scope_key="brand:theme")
        file = ContentFile(b"".join(exporting.draft(draft, costs=True)), name="again.xlsx")
        imported = shop.read(draft, file)
        assert faults_of(imported) == {}
        assert rows_of(imported) == {2: "same", 3: "same", 4: "same"}
        assert (imported.counts["notes"], imported.counts["vanishing"]) == (0, 0)

    def test_a_row_exported_before_its_line_was_changed_is_refused(self, shop, draft):
        line = shop.line(draft)
        shop.line(draft, shop.skus[1])
        book = openpyxl.load_workbook(io.BytesIO(b"".join(exporting.draft(draft, costs=True))))
        column = [cell.value for cell in book.active[1]].index("执行价") + 1
        for row in (2, 3):
            book.active.cell(row, column).value = 97
        file = io.BytesIO()
        book.save(file)
        drafts.edit_line(
            line.pk, kind=drafts.kind_of(draft), by=shop.drafter, version=1, final_price=Decimal("95.00")
        )
        imported = shop.read(draft, ContentFile(file.getvalue(), name="old.xlsx"))
        assert faults_of(imported) == {2: ["line_changed_since"]}
        assert rows_of(imported)[3] == "changed"

    def test_the_template_reads_as_a_workbook_of_its_kind(self, shop, draft):
        file = ContentFile(b"".join(exporting.template(drafts.kind_of(draft), costs=True)), name="模板.xlsx")
        imported = shop.read(draft, file)
        assert imported.details["ignored"] == []
        assert faults_of(imported) == {2: ["unknown_sku"]}


class TestCleaning:
    def test_rows_of_ended_uploads_go_and_the_upload_stays(self, shop, draft):
        written = shop.read(draft, workbook(["CS-00001-BK", 90, 90]))
        shop.write(written)
        waiting = shop.read(draft, workbook(["CS-00001-BK", 91, 91]))
        LineImport.objects.update(uploaded_at=timezone.now() - timedelta(days=2))
        importing.clean_old_imports()
        assert (written.rows.count(), waiting.rows.count()) == (0, 1)
        LineImport.objects.update(uploaded_at=timezone.now() - timedelta(days=15))
        importing.clean_old_imports()
        assert waiting.rows.count() == 0
        assert LineImport.objects.count() == 2


class TestCommand:
    def command(self, draft, tmp_path, *words, account="strategy"):
        path = tmp_path / "list.csv"
        path.write_text("商品编码,参考价\nCS-00001-BK,90\nNO-1,5\n", encoding="gb18030")
        out = io.StringIO()
        call_command("import_lines", draft.number, str(path), "--as", account, *words, stdout=out)
        return out.getvalue()

    def test_it_shows_what_the_file_would_do(self, shop, draft, tmp_path):
        said = self.command(draft, tmp_path)
        assert "new 1" in said and "NO-1" in said
        assert prices_of(draft) == {}

    def test_it_writes_when_asked_to(self, shop, draft, tmp_path):
        self.command(draft, tmp_path, "--write")
        assert prices_of(draft) == {"CS-00001-BK": 90}

    def test_rights_are_those_of_the_account(self, shop, draft, tmp_path):
        UserFactory(username="auditor", roles=["auditor"])
        UserFactory(username="hr", roles=["hr"])
        for account in ("auditor", "hr", "nobody"):
            with pytest.raises(CommandError):
                self.command(draft, tmp_path, "--write", account=account)
        assert prices_of(draft) == {}


@pytest.mark.django_db(transaction=True)
def test_two_who_write_the_same_preview_at_once_write_it_once():
    """Fails without the locks on the document's and the import's rows."""
    shop = Shop(goods=1)
    imported = shop.read(shop.draft(), workbook(["CS-00001-BK", 90, 90]))
    barrier, outcomes = threading.Barrier(2), []

    def write():
        try:
            barrier.wait()
            shop.write(imported)
            outcomes.append("written")
        except Refusal as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _one in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["state", "written"]
    assert PriceLine.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_reads_and_writes_an_upload(worker):
    shop = Shop(goods=2)
    draft = shop.draft()
    imported = importing.start_import(
        draft.pk, by=shop.drafter, uploaded=workbook(["CS-00001-BK", 90, 90], ["CS-00002-BK", 95, "9,5"])
    )
    ready = LineImport.objects.filter(pk=imported.pk, state="ready")
    wait_for(ready.exists, "the worker has not read the upload")
    importing.start_writing(imported.pk, by=shop.drafter, mode="merge")
    wait_for(
        LineImport.objects.filter(pk=imported.pk, state="written").exists, "the worker has not written it"
    )
    assert prices_of(draft) == {"CS-00001-BK": 90}
