"""A right that is gone is gone for the very next request: on pages, in what scripts read, and in downloads."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from approvals.models import ArchiveRecord, Document, Flow
from approvals.pricelists import importing
from opsadmin.core import jobs
from opsadmin.core.models import Job, JobState
from orgchart import changes
from orgchart.models import Position
from staffing.models import Assignment, StoreCharge
from staffing.posts import follow_posts, map_role
from staffing.services import end_charge
from tests.approvals.world import (
    complete,
    draft_price_list,
    file,
    make_world,
    open_task,
    sign,
    submitted,
)
from tests.reliability.visiting import BACKEND

REFUSED = {403, 404}


pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(rolled_back):
    """A price list that is being carried out in two stores, another one in draft, with an import; and a set of changes
    of the organisation."""
    world = make_world()
    document = submitted(world, ("95", "100"))
    sign(world, document)
    file(world, document)
    complete(world, document)
    world.document = Document.objects.get(pk=document.pk)
    world.draft = draft_price_list(world, ("95",))
    upload = SimpleUploadedFile("a.csv", "商品编码,参考价,执行价\n".encode())
    by = world["product_strategy"]
    world.imported = importing.start_import(world.draft.pk, by=by, uploaded=upload)
    world.change_set = changes.draft_set(by=world["hr"], title="调整")
    return world


def drafters_requests(world):
    """A page, what a script reads, a download, a form; what one has written one may still read."""
    draft = world.draft.pk
    return [
        ("get", reverse("admin:draft_header", args=[draft]), {}),
        ("get", reverse("admin:import_state", args=[world.imported.pk]), {}),
        ("get", reverse("admin:draft_export", args=[draft]), {}),
        ("post", reverse("admin:draft_line_add", args=[draft]), {"sku": world.goods[2].code}),
    ]


def agents_requests(world):
    task = open_task(world.document, world["customer_service"])
    return [
        ("get", reverse("admin:execute", args=[task.pk]), {}),
        ("post", reverse("admin:execute_file", args=[task.pk]), {}),
        ("post", reverse("admin:execute_receipt", args=[task.pk]), {"applied": "2"}),
    ]


def filers_requests(world):
    number = ArchiveRecord.objects.get(kind="filing").number
    return [
        ("get", reverse("admin:archive"), {}),
        ("get", reverse("admin:archive_record", args=[number]), {}),
        ("get", reverse("admin:archive_package", args=[number]), {}),
        ("post", reverse("admin:archive_pack"), {"record": "1"}),
    ]


def structures_requests(world):
    one = [world.change_set.pk]
    return [
        ("get", reverse("admin:reorganisation_new"), {}),
        ("get", reverse("admin:org_change_set", args=one), {}),
        ("get", reverse("admin:org_change_tray"), {"set": world.change_set.pk}),
        ("get", reverse("admin:hiring_requests"), {}),
        ("get", reverse("admin:hiring_request_new"), {}),
        ("get", reverse("admin:staffing_employee_changelist"), {}),
        ("post", reverse("admin:org_change_draft"), {"title": "另一个"}),
        (
            "post",
            reverse("admin:org_change_item"),
            {"set": world.change_set.pk, "do": "close", "card": "p:manager"},
        ),
        ("post", reverse("admin:org_change_set_discard", args=one), {}),
        ("post", reverse("admin:hiring_request_new"), {}),
    ]


def policys_requests(world):
    return [
        ("get", reverse("admin:guard_policy"), {}),
        ("get", reverse("admin:guard_policy_propose"), {}),
        ("post", reverse("admin:guard_policy_propose"), {}),
        ("post", reverse("admin:guard_policy_answer", args=[1]), {"answer": "confirm"}),
    ]


def settings_requests(world):
    flow = Flow.objects.get(code="price_list").pk
    return [
        ("get", reverse("admin:core_user_changelist"), {}),
        ("get", reverse("admin:approvals_flow_change", args=[flow]), {}),
        ("get", reverse("admin:core_calendarday_add"), {}),
        ("post", reverse("admin:core_calendarday_add"), {"date": "2027-01-01", "name": "元旦"}),
        ("post", reverse("admin:approvals_flow_new_version", args=[flow]), {}),
        ("post", reverse("admin:account_end_sessions", args=[world["hr"].pk]), {}),
    ]


def session(user):
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def statuses(client, requests):
    return [getattr(client, method)(path, data).status_code for method, path, data in requests]


def withdraw_right(world, user):
    user.groups.clear()


def switch_off(world, user):
    type(user).objects.filter(pk=user.pk).update(is_active=False)


REQUESTS = {
    "product_strategy": drafters_requests,
    "customer_service": agents_requests,
    "finance": filers_requests,
    "hr": structures_requests,
    "ecommerce_manager": policys_requests,
    "administrator": settings_requests,
}


@pytest.mark.parametrize("role", REQUESTS)
def test_after_a_right_is_withdrawn_the_very_next_request_is_refused(world, role):
    client, requests = session(world[role]), REQUESTS[role](world)
    assert not REFUSED & set(statuses(client, [one for one in requests if one[0] == "get"]))
    withdraw_right(world, world[role])
    assert set(statuses(client, requests)) <= REFUSED


@pytest.mark.parametrize("role", REQUESTS)
def test_after_an_account_is_switched_off_its_open_session_only_reaches_the_sign_in(world, role):
    client, requests = session(world[role]), REQUESTS[role](world)
    client.get(requests[0][1])
    switch_off(world, world[role])
    for method, path, data in requests:
        answer = getattr(client, method)(path, data)
        assert answer.status_code == 302 and "/login/" in answer.url


def test_after_a_store_has_passed_to_another_its_task_and_files_are_gone(world):
    agent = world["customer_service"]
    client, requests = session(agent), agents_requests(world)
    assert not REFUSED & set(statuses(client, requests[:1]))
    StoreCharge.objects.update(start=timezone.localdate() - timedelta(days=5))
    for charge in StoreCharge.objects.filter(employee=agent.account.employee):
        end_charge(charge.pk, end=timezone.localdate(), by=world["hr"])
    assert set(statuses(client, requests)) <= REFUSED


def test_after_somebody_has_left_a_post_the_role_of_the_post_is_gone(world):
    """The role comes with the position: who is moved to another one loses it with the next request."""
    manager = world["ecommerce_manager"]
    manager.groups.clear()
    map_role(position=world.manager_position.pk, role="ecommerce_manager", by=world["administrator"])
    follow_posts(timezone.localdate())
    client, inbox = session(manager), [("get", reverse("admin:inbox"), {})]
    assert statuses(client, inbox) == [200]
    held = Assignment.objects.filter(position=world.manager_position)
    held.update(start=timezone.localdate() - timedelta(days=5), end=timezone.localdate())
    follow_posts(timezone.localdate())
    assert set(statuses(client, inbox)) <= REFUSED
    assert Position.objects.filter(pk=world.manager_position.pk).exists()


def test_a_job_of_an_account_that_lost_its_right_writes_nothing_and_says_why(world):
    jobs.run(world.imported.job_id)
    world.imported.refresh_from_db()
    Job.objects.filter(pk=world.imported.job_id).update(state=JobState.DONE)
    job = jobs.enqueue(
        "write_lines",
        {
            "import": world.imported.pk,
            "by": world["product_strategy"].pk,
            "mode": "merge",
            "confirm_number": "",
        },
        by=world["product_strategy"],
    )
    switch_off(world, world["product_strategy"])
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED and "无权" in job.error
