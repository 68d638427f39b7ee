"""Masters in and out of files: judged first, written whole or not at all, only by those who may."""

import io
import os
from datetime import date

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import translation
from openpyxl import Workbook, load_workbook

from opsadmin.core import jobs, uploads
from opsadmin.core.models import Job
from opsadmin.core.stale import NOT_ASKED
from opsadmin.core.transfer import WRITE
from opsadmin.roles import ROLES
from orgchart.models import Position
from staffing.models import Assignment
from stores.models import Listing, Sku
from tests.factories import (
    AccountFactory,
    BrandFactory,
    DepartmentFactory,
    EmployeeFactory,
    ListingFactory,
    PositionFactory,
    ProductFactory,
    SkuFactory,
    StoreChargeFactory,
    StoreFactory,
    UserFactory,
)
from tests.uploads import finished, ordered

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]

MODELS = {
    "stores_platform": {"administrator"},
    "stores_brand": {"administrator"},
    "stores_store": {"administrator"},
    "stores_listing": {"administrator"},
    "core_calendarday": {"administrator"},
    "stores_product": {"product_strategy"},
    "stores_sku": {"product_strategy"},
    "orgchart_department": {"hr"},
    "orgchart_position": {"hr"},
    "staffing_employee": {"hr"},
    "staffing_assignment": {"hr"},
}


def workbook(header, *rows):
    book = Workbook()
    for row in (header, *rows):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return SimpleUploadedFile("masters.xlsx", file.getvalue())


def kept_files():
    """Return the uploads that are kept for their jobs."""
    if not default_storage.exists(uploads.FOLDER):
        return []
    return [f"{uploads.FOLDER}/{name}" for name in default_storage.listdir(uploads.FOLDER)[1]]


def text_file(text, encoding="utf-8", name="masters.csv"):
    return SimpleUploadedFile(name, text.encode(encoding))


def judge(client, model, file):
    """Upload a file, let its job run, and return what the page says of it."""
    return finished(client, client.post(reverse(f"admin:{model}_import"), {"file": file})).context


def bring_in(client, model, file):
    """Upload a file and confirm it."""
    return confirm(client, model, judge(client, model, file)["job"])


def confirm(client, model, job):
    """Confirm a file that was judged, and return the page that shows what came of it."""
    return finished(client, client.post(reverse(f"admin:{model}_process_import"), {"job": job.pk}))


@pytest.fixture
def strategy(signed_in):
    for path in kept_files():
        default_storage.delete(path)
    return signed_in(roles=["product_strategy"])


@pytest.fixture
def brand():
    return BrandFactory(code="cslr")


@pytest.fixture
def product():
    return ProductFactory(code="BP1")


HEADER = ["SKU", "商品", "品牌", "名称", "商品结构", "成本价", "最低限价", "可售库存", "启用"]


def sku_row(**cells):
    row = {
        "SKU": "CS-BP1-BK",
        "商品": "BP1",
        "品牌": "cslr",
        "名称": "双肩包 墨黑",
        "商品结构": "通用",
        "成本价": 40,
        "最低限价": 60,
        "可售库存": 5,
        "启用": "是",
    }
    return list((row | cells).values())


@pytest.mark.parametrize("role", [role.code for role in ROLES])
@pytest.mark.parametrize("model", MODELS)
def test_only_the_role_of_a_master_brings_it_in_and_out(model, role, signed_in):
    client = signed_in(roles=[role])
    expected = 200 if role in MODELS[model] else 403
    assert client.get(reverse(f"admin:{model}_import")).status_code == expected
    assert client.get(reverse(f"admin:{model}_export")).status_code == expected
    assert client.get(reverse(f"admin:{model}_export") + "?format=csv").status_code == expected
    posted = client.post(reverse(f"admin:{model}_process_import"), {"job": "0"})
    assert posted.status_code == (404 if expected == 200 else 403)


def test_looking_at_a_file_writes_no_master(strategy, brand, product):
    context = judge(strategy, "stores_sku", workbook(HEADER, sku_row()))
    assert (context["outcome"].new, context["outcome"].faults) == (1, [])
    assert not Sku.objects.exists()


def test_a_new_row_without_a_needed_column_is_told_in_plain_words(strategy, brand, product):
    outcome = judge(strategy, "stores_sku", workbook(["SKU", "名称"], ["CS-BP1-BK", "双肩包"]))["outcome"]
    told = {fault.column: (fault.value, fault.message) for fault in outcome.faults}
    assert told["product"] == told["brand"] == ("", "Fill in this cell; a new row needs it.")


