"""A reorganisation walks from HR's draft to the day on which it changes the organisation."""

from datetime import datetime, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from approvals import guards
from approvals.archive.verify import verify_archive
from approvals.flow import transitions
from approvals.models import ArchiveRecord, Document, Flow, FlowStep, FlowVersion, Reorganisation, Task
from approvals.organisation import reorganising
from opsadmin.core.models import Notice
from opsadmin.core.refusals import Refusal
from orgchart import changes
from orgchart.models import ChangeSet, OrgVersion, Position
from tests.approvals import world as w
from tests.factories import AssignmentFactory, DepartmentFactory, PositionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def an_archive_of_its_own(settings, tmp_path):
    settings.ANCHOR_FILE = tmp_path / "anchor" / "checkpoints.jsonl"
    settings.ANCHOR_KEY_FILE = tmp_path / "anchor" / "key.pem"
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(scope="module")
def made_world(rolled_back):
    world = w.make_world(goods=0)
    flow = Flow.objects.create(code="reorganisation", name="组织调整流程", kind="reorganisation")
    version = FlowVersion.objects.create(flow=flow, number=1)
    FlowStep.objects.create(
        version=version,
        order=1,
        kind="sign",
        name="总经理签字",
        assignee_kind="role",
        assignee="general_manager",
    )
    version.state = "in_use"
    version.save()
    return world


@pytest.fixture
def team():
    """A head, a lead below the head, and a post that reports to the head; all held."""
    department = DepartmentFactory()
    head = PositionFactory(code="head", title="经理", department=department, head=True)
    lead = PositionFactory(code="lead", title="主管", department=department, parent=head)
    post = PositionFactory(code="post", title="专员", department=department, parent=head)
    for position in (head, lead):
        AssignmentFactory(position=position)
    return head, lead, post


def draft(world, day, items=None):
    """Return a set that puts the post under the lead and renames it."""
    change_set = changes.draft_set(by=world["hr"], title="分岗", effective_on=day, reason="管理幅度过大")
    for values in items or [{"parent": "lead", "title": "运营专员"}]:
        changes.add_item(change_set, "position", "post", "set", values, by=world["hr"])
    return change_set


def submitted(world, change_set):
    document = reorganising.document_for(change_set, by=world["hr"])
    for code in set(guards.unacknowledged(document).values_list("code", flat=True)):
        guards.acknowledge(document.pk, by=world["hr"], code=code, reason="已安排")
    document = Document.objects.get(pk=document.pk)
    transitions.submit(document.pk, by=world["hr"], content_hash=document.content_hash)
    return Document.objects.get(pk=document.pk)


def decide(world, document, verdict="sign", **kwargs):
    task = Task.objects.get(document=document, state="open")
    if verdict == "sign":
        kwargs["password"] = w.PASSWORD
    content = Document.objects.get(pk=document.pk).content_hash
    return transitions.decide(
        task.pk, by=world["general_manager"], verdict=verdict, content_hash=content, **kwargs
    )


def refused(code, action, *args, **kwargs):
    with pytest.raises(Refusal) as caught:
        action(*args, **kwargs)
    assert caught.value.code == code, caught.value
    return str(caught.value)


def today():
    return timezone.localdate()


def test_the_last_signature_files_it_and_schedules_its_set(world, team):
    change_set = draft(world, today() + timedelta(days=20))
    document = submitted(world, change_set)
    change_set.refresh_from_db()
    assert (document.number[:3], document.state, change_set.state) == ("ZZ-", "in_approval", "review")
    decide(world, document)
    document.refresh_from_db()
    change_set.refresh_from_db()
    assert (document.state, change_set.state) == ("filed", "scheduled")
    assert ArchiveRecord.objects.get(document=document).number == document.archive_number
    assert Position.objects.get(code="post").title == "专员"


def test_what_was_filed_for_a_day_is_applied_on_it_once_and_then_done(
    world, team, monkeypatch, django_capture_on_commit_callbacks
):
    AssignmentFactory(position=team[2])
    document = submitted(world, draft(world, today() + timedelta(days=2)))
    with django_capture_on_commit_callbacks(execute=True):
        decide(world, document)
    day = today() + timedelta(days=2)
    noon = timezone.make_aware(datetime.combine(day, time(12)))
    monkeypatch.setattr(timezone, "now", lambda: noon)
    with django_capture_on_commit_callbacks(execute=True):
        (version,) = changes.apply_due(day)
    with django_capture_on_commit_callbacks(execute=True):
        assert changes.apply_due(day) == []
    post = Position.objects.get(code="post")
    assert (post.title, post.parent.code) == ("运营专员", "lead")
    assert version.snapshots.exists()
    document.refresh_from_db()
    assert document.state == "done"
    closing = ArchiveRecord.objects.get(document=document, kind="closing")
    assert closing.number == f"{document.archive_number}/1"
    assert verify_archive().differences == []


