"""A hiring request walks from a head of department to the signatures that its number of people needs."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from approvals import guards
from approvals.archive import packaging
from approvals.archive.verify import verify_archive
from approvals.flow import transitions
from approvals.models import ArchiveRecord, Document, Task
from approvals.organisation import hiring
from opsadmin.core.models import Notice
from opsadmin.core.refusals import Refusal
from orgchart.models import Position
from tests.factories import AssignmentFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("company")]

PASSWORD = "a-long-enough-password"


@pytest.fixture(autouse=True)
def an_archive_of_its_own(settings, tmp_path):
    settings.ANCHOR_FILE = tmp_path / "anchor" / "checkpoints.jsonl"
    settings.ANCHOR_KEY_FILE = tmp_path / "anchor" / "key.pem"
    settings.MEDIA_ROOT = tmp_path / "media"


def vacant():
    """Return a post of the e-commerce department with one seat and nobody on it."""
    post = Position.objects.get(code="ec-designer")
    post.assignments.all().delete()
    return post


def asked(by, *, wanted=1, position=None, **facts):
    facts = {"note": "空缺半年", "duties": ["主图与详情页"], **facts}
    start = timezone.now() + timedelta(days=30)
    return hiring.create_request(
        by=by, position=position or vacant(), wanted=wanted, effective_from=start, **facts
    )


def submitted(by, **facts):
    document = asked(by, **facts)
    for code in set(guards.unacknowledged(document).values_list("code", flat=True)):
        guards.acknowledge(document.pk, by=by, code=code, reason="旺季前补齐")
    document = Document.objects.get(pk=document.pk)
    transitions.submit(document.pk, by=by, content_hash=document.content_hash)
    return Document.objects.get(pk=document.pk)


def sign(document, by):
    by.set_password(PASSWORD)
    by.save()
    task = Task.objects.get(document=document, state="open", assignee=by)
    content = Document.objects.get(pk=document.pk).content_hash
    return transitions.decide(task.pk, by=by, verdict="sign", password=PASSWORD, content_hash=content)


def test_within_the_plan_hr_signs_and_that_files_it(account, django_capture_on_commit_callbacks):
    document = submitted(account("manager"))
    with django_capture_on_commit_callbacks(execute=True):
        sign(document, account("hr"))
    document.refresh_from_db()
    assert (document.number[:3], document.state) == ("ZP-", "done")
    assert document.hiringrequest.short == 1
    assert Notice.objects.filter(user=account("hr"), key=f"hire:{document.pk}").exists()
    assert verify_archive().differences == []


def test_beyond_the_plan_the_general_manager_signs_too(account):
    document = submitted(account("manager"), wanted=3)
    sign(document, account("hr"))
    assert Document.objects.get(pk=document.pk).state == "in_approval"
    sign(document, account("general"))
    assert Document.objects.get(pk=document.pk).state == "done"


def test_what_hr_asks_for_herself_the_general_manager_decides(account):
    document = submitted(account("hr"))
    assert Task.objects.get(document=document, state="open").assignee == account("general")


def test_requests_for_the_same_post_share_what_the_plan_leaves_open(account):
    submitted(account("manager"))
    second = asked(account("manager"))
    assert list(second.hits.values_list("code", "severity", "limit")) == [("H02", "sign", "0")]


def test_a_closed_post_blocks(account):
    document = asked(account("hr"))
    Position.objects.filter(code="ec-designer").update(status="closed")
    stale = Document.objects.get(pk=document.pk).content_hash
    with pytest.raises(Refusal) as refused:
        transitions.submit(document.pk, by=account("hr"), content_hash=stale)
    assert refused.value.code == "blocked"


def test_a_head_asks_for_the_own_departments_only(account):
    with pytest.raises(PermissionDenied):
        asked(account("manager"), position=Position.objects.get(code="hr-officer"))
    with pytest.raises(PermissionDenied):
        asked(account("service"))


def test_a_request_says_what_the_people_shall_do(account):
    with pytest.raises(Refusal) as refused:
        asked(account("manager"), duties=["  "])
    assert refused.value.code == "duties"


def test_a_granted_request_stays_open_until_the_seats_are_taken(account):
    post = vacant()
    document = submitted(account("manager"), position=post)
    sign(document, account("hr"))
    assert [(one.pk, one.left) for one in hiring.open_requests(post)] == [(document.pk, 1)]
    AssignmentFactory(position=post, start=timezone.localdate())
    assert hiring.open_requests(post) == []


def test_the_package_holds_form_lines_and_signatures(account, tmp_path, django_capture_on_commit_callbacks):
    document = submitted(account("manager"))
    with django_capture_on_commit_callbacks(execute=True):
        sign(document, account("hr"))
    record = ArchiveRecord.objects.get(document=document, kind="filing")
    with open(tmp_path / "package.zip", "wb") as target:
        packaging.write_record(record, target)
    members, _size = packaging.kept_members(record)
    assert (tmp_path / "package.zip").stat().st_size > 10_000
    assert members == [] or {"form.pdf", "lines.xlsx"} <= {member["name"] for member in members}


def test_the_pages_of_a_request_are_shown_to_those_concerned(account, signed_in):
    client = signed_in(account("manager"))
    assert "一个部门" not in client.get("/hiring_requests/new/").content.decode()
    posted = client.post(
        "/hiring_requests/new/",
        {
            "position": vacant().pk,
            "wanted": "1",
            "start": "2030-01-01",
            "note": "空缺",
            "duties": "主图\n详情页",
        },
    )
    assert posted.status_code == 302
    preview = client.get(posted.headers["Location"])
    assert "人事审核签字" in preview.content.decode()
    document = Document.objects.get(kind="hiring_request")
    assert client.get(f"/hiring_requests/{document.pk}/").status_code == 200
    refused = client.post("/hiring_requests/new/", {"wanted": "0"})
    assert refused.status_code == 422
    assert signed_in(account("service")).get(f"/documents/{document.pk}/").status_code == 404
    assert (
        "主图"
        in signed_in(account("general")).get(f"/documents/{document.pk}/", follow=True).content.decode()
    )


def test_the_headcount_board_says_what_is_asked_for_and_lets_ask_who_may(account, client):
    post = vacant()
    new = f"{reverse('admin:hiring_request_new')}?position={post.code}"

    def board(name):
        client.force_login(account(name))
        return client.get(reverse("admin:headcount")).content.decode()

    assert new in board("manager") and new in board("hr") and new not in board("promotion")
    document = submitted(account("manager"))
    link = reverse("admin:document", args=[document.pk])
    assert link in board("manager") and new not in board("manager")
    assert link not in board("promotion")
    sign(document, account("hr"))
    AssignmentFactory(position=post, start=timezone.localdate())
    assert link not in board("manager")