@pytest.mark.parametrize(
    ("model", "header", "row", "column", "told"),
    [
        ("stores_brand", ["代码", "名称"], ["海岚 1", "海岚"], "code", "Only the letters A to Z"),
        ("stores_brand", ["代码", "名称"], ["b" * 60, "海岚"], "code", "It has 60 characters; at most"),
        ("stores_brand", ["代码", "名称"], ["b-1", "海" * 300], "name", "Shorten it."),
        (
            "stores_platform",
            ["代码", "名称", "平台费率"],
            ["p-1", "淘", "12345.5"],
            "fee rate",
            "Check the number.",
        ),
        (
            "stores_platform",
            ["代码", "名称", "平台费率"],
            ["p-1", "淘", "0.05123"],
            "fee rate",
            "Round the number.",
        ),
        (
            "stores_platform",
            ["代码", "名称", "顺序"],
            ["p-1", "淘", "99999"],
            "order",
            "It is larger than 32767.",
        ),
        ("stores_product", ["款号", "名称"], ["p-1", "包" * 300], "name", "Shorten it."),
    ],
)
def test_what_does_not_fit_is_told_by_sheet_row_and_column_in_our_own_words(
    client, signed_in, model, header, row, column, told
):
    signed_in(roles=[*MODELS[model]])
    faults = judge(client, model, workbook(header, row))["outcome"]
    assert faults.sheet == "Sheet"
    (fault,) = faults.faults
    assert (fault.row, fault.column) == (2, column)
    assert told in fault.message and "value" not in fault.message


def test_a_code_that_is_no_code_is_told_in_chinese_with_the_sheet(client, signed_in):
    client.cookies.clear()
    signed_in(roles=["administrator"])
    with translation.override("zh-hans"):
        file = workbook(["代码", "名称"], ["海岚 1", "海岚"])
        page = finished(client, client.post(reverse("admin:stores_brand_import"), {"file": file}))
    text = page.content.decode()
    assert "这里只能用英文字母" in text and "有效“字段”" not in text
    assert "工作表“Sheet”" in text


def test_a_confirmed_file_is_written_with_history_and_log(strategy, brand, product):
    bring_in(strategy, "stores_sku", workbook(HEADER, sku_row()))
    sku = Sku.objects.get()
    assert (sku.code, sku.cost, sku.pool, sku.product, sku.brand) == (
        "CS-BP1-BK",
        40,
        "common",
        product,
        brand,
    )
    assert sku.history.get().history_user == strategy.user
    assert LogEntry.objects.get().user == strategy.user


def test_columns_are_found_by_chinese_or_english_words_in_any_order(strategy, brand, product):
    text = "brand,SKU,product,name,active\ncslr,cs-bp1-gr,BP1,Bag,yes\n"
    bring_in(strategy, "stores_sku", text_file(text))
    assert Sku.objects.get().code == "CS-BP1-GR"


def test_a_csv_in_gb18030_is_read_as_it_is(strategy, brand, product):
    text = "SKU,商品,品牌,名称,启用\nCS-BP1-BK,BP1,cslr,双肩包 墨黑,是\n"
    bring_in(strategy, "stores_sku", text_file(text, "gb18030"))
    assert Sku.objects.get().name == "双肩包 墨黑"


def test_a_column_that_is_left_out_changes_nothing(strategy):
    sku = SkuFactory(code="CS-BP1-BK", stock=5, cost="40.00")
    bring_in(strategy, "stores_sku", workbook(["SKU", "可售库存"], ["CS-BP1-BK", 9]))
    sku.refresh_from_db()
    assert (sku.stock, sku.cost) == (9, 40)


def test_what_would_change_is_shown_before_and_after(strategy):
    SkuFactory(code="CS-BP1-BK", stock=5)
    outcome = judge(strategy, "stores_sku", workbook(["SKU", "可售库存"], ["CS-BP1-BK", 9]))["outcome"]
    assert (outcome.changed, outcome.changes) == (1, [["CS-BP1-BK", [["sellable stock", "5", "9"]]]])