def test_a_day_that_has_come_is_applied_by_the_signature_itself(
    world, team, django_capture_on_commit_callbacks
):
    person = world["promotion"].account.employee
    AssignmentFactory(position=team[2], employee=person, start=today() - timedelta(days=30))
    document = submitted(world, draft(world, today()))
    with django_capture_on_commit_callbacks(execute=True):
        decide(world, document)
    document.refresh_from_db()
    assert document.state == "done"
    assert Position.objects.get(code="post").parent.code == "lead"
    assert OrgVersion.objects.filter(change_set__reorganisation=document.pk).count() == 1
    told = Notice.objects.get(user=world["promotion"], key__startswith="orgchange:")
    assert "经理" in told.text
    assert "主管" in told.text
    assert verify_archive().differences == []


def test_hr_cannot_sign_what_hr_submitted(world, team):
    world["hr"].groups.add(*world["general_manager"].groups.all())
    document = submitted(world, draft(world, today() + timedelta(days=9)))
    task = Task.objects.get(document=document, state="open")
    assert task.assignee == world["general_manager"]
    with pytest.raises(PermissionDenied):
        transitions.decide(
            task.pk,
            by=world["hr"],
            verdict="sign",
            password=w.PASSWORD,
            content_hash=document.content_hash,
        )


def test_the_sealed_lines_are_the_items(world, team):
    change_set = draft(world, today() + timedelta(days=9), [{"parent": "lead"}, {"title": "运营专员"}])
    changes.resolve(change_set.items.last(), keep_live=True, by=world["hr"])
    document = submitted(world, change_set)
    lines = Reorganisation.objects.get(pk=document.pk).lines.order_by("row_no")
    assert [(line.entity, line.key, line.op, line.before, line.after, line.struck) for line in lines] == [
        ("position", "post", "set", '{"parent":"head"}', '{"parent":"lead"}', False),
        ("position", "post", "set", '{"title":"专员"}', '{"title":"运营专员"}', True),
    ]
    assert "经理 → 主管" in lines[0].words


def test_a_conflict_stops_the_submission_and_the_rest_can_go_on(world, team):
    change_set = draft(world, today() + timedelta(days=9), [{"parent": "lead"}, {"title": "运营专员"}])
    changes.apply_now([changes.wanted("position", "post", "set", {"title": "数据专员"})], by=world["hr"])
    document = reorganising.document_for(change_set, by=world["hr"])
    document = Document.objects.get(pk=document.pk)
    assert document.block_count == 1
    refused("blocked", transitions.submit, document.pk, by=world["hr"], content_hash=document.content_hash)
    changes.resolve(change_set.items.last(), keep_live=True, by=world["hr"])
    document = submitted(world, change_set)
    decide(world, document)
    assert Document.objects.get(pk=document.pk).state == "filed"


def test_the_signature_is_refused_where_the_live_organisation_has_moved_on(world, team):
    change_set = draft(world, today() + timedelta(days=9))
    document = submitted(world, change_set)
    changes.apply_now([changes.wanted("position", "post", "set", {"title": "数据专员"})], by=world["hr"])
    refused("blocked", decide, world, document)
    change_set.refresh_from_db()
    assert (Document.objects.get(pk=document.pk).state, change_set.state) == ("in_approval", "review")
    decide(world, document, "send_back", comment="名称已改")
    change_set.refresh_from_db()
    assert (Document.objects.get(pk=document.pk).state, change_set.state) == ("sent_back", "draft")
    changes.resolve(change_set.items.get(), keep_live=False, by=world["hr"])
    decide(world, submitted(world, change_set))
    assert Document.objects.get(pk=document.pk).state == "filed"


def test_the_submitter_takes_it_back_and_changes_it_again(world, team):
    change_set = draft(world, today() + timedelta(days=9))
    document = submitted(world, change_set)
    transitions.withdraw(document.pk, by=world["hr"])
    change_set.refresh_from_db()
    assert (Document.objects.get(pk=document.pk).state, change_set.state) == ("draft", "draft")
    changes.add_item(change_set, "position", "post", "set", {"plan_max": 3}, by=world["hr"])
    stale = Document.objects.get(pk=document.pk).content_hash
    refused("stale", transitions.submit, document.pk, by=world["hr"], content_hash=stale)
    transitions.cancel(document.pk, by=world["hr"])
    change_set.refresh_from_db()
    assert change_set.state == "withdrawn"


