"""Flows are changed by versions: drafted, checked, published; what has been in use never changes."""

import html
import threading

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connections, transaction
from django.urls import reverse

from approvals.flow import versions
from approvals.flow.routing import version_for
from approvals.models import Flow, FlowStep, FlowVersion, PriceList
from opsadmin.core.refusals import Refusal
from tests.factories import UserFactory, moment
from tests.reliability.forms import form_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def flow(company):
    return Flow.objects.get(code="price-list")


@pytest.fixture
def administrator(account):
    return account("admin")


@pytest.fixture
def drafted(flow, administrator):
    return versions.new_version(flow.pk, by=administrator)


def steps_of(version):
    return list(version.steps.values_list(*versions.COPIED))


def text(answer):
    return html.unescape(answer.content.decode())


def test_the_next_version_begins_as_a_copy_of_the_one_in_use(flow, drafted):
    in_use = flow.versions.get(state="in_use")
    assert (drafted.number, drafted.state) == (2, "draft")
    assert steps_of(drafted) == steps_of(in_use)


def test_there_is_one_draft_at_a_time(flow, drafted, administrator):
    with pytest.raises(Refusal, match="already a draft"):
        versions.new_version(flow.pk, by=administrator)


def test_publishing_puts_one_version_in_use_and_retires_the_other(flow, drafted, administrator):
    versions.publish(drafted.pk, by=administrator)
    assert dict(flow.versions.values_list("number", "state")) == {1: "retired", 2: "in_use"}
    drafted.refresh_from_db()
    assert drafted.published_by == administrator and drafted.published_at


def test_publishing_twice_changes_nothing(drafted, administrator):
    first = versions.publish(drafted.pk, by=administrator)
    assert versions.publish(drafted.pk, by=administrator).published_at == first.published_at


def test_a_retired_version_does_not_come_back(flow, drafted, administrator):
    versions.publish(drafted.pk, by=administrator)
    with pytest.raises(Refusal, match="retired"):
        versions.publish(flow.versions.get(number=1).pk, by=administrator)


@pytest.mark.parametrize("username", ["manager", "finance", "general", "hr", "auditor", "strategy"])
def test_only_the_administrator_changes_flows(flow, drafted, account, username):
    with pytest.raises(PermissionDenied):
        versions.new_version(flow.pk, by=account(username))
    with pytest.raises(PermissionDenied):
        versions.publish(drafted.pk, by=account(username))


def test_a_version_that_has_been_in_use_does_not_change_even_by_sql(flow):
    step = flow.versions.get(state="in_use").steps.first()
    for change in (
        lambda: FlowStep.objects.filter(pk=step.pk).update(name="anders"),
        lambda: FlowStep.objects.filter(pk=step.pk).delete(),
        lambda: FlowStep.objects.create(version=step.version, order=99, kind="sign", name="x"),
    ):
        with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
            change()


def test_a_published_version_is_what_new_submissions_walk(drafted, administrator, account):
    document = PriceList(
        kind="price_list", number="JG-2030-9999", title="x", effective_from=moment("2030-01-01 00:00")
    )
    assert version_for(document).number == 1
    drafted.steps.filter(kind="complete").delete()
    versions.publish(drafted.pk, by=administrator)
    version = version_for(document)
    assert version.number == 2 and "complete" not in version.steps.values_list("kind", flat=True)


@pytest.mark.parametrize(
    ("kinds", "sentence"),
    [
        (["sign", "execute"], "exactly one step that files"),
        (["sign", "file", "file"], "exactly one step that files"),
        (["file", "execute"], "review or sign before the filing"),
        (["sign", "execute", "file"], "come before the filing"),
        (["sign", "file", "sign"], "come before the filing"),
        (["sign", "file", "execute", "complete"], "once, and last"),
    ],
)
def test_a_flow_in_a_wrong_order_is_not_published(drafted, administrator, kinds, sentence):
    drafted.steps.all().delete()
    for order, kind in enumerate(kinds, start=1):
        FlowStep.objects.create(
            version=drafted, order=order, kind=kind, name=kind, assignee_kind="role", assignee="finance"
        )
    with pytest.raises(Refusal, match=sentence):
        versions.publish(drafted.pk, by=administrator)
    drafted.refresh_from_db()
    assert drafted.state == "draft"