def test_rows_that_say_what_is_known_are_counted_as_unchanged(strategy):
    sku = SkuFactory(code="CS-BP1-BK", stock=5)
    outcome = judge(strategy, "stores_sku", workbook(["SKU", "可售库存"], ["CS-BP1-BK", 5]))["outcome"]
    assert (outcome.new, outcome.changed, outcome.same) == (0, 0, 1)
    assert sku.history.count() == 1


@pytest.mark.parametrize(
    ("cells", "column", "sentence"),
    [
        ({"商品": "NONE"}, "product", "no product with the code “NONE”"),
        ({"商品结构": "随便"}, "assortment mix", "“随便” is none of"),
        ({"启用": "也许"}, "active", "Write yes or no"),
        ({"成本价": "1,299.00"}, "成本价", "thousands comma"),
        ({"成本价": 40.123}, "成本价", "more than two decimals"),
        ({"成本价": 0}, "", "The cost must be above 0"),
        ({"SKU": "CS BP"}, "", "capitals and without blanks"),
        ({"SKU": 6901234567890}, "SKU", "long number"),
        ({"SKU": None}, "SKU", "is empty"),
        ({"可售库存": -3}, "sellable stock", "It is smaller than 0. Check the number."),
    ],
)
def test_a_fault_names_row_and_column_and_nothing_is_stored(
    strategy, brand, product, cells, column, sentence
):
    file = workbook(HEADER, sku_row(), sku_row(SKU="CS-BP1-GR"), sku_row(**({"SKU": "CS-BP1-NV"} | cells)))
    context = judge(strategy, "stores_sku", file)
    fault = context["outcome"].faults[0]
    assert fault.row == 4 and sentence in fault.message and fault.column == column
    refused = strategy.post(reverse("admin:stores_sku_process_import"), {"job": context["job"].pk})
    assert refused.status_code == 302 and Job.objects.count() == 1
    assert not Sku.objects.filter(code="CS-BP1-GR").exists() and not kept_files()


def test_a_file_that_went_wrong_meanwhile_writes_nothing_at_all(strategy, brand, product):
    file = workbook(HEADER, sku_row(), sku_row(SKU="CS-BP1-GR"))
    job = judge(strategy, "stores_sku", file)["job"]
    product.code = "GONE"
    product.save()
    response = confirm(strategy, "stores_sku", job)
    assert len(response.context["outcome"].faults) == 2
    assert not Sku.objects.exists()


def test_a_file_that_would_do_something_else_by_now_writes_nothing_and_says_so(strategy, brand, product):
    bring_in(strategy, "stores_sku", workbook(HEADER, sku_row()))
    job = judge(strategy, "stores_sku", workbook(HEADER, sku_row(可售库存=7)))["job"]
    sku = Sku.objects.get()
    sku.stock += 2
    sku.save()
    jobs.run(ordered(strategy.post(reverse("admin:stores_sku_process_import"), {"job": job.pk})))
    written = Job.objects.filter(kind=WRITE).latest("pk")
    assert written.state == "failed" and "since you looked" in written.error
    assert Sku.objects.get().stock == sku.stock


def test_one_faulty_row_keeps_out_the_right_ones(strategy, brand, product):
    context = judge(
        strategy, "stores_sku", workbook(HEADER, sku_row(), sku_row(SKU="CS-BP1-GR", 商品="NONE"))
    )
    assert len(context["outcome"].faults) == 1
    assert not Sku.objects.exists()


def test_faults_of_cells_and_of_masters_are_told_together(strategy, brand, product):
    file = workbook(HEADER, sku_row(成本价="1,299.00"), sku_row(SKU="CS-BP1-GR", 商品="NONE"))
    faults = judge(strategy, "stores_sku", file)["outcome"].faults
    assert [fault.row for fault in faults] == [2, 3]


def test_a_row_that_is_in_the_file_twice_is_a_fault(strategy, brand, product):
    file = workbook(HEADER, sku_row(), sku_row(SKU="cs-bp1-bk", 可售库存=9))
    faults = judge(strategy, "stores_sku", file)["outcome"].faults
    assert [(fault.row, fault.message) for fault in faults] == [(3, "The same as row 2: keep one of them.")]


def test_nobody_confirms_a_file_that_somebody_else_uploaded(strategy, brand, product, signed_in):
    job = judge(strategy, "stores_sku", workbook(HEADER, sku_row()))["job"]
    other = signed_in(UserFactory(roles=["product_strategy"]))
    assert other.post(reverse("admin:stores_sku_process_import"), {"job": job.pk}).status_code == 404
    assert other.get(reverse("admin:stores_sku_import"), {"job": job.pk}).status_code == 404