def test_a_scenario_and_a_set_without_a_day_are_not_submitted(world, team):
    change_set = draft(world, None)
    refused("no_day", reorganising.document_for, change_set, by=world["hr"])
    ChangeSet.objects.filter(pk=change_set.pk).update(scenario=True, effective_on=today())
    refused("scenario", reorganising.document_for, change_set, by=world["hr"])
    with pytest.raises(PermissionDenied):
        reorganising.document_for(change_set, by=world["finance"])


def test_a_vacant_new_superior_needs_a_reason(world, team):
    vacant = PositionFactory(code="vacant", title="运营主管", department=team[0].department)
    document = reorganising.document_for(draft(world, today(), [{"parent": vacant.code}]), by=world["hr"])
    assert list(document.hits.values_list("code", "measured")) == [("R05", "运营主管")]


def names_report(superior, report):
    return changes.wanted("link", None, "create", {"from": superior, "kind": "reports_named", "to": report})


def test_a_change_that_makes_a_blocking_finding_is_not_submitted(world, team):
    change_set = draft(world, today() + timedelta(days=9))
    changes.add_items(change_set, [names_report("head", "post")], by=world["hr"])
    document = Document.objects.get(pk=reorganising.document_for(change_set, by=world["hr"]).pk)
    hit = document.hits.get(severity="block")
    assert (hit.code, hit.variant, hit.witness["words"]) == ("R06", "two_superiors", "运营专员")
    refused("blocked", transitions.submit, document.pk, by=world["hr"], content_hash=document.content_hash)


def test_a_change_that_makes_one_together_with_what_is_live_meanwhile_is_not_signed(world, team):
    document = submitted(world, draft(world, today() + timedelta(days=9)))
    changes.apply_now([names_report("head", "post")], by=world["hr"])
    refused("blocked", decide, world, document)
    assert Document.objects.get(pk=document.pk).state == "in_approval"


def test_a_blocking_finding_that_stands_already_stops_no_other_change(world, team):
    changes.apply_now([names_report("lead", "post")], by=world["hr"])
    document = submitted(world, draft(world, today() + timedelta(days=9), [{"title": "运营专员"}]))
    assert (document.state, document.block_count) == ("in_approval", 0)


@pytest.mark.parametrize(("tentative", "blocks"), [(True, 0), (False, 1)])
def test_guessed_posts_become_approved_headcount_only_once_they_are_confirmed(
    world, team, signed_in, tentative, blocks
):
    change_set = draft(world, today() + timedelta(days=9))
    guess = {"title": "客服", "department": team[0].department.code, "parent": "lead", "guessed": True}
    plan = {"plan_min": 1, "plan_max": 2, "tentative": tentative}
    changes.add_item(change_set, "position", "guess", "create", guess | plan, by=world["hr"])
    document = reorganising.document_for(change_set, by=world["hr"])
    assert document.hits.filter(code="R07", severity="block").count() == blocks
    client = signed_in(world["hr"])
    page = reverse("admin:org_change_set", args=[change_set.pk])
    assert ("确认这些岗位" in client.get(page).content.decode()) == bool(blocks)
    if blocks:
        refused(
            "blocked", transitions.submit, document.pk, by=world["hr"], content_hash=document.content_hash
        )
        client.post(reverse("admin:org_change_set_confirm", args=[change_set.pk]))
    assert submitted(world, change_set).state == "in_approval"


def test_filed_lines_never_change(world, team):
    document = submitted(world, draft(world, today() + timedelta(days=9)))
    decide(world, document)
    own = Reorganisation.objects.get(pk=document.pk)
    for write in (lambda: own.lines.update(words=""), lambda: own.lines.all().delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


def test_a_set_that_was_changed_after_filing_is_found(world, team, django_capture_on_commit_callbacks):
    change_set = draft(world, today() + timedelta(days=9))
    with django_capture_on_commit_callbacks(execute=True):
        decide(world, submitted(world, change_set))
    assert verify_archive().differences == []
    with connection.cursor() as cursor:
        cursor.execute(
            'UPDATE orgchart_changeitem SET after = \'{"title": "x"}\' WHERE change_set_id = %s',
            [change_set.pk],
        )
    assert [found.number for found in verify_archive().differences] == [ArchiveRecord.objects.get().number]
