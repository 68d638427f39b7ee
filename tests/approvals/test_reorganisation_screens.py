"""The screens of a reorganisation: before and after, people, conflicts, scenarios, and its way through approval."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from approvals.models import Document, Task
from orgchart import changes
from orgchart.models import ChangeSet
from staffing.models import Assignment

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]

PASSWORD = "a-long-enough-password"


def address(name, *args):
    return reverse(f"admin:{name}", args=args)


def text(response):
    return response.content.decode()


@pytest.fixture
def hr(account):
    return account("hr")


@pytest.fixture
def draft(hr):
    """The data post goes under the head of customer service, the graphics post gets another name."""
    day = timezone.localdate() + timedelta(days=20)
    change_set = changes.draft_set(by=hr, title="二阶段分岗", effective_on=day, reason="管理幅度过大")
    changes.add_item(change_set, "position", "ec-data", "set", {"parent": "ec-service-lead"}, by=hr)
    changes.add_item(change_set, "position", "ec-visual", "set", {"title": "视觉效果"}, by=hr)
    return change_set


def test_the_page_shows_both_trees_people_and_figures(signed_in, hr, draft):
    shown = text(signed_in(hr).get(address("org_change_set", draft.pk)))
    for word in ("移动", "改名", "视觉效果", "受影响的人", "最大管理幅度", "总经理签字"):
        assert word in shown
    held = Assignment.objects.filter(position__code="ec-data").first()
    assert held.employee.name in shown
    listed = text(signed_in(hr).get(address("org_change_set", draft.pk) + "?view=list"))
    assert "电子商务部经理 → 客服主管" in listed


def test_a_conflict_is_settled_item_by_item(signed_in, hr, draft):
    changes.apply_now([changes.wanted("position", "ec-visual", "set", {"title": "效果图"})], by=hr)
    client = signed_in(hr)
    shown = text(client.get(address("org_change_set", draft.pk)))
    assert "1 项冲突未处理" in shown
    assert "用线上：效果图" in shown
    item = draft.items.get(key="ec-visual")
    assert (
        client.post(address("org_change_set_item", draft.pk, item.pk), {"choice": "odd"}).status_code == 404
    )
    client.post(address("org_change_set_item", draft.pk, item.pk), {"choice": "live"})
    assert "项冲突未处理" not in text(client.get(address("org_change_set", draft.pk)))
    item.refresh_from_db()
    assert item.left_out


def test_it_goes_from_the_draft_to_the_general_managers_signature(signed_in, account, hr, draft):
    client = signed_in(hr)
    preview = client.post(address("org_change_set_approval", draft.pk), follow=True)
    assert "总经理签字" in text(preview)
    document = Document.objects.get(kind="reorganisation")
    client.post(address("document_submit", document.pk), {"content_hash": document.content_hash})
    document.refresh_from_db()
    assert document.state == "in_approval"
    assert "撤回" in text(client.get(address("org_change_set", draft.pk)))
    general = account("general")
    general.set_password(PASSWORD)
    general.save()
    client = signed_in(general)
    task = Task.objects.get(document=document, state="open")
    assert "二阶段分岗" in text(client.get(address("inbox")))
    review = text(client.get(address("review", task.pk)))
    assert "前后对比" in review
    assert "受影响的人" in review
    client.post(
        address("review_decide", task.pk),
        {"verdict": "sign", "password": PASSWORD, "content_hash": document.content_hash},
    )
    document.refresh_from_db()
    draft.refresh_from_db()
    assert (document.state, draft.state) == ("filed", "scheduled")
    assert "前后对比" in text(client.get(address("document", document.pk)))
    assert document.archive_number in text(client.get(address("archive") + "?kind=reorganisation"))


def test_a_set_that_was_closed_on_the_chart_still_gets_its_document(signed_in, hr, draft):
    changes.submit(draft, by=hr)
    client = signed_in(hr)
    assert address("org_change_set_approval", draft.pk) in text(
        client.get(address("org_change_set", draft.pk))
    )
    client.post(address("org_change_set_approval", draft.pk))
    assert Document.objects.get(kind="reorganisation").state == "draft"


def test_two_drafts_stand_beside_each_other(signed_in, hr, draft):
    client = signed_in(hr)
    beside = client.post(address("org_change_set_copy", draft.pk), follow=True)
    scenario = ChangeSet.objects.get(scenario=True)
    assert scenario.items.count() == 2
    assert scenario.title in text(beside)
    refused = client.post(address("org_change_set_approval", scenario.pk), follow=True)
    assert not Document.objects.filter(kind="reorganisation").exists()
    assert refused.status_code < 500


def test_the_list_is_empty_first_and_then_names_the_drafts(signed_in, hr, account):
    client = signed_in(hr)
    assert "这里还没有组织调整" in text(client.get(address("reorganisations")))
    bad = client.post(address("reorganisation_new"), {"title": " "})
    assert bad.status_code == 422
    client.post(address("reorganisation_new"), {"title": "旺季编制", "effective_on": "2030-01-01"})
    assert "旺季编制" in text(client.get(address("reorganisations")))


def test_who_does_not_edit_reads_only_and_others_find_nothing(signed_in, account, draft):
    page = text(signed_in(account("general")).get(address("org_change_set", draft.pk)))
    assert "你可以看，不能改" in page
    assert address("org_change_set_approval", draft.pk) not in page
    client = signed_in(account("service"))
    assert client.get(address("org_change_set", draft.pk)).status_code == 404
    assert client.get(address("reorganisations")).status_code == 404
    manager = signed_in(account("general"))
    assert manager.post(address("org_change_set_edit", draft.pk), {"title": "x"}).status_code == 403
    assert manager.post(address("org_change_set_discard", draft.pk)).status_code == 403


def test_a_draft_is_given_up_with_its_document(signed_in, hr, draft):
    client = signed_in(hr)
    client.post(address("org_change_set_approval", draft.pk))
    client.post(address("org_change_set_discard", draft.pk))
    draft.refresh_from_db()
    assert draft.state == "withdrawn"
    assert Document.objects.get(kind="reorganisation").state == "cancelled"
    assert client.get(address("org_change_set", draft.pk)).status_code == 200


def test_the_list_costs_the_same_for_any_number_of_sets(signed_in, hr, draft, django_assert_max_num_queries):
    for number in range(8):
        changes.draft_set(by=hr, title=f"草稿{number}")
    client = signed_in(hr)
    with django_assert_max_num_queries(25):
        client.get(address("reorganisations"))