def test_a_page_of_another_version_that_confirms_a_file_is_refused_in_words(strategy):
    address = reverse("admin:stores_sku_process_import")
    answer = strategy.post(address, {"stored": "1"}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["refused"]) == (409, NOT_ASKED)


def test_a_file_that_is_confirmed_twice_is_written_once_and_then_cleared_away(strategy, brand, product):
    job = judge(strategy, "stores_sku", workbook(HEADER, sku_row()))["job"]
    assert kept_files()
    for _n in range(2):
        assert confirm(strategy, "stores_sku", job).context["written"]
    assert Job.objects.filter(kind=WRITE).count() == 1
    assert Sku.objects.get().history.count() == 1
    assert not kept_files()


def test_a_right_withdrawn_meanwhile_keeps_a_file_from_being_written(strategy, brand, product):
    job = judge(strategy, "stores_sku", workbook(HEADER, sku_row()))["job"]
    answer = strategy.post(reverse("admin:stores_sku_process_import"), {"job": job.pk})
    strategy.user.groups.clear()
    jobs.run(ordered(answer))
    assert Job.objects.get(kind=WRITE).state == "failed"
    assert not Sku.objects.exists()


def test_an_attempt_that_lost_its_job_writes_nothing(strategy, brand, product):
    job = judge(strategy, "stores_sku", workbook(HEADER, sku_row()))["job"]
    pk = ordered(strategy.post(reverse("admin:stores_sku_process_import"), {"job": job.pk}))
    held = jobs.claim(pk)
    Job.objects.filter(pk=pk).update(attempt=held.attempt + 1)
    with pytest.raises(jobs.LostJob):
        jobs.handler_of(held.job)(held)
    assert not Sku.objects.exists() and kept_files()


def test_an_upload_that_nobody_writes_is_cleared_away_after_a_week(strategy, brand, product):
    judge(strategy, "stores_sku", workbook(HEADER, sku_row()))
    path = default_storage.path(kept_files()[0])
    uploads.clear_uploads()
    assert kept_files()
    os.utime(path, (0, 0))
    uploads.clear_uploads()
    assert not kept_files()


def test_a_file_that_is_none_is_refused_with_a_sentence(strategy):
    response = strategy.post(
        reverse("admin:stores_sku_import"), {"file": SimpleUploadedFile("x.xlsx", b"PK\x03\x04broken")}
    )
    assert response.status_code == 200 and [str(message) for message in response.context["messages"]]


def test_without_a_file_one_is_asked_for(strategy):
    response = strategy.post(reverse("admin:stores_sku_import"))
    assert [str(message) for message in response.context["messages"]] == ["Choose a file."]


def test_a_missing_key_column_is_named(strategy):
    faults = judge(strategy, "stores_sku", workbook(["名称"], ["双肩包"]))["outcome"].faults
    assert "column names" in faults[0].message


def exported(client, model, file_format="xlsx", query=""):
    response = client.get(reverse(f"admin:{model}_export") + f"?format={file_format}{query}")
    assert response.headers["Content-Disposition"].startswith("attachment")
    return response.getvalue()


def test_what_comes_out_goes_in_again_without_change(strategy):
    SkuFactory.create_batch(3)
    file = SimpleUploadedFile("out.xlsx", exported(strategy, "stores_sku"))
    outcome = judge(strategy, "stores_sku", file)["outcome"]
    assert (outcome.faults, outcome.new, outcome.changed, outcome.same) == ([], 0, 0, 3)
    file = SimpleUploadedFile("out.csv", exported(strategy, "stores_sku", "csv"))
    outcome = judge(strategy, "stores_sku", file)["outcome"]
    assert (outcome.faults, outcome.new, outcome.changed, outcome.same) == ([], 0, 0, 3)


def test_text_that_looks_like_a_formula_comes_out_as_text(strategy):
    SkuFactory(name="=1+1")
    cells = load_workbook(io.BytesIO(exported(strategy, "stores_sku"))).active
    header = [cell.value for cell in cells[1]]
    cell = cells.cell(2, header.index("name") + 1)
    assert (cell.data_type, cell.value) == ("s", "=1+1")
    assert "'=1+1" in exported(strategy, "stores_sku", "csv").decode("utf-8-sig")


