import pytest

from stores.models import Sku
from tests.factories import SkuFactory, UserFactory
from tests.opsadmin.documents import price_list
from tests.opsadmin.pages import home


@pytest.fixture
def strategist(db):
    return UserFactory(roles=["product_strategy"])


def found(client, text):
    return client.get(home("search"), {"q": text})


def test_words_of_a_title_and_the_beginning_of_a_number_find_a_document(signed_in, strategist):
    price_list("JG-2026-0148", by=strategist, title="双12 预热价格表")
    client = signed_in(roles=["ecommerce_manager"])
    for text in ("预热", "jg-2026-01", "JG-2026"):
        assert "双12 预热价格表" in found(client, text).content.decode()


def test_a_whole_number_opens_its_document(signed_in, strategist):
    document = price_list("JG-2026-0148", by=strategist)
    client = signed_in(roles=["ecommerce_manager"])
    assert found(client, " jg-2026-0148 ")["Location"] == home("document", document.pk)


def test_what_one_may_not_see_is_not_found(signed_in, strategist):
    price_list("JG-2026-0148", by=strategist, title="双12 预热价格表")
    SkuFactory(code="CS-00001-BK", name="保温杯")
    stranger = signed_in(roles=["promotion"])
    assert "双12" not in found(stranger, "预热").content.decode()
    assert found(stranger, "JG-2026-0148").status_code == 200
    people = signed_in(roles=["hr"])
    assert "CS-00001-BK" not in found(people, "保温杯").content.decode()


def test_goods_are_found_by_code_and_name_and_lead_to_their_price(signed_in, db):
    SkuFactory(code="CS-00001-BK", name="轻量双肩包 22L 墨黑")
    client = signed_in(roles=["customer_service"])
    for text in ("cs-00001", "双肩包"):
        text = found(client, text).content.decode()
        assert "CS-00001-BK" in text
        assert f"{home('price_trace')}?sku=CS-00001-BK" in text


def test_more_than_ten_are_not_listed(signed_in, db):
    SkuFactory.create_batch(12, name="杯子")
    response = found(signed_in(roles=["finance"]), "杯子")
    assert len(response.context_data["found"]["goods"]["rows"]) == 10
    assert "按编码前 10 个" in response.content.decode()
    assert Sku.objects.count() == 12


@pytest.mark.parametrize("text", ["", "   ", "%", "_", "\\", "'", "\x00", "<script>", "没有这个", "x" * 5000])
def test_no_text_breaks_the_search(signed_in, db, text):
    response = found(signed_in(roles=["finance"]), text)
    assert response.status_code == 200
    assert "<script>" not in response.content.decode()


def test_the_search_costs_the_same_whatever_it_finds(signed_in, strategist, django_assert_max_num_queries):
    for n in range(15):
        price_list(f"JG-2026-{n:04}", by=strategist, title="秋季")
    SkuFactory.create_batch(12, name="秋季")
    client = signed_in(roles=["ecommerce_manager"])
    with django_assert_max_num_queries(25):
        assert found(client, "秋季").status_code == 200
