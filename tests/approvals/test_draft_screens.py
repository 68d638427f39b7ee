"""The screens of drafts and imports: what they show, refuse and cost."""

import io
from decimal import Decimal

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from approvals import drafts
from approvals.flow import transitions
from approvals.models import Document, DocumentState, LineImport, PriceLine, PriceList
from approvals.pricelists import grid
from opsadmin.core import jobs
from opsadmin.core.models import Job
from tests.approvals.drafting import Shop, prices_of, text_file, workbook
from tests.approvals.world import make_world, open_task, submitted
from tests.factories import SkuFactory, UserFactory

JSON = {"accept": "application/json"}


@pytest.fixture
def shop(db):
    return Shop()


@pytest.fixture
def draft(shop):
    return shop.draft()


@pytest.fixture
def desk(shop, signed_in):
    """The test client of the drafter."""
    return signed_in(shop.drafter)


def add_lines(document, number, sku):
    """Add lines by the set, each for a SKU of its own; their guards have not run."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO stores_sku "
            "(code, product_id, brand_id, name, barcode, pool, active, cost, floor_price, stock) "
            "SELECT 'X-' || i, product_id, brand_id, 'X', '', pool, true, 40, 60, 0 "
            "FROM stores_sku, generate_series(1, %s) i WHERE id = %s",
            [number, sku.pk],
        )
        cursor.execute(
            "INSERT INTO approvals_priceline (document_id, row_no, sku_id, sku_code, sku_name, scope_key, "
            "exception_reason, reason, reason_code, reference_price, final_price, base_price, struck, strike_reason, "
            "band, risk, version, decided_digest) SELECT %s, row_number() OVER (ORDER BY id), id, code, name, 'all', "
            "'', '', '', 100, 60 + id %% 70, 100, false, '', 1 + id %% 3, id %% 7, 1, '' FROM stores_sku "
            "WHERE code LIKE 'X-%%'",
            [document.pk],
        )
    drafts.recheck(Document.objects.get(pk=document.pk))


def statements(client, url, **extra):
    with CaptureQueriesContext(
        connection,
    ) as found:
        response = client.get(url, **extra)
    assert response.status_code == 200
    return len(found)


class TestList:
    def test_tabs_sort_documents_by_state_and_search_finds_numbers_and_titles(self, shop, desk):
        first, second = shop.draft(title="双12 预热"), shop.draft(title="元旦")
        Document.objects.filter(pk=second.pk).update(state=DocumentState.CANCELLED)
        url = reverse("admin:pricelists")
        shown = desk.get(url).content.decode()
        assert first.number in shown and second.number not in shown
        assert second.number in desk.get(url, {"tab": "all"}).content.decode()
        assert second.number in desk.get(url, {"q": "元旦"}).content.decode()
        found = desk.get(url, {"q": first.number.lower()}).content.decode()
        assert first.number in found and second.number not in found

    def test_a_list_costs_the_same_for_one_document_as_for_sixty(self, shop, desk):
        url = reverse("admin:pricelists")
        shop.draft()
        desk.get(url)
        few = statements(desk, url)
        for _number in range(59):
            shop.draft()
        assert statements(desk, url) == few <= 25
        following = desk.get(url).context["pager"]["next"]
        assert len(desk.get(following).context["documents"]) == 10

    def test_what_nobody_may_list_does_not_exist(self, shop, signed_in):
        assert signed_in(roles=["hr"]).get(reverse("admin:pricelists")).status_code == 404
        assert signed_in(roles=["finance"]).get(reverse("admin:pricelists")).status_code == 200
        assert signed_in(roles=["finance"]).get(reverse("admin:pricelist_new")).status_code == 404

    @pytest.mark.parametrize("query", ["before=x", "before=99999999999999999999", "q=%00", "tab=nothing"])
    def test_an_address_that_means_nothing_shows_the_list(self, desk, query):
        assert desk.get(f"{reverse('admin:pricelists')}?{query}").status_code == 200


class TestNew:
    def test_a_new_price_list_leads_to_its_draft(self, shop, desk):
        posted = {"title": "冬季", "list_kind": "regular", "effective_from": "2030-12-01T00:00", "note": ""}
        response = desk.post(reverse("admin:pricelist_new"), posted)
        document = PriceList.objects.get()
        assert response.url == reverse("admin:pricelist", args=[document.pk])
        assert timezone.localtime(document.effective_from).isoformat() == "2030-12-01T00:00:00+08:00"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("title", ""),
            ("title", "长" * 101),
            ("effective_from", "明天"),
            ("effective_to", "2030-11-01T00:00"),
            ("list_kind", "secret"),
            ("list_kind", "campaign"),
        ],
    )
    def test_what_cannot_be_is_named_beside_its_field(self, desk, field, value):
        posted = {"title": "冬季", "list_kind": "regular", "effective_from": "2030-12-01T00:00"} | {
            field: value
        }
        response = desk.post(reverse("admin:pricelist_new"), posted)
        assert response.status_code == 422
        assert response.context["form"].errors
        assert not PriceList.objects.exists()


class TestHeader:
    def test_only_what_was_changed_is_written(self, shop, draft, desk):
        url = reverse("admin:draft_header", args=[draft.pk])
        form = desk.get(url).context["form"]
        posted = {field.html_name: field.value() for field in form} | {
            field.html_initial_name: field.value() for field in form
        }
        start = timezone.localtime(draft.effective_from).strftime("%Y-%m-%dT%H:%M")
        posted |= {
            "effective_from": start,
            "initial-effective_from": start,
            "effective_to": "",
            "initial-effective_to": "",
        }
        drafts.edit_header(draft.pk, by=shop.drafter, note="同事写的")
        response = desk.post(url, posted | {"title": "新标题"})
        draft.refresh_from_db()
        assert response.status_code == 302
        assert (draft.title, draft.note) == ("新标题", "同事写的")


class TestGrid:
    def test_a_draft_is_not_found_by_others_and_read_by_readers(self, shop, draft, signed_in):
        url = reverse("admin:pricelist", args=[draft.pk])
        assert signed_in(roles=["product_strategy"]).get(url).status_code == 404
        assert signed_in(roles=["promotion"]).get(url).status_code == 404
        assert signed_in(roles=["auditor"]).get(url).url == reverse("admin:document", args=[draft.pk])

    def test_the_grid_costs_the_same_for_ten_lines_as_for_five_thousand(self, shop, desk):
        counts = []
        for number in (10, 5000):
            document = shop.draft()
            PriceLine.objects.all().delete()
            shop.skus[0].__class__.objects.filter(code__startswith="X-").delete()
            add_lines(document, number, shop.skus[0])
            url = reverse("admin:pricelist", args=[document.pk])
            desk.get(url)
            counts.append([statements(desk, url), statements(desk, f"{url}?sort=risk&show=hits")])
            assert len(desk.get(url).context["rows"]) == min(number, 50)
        assert counts[0] == counts[1]
        assert max(counts[1]) <= 25

    @pytest.mark.parametrize("sort", grid.SORTS)
    def test_paging_shows_every_line_once_in_every_order(self, shop, draft, sort):
        add_lines(draft, 170, shop.skus[0])
        seen, after = [], ""
        while True:
            lines, after = grid.page_of(draft, sort=sort, after=after)
            seen += [line.pk for line in lines]
            if not after:
                break
        assert sorted(seen) == sorted(PriceLine.objects.values_list("pk", flat=True))

    def test_the_largest_cut_and_the_largest_rise_come_first(self, shop, draft):
        for sku, price in zip(shop.skus, ("95.00", "120.00", "70.00"), strict=True):
            shop.line(draft, sku, reference_price=Decimal(price))
        assert [line.final_price for line in grid.page_of(draft, sort="cut")[0]] == [70, 95, 120]
        assert [line.final_price for line in grid.page_of(draft, sort="rise")[0]] == [120, 95, 70]

    def test_filters_and_search_leave_what_they_say(self, shop, draft):
        cheap = shop.line(draft, shop.skus[0], reference_price=Decimal("30.00"))
        usual, gone = shop.line(draft, shop.skus[1]), shop.line(draft, shop.skus[2])
        drafts.edit_line(
            gone.pk, kind=drafts.kind_of(draft), by=shop.drafter, version=1, struck=True, strike_reason="缺货"
        )
        assert grid.page_of(draft, show="block")[0] == [cheap]
        assert grid.page_of(draft, show="struck")[0] == [gone]
        assert grid.page_of(draft, search="cs-00002")[0] == [usual]
        assert grid.page_of(draft, search="双肩包 3")[0] == [gone]

    @pytest.mark.parametrize(
        "query",
        [
            "sort=x&show=y",
            "after=1~2~3",
            "after=a~b",
            "after=99999999999999999999~1",
            "q=%00%27",
            "sort=cut&after=NaN~1",
        ],
    )
    def test_an_address_that_means_nothing_shows_the_first_page(self, shop, draft, desk, query):
        shop.line(draft)
        assert desk.get(f"{reverse('admin:pricelist', args=[draft.pk])}?{query}").status_code == 200

    def test_nothing_changes_by_a_get(self, shop, draft, desk):
        line = shop.line(draft)
        for name, args in (
            ("draft_line_add", [draft.pk]),
            ("draft_lines_remove", [draft.pk]),
            ("draft_discard", [draft.pk]),
            ("document_follow_up", [draft.pk]),
        ):
            assert desk.get(reverse(f"admin:{name}", args=args)).status_code == 405
        desk.get(reverse("admin:draft_line", args=[draft.pk, line.pk]), {"act": "price", "price": "1"})
        assert prices_of(draft) == {line.sku_code: 100}


class TestInPlace:
    def post(self, desk, line, **values):
        url = reverse("admin:draft_line", args=[line.document_id, line.pk])
        return desk.post(url, {"version": line.version, **values}, headers=JSON)

    def test_a_price_is_written_and_the_row_comes_back(self, shop, draft, desk):
        line = shop.line(draft)
        answer = self.post(desk, line, act="price", price="95.5")
        assert answer.status_code == 200
        assert "95.50" in answer.json()["row"] and answer.json()["version"] == 2
        assert prices_of(draft) == {line.sku_code: Decimal("95.50")}

    def test_full_width_digits_are_read_as_in_a_workbook(self, shop, draft, desk):
        line = shop.line(draft)
        assert self.post(desk, line, act="price", price="９９．５").status_code == 200
        assert prices_of(draft)[line.sku_code] == Decimal("99.50")

    @pytest.mark.parametrize("price", ["", "0", "-5", "1,299", "¥99", "1e3", "99.999", "NaN", "12345678901"])
    def test_a_price_that_is_none_is_refused_with_a_sentence(self, shop, draft, desk, price):
        line = shop.line(draft)
        answer = self.post(desk, line, act="price", price=price)
        assert answer.status_code == 409
        assert answer.json()["refused"]
        assert prices_of(draft) == {line.sku_code: 100}

    def test_a_stale_price_shows_both_versions_and_can_be_sent_again(self, shop, draft, desk):
        line = shop.line(draft)
        drafts.edit_line(
            line.pk, kind=drafts.kind_of(draft), by=shop.drafter, version=1, final_price=Decimal("95.00")
        )
        answer = self.post(desk, line, act="price", price="90.00")
        data = answer.json()
        assert (answer.status_code, data["code"], data["version"]) == (409, "edited", 2)
        assert "95.00" in data["row"] and 'data-use-mine="90.00"' in data["row"]
        assert self.post(desk, line, act="price", price="90.00", version=2).status_code == 200
        assert prices_of(draft) == {line.sku_code: 90}

    def test_striking_needs_a_reason_and_keeping_takes_it_back(self, shop, draft, desk):
        line = shop.line(draft)
        assert self.post(desk, line, act="strike", strike_reason=" ").status_code == 409
        assert self.post(desk, line, act="strike", strike_reason="缺货").status_code == 200
        assert self.post(desk, line, act="keep", version=2).status_code == 200
        line.refresh_from_db()
        assert (line.struck, line.strike_reason) == (False, "")

    def test_a_line_of_another_document_is_not_found(self, shop, draft, desk):
        other = shop.line(shop.draft())
        url = reverse("admin:draft_line", args=[draft.pk, other.pk])
        assert desk.get(url).status_code == 404
        assert desk.post(url, {"act": "price", "price": "1", "version": 1}, headers=JSON).status_code == 409

    def test_all_fields_are_written_from_the_form(self, shop, draft, desk):
        line = shop.line(draft)
        url = reverse("admin:draft_line", args=[draft.pk, line.pk])
        posted = {
            "version": 1, "reference_price": "110", "final_price": "99.00", "compare_at_price": "150", "cost": "45",
            "floor_price": "60", "ceiling_price": "", "reason_code": "seasonal", "reason": "换季",
            "scope": "stores", "stores": ["tb-cslr", "jd-cslr"], "exception_reason": "专供款",
        }  # fmt: skip
        assert desk.post(url, posted).status_code == 302
        line.refresh_from_db()
        assert (line.reference_price, line.compare_at_price, line.cost) == (110, 150, 45)
        assert (line.scope_key, line.exception_reason) == ("stores:jd-cslr;tb-cslr", "专供款")

    @pytest.mark.parametrize(("scope", "kept"), [("brand:cslr", "仅本品牌"), ("all", "")])
    def test_an_exception_is_kept_for_every_scope_but_all_stores(self, shop, draft, desk, scope, kept):
        line = shop.line(draft, scope_key="brand:cslr", exception_reason="仅本品牌")
        posted = {"version": 1, "reference_price": "110", "final_price": "99.00", "scope": scope}
        posted["exception_reason"] = "仅本品牌"
        url = reverse("admin:draft_line", args=[draft.pk, line.pk])
        assert desk.post(url, posted).status_code == 302
        line.refresh_from_db()
        assert (line.scope_key, line.exception_reason) == (scope, kept)

    def test_the_form_names_what_is_missing(self, shop, draft, desk):
        line = shop.line(draft)
        url = reverse("admin:draft_line", args=[draft.pk, line.pk])
        posted = {"version": 1, "reference_price": "110", "final_price": "1,5", "scope": "stores"}
        response = desk.post(url, posted, headers={"x-fragment": "line"})
        assert response.status_code == 422
        assert set(response.context["form"].errors) == {"final_price", "stores"}

    def test_a_stale_form_keeps_what_was_typed_beside_what_is_there(self, shop, draft, desk):
        line = shop.line(draft)
        url = reverse("admin:draft_line", args=[draft.pk, line.pk])
        drafts.edit_line(
            line.pk, kind=drafts.kind_of(draft), by=shop.drafter, version=1, final_price=Decimal("95.00")
        )
        posted = {
            "version": 1, "reference_price": "100.00", "final_price": "90.00", "scope": "all",
            "cost": "40.00", "floor_price": "60.00", "ceiling_price": "150.00",
        }  # fmt: skip
        response = desk.post(url, posted)
        assert response.status_code == 409
        assert [(now, mine) for _label, now, mine in response.context["theirs"]] == [
            (Decimal("95.00"), "90.00")
        ]
        assert desk.post(url, posted | {"version": 2}).status_code == 302
        assert prices_of(draft) == {line.sku_code: 90}

    def test_a_line_is_added_and_removed(self, shop, draft, desk):
        desk.post(
            reverse("admin:draft_line_add", args=[draft.pk]), {"sku": "cs-00002-bk", "reference_price": "88"}
        )
        assert prices_of(draft) == {"CS-00002-BK": 88}
        response = desk.post(
            reverse("admin:draft_line_add", args=[draft.pk]), {"sku": "NO", "reference_price": "8"}
        )
        assert response.status_code == 302
        line = draft.lines.get()
        desk.post(reverse("admin:draft_lines_remove", args=[draft.pk]), {"line": [line.pk, "x"]})
        assert prices_of(draft) == {}


class TestImportScreens:
    def upload(self, desk, draft, file):
        response = desk.post(reverse("admin:import_new", args=[draft.pk]), {"file": file})
        imported = LineImport.objects.latest("pk")
        assert response.url == reverse("admin:import_preview", args=[imported.pk])
        return imported

    def run(self, imported):
        imported.refresh_from_db()
        jobs.run(imported.job_id)

    def test_a_refused_replacement_keeps_the_choice_and_what_was_typed(self, shop, draft, desk):
        shop.line(draft)
        imported = shop.read(draft, workbook(["CS-00003-BK", 80, 80]))
        typed = {"mode": "replace", "confirm_number": "JG-2020-0001"}
        answer = desk.post(reverse("admin:import_write", args=[imported.pk]), typed)
        assert answer.status_code == 422
        assert answer.context_data["replacing"] and draft.number in answer.context_data["refused"]
        assert 'value="JG-2020-0001"' in answer.content.decode()
        assert prices_of(draft) == {"CS-00001-BK": 100}

    def test_an_upload_is_read_previewed_and_written(self, shop, draft, desk):
        imported = self.upload(desk, draft, workbook(["CS-00001-BK", 95, 95], ["NO-1", 1, 1]))
        url = reverse("admin:import_preview", args=[imported.pk])
        assert "data-progress" in desk.get(url).content.decode()
        state = desk.get(reverse("admin:import_state", args=[imported.pk])).json()
        assert state["open"] and len(state["steps"]) == 4
        self.run(imported)
        assert desk.get(reverse("admin:import_state", args=[imported.pk])).json() == {"open": False}
        shown = desk.get(url)
        assert shown.context["counts"]["faulty"] == 1 and "NO-1" in shown.content.decode()
        assert prices_of(draft) == {}
        desk.post(reverse("admin:import_write", args=[imported.pk]), {"mode": "merge"})
        assert "data-progress" in desk.get(url).content.decode()
        self.run(imported)
        assert desk.get(url).url == reverse("admin:pricelist", args=[draft.pk])
        assert prices_of(draft) == {"CS-00001-BK": 95}

    def test_without_a_file_a_sentence_and_nothing_else(self, shop, draft, desk):
        response = desk.post(reverse("admin:import_new", args=[draft.pk]), {})
        assert response.status_code == 302
        assert not LineImport.objects.exists()

    def test_the_encoding_can_be_changed_on_the_preview(self, shop, draft, desk):
        imported = self.upload(
            desk, draft, text_file(["CS-00001-BK", "95"], header=["商品编码", "参考价"], encoding="gb18030")
        )
        self.run(imported)
        url = reverse("admin:import_again", args=[imported.pk])
        desk.post(url, {"encoding": "utf-16-le", "delimiter": ","})
        self.run(imported)
        imported.refresh_from_db()
        assert imported.state == "unreadable"
        assert "GB18030" in desk.get(reverse("admin:import_preview", args=[imported.pk])).content.decode()
        desk.post(url, {"encoding": "gb18030", "delimiter": ","})
        self.run(imported)
        imported.refresh_from_db()
        assert imported.state == "ready"
        assert desk.post(url, {"encoding": "latin-1"}).status_code == 302
        imported.refresh_from_db()
        assert imported.state == "ready"

    def test_a_failed_job_can_be_started_again(self, shop, draft, desk):
        imported = self.upload(desk, draft, workbook(["CS-00001-BK", 95, 95]))
        Job.objects.filter(pk=imported.job_id).update(state="failed", error="断电")
        shown = desk.get(reverse("admin:import_preview", args=[imported.pk])).content.decode()
        assert "断电" in shown and reverse("admin:import_retry", args=[imported.pk]) in shown
        desk.post(reverse("admin:import_retry", args=[imported.pk]))
        self.run(imported)
        imported.refresh_from_db()
        assert imported.state == "ready"

    def test_an_upload_can_be_set_aside(self, shop, draft, desk):
        imported = self.upload(desk, draft, workbook(["CS-00001-BK", 95, 95]))
        desk.post(reverse("admin:import_discard", args=[imported.pk]))
        imported.refresh_from_db()
        assert imported.state == "discarded"
        assert desk.get(reverse("admin:import_preview", args=[imported.pk])).status_code == 200
        assert (
            desk.post(reverse("admin:import_write", args=[imported.pk]), {"mode": "merge"}).status_code == 302
        )
        assert prices_of(draft) == {}

    def test_a_draft_that_changed_is_compared_again_instead_of_written(self, shop, draft, desk):
        imported = self.upload(desk, draft, workbook(["CS-00001-BK", 95, 95]))
        self.run(imported)
        shop.line(draft, shop.skus[1])
        assert desk.get(reverse("admin:import_preview", args=[imported.pk])).context["outdated"]
        desk.post(reverse("admin:import_write", args=[imported.pk]), {"mode": "merge"})
        imported.refresh_from_db()
        assert (imported.state, imported.details) == ("reading", {"because": "stale"})
        self.run(imported)
        assert desk.get(reverse("admin:import_preview", args=[imported.pk])).context["stale"]
        assert prices_of(draft) == {"CS-00002-BK": 100}

    def test_uploads_of_others_are_not_found(self, shop, draft, desk, client):
        imported = self.upload(desk, draft, workbook(["CS-00001-BK", 95, 95]))
        self.run(imported)
        stranger = UserFactory(roles=["product_strategy"])
        client.force_login(stranger, backend="opsadmin.backends.AccountBackend")
        for name in ("preview", "state", "rows", "faults", "faulty"):
            assert client.get(reverse(f"admin:import_{name}", args=[imported.pk])).status_code == 404
        for name in ("write", "again", "retry", "discard"):
            assert client.post(reverse(f"admin:import_{name}", args=[imported.pk])).status_code == 404

    def test_rows_and_faults_are_paged(self, shop, draft, desk):
        rows = [[f"NO-{number}", 1, 1] for number in range(60)]
        imported = self.upload(desk, draft, workbook(*rows))
        self.run(imported)
        for name, query in (("rows", "?show=faulty"), ("faults", "")):
            first = desk.get(reverse(f"admin:import_{name}", args=[imported.pk]) + query)
            second = desk.get(first.context["pager"]["next"])
            key = "rows" if name == "rows" else "faults"
            assert (len(first.context[key]), len(second.context[key])) == (50, 10)
        assert desk.get(reverse("admin:import_rows", args=[imported.pk]) + "?show=x").status_code == 404

    def test_the_preview_costs_the_same_for_ten_rows_as_for_two_thousand(self, shop, draft, desk):
        counts = []
        for number in (10, 2000):
            SkuFactory._meta.model.objects.filter(code__startswith="X-").delete()
            rows = [["CS-00001-BK", 95, 95], ["NO-1", 1, 1]]
            rows += [[f"NO-{n}", 1, "1,5"] for n in range(number)]
            imported = self.upload(desk, draft, workbook(*rows))
            self.run(imported)
            url = reverse("admin:import_preview", args=[imported.pk])
            desk.get(url)
            counts.append(statements(desk, url))
        assert counts[0] == counts[1] <= 25

    def test_workbooks_come_as_downloads_with_chinese_names(self, shop, draft, desk):
        shop.line(draft)
        imported = self.upload(desk, draft, workbook(["NO-1", 1, 1]))
        self.run(imported)
        for url in (
            reverse("admin:draft_export", args=[draft.pk]),
            reverse("admin:lines_template", args=["price_list"]),
            reverse("admin:import_faulty", args=[imported.pk]),
        ):
            response = desk.get(url)
            assert response.headers["Content-Disposition"].startswith("attachment;")
            assert "filename*=UTF-8''" in response.headers["Content-Disposition"]
            openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))

    def test_templates_are_for_those_who_draft_that_kind(self, shop, desk, signed_in):
        assert desk.get(reverse("admin:lines_template", args=["promotion"])).status_code == 404
        assert desk.get(reverse("admin:lines_template", args=["nothing"])).status_code == 404
        promoter = signed_in(roles=["promotion"])
        response = promoter.get(reverse("admin:lines_template", args=["promotion"]))
        header = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content))).worksheets[0][1]
        assert "成本价" not in [cell.value for cell in header]


class TestEndings:
    def test_a_discarded_draft_leads_back_to_the_list(self, shop, draft, desk):
        assert desk.post(reverse("admin:draft_discard", args=[draft.pk])).url == reverse("admin:pricelists")
        assert desk.get(reverse("admin:pricelist", args=[draft.pk])).url == reverse(
            "admin:document", args=[draft.pk]
        )

    def test_a_follow_up_is_made_by_one_click_and_found_again_by_the_next(self, shop, draft, desk):
        line = shop.line(draft)
        drafts.edit_line(
            line.pk, kind=drafts.kind_of(draft), by=shop.drafter, version=1, struck=True, strike_reason="缺货"
        )
        Document.objects.filter(pk=draft.pk).update(state="filed", archive_number="GD-2026-0001")
        url = reverse("admin:document_follow_up", args=[draft.pk])
        first = desk.post(url).url
        assert desk.post(url).url == first
        assert PriceList.objects.get(follows=draft).lines.get().sku_code == line.sku_code

    def test_whoever_drafts_nothing_makes_no_follow_up(self, shop, draft, signed_in):
        url = reverse("admin:document_follow_up", args=[draft.pk])
        assert signed_in(roles=["auditor"]).post(url).status_code == 403
        assert signed_in(roles=["promotion"]).post(url).status_code == 404

    def test_why_it_came_back_stands_above_the_draft(self, db, signed_in):
        world = make_world()
        document = submitted(world)
        transitions.decide(
            open_task(document, world["ecommerce_manager"]).pk,
            by=world["ecommerce_manager"],
            verdict="send_back",
            content_hash=document.content_hash,
            comment="双肩包太贵",
        )
        client = signed_in(world["product_strategy"])
        shown = client.get(reverse("admin:pricelist", args=[document.pk])).content.decode()
        assert "双肩包太贵" in shown and "ecommerce_manager" in shown