def test_an_export_follows_search_and_filter(strategy):
    one, other = SkuFactory(code="CS-AAA-BK"), SkuFactory(code="CS-BBB-BK", pool="campaign")
    text = exported(strategy, "stores_sku", "csv", "&q=AAA").decode("utf-8-sig")
    assert one.code in text and other.code not in text
    text = exported(strategy, "stores_sku", "csv", "&pool__exact=campaign").decode("utf-8-sig")
    assert one.code not in text and other.code in text


def test_the_export_page_counts_the_rows_of_the_list(strategy):
    SkuFactory.create_batch(2)
    page = strategy.get(reverse("admin:stores_sku_export"))
    assert page.context["count"] == 2


def test_an_export_costs_as_many_statements_for_thirty_rows_as_for_two(strategy, django_assert_num_queries):
    SkuFactory.create_batch(2)
    exported(strategy, "stores_sku", "csv")
    with django_assert_num_queries(8):
        exported(strategy, "stores_sku", "csv")
    SkuFactory.create_batch(28)
    with django_assert_num_queries(8):
        exported(strategy, "stores_sku", "csv")


def test_cost_columns_are_neither_read_nor_written_for_those_who_do_not_see_costs():
    from stores.resources import SkuResource

    resource = SkuResource(user=UserFactory(roles=["promotion"]))
    assert not {"cost", "cost_as_of", "floor_price"} & set(resource.get_export_order())
    assert not {"cost", "cost_as_of", "floor_price"} & set(resource.get_import_order())


def test_listings_reach_only_the_stores_that_one_may_see():
    from django.utils import timezone

    from staffing.access import sync_store_access
    from stores.resources import ListingResource

    charge = StoreChargeFactory(
        employee=AccountFactory(user=UserFactory(roles=["customer_service"])).employee
    )
    sync_store_access(timezone.localdate())
    own, hidden = ListingFactory(store=charge.store), ListingFactory()
    resource = ListingResource(user=charge.employee.accounts.get().user)
    assert list(resource.get_queryset()) == [own]
    with pytest.raises(ValueError, match="no store with the code"):
        resource.fields["store"].widget.clean(hidden.store.code)


def test_a_listing_is_found_by_sku_and_store(signed_in):
    listing = ListingFactory(sku=SkuFactory(code="CS-BP1-BK"), store=StoreFactory(code="jd-cslr"))
    client = signed_in(roles=["administrator"])
    header = ["SKU", "店铺", "平台商品 ID"]
    bring_in(client, "stores_listing", workbook(header, ["CS-BP1-BK", "jd-cslr", "00123"]))
    listing.refresh_from_db()
    assert listing.platform_item_id == "00123" and Listing.objects.count() == 1


def test_positions_of_one_file_may_report_to_each_other(signed_in):
    DepartmentFactory(code="ec")
    client = signed_in(roles=["hr"])
    header = ["code", "title", "department", "parent"]
    bring_in(
        client,
        "orgchart_position",
        workbook(header, ["lead", "主管", "ec", None], ["clerk", "专员", "ec", "lead"]),
    )
    assert Position.objects.get(code="clerk").parent.code == "lead"


def test_a_file_that_would_make_a_circle_is_refused_whole(signed_in):
    department = DepartmentFactory(code="ec")
    top = PositionFactory(code="top", department=department)
    PositionFactory(code="low", department=department, parent=top)
    client = signed_in(roles=["hr"])
    outcome = judge(client, "orgchart_position", workbook(["code", "parent"], ["top", "low"]))["outcome"]
    assert len(outcome.faults) == 1
    top.refresh_from_db()
    assert top.parent is None


def test_a_file_with_a_second_primary_assignment_says_so_at_its_row(signed_in):
    EmployeeFactory(number="E1"), PositionFactory(code="one"), PositionFactory(code="two")
    client = signed_in(roles=["hr"])
    header = ["employee", "position", "kind", "start"]
    file = workbook(header, ["E1", "one", "本职", "2030-01-01"], ["E1", "two", "本职", date(2030, 2, 1)])
    outcome = judge(client, "staffing_assignment", file)["outcome"]
    assert [(fault.row, fault.message) for fault in outcome.faults] == [
        (3, "This person already has a primary position in that time.")
    ]
    assert not Assignment.objects.exists()
