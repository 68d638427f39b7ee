"""How a document walks its flow: who is asked, what is refused, and what every decision leaves behind."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from approvals import drafts, guards
from approvals.content import content_hash
from approvals.flow import routing, transitions
from approvals.models import Decision, Document, Event, FlowStep, LineChange, PriceLine, Task
from approvals.tasks import check_deadlines
from opsadmin.core.models import Notice
from opsadmin.core.refusals import Refusal
from staffing.models import Assignment, Delegation
from tests.approvals import world as w
from tests.factories import AssignmentFactory, UserFactory

pytestmark = pytest.mark.django_db


def fresh(document):
    return Document.objects.get(pk=document.pk)


def refused(code, action, *args, **kwargs):
    """Run an action that must be refused with this code and return its sentence."""
    with pytest.raises(Refusal) as caught:
        action(*args, **kwargs)
    assert caught.value.code == code, caught.value
    return str(caught.value)


def test_a_price_list_goes_from_draft_to_done_when_every_store_has_its_receipt(world):
    document = w.submitted(world)
    w.sign(world, document)
    w.file(world, document)
    assert fresh(document).state == "filed"
    w.complete(world, document)
    w.carry_out(world, document, world.stores[0])
    assert fresh(document).state == "filed"
    w.carry_out(world, document, world.stores[1])
    assert fresh(document).state == "done"


def test_the_preview_names_the_people_who_are_asked_afterwards(world):
    document = w.draft_price_list(world, ["95"])
    w.explain_all(document, by=world["product_strategy"])
    shown = [
        (step.name, {task.user.pk for task in step.tasks})
        for step in routing.preview(document)
        if step.needed
    ]
    process = transitions.submit(
        document.pk, by=world["product_strategy"], content_hash=document.content_hash
    )
    asked = {step.name: set(step.tasks.values_list("assignee", flat=True)) for step in process.steps.all()}
    assert all(asked[name] == people for name, people in shown)


def test_a_vacant_post_is_reported_before_submission_and_stops_it(world):
    document = w.draft_price_list(world, ["95"])
    Assignment.objects.update(end=timezone.localdate(), start=timezone.localdate() - timedelta(days=9))
    step = routing.preview(document)[0]
    assert "nobody" in step.problem or "审核签字" in step.problem
    w.explain_all(document, by=world["product_strategy"])
    refused(
        "route",
        transitions.submit,
        document.pk,
        by=world["product_strategy"],
        content_hash=document.content_hash,
    )
    assert fresh(document).state == "draft"


def test_a_vacant_post_falls_to_the_fallback_of_the_step(world):
    w.make_flow("price_list", with_campaign=True, fallback_kind="role", fallback="general_manager")
    Assignment.objects.all().delete()
    document = w.submitted(world)
    assert w.open_task(document).assignee == world["general_manager"]


def test_a_conditional_signature_is_asked_only_when_a_hit_needs_it(world):
    calm = w.submitted(world, ["95"])
    w.sign(world, calm)
    assert w.open_task(calm).step.kind == "file"
    assert Event.objects.filter(document=calm, kind="skipped", data__reason="not_needed").exists()
    bold = w.submitted(world, ["65"])
    w.sign(world, bold)
    assert w.open_task(bold).assignee == world["general_manager"]


def test_what_the_manager_changes_in_review_adds_the_higher_signature(world):
    document = w.submitted(world, ["95", "95"])
    line = PriceLine.objects.filter(document=document.pk).first()
    task = w.open_task(document)
    transitions.change_line(
        task.pk,
        by=world["ecommerce_manager"],
        line_pk=line.pk,
        version=line.version,
        final_price=Decimal("65"),
    )
    guards.acknowledge(document.pk, by=world["ecommerce_manager"], code="G08", reason="清仓")
    w.explain_all(fresh(document), by=world["ecommerce_manager"])
    w.sign(world, document)
    assert w.open_task(document).assignee == world["general_manager"]
    change = LineChange.objects.get(document=document, field="final_price")
    assert (change.old, change.new, change.actor) == ("95.00", "65", world["ecommerce_manager"])


def test_a_digit_slip_made_in_review_stops_the_signature(world):
    document = w.submitted(world, ["95", "95"])
    line = PriceLine.objects.filter(document=document.pk).first()
    transitions.change_line(
        w.open_task(document).pk,
        by=world["ecommerce_manager"],
        line_pk=line.pk,
        version=line.version,
        final_price=Decimal("9.50"),
    )
    refused("blocked", w.sign, world, document)


def test_a_line_edited_by_somebody_else_meanwhile_is_not_overwritten(world):
    document = w.submitted(world, ["95"])
    line = PriceLine.objects.get(document=document.pk)
    task = w.open_task(document)
    edit = {"by": world["ecommerce_manager"], "line_pk": line.pk, "version": line.version}
    transitions.change_line(task.pk, final_price=Decimal("96"), **edit)
    refused("edited", transitions.change_line, task.pk, final_price=Decimal("97"), **edit)
    line.refresh_from_db()
    assert line.final_price == Decimal("96")


def test_a_struck_line_needs_a_reason_and_leaves_the_document(world):
    document = w.submitted(world, ["95", "96"])
    line = PriceLine.objects.filter(document=document.pk).first()
    edit = {"by": world["ecommerce_manager"], "line_pk": line.pk, "version": line.version}
    refused("invalid", transitions.change_line, w.open_task(document).pk, struck=True, **edit)
    transitions.change_line(w.open_task(document).pk, struck=True, strike_reason="缺货", **edit)
    w.sign(world, document)
    w.file(world, document)
    assert fresh(document).summary["kept"] == 1
    follow_up = drafts.follow_up(document.pk, by=world["product_strategy"])
    assert [kept.sku_code for kept in follow_up.lines.all()] == [line.sku_code]


def test_nobody_decides_on_what_he_or_she_drafted(world):
    world["ecommerce_manager"].groups.add(*world["product_strategy"].groups.all())
    document = w.draft_price_list(world, ["95"], by=world["ecommerce_manager"])
    assert routing.preview(document)[0].problem
    w.explain_all(document, by=world["product_strategy"])
    refused(
        "route",
        transitions.submit,
        document.pk,
        by=world["product_strategy"],
        content_hash=document.content_hash,
    )


def test_a_second_account_of_the_drafter_cannot_decide_either(world):
    second = UserFactory(roles=["product_strategy"])
    second.account = type(world["ecommerce_manager"].account).objects.create(
        user=second, employee=world["ecommerce_manager"].account.employee
    )
    document = w.draft_price_list(world, ["95"], by=second)
    assert routing.preview(document)[0].problem


def test_a_delegate_acts_for_the_absent_and_the_decision_says_so(world):
    deputy = w.person("deputy", ["ecommerce_manager"], world.manager_position.department)
    today = timezone.localdate()
    Delegation.objects.create(
        principal=world["ecommerce_manager"].account.employee,
        delegate=deputy.account.employee,
        start=today,
        end=today + timedelta(days=3),
    )
    world.people["deputy"] = deputy
    document = w.submitted(world)
    decision = w.sign(world, document, role="deputy")
    assert (decision.actor, decision.acting_for) == (deputy, "ecommerce_manager")


def test_the_signature_is_bound_to_the_content_that_was_shown(world):
    document = w.submitted(world)
    shown = document.content_hash
    line = PriceLine.objects.filter(document=document.pk).first()
    task = w.open_task(document)
    transitions.change_line(
        task.pk, by=world["ecommerce_manager"], line_pk=line.pk, version=1, final_price=Decimal("94")
    )
    transitions.mark_looked(task.pk, by=world["ecommerce_manager"], lines=99)
    stale = {
        "by": world["ecommerce_manager"],
        "verdict": "sign",
        "password": w.PASSWORD,
        "content_hash": shown,
    }
    refused("stale", transitions.decide, task.pk, **stale)
    assert not Decision.objects.exists()


def test_saving_a_line_without_a_change_keeps_the_digest(world):
    document = w.submitted(world)
    line = PriceLine.objects.filter(document=document.pk).first()
    transitions.change_line(
        w.open_task(document).pk,
        by=world["ecommerce_manager"],
        line_pk=line.pk,
        version=line.version,
        final_price=line.final_price,
    )
    assert content_hash(document) == document.content_hash == fresh(document).content_hash


def test_a_signature_needs_the_password_again(world):
    document = w.submitted(world)
    task = w.open_task(document)
    transitions.mark_looked(task.pk, by=world["ecommerce_manager"], lines=99)
    for password in (None, "", "wrong"):
        refused(
            "password",
            transitions.decide,
            task.pk,
            by=world["ecommerce_manager"],
            verdict="sign",
            content_hash=document.content_hash,
            password=password,
        )


def test_the_must_look_lines_have_to_be_seen_before_a_signature(world):
    document = w.submitted(world, ["65"])
    task = w.open_task(document)
    refused("unseen", transitions.mark_looked, task.pk, by=world["ecommerce_manager"], lines=0)
    refused(
        "unseen",
        transitions.decide,
        task.pk,
        by=world["ecommerce_manager"],
        verdict="sign",
        content_hash=document.content_hash,
        password=w.PASSWORD,
    )


def test_the_second_click_is_told_what_was_already_decided(world):
    document = w.submitted(world)
    task = w.open_task(document)
    w.sign(world, document)
    sentence = refused(
        "decided",
        transitions.decide,
        task.pk,
        by=world["ecommerce_manager"],
        verdict="sign",
        content_hash=document.content_hash,
        password=w.PASSWORD,
    )
    assert Decision.objects.filter(document=document).count() == 1
    assert timezone.localtime().strftime("%Y-%m-%d") in sentence


def test_only_the_assignee_decides(world):
    document = w.submitted(world)
    for role in ("general_manager", "product_strategy", "administrator", "auditor"):
        with pytest.raises(PermissionDenied):
            transitions.decide(
                w.open_task(document).pk,
                by=world[role],
                verdict="sign",
                content_hash=document.content_hash,
                password=w.PASSWORD,
            )


def test_who_loses_the_post_is_refused_on_the_next_request_and_the_new_holder_is_asked(world):
    document = w.submitted(world)
    today = timezone.localdate()
    Assignment.objects.update(start=today - timedelta(days=9), end=today)
    with pytest.raises(PermissionDenied):
        w.sign(world, document)
    successor = w.person("successor", ["ecommerce_manager"], world.manager_position.department)
    AssignmentFactory(employee=successor.account.employee, position=world.manager_position)
    check_deadlines()
    assert w.open_task(document).assignee == successor


def test_a_right_withdrawn_is_refused_on_the_next_request(world):
    document = w.submitted(world)
    world["ecommerce_manager"].groups.clear()
    world.people["ecommerce_manager"] = type(world["ecommerce_manager"]).objects.get(
        pk=world["ecommerce_manager"].pk
    )
    with pytest.raises(PermissionDenied):
        w.sign(world, document)


def test_sending_back_needs_a_comment_and_opens_the_document_for_its_drafter(world):
    document = w.submitted(world)
    task = w.open_task(document)
    back = {"by": world["ecommerce_manager"], "verdict": "send_back", "content_hash": document.content_hash}
    refused("comment", transitions.decide, task.pk, **back)
    transitions.decide(task.pk, comment="成本请重核", **back)
    assert fresh(document).state == "sent_back"
    assert Notice.objects.filter(user=world["product_strategy"], text__contains="成本请重核").exists()


def test_a_new_round_shows_only_what_changed_since_the_last_decision(world):
    document = w.submitted(world, ["95", "96", "97"])
    transitions.decide(
        w.open_task(document).pk,
        by=world["ecommerce_manager"],
        verdict="send_back",
        content_hash=document.content_hash,
        comment="第一行请改",
    )
    PriceLine.objects.filter(document=document.pk, row_no=1).update(final_price=Decimal("94"))
    again = w.check(document)
    w.explain_all(again, by=world["product_strategy"])
    transitions.submit(again.pk, by=world["product_strategy"], content_hash=again.content_hash)
    assert fresh(document).round == 2
    assert fresh(document).summary["round"] == {"changed": 1, "same": 2}


def test_the_submitter_withdraws_until_the_first_decision(world):
    document = w.submitted(world)
    with pytest.raises(PermissionDenied):
        transitions.withdraw(document.pk, by=world["ecommerce_manager"])
    transitions.withdraw(document.pk, by=world["product_strategy"])
    assert fresh(document).state == "draft"
    assert not Task.objects.filter(document=document, state="open").exists()
    again = w.submitted(world, ["99"])
    w.sign(world, again)
    refused("decided", transitions.withdraw, again.pk, by=world["product_strategy"])


def test_a_blocking_hit_or_a_missing_reason_stops_submission(world):
    document = w.draft_price_list(world, ["9.50"])
    go = {"by": world["product_strategy"], "content_hash": document.content_hash}
    refused("blocked", transitions.submit, document.pk, **go)
    document = w.draft_price_list(world, ["85"])
    go["content_hash"] = document.content_hash
    refused("unacknowledged", transitions.submit, document.pk, **go)
    empty = w.draft_price_list(world, [])
    go["content_hash"] = empty.content_hash
    refused("empty", transitions.submit, empty.pk, **go)


def test_decisions_events_and_receipts_take_insert_only(world):
    document = w.submitted(world)
    w.sign(world, document)
    for statement in (
        "UPDATE approvals_decision SET comment = 'x'",
        "DELETE FROM approvals_decision",
        "UPDATE approvals_event SET kind = 'x'",
        "DELETE FROM approvals_event",
    ):
        with (
            pytest.raises(IntegrityError, match="INSERT only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_a_flow_version_in_use_never_changes(world):
    step = FlowStep.objects.first()
    step.name = "别的名字"
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        step.save()


def test_a_decision_keeps_name_position_and_department_of_its_day(world):
    document = w.submitted(world)
    decision = w.sign(world, document)
    world.manager_position.title = "改名后的岗位"
    world.manager_position.save()
    decision.refresh_from_db()
    assert (decision.actor_position, decision.actor_department) == ("电子商务部经理", "电子商务部")


def test_comments_reach_the_people_of_the_document_and_only_readers_may_write_them(world):
    document = w.submitted(world)
    comment = transitions.add_comment(document.pk, by=world["product_strategy"], text="成本已附")
    assert Notice.objects.filter(user=world["ecommerce_manager"], key=f"comment:{comment.pk}").exists()
    with pytest.raises(PermissionDenied):
        transitions.add_comment(document.pk, by=world["customer_service"], text="看看")


def test_a_person_is_told_once_per_task(world):
    document = w.submitted(world)
    task = w.open_task(document)
    assert Notice.objects.filter(user=world["ecommerce_manager"], key=f"task:{task.pk}").count() == 1


def test_the_submit_command_walks_the_same_function_with_the_same_rights(world):
    document = w.draft_price_list(world, ["95"])
    w.explain_all(document, by=world["product_strategy"])
    with pytest.raises(CommandError, match="knows no document"):
        call_command("submit_document", document.number, "--as", "customer_service")
    with pytest.raises(CommandError, match="may not submit"):
        call_command("submit_document", document.number, "--as", "finance")
    call_command("submit_document", document.number, "--as", "product_strategy")
    assert fresh(document).state == "in_approval"