@pytest.mark.parametrize(
    ("kind", "which"),
    [
        ("role", "nobody"),
        ("position", "no-post"),
        ("department_head", "nowhere"),
        ("person", "ghost"),
        ("role", ""),
    ],
)
def test_a_step_that_names_nobody_is_not_published(drafted, administrator, kind, which):
    drafted.steps.filter(order=1).update(assignee_kind=kind, assignee=which)
    with pytest.raises(Refusal, match="does not exist"):
        versions.publish(drafted.pk, by=administrator)


def test_a_fallback_that_does_not_exist_is_not_published(drafted, administrator):
    drafted.steps.filter(order=1).update(fallback_kind="position", fallback="no-post")
    with pytest.raises(Refusal, match="does not exist"):
        versions.publish(drafted.pk, by=administrator)


@pytest.mark.django_db(transaction=True)
def test_two_drafts_at_once_leave_one(company, account):
    administrator, flow = account("admin"), Flow.objects.get(code="price-list")
    barrier, refused = threading.Barrier(2), []

    def draft():
        try:
            barrier.wait(10)
            versions.new_version(flow.pk, by=administrator)
        except Refusal as refusal:
            refused.append(refusal)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=draft) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1 and flow.versions.count() == 2


class TestPages:
    """The same acts through the pages of the administrator."""

    @pytest.fixture
    def client(self, signed_in, administrator):
        return signed_in(administrator)

    def post_steps(self, client, version, steps, **more):
        """Post the page of a version with these steps; each is a dict of its fields."""
        data = {"steps-TOTAL_FORMS": len(steps), "steps-INITIAL_FORMS": sum("id" in step for step in steps)}
        for number, step in enumerate(steps):
            data |= {f"steps-{number}-{name}": value for name, value in step.items()}
            data[f"steps-{number}-version"] = version.pk
        return client.post(reverse("admin:approvals_flowversion_change", args=[version.pk]), data | more)

    def as_posted(self, version):
        return [
            {
                "id": step.pk,
                "place": step.order,
                "kind": step.kind,
                "name": step.name,
                "who": f"{step.assignee_kind}:{step.assignee}",
                "fallback_who": f"{step.fallback_kind}:{step.fallback}" if step.fallback_kind else "",
                "fact": step.condition.get("fact", ""),
                "above": step.condition.get("above", ""),
                "quorum": step.quorum,
                "quorum_number": 1,
                "edits_lines": "on" if step.edits_lines else "",
                "days_before": step.days_before,
            }
            for step in version.steps.all()
        ]

    def test_a_draft_is_made_and_published_by_post_only(self, client, flow):
        new = reverse("admin:approvals_flow_new_version", args=[flow.pk])
        assert client.get(new).status_code == 405
        assert client.post(new).status_code == 302
        version = flow.versions.get(number=2)
        publish = reverse("admin:approvals_flowversion_publish", args=[version.pk])
        assert client.get(publish).status_code == 405
        client.post(publish)
        version.refresh_from_db()
        assert version.state == "in_use"

    def test_saving_the_page_without_a_change_keeps_the_steps(self, client, drafted):
        before = steps_of(drafted)
        assert self.post_steps(client, drafted, self.as_posted(drafted)).status_code == 302
        assert steps_of(drafted) == before

    def test_steps_change_places(self, client, drafted):
        steps = self.as_posted(drafted)
        steps[0]["place"], steps[1]["place"] = 2, 1
        assert self.post_steps(client, drafted, steps).status_code == 302
        assert list(drafted.steps.values_list("order", "name"))[:2] == [(1, "升签"), (2, "审核签字")]

    def test_a_step_is_added_and_another_taken_out(self, client, drafted):
        steps = self.as_posted(drafted)
        steps[3]["DELETE"] = "on"
        steps.append(
            {
                "place": 2,
                "kind": "review",
                "name": "复核",
                "who": "superior:2",
                "quorum": "any",
                "quorum_number": 1,
                "days_before": 3,
                "fact": "money_at_risk",
                "above": 5000,
            }
        )
        assert self.post_steps(client, drafted, steps).status_code == 302
        names = list(drafted.steps.values_list("name", flat=True))
        assert "补充活动信息" not in names and "复核" in names
        added = drafted.steps.get(name="复核")
        assert (added.assignee_kind, added.level) == ("superior", 2)
        assert added.condition == {"fact": "money_at_risk", "above": 5000}

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"who": "role:nobody"}, "not one of the available choices"),
            ({"who": ""}, "required"),
            ({"place": "first"}, "whole number"),
            ({"fact": "sign", "above": ""}, "Write the number above which"),
        ],
    )
    def test_a_wrong_step_is_refused_with_a_sentence(self, client, drafted, values, sentence):
        before = steps_of(drafted)
        steps = self.as_posted(drafted)
        steps[0] |= values
        response = self.post_steps(client, drafted, steps)
        assert response.status_code == 200 and sentence in response.content.decode()
        assert steps_of(drafted) == before

    def test_a_version_in_use_is_read_only(self, client, flow):
        version = flow.versions.get(state="in_use")
        page = reverse("admin:approvals_flowversion_change", args=[version.pk])
        text = client.get(page).content.decode()
        assert "审核签字" in text and 'name="steps-0-name"' not in text
        assert client.post(page, {}).status_code == 403

    def test_what_is_wrong_with_a_draft_is_said_on_its_page(self, client, drafted):
        drafted.steps.filter(kind="file").delete()
        publish = reverse("admin:approvals_flowversion_publish", args=[drafted.pk])
        response = client.post(publish, follow=True)
        assert "exactly one step that files" in response.content.decode()

    def test_others_read_flows_and_are_offered_no_button(self, signed_in, flow):
        client = signed_in(UserFactory(roles=["auditor"]))
        text = client.get(reverse("admin:approvals_flow_change", args=[flow.pk])).content.decode()
        assert "价格表流程" in text and "new-version" not in text
        assert client.post(reverse("admin:approvals_flow_new_version", args=[flow.pk])).status_code == 403
        assert FlowVersion.objects.filter(flow=flow).count() == 1

    def test_steps_saved_late_show_both_versions_and_then_yield_to_who_saves_again(self, client, drafted):
        page = reverse("admin:approvals_flowversion_change", args=[drafted.pk])
        form = form_of(client.get(page), "steps-0-name") | {"steps-0-name": ["我的审核"]}
        drafted.steps.filter(order=1).update(name="别人的审核")
        late = client.post(page, form)
        assert late.status_code == 200 and drafted.steps.get(order=1).name == "别人的审核"
        assert "“别人的审核”" in text(late) and "“我的审核”" in text(late)
        assert client.post(page, form_of(late, "steps-0-name")).status_code == 302
        assert drafted.steps.get(order=1).name == "我的审核"

    def test_steps_that_somebody_added_or_took_out_meanwhile_are_named(self, client, drafted):
        page = reverse("admin:approvals_flowversion_change", args=[drafted.pk])
        form = form_of(client.get(page), "steps-0-name")
        last = drafted.steps.last()
        drafted.steps.create(
            order=last.order + 1, kind="inform", name="知会", assignee_kind="role", assignee="hr"
        )
        before = steps_of(drafted)
        late = client.post(page, form)
        assert "added or removed steps meanwhile" in text(late) and "、知会" in text(late)
        assert steps_of(drafted) == before

    def test_steps_saved_after_somebody_published_the_version_change_nothing_and_it_says_so(
        self, client, drafted
    ):
        page = reverse("admin:approvals_flowversion_change", args=[drafted.pk])
        form = form_of(client.get(page), "steps-0-name")
        client.post(reverse("admin:approvals_flowversion_publish", args=[drafted.pk]))
        before = steps_of(drafted)
        assert "no draft any more" in text(client.post(page, form, follow=True))
        assert steps_of(drafted) == before
