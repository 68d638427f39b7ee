from opsadmin.core.notices import tell
from tests.factories import UserFactory
from tests.opsadmin.pages import home


def test_a_notice_is_counted_until_it_is_read(signed_in, db):
    client = signed_in(roles=["finance"])
    tell([client.user], "JG-2026-0001 等你归档", url=home("inbox"), key="task:1")
    text = client.get(home("notices")).content.decode()
    assert "JG-2026-0001 等你归档" in text
    assert str(client.get(home()).context_data["notice_count"]) == "1"
    client.get(home("notices"))
    assert client.user.notices.filter(read_at=None).exists()
    client.post(home("notices_read"))
    assert not client.user.notices.filter(read_at=None).exists()


def test_opening_a_notice_reads_it_and_goes_where_it_points(signed_in, db):
    client = signed_in(roles=["finance"])
    tell([client.user], "到期", url=home("inbox"), key="a")
    notice = client.user.notices.get()
    assert client.get(home("notice_open", notice.pk)).status_code == 405
    assert client.post(home("notice_open", notice.pk))["Location"] == home("inbox")
    notice.refresh_from_db()
    assert notice.read_at


def test_a_notice_never_leads_to_another_site(signed_in, db):
    client = signed_in(roles=["finance"])
    tell([client.user], "链接", url="https://example.com/", key="a")
    tell([client.user], "链接", url="//example.com/", key="b")
    for notice in client.user.notices.all():
        assert client.post(home("notice_open", notice.pk))["Location"] == home("notices")


def test_nobody_opens_a_notice_of_another(signed_in, db):
    other = UserFactory(roles=["finance"])
    tell([other], "别人的", url="/", key="a")
    client = signed_in(roles=["finance"])
    assert client.post(home("notice_open", other.notices.get().pk)).status_code == 404
    client.post(home("notices_read"))
    assert other.notices.filter(read_at=None).count() == 1
    assert "别人的" not in client.get(home("notices")).content.decode()


def test_older_notices_stand_on_the_next_page(signed_in, db):
    client = signed_in(roles=["finance"])
    for n in range(55):
        tell([client.user], f"第 {n} 条", url="/", key=str(n))
    first = client.get(home("notices"))
    assert len(first.context_data["rows"]) == 50
    second = client.get(home("notices") + first.context_data["pager"]["next"])
    assert len(second.context_data["rows"]) == 5
    assert client.get(home("notices") + "?before=x").status_code == 200
